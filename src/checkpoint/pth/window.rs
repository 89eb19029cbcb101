//! [`Window`]: the numbers of a storage that are a tensor's.

use std::borrow::Cow;

/// Number (i, j, …) of the tensor lies at offset + i · strides\[0] + j · strides\[1] + … of its storage.
#[derive(Debug)]
pub struct Window {
    offset: usize,
    pub shape: Vec<usize>,
    strides: Vec<usize>,
}

impl Window {
    /// None unless there is a stride for each axis.
    pub fn new(offset: usize, shape: Vec<usize>, mut strides: Vec<usize>) -> Option<Self> {
        // Nobody walks along an axis of one place, whose stride may be anything.
        strides
            .iter_mut()
            .zip(&shape)
            .filter(|(_, extent)| **extent == 1)
            .for_each(|(stride, _)| *stride = 0);
        (shape.len() == strides.len()).then_some(Self { offset, shape, strides })
    }

    /// How many numbers the tensor has; none if no machine could count them.
    pub fn len(&self) -> Option<usize> {
        self.shape.iter().try_fold(1, |len: usize, &extent| len.checked_mul(extent))
    }

    /// How many numbers the storage must have.
    pub fn end(&self) -> Option<usize> {
        if self.shape.contains(&0) {
            return Some(0);
        }
        let mut axes = self.shape.iter().zip(&self.strides);
        axes.try_fold(self.offset, |last, (extent, stride)| {
            last.checked_add((extent - 1).checked_mul(*stride)?)
        })?
        .checked_add(1)
    }

    /// The tensor's numbers, row by row, from the storage's, of `size` bytes each.
    ///
    /// # Panics
    /// If the storage has fewer than [`end`](Self::end).
    pub fn gather<'a>(&self, storage: &'a [u8], size: usize) -> Cow<'a, [u8]> {
        let len = self.len().expect("a window within a storage");
        if len == 0 {
            return Cow::Borrowed(&[]);
        }
        if self.is_contiguous() {
            return Cow::Borrowed(&storage[self.offset * size..][..len * size]);
        }
        let mut gathered = Vec::with_capacity(len * size);
        let (mut index, mut at) = (vec![0; self.shape.len()], self.offset);
        for _ in 0..len {
            gathered.extend_from_slice(&storage[at * size..][..size]);
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                at += self.strides[axis];
                if index[axis] < self.shape[axis] {
                    break;
                }
                at -= self.strides[axis] * index[axis];
                index[axis] = 0;
            }
        }
        Cow::Owned(gathered)
    }

    /// Whether the numbers lie one after another.
    fn is_contiguous(&self) -> bool {
        let mut inner = 1;
        self.shape.iter().zip(&self.strides).rev().all(|(&extent, &stride)| {
            let fits = extent == 1 || stride == inner;
            inner *= extent;
            fits
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the formula, over every place.
    #[test]
    fn numbers_come_row_by_row() {
        let storage: Vec<u8> = (0..60).collect();
        for (offset, shape, strides) in [
            (0, vec![3, 4], vec![4, 1]),
            (5, vec![4, 3], vec![1, 4]),
            (1, vec![2, 3, 2], vec![1, 10, 3]),
            (2, vec![3, 2], vec![0, 1]),
            (7, vec![1, 5], vec![usize::MAX, 1]),
            (59, vec![], vec![]),
        ] {
            let window = Window::new(offset, shape.clone(), strides.clone()).expect("a stride for each axis");
            let mut expected = vec![offset];
            for (&extent, &stride) in shape.iter().zip(&strides) {
                let along = |at: usize| (0..extent).map(move |i| at + i * stride);
                expected = expected.into_iter().flat_map(along).collect();
            }
            assert_eq!(window.end(), expected.iter().max().map(|last| last + 1));
            let bytes: Vec<u8> = expected.iter().map(|&at| at as u8).collect();
            assert_eq!(window.gather(&storage, 1), bytes);
            let pairs: Vec<u8> = expected.iter().filter(|&&at| at < 30).map(|&at| 2 * at as u8).collect();
            if pairs.len() == expected.len() {
                let twos = window.gather(&storage, 2);
                assert_eq!(twos.iter().step_by(2).copied().collect::<Vec<_>>(), pairs);
            }
        }
    }

    #[test]
    fn what_no_machine_can_count_is_none() {
        let end = |offset, shape: &[usize], strides: &[usize]| {
            Window::new(offset, shape.into(), strides.into()).expect("a stride for each axis").end()
        };
        assert_eq!(end(usize::MAX, &[], &[]), None);
        assert_eq!(end(0, &[3], &[usize::MAX / 2 + 1]), None);
        assert_eq!(end(2, &[2], &[usize::MAX - 2]), None);
        assert_eq!(end(9, &[2, 0], &[7, 7]), Some(0));
        let long = Window::new(0, vec![usize::MAX, 2], vec![0, 0]).expect("a stride for each axis");
        assert_eq!((long.len(), long.end()), (None, Some(1)));
        assert!(Window::new(0, vec![2], vec![]).is_none());
    }
}
