//! [`Buffer`]: numbers in memory, on a cache line's boundary, and used again when they are done with.
//!
//! A training step needs the same tensors as the step before. Memory fresh from the system costs a
//! page fault for every 4 KiB at its first touch, and that can take longer than the convolution that
//! fills it. So the storage of a large buffer goes to a pool when it is dropped, and the next buffer
//! of about its size takes it from there. The pool is the one thing in the crate that outlives its
//! owner; no result can see it.

mod pool;

use crate::{
    number::Number,
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
pub struct Buffer<T: Number> {
    // A vector's storage never moves while its length stays, so `start` is found once.
    cells: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Number> Buffer<T> {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let (cells, used) = Self::storage(len);
        let mut buffer = Self::over(cells, len);
        if used {
            buffer.fill(T::ZERO);
        }
        buffer
    }

    /// `len` numbers of no particular value, every one of them to be overwritten.
    pub fn scratch(len: usize) -> Self {
        let mut buffer = Self::over(Self::storage(len).0, len);
        // A test that reads what nobody wrote is to fail.
        if cfg!(debug_assertions) {
            buffer.fill(T::NAN);
        }
        buffer
    }

    /// Storage for `len` numbers behind the first boundary, and whether it has been used before; it
    /// is all zeros if not.
    fn storage(len: usize) -> (Vec<T>, bool) {
        let cells = Self::cells(len);
        match pool::take(cells) {
            Some(cells) => (cells, true),
            None => (vec![T::ZERO; cells], false),
        }
    }

    /// How many numbers of storage make sure that so many lie behind the first boundary.
    fn cells(len: usize) -> usize {
        if len == 0 { 0 } else { len + ALIGNMENT / size_of::<T>() - 1 }
    }

    /// A copy of `values`.
    pub fn copy_of(values: &[T]) -> Self {
        let mut buffer = Self::scratch(values.len());
        buffer.copy_from_slice(values);
        buffer
    }

    fn over(cells: Vec<T>, len: usize) -> Self {
        let start = cells.as_ptr().addr().wrapping_neg() % ALIGNMENT / size_of::<T>();
        Self { cells, start: if len == 0 { 0 } else { start }, len }
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

/// Bytes that buffers of 64 KiB and more take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Now.
    pub now: usize,
    /// The most at once since the program began or [`release`] was called.
    pub most: usize,
}

/// Storage that waits for its next use, together with that in use, is at most [`Usage::most`] and this part of it.
///
/// Sizes differ, and what is in use at the worst moment does not serve every other. With no room to spare some
/// storage would go back to the system in each step, and come back page by page.
pub const RESERVE: f64 = 1.0 / 8.0;

/// What large buffers take, and have taken at most.
///
/// ```standalone_crate
/// use residual::buffer::{self, Buffer};
/// buffer::release();
/// let before = buffer::usage();
/// drop(Buffer::<f32>::zeros(1 << 20));
/// let after = buffer::usage();
/// assert_eq!(after.now, before.now);
/// assert!(after.most >= before.now + (4 << 20));
/// ```
pub fn usage() -> Usage {
    pool::usage()
}

/// Gives the system back all storage that waits for its next use.
///
/// Fresh zeros cost nothing until they are touched, used ones must be written. So this is for a
/// program that builds large networks one after another and runs none of them.
pub fn release() {
    pool::clear();
}

impl<T: Number> Drop for Buffer<T> {
    fn drop(&mut self) {
        pool::give(std::mem::take(&mut self.cells), Self::cells(self.len));
    }
}

impl<T: Number> Deref for Buffer<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.cells[self.start..][..self.len]
    }
}

impl<T: Number> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.cells[self.start..][..self.len]
    }
}

impl<T: Number> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        Self::copy_of(self)
    }
}
