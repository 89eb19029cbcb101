//! What is learned from, what decisions are made on, and what is read once at the end.

use super::{
    dataset::{Dataset, Images},
    normalization::Normalization,
};
use crate::{
    error::Error,
    rng::{self, Generator},
};
use std::{fmt, str::FromStr};

/// A data set as it is published: two parts.
#[derive(Clone, Debug)]
pub struct Sets {
    /// To learn from.
    pub train: Dataset,
    /// To be read once, at the end.
    pub test: Dataset,
}

impl Sets {
    /// Both parts, normalised by what the training images say: the test set teaches nothing.
    pub fn new(train: Images, test: Images) -> Self {
        let normalization = Normalization::of(&train);
        Self { train: Dataset::new(train, normalization.clone()), test: Dataset::new(test, normalization) }
    }

    /// Holds every tenth training image out for validation, chosen by `seed`; fewer than ten
    /// leave none. A run that is evaluated or resumed later must split with the same seed.
    ///
    /// ```
    /// use residual::data::synthetic;
    /// let splits = synthetic::bars([8, 8, 1], 4, 50, 0).split(7);
    /// assert_eq!((splits.train.len(), splits.validation.len(), splits.test.len()), (45, 5, 50));
    /// ```
    pub fn split(self, seed: u64) -> Splits {
        let count = self.train.len();
        let mut order: Vec<_> = (0..count).collect();
        Generator::new(seed, rng::SPLIT).shuffle(&mut order);
        let (held_out, kept) = order.split_at_mut(count / 10);
        held_out.sort_unstable();
        kept.sort_unstable();
        Splits {
            train: self.train.select(kept.iter().copied()),
            validation: self.train.select(held_out.iter().copied()),
            test: self.test,
        }
    }
}

/// A data set in three parts without an image in common.
#[derive(Clone, Debug)]
pub struct Splits {
    /// To learn from.
    pub train: Dataset,
    /// To make decisions on: which epoch, which learning rate.
    pub validation: Dataset,
    /// To be read once, at the end.
    pub test: Dataset,
}

impl Splits {
    /// The part called `split`.
    pub fn part(&self, split: Split) -> &Dataset {
        match split {
            Split::Train => &self.train,
            Split::Validation => &self.validation,
            Split::Test => &self.test,
        }
    }
}

/// The name of a part.
///
/// ```
/// use residual::data::Split;
/// assert_eq!("validation".parse::<Split>().unwrap(), Split::Validation);
/// assert!("valid".parse::<Split>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// To learn from.
    Train,
    /// To make decisions on.
    Validation,
    /// To be read once, at the end.
    Test,
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        })
    }
}

impl FromStr for Split {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let all = [Self::Train, Self::Validation, Self::Test];
        all.into_iter().find(|split| split.to_string() == name).ok_or_else(|| Error::Argument {
            name: "--split".into(),
            expected: "train, validation or test".into(),
            found: format!("`{name}`"),
            hint: "name one of the three".into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::synthetic;

    /// The images as they are, to compare parts by.
    fn images(dataset: &Dataset) -> Vec<&[u8]> {
        (0..dataset.len()).map(|i| dataset.image(i)).collect()
    }

    #[test]
    fn the_parts_are_disjoint_and_make_up_the_whole() {
        let sets = synthetic::bars([6, 6, 1], 5, 200, 1);
        let splits = sets.clone().split(7);
        assert_eq!((splits.train.len(), splits.validation.len()), (180, 20));
        let mut parts = [images(&splits.train), images(&splits.validation)].concat();
        let mut whole = images(&sets.train);
        parts.sort_unstable();
        whole.sort_unstable();
        whole.dedup();
        assert_eq!((parts, whole.len()), (whole, 200));
        assert_eq!(images(&splits.test), images(&sets.test));
    }

    #[test]
    fn the_seed_decides() {
        let held_out = |seed| synthetic::bars([6, 6, 1], 5, 200, 1).split(seed).validation;
        assert_eq!(images(&held_out(7)), images(&held_out(7)));
        assert_ne!(images(&held_out(7)), images(&held_out(8)));
    }
}
