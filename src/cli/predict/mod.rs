//! `residual predict`: what pictures show.

mod decode;

use super::{
    args::Threads,
    network::{self, Variant, in_folder, model_name},
    screen::{self, say},
};
use residual::{
    Error, Tensor,
    checkpoint::{Metadata, Weights},
    data::{Normalization, Picture, imagenet},
    models::{self, Model, Options},
    ops::softmax,
};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Classes shown for each picture.
const TOP: usize = 5;
/// Pictures scored at once.
const BATCH: usize = 16;

/// What `residual predict` takes.
#[derive(clap::Args)]
#[command(override_usage = "residual predict [OPTIONS] --weights <FILE|DIR> [MODEL] <IMAGE>...",
          after_help = AFTER_HELP)]
pub struct Args {
    /// The network, where the weights do not say it, then the pictures, PNG or JPEG
    #[arg(value_name = "IMAGE", required = true)]
    words: Vec<PathBuf>,
    /// Which network, as a flag; `residual models` lists them
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// The network's weights, or the folder of a run, whose best weights are taken
    #[arg(long, value_name = "FILE|DIR")]
    weights: PathBuf,
    #[command(flatten)]
    variant: Variant,
    #[command(flatten)]
    threads: Threads,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
A picture's shorter side is resized to the network's input (to 8/7 of it from 128 pixels on: 256 for
224) and the square in the middle is cut out. Mean, deviation and names of the classes are the
weights' own, or ImageNet's where the weights say nothing; torchvision's weights of googlenet need
--transform-input. Transparency is dropped, and a camera's note on orientation is not followed, as
in torchvision. A first word that is a network's name means the network: for a picture of that name
write ./resnet18.";

/// How pictures become input, and classes names.
struct Preparation {
    options: Options,
    normalization: Normalization,
    names: Vec<String>,
}

/// Prints the likeliest classes of each picture. One that cannot be read is an error of its own, and
/// the status is 1; the others are classified all the same.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    args.threads.run(|| predict(args))
}

fn predict(args: &Args) -> Result<ExitCode, Error> {
    let weights = in_folder(&args.weights)?;
    let read = Weights::read(&weights)?;
    let saved = read.metadata().cloned();
    let (given, images) = split(args);
    let name = model_name(given, saved.as_ref(), &args.weights)?;
    if images.is_empty() {
        return Err(Error::Argument {
            name: "IMAGE".into(),
            expected: "pictures to classify, PNG or JPEG".into(),
            found: "none".into(),
            hint: "name at least one, as ./resnet18 if it is called like a network".into(),
        });
    }
    let usual = saved.as_ref().map_or_else(|| network::made_for(&name), network::of_saved);
    let options = network::bare(args.variant.over(usual));
    let preparation = Preparation::new(options, saved, &args.weights)?;
    let mut model = args.variant.load::<f32>(&name, &options, read)?;
    model.fuse();

    let mut answers = Vec::new();
    let mut well = true;
    for paths in images.chunks(BATCH) {
        let mut pictures = Vec::new();
        for path in paths {
            match decode::read(path) {
                Ok(picture) => pictures.push((path, preparation.square(picture))),
                Err(error) => {
                    screen::error(&error);
                    well = false;
                }
            }
        }
        for (path, top) in preparation.classify(&mut *model, &pictures) {
            if args.json {
                answers.push(as_json(path, &top));
            } else {
                say(report(path, &top));
            }
        }
    }
    if args.json {
        say(json!({ "model": name, "weights": weights.display().to_string(), "images": answers }));
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The network's name, if it is given, and the pictures. The first word is a name if a network has it, or
/// if there is no such file and it has no extension, as a picture would: then it is a name mistyped.
fn split(args: &Args) -> (Option<&str>, &[PathBuf]) {
    if let Some(model) = &args.model {
        return (Some(model), &args.words);
    }
    let Some((first, rest)) = args.words.split_first() else { return (None, &[]) };
    if models::all().iter().any(|entry| first.as_os_str() == entry.name) {
        if first.is_file() {
            let name = first.display();
            screen::note(format_args!(
                "{name}: taken for the network; for the file of this name write ./{name}"
            ));
        }
        return (first.to_str(), rest);
    }
    if !first.exists() && first.extension().is_none() { (first.to_str(), rest) } else { (None, &args.words) }
}

/// One of the likeliest classes.
struct Guess<'a> {
    class: usize,
    name: &'a str,
    probability: f32,
}

impl Preparation {
    /// As the weights say, else as for ImageNet.
    fn new(options: Options, saved: Option<Metadata>, weights: &Path) -> Result<Self, Error> {
        let Options { classes, in_channels, .. } = options;
        if ![1, 3].contains(&in_channels) {
            return Err(Error::Argument {
                name: "in_channels".into(),
                expected: "1, grey, or 3, colour, as pictures have".into(),
                found: in_channels.to_string(),
                hint: "use `residual forward` for other images".into(),
            });
        }
        let (normalization, names) = match saved {
            Some(saved) => (network::normalization(weights, &saved, in_channels)?, saved.classes),
            None => (imagenet::normalization(in_channels), imagenet::classes()),
        };
        let numbers = || (0..classes).map(|class| format!("class {class}")).collect();
        let names = if names.len() == classes { names } else { numbers() };
        Ok(Self { options, normalization, names })
    }

    /// What the network sees of a picture.
    fn square(&self, picture: Picture) -> Picture {
        let Options { in_channels, input_size: side, .. } = self.options;
        let shorter = if side < 128 { side } else { side * 8 / 7 };
        picture.channels(in_channels).square(shorter, side)
    }

    /// The likeliest classes of each picture, with their probabilities.
    fn classify<'a>(
        &self,
        model: &mut dyn Model<f32>,
        pictures: &[(&'a PathBuf, Picture)],
    ) -> Vec<(&'a Path, Vec<Guess<'_>>)> {
        if pictures.is_empty() {
            return Vec::new();
        }
        let table = self.normalization.table();
        let mut images = Tensor::zeros(network::images(&self.options, pictures.len()));
        let size = images.len() / pictures.len();
        for (to, (_, picture)) in images.as_mut_slice().chunks_exact_mut(size).zip(pictures) {
            table.apply(picture.pixels(), to);
        }
        let probabilities = softmax::forward(model.scores(images));
        let rows = probabilities.as_slice().chunks_exact(self.options.classes);
        pictures.iter().zip(rows).map(|((path, _), row)| (path.as_path(), self.likeliest(row))).collect()
    }

    fn likeliest(&self, probabilities: &[f32]) -> Vec<Guess<'_>> {
        let guess =
            |(class, &probability): (usize, &f32)| Guess { class, name: &self.names[class], probability };
        let mut guesses: Vec<_> = probabilities.iter().enumerate().map(guess).collect();
        guesses.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        guesses.truncate(TOP);
        guesses
    }
}

fn report(path: &Path, top: &[Guess<'_>]) -> String {
    let line =
        |guess: &Guess<'_>| format!("\n  {:6.2} %  {}", 100.0 * guess.probability, guess.name.escape_debug());
    path.display().to_string() + &top.iter().map(line).collect::<String>()
}

fn as_json(path: &Path, top: &[Guess<'_>]) -> Value {
    let guess = |guess: &Guess<'_>| json!({ "class": guess.class, "name": guess.name, "probability": guess.probability });
    json!({ "image": path.display().to_string(), "top": top.iter().map(guess).collect::<Vec<_>>() })
}
