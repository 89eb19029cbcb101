//! Storage that nobody uses now, by number type and length.

use crate::real::Real;
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
    /// Bytes in use, and the most there ever were; the pool keeps no more than that.
    used: usize,
    most_used: usize,
    /// Bytes on the shelves.
    idle: usize,
}

impl Pool {
    fn shelf<T: Real>(&mut self) -> &mut Shelf<T> {
        let shelf = self.shelves.entry(TypeId::of::<T>()).or_insert_with(|| Box::new(Shelf::<T>::new()));
        shelf.downcast_mut().expect("a shelf is filed under its type")
    }
}

fn pool() -> MutexGuard<'static, Pool> {
    static POOL: LazyLock<Mutex<Pool>> = LazyLock::new(Mutex::default);
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Storage of at least `len` numbers and not much more, if there is any.
pub(super) fn take<T: Real>(len: usize) -> Option<Vec<T>> {
    if len * size_of::<T>() < LEAST_BYTES {
        return None;
    }
    let mut pool = pool();
    let shelf = pool.shelf::<T>();
    let found =
        shelf.range_mut(len..=len + len / 4).next().map(|(&len, same)| (len, same.pop(), same.is_empty()));
    if let Some((found, _, true)) = found {
        shelf.remove(&found);
    }
    let cells = found.and_then(|(_, cells, _)| cells);
    pool.idle -= cells.as_ref().map_or(0, Vec::len) * size_of::<T>();
    pool.used += cells.as_ref().map_or(len, Vec::len) * size_of::<T>();
    pool.most_used = pool.most_used.max(pool.used);
    cells
}

/// Keeps `cells` for the next buffer, or frees them where there is enough already.
pub(super) fn give<T: Real>(cells: Vec<T>) {
    let bytes = cells.len() * size_of::<T>();
    if bytes < LEAST_BYTES {
        return;
    }
    let mut pool = pool();
    pool.used -= bytes;
    if pool.idle + bytes <= pool.most_used {
        pool.idle += bytes;
        pool.shelf().entry(cells.len()).or_default().push(cells);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lengths that no other test uses.
    #[test]
    fn storage_comes_back() {
        let len = 1_234_567;
        assert!(take::<f64>(len).is_none());
        let cells = vec![7.0f64; len];
        let at = cells.as_ptr();
        give(cells);
        assert!(take::<f32>(len).is_none(), "another type");
        assert!(take::<f64>(len / 2).is_none(), "far too long");
        let again = take::<f64>(len - 100).expect("long enough");
        assert_eq!((again.as_ptr(), again.len()), (at, len));
        assert!(take::<f64>(len).is_none(), "once only");
    }

    #[test]
    fn small_storage_is_not_kept() {
        give(vec![1.0f32; 100]);
        assert!(take::<f32>(100).is_none());
    }
}
