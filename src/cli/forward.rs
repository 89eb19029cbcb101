//! `residual forward MODEL`: any network on any tensors, to compare with another framework.

use super::{
    args::Threads,
    network::{self, Network, Variant, nchw},
    screen::{note, say},
};
use residual::{
    Error, Real, Tensor,
    checkpoint::{Array, Numbers, TensorFile, Weights},
    error::clip,
    models::{Model, Options, Step},
    nn::Slot,
    ops::cross_entropy::CrossEntropy,
};
use serde_json::json;
use std::{path::PathBuf, process::ExitCode};

/// The name of the images in the input file.
const INPUT: &str = "input";
/// The name of the scores in the output file.
const OUTPUT: &str = "output";

/// What `residual forward` takes.
#[derive(clap::Args)]
#[command(mut_group("Network", |group| group.required(true)), after_help = AFTER_HELP)]
pub struct Args {
    #[command(flatten)]
    network: Network,
    #[command(flatten)]
    variant: Variant,
    /// The network's weights, a safetensors or .pth file
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// A safetensors file with the images, (N, C, H, W), under the name `input`
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Where the scores, (N, classes), are written, under the name `output`; with --train, those of
    /// auxiliary heads too, as `aux1` and `aux2`
    #[arg(long, value_name = "FILE", required_unless_present = "train")]
    output: Option<PathBuf>,
    /// Run a training step's forward and backward, and print the loss
    #[arg(long, requires = "labels")]
    train: bool,
    /// The class of each image, for --train
    #[arg(long, value_name = "N,N,...", value_delimiter = ',', requires = "train")]
    labels: Vec<usize>,
    /// Where every parameter's gradient is written, under the parameter's name
    #[arg(long, value_name = "FILE", requires = "train")]
    grads: Option<PathBuf>,
    /// Leave dropout out of --train
    #[arg(long, requires = "train")]
    no_dropout: bool,
    #[command(flatten)]
    threads: Threads,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
All is computed in f32, or in f64 if the input is F64. Channels, image size and classes are those
that the weights were saved for, unless said. Weights from elsewhere do not say: then channels and
image size are the input's, and classes as many as `residual models` lists for the network.";

/// Runs the network in the precision of the input.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    args.threads.run(|| forward(args))
}

fn forward(args: &Args) -> Result<ExitCode, Error> {
    let mut file = TensorFile::read(&args.input)?;
    let input = file.arrays.remove(INPUT);
    let input = input.ok_or_else(|| bad_input(args, &names(&file)))?;
    match input.numbers {
        Numbers::F64(_) => run_in::<f64>(args, &input),
        _ => run_in::<f32>(args, &input),
    }
}

fn run_in<T: Real>(args: &Args, input: &Array) -> Result<ExitCode, Error> {
    let images = images::<T>(args, input)?;
    let mut model = load::<T>(args, &images)?;
    let (scores, auxiliary) = if args.train {
        let step = train(args, &mut *model, images)?;
        (step.logits, step.auxiliary)
    } else {
        (model.scores(images), Vec::new())
    };
    if let Some(output) = &args.output {
        let mut file = TensorFile::default();
        file.arrays.insert(OUTPUT.into(), Array::of(&scores));
        for (i, scores) in auxiliary.iter().enumerate() {
            file.arrays.insert(format!("aux{}", i + 1), Array::of(scores));
        }
        file.write(output)?;
        note(format_args!("wrote scores {} to {}", scores.shape(), output.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// The first few names of a file.
fn names(file: &TensorFile) -> String {
    const SHOWN: usize = 5;
    let count = file.arrays.len();
    let first: Vec<_> = file.arrays.keys().take(SHOWN).map(|name| clip(name)).collect();
    let more = if count > SHOWN { format!(" and {} more", count - SHOWN) } else { String::new() };
    format!("{count} names: {}{more}", first.join(", "))
}

fn bad_input(args: &Args, found: &str) -> Error {
    Error::Format {
        path: args.input.clone(),
        expected: format!("images of shape (N, C, H, W) under the name `{INPUT}`"),
        found: found.into(),
        hint: "write them with safetensors' save_file({\"input\": images})".into(),
    }
}

/// The images, (N, H, W, C).
fn images<T: Real>(args: &Args, input: &Array) -> Result<Tensor<T>, Error> {
    let square = matches!(*input.shape, [n, c, h, w] if n > 0 && c > 0 && h > 0 && h == w);
    let images = input.to_tensor::<T>().filter(|_| square);
    let images = images.ok_or_else(|| bad_input(args, &input.kind()))?;
    Ok(Tensor::from_nchw(&images))
}

/// The network for these images, with its weights.
fn load<T: Real>(args: &Args, images: &Tensor<T>) -> Result<Box<dyn Model<T>>, Error> {
    let name = args.network.name();
    let weights = Weights::read(&args.weights)?;
    let saved = weights.metadata();
    let usual = saved.map_or_else(|| network::made_for(name), network::of_saved);
    let [_, height, _, channels] = images.dims();
    let usual =
        if saved.is_some() { usual } else { Options { in_channels: channels, input_size: height, ..usual } };
    let options = args.variant.over(usual);
    if (options.in_channels, options.input_size) != (channels, height) {
        let Options { in_channels, input_size, .. } = options;
        let found = format!("images {}", nchw(images.shape()));
        return Err(Error::Format {
            path: args.input.clone(),
            expected: format!("images (N, {in_channels}, {input_size}, {input_size}), as the network takes"),
            found,
            hint: "change the images, or give --in-channels and --input-size".into(),
        });
    }
    // A head that the file lacks starts as a new one does, which matters to training alone.
    let options = if args.train { options } else { network::bare(options) };
    args.variant.load(name, &options, weights)
}

/// Forward and backward as in training: prints the loss, writes the gradients.
fn train<T: Real>(args: &Args, model: &mut dyn Model<T>, images: Tensor<T>) -> Result<Step<T>, Error> {
    let outline = model.outline(images.shape());
    let classes = outline.output.last();
    let [n, ..] = images.dims::<4>();
    if outline.statistics == Some(1) {
        return Err(Error::Argument {
            name: "--train".into(),
            expected: "at least 2 images: batch norm needs more than one value per channel".into(),
            found: format!("1 in {}", args.input.display()),
            hint: "give more images, or leave --train out".into(),
        });
    }
    if args.labels.len() != n || args.labels.iter().any(|&label| label >= classes) {
        return Err(Error::Argument {
            name: "--labels".into(),
            expected: format!("a class below {classes} for each of {n} images"),
            found: format!("{:?}", args.labels),
            hint: "count classes from 0".into(),
        });
    }
    if args.no_dropout {
        leave_out_dropout(model);
    }
    let step = model.train_step(images, &args.labels, &CrossEntropy::default());
    if let Some(path) = &args.grads {
        gradients(model).write(path)?;
        note(format_args!("wrote gradients to {}", path.display()));
    }
    if args.json {
        say(json!({ "loss": step.loss }))
    } else {
        say(format_args!("loss {}", step.loss))
    }
    Ok(step)
}

fn gradients<T: Real>(model: &mut dyn Model<T>) -> TensorFile {
    let mut file = TensorFile::default();
    model.visit(&mut |name, slot| {
        if let Slot::Param(param) = slot {
            file.arrays.insert(name.to_string(), Array::of(&param.grad));
        }
    });
    file
}

/// Makes every dropout layer the identity.
fn leave_out_dropout<T: Real>(model: &mut dyn Model<T>) {
    model.visit(&mut |_, slot| {
        if let Slot::Generator(generator) = slot {
            *generator = generator.clone().idle();
        }
    });
}
