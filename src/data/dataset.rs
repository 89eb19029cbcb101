//! [`Dataset`]: labelled images as bytes.

use super::normalization::Normalization;
use std::{path::PathBuf, sync::Arc};

/// Labelled images as they stand in their files, all of one size.
#[derive(Clone, Debug)]
pub struct Images {
    /// What the set is called: `fashion-mnist`.
    pub name: String,
    /// The folder that it was read from; none if it was made up.
    pub path: Option<PathBuf>,
    /// Height, width, channels.
    pub size: [usize; 3],
    /// Image after image, row after row, each pixel's channels together: (N, H, W, C).
    pub pixels: Vec<u8>,
    /// The class of each image.
    pub labels: Vec<usize>,
    /// The name of each class.
    pub classes: Vec<String>,
}

/// Labelled images, ready to be loaded. Cheap to clone and to [`select`](Self::select) from: the
/// bytes are shared.
///
/// ```
/// use residual::data::{Dataset, Images, Normalization};
/// let images = Images {
///     name: "two dots".into(),
///     path: None,
///     size: [1, 1, 1],
///     pixels: vec![0, 255],
///     labels: vec![0, 1],
///     classes: vec!["dark".into(), "light".into()],
/// };
/// let normalization = Normalization::of(&images);
/// let dots = Dataset::new(images, normalization);
/// assert_eq!((dots.len(), dots.label(1), dots.image(1)), (2, 1, &[255][..]));
/// assert_eq!(dots.select([1]).label(0), 1);
/// ```
#[derive(Clone, Debug)]
pub struct Dataset {
    images: Arc<Images>,
    normalization: Normalization,
    members: Arc<[usize]>,
}

impl Dataset {
    /// All of `images`.
    ///
    /// # Panics
    /// If pixels, labels, classes and channels do not fit together.
    #[track_caller]
    pub fn new(images: Images, normalization: Normalization) -> Self {
        let (count, size) = (images.labels.len(), images.size.iter().product::<usize>());
        assert_eq!(images.pixels.len(), count * size, "{count} images of {:?}", images.size);
        normalization.assert_fits(images.size[2]);
        let classes = images.classes.len();
        assert!(images.labels.iter().all(|&label| label < classes), "a label is not below {classes}");
        Self { images: images.into(), normalization, members: (0..count).collect() }
    }

    /// Some of these images, in the order given; their bytes are not copied.
    ///
    /// # Panics
    /// If a position is not below [`len`](Self::len).
    #[track_caller]
    pub fn select(&self, positions: impl IntoIterator<Item = usize>) -> Self {
        let members = positions.into_iter().map(|at| self.members[at]).collect();
        Self { members, ..self.clone() }
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The bytes of image `i`, row after row, each pixel's channels together: (H, W, C).
    ///
    /// # Panics
    /// If `i` is not below [`len`](Self::len).
    #[track_caller]
    pub fn image(&self, i: usize) -> &[u8] {
        let size = self.images.size.iter().product::<usize>();
        &self.images.pixels[self.members[i] * size..][..size]
    }

    /// The class of image `i`.
    ///
    /// # Panics
    /// If `i` is not below [`len`](Self::len).
    #[track_caller]
    pub fn label(&self, i: usize) -> usize {
        self.images.labels[self.members[i]]
    }

    /// Height, width, channels.
    pub fn size(&self) -> [usize; 3] {
        self.images.size
    }

    /// The name of each class.
    pub fn classes(&self) -> &[String] {
        &self.images.classes
    }

    /// The same images, normalised by something else: by what other images say, say, that a network
    /// learned from.
    ///
    /// # Panics
    /// If it does not have a mean and a standard deviation for each channel.
    #[track_caller]
    pub fn normalized_by(self, normalization: Normalization) -> Self {
        normalization.assert_fits(self.images.size[2]);
        Self { normalization, ..self }
    }

    /// What normalises the images.
    pub fn normalization(&self) -> &Normalization {
        &self.normalization
    }

    /// What the set is called.
    pub fn name(&self) -> &str {
        &self.images.name
    }

    /// The folder that it was read from; none if it was made up.
    pub fn path(&self) -> Option<&std::path::Path> {
        self.images.path.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "a label is not below 1")]
    fn a_label_beyond_the_classes_is_a_bug() {
        let images = Images {
            name: "test".into(),
            path: None,
            size: [1, 1, 1],
            pixels: vec![0],
            labels: vec![1],
            classes: vec!["all".into()],
        };
        Dataset::new(images, Normalization { mean: vec![0.0], std: vec![1.0] });
    }
}
