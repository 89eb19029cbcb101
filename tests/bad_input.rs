//! Wrong command lines and wrong files: one line on stderr that helps, the right status, nothing
//! written.

#[allow(dead_code, reason = "other tests use the rest")]
mod folder;
mod place;

use place::{Answer, Place};
use residual::{
    Tensor,
    checkpoint::{Array, Numbers, TensorFile},
    models::Options,
};
use serde_json::Value;
use std::process::Stdio;

/// A place with files of every kind, where wrong commands are given.
struct Trial {
    place: Place,
    before: Vec<(std::path::PathBuf, u64)>,
}

impl Trial {
    fn new() -> Self {
        let place = Place::with_files();
        Self { before: place.listing(), place }
    }

    /// Runs `args`; expects `status`, one line with all of `parts`, and no file touched.
    #[track_caller]
    fn refused(&self, args: &str, status: i32, parts: &[&str]) {
        let answer = self.place.run(args);
        assert_eq!(answer.status, status, "`{args}`: {}", answer.stderr);
        assert_eq!(answer.stdout, "", "`{args}`");
        assert_eq!(answer.stderr.lines().count(), 1, "`{args}`: {}", answer.stderr);
        assert!(answer.stderr.starts_with("error: "), "`{args}`: {}", answer.stderr);
        assert!(answer.stderr.contains("; "), "`{args}`: no advice in {}", answer.stderr);
        assert!(answer.stderr.len() < 2000, "`{args}`: {} bytes on stderr", answer.stderr.len());
        for part in parts {
            assert!(answer.stderr.contains(part), "`{args}`: no `{part}` in {}", answer.stderr);
        }
        assert_eq!(self.place.listing(), self.before, "`{args}`: nothing is written");
    }
}

#[test]
fn names_that_do_not_exist() {
    let trial = Trial::new();
    trial.refused("trian", 2, &["command: expected one of train,", "`trian`", "did you mean train?"]);
    trial.refused("train --batchsize 4", 2, &["--batchsize", "did you mean --batch-size?"]);
    trial.refused("train --model resnet21", 2, &["--model", "`resnet21`", "did you mean resnet20"]);
    trial.refused("train resnet21", 2, &["--model", "`resnet21`", "did you mean resnet20"]);
    trial.refused("summary lenet", 2, &["`lenet`", "did you mean lenet5"]);
    trial.refused(
        "train --optimizer adm",
        2,
        &["--optimizer", "sgd, adam, adamw", "`adm`", "did you mean adam"],
    );
    trial.refused("train --schedule cosin", 2, &["--schedule", "`cosin`", "did you mean cosine?"]);
    trial.refused("train --augment flip", 2, &["--augment", "none, crop-flip", "`flip`"]);
    trial.refused(
        "train --data fashion-mnst",
        2,
        &["--data", "`fashion-mnst`", "did you mean `fashion-mnist`?"],
    );
    trial.refused("chapter vanishin", 2, &["CHAPTER", "`vanishin`", "did you mean vanishing?"]);
    trial.refused("chapter 99", 2, &["CHAPTER", "`99`", "`residual chapter` lists them"]);
    trial.refused("train lenet5 extra", 2, &["`extra`", "--help"]);
}

