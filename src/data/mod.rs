//! Data sets, augmentation, and the loader that prepares the next batch while this one trains.
