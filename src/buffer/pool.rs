//! Storage that nobody uses now, by number type.

use super::{RESERVE, Usage};
use crate::number::Number;
use std::{
    any::{Any, TypeId},
    collections::HashMap,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

/// Smaller storage is the allocator's business.
const LEAST_BYTES: usize = 64 << 10;

/// How many times as long as asked for storage may be, where new one would go beyond what the pool may hold.
const LONGEST: usize = 4;

/// Storage of one number type, in the order in which it came back.
type Shelf<T> = Vec<Vec<T>>;

#[derive(Default)]
struct Pool {
    /// For each number type its [`Shelf`].
    shelves: HashMap<TypeId, Box<dyn Any + Send>>,
    /// Bytes asked for by all that is in use.
    usage: Usage,
    /// Bytes of all storage, and of that on the shelves.
    held: usize,
    idle: usize,
}

impl Pool {
    fn shelf<T: Number>(&mut self) -> &mut Shelf<T> {
        let shelf = self.shelves.entry(TypeId::of::<T>()).or_insert_with(|| Box::new(Shelf::<T>::new()));
        shelf.downcast_mut().expect("a shelf is filed under its type")
    }

    /// Bytes that may be held.
    fn limit(&self) -> usize {
        self.usage.most + (self.usage.most as f64 * RESERVE) as usize
    }

    /// Of all storage that is long enough and not much longer the shortest, and of several such the last that came
    /// back: some of it may still be in a cache.
    fn take<T: Number>(&mut self, len: usize) -> Option<Vec<T>> {
        let bytes = len * size_of::<T>();
        self.usage.now += bytes;
        self.usage.most = self.usage.most.max(self.usage.now);
        let room = self.held + bytes <= self.limit();
        let longest = if room { len + len / 4 } else { LONGEST * len };
        let fit =
            self.shelf::<T>().iter().enumerate().rev().filter(|(_, s)| (len..=longest).contains(&s.len()));
        let best = fit.min_by_key(|(_, storage)| storage.len()).map(|(at, _)| at);
        if best.is_none() {
            self.held += bytes;
            self.make_room::<T>();
        }
        let storage = self.shelf::<T>().remove(best?);
        self.idle -= storage.len() * size_of::<T>();
        Some(storage)
    }

    /// Frees what came back last, until no more is held than may be. Each step asks for the same in the same order:
    /// what came back last is needed again last.
    fn make_room<T: Number>(&mut self) {
        while self.held > self.limit() {
            let Some(storage) = self.shelf::<T>().pop() else { break };
            let bytes = storage.len() * size_of::<T>();
            self.held -= bytes;
            self.idle -= bytes;
        }
    }

    /// Takes back storage that was asked for as `len` numbers.
    fn give<T: Number>(&mut self, storage: Vec<T>, len: usize) {
        self.usage.now -= len * size_of::<T>();
        self.idle += storage.len() * size_of::<T>();
        self.shelf().push(storage);
        self.make_room::<T>();
    }
}

fn pool() -> MutexGuard<'static, Pool> {
    static POOL: LazyLock<Mutex<Pool>> = LazyLock::new(Mutex::default);
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_small<T: Number>(len: usize) -> bool {
    len * size_of::<T>() < LEAST_BYTES
}

/// Storage of at least `len` numbers, if there is any. Whoever finds none makes storage of exactly `len`, and either
/// way gives it back in the end.
pub(super) fn take<T: Number>(len: usize) -> Option<Vec<T>> {
    if is_small::<T>(len) { None } else { pool().take(len) }
}

/// Keeps storage that was asked for as `len` numbers for the next buffer, or frees it where there is enough already.
pub(super) fn give<T: Number>(storage: Vec<T>, len: usize) {
    if !is_small::<T>(len) {
        pool().give(storage, len);
    }
}

/// Frees all that nobody uses, and forgets how much was ever used.
pub(super) fn clear() {
    let mut pool = pool();
    pool.shelves.clear();
    pool.usage.most = pool.usage.now;
    pool.held -= std::mem::take(&mut pool.idle);
}

pub(super) fn usage() -> Usage {
    pool().usage
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
        pool.give(cells, 1000);
        let again = pool.take::<f64>(900).expect("long enough");
        assert_eq!((again.as_ptr(), again.len()), (at, 1000));
        assert!(pool.take::<f64>(900).is_none(), "once only");
    }

    #[test]
    fn storage_fits_in_type_and_length() {
        let mut pool = Pool::default();
        let both = [storage::<f64>(&mut pool, 1000), storage(&mut pool, 1000)];
        both.into_iter().for_each(|cells| pool.give(cells, 1000));
        assert!(pool.take::<f32>(100).is_none(), "another type");
        assert!(pool.take::<f64>(100).is_none(), "far too long, and there is room for new storage");
        assert_eq!(pool.take::<f64>(500).expect("no more room").len(), 1000);
    }

    #[test]
    fn never_holds_much_more_than_was_ever_used_at_once() {
        let mut pool = Pool::default();
        for len in [1000, 3000, 200, 5000, 700] {
            let cells: Vec<_> = (0..3).map(|_| storage::<f32>(&mut pool, len)).collect();
            assert!(pool.held <= pool.limit());
            cells.into_iter().for_each(|cells| pool.give(cells, len));
            assert_eq!(pool.usage.now, 0);
        }
        assert_eq!(pool.usage.most, 3 * 5000 * 4);
        assert!(pool.held == pool.idle && pool.held <= pool.usage.most / 8 * 9);
    }

    /// Tensors of three sizes that come and go as in a training step: kept, passing, laid aside.
    #[test]
    fn the_third_step_asks_for_nothing_new() {
        let mut pool = Pool::default();
        let mut new = Vec::new();
        for step in 0..4 {
            new.clear();
            let mut get = |pool: &mut Pool, len: usize| {
                let found = pool.take::<f32>(len);
                new.extend(found.is_none().then_some(len));
                found.unwrap_or_else(|| vec![0.0; len])
            };
            let mut kept = Vec::new();
            for layer in 0..10 {
                let aside = get(&mut pool, 700 * (layer + 1));
                kept.push((get(&mut pool, 5000), aside.len()));
                pool.give(aside, 700 * (layer + 1));
            }
            while let Some((tensor, _)) = kept.pop() {
                let dx = get(&mut pool, 5000);
                let aside = get(&mut pool, 3000);
                pool.give(aside, 3000);
                pool.give(tensor, 5000);
                pool.give(dx, 5000);
            }
            assert!(step < 2 || new.is_empty(), "step {step} asked for {new:?}");
        }
    }

    #[test]
    fn small_storage_is_not_kept() {
        give(vec![1.0f32; 100], 100);
        assert!(take::<f32>(100).is_none());
    }
}
