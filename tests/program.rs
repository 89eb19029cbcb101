//! The program from end to end, on tiny settings.

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "bad_input_weights/archive.rs"]
mod archive;
#[allow(dead_code, reason = "other tests use the rest")]
mod folder;
mod place;

use archive::{Claim, Pickle};
use folder::idx;
use place::{Answer, Place, png, slope};
use png::ColorType;
use residual::{
    Tensor,
    checkpoint::{self, Numbers, TensorFile},
    models::{self, Options},
    ops::softmax,
};
use serde_json::Value;
use std::{fs, path::Path};

const TRAIN: &str = "train lenet5 --data data --batch-size 8 --lr 0.03 --json";

/// LeNet-5's weights tell ten classes apart; the data has ten, and seven may be asked for.
#[test]
fn a_last_layer_for_other_classes_starts_anew() {
    let place = Place::with_files();
    let run = "forward lenet5 --weights weights --input images --output out";
    let answer = place.run(&format!("{run} --num-classes 7"));
    let said = "fc3: 7 classes instead of the file's 10, the layer keeps its initial weights\n";
    assert!(answer.status == 0 && answer.stderr.starts_with(said), "{}", answer.stderr);
    let scores = TensorFile::read(&place.file("out")).expect("a file that was written");
    let scores = scores.arrays["output"].to_tensor::<f64>().expect("two axes");
    assert!(scores.dims() == [2, 7] && scores.as_slice().iter().all(|&x| x != 0.0));
    let same = place.run(&format!("{run} --num-classes 10"));
    assert!(same.status == 0 && !same.stderr.contains("fc3"), "{}", same.stderr);

    let seven = Options { classes: 7, in_channels: 1, input_size: 28, ..Options::default() };
    place.save_weights("seven", "lenet5", &seven);
    let trained = place.run(&format!("{TRAIN} --weights seven --epochs 1 --output elsewhere"));
    let said = "fc3: 10 classes instead of the file's 7, the layer keeps its initial weights\n";
    assert!(trained.status == 0 && trained.stderr.contains(said), "{}", trained.stderr);
    let judged = place.run("eval lenet5 --weights seven --data data");
    assert!(judged.status == 2 && judged.stderr.contains("7 classes"), "{}", judged.stderr);
}

/// The JSON that a command prints.
#[track_caller]
fn json(place: &Place, args: &str) -> Value {
    let Answer { status, stdout, stderr } = place.run(args);
    assert_eq!(status, 0, "`{args}`: {stderr}");
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("`{args}`: {error} in {stdout}"))
}

#[test]
fn eval_repeats_what_training_printed() {
    let place = Place::with_data();
    let trained = json(&place, &format!("{TRAIN} --epochs 2 --output run"));
    for weights in ["run", "run/best.safetensors --data data"] {
        let judged = json(&place, &format!("eval --weights {weights} --batch-size 8 --json"));
        assert_eq!(judged["accuracy"], trained["test_accuracy"]);
        assert_eq!(judged["loss"], trained["test_loss"]);
        assert_eq!((&judged["model"], &judged["images"]), (&"lenet5".into(), &20.into()));
    }
    let text = place.run("eval --weights run").stdout;
    let percent =
        format!("accuracy {:.2} % (", 100.0 * trained["test_accuracy"].as_f64().unwrap_or_default());
    assert!(text.contains(&percent), "no `{percent}` in {text}");
}

#[test]
fn training_says_what_it_does_and_where_all_is() {
    let place = Place::with_data();
    let answer = place.run("train lenet5 --data data --steps 3 --batch-size 8 --threads 1");
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    for line in ["length     1 epoch, at most 3 steps, batches of 8", "learning rate 0.01\n"] {
        assert!(answer.stdout.contains(line), "no `{line}` in {}", answer.stdout);
    }
    for line in ["lenet5, 61,706 parameters", "36 to train on, 4 to validate, 20 to test", "1 thread,"] {
        assert!(answer.stdout.contains(line), "no `{line}` in {}", answer.stdout);
    }
    let folder = answer.stdout.lines().find_map(|line| line.strip_prefix("output")).expect("a folder").trim();
    for file in ["config.json", "log.jsonl", "curves.svg", "last.safetensors", "best.safetensors"] {
        assert!(place.file(folder).join(file).is_file(), "{folder}/{file}");
    }
    assert!(answer.stdout.ends_with(&format!("next       residual eval --weights {folder}\n")));
    assert!(!answer.stdout.contains('\x1b') && !answer.stderr.contains('\x1b'), "no colour in a pipe");
}

