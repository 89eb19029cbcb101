//! [`MaxPool2d`], [`AvgPool2d`], [`AdaptiveAvgPool2d`], [`GlobalAvgPool`]: fewer pixels, the same channels.

use super::{Kept, Layer, Mode, Outline, Pair};
use crate::{
    ops::{
        adaptive_avg_pool, avg_pool, global_avg_pool,
        max_pool::{self, Winners},
        pool::Window,
    },
    real::Real,
    tensor::{Shape, Tensor},
};

/// The largest number of each window, channel by channel.
///
/// ```
/// use residual::{Tensor, nn::{Layer, MaxPool2d, Mode}};
/// let mut pool = MaxPool2d::new(3).stride(2).padding(1);
/// assert_eq!(pool.forward(Tensor::<f32>::zeros([1, 8, 8, 4]), Mode::Eval).dims(), [1, 4, 4, 4]);
/// ```
#[derive(Debug)]
pub struct MaxPool2d<T: Real> {
    window: Window,
    kept: Kept<(Winners<T>, Shape)>,
}

impl<T: Real> MaxPool2d<T> {
    /// Windows of this height and width, side by side.
    pub fn new(kernel: impl Into<Pair>) -> Self {
        Window::new(kernel.into().0).into()
    }

    /// Pixels from one window to the next.
    pub fn stride(self, stride: impl Into<Pair>) -> Self {
        Self { window: self.window.stride(stride.into().0), ..self }
    }

    /// Pixels added on every side, which never are the largest.
    pub fn padding(self, padding: impl Into<Pair>) -> Self {
        Self { window: self.window.padding(padding.into().0), ..self }
    }

    /// A last window may hang over the edge.
    pub fn ceil_mode(self) -> Self {
        Self { window: self.window.ceil_mode(true), ..self }
    }
}

impl<T: Real> From<Window> for MaxPool2d<T> {
    fn from(window: Window) -> Self {
        Self { window, kept: Kept::default() }
    }
}

impl<T: Real> Layer<T> for MaxPool2d<T> {
    fn forward(&mut self, x: Tensor<T>, mode: Mode) -> Tensor<T> {
        match mode {
            Mode::Train => {
                let (y, winners) = max_pool::forward(&x, &self.window);
                self.kept.keep(mode, || (winners, x.shape()));
                y
            }
            Mode::Eval => {
                self.kept = Kept::default();
                max_pool::largest(&x, &self.window)
            }
        }
    }

    fn backward(&mut self, dy: Tensor<T>) -> Tensor<T> {
        let (winners, x) = self.kept.take();
        max_pool::backward(&dy, &winners, x)
    }

    fn outline(&self, x: Shape) -> Outline {
        let Window { kernel, stride, padding, ceil_mode, .. } = self.window;
        let (kernel, stride, padding) =
            (number_or_pair(kernel), number_or_pair(stride), number_or_pair(padding));
        let ceil_mode = if ceil_mode { "True" } else { "False" };
        let kind = format!(
            "MaxPool2d(kernel_size={kernel}, stride={stride}, padding={padding}, dilation=1, ceil_mode={ceil_mode})"
        );
        let y = self.window.output_shape(x);
        Outline::leaf(kind, y).keeping(y.len())
    }
}

/// The mean of each window, channel by channel.
///
/// ```
/// use residual::{Tensor, nn::{AvgPool2d, Layer, Mode}};
/// let y = AvgPool2d::new(2).forward(Tensor::full([1, 2, 2, 1], 3.0f32), Mode::Eval);
/// assert_eq!(y.as_slice(), [3.0]);
/// ```
#[derive(Debug)]
pub struct AvgPool2d {
    window: Window,
    x: Kept<Shape>,
}

impl AvgPool2d {
    /// Windows of this height and width, side by side.
    pub fn new(kernel: impl Into<Pair>) -> Self {
        Self { window: Window::new(kernel.into().0), x: Kept::default() }
    }

    /// Pixels from one window to the next.
    pub fn stride(self, stride: impl Into<Pair>) -> Self {
        Self { window: self.window.stride(stride.into().0), ..self }
    }

    /// Pixels of zeros on every side; the mean counts them.
    pub fn padding(self, padding: impl Into<Pair>) -> Self {
        Self { window: self.window.padding(padding.into().0), ..self }
    }
}

impl<T: Real> Layer<T> for AvgPool2d {
    fn forward(&mut self, x: Tensor<T>, mode: Mode) -> Tensor<T> {
        self.x.keep(mode, || x.shape());
        avg_pool::forward(&x, &self.window)
    }

