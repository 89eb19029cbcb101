//! Pixels of few channels, several at a time: one alone would leave most lanes of a vector empty.

use crate::number::Number;

/// Numbers that keep the vectors of any machine busy.
const ENOUGH: usize = 64;

/// With fewer pixels there is nothing to gain.
const FEW: usize = 256;

/// Neighbouring pixels taken as one, which has the channels of them all.
#[derive(Clone, Copy)]
pub(super) struct Abreast {
    /// Channels of one pixel.
    each: usize,
    /// How many pixels.
    pixels: usize,
}

impl Abreast {
    /// For so many pixels of `each` channels: as many abreast as come out even, a power of two.
    pub fn new(count: usize, each: usize) -> Self {
        let mut pixels = 1;
        while count >= FEW && 2 * pixels * each <= ENOUGH && count.is_multiple_of(2 * pixels) {
            pixels *= 2;
        }
        Self { each, pixels }
    }

    /// How many pixels are taken as one.
    pub fn pixels(self) -> usize {
        self.pixels
    }

    /// How many channels they have together.
    pub fn channels(self) -> usize {
        self.pixels * self.each
    }

    /// Of each, one number for each channel of a pixel, for each of the pixels abreast.
    pub fn repeat<T: Number, const N: usize>(self, each: [&[T]; N]) -> [Vec<T>; N] {
        each.map(|each| each.repeat(self.pixels))
    }

    /// The sums of a pixel's channels from those of pixels abreast.
    pub fn fold(self, sums: &[f64]) -> Vec<f64> {
        let mut total = vec![0.0; self.each];
        for sums in sums.chunks_exact(self.each) {
            total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_come_out_even() {
        for (count, each, pixels) in
            [(512, 16, 4), (514, 16, 2), (513, 16, 1), (128, 16, 1), (512, 64, 1), (512, 6, 8), (512, 3, 16)]
        {
            assert_eq!(Abreast::new(count, each).pixels(), pixels, "{count} pixels of {each}");
        }
        let two = Abreast::new(258, 3);
        assert_eq!(two.repeat([[1.0f32, 2.0, 3.0].as_slice()]), [[1.0, 2.0, 3.0, 1.0, 2.0, 3.0]]);
        assert_eq!(two.fold(&[1.0, 2.0, 3.0, 10.0, 20.0, 30.0]), [11.0, 22.0, 33.0]);
    }
}
