//! The same run gives the same bits: on any number of threads, and whether or not it was stopped.

use residual::{
    Error,
    checkpoint::{Array, TensorFile},
    data::{Splits, synthetic},
    models::{self, Model, Options},
    nn::{BatchNorm2d, Conv2d, Dropout, Flatten, Init, Linear, Relu, Sequential, Slot},
    rng::Generator,
    train::{Config, EpochReport, Event, Outcome, Run, Summary, config::OptimizerName, log::Line},
};
use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// Convolution, batch norm and dropout: everything that a stop could spoil.
fn net() -> Box<dyn Model<f32>> {
    let rng = &mut Generator::new(3, 0);
    Box::new(
        Sequential::new()
            .add("conv", Conv2d::new(1, 20, 3).stride(2).init(Init::Default, rng))
            .add("norm", BatchNorm2d::new(20))
            .add("relu", Relu::new())
            .add("flatten", Flatten::new())
            .add("dropout", Dropout::new(0.3, Generator::new(3, 1)))
            .add("fc", Linear::new(20 * 3 * 3, 4).init(Init::Default, rng)),
    )
}

fn splits() -> Splits {
    synthetic::bars([8, 8, 1], 4, 100, 0).split(0)
}

/// A folder for one test, gone when the test is over.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("residual-determinism-{}-{n}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder for temporary files");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Three epochs of six steps, the last smaller, with augmentation.
fn config(scratch: &Scratch, optimizer: OptimizerName) -> Config {
    Config {
        model: "own".into(),
        epochs: 3,
        batch_size: 16,
        optimizer,
        lr: optimizer.usual().0,
        augment: "crop-flip".into(),
        label_smoothing: 0.1,
        output: Some(scratch.0.join("run")),
        ..Config::default()
    }
}

/// All that a run leaves behind but times: logged steps and epochs, and the files of weights.
#[derive(Debug, PartialEq)]
struct Traces {
    lines: Vec<Line>,
    last: Vec<u8>,
    best: Vec<u8>,
}

impl Traces {
    fn of(scratch: &Scratch) -> Self {
        let read = |name: &str| fs::read(scratch.0.join("run").join(name)).expect("a file of the run");
        let log = String::from_utf8(read("log.jsonl")).expect("text");
        let lines = log.lines().map(|line| match serde_json::from_str(line).expect("a line of the log") {
            Line::Epoch(report) => Line::Epoch(EpochReport { seconds: 0.0, ..report }),
            Line::End(summary) => Line::End(Summary {
                seconds: 0.0,
                folder: PathBuf::new(),
                weights: PathBuf::new(),
                ..summary
            }),
            line => line,
        });
        Self { lines: lines.collect(), last: read("last.safetensors"), best: read("best.safetensors") }
    }
}

/// Trains until the run has finished, raising the stop flag after each of the steps `stops`.
fn train(scratch: &Scratch, config: Config, stops: &[u64]) -> Result<Traces, Error> {
    let mut run = Run::with(config, net(), splits())?;
    for &at in stops {
        let stop = AtomicBool::new(false);
        let outcome = run.train(&stop, &mut |event| {
            if matches!(event, Event::Step(report) if report.step == at) {
                stop.store(true, Ordering::Relaxed);
            }
        })?;
        assert_eq!(outcome, Outcome::Stopped { step: at, steps: 18 });
        drop(run);
        run = Run::resume_with(&scratch.0.join("run"), net(), splits())?;
    }
    let outcome = run.train(&AtomicBool::new(false), &mut |_| {})?;
    assert!(matches!(outcome, Outcome::Finished(_)), "{outcome:?}");
    Ok(Traces::of(scratch))
}

const OPTIMIZERS: [OptimizerName; 3] = [OptimizerName::Sgd, OptimizerName::Adam, OptimizerName::AdamW];

#[test]
fn a_run_that_was_stopped_ends_as_if_it_had_not_been() -> Result<(), Error> {
    for optimizer in OPTIMIZERS {
        let scratch = Scratch::new();
        let whole = train(&scratch, config(&scratch, optimizer), &[])?;
        assert_eq!(whole.lines.len(), 18 + 3 + 1);
        // In the middle of an epoch, after its last step but before validation, twice in one epoch,
        // after the very last step.
        for stops in [&[1][..], &[6], &[8, 9, 12], &[17, 18]] {
            let scratch = Scratch::new();
            let parts = train(&scratch, config(&scratch, optimizer), stops)?;
            assert!(parts == whole, "{optimizer:?} stopped after {stops:?}");
        }
    }
    Ok(())
}

