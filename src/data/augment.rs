//! Random changes that leave an image's class alone.
//!
//! The recipe for small images is that of He et al. (2015), section 4.2: pad 4 black pixels on each
//! side, crop a window of the original size at random, mirror every second image.
//!
//! What happens to an image depends on the seed, the epoch and the image's position in its set, and
//! on nothing else: not on the batch that it falls into, not on threads.

use crate::{
    error::{Error, clip},
    rng::{self, Generator},
};
use std::{fmt, str::FromStr};

/// Pixels of black on each side before the crop.
const PADDING: usize = 4;

/// How many words of the epoch's stream belong to one image; three draws take six.
const WORDS_PER_IMAGE: u64 = 16;

/// What is done to training images.
///
/// ```
/// use residual::data::Augment;
/// assert_eq!("crop-flip".parse::<Augment>().unwrap(), Augment::CropFlip);
/// assert!("flip".parse::<Augment>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Augment {
    /// Nothing.
    #[default]
    None,
    /// Pad 4, crop at random, mirror every second image.
    CropFlip,
}

impl fmt::Display for Augment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::CropFlip => "crop-flip",
        })
    }
}

impl FromStr for Augment {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let all = [Self::None, Self::CropFlip];
        all.into_iter().find(|augment| augment.to_string() == name).ok_or_else(|| Error::Argument {
            name: "--augment".into(),
            expected: "none or crop-flip".into(),
            found: format!("`{}`", clip(name)),
            hint: "crop-flip pads 4, crops at random and mirrors every second image".into(),
        })
    }
}

/// Where the crop starts in the padded image, and whether it is mirrored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CropFlip {
    /// The window's first row, 0..=8; 4 is the image itself.
    pub row: usize,
    /// The window's first column, 0..=8; 4 is the image itself.
    pub col: usize,
    /// Left and right change places.
    pub flip: bool,
}

impl CropFlip {
    // ANCHOR: draw
    /// What happens to the image at `position` of its set, in an epoch whose [`stream`] this is.
    pub fn draw(stream: &mut Generator, position: usize) -> Self {
        stream.seek(position as u64 * WORDS_PER_IMAGE);
        let [row, col] = std::array::from_fn(|_| stream.below(2 * PADDING + 1));
        Self { row, col, flip: stream.below(2) == 1 }
    }
    // ANCHOR_END: draw

    /// Writes the changed `image` of `size` (H, W, C) to `out`.
    ///
    /// # Panics
    /// If either is not of that size.
    #[track_caller]
    // ANCHOR: apply
    pub fn apply(self, image: &[u8], size: [usize; 3], out: &mut [u8]) {
        let [height, width, channels] = size;
        assert_eq!([image.len(), out.len()], [height * width * channels; 2], "images of {size:?}");
        // Output column c shows source column c + col - 4; both ends of what exists, in numbers.
        let first = PADDING.saturating_sub(self.col).min(width) * channels;
        let source = self.col.saturating_sub(PADDING).min(width) * channels;
        let row_len = width * channels;
        let seen = row_len - first.max(source);
        out.fill(0);
        for (row, to) in out.chunks_exact_mut(row_len).enumerate() {
            let Some(from) = (row + self.row).checked_sub(PADDING).filter(|&from| from < height) else {
                continue;
            };
            to[first..][..seen].copy_from_slice(&image[from * row_len + source..][..seen]);
            if self.flip {
                mirror(to, channels);
            }
        }
    }
    // ANCHOR_END: apply
}

/// The random numbers of one epoch's augmentation.
pub fn stream(seed: u64, epoch: usize) -> Generator {
    Generator::new(seed, rng::AUGMENT + epoch as u64)
}

/// Reverses the pixels of a row, not the channels of a pixel.
fn mirror(row: &mut [u8], channels: usize) {
    row.reverse();
    if channels > 1 {
        row.chunks_exact_mut(channels).for_each(<[u8]>::reverse);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, pixel by pixel: pad, crop, mirror.
    fn naive(change: CropFlip, image: &[u8], [height, width, channels]: [usize; 3]) -> Vec<u8> {
        let mut out = Vec::new();
        for row in 0..height {
            for col in 0..width {
                let col = if change.flip { width - 1 - col } else { col };
                let (row, col) = (row + change.row, col + change.col);
                let inside = (4..4 + height).contains(&row) && (4..4 + width).contains(&col);
                let at = |channel| ((row - 4) * width + col - 4) * channels + channel;
                out.extend((0..channels).map(|channel| if inside { image[at(channel)] } else { 0 }));
            }
        }
        out
    }

    #[test]
    fn crop_flip_is_its_definition_at_every_offset() {
        for size @ [height, width, channels] in [[5, 7, 1], [9, 6, 3], [2, 3, 1], [1, 1, 2], [4, 4, 1]] {
            let image: Vec<_> = (0..height * width * channels).map(|i| i as u8 + 1).collect();
            for (row, col, flip) in (0..162).map(|i| (i / 18, i / 2 % 9, i % 2 == 1)) {
                let change = CropFlip { row, col, flip };
                let mut out = vec![99; image.len()];
                change.apply(&image, size, &mut out);
                assert_eq!(out, naive(change, &image, size), "{change:?} of {size:?}");
            }
        }
    }

    #[test]
    fn the_middle_crop_is_the_image() {
        let image: Vec<_> = (0..60).collect();
        let mut out = vec![0; 60];
        CropFlip { row: 4, col: 4, flip: false }.apply(&image, [4, 5, 3], &mut out);
        assert_eq!(out, image);
    }

    #[test]
    fn draws_depend_on_seed_epoch_and_position_only() {
        let draws = |seed, epoch, positions: &[usize]| -> Vec<_> {
            let mut stream = stream(seed, epoch);
            positions.iter().map(|&position| CropFlip::draw(&mut stream, position)).collect()
        };
        let mut forwards = draws(7, 3, &[0, 1, 2, 500, 59_999]);
        forwards.reverse();
        assert_eq!(forwards, draws(7, 3, &[59_999, 500, 2, 1, 0]));
        let many: Vec<_> = (0..100).collect();
        assert_ne!(draws(7, 3, &many), draws(7, 4, &many));
        assert_ne!(draws(7, 3, &many), draws(8, 3, &many));
    }

    #[test]
    fn every_offset_is_as_likely_as_the_others() {
        const IMAGES: usize = 9_000;
        let mut stream = stream(0, 0);
        let (mut rows, mut cols, mut flips) = ([0; 9], [0; 9], 0);
        for change in (0..IMAGES).map(|position| CropFlip::draw(&mut stream, position)) {
            rows[change.row] += 1;
            cols[change.col] += 1;
            flips += usize::from(change.flip);
        }
        // Five standard deviations of a binomial count.
        assert!(rows.iter().chain(&cols).all(|&count: &i32| (count - 1000).abs() < 150), "{rows:?} {cols:?}");
        assert!(flips.abs_diff(IMAGES / 2) < 240, "{flips}");
    }
}
