//! Damaged, edited and foreign folders of runs: an error that helps, and nothing lost.

use residual::{
    Error,
    checkpoint::TensorFile,
    data::{Splits, synthetic},
    models::Model,
    nn::{BatchNorm2d, Conv2d, Flatten, Init, Linear, Sequential},
    rng::Generator,
    train::{Config, Event, Outcome, Run},
};
use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};

fn net(classes: usize) -> Box<dyn Model<f32>> {
    let fc = Linear::new(16, classes).init(Init::Default, &mut Generator::new(0, 0));
    Box::new(Sequential::new().add("flatten", Flatten::new()).add("fc", fc))
}

fn splits() -> Splits {
    synthetic::bars([4, 4, 1], 2, 40, 0).split(0)
}

/// The folder of a run that was stopped in its second epoch, gone when the test is over.
struct Stopped(PathBuf);

impl Stopped {
    fn new(test: &str) -> Result<Self, Error> {
        let path = std::env::temp_dir().join(format!("residual-run-{}-{test}", std::process::id()));
        let stopped = Self(path.clone());
        let config = Config { output: Some(path), epochs: 2, batch_size: 10, ..Config::default() };
        let stop = AtomicBool::new(false);
        Run::with(config, net(2), splits())?.train(&stop, &mut |event| {
            let halfway = matches!(event, Event::Step(report) if report.step == 6);
            stop.fetch_or(halfway, Ordering::Relaxed);
        })?;
        Ok(stopped)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn resume(&self) -> Result<Run, Error> {
        Run::resume_with(&self.0, net(2), splits())
    }

    /// Resuming fails with all of `parts` in the message, and leaves every file as it is.
    fn refuses(&self, parts: &[&str]) {
        let all = || {
            let files = fs::read_dir(&self.0).expect("the folder").map(|entry| entry.expect("a file").path());
            let mut files: Vec<_> = files.map(|path| (fs::read(&path).expect("a file"), path)).collect();
            files.sort();
            files
        };
        let before = all();
        let error = self.resume().err().expect("a damaged run").to_string();
        parts.iter().for_each(|part| assert!(error.contains(part), "no `{part}` in {error}"));
        assert!(all() == before, "nothing is lost");
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused() -> Result<(), Error> {
    let stopped = Stopped::new("config")?;
    let text = fs::read_to_string(stopped.file("config.json")).expect("the configuration");
    for (from, to, parts) in [
        ("\"epochs\": 2", "\"epochs\": 0", &["--epochs", "at least 1"][..]),
        ("\"epochs\": 2", "\"epochs\": 1", &["state.safetensors", "step 6 after 1 epochs"]),
        ("\"batch_size\": 10", "\"batch_size\": 30", &["step 6 after 1 epochs"]),
        ("\"epochs\": 2", "\"epoch\": 2", &["config.json", "`epoch`"]),
        ("\"lr\": ", "\"lr\": -", &["--lr", "above 0"]),
        ("\"augment\": \"none\"", "\"augment\": \"crop-flop\"", &["--augment", "`crop-flop`"]),
        ("{", "", &["config.json", "the configuration of a run"]),
    ] {
        let edited = text.replacen(from, to, 1);
        assert_ne!(edited, text, "{from} is there");
        fs::write(stopped.file("config.json"), edited).expect("a file of our own");
        stopped.refuses(parts);
    }
    let endless = text.replacen("\"epochs\": 2", &format!("\"epochs\": {}", u64::MAX), 1);
    fs::write(stopped.file("config.json"), endless).expect("a file of our own");
    assert_eq!(stopped.resume()?.config().epochs as u64, u64::MAX);
    fs::remove_file(stopped.file("config.json")).expect("a file of our own");
    stopped.refuses(&["--resume", "no config.json"]);
    Ok(())
}

#[test]
fn a_damaged_state_is_refused() -> Result<(), Error> {
    let stopped = Stopped::new("state")?;
    let path = stopped.file("state.safetensors");
    let good = TensorFile::read(&path)?;
    let bytes = good.to_bytes();
    fs::write(&path, &bytes[..bytes.len() - 1]).expect("a file of our own");
    stopped.refuses(&["state.safetensors", "a safetensors file"]);

    for (edit, parts) in [
        (&(|file: &mut TensorFile| file.metadata.clear()) as &dyn Fn(&mut TensorFile), &["no progress"][..]),
        (&|file| drop(file.arrays.remove("model.fc.bias")), &["1 missing (fc.bias)"]),
        (&|file| drop(file.arrays.remove("optimizer.first.fc.bias")), &["no memory", "`fc.bias`"]),
        (
            &|file| {
                let other = file.arrays["model.fc.weight"].clone();
                file.arrays.insert("optimizer.first.fc.bias".into(), other);
            },
            &["no memory", "`fc.bias`"],
        ),
        (&|file| edit(file, "\"step\":6", &format!("\"step\":{}", u64::MAX)), &["after 1 epochs"]),
        (&|file| edit(file, "\"epochs\":1", &format!("\"epochs\":{}", u64::MAX)), &["step 6 after"]),
        (&|file| edit(file, "\"step\"", "\"stop\""), &["missing field `step`"]),
    ] {
        let mut file = good.clone();
        edit(&mut file);
        file.write(&path)?;
        stopped.refuses(parts);
    }
    good.write(&path)?;
    stopped.resume()?.train(&AtomicBool::new(false), &mut |_| {})?;
    Ok(())
}

fn edit(file: &mut TensorFile, from: &str, to: &str) {
    let text = file.metadata.get_mut("progress").expect("the progress");
    assert!(text.contains(from), "{from} is in {text}");
    *text = text.replacen(from, to, 1);
}

#[test]
fn a_torn_log_goes_on_where_the_state_does() -> Result<(), Error> {
    let stopped = Stopped::new("log")?;
    let mut log = fs::read(stopped.file("log.jsonl")).expect("the log");
    log.extend(b"{\"kind\":\"step\",\"step\":7,\"epoch\":2,\"loss\":0.1,\"lr\":0.1}\n{\"kind\":\"st");
    fs::write(stopped.file("log.jsonl"), log).expect("a file of our own");
    stopped.resume()?.train(&AtomicBool::new(false), &mut |_| {})?;
    let log = fs::read_to_string(stopped.file("log.jsonl")).expect("the log");
    assert_eq!(log.matches("\"step\":7,\"epoch\":2").count(), 1, "{log}");
    assert_eq!(log.lines().count(), 8 + 2 + 1, "{log}");
    Ok(())
}

#[test]
fn another_network_cannot_go_on() -> Result<(), Error> {
    let stopped = Stopped::new("other")?;
    let error = Run::resume_with(&stopped.0, net(3), splits()).err().expect("another network").to_string();
    assert!(error.contains("2 of another shape (fc.weight: expected [3, 16], found [2, 16]"), "{error}");
    Ok(())
}

/// A network whose batch norm sees maps of 1x1.
fn narrow() -> Box<dyn Model<f32>> {
    let rng = &mut Generator::new(0, 0);
    let conv = Conv2d::new(1, 3, 4).init(Init::Default, rng);
    let body = Sequential::new().add("conv", conv).add("norm", BatchNorm2d::new(3));
    Box::new(body.add("flatten", Flatten::new()).add("fc", Linear::new(3, 2).init(Init::Default, rng)))
}

/// Of 36 images, seven batches of five leave one over; alone, it has no variance.
#[test]
fn an_image_alone_is_left_out_where_it_cannot_be_normalised() -> Result<(), Error> {
    let folder = std::env::temp_dir().join(format!("residual-run-{}-alone", std::process::id()));
    let config = |batch_size| Config {
        output: Some(folder.clone()),
        epochs: 2,
        batch_size,
        lr: 0.01,
        ..Config::default()
    };
    let error = Run::with(config(1), narrow(), splits()).err().expect("no variance").to_string();
    assert!(error.starts_with("--batch-size: expected at least 2"), "{error}");
    assert!(!folder.exists(), "no folder for a run that cannot start");
    for (net, steps) in [(narrow(), 2 * 7), (net(2), 2 * 8)] {
        let outcome = Run::with(config(5), net, splits())?.train(&AtomicBool::new(false), &mut |_| {})?;
        assert!(matches!(&outcome, Outcome::Finished(summary) if summary.step == steps), "{outcome:?}");
        fs::remove_dir_all(&folder).expect("a folder of our own");
    }
    Ok(())
}
