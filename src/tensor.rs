//! [`Tensor`]: numbers with a [`Shape`], contiguous, shared by clones until one is written to.

use crate::{buffer::Buffer, number::Number};
use std::fmt;
use std::sync::Arc;

/// The most axes a tensor has.
const MAX_RANK: usize = 4;

/// The extents of a tensor's axes, outermost first; at most four.
///
/// Images are (N, H, W, C) in memory: a pixel is a vector of channels.
///
/// ```
/// use residual::Shape;
/// let shape = Shape::from([2, 28, 28, 16]);
/// assert_eq!((shape.rank(), shape.len(), shape.last()), (4, 2 * 28 * 28 * 16, 16));
/// assert_eq!(shape.to_string(), "(2, 28, 28, 16)");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    dims: [usize; MAX_RANK],
    rank: usize,
}

impl Shape {
    /// The extents.
    pub fn dims(&self) -> &[usize] {
        &self.dims[..self.rank]
    }

    /// How many axes there are.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// How many numbers a tensor of this shape holds.
    #[expect(clippy::len_without_is_empty, reason = "a shape is no collection")]
    pub fn len(&self) -> usize {
        self.dims().iter().product()
    }

    /// The extent of the last axis, which for images is the channels.
    ///
    /// # Panics
    /// If there is no axis.
    #[track_caller]
    pub fn last(&self) -> usize {
        *self.dims().last().expect("a shape with at least one axis")
    }
}