/// A short run of a network of the registry, on a pool of so many threads.
fn train_on(threads: usize, model: &str, optimizer: OptimizerName) -> Result<Traces, Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a few threads");
    let scratch = Scratch::new();
    let config = Config { model: model.into(), steps: Some(8), ..config(&scratch, optimizer) };
    let options = Options { classes: 4, in_channels: 1, input_size: 28, ..Options::default() };
    let splits = synthetic::bars([28, 28, 1], 4, 100, 0).split(0);
    pool.install(|| {
        let mut run = Run::with(config, models::build(model, &options)?, splits)?;
        run.train(&AtomicBool::new(false), &mut |_| {})?;
        Ok(Traces::of(&scratch))
    })
}

#[test]
fn any_number_of_threads_gives_the_same_losses_and_weights() -> Result<(), Error> {
    let runs =
        [("lenet5", OptimizerName::Adam), ("resnet8", OptimizerName::Sgd), ("resnet8", OptimizerName::AdamW)];
    for (model, optimizer) in runs {
        let one = train_on(1, model, optimizer)?;
        assert_eq!(one.lines.len(), 8 + 2 + 1);
        for threads in [2, 3, 8] {
            assert!(train_on(threads, model, optimizer)? == one, "{model}, {optimizer:?}, {threads} threads");
        }
    }
    Ok(())
}

#[test]
fn an_old_run_is_never_written_over() -> Result<(), Error> {
    let scratch = Scratch::new();
    let config = Config { epochs: 1, ..config(&scratch, OptimizerName::Sgd) };
    let traces = train(&scratch, config.clone(), &[])?;
    let error = Run::with(config, net(), splits()).err().expect("a folder with a run");
    assert!(error.to_string().contains("--resume"), "{error}");
    assert!(Traces::of(&scratch) == traces, "nothing was lost");
    Ok(())
}

#[test]
fn a_finished_run_tells_its_result_again_wherever_it_is() -> Result<(), Error> {
    let scratch = Scratch::new();
    let traces = train(&scratch, config(&scratch, OptimizerName::Sgd), &[])?;
    assert!(traces.best != traces.last, "the test needs a best epoch that is not the last");
    let moved = scratch.0.join("moved");
    fs::rename(scratch.0.join("run"), &moved).expect("a folder of our own");
    let mut run = Run::resume_with(&moved, net(), splits())?;
    let outcome = run.train(&AtomicBool::new(false), &mut |_| panic!("nothing happens"))?;
    let Outcome::Finished(summary) = outcome else { panic!("{outcome:?}") };
    assert_eq!((summary.step, &summary.folder), (18, &moved));
    let best = fs::read(&summary.weights).expect("the weights that it names");
    assert!(best == traces.best, "nothing was lost");
    let best = TensorFile::from_bytes(&summary.weights, &best)?;
    run.model().visit(&mut |name, slot| {
        if let Slot::Param(param) = slot {
            assert!(best.arrays[&name.to_string()] == Array::of(&param.value), "{name} is not the best");
        }
    });
    Ok(())
}

#[test]
fn a_run_that_diverges_says_so_and_keeps_its_files() -> Result<(), Error> {
    let scratch = Scratch::new();
    let folder = scratch.0.join("run");
    let steep = Config { lr: 1e30, warmup_epochs: 0.0, ..config(&scratch, OptimizerName::Sgd) };
    let diverges = |run: &mut Run| {
        let error = run.train(&AtomicBool::new(false), &mut |_| {});
        let error = error.expect_err("a loss that is no number").to_string();
        assert!(error.starts_with("--lr: ") && error.contains("--warmup-epochs"), "{error}");
    };
    diverges(&mut Run::with(steep.clone(), net(), splits())?);
    let mut left: Vec<_> =
        fs::read_dir(&folder).expect("its folder").map(|entry| entry.expect("a file").file_name()).collect();
    left.sort();
    assert_eq!(left, ["config.json", "log.jsonl"], "no weights that are no numbers");
    fs::remove_dir_all(&folder).expect("a folder of our own");

    // Stopped in its second epoch, and made to diverge from there: the first epoch's weights stay.
    let stop = AtomicBool::new(false);
    Run::with(config(&scratch, OptimizerName::Sgd), net(), splits())?.train(&stop, &mut |event| {
        let halfway = matches!(event, Event::Step(report) if report.step == 8);
        stop.fetch_or(halfway, Ordering::Relaxed);
    })?;
    let files = ["best.safetensors", "last.safetensors", "state.safetensors", "curves.svg"];
    let read = || files.map(|name| fs::read(folder.join(name)).expect("a file of the run"));
    let before = read();
    let text = serde_json::to_vec(&steep).expect("plain data");
    fs::write(folder.join("config.json"), text).expect("a file of our own");
    diverges(&mut Run::resume_with(&folder, net(), splits())?);
    assert!(read() == before, "nothing was lost");
    Ok(())
}
