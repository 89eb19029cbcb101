//! What is known of ImageNet's 1,000 classes (Russakovsky et al. 2015, "ImageNet Large Scale Visual
//! Recognition Challenge") without having its images.

use super::Normalization;

/// The name of each class, in the order of torchvision's weights: of the synset's words, the first, and a
/// second one behind it where another class would have the same name.
///
/// ```
/// let names = residual::data::imagenet::classes();
/// assert_eq!((names.len(), names[0].as_str(), names[999].as_str()), (1000, "tench", "toilet tissue"));
/// ```
pub fn classes() -> Vec<String> {
    include_str!("../../datasets/imagenet/classes.txt").lines().map(str::to_owned).collect()
}

/// What normalises images for networks that learned from ImageNet; for grey images, the mean of
/// the three channels' numbers.
///
/// ```
/// assert_eq!(residual::data::imagenet::normalization(3).mean, [0.485, 0.456, 0.406]);
/// ```
///
/// # Panics
/// If `channels` is neither 1 nor 3.
#[track_caller]
pub fn normalization(channels: usize) -> Normalization {
    match channels {
        1 => Normalization { mean: vec![0.449], std: vec![0.226] },
        3 => Normalization { mean: vec![0.485, 0.456, 0.406], std: vec![0.229, 0.224, 0.225] },
        _ => panic!("pictures have 1 channel or 3, not {channels}"),
    }
}