#[test]
fn numbers_that_cannot_be_used() {
    let trial = Trial::new();
    for (flag, values) in [
        ("--lr", &["abc", "-1", "0", "nan", "inf"][..]),
        ("--batch-size", &["0", "-1", "1.5", "many"]),
        ("--epochs", &["0", "-3"]),
        ("--steps", &["0", "x"]),
        ("--momentum", &["1", "-0.1", "nan"]),
        ("--weight-decay", &["-1e-4", "nan"]),
        ("--label-smoothing", &["1", "-1"]),
        ("--warmup-epochs", &["-1", "nan"]),
        ("--seed", &["-1", "1.5"]),
        ("--threads", &["0", "-1", "100000"]),
    ] {
        for value in values {
            trial.refused(&format!("train {flag} {value}"), 2, &[flag, &format!("`{value}`"), "; try "]);
        }
    }
    trial.refused(
        "train resnet18 --data data --batch-size 1",
        2,
        &["--batch-size", "at least 2", "batch norm"],
    );
    trial.refused("summary lenet5 --input-size 3", 2, &["--input-size", "at least 16", "found 3"]);
    trial.refused("summary lenet5 --num-classes 0", 2, &["--num-classes", "`0`"]);
    trial.refused("summary resnet18 --input-size 65536", 2, &["--input-size", "at most 4096", "65536"]);
    trial.refused("summary vgg16 --in-channels 65536", 2, &["--in-channels", "at most 1024", "65536"]);
    trial.refused("summary lenet5 --svg empty/no/lenet5.svg", 1, &["empty/no/lenet5.svg: cannot write"]);
}

#[test]
fn flags_that_do_not_go_together() {
    let trial = Trial::new();
    trial.refused("summary", 2, &["MODEL: expected a value"]);
    trial.refused("summary lenet5 --model resnet8", 2, &["MODEL", "found it beside --model"]);
    trial.refused("train --resume run --lr 1", 2, &["--resume", "contradict"]);
    trial.refused("train --resume run lenet5", 2, &["--resume", "contradict"]);
    trial.refused("eval", 2, &["--weights: expected a value, found none"]);
    trial.refused("train --lr", 2, &["--lr: expected a value, found none"]);
    trial.refused("forward lenet5 --weights weights --input images", 2, &["--output"]);
    trial.refused("forward lenet5 --weights weights --input images --train", 2, &["--labels"]);
}

#[test]
fn data_that_cannot_be_read() {
    let trial = Trial::new();
    trial.refused("train --data nowhere", 2, &["--data", "`nowhere`"]);
    trial.refused("train --data garbage", 2, &["--data", "garbage", "folder"]);
    trial.refused("train --data empty", 1, &["empty", "found none of them"]);
    trial.refused("train --data truncated", 1, &["truncated", "train-images-idx3-ubyte.gz"]);
    for (flag, part) in
        [("--num-classes 7", "(1, 28, 28) of 7 classes"), ("--input-size 32", "(1, 32, 32) of 10")]
    {
        trial.refused(
            &format!("train lenet5 --data data {flag}"),
            2,
            &["--data", part, "(1, 28, 28) of 10 in data"],
        );
    }
    trial.refused("eval --weights weights --data nowhere", 2, &["--data", "`nowhere`"]);
}

#[test]
fn weights_that_do_not_fit() {
    let trial = Trial::new();
    trial.refused("eval --weights nowhere", 1, &["nowhere: cannot read"]);
    for command in ["eval", "train --data data"] {
        let parts = ["--weights", "no best.safetensors in empty"];
        trial.refused(&format!("{command} --weights empty"), 2, &parts);
    }
    trial.refused("eval --weights garbage", 1, &["garbage: expected a safetensors file"]);
    trial.refused(
        "eval resnet8 --weights weights --data data",
        1,
        &["weights: expected", "missing", "unexpected"],
    );
    trial.refused("train resnet8 --weights weights --data data", 1, &["weights: expected", "missing"]);
    trial.refused("eval lenet5 --weights images --data data", 1, &["images: expected", "missing"]);
    trial.refused("eval --weights images --data data", 2, &["--model", "images does not say it"]);
}