#[test]
fn fashion_mnist_needs_no_path() {
    let place = Place::new();
    let trained = json(&place, "train lenet5 --steps 3 --output run --json");
    let run = place.file("run");
    assert_eq!((&trained["test_images"], &trained["step"]), (&10_000.into(), &3.into()));
    let judged = json(&place, "eval --weights run --json");
    assert_eq!(judged["accuracy"], trained["test_accuracy"]);
    // Digits are no clothes.
    let judged = Place::with_data().run(&format!("eval --weights {} --data data", run.display()));
    let warning = "warning: 10 of 10 classes have other names: class 0 is `T-shirt/top` in ";
    assert!(judged.stderr.starts_with(warning), "{}", judged.stderr);
    assert_eq!(judged.status, 0);
}

/// Other training images, the same test images: what the network sees of these must not change.
#[test]
fn eval_normalises_as_training_did() {
    let place = Place::with_data();
    let trained = json(&place, &format!("{TRAIN} --epochs 1 --output run"));
    place.write("other/train-images-idx3-ubyte", &idx(&[20, 28, 28], &[200; 20 * 784]));
    place.write("other/train-labels-idx1-ubyte", &idx(&[20], &[3; 20]));
    for name in ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"] {
        let [from, to] = ["data", "other"].map(|folder| place.file(folder).join(name));
        fs::copy(from, to).expect("a file can be copied");
    }
    let judged = json(&place, "eval --weights run --data other --batch-size 8 --json");
    assert_eq!(judged["loss"], trained["test_loss"]);
}

/// Before anything was saved, a run is what its configuration says, seen from any folder.
#[test]
fn a_run_that_was_killed_early_still_starts_from_its_weights() {
    let place = Place::with_data();
    json(&place, &format!("{TRAIN} --steps 3 --output first"));
    let given = "--weights first";
    let whole = json(&place, &format!("{TRAIN} --steps 3 {given} --output run"));
    for name in ["state.safetensors", "last.safetensors", "best.safetensors", "log.jsonl"] {
        fs::remove_file(place.file("run").join(name)).expect("a file of the run");
    }
    let output = place.command("train --resume . --json").current_dir(place.file("run")).output();
    let answer = Answer::of(output.expect("the program runs"));
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    let again: Value = serde_json::from_str(&answer.stdout).expect("JSON");
    assert_eq!(again["test_loss"], whole["test_loss"]);
    let answer = place.run("train --resume run");
    assert!(answer.stderr.starts_with("this run has finished; "), "{}", answer.stderr);
}

#[test]
fn a_training_that_diverges_has_failed() {
    let place = Place::with_data();
    let answer = place.run("train lenet5 --data data --lr 1e30 --schedule constant --epochs 9");
    assert_eq!(answer.status, 1, "{}", answer.stderr);
    let last = answer.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("error: --lr: expected a training that converges"), "{last}");
}

