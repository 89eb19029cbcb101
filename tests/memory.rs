//! What a network is predicted to take is what it takes; and from the second step on it takes nothing new.
//!
//! Each measurement is a process of its own, this program called anew, since a process never forgets its peak.
#![cfg(target_os = "linux")]

use residual::{
    Shape, Tensor,
    buffer::{self, Usage},
    models::{self, Model, Options},
    nn::Memory,
    ops::{
        conv2d::{self, Geometry, Scratch},
        cross_entropy::CrossEntropy,
    },
    rng::Generator,
    train::optim::{Optimizer, Sgd, zero_grad},
};
use std::{env, fs, hint::black_box, process::Command};

/// Tells the process what to measure: network, batch size, and what to do.
const JOB: &str = "RESIDUAL_TEST_MEMORY";

/// Enough for sizes that find no storage of theirs at once to have some.
const STEPS: usize = 6;

/// How far the prediction may be off: a tenth, and a megabyte for what is not the network's, storage too small for the
/// pool among it: some of that may be left from networks before, or none.
const MARGIN: f64 = 0.1;
const BESIDES: f64 = 1.2e6;

#[test]
fn small_networks_take_what_is_predicted() {
    for job in ["resnet20 32 train", "resnet20 256 infer"] {
        check(job);
    }
}

#[test]
#[ignore = "a minute: steps of networks of millions of parameters"]
fn large_networks_take_what_is_predicted() {
    for name in ["resnet18_cifar", "vgg16_cifar", "googlenet_cifar"] {
        for what in ["train", "infer", "fused"] {
            check(&format!("{name} 32 {what}"));
        }
    }
}

/// Measures in a process of its own.
fn check(job: &str) {
    let me = env::current_exe().expect("this program");
    let mut command = Command::new(me);
    command.args(["measurement", "--exact", "--ignored", "--nocapture"]).env(JOB, job);
    let output = command.output().expect("this program runs");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let numbers = stdout.lines().find_map(|line| line.strip_prefix("measured: "));
    let numbers = numbers.unwrap_or_else(|| panic!("{job}: {stdout}{stderr}"));
    let numbers: Vec<f64> = numbers.split(' ').map(|number| number.parse().expect("a number")).collect();
    let [predicted, measured, pages] = numbers[..] else { panic!("three numbers in {numbers:?}") };
    println!(
        "{job}: {:.1} MB predicted, {:.1} MB measured, {pages} new pages in the last step",
        predicted / 1e6,
        measured / 1e6
    );
    let off = (measured - predicted).abs();
    assert!(off < MARGIN * predicted + BESIDES, "{job}: {measured} bytes, predicted {predicted}");
    // Of 4 KiB each; a fiftieth of the whole may be new.
    assert!(pages * 4096.0 < 0.02 * measured, "{job}: {pages} new pages in the last step");
}

#[test]
#[ignore = "what `check` calls"]
fn measurement() {
    let Ok(job) = env::var(JOB) else { return };
    let [name, batch, what] = job.split(' ').collect::<Vec<_>>()[..] else { panic!("a job in {job}") };
    // The program's code is not the network's memory: it is here before.
    for name in ["lenet5", "resnet8"] {
        for what in ["train", "infer", "fused"] {
            let mut warm = Work::new(name, 2, what);
            warm.step();
        }
    }
    buffer::release();
    let before = status("VmRSS:");
    let mut work = Work::new(name, batch.parse().expect("a number of images"), what);
    let outline = work.model.outline(work.images);
    let memory = Memory::of(&outline, work.images);
    let mut pages = 0;
    for _ in 0..STEPS {
        let faults = faults();
        work.step();
        pages = self::faults() - faults;
    }
    let predicted = match what {
        "train" => memory.training,
        "infer" => memory.inference,
        _ => memory.fused,
    };
    println!("\nmeasured: {predicted} {} {pages}", status("VmHWM:") - before);
}

/// A network that learns or judges.
struct Work {
    model: Box<dyn Model<f32>>,
    images: Shape,
    classes: usize,
    /// None for a network that judges.
    sgd: Option<Optimizer<f32>>,
}

impl Work {
    fn new(name: &str, batch: usize, what: &str) -> Self {
        let entry = models::all().iter().find(|entry| entry.name == name).expect("a known name");
        let in_channels = if name == "lenet5" { 1 } else { 3 };
        let options = Options { in_channels, ..entry.options() };
        let mut model = models::build(name, &options).expect("options of its own");
        if what == "fused" {
            model.fuse();
        }
        let images = Shape::from([batch, options.input_size, options.input_size, in_channels]);
        let sgd = (what == "train").then(|| Optimizer::new(Sgd { momentum: 0.9, ..Sgd::default() }));
        Self { model, images, classes: options.classes, sgd }
    }