/// A megabyte wherever a file can have a text, and thousands of axes.
#[test]
fn names_and_shapes_without_end() {
    let place = Place::with_files();
    let long = "x".repeat(1 << 20);
    let ones = |shape: &[usize]| Array { shape: shape.into(), numbers: Numbers::F32(vec![1.0]) };
    let honest = TensorFile::read(&place.file("weights")).expect("a good file");
    let axes = vec![1; 5000];
    let mut deep = honest.clone();
    deep.arrays.extend([("fc1.bias".into(), ones(&axes)), ("input".into(), ones(&axes))]);
    deep.write(&place.file("deep")).expect("a file can be written");
    let mut named = TensorFile::default();
    named.arrays.insert(long.clone(), ones(&[]));
    named.write(&place.file("named")).expect("a file can be written");
    for (name, field) in [("model", "model"), ("unknown", "data"), ("mean", "mean")] {
        let mut file = honest.clone();
        let text = file.metadata.get_mut("residual").expect("a description");
        let mut description: Value = serde_json::from_str(text).expect("JSON");
        description[field] = long.as_str().into();
        *text = description.to_string();
        file.write(&place.file(name)).expect("a file can be written");
    }
    let trial = Trial { before: place.listing(), place };
    let forward = "forward lenet5 --output out --weights";
    trial.refused(&format!("{forward} weights --input named"), 1, &["1 names: xxx", "xxx…; "]);
    trial.refused(
        &format!("{forward} weights --input deep"),
        1,
        &["[1, 1, 1, 1, 1, 1, 1, 1, …] of 5000 axes"],
    );
    trial.refused(&format!("{forward} named --input images"), 1, &["1 unexpected (xxx", "xxx…)"]);
    trial.refused(
        &format!("{forward} deep --input images"),
        1,
        &["fc1.bias: expected [120], found [1, ", "5000 axes"],
    );
    trial.refused("eval --data data --weights model", 2, &["--model", "found `xxx", "xxx…`"]);
    trial.refused("eval --weights unknown", 2, &["--data", "found `xxx", "xxx…`"]);
    trial.refused("eval --weights mean", 1, &["a description of the weights", "xxx…; ", "save_file("]);
}

#[test]
fn folders_that_are_no_runs_or_already_one() {
    let trial = Trial::new();
    trial.refused("train --resume nowhere", 2, &["--resume", "nowhere"]);
    trial.refused("train --resume data", 2, &["--resume", "data"]);
    trial.refused("train --resume garbage", 1, &["garbage", "name another path"]);
    trial.refused("train lenet5 --data data --output run", 2, &["--output", "run", "--resume run"]);
    trial.refused("train lenet5 --data data --output garbage", 1, &["garbage"]);
}

#[test]
fn tensors_that_the_network_does_not_take() {
    let trial = Trial::new();
    let run = "forward lenet5 --weights weights --output out --input";
    trial.refused(&format!("{run} nowhere"), 1, &["nowhere: cannot read"]);
    trial.refused(&format!("{run} garbage"), 1, &["garbage: expected a safetensors file"]);
    trial.refused(&format!("{run} flat"), 1, &["flat", "(N, C, H, W)", "[2, 784]"]);
    trial.refused(&format!("{run} colour"), 1, &["colour", "(N, 1, 28, 28)", "(2, 3, 28, 28)"]);
    trial.refused(
        &format!("{run} weights"),
        1,
        &["weights", "`input`", "10 names: conv1.bias, ", "and 5 more; "],
    );
    for labels in ["1", "1,2,3", "1,10"] {
        let args = format!("{run} images --train --labels {labels}");
        trial.refused(&args, 2, &["--labels", "a class below 10 for each of 2 images"]);
    }
    trial.refused(&format!("{run} images --train --labels 1,x"), 2, &["--labels", "`x`"]);

    let place = Place::with_files();
    place.save_input("dot", Tensor::full([1, 1, 1, 1], 0.5f32));
    let options = Options { in_channels: 1, input_size: 1, ..Options::default() };
    place.save_weights("dots", "resnet8", &options);
    let trial = Trial { before: place.listing(), place };
    let run = "forward resnet8 --weights dots --input dot --output out --train --labels 1";
    trial.refused(run, 2, &["--train", "at least 2 images", "batch norm"]);
}

