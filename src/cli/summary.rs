//! `residual summary MODEL`: what a network is made of and what it costs.

use super::{
    args,
    network::{self, Network, Variant, nchw},
    screen::{note, say},
    table::{Align, Table, bytes, thousands},
};
use residual::{
    Error, Shape,
    checkpoint::write_atomically,
    models::{self, Model},
    nn::{Graph, Memory, Outline, Path, Slot, Wiring},
};
use serde_json::{Value, json};
use std::{path::PathBuf, process::ExitCode, slice};

/// What `residual summary` takes.
#[derive(clap::Args)]
#[command(mut_group("Network", |group| group.required(true)))]
pub struct Args {
    #[command(flatten)]
    network: Network,
    #[command(flatten)]
    variant: Variant,
    /// How many images the shapes and costs are for
    #[arg(long, value_name = "N", default_value = "1", value_parser = args::size, allow_hyphen_values = true)]
    batch_size: usize,
    /// Draw the network into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// The same for Graphviz, in its language
    #[arg(long, value_name = "FILE")]
    dot: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Prints the module tree and the table of costs.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let name = args.network.name();
    let options = network::bare(args.variant.over(network::made_for(name)));
    let mut model = models::build::<f32>(name, &options)?;
    let images = network::images(&options, args.batch_size);
    let outline = model.outline(images);
    for (path, draw) in [(&args.svg, Graph::svg as fn(&Graph) -> String), (&args.dot, Graph::dot)] {
        if let Some(path) = path {
            write_atomically(path, draw(&Graph::new(name, &outline, images)).as_bytes())?;
            note(format_args!("wrote {}", path.display()));
        }
    }
    if args.json {
        say(as_json(name, images, &outline, &mut *model));
    } else {
        let memory = memory(images, &outline);
        say(format_args!("{}\n\n{}\n\n{memory}", tree(&outline), costs(images, &outline)));
    }
    Ok(ExitCode::SUCCESS)
}

/// The modules as PyTorch prints them. A child without a name is its parent's own chain.
fn tree(outline: &Outline) -> String {
    if outline.children.is_empty() {
        return outline.kind.clone();
    }
    let line = |child: &Outline| format!("  ({}): {}\n", child.name, tree(child).replace('\n', "\n  "));
    let children: String = outline.children.iter().flat_map(unwrapped).map(line).collect();
    format!("{}(\n{children})", outline.kind)
}

fn unwrapped(child: &Outline) -> &[Outline] {
    if child.name.is_empty() { &child.children } else { slice::from_ref(child) }
}

/// A line for each module that computes something, and the totals.
fn costs(images: Shape, outline: &Outline) -> Table {
    let mut table = Table::new([
        ("module", Align::Left),
        ("output (N, C, H, W)", Align::Left),
        ("parameters", Align::Right),
        ("multiply-adds", Align::Right),
        ("activations", Align::Right),
    ]);
    let none = || "-".to_string();
    table.row(["input".into(), nchw(images).to_string(), none(), none(), bytes(size(images))]);
    let mut activations = 0;
    each_module(outline, &Path::root(), &mut |path, module| {
        activations += size(module.output);
        table.row([
            path.to_string(),
            nchw(module.output).to_string(),
            if module.parameters == 0 { none() } else { thousands(module.parameters) },
            if module.macs == 0 { none() } else { thousands(module.macs) },
            bytes(size(module.output)),
        ]);
    });
    table.rule();
    table.row([
        "total".into(),
        String::new(),
        thousands(outline.parameters),
        thousands(outline.macs),
        bytes(activations),
    ]);
    table
}

/// What the network takes at most: memory of the passes, not of the data set or the program.
fn memory(images: Shape, outline: &Outline) -> Table {
    let Memory { parameters, kept, training, inference, fused } = Memory::of(outline, images);
    let batch = match images.dims() {
        [1, ..] => "1 image".into(),
        [n, ..] => format!("{n} images"),
        [] => String::new(),
    };
    let heading = format!("memory for a batch of {batch}");
    let mut table = Table::new([(heading.as_str(), Align::Left), ("MB", Align::Right)]);
    for (what, bytes) in [
        ("training step, SGD with momentum", training),
        ("  of it parameters, gradients and momentum", 3 * parameters),
        ("  of it kept from forward to backward", kept),
        ("inference", inference),
        ("inference, fused (eval, predict)", fused),
    ] {
        table.row([what.into(), format!("{:.1}", bytes as f64 / 1e6)]);
    }
    table
}

/// Shows the modules that compute something: those without children, and those that join branches.
fn each_module(outline: &Outline, at: &Path, each: &mut dyn FnMut(&Path, &Outline)) {
    for child in &outline.children {
        let path = if child.name.is_empty() { at.clone() } else { at.join(&child.name) };
        each_module(child, &path, each);
    }
    match outline.wiring {
        Wiring::Leaf => each(at, outline),
        Wiring::Sum | Wiring::Concat => {
            let join = Outline { name: outline.name.clone(), ..Outline::leaf(&outline.kind, outline.output) };
            each(at, &join);
        }
        Wiring::Chain => {}
    }
}

/// Bytes of an activation.
fn size(shape: Shape) -> u64 {
    (shape.len() * size_of::<f32>()) as u64
}

fn as_json(name: &str, images: Shape, outline: &Outline, model: &mut dyn Model<f32>) -> Value {
    let (mut parameters, mut buffers) = (Vec::new(), Vec::new());
    model.visit(&mut |path, slot| {
        let (list, shape) = match &slot {
            Slot::Param(param) => (&mut parameters, param.value.shape().dims().to_vec()),
            Slot::Buffer(buffer) => (&mut buffers, buffer.shape().dims().to_vec()),
            Slot::Count(_) => (&mut buffers, Vec::new()),
            Slot::Generator(_) => return,
        };
        list.push(json!({ "name": path.to_string(), "shape": shape }));
    });
    let mut activations = 0;
    let mut modules = Vec::new();
    each_module(outline, &Path::root(), &mut |path, module| {
        activations += size(module.output);
        modules.push(json!({
            "name": path.to_string(),
            "kind": module.kind,
            "output": nchw(module.output).dims(),
            "parameters": module.parameters,
            "macs": module.macs,
            "activation_bytes": size(module.output),
        }));
    });
    let memory = Memory::of(outline, images);
    json!({
        "model": name,
        "input": nchw(images).dims(),
        "output": outline.output.dims(),
        "parameters": parameters,
        "buffers": buffers,
        "modules": modules,
        "total_parameters": outline.parameters,
        "total_macs": outline.macs,
        "total_activation_bytes": activations,
        "memory": {
            "batch_size": images.dims()[0],
            "parameter_bytes": memory.parameters,
            "kept_bytes": memory.kept,
            "training_bytes": memory.training,
            "inference_bytes": memory.inference,
            "fused_inference_bytes": memory.fused,
        },
    })
}