impl<const K: usize> From<[usize; K]> for Shape {
    fn from(extents: [usize; K]) -> Self {
        const { assert!(K <= MAX_RANK, "a tensor has at most four axes") };
        let mut dims = [1; MAX_RANK];
        dims[..K].copy_from_slice(&extents);
        Self { dims, rank: K }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extents: Vec<_> = self.dims().iter().map(usize::to_string).collect();
        write!(f, "({})", extents.join(", "))
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Numbers with a shape, row by row, on a 64-byte boundary.
///
/// A clone shares the numbers until one of the two is written to. So a layer keeps for its backward what it passes
/// on, and both are the same memory.
///
/// Inside the crate an image batch is always (N, H, W, C); [`Tensor::from_nchw`] and
/// [`Tensor::to_nchw`] are the door to the world, which is PyTorch's (N, C, H, W). Parameters keep
/// PyTorch's layouts: convolution weights (out, in / groups, height, width), linear (out, in).
///
/// ```
/// use residual::Tensor;
/// let nchw = Tensor::from_vec([1, 2, 1, 3], vec![1.0, 2.0, 3.0, 10.0, 20.0, 30.0]);
/// let pixels = Tensor::from_nchw(&nchw);
/// assert_eq!(pixels.dims(), [1, 1, 3, 2]);
/// assert_eq!(pixels.as_slice(), [1.0, 10.0, 2.0, 20.0, 3.0, 30.0]);
/// assert_eq!(pixels.to_nchw(), nchw);
/// ```
pub struct Tensor<T: Number = f32> {
    shape: Shape,
    data: Arc<Buffer<T>>,
}

impl<T: Number> Clone for Tensor<T> {
    fn clone(&self) -> Self {
        Self { shape: self.shape, data: Arc::clone(&self.data) }
    }
}

impl<T: Number> Tensor<T> {
    /// All zeros.
    pub fn zeros(shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        Self { shape, data: Arc::new(Buffer::zeros(shape.len())) }
    }

    /// Numbers of no particular value, every one of them to be overwritten.
    pub(crate) fn scratch(shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        Self { shape, data: Arc::new(Buffer::scratch(shape.len())) }
    }

    /// Memory for a result in this tensor's place: its own, or, where others share its numbers, fresh memory and the
    /// numbers to read. A caller who copies piece by piece, as it goes, does not pass over memory once more.
    pub(crate) fn make_room(mut self) -> (Self, Option<Self>) {
        match Arc::get_mut(&mut self.data) {
            Some(_) => (self, None),
            None => (Self::scratch(self.shape), Some(self)),
        }
    }

    /// All equal to `value`.
    pub fn full(shape: impl Into<Shape>, value: T) -> Self {
        let mut tensor = Self::scratch(shape);
        tensor.as_mut_slice().fill(value);
        tensor
    }

    /// The numbers of `values`, row by row.
    ///
    /// # Panics
    /// If there are more or fewer than the shape holds.
    #[track_caller]
    pub fn from_vec(shape: impl Into<Shape>, values: Vec<T>) -> Self {
        let shape = shape.into();
        assert_eq!(
            shape.len(),
            values.len(),
            "shape {shape} takes {} numbers, got {}",
            shape.len(),
            values.len()
        );
        Self { shape, data: Arc::new(Buffer::copy_of(&values)) }
    }

    /// The number at position `i`, row by row, is `f(i)`.
    pub fn from_fn(shape: impl Into<Shape>, f: impl FnMut(usize) -> T) -> Self {
        let mut tensor = Self::scratch(shape);
        let mut f = f;
        tensor.as_mut_slice().iter_mut().enumerate().for_each(|(i, x)| *x = f(i));
        tensor
    }

    /// A batch of images from PyTorch's order: (N, C, H, W) in, (N, H, W, C) out.
    ///
    /// # Panics
    /// If there are not four axes.
    #[track_caller]
    pub fn from_nchw(nchw: &Tensor<T>) -> Self {
        let [n, c, h, w] = nchw.dims();
        nchw.permuted([n, h, w, c], [c * h * w, w, 1, h * w])
    }

    /// A batch of images in PyTorch's order: (N, H, W, C) in, (N, C, H, W) out.
    ///
    /// # Panics
    /// If there are not four axes.
    #[track_caller]
    pub fn to_nchw(&self) -> Self {
        let [n, h, w, c] = self.dims();
        self.permuted([n, c, h, w], [h * w * c, 1, w * c, c])
    }

    /// Reads element (i, j, k, l) of the result at i, j, k, l times `strides`.
    fn permuted(&self, [a, b, c, d]: [usize; 4], strides: [usize; 4]) -> Self {
        let mut out = Self::scratch([a, b, c, d]);
        let mut at = out.as_mut_slice().iter_mut();
        for i in 0..a {
            for j in 0..b {
                for k in 0..c {
                    let row = i * strides[0] + j * strides[1] + k * strides[2];
                    for (l, to) in at.by_ref().take(d).enumerate() {
                        *to = self.data[row + l * strides[3]];
                    }
                }
            }
        }
        out
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The extents of exactly `K` axes.
    ///
    /// # Panics
    /// If there are more or fewer.
    #[track_caller]
    pub fn dims<const K: usize>(&self) -> [usize; K] {
        self.shape
            .dims()
            .try_into()
            .unwrap_or_else(|_| panic!("expected {K} axes, found shape {}", self.shape))
    }

    /// How many numbers there are.
    #[expect(clippy::len_without_is_empty, reason = "the shape says it")]
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// The numbers, row by row.
    pub fn as_slice(&self) -> &[T] {
        &self.data
    }

    /// The numbers, row by row; a copy of them if a clone still has these.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut *Arc::<Buffer<T>>::make_mut(&mut self.data)
    }

    /// The same numbers under another shape.
    ///
    /// # Panics
    /// If the shapes differ in how many numbers they hold.
    #[track_caller]
    pub fn reshape(self, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        assert_eq!(self.shape.len(), shape.len(), "cannot reshape {} into {shape}", self.shape);
        Self { shape, ..self }
    }

    /// `f` of every number.
    pub fn map<U: Number>(&self, mut f: impl FnMut(T) -> U) -> Tensor<U> {
        Tensor::from_fn(self.shape, |i| f(self.data[i]))
    }

    /// The same numbers in another precision.
    pub fn cast<U: Number>(&self) -> Tensor<U> {
        self.map(|x| U::of(x.to_f64()))
    }
}

impl<T: Number> PartialEq for Tensor<T> {
    fn eq(&self, other: &Self) -> bool {
        self.shape == other.shape && self.as_slice() == other.as_slice()
    }
}

impl<T: Number> fmt::Debug for Tensor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        write!(f, "Tensor{} {:?}", self.shape, &self.data[..self.len().min(SHOWN)])?;
        if self.len() > SHOWN { f.write_str(" ...") } else { Ok(()) }
    }
}
