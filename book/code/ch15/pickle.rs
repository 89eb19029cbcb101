//! A `.pth` file is a program.

use super::common::Report;
use flate2::Crc;
use residual::checkpoint::TensorFile;
use std::{fs, path::Path};

/// What PyTorch wrote for `torch.save(Linear(2, 1).state_dict(), path)`, and never changed since.
const FILE: &str = "tests/torch/golden/linear.pth";

/// Where the pickle is in the file. The archive has it as it is.
const START: usize = 0x40;
const LENGTH: usize = 311;

// ANCHOR: disassemble
/// The pickle's instructions, one a line, up to so many.
fn disassemble(mut code: &[u8], lines: usize) -> Vec<String> {
    let mut found = Vec::new();
    while found.len() < lines {
        let (opcode, rest) = code.split_first().expect("a pickle ends with STOP");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (line, length) = match opcode {
            0x80 => (format!("PROTO       {}", rest[0]), 1),
            b'c' => {
                let mut ends = (0..rest.len()).filter(|&i| rest[i] == b'\n');
                let (module, name) = (ends.next().expect("a line"), ends.next().expect("a line"));
                (format!("GLOBAL      {}.{}", text(&rest[..module]), text(&rest[module + 1..name])), name + 1)
            }
            b'X' => {
                let length = u32::from_le_bytes(*rest.first_chunk().expect("four bytes")) as usize;
                (format!("BINUNICODE  '{}'", text(&rest[4..4 + length])), 4 + length)
            }
            b'K' => (format!("BININT1     {}", rest[0]), 1),
            b'q' => (format!("BINPUT      {}", rest[0]), 1),
            b'h' => (format!("BINGET      {}", rest[0]), 1),
            b'(' => ("MARK".into(), 0),
            b')' => ("EMPTY_TUPLE".into(), 0),
            b't' => ("TUPLE".into(), 0),
            0x85 => ("TUPLE1".into(), 0),
            0x86 => ("TUPLE2".into(), 0),
            0x89 => ("NEWFALSE".into(), 0),
            b'Q' => ("BINPERSID".into(), 0),
            b'R' => ("REDUCE".into(), 0),
            other => panic!("instruction {other:#04x} is not among the first of a state dict"),
        };
        found.push(line);
        code = &rest[length..];
    }
    found
}
// ANCHOR_END: disassemble

// ANCHOR: tamper
/// The file with another function's name in its pickle, of the same length, and the checksum put right.
fn tampered(file: &[u8]) -> Vec<u8> {
    let replace = |bytes: &[u8], from: &[u8], to: &[u8]| {
        let mut changed = bytes.to_vec();
        for at in 0..=bytes.len() - from.len() {
            if bytes[at..].starts_with(from) {
                changed[at..at + to.len()].copy_from_slice(to);
            }
        }
        changed
    };
    let checksum = |file: &[u8]| {
        let mut crc = Crc::new();
        crc.update(&file[START..START + LENGTH]);
        crc.sum().to_le_bytes()
    };
    let changed = replace(file, b"collections\nOrderedDict", b"subprocess\ncheck_output");
    replace(&changed, &checksum(file), &checksum(&changed))
}
// ANCHOR_END: tamper

pub fn run(report: &mut Report) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let file = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    report.part("pickle", |report| {
        for line in disassemble(&file[START..START + LENGTH], 38) {
            report.line(line);
        }
    });
    report.value("pth-bytes", file.len());
    let kept = TensorFile::from_bytes(&path, &file).map(|file| file.arrays.len());
    report.claim("the crate reads both tensors of PyTorch's file", kept.is_ok_and(|kept| kept == 2));
    let refused = TensorFile::from_bytes("tampered.pth".as_ref(), &tampered(&file)).map(|_| ());
    let message = refused.map_or_else(|error| error.to_string(), |()| "nothing: it was read".into());
    report.claim(
        "a file that calls another function is refused by name",
        message.contains("subprocess.check_output"),
    );
    report.part("refused", |report| report.line(message));
}
