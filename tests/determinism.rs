//! The same run gives the same bits: on any number of threads, and whether or not it was stopped.

use residual::{
    Error, Shape, Tensor,
    data::{Splits, synthetic},
    models::{Model, Step},
    nn::{
        BatchNorm2d, Conv2d, Dropout, Flatten, Init, Layer, Linear, Mode, Outline, Path, Relu, Sequential,
        Visitor,
    },
    ops::cross_entropy::CrossEntropy,
    rng::Generator,
    train::{Config, Event, Outcome, Run, config::OptimizerName, log::Line},
};
use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// Convolution, batch norm and dropout: everything that a stop could spoil.
struct Net(Sequential<f32>);

impl Net {
    fn boxed() -> Box<dyn Model<f32>> {
        let rng = &mut Generator::new(3, 0);
        Box::new(Self(
            Sequential::new()
                .add("conv", Conv2d::new(1, 20, 3).stride(2).init(Init::Default, rng))
                .add("norm", BatchNorm2d::new(20))
                .add("relu", Relu::new())
                .add("flatten", Flatten::new())
                .add("dropout", Dropout::new(0.3, Generator::new(3, 1)))
                .add("fc", Linear::new(20 * 3 * 3, 4).init(Init::Default, rng)),
        ))
    }
}

impl Model<f32> for Net {
    fn scores(&mut self, images: Tensor) -> Tensor {
        self.0.forward(images, Mode::Eval)
    }

    fn train_step(&mut self, images: Tensor, labels: &[usize], loss: &CrossEntropy) -> Step<f32> {
        let logits = self.0.forward(images, Mode::Train);
        let (value, probabilities) = loss.forward(&logits, labels);
        self.0.backward(loss.backward(probabilities, labels));
        Step { loss: value, logits }
    }

    fn visit(&mut self, each: &mut Visitor<'_, f32>) {
        self.0.visit(&Path::root(), each);
    }

    fn outline(&self, images: Shape) -> Outline {
        self.0.outline(images)
    }
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
            Line::Epoch(report) => Line::Epoch(residual::train::EpochReport { seconds: 0.0, ..report }),
            Line::End(summary) => Line::End(residual::train::Summary {
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
    let mut run = Run::with(config, Net::boxed(), splits())?;
    for &at in stops {
        let stop = AtomicBool::new(false);
        let outcome = run.train(&stop, &mut |event| {
            if matches!(event, Event::Step(report) if report.step == at) {
                stop.store(true, Ordering::Relaxed);
            }
        })?;
        assert_eq!(outcome, Outcome::Stopped { step: at, steps: 18 });
        drop(run);
        run = Run::resume_with(&scratch.0.join("run"), Net::boxed(), splits())?;
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