/// Ctrl-C in the middle; the resumed run ends with the weights of one that never stopped.
#[cfg(unix)]
#[test]
fn interrupted_and_resumed_is_never_stopped() {
    use std::{process::Command, process::Stdio, thread, time::Duration};

    let place = Place::with_data();
    let long = format!("{TRAIN} --epochs 150 --output");
    let whole = json(&place, &format!("{long} whole"));
    let mut command = place.command(&format!("{long} stopped"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
    while !place.file("stopped/last.safetensors").exists() {
        assert!(child.try_wait().expect("its state").is_none(), "it ended before its first epoch did");
        thread::sleep(Duration::from_millis(1));
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    let answer = Answer::of(child.wait_with_output().expect("an end"));
    assert_eq!(answer.status, 130, "{}", answer.stderr);
    assert!(answer.stderr.ends_with("go on with: residual train --resume stopped\n"), "{}", answer.stderr);
    let resumed = json(&place, "train --resume stopped --json");
    assert_eq!(resumed["test_loss"], whole["test_loss"]);
    for name in ["last.safetensors", "best.safetensors"] {
        let [a, b] = ["whole", "stopped"].map(|run| fs::read(place.file(run).join(name)).expect("weights"));
        assert!(a == b, "{name} differs");
    }
}

#[test]
fn forward_runs_in_the_precision_of_its_input() {
    let place = Place::with_files();
    let images = Tensor::from_fn([2, 1, 28, 28], |i| (i % 17) as f64 / 17.0);
    place.save_input("double", images.clone());
    place.save_input("single", images.cast::<f32>());
    let run = "forward lenet5 --weights weights --input";
    let train = "--train --labels 0,7 --no-dropout --json";
    let mut losses = Vec::new();
    for name in ["double", "single"] {
        assert_eq!(place.run(&format!("{run} {name} --output {name}.out")).status, 0);
        let loss = json(&place, &format!("{run} {name} --grads {name}.grads {train}"))["loss"].as_f64();
        losses.push(loss.expect("a number"));
    }
    let read = |name: &str, array: &str| {
        let file = TensorFile::read(&place.file(name)).expect("a file that was written");
        let tensor = file.arrays[array].to_tensor::<f64>().expect("at most four axes");
        (tensor.shape().dims().to_vec(), tensor.as_slice().to_vec())
    };
    for (file, array, shape) in [("out", "output", &[2, 10][..]), ("grads", "conv1.weight", &[6, 1, 5, 5])] {
        let [(double_shape, double), (single_shape, single)] =
            ["double", "single"].map(|name| read(&format!("{name}.{file}"), array));
        assert_eq!((&double_shape[..], &single_shape[..]), (shape, shape));
        assert!(double.iter().zip(&single).all(|(a, b)| (a - b).abs() < 1e-5), "{array}");
        assert!(double != single && double.iter().any(|x| x.abs() > 1e-3), "{array}");
    }
    assert!((losses[0] - losses[1]).abs() < 1e-5 && losses[0] != losses[1], "{losses:?}");
}

/// The same numbers as a checkpoint of a training in PyTorch on several devices, without a description.
fn save_pth(place: &Place, from: &str, to: &str) {
    let arrays = TensorFile::read(&place.file(from)).expect("a good file").arrays;
    let mut pickle = Pickle::new().raw(b"}").text("epoch").int(3).raw(b"s").text("state_dict").raw(b"}(");
    let mut storages = Vec::new();
    for (i, (name, array)) in arrays.iter().enumerate() {
        let (storage, bytes): (_, Vec<u8>) = match &array.numbers {
            Numbers::F32(numbers) => ("FloatStorage", numbers.iter().flat_map(|x| x.to_le_bytes()).collect()),
            Numbers::F64(numbers) => {
                ("DoubleStorage", numbers.iter().flat_map(|x| x.to_le_bytes()).collect())
            }
            Numbers::I64(numbers) => ("LongStorage", numbers.iter().flat_map(|x| x.to_le_bytes()).collect()),
        };
        let shape: Vec<_> = array.shape.iter().map(|&extent| extent as i64).collect();
        let strides: Vec<_> = (1..=shape.len()).map(|axis| shape[axis..].iter().product()).collect();
        let (key, len) = (i.to_string(), shape.iter().product());
        let claim = Claim { storage, key: &key, len, offset: 0, shape: &shape, strides: &strides };
        pickle = pickle.text(&format!("module.{name}")).tensor(&claim);
        storages.push((format!("x/data/{key}"), bytes));
    }
    let pickle = pickle.raw(b"us.").0;
    let mut entries = vec![("x/data.pkl", &pickle[..])];
    entries.extend(storages.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])));
    place.write(to, &archive::zip(&entries));
}