    fn step(&mut self) {
        let mut rng = Generator::new(0, 0);
        let images = Tensor::from_fn(self.images, |_| rng.normal() as f32);
        let Some(sgd) = &mut self.sgd else {
            black_box(self.model.scores(images));
            return;
        };
        let labels: Vec<_> = (0..self.images.dims()[0]).map(|i| i % self.classes).collect();
        zero_grad(|each| self.model.visit(each));
        black_box(self.model.train_step(images, &labels, &CrossEntropy::default()).loss);
        sgd.step(1e-3, |each| self.model.visit(each));
    }
}

/// A line of what the system knows of this process, in bytes.
fn status(line: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells");
    let (_, rest) = status.split_once(line).expect("a line of that name");
    1024 * rest.split_whitespace().next().expect("a number").parse::<usize>().expect("a number")
}

/// How many pages were touched for the first time.
fn faults() -> usize {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux tells");
    let (_, rest) = stat.rsplit_once(')').expect("a name in brackets");
    rest.split_whitespace().nth(7).expect("the tenth field").parse().expect("a number")
}

/// Bytes that are predicted or measured, but not both: storage of less than 64 KiB, panels of 1x1 convolutions among
/// it, which is not counted, and rows and gradients in the caches of a thread.
const UNCOUNTED: usize = 600 << 10;

/// Inputs and weights of convolutions in all forms: rows, small images, single pixels, groups, Winograd's.
const CONVOLUTIONS: [([usize; 4], [usize; 4], usize, usize); 10] = [
    ([8, 32, 32, 3], [64, 3, 7, 7], 2, 1),
    ([8, 32, 32, 64], [128, 64, 3, 3], 2, 1),
    ([32, 4, 4, 256], [256, 256, 3, 3], 1, 1),
    ([32, 2, 2, 512], [512, 512, 3, 3], 1, 1),
    ([32, 16, 16, 128], [128, 128, 3, 3], 1, 1),
    ([16, 32, 32, 64], [64, 64, 3, 3], 1, 1),
    ([16, 16, 16, 256], [512, 256, 1, 1], 1, 1),
    ([16, 16, 16, 256], [512, 256, 1, 1], 2, 1),
    ([16, 28, 28, 128], [128, 4, 3, 3], 1, 32),
    // On two threads, few enough bands for their panels to be shared out.
    ([1, 56, 56, 64], [512, 64, 3, 3], 2, 1),
];

/// In a process of its own, like the networks: the other tests use buffers too.
#[test]
fn convolutions_lay_aside_what_is_predicted() {
    let me = env::current_exe().expect("this program");
    let mut command = Command::new(me);
    command.args(["convolutions", "--exact", "--ignored", "--nocapture"]).env("RAYON_NUM_THREADS", "2");
    let output = command.output().expect("this program runs");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    println!("{text}");
    assert!(output.status.success(), "{text}");
}

#[test]
#[ignore = "what `convolutions_lay_aside_what_is_predicted` calls"]
fn convolutions() {
    let mut told = 0;
    for (x, w, stride, groups) in CONVOLUTIONS {
        let padding = w[2] / 2;
        let g = Geometry::default().stride([stride; 2]).padding([padding; 2]).groups(groups);
        let (x, w) = (Tensor::<f32>::zeros(x), Tensor::zeros(w));
        let dy = Tensor::zeros(g.output_shape(x.shape(), w.shape()));
        let Scratch { forward, grad_input, grad_weights, .. } =
            conv2d::scratch::<f32>(x.shape(), w.shape(), g);
        for (pass, predicted, run) in [
            ("forward", forward, &(|| conv2d::forward(&x, &w, g)) as &dyn Fn() -> Tensor),
            ("grad_input", grad_input, &|| conv2d::grad_input(&dy, &w, x.shape(), g)),
            ("grad_weights", grad_weights, &|| conv2d::grad_weights(&dy, &x, w.shape(), g)),
        ] {
            buffer::release();
            let result = run();
            let Usage { now, most } = buffer::usage();
            let bytes = size_of::<f32>() * result.len();
            // What is laid aside is gone again; a result of less than 64 KiB is not counted.
            let measured = most - now + if bytes < 64 << 10 { bytes } else { 0 };
            println!(
                "{pass} of {} by {}: {predicted} bytes predicted, {measured} measured",
                x.shape(),
                w.shape()
            );
            let bound = predicted / 10 + UNCOUNTED;
            assert!(measured.abs_diff(predicted) < bound, "off by more than {bound} bytes");
            told += usize::from(predicted > 2 * bound);
        }
    }
    assert!(told >= 10, "{told} predictions are large enough to be judged by such bounds");
}
