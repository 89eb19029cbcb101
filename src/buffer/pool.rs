//! Storage that nobody uses now, by number type and length.

use crate::number::Number;
use std::{
    any::{Any, TypeId},
    collections::{BTreeMap, HashMap},
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

/// Smaller storage is the allocator's business.
const LEAST_BYTES: usize = 64 << 10;

/// What storage there is of one number type, by length.
type Shelf<T> = BTreeMap<usize, Vec<Vec<T>>>;

#[derive(Default)]
struct Pool {
    /// For each number type its [`Shelf`].
    shelves: HashMap<TypeId, Box<dyn Any + Send>>,
    /// Bytes in use, and the most there ever were.
    used: usize,
    most_used: usize,
    /// Bytes on the shelves: with those in use, never more than `most_used`.
    idle: usize,
}

impl Pool {
    fn shelf<T: Number>(&mut self) -> &mut Shelf<T> {
        let shelf = self.shelves.entry(TypeId::of::<T>()).or_insert_with(|| Box::new(Shelf::<T>::new()));
        shelf.downcast_mut().expect("a shelf is filed under its type")
    }

    /// Takes storage of this very length off its shelf.
    fn pick<T: Number>(&mut self, len: usize) -> Option<Vec<T>> {
        let shelf = self.shelf::<T>();
        let same = shelf.get_mut(&len)?;
        let cells = same.pop();
        if same.is_empty() {
            shelf.remove(&len);
        }
        self.idle -= len * size_of::<T>();
        cells
    }

    /// Frees the longest storage until there is room for `bytes` more.
    fn make_room<T: Number>(&mut self, bytes: usize) {
        while self.used + self.idle + bytes > self.most_used {
            let Some(&longest) = self.shelf::<T>().keys().next_back() else { break };
            self.pick::<T>(longest);
        }
    }

    fn take<T: Number>(&mut self, len: usize) -> Option<Vec<T>> {
        let found = self.shelf::<T>().range(len..=len + len / 4).next().map(|(&found, _)| found);
        let cells = found.and_then(|found| self.pick(found));
        self.used += cells.as_ref().map_or(len, Vec::len) * size_of::<T>();
        self.most_used = self.most_used.max(self.used);
        self.make_room::<T>(0);
        cells
    }

    fn give<T: Number>(&mut self, cells: Vec<T>) {
        let bytes = cells.len() * size_of::<T>();
        self.used -= bytes;
        self.make_room::<T>(bytes);
        if self.used + self.idle + bytes <= self.most_used {
            self.idle += bytes;
            self.shelf().entry(cells.len()).or_default().push(cells);
        }
    }
}

fn pool() -> MutexGuard<'static, Pool> {
    static POOL: LazyLock<Mutex<Pool>> = LazyLock::new(Mutex::default);
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Storage of at least `len` numbers and not much more, if there is any. Whoever finds none makes
/// storage of exactly `len`, and either way gives it back in the end.
pub(super) fn take<T: Number>(len: usize) -> Option<Vec<T>> {
    if len * size_of::<T>() < LEAST_BYTES { None } else { pool().take(len) }
}

/// Keeps `cells` for the next buffer, or frees them where there is enough already.
pub(super) fn give<T: Number>(cells: Vec<T>) {
    if cells.len() * size_of::<T>() >= LEAST_BYTES {
        pool().give(cells);
    }
}

/// Frees all that nobody uses.
pub(super) fn clear() {
    let mut pool = pool();
    pool.shelves.clear();
    pool.idle = 0;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a buffer does: storage from the pool, or new.
    fn storage<T: Number>(pool: &mut Pool, len: usize) -> Vec<T> {
        pool.take(len).unwrap_or_else(|| vec![T::ZERO; len])
    }

    #[test]
    fn storage_comes_back_once() {
        let mut pool = Pool::default();
        let cells = storage::<f64>(&mut pool, 1000);
        let at = cells.as_ptr();
        pool.give(cells);
        let again = pool.take::<f64>(900).expect("long enough");
        assert_eq!((again.as_ptr(), again.len()), (at, 1000));
        assert!(pool.take::<f64>(900).is_none(), "once only");
    }

    #[test]
    fn storage_fits_in_type_and_length() {
        let mut pool = Pool::default();
        let both = [storage::<f64>(&mut pool, 1000), storage(&mut pool, 1000)];
        both.into_iter().for_each(|cells| pool.give(cells));
        assert!(pool.take::<f32>(1000).is_none(), "another type");
        assert!(pool.take::<f64>(500).is_none(), "far too long");
    }

    #[test]
    fn never_holds_more_than_was_ever_used_at_once() {
        let mut pool = Pool::default();
        for len in [1000, 3000, 200, 5000, 700] {
            let cells: Vec<_> = (0..3).map(|_| storage::<f32>(&mut pool, len)).collect();
            assert!(pool.used + pool.idle <= pool.most_used);
            cells.into_iter().for_each(|cells| pool.give(cells));
            assert_eq!(pool.used, 0);
            assert!(pool.idle <= pool.most_used);
            assert!(pool.take::<f32>(len).is_some(), "the last size is kept, whatever was there before");
            pool.used = 0;
        }
        assert_eq!(pool.most_used, 3 * 5000 * 4);
    }

    #[test]
    fn small_storage_is_not_kept() {
        give(vec![1.0f32; 100]);
        assert!(take::<f32>(100).is_none());
    }
}
