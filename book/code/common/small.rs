//! Smaller pictures, for experiments that have to be over soon.

use residual::data::{Dataset, Images, Normalization};

/// The first `count` images of `source`, `by` times smaller on both sides: each pixel is the mean of
/// `by` times `by`.
pub fn smaller(source: &Dataset, count: usize, by: usize) -> Dataset {
    let [height, width, channels] = source.size();
    let size @ [rows, cols, _] = [height / by, width / by, channels];
    let mut pixels = Vec::with_capacity(count * rows * cols * channels);
    for image in (0..count).map(|i| source.image(i)) {
        for at in 0..rows * cols * channels {
            let (row, col, channel) = (at / channels / cols, at / channels % cols, at % channels);
            let tile = (0..by * by).map(|i| {
                let (row, col) = (row * by + i / by, col * by + i % by);
                usize::from(image[(row * width + col) * channels + channel])
            });
            pixels.push((tile.sum::<usize>() / (by * by)) as u8);
        }
    }
    let images = Images {
        name: source.name().into(),
        path: None,
        size,
        pixels,
        labels: (0..count).map(|i| source.label(i)).collect(),
        classes: source.classes().to_vec(),
    };
    let normalization = Normalization::of(&images);
    Dataset::new(images, normalization)
}
