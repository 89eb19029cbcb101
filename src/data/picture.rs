//! [`Picture`]: an image of any size, cut to what a network takes.
//!
//! Every output pixel is a weighted mean of input pixels around its place, with weights that fall
//! linearly to zero (a triangle). Where the picture shrinks, the triangle is as many times wider, so
//! that no input pixel is passed over: without that, fine patterns turn into coarse ones (aliasing).
//!
//! ```text
//! out[o] = sum of w(i - centre) * in[i],   centre = (o + 1/2) * input / output - 1/2
//! w(d)   = max(0, 1 - |d| / reach),        reach  = max(1, input / output),      scaled to sum 1
//! ```
//!
//! The two axes are resampled one after the other, columns first. Weights are integers of 22 binary
//! places and each pass rounds to bytes: so does Pillow, and the two agree to the last bit. But where
//! a picture is much higher than wide, Pillow takes the rows first, and bytes may differ by one.

use std::ops::Range;

/// An image of any size as bytes, in grey or in colour.
///
/// ```
/// use residual::data::Picture;
/// let wide = Picture::new([1, 4, 1], vec![10, 20, 30, 40]);
/// assert_eq!(wide.square(1, 1).pixels(), [30]); // the second of the middle two
/// assert_eq!(wide.channels(3).square(1, 1).pixels(), [30, 30, 30]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    size: [usize; 3],
    pixels: Vec<u8>,
}

/// What a weight of 1 is.
const UNIT: u32 = 1 << 22;

impl Picture {
    /// Of (height, width, channels), row after row, each pixel's channels together.
    ///
    /// # Panics
    /// If there are more or fewer bytes, none at all, or the channels are not 1, grey, or 3, red,
    /// green and blue.
    #[track_caller]
    pub fn new(size: [usize; 3], pixels: Vec<u8>) -> Self {
        assert!(size[0] > 0 && size[1] > 0 && [1, 3].contains(&size[2]), "a picture of {size:?}");
        assert_eq!(size.iter().product::<usize>(), pixels.len(), "bytes of a picture of {size:?}");
        Self { size, pixels }
    }

    /// Height, width, channels.
    pub fn size(&self) -> [usize; 3] {
        self.size
    }

    /// Row after row, each pixel's channels together.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// In grey (1) or in colour (3). Grey is the luma of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B;
    /// colour from grey has three equal channels.
    ///
    /// # Panics
    /// If `channels` is neither.
    #[track_caller]
    pub fn channels(self, channels: usize) -> Self {
        let [height, width, from] = self.size;
        let pixels = match (from, channels) {
            _ if from == channels => return self,
            (1, 3) => self.pixels.iter().flat_map(|&grey| [grey; 3]).collect(),
            (3, 1) => self.pixels.as_chunks::<3>().0.iter().map(luma).collect(),
            _ => panic!("a picture has 1 channel or 3, not {channels}"),
        };
        Self { size: [height, width, channels], pixels }
    }

    /// The square in the middle, `side` x `side`, of the picture resized so that its shorter side is
    /// `shorter`: `Resize(shorter)` and `CenterCrop(side)` of torchvision. Only the square is computed.
    ///
    /// # Panics
    /// If the square is empty or does not fit.
    #[track_caller]
    pub fn square(&self, shorter: usize, side: usize) -> Self {
        assert!(0 < side && side <= shorter, "a square of {side} in a picture of {shorter}");
        let [height, width, channels] = self.size;
        let resized = |extent: usize| shorter * extent / height.min(width);
        let [rows, columns] = [height, width].map(|from| taps(from, resized(from), side));

        // Only rows that the second pass reads pass through the first.
        let first = rows[0].start;
        let last = rows.iter().map(|row| row.start + row.weights.len()).max().unwrap_or(first);
        let mut narrow = vec![0; (last - first) * side * channels];
        for (to, row) in narrow.chunks_exact_mut(side * channels).zip(first..last) {
            let from = &self.pixels[row * width * channels..][..width * channels];
            for (to, column) in to.chunks_exact_mut(channels).zip(&columns) {
                for (channel, to) in to.iter_mut().enumerate() {
                    *to = column.mean(|i| from[i * channels + channel]);
                }
            }
        }
        let line = side * channels;
        let mut pixels = vec![0; side * line];
        for (to, row) in pixels.chunks_exact_mut(line).zip(&rows) {
            for (at, to) in to.iter_mut().enumerate() {
                *to = row.mean(|i| narrow[(i - first) * line + at]);
            }
        }
        Self { size: [side, side, channels], pixels }
    }
}

fn luma(&[red, green, blue]: &[u8; 3]) -> u8 {
    let sum = 19_595 * u32::from(red) + 38_470 * u32::from(green) + 7_471 * u32::from(blue);
    ((sum + (1 << 15)) >> 16) as u8
}