#[test]
fn a_pth_gives_the_scores_that_safetensors_give() {
    let place = Place::with_files();
    place.save_weights("small", "resnet8", &Options { in_channels: 1, input_size: 28, ..Options::default() });
    save_pth(&place, "small", "small.pth");
    place.save_input("noise", Tensor::from_fn([2, 1, 28, 28], |i| (i * i % 251) as f32 / 251.0));
    let scores = ["small", "small.pth"].map(|weights| {
        let run = format!("forward resnet8 --weights {weights} --input noise --output {weights}.out");
        let answer = place.run(&run);
        assert_eq!(answer.status, 0, "{}", answer.stderr);
        TensorFile::read(&place.file(&format!("{weights}.out"))).expect("a file that was written")
    });
    assert_eq!(scores[0], scores[1]);
    let scores = scores[0].arrays["output"].to_tensor::<f64>().expect("two axes");
    assert!(scores.dims() == [2, 10] && scores.as_slice().iter().all(|&x| x != 0.0));
}

/// Weights of torchvision's googlenet do not say that they expect other images than all its others.
#[test]
fn googlenets_own_images_are_spoken_of() {
    let place = Place::with_files();
    let options = Options { input_size: 32, aux_logits: false, ..Options::default() };
    place.save_weights("described", "googlenet", &options);
    let mut file = TensorFile::read(&place.file("described")).expect("a good file");
    let text = file.metadata.get_mut("residual").expect("a description");
    *text = text.replace("[0.5]", "[0.5,0.5,0.5]");
    file.write(&place.file("described")).expect("a file can be written");
    file.metadata.clear();
    file.write(&place.file("plain")).expect("a file can be written");
    let run = "predict googlenet --no-aux-logits --num-classes 10 --input-size 32 slope.png --weights";
    for (weights, said) in [("plain", true), ("plain --transform-input", false), ("described", false)] {
        let answer = place.run(&format!("{run} {weights}"));
        assert_eq!(answer.status, 0, "{weights}: {}", answer.stderr);
        assert_eq!(answer.stderr.contains("give --transform-input"), said, "{weights}: {}", answer.stderr);
    }
}

#[test]
fn a_networks_name_is_no_picture() {
    let place = Place::with_files();
    fs::create_dir(place.file("lenet5")).expect("a folder can be made");
    let answer = place.run("predict lenet5 --weights weights slope.png");
    assert!(answer.status == 0 && answer.stderr.is_empty(), "{}", answer.stderr);
    assert!(answer.stdout.starts_with("slope.png\n"), "{}", answer.stdout);
    // Any other name is that of a file, if there is one.
    for file in ["slope", "resnet8"] {
        fs::copy(place.file("slope.png"), place.file(file)).expect("a file can be copied");
    }
    assert!(place.run("predict slope --weights weights").stdout.starts_with("slope\n"));
    assert!(place.run("predict ./resnet8 --weights weights").stdout.starts_with("./resnet8\n"));
    let answer = place.run("predict resnet8 --weights weights slope.png");
    assert!(answer.status == 1 && answer.stderr.contains("for the file of this name write ./resnet8\n"));
}

/// By position, name and probability of the likeliest classes.
#[track_caller]
fn guesses(answer: &Value) -> Vec<(u64, String, f64)> {
    let guess = |guess: &Value| {
        let name = guess["name"].as_str().expect("a name").to_owned();
        (guess["class"].as_u64().expect("a number"), name, guess["probability"].as_f64().expect("a number"))
    };
    answer["top"].as_array().expect("a list").iter().map(guess).collect()
}

