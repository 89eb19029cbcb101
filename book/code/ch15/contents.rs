//! What a file of ResNet-50's weights is made of.

use super::{
    common::{Report, chart::color},
    thousands,
};
use residual::{
    checkpoint::{Array, TensorFile},
    models::{Model, Options, ResNet},
    nn::{Sequential, Slot},
};
use std::fmt::Write;

/// One tensor of the file.
struct Entry {
    name: String,
    shape: Vec<usize>,
    dtype: &'static str,
    kind: usize,
}

/// What the colours of the figure mean.
const KINDS: [&str; 6] = ["3x3", "1x1", "7x7", "fc", "batch norm", "counts and header"];
const COLORS: [usize; 6] = [2, 1, 4, 3, 5, 6];

impl Entry {
    fn bytes(&self) -> usize {
        let each = if self.dtype == "I64" { 8 } else { 4 };
        self.shape.iter().product::<usize>() * each
    }

    /// What the header says of it, where its numbers begin at `at`.
    fn header(&self, at: usize) -> String {
        let Self { name, shape, dtype, .. } = self;
        let shape: Vec<_> = shape.iter().map(usize::to_string).collect();
        format!(
            "\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":[{}],\"data_offsets\":[{at},{}]}}",
            shape.join(","),
            at + self.bytes()
        )
    }
}

// ANCHOR: entries
/// Every tensor of a network, in the order of a file: the widest numbers first, then by name.
fn entries(net: &mut Sequential<f32>) -> Vec<Entry> {
    let mut entries = Vec::new();
    Model::visit(net, &mut |path, slot| {
        let (shape, dtype) = match slot {
            Slot::Param(param) => (param.value.shape().dims().to_vec(), "F32"),
            Slot::Buffer(buffer) => (buffer.shape().dims().to_vec(), "F32"),
            Slot::Count(_) => (Vec::new(), "I64"),
            Slot::Generator(_) => return,
        };
        let name = path.to_string();
        let kind = match (&shape[..], dtype) {
            (_, "I64") => 5,
            ([_, _, 3, 3], _) => 0,
            ([_, _, 1, 1], _) => 1,
            ([_, _, 7, 7], _) => 2,
            _ if name.starts_with("fc.") => 3,
            _ => 4,
        };
        entries.push(Entry { name, shape, dtype, kind });
    });
    entries.sort_by(|a, b| (b.dtype, &a.name).cmp(&(a.dtype, &b.name)));
    entries
}
// ANCHOR_END: entries

/// Bytes of the header and of the numbers.
fn sizes(entries: &[Entry]) -> [usize; 2] {
    let (mut at, mut header) = (0, Vec::new());
    for entry in entries {
        header.push(entry.header(at));
        at += entry.bytes();
    }
    // Braces around it, and spaces until numbers begin at a multiple of eight.
    [(header.join(",").len() + 2).next_multiple_of(8), at]
}

/// What the crate writes for a small network is as long as this file says.
fn is_as_written() -> bool {
    let mut net = residual::models::resnet::<f32>(8, &Options::default());
    let mut file = TensorFile::default();
    Model::visit(&mut net, &mut |path, slot| {
        let array = match slot {
            Slot::Param(param) => Array::of(&param.value),
            Slot::Buffer(buffer) => Array::of(buffer),
            Slot::Count(count) => Array::count(*count),
            Slot::Generator(_) => return,
        };
        file.arrays.insert(path.to_string(), array);
    });
    file.to_bytes().len() == 8 + sizes(&entries(&mut net)).iter().sum::<usize>()
}

pub fn run(report: &mut Report) {
    report.claim("a file's length follows from names and shapes", is_as_written());
    let options = Options { classes: 1000, input_size: 224, init: false, ..Options::default() };
    let mut net: Sequential<f32> = ResNet::RESNET50.build(&options);
    let entries = entries(&mut net);
    let [header, numbers] = sizes(&entries);
    let total = 8 + header + numbers;
    let mut rows = Vec::new();
    for (kind, label) in KINDS.iter().enumerate() {
        let of_kind = || entries.iter().filter(|entry| entry.kind == kind);
        let mut bytes = of_kind().map(Entry::bytes).sum::<usize>();
        if kind == 5 {
            bytes += 8 + header;
        }
        rows.push(vec![
            label.to_string(),
            of_kind().count().to_string(),
            thousands(bytes as u64),
            format!("{:.2}", 100.0 * bytes as f64 / total as f64),
        ]);
    }
    rows.push(vec!["all".into(), entries.len().to_string(), thousands(total as u64), "100.00".into()]);
    report.part("contents", |report| report.table(&["", "tensors", "bytes", "%"], &rows));
    report.value("megabytes", format!("{:.0}", total as f64 / 1e6));
    report.value("tensors", entries.len());
    report.value("header-kilobytes", format!("{:.0}", header as f64 / 1e3));
    report.value("file-norm-tensors", &rows[4][1]);
    report.value("file-norm-percent", &rows[4][3]);
    report.claim("names and shapes are less than a thousandth of the file", header < total / 1000);
    report.figure("ch15-file", map(&entries, 8 + header, total));
}

/// The file as a thousand squares of a hundred thousand bytes, in its order.
fn map(entries: &[Entry], header: usize, total: usize) -> String {
    const EACH: usize = 100_000;
    const COLUMNS: usize = 40;
    const CELL: f64 = 14.0;
    let cells = total.div_ceil(EACH);
    // Of each square, how many bytes of each kind.
    let mut share = vec![[0usize; 6]; cells];
    let mut at = 0;
    for (kind, bytes) in [(5, header)].into_iter().chain(entries.iter().map(|e| (e.kind, e.bytes()))) {
        let end = at + bytes;
        while at < end {
            let next = end.min((at / EACH + 1) * EACH);
            share[at / EACH][kind] += next - at;
            at = next;
        }
    }
    let height = cells.div_ceil(COLUMNS) as f64 * CELL + 62.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 560 {height}\" role=\"img\" font-size=\"14\">\n\
         <title>A file of 102 megabytes as squares of a hundred kilobytes: nearly half are weights of 3x3 convolutions, nearly \
         half of 1x1, and eighty squares the last layer</title>\n"
    );
    for (i, share) in share.iter().enumerate() {
        let most = (0..6).max_by_key(|&kind| share[kind]).expect("six kinds");
        let (x, y) = ((i % COLUMNS) as f64 * CELL, (i / COLUMNS) as f64 * CELL);
        writeln!(
            svg,
            "<rect x=\"{:.0}\" y=\"{:.0}\" width=\"12\" height=\"12\" rx=\"2\" fill=\"{}\" fill-opacity=\"0.75\"/>",
            x + 1.0,
            y + 1.0,
            color(COLORS[most])
        )
        .expect("strings take every write");
    }
    let top = cells.div_ceil(COLUMNS) as f64 * CELL + 10.0;
    let places = [(0.0, 0.0), (70.0, 0.0), (140.0, 0.0), (210.0, 0.0), (270.0, 0.0), (385.0, 0.0)];
    for ((label, ink), (x, y)) in KINDS.iter().zip(COLORS).zip(places) {
        writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{:.0}\" width=\"12\" height=\"12\" rx=\"2\" fill=\"{}\" fill-opacity=\"0.75\"/>\n\
             <text x=\"{}\" y=\"{:.0}\" fill=\"var(--fg, #222)\">{label}</text>",
            top + y + 8.0,
            color(ink),
            x + 18.0,
            top + y + 19.0
        )
        .expect("strings take every write");
    }
    svg.push_str("</svg>\n");
    svg
}
