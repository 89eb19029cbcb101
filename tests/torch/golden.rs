//! Reading what `generate.py` wrote.

use residual::{
    Real, Tensor,
    checkpoint::{Array, TensorFile},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::{collections::HashMap, path::PathBuf};

/// Where a golden file lies.
pub fn path(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/torch/golden", &format!("{file}.safetensors")].iter().collect()
}

/// A golden file.
pub struct Golden {
    file: TensorFile,
    about: About,
}

#[derive(Deserialize)]
struct About {
    cases: Map<String, Value>,
    f32_errors: HashMap<String, f64>,
}

impl Golden {
    pub fn open(name: &str) -> Self {
        let file = TensorFile::read(&path(name)).unwrap_or_else(|error| panic!("{error}"));
        let about = serde_json::from_str(&file.metadata["about"]).expect("JSON as generate.py writes it");
        Self { file, about }
    }

    pub fn cases(&self) -> impl Iterator<Item = Case<'_>> {
        self.about.cases.iter().map(|(name, settings)| Case { golden: self, name, settings })
    }

    #[track_caller]
    pub fn case(&self, name: &str) -> Case<'_> {
        self.cases().find(|case| case.name == name).unwrap_or_else(|| panic!("no case {name}"))
    }
}

/// One computation: its settings, inputs and results.
pub struct Case<'a> {
    golden: &'a Golden,
    pub name: &'a str,
    settings: &'a Value,
}

impl<'a> Case<'a> {
    /// A setting under PyTorch's name; none if it has PyTorch's default.
    pub fn setting(&self, key: &str) -> Option<&'a Value> {
        self.settings.get(key)
    }

    pub fn number(&self, key: &str) -> Option<f64> {
        self.setting(key).map(|value| value.as_f64().expect("a number"))
    }

    pub fn count(&self, key: &str) -> Option<usize> {
        self.setting(key).map(count)
    }

    pub fn flag(&self, key: &str) -> Option<bool> {
        self.setting(key).map(|value| value.as_bool().expect("true or false"))
    }

    /// Height and width; PyTorch takes one number for both.
    pub fn pair(&self, key: &str) -> Option<[usize; 2]> {
        self.setting(key).map(|value| match value {
            Value::Array(pair) => [count(&pair[0]), count(&pair[1])],
            both => [count(both); 2],
        })
    }

    /// The names of the results that `which` picks.
    pub fn results(&self, which: impl Fn(&str) -> bool) -> Vec<&'a str> {
        let keys = self.golden.about.f32_errors.keys();
        let own = keys.filter_map(|key| key.strip_prefix(self.name)?.strip_prefix('/'));
        own.filter(|key| which(key)).collect()
    }

    fn array(&self, key: &str) -> &'a Array {
        let key = format!("{}/{key}", self.name);
        self.golden.file.arrays.get(&key).unwrap_or_else(|| panic!("no tensor {key}"))
    }

    /// A tensor as it lies in the file.
    pub fn tensor<T: Real>(&self, key: &str) -> Tensor<T> {
        self.array(key).to_tensor().expect("at most four axes")
    }

    /// Images: (N, C, H, W) in the file, (N, H, W, C) in residual.
    pub fn images<T: Real>(&self, key: &str) -> Tensor<T> {
        Tensor::from_nchw(&self.tensor(key))
    }

    pub fn labels(&self, key: &str) -> Vec<usize> {
        self.tensor::<f64>(key).as_slice().iter().map(|&label| label as usize).collect()
    }

    /// ‖f32 - f64‖ / ‖f64‖ of PyTorch itself.
    pub fn f32_error(&self, key: &str) -> f64 {
        self.golden.about.f32_errors[&format!("{}/{key}", self.name)]
    }
}

fn count(value: &Value) -> usize {
    value.as_u64().expect("a whole number") as usize
}