#[test]
fn predict_says_what_the_network_says() {
    let place = Place::with_files();
    let options = Options { in_channels: 1, input_size: 28, ..Options::default() };
    let mut model = models::build::<f32>("lenet5", &options).expect("a known name");
    checkpoint::load(&place.file("weights"), |each| model.visit(each)).expect("its own weights");
    // The file says mean 0.5 and deviation 0.5.
    let images =
        Tensor::from_vec([1, 28, 28, 1], slope().iter().map(|&b| f32::from(b) / 127.5 - 1.0).collect());
    let probabilities = softmax::forward(model.scores(images));

    // The same picture in other formats, as the second of two in a row, and larger.
    let colour: Vec<_> = slope().iter().flat_map(|&b| [b, b, b, 200]).collect();
    place.write("rgba.png", &png([28, 28], ColorType::Rgba, &colour));
    let doubled: Vec<_> = (0..56 * 56).map(|i| slope()[i / 112 * 28 + i % 56 / 2]).collect();
    place.write("doubled.png", &png([56, 56], ColorType::Grayscale, &doubled));
    let all = json(&place, "predict --weights weights slope.png rgba.png slope.jpg doubled.png --json");
    assert_eq!(all["model"], "lenet5");
    let images = all["images"].as_array().expect("a list");
    for (image, (name, within)) in images.iter().zip([
        ("slope.png", 1e-6),
        ("rgba.png", 1e-6),
        ("slope.jpg", 2e-3),
        ("doubled.png", 2e-3),
    ]) {
        assert_eq!(image["image"], name);
        let top = guesses(image);
        assert_eq!(top.len(), 5);
        assert!(top.windows(2).all(|two| two[0].2 >= two[1].2), "{top:?}");
        for (class, label, probability) in top {
            assert_eq!(label, class.to_string(), "the names are the weights' own");
            let expected = f64::from(probabilities.as_slice()[class as usize]);
            assert!((probability - expected).abs() < within, "{name}: {probability}, not {expected}");
        }
    }
    assert_eq!(images.len(), 4);

    // One that cannot be read does not keep the others from being read.
    let answer = place.run("predict lenet5 --weights weights cut.png slope.png");
    assert_eq!(answer.status, 1);
    assert!(
        answer.stdout.starts_with("slope.png\n") && answer.stdout.lines().count() == 6,
        "{}",
        answer.stdout
    );
    assert!(answer.stderr.starts_with("error: cut.png: ") && answer.stderr.lines().count() == 1);
}

#[test]
fn summary_draws() {
    let place = Place::new();
    assert_eq!(place.run("summary googlenet --svg drawn.svg --dot drawn.dot").status, 0);
    let read = |name: &str| std::fs::read_to_string(place.file(name)).expect("a file that was written");
    let (svg, dot) = (read("drawn.svg"), read("drawn.dot"));
    assert!(
        svg.starts_with("<svg ") && svg.ends_with("</svg>\n") && svg.contains("<title>googlenet</title>")
    );
    assert!(svg.contains("inception4a.branch2.1.conv: Conv2d(96, 208") && svg.contains(">aux2<"));
    assert!(
        dot.starts_with("digraph \"googlenet\" {") && dot.ends_with("}\n") && dot.contains("cluster_aux1")
    );
}

#[test]
fn summary_lists_what_pytorch_lists() {
    let place = Place::new();
    let summary = json(&place, "summary resnet20 --json");
    assert_eq!(summary["total_parameters"], 269_722);
    let parameters = summary["parameters"].as_array().expect("a list");
    let size = |shape: &Value| -> u64 {
        shape.as_array().expect("a list").iter().map(|extent| extent.as_u64().expect("a number")).product()
    };
    assert_eq!(parameters.iter().map(|parameter| size(&parameter["shape"])).sum::<u64>(), 269_722);
    assert_eq!(parameters[0]["name"], "conv1.weight");
    assert_eq!(parameters[0]["shape"], serde_json::json!([16, 3, 3, 3]));
    assert_eq!(summary["buffers"][0]["name"], "bn1.running_mean");
    let memory = |name: &str| summary["memory"][name].as_u64().expect("a number");
    assert_eq!((memory("batch_size"), memory("parameter_bytes")), (1, 4 * 269_722));
    assert!(memory("training_bytes") > 3 * memory("parameter_bytes") + memory("kept_bytes"));
    assert!(memory("inference_bytes") < memory("fused_inference_bytes"));
    let text = place.run("summary lenet5 --in-channels 1 --batch-size 4").stdout;
    for line in [
        "  (fc3): Linear(in_features=84, out_features=10, bias=True)",
        "(4, 6, 28, 28)",
        "61,706",
        "a batch of 4 images",
    ] {
        assert!(text.contains(line), "no `{line}` in {text}");
    }
}

#[test]
fn gradcheck_passes() {
    let place = Place::new();
    let report = json(&place, "gradcheck lenet5 --in-channels 1 --json");
    assert_eq!(report["passed"], true);
    assert_eq!(report["tensors"].as_array().expect("a list").len(), 10);
}

