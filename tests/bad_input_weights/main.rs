//! Damaged, lying and foreign files of weights: an error that helps, and nothing loaded.

mod archive;
mod pth;

use residual::{
    Error, Tensor,
    checkpoint::{self, Array, Metadata, Numbers, TensorFile, Weights},
    nn::{BatchNorm2d, Layer, Linear, Path as Name, Sequential, Visitor},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A file with these bytes, gone when the test is over.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Self {
        let file = format!("residual-weights-{}-{test}.safetensors", std::process::id());
        Self(std::env::temp_dir().join(file))
    }

    fn holding(test: &str, bytes: &[u8]) -> Self {
        let scratch = Self::new(test);
        fs::write(&scratch.0, bytes).expect("a folder for temporary files");
        scratch
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn net(width: usize) -> Sequential<f32> {
    Sequential::new().add("fc", Linear::new(3, width)).add("norm", BatchNorm2d::new(width))
}

fn visit(net: &mut Sequential<f32>, each: &mut Visitor<'_, f32>) {
    net.visit(&Name::root(), each);
}

fn metadata() -> Metadata {
    Metadata {
        model: "own".into(),
        in_channels: 1,
        input_size: [1, 3],
        data: "made up".into(),
        classes: vec!["dark".into(), "light".into()],
        mean: vec![0.1 + 0.2],
        std: vec![1.0 / 3.0],
        shortcut: None,
    }
}

/// A safetensors file with this header and so many zero bytes of numbers.
fn file(header: &str, numbers: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + numbers, 0);
    bytes
}

fn refuse(bytes: &[u8]) -> String {
    let error = TensorFile::from_bytes(Path::new("w.safetensors"), bytes).expect_err("a damaged file");
    let text = error.to_string();
    assert!(text.starts_with("w.safetensors: expected ") && text.len() < 600, "{text}");
    text
}

#[test]
fn weights_come_back_bit_for_bit_with_what_they_are_for() -> Result<(), Error> {
    let scratch = Scratch::new("back");
    let mut here = net(4);
    let mut seed = 0.0;
    visit(&mut here, &mut |_, slot| match slot {
        residual::nn::Slot::Param(param) => param.value.as_mut_slice().iter_mut().for_each(|x| {
            seed += 1.0;
            *x = 1.0 / seed;
        }),
        residual::nn::Slot::Count(count) => *count = 77,
        _ => {}
    });
    checkpoint::save(&scratch.0, |each| visit(&mut here, each), &metadata())?;
    let mut there = net(4);
    assert_eq!(checkpoint::load(&scratch.0, |each| visit(&mut there, each))?.metadata, Some(metadata()));
    let again = Scratch::new("again");
    checkpoint::save(&again.0, |each| visit(&mut there, each), &metadata())?;
    assert_eq!(fs::read(&scratch.0).expect("a file"), fs::read(&again.0).expect("a file"));

    let file = TensorFile::read(&scratch.0)?;
    assert_eq!(file.arrays["norm.num_batches_tracked"], Array::count(77));
    assert_eq!(file.arrays["fc.weight"].shape, [4, 3]);
    Ok(())
}

#[test]
fn other_weights_load_nothing_and_all_differences_are_named() -> Result<(), Error> {
    let mut file = TensorFile::default();
    let ones = |shape| Array::of(&Tensor::<f32>::full(shape, 1.0));
    file.arrays.insert("fc.bias".into(), ones([4]));
    file.arrays.insert("fc.weight".into(), ones([5]));
    (0..12).for_each(|n| drop(file.arrays.insert(format!("other.{n}"), ones([1]))));
    let scratch = Scratch::holding("other", &file.to_bytes());
    let mut here = net(4);
    let error = checkpoint::load(&scratch.0, |each| visit(&mut here, each)).expect_err("another network's");
    let text = error.to_string();
    for part in [
        "expected this network's weights, found others: ",
        "4 missing (norm.weight, norm.bias, norm.running_mean, norm.running_var), ",
        "12 unexpected (other.0, ",
        "other.7, and 2 more), ",
        "1 of another shape (fc.weight: expected [4, 3], found [5]); nothing was loaded",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    visit(&mut here, &mut |name, slot| {
        if let residual::nn::Slot::Param(param) = slot {
            assert!(name.to_string() != "fc.bias" || param.value == Tensor::zeros([4]), "nothing was loaded");
        }
    });
    Ok(())
}

#[test]
fn numbers_that_are_none_are_refused() -> Result<(), Error> {
    let scratch = Scratch::new("nan");
    let mut here = net(2);
    checkpoint::save(&scratch.0, |each| visit(&mut here, each), &metadata())?;
    let mut file = TensorFile::read(&scratch.0)?;
    let bias = Array { shape: vec![2], numbers: Numbers::F32(vec![0.0, f32::NAN]) };
    file.arrays.insert("fc.bias".into(), bias);
    file.write(&scratch.0)?;
    let error = checkpoint::load(&scratch.0, |each| visit(&mut here, each)).expect_err("NaN");
    assert!(error.to_string().contains("found NaN in `fc.bias` at [1]; "), "{error}");
    Ok(())
}

#[test]
fn f64_is_rounded_and_a_missing_count_is_no_matter() -> Result<(), Error> {
    let scratch = Scratch::new("wide");
    let mut here = net(2);
    checkpoint::save(&scratch.0, |each| visit(&mut here, each), &metadata())?;
    let mut file = TensorFile::read(&scratch.0)?;
    file.arrays.remove("norm.num_batches_tracked");
    file.arrays.insert("fc.bias".into(), Array { shape: vec![2], numbers: Numbers::F64(vec![0.1, 0.2]) });
    file.metadata.clear();
    file.write(&scratch.0)?;
    assert_eq!(checkpoint::load(&scratch.0, |each| visit(&mut here, each))?.metadata, None);
    visit(&mut here, &mut |name, slot| match slot {
        residual::nn::Slot::Param(param) if name.to_string() == "fc.bias" => {
            assert_eq!(param.value.as_slice(), [0.1, 0.2]);
        }
        _ => {}
    });
    Ok(())
}

#[test]
fn lying_headers_are_refused() {
    let max = u64::MAX;
    refuse(b"");
    refuse(&max.to_le_bytes());
    refuse(&file("", 0)[..7]);
    refuse(&file("{", 0));
    refuse(&file(&"[".repeat(100_000), 0));
    refuse(&file(&format!("{{\"{}\":0}}", "name".repeat(100_000)), 0));
    // An end of which eight more is past the largest number.
    let huge = max / 8;
    let tensor = |name: &str, shape: u64, from: u64, to: u64| {
        format!("\"{name}\":{{\"dtype\":\"U8\",\"shape\":[{shape}],\"data_offsets\":[{from},{to}]}}")
    };
    let mut tensors: Vec<_> =
        (0..8).map(|i| tensor(&format!("t{i}"), huge, i * huge, (i + 1) * huge)).collect();
    tensors.push(tensor("t8", max - 8 * huge, 8 * huge, max));
    refuse(&file(&format!("{{{}}}", tensors.join(",")), 0));
    for header in [
        r#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,16]}}"#,
        r#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
        r#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#,
        r#"{"x":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,8]}}"#,
        r#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
        r#"{"x":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#,
        r#"{"x":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}}"#,
        "{}",
    ] {
        refuse(&file(header, 8));
    }
}

#[test]
fn halves_are_read_and_other_numbers_are_called_unsupported() {
    let halves = |dtype: &str, bits: [u16; 2]| {
        let header = format!(r#"{{"x":{{"dtype":"{dtype}","shape":[2],"data_offsets":[0,4]}}}}"#);
        let mut bytes = file(&header, 0);
        bytes.extend(bits.iter().flat_map(|bits| bits.to_le_bytes()));
        TensorFile::from_bytes(Path::new("w"), &bytes).expect("halves").arrays["x"].numbers.clone()
    };
    assert_eq!(halves("F16", [0x3c00, 0xc200]), Numbers::F32(vec![1.0, -3.0]));
    assert_eq!(halves("BF16", [0x3f80, 0xc040]), Numbers::F32(vec![1.0, -3.0]));
    let text = refuse(&file(r#"{"x":{"dtype":"I16","shape":[2],"data_offsets":[0,4]}}"#, 4));
    assert!(text.contains("F32, F64 or I64") && text.contains("`x` of type I16"), "{text}");
}

#[test]
fn a_layer_named_as_timm_does_and_as_torchvision_does_is_refused() {
    let mut file = TensorFile::default();
    for name in ["classifier.0.bias", "head.fc.bias", "pre_logits.fc1.bias"] {
        file.arrays.insert(name.into(), Array::of(&Tensor::<f32>::full([2], 1.0)));
    }
    let scratch = Scratch::holding("both", &file.to_bytes());
    let text = Weights::read(&scratch.0).expect_err("one of the two would be lost").to_string();
    assert!(
        text.contains("found `classifier.0.bias` and `pre_logits.fc1.bias`, two names of one; "),
        "{text}"
    );
    file.arrays.remove("classifier.0.bias");
    file.write(&scratch.0).expect("a file can be written");
    Weights::read(&scratch.0).expect("timm's names alone");
}

#[test]
fn no_truncation_and_no_flipped_bit_is_worse_than_an_error() {
    let mut good = TensorFile::default();
    good.arrays.insert("weight".into(), Array::of(&Tensor::<f32>::full([2, 3], 1.0)));
    good.arrays.insert("count".into(), Array::count(5));
    let bytes = good.to_bytes();
    assert_eq!(TensorFile::from_bytes(Path::new("good"), &bytes).expect("a good file"), good);
    (0..bytes.len()).for_each(|len| drop(refuse(&bytes[..len])));
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            if let Ok(file) = TensorFile::from_bytes(Path::new("flipped"), &flipped) {
                assert!(file.to_bytes().len() <= 2 * bytes.len());
            }
        }
    }
}

#[test]
fn auxiliary_heads_may_be_on_one_side_only() -> Result<(), Error> {
    let with = |head: Option<&str>, value: f64| {
        let mut net = match head {
            Some(name) => net(2).add(name, Linear::new(2, 3)),
            None => net(2),
        };
        visit(&mut net, &mut |_, slot| {
            if let residual::nn::Slot::Param(param) = slot {
                param.value = Tensor::full(param.value.shape(), value as f32);
            }
        });
        net
    };
    let scratch = Scratch::new("heads");
    for (there, here, said) in [
        (Some("aux1"), None, Some("aux1: left out 2 tensors, since this network has no such head")),
        (None, Some("aux2"), Some("aux2: not in the file, the head keeps its initial weights")),
        (Some("aux1"), Some("aux1"), None),
    ] {
        let (mut there, mut here) = (with(there, 0.5), with(here, 0.0));
        checkpoint::save(&scratch.0, |each| visit(&mut there, each), &metadata())?;
        let loaded = checkpoint::load(&scratch.0, |each| visit(&mut here, each))?;
        assert_eq!(loaded.skipped, Vec::from_iter(said));
        visit(&mut here, &mut |name, slot| {
            if let residual::nn::Slot::Param(param) = slot {
                let kept = said.is_some() && name.to_string().starts_with("aux");
                let expected = if kept { 0.0 } else { 0.5 };
                assert_eq!(param.value.as_slice()[0], expected, "{name}");
            }
        });
    }
    // A damaged head is no absent one, and nothing else may be missing.
    let mut file = TensorFile::read(&scratch.0)?;
    file.arrays.remove("aux1.bias");
    file.write(&scratch.0)?;
    let error = checkpoint::load(&scratch.0, |each| visit(&mut with(Some("aux1"), 0.0), each));
    assert!(error.expect_err("half a head").to_string().contains("1 missing (aux1.bias)"));
    file.arrays.remove("fc.bias");
    file.write(&scratch.0)?;
    let error = checkpoint::load(&scratch.0, |each| visit(&mut with(None, 0.0), each));
    assert!(error.expect_err("no bias").to_string().contains("1 missing (fc.bias)"));
    Ok(())
}

/// Trained for four classes, wanted for two.
#[test]
fn the_last_layer_may_be_for_other_classes() -> Result<(), Error> {
    let net = |classes: usize, head: usize, value: f32| {
        let hidden = Sequential::new().add("0", Linear::new(3, 5));
        let net = Sequential::new().add("hidden", hidden).add("aux1", Linear::new(5, head));
        let mut net = net.add("fc", Linear::<f32>::new(5, classes));
        visit(&mut net, &mut |_, slot| {
            if let residual::nn::Slot::Param(param) = slot {
                param.value = Tensor::full(param.value.shape(), value);
            }
        });
        net
    };
    let scratch = Scratch::new("classes");
    checkpoint::save(&scratch.0, |each| visit(&mut net(4, 4, 0.5), each), &metadata())?;
    let weights = Weights::read(&scratch.0)?;

    let mut other = net(2, 2, 0.0);
    let error = weights.load(|each| visit(&mut other, each)).expect_err("other classes").to_string();
    let parts =
        ["those of a own: 4 of another shape (aux1.weight: expected [2, 5], found [4, 5], ", "nothing was"];
    assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    let said = weights.load_but_classes(|each| visit(&mut other, each))?;
    let kept =
        |name| format!("{name}: 2 classes instead of the file's 4, the layer keeps its initial weights");
    assert_eq!(said, [kept("fc"), kept("aux1")]);
    visit(&mut other, &mut |name, slot| {
        if let residual::nn::Slot::Param(param) = slot {
            let expected = if name.to_string().starts_with("hidden") { 0.5 } else { 0.0 };
            assert!(param.value.as_slice().iter().all(|&x| x == expected), "{name}");
        }
    });

    // As many classes: all is loaded.
    let mut same = net(4, 4, 0.0);
    assert_eq!(weights.load_but_classes(|each| visit(&mut same, each))?, [""; 0]);
    // Another width before the last layer is another network.
    let mut wider = Sequential::new().add("hidden", Sequential::new().add("0", Linear::new(3, 6)));
    wider = wider.add("aux1", Linear::new(6, 4)).add("fc", Linear::new(6, 2));
    let error = weights.load_but_classes(|each| visit(&mut wider, each)).expect_err("another network");
    assert!(error.to_string().contains("fc.weight: expected [2, 6], found [4, 5]"), "{error}");
    Ok(())
}
