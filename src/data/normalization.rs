//! [`Normalization`]: two numbers per channel that bring pixels to mean 0 and variance 1.

use super::dataset::Images;
use crate::real::Real;

/// Per channel, the mean and the standard deviation of pixels scaled to 0..1.
///
/// A network sees `(byte / 255 - mean) / std`, so each channel arrives with mean 0 and variance 1
/// (LeCun et al. 1998, "Efficient BackProp", section 4.3).
///
/// ```
/// use residual::data::Normalization;
/// let grey = Normalization { mean: vec![0.5], std: vec![0.25] };
/// let mut out = [0.0f32; 2];
/// grey.table::<f32>().apply(&[0, 255], &mut out);
/// assert_eq!(out, [-2.0, 2.0]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Normalization {
    /// The mean of each channel.
    pub mean: Vec<f64>,
    /// The standard deviation of each channel.
    pub std: Vec<f64>,
}

impl Normalization {
    /// Measures `images`. A channel that never varies gets a standard deviation of 1.
    pub fn of(images: &Images) -> Self {
        let channels = images.size[2];
        let channel = |at| images.pixels.iter().skip(at).step_by(channels);
        let (mean, std) = (0..channels).map(|at| moments(channel(at))).unzip();
        Self { mean, std }
    }

    #[track_caller]
    pub(super) fn assert_fits(&self, channels: usize) {
        assert_eq!(self.mean.len(), channels, "one mean for each channel");
        assert_eq!(self.std.len(), channels, "one standard deviation for each channel");
    }

    /// The normalised value of every byte of every channel.
    pub fn table<T: Real>(&self) -> Table<T> {
        let normalized =
            |mean: f64, std: f64, byte: usize| (T::of(byte as f64) / T::of(255.0) - T::of(mean)) / T::of(std);
        let channels = self.mean.iter().zip(&self.std);
        Table(channels.map(|(&m, &s)| std::array::from_fn(|byte| normalized(m, s, byte))).collect())
    }
}

/// Mean and standard deviation of bytes scaled to 0..1.
fn moments<'a>(bytes: impl Iterator<Item = &'a u8>) -> (f64, f64) {
    let [count, sum, squares] = bytes.fold([0; 3], |[count, sum, squares], &byte| {
        let byte = u64::from(byte);
        [count + 1, sum + byte, squares + byte * byte]
    });
    // n²·variance = n·Σx² - (Σx)²: integers lose nothing where the two nearly cancel.
    let variance = u128::from(count) * u128::from(squares) - u128::from(sum) * u128::from(sum);
    let unit = count.max(1) as f64 * 255.0;
    (sum as f64 / unit, if variance > 0 { (variance as f64).sqrt() / unit } else { 1.0 })
}

/// The normalised value of every byte, channel by channel: a look-up costs less than arithmetic.
#[derive(Clone, Debug)]
pub struct Table<T>(Vec<[T; 256]>);

impl<T: Real> Table<T> {
    /// Normalises pixels whose channels stand together.
    ///
    /// # Panics
    /// If `out` has not as many numbers as there are bytes.
    #[track_caller]
    pub fn apply(&self, bytes: &[u8], out: &mut [T]) {
        assert_eq!(bytes.len(), out.len(), "one number for each byte");
        match &self.0[..] {
            // With the number of channels known, the inner loop is unrolled: grey and colour.
            [grey] => apply(&[grey], bytes, out),
            [red, green, blue] => apply(&[red, green, blue], bytes, out),
            tables => {
                let channels = tables.len();
                for (to, from) in out.chunks_exact_mut(channels).zip(bytes.chunks_exact(channels)) {
                    for ((to, &byte), table) in to.iter_mut().zip(from).zip(tables) {
                        *to = table[usize::from(byte)];
                    }
                }
            }
        }
    }
}

fn apply<T: Real, const C: usize>(tables: &[&[T; 256]; C], bytes: &[u8], out: &mut [T]) {
    for (to, from) in out.as_chunks_mut::<C>().0.iter_mut().zip(bytes.as_chunks::<C>().0) {
        *to = std::array::from_fn(|channel| tables[channel][usize::from(from[channel])]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    fn images(size: [usize; 3], pixels: Vec<u8>) -> Images {
        let labels = vec![0; pixels.len() / size.iter().product::<usize>()];
        Images { name: "test".into(), path: None, size, pixels, labels, classes: vec!["all".into()] }
    }

    #[test]
    fn normalized_channels_have_mean_0_and_variance_1() {
        for channels in 1..=4 {
            let pixels: Vec<_> = (0..3 * 5 * 4 * channels).map(|i| (i * i % 251) as u8).collect();
            let images = images([5, 4, channels], pixels.clone());
            let mut out = vec![0.0f64; pixels.len()];
            Normalization::of(&images).table().apply(&pixels, &mut out);
            for channel in 0..channels {
                let values: Vec<_> = out.iter().skip(channel).step_by(channels).collect();
                let count = values.len() as f64;
                let mean = values.iter().copied().sum::<f64>() / count;
                assert_relative_eq!(mean, 0.0, epsilon = 1e-12);
                assert_relative_eq!(values.iter().map(|&x| x * x).sum::<f64>() / count, 1.0, epsilon = 1e-12);
            }
        }
    }

    #[test]
    fn a_value_is_rounded_as_in_its_formula() {
        let [mean, std] = [0.2860, 0.3530];
        let table = Normalization { mean: vec![mean], std: vec![std] }.table::<f32>();
        for byte in 0..=255 {
            let mut out = [0.0];
            table.apply(&[byte], &mut out);
            assert_eq!(out[0], (f32::from(byte) / 255.0 - mean as f32) / std as f32);
        }
    }

    #[test]
    fn a_constant_channel_becomes_zero() {
        let images = images([1, 2, 1], vec![40; 4]);
        let normalization = Normalization::of(&images);
        assert_eq!(normalization.std, [1.0]);
        let mut out = [9.0f32; 2];
        normalization.table().apply(&[40, 40], &mut out);
        assert_relative_eq!(out[0], 0.0, epsilon = 1e-7);
    }
}