/// The input pixels that make one output pixel, from `start` on, and how much each counts.
struct Taps {
    start: usize,
    weights: Vec<u32>,
}

impl Taps {
    fn mean(&self, byte: impl Fn(usize) -> u8) -> u8 {
        let sum: u32 =
            self.weights.iter().zip(self.start..).map(|(&weight, i)| weight * u32::from(byte(i))).sum();
        // The weights may sum to a little more than 1.
        ((sum + UNIT / 2) / UNIT).min(255) as u8
    }
}

/// Of the middle `side` pixels, when `input` pixels are resized to `output`.
fn taps(input: usize, output: usize, side: usize) -> Vec<Taps> {
    let scale = input as f64 / output as f64;
    let reach = scale.max(1.0);
    let narrowness = 1.0 / reach;
    let tap = |o: usize| {
        let centre = (o as f64 + 0.5) * scale;
        let start = (centre - reach + 0.5).max(0.0) as usize;
        let end = ((centre + reach + 0.5) as usize).min(input);
        let weight = |i: usize| (1.0 - ((i as f64 - centre + 0.5) * narrowness).abs()).max(0.0);
        let sum: f64 = (start..end).map(weight).sum();
        let whole = |weight: f64| (weight / sum * f64::from(UNIT) + 0.5) as u32;
        Taps { start, weights: (start..end).map(|i| whole(weight(i))).collect() }
    };
    middle(output, side).map(tap).collect()
}

/// The middle `side` of `extent` pixels. Half a pixel goes to the even side, as in Python's `round`.
fn middle(extent: usize, side: usize) -> Range<usize> {
    let margin = extent - side;
    let start = margin / 2 + usize::from(margin % 4 == 3);
    start..start + side
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture, what is cut from it, and what torchvision's `Resize` and `CenterCrop` make of it
    /// (torchvision 0.29 on Pillow 13.0).
    const PILLOW: &[([usize; 3], usize, usize, &[u8])] = &[
        (
            [29, 37, 1],
            8,
            5,
            &[
                107, 116, 143, 126, 138, 124, 123, 108, 103, 125, 139, 130, 139, 111, 126, 103, 102, 125,
                128, 141, 138, 114, 130, 116, 116,
            ],
        ),
        (
            [7, 5, 3],
            12,
            3,
            &[
                54, 36, 135, 29, 29, 76, 30, 47, 44, 107, 71, 83, 59, 41, 47, 38, 37, 38, 155, 101, 61, 108,
                72, 49, 76, 57, 51,
            ],
        ),
        (
            [300, 211, 1],
            256,
            4,
            &[159, 97, 108, 173, 157, 149, 120, 101, 131, 158, 124, 69, 137, 133, 130, 134],
        ),
        ([9, 203, 1], 9, 3, &[179, 85, 5, 71, 58, 59, 91, 159, 241]),
        ([64, 64, 3], 28, 2, &[126, 128, 117, 147, 110, 153, 145, 98, 119, 136, 100, 123]),
        ([33, 14, 1], 7, 4, &[148, 141, 138, 139, 101, 98, 116, 108, 128, 89, 87, 86, 84, 118, 119, 126]),
    ];

    #[test]
    fn squares_are_those_of_pillow() {
        for &(size, shorter, side, expected) in PILLOW {
            let count = size.iter().product();
            let pixels = (0..count).map(|i: usize| ((i * i * 7 + i * 13) % 251) as u8).collect();
            let square = Picture::new(size, pixels).square(shorter, side);
            let apart = square.pixels().iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max();
            let high = size[0] > 2 * size[1];
            assert_eq!((square.size(), square.pixels().len()), ([side, side, size[2]], expected.len()));
            assert!(apart <= Some(u8::from(high)), "{size:?}: {:?}", square.pixels());
        }
    }

    #[test]
    fn what_fits_is_left_as_it_is() {
        let pixels: Vec<_> = (0..49 * 3).map(|i| (i * 37 % 256) as u8).collect();
        let picture = Picture::new([7, 7, 3], pixels);
        assert_eq!(picture.square(7, 7), picture);
    }

    /// Enlarging all of it would take more memory than there is.
    #[test]
    fn a_thread_is_cut_before_it_is_enlarged() {
        let thread = Picture::new([1 << 22, 1, 1], vec![9; 1 << 22]);
        assert_eq!(thread.square(256, 224).pixels(), [9; 224 * 224]);
    }

    #[test]
    fn grey_is_luma() {
        let colours = Picture::new([1, 4, 3], vec![255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255]);
        assert_eq!(colours.channels(1).pixels(), [76, 150, 29, 255]);
    }
}
