//! A file of three numbers, byte by byte.

use super::common::{
    Report,
    chart::{color, escaped},
};
use residual::{
    checkpoint::TensorFile,
    nn::{Layer, Linear, Path, Slot},
};
use serde_json::Value;
use std::fmt::Write;

/// Numbers of the smallest network there is: two inputs, one output.
const WEIGHT: [f32; 2] = [0.5, -1.5];
const BIAS: [f32; 1] = [3.25];

// ANCHOR: write
/// The bytes of a file with what a linear layer owns, as the crate writes them.
fn written() -> Vec<u8> {
    let mut layer = Linear::<f32>::new(2, 1);
    let mut file = TensorFile::default();
    layer.visit(&Path::root().join("fc"), &mut |path, slot| {
        let Slot::Param(param) = slot else { return };
        let numbers = if path.to_string() == "fc.weight" { &WEIGHT[..] } else { &BIAS[..] };
        param.value.as_mut_slice().copy_from_slice(numbers);
        file.arrays.insert(path.to_string(), residual::checkpoint::Array::of(&param.value));
    });
    file.to_bytes()
}
// ANCHOR_END: write

// ANCHOR: parse
/// Name, shape and numbers of every tensor of a safetensors file that holds F32.
fn parse(file: &[u8]) -> Vec<(String, Vec<u64>, Vec<f32>)> {
    let (length, rest) = file.split_at(8);
    let length = u64::from_le_bytes(length.try_into().expect("eight bytes"));
    let (header, numbers) = rest.split_at(length as usize);
    let header: Value = serde_json::from_slice(header).expect("JSON");
    let mut tensors = Vec::new();
    for (name, about) in header.as_object().expect("an object") {
        let integers = |key: &str| -> Vec<u64> {
            let list = about[key].as_array().expect("a list");
            list.iter().map(|x| x.as_u64().expect("an integer")).collect()
        };
        assert_eq!(about["dtype"], "F32");
        let offsets = integers("data_offsets");
        let bytes = &numbers[offsets[0] as usize..offsets[1] as usize];
        let numbers = bytes.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect();
        tensors.push((name.clone(), integers("shape"), numbers));
    }
    tensors
}
// ANCHOR_END: parse

pub fn run(report: &mut Report) {
    let file = written();
    let found = parse(&file);
    let expected = [("fc.bias", vec![1], BIAS.to_vec()), ("fc.weight", vec![1, 2], WEIGHT.to_vec())];
    report.claim(
        "forty lines of one's own read what the crate wrote",
        found.len() == 2
            && expected.iter().all(|(name, shape, numbers)| {
                found.iter().any(|(n, s, x)| n == name && s == shape && x == numbers)
            }),
    );
    let same = TensorFile::from_bytes("example".as_ref(), &file).map(|same| same.to_bytes());
    report.claim("the crate reads it too, and writes the same bytes", same.is_ok_and(|same| same == file));
    let header = u64::from_le_bytes(*file.first_chunk().expect("eight bytes"));
    report.part("parsed", |report| {
        report.line(format!("{} bytes: 8 of length, {header} of header, {} of numbers", file.len(), {
            file.len() as u64 - 8 - header
        }));
        for (name, shape, numbers) in &found {
            report.line(format!("{name:<9} {shape:?} {numbers:?}"));
        }
    });
    report.value("tiny-bytes", file.len());
    report.value("tiny-header", header);
    report.figure("ch15-bytes", map(&file, header as usize));
    report_endian(report);
}

/// What four bytes say from either end.
fn report_endian(report: &mut Report) {
    let rows = [0.5f32, -1.5, 3.25, 1.0, 0.1].map(|x| {
        let bytes = x.to_le_bytes();
        let text: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        vec![x.to_string(), text.join(" "), format!("{:.2e}", f32::from_be_bytes(bytes))]
    });
    report.part("endian", |report| {
        report.table(&["number", "its bytes, smallest first", "read from the wrong end"], &rows);
    });
    report.claim(
        "one, read from the wrong end, is a number, and finite",
        f32::from_be_bytes(1f32.to_le_bytes()).is_finite(),
    );
}

/// The file as rows of sixteen bytes.
fn map(file: &[u8], header: usize) -> String {
    const CELL: f64 = 32.0;
    const LEFT: f64 = 44.0;
    let rows = file.len().div_ceil(16);
    let height = rows as f64 * CELL + 70.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 560 {height}\" role=\"img\" font-size=\"13\">\n\
         <title>{} bytes in rows of sixteen: eight are the header's length, {header} the header, four the bias, eight \
         the weights</title>\n",
        file.len()
    );
    let part = |at: usize| match at {
        0..8 => 5,
        at if at < 8 + header => 1,
        at if at < 12 + header => 3,
        _ => 2,
    };
    for (at, &byte) in file.iter().enumerate() {
        let (x, y) = (LEFT + (at % 16) as f64 * CELL, (at / 16) as f64 * CELL);
        let is_text = part(at) == 1;
        let shown = match byte {
            b' ' if is_text => "␣".into(),
            byte if is_text => escaped(&char::from(byte).to_string()),
            byte => format!("{byte:02x}"),
        };
        writeln!(
            svg,
            "<rect x=\"{:.0}\" y=\"{:.0}\" width=\"30\" height=\"30\" rx=\"3\" fill=\"{}\" fill-opacity=\"0.3\"/>\n\
             <text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\" fill=\"var(--fg, #222)\">{shown}</text>",
            x + 1.0,
            y + 1.0,
            color(part(at)),
            x + 16.0,
            y + 21.0
        )
        .expect("strings take every write");
    }
    for row in 0..rows {
        writeln!(
            svg,
            "<text x=\"36\" y=\"{:.0}\" text-anchor=\"end\" fill=\"var(--fg, #222)\" opacity=\"0.7\">{}</text>",
            row as f64 * CELL + 21.0,
            16 * row
        )
        .expect("strings take every write");
    }
    let legend = [(5, "length of the header"), (1, "header"), (3, "fc.bias"), (2, "fc.weight")];
    for ((ink, label), x) in legend.into_iter().zip([44.0, 230.0, 330.0, 430.0]) {
        let y = rows as f64 * CELL + 30.0;
        writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"16\" height=\"16\" rx=\"3\" fill=\"{}\" fill-opacity=\"0.5\"/>\n\
             <text x=\"{}\" y=\"{}\" fill=\"var(--fg, #222)\">{label}</text>",
            color(ink),
            x + 22.0,
            y + 13.0
        )
        .expect("strings take every write");
    }
    svg.push_str("</svg>\n");
    svg
}
