//! Where the windows of a pooling layer lie; [`max_pool`](super::max_pool) and
//! [`avg_pool`](super::avg_pool) say what becomes of the pixels inside.
//!
//! ```text
//! OH = ⌊(H + 2·padding - kernel) / stride⌋ + 1
//! ```
//!
//! With `ceil_mode` the quotient is rounded up, so that the last pixels are in a window too, which
//! then hangs over the edge (Caffe's rule, and so GoogLeNet's). A window that would start beyond
//! the input and its leading padding is left out.

use crate::tensor::Shape;
use std::ops::Range;

/// How a pooling window moves: PyTorch's names and defaults. Pairs are (height, width).
///
/// ```
/// use residual::ops::pool::Window;
/// let halve = Window::new([2, 2]);
/// assert_eq!(halve.output([28, 28]), [14, 14]);
/// let overlapping = Window::new([3, 3]).stride([2, 2]);
/// assert_eq!(overlapping.output([112, 112]), [55, 55]);
/// assert_eq!(overlapping.ceil_mode(true).output([112, 112]), [56, 56]);
/// assert_eq!(overlapping.padding([1, 1]).output([112, 112]), [56, 56]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The window's extent.
    pub kernel: [usize; 2],
    /// Pixels from one window to the next.
    pub stride: [usize; 2],
    /// Pixels added on every side: they never are a maximum; an average takes them for zeros.
    pub padding: [usize; 2],
    /// Whether a window may hang over the end.
    pub ceil_mode: bool,
    /// Whether an average divides by the padding's pixels too.
    pub count_include_pad: bool,
}

impl Window {
    /// Windows of this extent, side by side.
    pub const fn new(kernel: [usize; 2]) -> Self {
        Self { kernel, stride: kernel, padding: [0, 0], ceil_mode: false, count_include_pad: true }
    }

    /// With this stride.
    pub const fn stride(self, stride: [usize; 2]) -> Self {
        Self { stride, ..self }
    }

    /// With this padding.
    pub const fn padding(self, padding: [usize; 2]) -> Self {
        Self { padding, ..self }
    }

    /// Whether a window may hang over the end.
    pub const fn ceil_mode(self, ceil_mode: bool) -> Self {
        Self { ceil_mode, ..self }
    }

    /// Whether an average divides by the padding's pixels too.
    pub const fn count_include_pad(self, count_include_pad: bool) -> Self {
        Self { count_include_pad, ..self }
    }

    /// The height and width of the output, for an input of these.
    ///
    /// # Panics
    /// If no window fits, kernel or stride is zero, or the padding is more than half the kernel.
    #[track_caller]
    pub fn output(&self, input: [usize; 2]) -> [usize; 2] {
        std::array::from_fn(|axis| {
            let (kernel, stride, padding) = (self.kernel[axis], self.stride[axis], self.padding[axis]);
            assert!(kernel > 0 && stride > 0, "zero in {self:?}");
            assert!(padding <= kernel / 2, "padding is at most half the kernel, got {self:?}");
            let padded = input[axis] + 2 * padding;
            let round_up = if self.ceil_mode { stride - 1 } else { 0 };
            assert!(
                input[axis] > 0 && padded + round_up >= kernel,
                "no window fits into {input:?} with {self:?}"
            );
            let windows = (padded + round_up - kernel) / stride + 1;
            let last_is_outside = (windows - 1) * stride >= input[axis] + padding;
            if self.ceil_mode && last_is_outside { windows - 1 } else { windows }
        })
    }

    /// The output's shape, (N, OH, OW, C), for an input (N, H, W, C).
    ///
    /// # Panics
    /// If there are not four axes, or as [`output`](Self::output).
    #[track_caller]
    pub fn output_shape(&self, x: Shape) -> Shape {
        let &[n, h, w, c] = x.dims() else { panic!("pooling takes images (N, H, W, C), got {x}") };
        let [oh, ow] = self.output([h, w]);
        Shape::from([n, oh, ow, c])
    }

    /// The pixels of an input of `extent` that window `i` covers along `axis`; at least one.
    pub(super) fn span(&self, axis: usize, i: usize, extent: usize) -> Range<usize> {
        let (start, padding) = (i * self.stride[axis], self.padding[axis]);
        start.saturating_sub(padding)..extent.min(start + self.kernel[axis] - padding)
    }

    /// Every window along `axis` with every pixel that it covers, and the position that the pixel has in the window:
    /// (window, pixel, position), in order.
    pub(super) fn meetings(
        &self,
        axis: usize,
        extent: usize,
        windows: usize,
    ) -> impl Iterator<Item = (usize, usize, usize)> {
        let (stride, padding) = (self.stride[axis], self.padding[axis]);
        (0..windows).flat_map(move |i| {
            self.span(axis, i, extent).map(move |pixel| (i, pixel, pixel + padding - i * stride))
        })
    }

    /// How many pixels window `i` covers along `axis`, padding included, but not what hangs over it.
    pub(super) fn padded_len(&self, axis: usize, i: usize, extent: usize) -> usize {
        let start = i * self.stride[axis];
        (start + self.kernel[axis]).min(extent + 2 * self.padding[axis]) - start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceil_mode_leaves_out_windows_that_start_beyond_the_input() {
        let wide = Window::new([2, 2]).stride([3, 3]).ceil_mode(true);
        // Starts 0, 3, 6: with extent 6, the third would see nothing.
        assert_eq!(wide.output([6, 7]), [2, 3]);
        // Padding at the front counts as input, padding at the end does not: starts -1, 1, 3.
        let padded = Window::new([2, 2]).padding([1, 1]).ceil_mode(true);
        assert_eq!(padded.output([4, 3]), [3, 2]);
        // The kernel may even be larger than the input.
        assert_eq!(Window::new([2, 2]).ceil_mode(true).output([1, 1]), [1, 1]);
    }

    #[test]
    fn spans_stay_inside_the_input() {
        for window in [
            Window::new([3, 3]).stride([2, 2]).padding([1, 1]).ceil_mode(true),
            Window::new([2, 2]).stride([3, 3]).ceil_mode(true),
            Window::new([5, 5]).stride([1, 1]).padding([2, 2]),
        ] {
            for extent in 3..20 {
                let [windows, _] = window.output([extent, extent]);
                for i in 0..windows {
                    let span = window.span(0, i, extent);
                    assert!(!span.is_empty() && span.end <= extent, "{window:?}, {extent}: {span:?}");
                    assert!(span.len() <= window.padded_len(0, i, extent));
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "padding is at most half the kernel")]
    fn too_much_padding_is_refused() {
        Window::new([3, 3]).padding([2, 0]).output([8, 8]);
    }

    #[test]
    #[should_panic(expected = "no window fits")]
    fn a_kernel_beyond_the_input_is_refused() {
        Window::new([3, 3]).output([2, 8]);
    }
}