#[test]
fn the_rest_answers() {
    let place = Place::new();
    assert!(place.run("").stdout.contains("Usage: residual"));
    assert!(place.run("--version").stdout.starts_with("residual "));
    assert!(json(&place, "models --json").as_array().expect("a list").len() > 10);
    assert_eq!(json(&place, "doctor --json")["data"]["found"], true);
    assert_eq!(place.listing(), []);
}

/// The program's list of chapters is the book's.
#[test]
fn chapters_are_those_of_the_book() {
    let read = |path: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let (summary, manifest) = (read("book/src/SUMMARY.md"), read("Cargo.toml"));
    let mut known = json(&Place::new(), "chapter --json");
    let known = known.as_array_mut().expect("a list");
    for line in summary.lines().filter_map(|line| line.strip_prefix("- [")) {
        let Some((number, (title, page))) =
            line.split_once(". ").and_then(|(number, rest)| Some((number, rest.split_once("](")?)))
        else {
            continue;
        };
        let page = page.trim_end_matches(')');
        let of_page = |chapter: &Value| chapter["number"] == number && chapter["title"] == title;
        let place = known.iter().position(of_page);
        let place = place.unwrap_or_else(|| {
            panic!("CHAPTERS in src/cli/chapter.rs has no chapter {number} `{title}`: add a line for it")
        });
        let chapter = known.remove(place);
        let program = chapter["program"].as_str().expect("a name");
        assert!(page.starts_with(&program[..5].replace('_', "-")), "{program} is not the program of {page}");
        assert!(manifest.contains(&format!("\nname = \"{program}\"\n")), "Cargo.toml has no {program}");
        let seconds = format!(" {} s", chapter["seconds"]);
        let page = read(&format!("book/src/{page}"));
        let (_, minutes) = page.split_once("--release --example").unwrap_or_default();
        assert!(
            minutes.contains(&seconds),
            "src/cli/chapter.rs says{seconds}, the page of {program} does not"
        );
    }
    assert!(known.is_empty(), "src/cli/chapter.rs lists what SUMMARY.md does not: {known:?}");
}

#[cfg(unix)]
#[test]
fn chapter_hands_on_to_cargo() {
    let place = Place::new();
    let run = |args: &str, cargo: &str| {
        Answer::of(place.command(args).env("CARGO", cargo).output().expect("the program runs"))
    };
    for wanted in ["4", "vanishing", "ch04_vanishing"] {
        let answer = run(&format!("chapter {wanted} --quick --json"), "echo");
        assert_eq!(answer.stdout, "run --release --example ch04_vanishing -- --quick --json\n");
        assert_eq!(
            (answer.status, answer.stderr),
            (0, "chapter 4, Vanishing and exploding gradients\n".into())
        );
    }
    // `false` fails as a chapter does whose claims do not hold.
    assert_eq!(run("chapter 4", "false").status, 1);
    let answer = run("chapter 4", "no-such-cargo");
    assert_eq!(answer.status, 1);
    assert!(answer.stderr.contains("error: no-such-cargo: expected cargo, "), "{}", answer.stderr);
    let list = place.run("chapter").stdout;
    let named = |line: &str| line.split_whitespace().take(3).eq(["4", "vanishing", "Vanishing"]);
    assert!(list.lines().any(named), "{list}");
}

/// The first word of every line.
fn beginnings(text: &str) -> Vec<&str> {
    text.lines().map(|line| line.split_whitespace().next().unwrap_or_default()).collect()
}

/// The introduction of the book shows a record of two commands; the lines are still the same.
#[test]
fn the_book_begins_with_what_the_program_prints() {
    let record = include_str!("../book/src/out/ch00.txt");
    let place = Place::with_data();
    for (part, args) in
        [("doctor", "doctor"), ("train", "train lenet5 --data data --epochs 3 --batch-size 8")]
    {
        let (_, shown) = record.split_once(&format!("# ANCHOR: {part}\n")).expect("a part");
        let (shown, _) = shown.split_once("# ANCHOR_END").expect("an end");
        let answer = place.run(args);
        assert_eq!(answer.status, 0, "`{args}`: {}", answer.stderr);
        assert_eq!(beginnings(&answer.stdout), beginnings(shown), "`{args}`, book/src/out/ch00.txt");
    }
}
