//! Reading what `generate.py` wrote, and measuring the distance to it.

use residual::{Real, Tensor};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::{Map, Value};
use std::{collections::HashMap, path::PathBuf};

/// Where the golden files lie.
pub fn path(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/torch/golden", &format!("{file}.safetensors")].iter().collect()
}

/// A golden file.
pub struct Golden {
    bytes: Vec<u8>,
    cases: Map<String, Value>,
    f32_errors: HashMap<String, f64>,
}

impl Golden {
    pub fn open(file: &str) -> Self {
        let bytes = std::fs::read(path(file)).expect("a golden file");
        let (_, header) = SafeTensors::read_metadata(&bytes).expect("safetensors");
        let metadata = header.metadata().as_ref().expect("metadata");
        let cases = serde_json::from_str(&metadata["cases"]).expect("settings in JSON");
        let f32_errors = serde_json::from_str(&metadata["f32_errors"]).expect("errors in JSON");
        Self { bytes, cases, f32_errors }
    }

    pub fn cases(&self) -> impl Iterator<Item = Case<'_>> {
        let tensors = SafeTensors::deserialize(&self.bytes).expect("safetensors");
        assert!(!self.cases.is_empty(), "a golden file without cases proves nothing");
        self.cases.iter().map(move |(name, settings)| {
            let prefix = format!("{name}/");
            let tensors = tensors.iter();
            let own = tensors.filter_map(|(key, view)| Some((key.strip_prefix(&prefix)?.to_string(), view)));
            Case { name, settings, tensors: own.collect(), f32_errors: &self.f32_errors }
        })
    }

    pub fn case(&self, name: &str) -> Case<'_> {
        self.cases().find(|case| case.name == name).unwrap_or_else(|| panic!("no case {name}"))
    }
}

/// One computation: its settings, inputs and results.
pub struct Case<'a> {
    pub name: &'a str,
    settings: &'a Value,
    tensors: HashMap<String, TensorView<'a>>,
    f32_errors: &'a HashMap<String, f64>,
}

impl Case<'_> {
    /// A setting under PyTorch's name, if it differs from PyTorch's default.
    pub fn setting(&self, key: &str) -> Option<&Value> {
        self.settings.get(key)
    }

    pub fn number(&self, key: &str) -> Option<f64> {
        self.setting(key).map(|value| value.as_f64().expect("a number"))
    }

    pub fn flag(&self, key: &str) -> bool {
        self.setting(key).is_some_and(|value| value.as_bool().expect("true or false"))
    }

    /// Height and width; PyTorch takes one number for both.
    pub fn pair(&self, key: &str) -> Option<[usize; 2]> {
        let number = |value: &Value| value.as_u64().expect("a whole number") as usize;
        self.setting(key).map(|value| match value {
            Value::Array(pair) => [number(&pair[0]), number(&pair[1])],
            both => [number(both); 2],
        })
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    fn view(&self, key: &str) -> &TensorView<'_> {
        self.tensors.get(key).unwrap_or_else(|| panic!("no tensor {}/{key}", self.name))
    }

    /// A tensor as it lies in the file.
    pub fn tensor<T: Real>(&self, key: &str) -> Tensor<T> {
        let view = self.view(key);
        let values = numbers(view).into_iter().map(T::of).collect();
        match *view.shape() {
            [] => Tensor::from_vec([1], values),
            [a] => Tensor::from_vec([a], values),
            [a, b] => Tensor::from_vec([a, b], values),
            [a, b, c] => Tensor::from_vec([a, b, c], values),
            [a, b, c, d] => Tensor::from_vec([a, b, c, d], values),
            ref more => panic!("{more:?} has more than four axes"),
        }
    }

    /// Images: (N, C, H, W) in the file, (N, H, W, C) in residual.
    pub fn images<T: Real>(&self, key: &str) -> Tensor<T> {
        Tensor::from_nchw(&self.tensor(key))
    }

    pub fn labels(&self, key: &str) -> Vec<usize> {
        numbers(self.view(key)).into_iter().map(|label| label as usize).collect()
    }

    /// How far PyTorch's f32 lies from its f64, norm-wise.
    pub fn f32_error(&self, key: &str) -> f64 {
        self.f32_errors[&format!("{}/{key}", self.name)]
    }
}

fn numbers(view: &TensorView) -> Vec<f64> {
    let bytes = view.data();
    match view.dtype() {
        Dtype::F32 => {
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()).into()).collect()
        }
        Dtype::F64 => bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect(),
        Dtype::I64 => {
            bytes.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f64).collect()
        }
        other => panic!("unexpected {other:?}"),
    }
}
