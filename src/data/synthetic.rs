//! Made-up images that can be learned in seconds: bright bars, each class at its own angle.

use super::{dataset::Images, split::Sets};
use crate::rng::{self, Generator};
use std::f64::consts::PI;

/// So many training and test images of `size` (H, W, C) each, of `classes` classes in turn.
///
/// Class k is a bar at k/classes of half a turn, near the middle, in a random bright colour, on
/// dark noise. Equal arguments give equal images.
///
/// ```
/// use residual::data::synthetic;
/// let sets = synthetic::bars([8, 8, 3], 4, 20, 7);
/// assert_eq!((sets.train.len(), sets.test.len(), sets.train.size()), (20, 20, [8, 8, 3]));
/// assert_eq!([sets.train.label(0), sets.train.label(5)], [0, 1]);
/// ```
///
/// # Panics
/// If there are no classes, no images, or no pixels.
#[track_caller]
pub fn bars(size: [usize; 3], classes: usize, images: usize, seed: u64) -> Sets {
    assert!(classes > 0 && images > 0 && size.iter().all(|&extent| extent > 0), "{images} images {size:?}");
    let [train, test] = [0, 1].map(|part| {
        let mut generator = Generator::new(seed, rng::SYNTHETIC + part);
        let labels: Vec<_> = (0..images).map(|i| i % classes).collect();
        let mut pixels = Vec::with_capacity(images * size.iter().product::<usize>());
        for &label in &labels {
            bar(size, PI * label as f64 / classes as f64, &mut generator, &mut pixels);
        }
        let classes = (0..classes).map(|class| format!("{}°", class * 180 / classes)).collect();
        Images { name: "synthetic".into(), path: None, size, pixels, labels, classes }
    });
    Sets::new(train, test)
}

/// Appends one image: a bar at `angle`, its centre moved by up to an eighth of the image.
fn bar(size: [usize; 3], angle: f64, generator: &mut Generator, pixels: &mut Vec<u8>) {
    let [height, width, channels] = size;
    let mut centre = |extent: usize| extent as f64 * (0.5 + (generator.uniform() - 0.5) / 4.0) - 0.5;
    let [cy, cx] = [centre(height), centre(width)];
    let colour: Vec<_> = (0..channels).map(|_| 150.0 + 75.0 * generator.uniform()).collect();
    let half_width = (height.min(width) as f64 / 12.0).max(0.75);
    let (sin, cos) = angle.sin_cos();
    for row in 0..height {
        for col in 0..width {
            let distance = ((col as f64 - cx) * sin - (row as f64 - cy) * cos).abs();
            let light = (half_width + 0.5 - distance).clamp(0.0, 1.0);
            pixels.extend(colour.iter().map(|c| (c * light + 30.0 * generator.uniform()) as u8));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_arguments_give_equal_images() {
        let image = |seed| bars([9, 7, 3], 4, 6, seed).train.image(5).to_vec();
        assert_eq!(image(1), image(1));
        assert_ne!(image(1), image(2));
    }

    #[test]
    fn the_nearest_class_mean_recognises_most_test_images() {
        let sets = bars([12, 12, 1], 4, 400, 0);
        let mut sums = vec![[0.0f64; 144]; 4];
        for i in 0..sets.train.len() {
            let sum = &mut sums[sets.train.label(i)];
            sum.iter_mut().zip(sets.train.image(i)).for_each(|(sum, &x)| *sum += f64::from(x) / 100.0);
        }
        let distance = |mean: &[f64], image: &[u8]| -> f64 {
            mean.iter().zip(image).map(|(m, &x)| (m - f64::from(x)).powi(2)).sum()
        };
        let nearest = |image: &[u8]| {
            (0..4).min_by(|&a, &b| distance(&sums[a], image).total_cmp(&distance(&sums[b], image)))
        };
        let right = (0..400).filter(|&i| nearest(sets.test.image(i)) == Some(sets.test.label(i))).count();
        assert!(right >= 320, "{right} of 400");
    }
}
