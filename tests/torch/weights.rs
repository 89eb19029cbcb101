//! Weights that PyTorch wrote, and weights for PyTorch to read.

use crate::golden;
use residual::{
    Shape,
    checkpoint::{self, Metadata, TensorFile, Weights},
    models::{self, Options},
    nn::Slot,
};
use serde_json::Value;
use std::path::PathBuf;

fn pth(name: &str) -> PathBuf {
    golden::path(name).with_extension("pth")
}

/// Halves and doubles, transposed, shared, repeated and empty tensors, below `state_dict` and `module.`.
#[test]
fn a_pth_holds_what_the_safetensors_holds() {
    let expected = TensorFile::read(&golden::path("weights")).expect("a file of safetensors").arrays;
    let found = TensorFile::read(&pth("weights")).expect("a file of PyTorch").arrays;
    assert_eq!(found.len(), 13);
    assert!(found.keys().all(|name| name.starts_with("module.")));
    for (name, array) in &expected {
        assert_eq!(&found[&format!("module.{name}")], array, "{name}");
    }
}

/// By name, type and shape: all that PyTorch compares in `load_state_dict(strict=True)`.
#[test]
fn state_dicts_are_torchvisions() {
    let path = golden::path("state_dicts").with_extension("json");
    let text = std::fs::read_to_string(path).expect("a committed file");
    let networks: serde_json::Map<String, Value> = serde_json::from_str(&text).expect("JSON");
    assert_eq!(networks.len(), 6);
    for (name, expected) in networks {
        let options = Options { classes: 1000, input_size: 224, init: false, ..Options::default() };
        let mut found = serde_json::Map::new();
        models::build::<f32>(&name, &options).expect("a known name").visit(&mut |path, slot| {
            let kind = |dtype: &str, shape: Shape| serde_json::json!([dtype, shape.dims()]);
            let kind = match slot {
                Slot::Param(param) => kind("F32", param.value.shape()),
                Slot::Buffer(buffer) => kind("F32", buffer.shape()),
                Slot::Count(_) => kind("I64", [].into()),
                Slot::Generator(_) => return,
            };
            found.insert(path.to_string(), kind);
        });
        assert_eq!(Value::Object(found), expected, "{name}");
    }
}

/// The same of a file that was written.
#[test]
fn a_written_file_has_torchvisions_names_types_and_shapes() {
    let text = std::fs::read_to_string(golden::path("state_dicts").with_extension("json")).expect("a file");
    let networks: Value = serde_json::from_str(&text).expect("JSON");
    let options = Options { classes: 1000, input_size: 224, init: false, ..Options::default() };
    let mut model = models::build::<f32>("resnet18", &options).expect("a known name");
    let path = std::env::temp_dir().join(format!("residual-written-{}.safetensors", std::process::id()));
    let metadata = Metadata {
        model: "resnet18".into(),
        in_channels: 3,
        input_size: [224, 224],
        data: "none".into(),
        classes: Vec::new(),
        mean: vec![0.0; 3],
        std: vec![1.0; 3],
        shortcut: None,
    };
    checkpoint::save(&path, |each| model.visit(each), &metadata).expect("a file can be written");
    let written = std::fs::read(&path).expect("a file that was written");
    std::fs::remove_file(&path).expect("a file of our own");
    let (length, rest) = written.split_first_chunk().expect("the header's length");
    let header: Value =
        serde_json::from_slice(&rest[..u64::from_le_bytes(*length) as usize]).expect("the header");
    let mut found = header.as_object().expect("named entries").clone();
    found.remove("__metadata__");
    let found = found.into_iter().map(|(name, entry)| {
        let kind = serde_json::json!([entry["dtype"], entry["shape"]]);
        (name, kind)
    });
    assert_eq!(Value::Object(found.collect()), networks["resnet18"]);
}

#[test]
fn a_pth_is_loaded_by_name() {
    let weights = Weights::read(&pth("weights")).expect("a file of PyTorch");
    assert_eq!(weights.metadata(), None);
    let mut net = residual::nn::Sequential::<f32>::new().add("0", residual::nn::Linear::new(2, 1));
    let visit = |each: &mut residual::nn::Visitor<'_, f32>| models::Model::visit(&mut net, each);
    let error = weights.load(visit).expect_err("other names").to_string();
    assert!(
        error.contains("13 unexpected (brain, channels_last, ") && error.contains("and 3 more"),
        "{error}"
    );
    let linear = Weights::read(&pth("linear")).expect("a file of PyTorch");
    linear.load(|each| models::Model::visit(&mut net, each)).expect("its own names");
}
