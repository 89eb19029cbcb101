//! [`Buffer`]: numbers in memory, on a cache line's boundary.

use crate::{
    real::Real,
    simd::{BLOCK, Block},
};
use std::ops::{Deref, DerefMut};

/// A cache line, and the widest vector register: 64 bytes.
const ALIGNMENT: usize = 64;

/// A fixed number of numbers that start on a 64-byte boundary.
///
/// ```
/// use residual::buffer::Buffer;
/// let buffer = Buffer::<f32>::zeros(100);
/// assert_eq!(buffer.as_ptr() as usize % 64, 0);
/// assert_eq!(buffer[99], 0.0);
/// ```
#[derive(Debug)]
pub struct Buffer<T> {
    // A vector's storage never moves while its length stays, so `start` is found once.
    cells: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Real> Buffer<T> {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        if len == 0 {
            return Self { cells: Vec::new(), start: 0, len };
        }
        let cells = vec![T::ZERO; len + ALIGNMENT / size_of::<T>() - 1];
        let start = cells.as_ptr().addr().wrapping_neg() % ALIGNMENT / size_of::<T>();
        Self { cells, start, len }
    }

    /// A copy of `values`.
    pub fn copy_of(values: &[T]) -> Self {
        let mut buffer = Self::zeros(values.len());
        buffer.copy_from_slice(values);
        buffer
    }

    /// The numbers as blocks; those past the last whole block are left out.
    pub fn blocks(&self) -> &[Block<T>] {
        self.as_chunks::<BLOCK>().0
    }

    /// The numbers as blocks; those past the last whole block are left out.
    pub fn blocks_mut(&mut self) -> &mut [Block<T>] {
        self.as_chunks_mut::<BLOCK>().0
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.cells[self.start..][..self.len]
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.cells[self.start..][..self.len]
    }
}

impl<T: Real> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        Self::copy_of(self)
    }
}
