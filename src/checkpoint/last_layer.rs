//! The layers that give the scores, where network and file tell different classes apart.

use super::Array;
use crate::{
    nn::{Slot, Visitor},
    real::Real,
};
use std::{collections::BTreeMap, fmt};

/// A layer whose weights in the file are for another number of classes.
pub(super) struct OtherClasses {
    pub name: String,
    of_file: usize,
    of_network: usize,
}

impl fmt::Display for OtherClasses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, of_file, of_network } = self;
        write!(
            f,
            "{name}: {of_network} classes instead of the file's {of_file}, the layer keeps its initial weights"
        )
    }
}

/// A layer, and its parameters' names and shapes.
#[derive(Default)]
struct End {
    layer: String,
    parameters: Vec<(String, Vec<usize>)>,
}

/// Those among the last layer and the last layers of auxiliary heads whose outputs alone, the first
/// extent of weight and bias, are others than the file's.
pub(super) fn other_classes<T: Real>(
    arrays: &BTreeMap<String, Array>,
    visit: impl FnOnce(&mut Visitor<'_, T>),
) -> Vec<OtherClasses> {
    // Of the trunk, under the empty name, and of each head: the parameters of the last layer so far.
    let mut last: BTreeMap<String, End> = BTreeMap::new();
    visit(&mut |name, slot| {
        let Slot::Param(param) = slot else { return };
        let name = name.to_string();
        let part = name.split('.').next().filter(|part| part.starts_with("aux")).unwrap_or_default();
        let end = last.entry(part.into()).or_default();
        if end.layer != layer(&name) {
            *end = End { layer: layer(&name).into(), parameters: Vec::new() };
        }
        end.parameters.push((name, param.value.shape().dims().to_vec()));
    });
    let other = |End { layer, parameters }: End| {
        let mut classes = None;
        for (parameter, here) in parameters {
            let there = &arrays.get(&parameter)?.shape;
            let ((&of_network, here), (&of_file, there)) = (here.split_first()?, there.split_first()?);
            if here != there || classes.is_some_and(|classes| classes != (of_file, of_network)) {
                return None;
            }
            classes = Some((of_file, of_network));
        }
        let (of_file, of_network) = classes.filter(|(of_file, of_network)| of_file != of_network)?;
        Some(OtherClasses { name: layer, of_file, of_network })
    };
    last.into_values().filter_map(other).collect()
}

/// The layer that a parameter belongs to.
pub(super) fn layer(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(layer, _)| layer)
}
