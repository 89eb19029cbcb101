//! `residual models`: the networks that there are.

use super::{
    network,
    screen::say,
    table::{Align, Table, metric, thousands},
};
use residual::{
    Error, buffer,
    models::{self, Options},
    nn::Outline,
};
use serde_json::{Value, json};
use std::process::ExitCode;

/// What `residual models` takes.
#[derive(clap::Args)]
pub struct Args {
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// Prints a line for each network.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let rows = models::all().iter().map(|entry| {
        let options = network::bare(entry.options());
        let outline = models::build::<f32>(entry.name, &options)?.outline(network::images(&options, 1));
        buffer::release();
        Ok((entry, options, outline))
    });
    let rows: Vec<_> = rows.collect::<Result<_, Error>>()?;
    if args.json {
        let rows = rows.iter().map(|(entry, options, outline)| as_json(entry, options, outline));
        say(Value::from_iter(rows));
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new([
        ("name", Align::Left),
        ("year", Align::Left),
        ("input (C, H, W)", Align::Left),
        ("classes", Align::Right),
        ("parameters", Align::Right),
        ("multiply-adds", Align::Right),
        ("paper", Align::Left),
    ]);
    for (entry, options, outline) in &rows {
        table.row([
            entry.name.into(),
            entry.year.to_string(),
            format!("({}, {size}, {size})", options.in_channels, size = options.input_size),
            options.classes.to_string(),
            thousands(outline.parameters),
            metric(outline.macs as f64),
            entry.paper.into(),
        ]);
    }
    say(table);
    say("\n`residual summary NAME` shows what each is made of.");
    Ok(ExitCode::SUCCESS)
}

fn as_json(entry: &models::Entry, options: &Options, outline: &Outline) -> Value {
    json!({
        "name": entry.name,
        "year": entry.year,
        "paper": entry.paper,
        "input": [options.in_channels, options.input_size, options.input_size],
        "classes": options.classes,
        "parameters": outline.parameters,
        "macs": outline.macs,
    })
}
