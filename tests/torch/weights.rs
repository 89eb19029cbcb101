//! Weights that PyTorch wrote, and weights for PyTorch to read.

use crate::{formula, golden};
use residual::{
    Shape,
    checkpoint::{self, Metadata, TensorFile, Weights},
    models::{self, Model, Options},
    nn::{Linear, Sequential, Slot, Visitor},
};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

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

/// torchvision's networks, each with the types and shapes of its state dict by name.
fn state_dicts() -> Map<String, Value> {
    let path = golden::path("state_dicts").with_extension("json");
    let text = std::fs::read_to_string(path).expect("a committed file");
    let networks: Map<_, _> = serde_json::from_str(&text).expect("JSON");
    assert_eq!(networks.len(), 6);
    networks
}

fn build(name: &str) -> Box<dyn Model<f32>> {
    let options = Options { classes: 1000, input_size: 224, init: false, ..Options::default() };
    models::build(name, &options).expect("a known name")
}

fn save(path: &Path, name: &str, model: &mut dyn Model<f32>) {
    let metadata = Metadata {
        model: name.into(),
        in_channels: 3,
        input_size: [224, 224],
        data: "none".into(),
        classes: Vec::new(),
        mean: vec![0.0; 3],
        std: vec![1.0; 3],
        shortcut: None,
    };
    checkpoint::save(path, |each| model.visit(each), &metadata).expect("a file can be written");
}

/// By name, type and shape: all that PyTorch compares in `load_state_dict(strict=True)`.
#[test]
fn state_dicts_are_torchvisions() {
    for (name, expected) in state_dicts() {
        let mut found = Map::new();
        build(&name).visit(&mut |path, slot| {
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

/// The same of the bytes of a file.
#[test]
fn a_written_file_has_torchvisions_names_types_and_shapes() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("names.safetensors");
    save(&path, "resnet18", &mut *build("resnet18"));
    let written = std::fs::read(&path).expect("a file that was written");
    std::fs::remove_file(&path).expect("a file of our own");
    let (length, rest) = written.split_first_chunk().expect("the header's length");
    let header = &rest[..u64::from_le_bytes(*length) as usize];
    let mut header: Map<String, Value> = serde_json::from_slice(header).expect("JSON");
    header.remove("__metadata__");
    let found = header.into_iter().map(|(name, entry)| {
        let kind = serde_json::json!([entry["dtype"], entry["shape"]]);
        (name, kind)
    });
    assert_eq!(Value::Object(found.collect()), state_dicts()["resnet18"]);
}

#[test]
#[ignore = "writes 1 GB into target/tmp, for read_back.py"]
fn writes_what_pytorch_reads() {
    for (name, _) in state_dicts() {
        let mut model = build(&name);
        formula::fill(&mut *model, 0.0);
        model.visit(&mut |_, slot| {
            if let Slot::Count(count) = slot {
                *count = 77;
            }
        });
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.safetensors"));
        save(&path, &name, &mut *model);
    }
}

#[test]
fn a_pth_is_loaded_by_name() {
    let weights = Weights::read(&pth("weights")).expect("a file of PyTorch");
    assert_eq!(weights.metadata(), None);
    let mut net = Sequential::<f32>::new().add("0", Linear::new(2, 1));
    let mut visit = |each: &mut Visitor<'_, f32>| Model::visit(&mut net, each);
    let error = weights.load(&mut visit).expect_err("other names").to_string();
    let unexpected = "13 unexpected (brain, channels_last, ";
    assert!(error.contains(unexpected) && error.contains("and 3 more"), "{error}");
    let linear = Weights::read(&pth("linear")).expect("a file of PyTorch");
    linear.load(visit).expect("its own names");
}