#[test]
fn pictures_that_are_none() {
    let trial = Trial::new();
    for (file, parts) in [
        ("nowhere.png", &["nowhere.png: cannot read"][..]),
        ("empty/", &["empty", "cannot read"]),
        ("garbage", &["garbage: expected a picture, PNG or JPEG, found neither's first bytes"]),
        ("cut.png", &["cut.png: expected a picture"]),
        ("cut.jpg", &["cut.jpg: expected a picture"]),
        ("vast.png", &["vast.png: expected a picture", "1073741824 x 1073741824 pixels"]),
        ("vast.jpg", &["vast.jpg: expected a picture", "65535 x 65535 pixels"]),
        ("hollow.png", &["hollow.png: expected a picture", "10000 x 10000 pixels said to be in"]),
    ] {
        trial.refused(&format!("predict --weights weights {file}"), 1, parts);
        trial.refused(&format!("predict lenet5 --weights weights {file}"), 1, parts);
    }
    trial.refused("predict --weights weights", 2, &["IMAGE"]);
    trial.refused("predict lenet5 --weights weights", 2, &["IMAGE: expected pictures", "./resnet18"]);
    trial.refused("predict lenet --weights weights slope.png", 2, &["--model", "did you mean lenet5"]);
    trial.refused("predict slope.png", 2, &["--weights: expected a value, found none"]);
    trial.refused("predict --weights images slope.png", 2, &["--model", "images does not say it"]);
    trial.refused(
        "predict lenet5 --weights weights --in-channels 2 slope.png",
        2,
        &["--in-channels", "found 2"],
    );
    trial.refused("predict resnet8 --weights weights slope.png", 1, &["weights: expected", "missing"]);
}

/// Nothing is waited for, and no more is read than the first bytes.
#[cfg(unix)]
#[test]
fn pictures_without_end() {
    let place = Place::with_files();
    let made = std::process::Command::new("mkfifo").arg(place.file("pipe.png")).status();
    assert!(made.expect("mkfifo runs").success());
    for (name, start) in [("sparse.png", &b""[..]), ("vast.png", b"\x89PNG\r\n\x1a\n")] {
        place.write(name, start);
        let sparse = std::fs::File::options().write(true).open(place.file(name)).expect("a file");
        sparse.set_len(1 << 40).expect("a file of holes");
    }
    let trial = Trial { before: place.listing(), place };
    for name in ["pipe.png", "/dev/zero"] {
        let args = format!("predict --weights weights {name}");
        trial.refused(&args, 1, &[name, "expected a picture, PNG or JPEG, found a pipe or a device"]);
    }
    trial.refused("predict --weights weights sparse.png", 1, &["sparse.png", "neither's first bytes"]);
    trial.refused("predict --weights weights vast.png", 1, &["vast.png", "found 1099511627776 bytes"]);
}

#[test]
fn an_instruction_set_that_is_not_there() {
    let place = Place::new();
    for name in ["sse", "", "AVX2"] {
        let output = place.command("models").env("RESIDUAL_ISA", name).output().expect("the program runs");
        let answer = Answer::of(output);
        assert_eq!((answer.status, answer.stdout.as_str()), (2, ""));
        let start = "error: RESIDUAL_ISA: expected an instruction set of this machine (";
        assert!(answer.stderr.starts_with(start), "{}", answer.stderr);
        assert!(answer.stderr.ends_with(&format!("found `{name}`; unset it to use the fastest\n")));
    }
}

#[test]
fn a_form_of_convolution_that_does_not_exist() {
    let place = Place::new();
    for name in ["Direct", "", "winograd"] {
        let output = place.command("models").env("RESIDUAL_CONV", name).output().expect("the program runs");
        let answer = Answer::of(output);
        assert_eq!((answer.status, answer.stdout.as_str()), (2, ""));
        assert!(answer.stderr.starts_with("error: RESIDUAL_CONV: expected `direct`"), "{}", answer.stderr);
    }
}

#[test]
fn a_reader_who_leaves_is_no_error() {
    let place = Place::new();
    let mut command = place.command("summary resnet110");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
    drop(child.stdout.take());
    let answer = Answer::of(child.wait_with_output().expect("an end"));
    assert_eq!((answer.status, answer.stderr.as_str()), (0, ""));
}