    fn backward(&mut self, dy: Tensor<T>) -> Tensor<T> {
        avg_pool::backward(&dy, &self.window, self.x.take())
    }

    fn outline(&self, x: Shape) -> Outline {
        let Window { kernel, stride, padding, .. } = self.window;
        let (kernel, stride, padding) =
            (number_or_pair(kernel), number_or_pair(stride), number_or_pair(padding));
        let kind = format!("AvgPool2d(kernel_size={kernel}, stride={stride}, padding={padding})");
        Outline::leaf(kind, self.window.output_shape(x))
    }
}

/// The mean of each of so many bins that share the image between them: (N, H, W, C) to
/// (N, OH, OW, C), for any H and W.
///
/// ```
/// use residual::{Tensor, nn::{AdaptiveAvgPool2d, Layer, Mode}};
/// let y = AdaptiveAvgPool2d::new(6).forward(Tensor::full([1, 13, 4, 2], 3.0f32), Mode::Eval);
/// assert_eq!(y.dims(), [1, 6, 6, 2]);
/// ```
#[derive(Debug)]
pub struct AdaptiveAvgPool2d {
    output: [usize; 2],
    x: Kept<Shape>,
}

impl AdaptiveAvgPool2d {
    /// An output of this height and width.
    pub fn new(output: impl Into<Pair>) -> Self {
        Self { output: output.into().0, x: Kept::default() }
    }
}

impl<T: Real> Layer<T> for AdaptiveAvgPool2d {
    fn forward(&mut self, x: Tensor<T>, mode: Mode) -> Tensor<T> {
        self.x.keep(mode, || x.shape());
        adaptive_avg_pool::forward(&x, self.output)
    }

    fn backward(&mut self, dy: Tensor<T>) -> Tensor<T> {
        adaptive_avg_pool::backward(&dy, self.x.take())
    }

    fn outline(&self, x: Shape) -> Outline {
        let [oh, ow] = self.output;
        let kind = format!("AdaptiveAvgPool2d(output_size=({oh}, {ow}))");
        Outline::leaf(kind, adaptive_avg_pool::output_shape(x, self.output))
    }
}

/// The mean of each channel over the whole image: (N, H, W, C) to (N, 1, 1, C), for any H and W.
///
/// ```
/// use residual::{Tensor, nn::{GlobalAvgPool, Layer, Mode}};
/// let y = GlobalAvgPool::new().forward(Tensor::full([1, 7, 5, 2], 3.0f32), Mode::Eval);
/// assert_eq!((y.dims(), y.len()), ([1, 1, 1, 2], 2));
/// ```
#[derive(Debug, Default)]
pub struct GlobalAvgPool {
    x: Kept<Shape>,
}

impl GlobalAvgPool {
    /// The layer.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<T: Real> Layer<T> for GlobalAvgPool {
    fn forward(&mut self, x: Tensor<T>, mode: Mode) -> Tensor<T> {
        self.x.keep(mode, || x.shape());
        global_avg_pool::forward(&x)
    }

    fn backward(&mut self, dy: Tensor<T>) -> Tensor<T> {
        global_avg_pool::backward(&dy, self.x.take())
    }

    fn outline(&self, x: Shape) -> Outline {
        let &[n, _, _, c] = x.dims() else { panic!("pooling takes images (N, H, W, C), got {x}") };
        Outline::leaf("AdaptiveAvgPool2d(output_size=(1, 1))", [n, 1, 1, c].into())
    }
}

/// As PyTorch prints what it was given: `2` for a square, `(2, 3)` for the rest.
fn number_or_pair([h, w]: [usize; 2]) -> String {
    if h == w { h.to_string() } else { format!("({h}, {w})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(layer: impl Layer<f32>) -> String {
        layer.outline([1, 8, 8, 4].into()).kind
    }

    #[test]
    fn print_as_in_pytorch() {
        assert_eq!(
            kind(MaxPool2d::new(2)),
            "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)"
        );
        assert_eq!(
            kind(MaxPool2d::new([3, 2]).stride(2).padding(1).ceil_mode()),
            "MaxPool2d(kernel_size=(3, 2), stride=2, padding=1, dilation=1, ceil_mode=True)"
        );
        assert_eq!(
            kind(AvgPool2d::new(3).stride([2, 1]).padding(1)),
            "AvgPool2d(kernel_size=3, stride=(2, 1), padding=1)"
        );
        assert_eq!(kind(AdaptiveAvgPool2d::new([6, 7])), "AdaptiveAvgPool2d(output_size=(6, 7))");
        assert_eq!(kind(GlobalAvgPool::new()), "AdaptiveAvgPool2d(output_size=(1, 1))");
    }
}
