//! What the stack machine builds.

use super::Name;
use safetensors::Dtype;

/// What a pickle can put on the stack.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// A value that no tensor depends on: none, a truth value, a float, a list.
    Plain,
    Int(i64),
    Text(&'a str),
    /// Its number among the tuples.
    Tuple(usize),
    /// Its number among the dicts.
    Dict(usize),
    Name(Name),
    /// Its number among the storages.
    Storage(usize),
    /// Its number among the tensors.
    Tensor(usize),
}

/// So many numbers in the entry `key` of the archive.
#[derive(Clone, Copy, Debug)]
pub struct Storage<'a> {
    pub dtype: Dtype,
    pub key: &'a str,
    pub len: i64,
}

impl Storage<'_> {
    /// Bytes of a number; of all the types that [`known`](super::known) gives, these are whole.
    pub fn size(&self) -> usize {
        self.dtype.bitsize() / 8
    }
}

/// Where a tensor lies.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub storage: Storage<'a>,
    pub offset: i64,
    /// Tuples, by their numbers.
    pub shape: usize,
    pub strides: usize,
}

/// What a value is, for a message.
pub fn kind(value: Option<&Value<'_>>) -> &'static str {
    match value {
        None => "nothing",
        Some(Value::Plain) => "a plain value",
        Some(Value::Int(_)) => "an integer",
        Some(Value::Text(_)) => "a text",
        Some(Value::Tuple(_)) => "a tuple",
        Some(Value::Dict(_)) => "a dict",
        Some(Value::Name(Name::OrderedDict)) => "`OrderedDict` with other arguments",
        Some(Value::Name(Name::RebuildTensor)) => "`_rebuild_tensor_v2` with other arguments",
        Some(Value::Name(Name::RebuildParameter)) => "`_rebuild_parameter` with other arguments",
        Some(Value::Name(Name::StorageOf(_))) => "a storage's type",
        Some(Value::Storage(_)) => "a storage",
        Some(Value::Tensor(_)) => "a tensor",
    }
}
