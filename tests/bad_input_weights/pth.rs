//! `.pth` files that lie, break or try to run something: an error, nothing run, little memory.

use crate::archive::{Claim, HONEST, Pickle, dict, file, floats, zip};
use proptest::prelude::*;
use residual::{
    Error,
    checkpoint::{Array, Numbers, TensorFile},
};
use std::{fs, path::Path};

fn read(bytes: &[u8]) -> Result<TensorFile, Error> {
    TensorFile::from_bytes(Path::new("w.pth"), bytes)
}

#[track_caller]
fn refused(bytes: &[u8], parts: &[&str]) {
    let error = read(bytes).expect_err("a file to be refused");
    let text = error.to_string();
    assert!(text.starts_with("w.pth: expected ") && text.contains("; ") && text.len() < 600, "{text}");
    for part in parts {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
}

fn golden(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torch/golden").join(name);
    fs::read(path).expect("a committed file")
}

/// What the other tests change is right to begin with.
#[test]
fn an_honest_file_is_read() {
    let file = read(&file(&dict(&HONEST), &floats())).expect("an honest file");
    let numbers = Numbers::F32((0..6).map(|i| i as f32).collect());
    assert_eq!(file.arrays["w"], Array { shape: vec![2, 3], numbers });
}

#[test]
fn nothing_is_run() {
    let trace = std::env::temp_dir().join(format!("residual-was-here-{}", std::process::id()));
    let command = format!("touch {}", trace.display());
    let system = Pickle::new().global("posix", "system").text(&command).raw(b"\x85R");
    refused(&file(&system, b""), &["the name `posix.system`", "nothing in it was run", "state_dict()"]);
    for (module, name) in [
        ("os", "system"),
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("torch", "load"),
        ("torch", "ComplexFloatStorage"),
        ("torch._utils", "_rebuild_tensor"),
        ("torch.nn.modules.linear", "Linear"),
        ("collections", "OrderedDict.fromkeys"),
        ("collections.OrderedDict", ""),
    ] {
        let wanted = format!("the name `{module}.{name}`");
        refused(&file(&Pickle::new().raw(b"}").text("w").global(module, name).raw(b"s"), b""), &[&wanted]);
    }
    assert!(!trace.exists());
}

#[test]
fn known_names_are_called_with_what_tensors_need() {
    let ordered = || Pickle::new().global("collections", "OrderedDict");
    refused(&file(&ordered().ints(&[1]).raw(b"R"), b""), &["a call of `OrderedDict` with other arguments"]);
    refused(&file(&ordered().raw(b"}R"), b""), &["a call with a dict for arguments"]);
    refused(&file(&Pickle::new().text("posix").raw(b")R"), b""), &["a call of a text"]);
    refused(&file(&Pickle::new().global("torch", "FloatStorage").raw(b")R"), b""), &["a storage's type"]);
    let rebuild = Pickle::new().global("torch._utils", "_rebuild_tensor_v2");
    refused(&file(&rebuild.ints(&[1, 2, 3, 4, 5, 6]).raw(b"R"), b""), &["a call of `_rebuild_tensor_v2`"]);
    let parameter = Pickle::new().global("torch._utils", "_rebuild_parameter");
    refused(&file(&parameter.ints(&[1]).raw(b"R"), b""), &["a call of `_rebuild_parameter`"]);
    refused(&file(&Pickle::new().raw(b")}b"), b""), &["BUILD, with a dict on a tuple"]);
    refused(
        &file(&Pickle::new().raw(b"}").text("__class__").raw(b"b"), b""),
        &["BUILD, with a text on a dict"],
    );
    refused(&file(&Pickle::new().raw(b"}b"), b""), &["BUILD, with a dict on nothing"]);
    refused(&file(&Pickle::new().text("tmp").raw(b"\x85Q"), b""), &["a persistent id that is no storage"]);
    refused(&file(&Pickle::new().text("tmp").raw(b"Q"), b""), &["a persistent id that is no tuple"]);
}

#[test]
fn other_instructions_are_refused_by_name() {
    for (code, name) in [
        (&b"(X\x01\0\0\0xios\nsystem\n"[..], "INST"),
        (b"(o", "OBJ"),
        (b"))\x81", "NEWOBJ"),
        (b")))\x92", "NEWOBJ_EX"),
        (b"\x82\x01", "EXT"),
        (b"\x93", "STACK_GLOBAL"),
        (b"\x95\0\0\0\0\0\0\0\0", "FRAME"),
        (b"\x94", "MEMOIZE"),
        (b"I01\n", "INT"),
        (b"P0\n", "PERSID"),
        (b")0", "POP"),
        (b"\xff", "0xff"),
    ] {
        refused(&file(&Pickle::new().raw(code), b""), &[&format!("the instruction {name} in its pickle")]);
    }
    refused(&zip(&[("x/data.pkl", b"\x80\x04N.")]), &["a pickle of protocol 4 instead of 2"]);
}

#[test]
fn broken_pickles_are_refused() {
    for code in [
        &b""[..],
        b"R",
        b")R",
        b"t",
        b"s",
        b"}s",
        b"}(Nu",
        b"}NNNs",
        b"(Ns",
        b"h\x07",
        b"q\x07",
        b"j\xff\xff\xff\xff",
        b"X\xff\xff\xff\xffx",
        b"X\x01\0\0\0\xff",
        b"\x8a\x09123456789",
        b"\x8a\xff",
        b"cposix",
        b"c\xff\n\xff\n",
        b"G",
        b"J123",
        b"]}a",
        b"}Na",
        b"N(N\x85u",
        b")(\x86e",
        b"}",
    ] {
        let pickle = Pickle::new().raw(code);
        // The last is whole, and no more than an empty dict; without its end, it is broken too.
        refused(&zip(&[("x/data.pkl", &pickle.0)]), &["in its pickle"]);
    }
    refused(&file(&Pickle::new().raw(b"N"), b""), &["found no dict"]);
    refused(
        &file(&Pickle::new().raw(b"}").text("epoch").int(3).raw(b"s"), b""),
        &["`epoch`, which is no tensor"],
    );
}

#[test]
fn tensors_stay_within_their_storages() {
    let max = i64::MAX;
    let reject = |claim: Claim, part: &str| refused(&file(&dict(&claim), &floats()), &["`w`: ", part]);
    reject(Claim { len: 7, ..HONEST }, "24 bytes for 7 numbers of type F32");
    reject(Claim { len: 5, ..HONEST }, "24 bytes for 5 numbers");
    reject(Claim { len: -1, ..HONEST }, "24 bytes for -1 numbers");
    reject(Claim { len: max, ..HONEST }, "numbers of type F32");
    reject(Claim { storage: "DoubleStorage", ..HONEST }, "24 bytes for 6 numbers of type F64");
    reject(Claim { offset: 1, ..HONEST }, "a shape [2, 3] that leaves its 6 numbers");
    reject(Claim { offset: max, ..HONEST }, "leaves its 6 numbers");
    reject(Claim { offset: -1, ..HONEST }, "no offset, shape and strides");
    reject(Claim { shape: &[3, 3], ..HONEST }, "leaves its 6 numbers");
    reject(Claim { shape: &[-2, 3], ..HONEST }, "no offset, shape and strides");
    reject(Claim { shape: &[6], ..HONEST }, "no offset, shape and strides");
    reject(Claim { strides: &[-3, 1], ..HONEST }, "no offset, shape and strides");
    reject(Claim { strides: &[4, 1], ..HONEST }, "leaves its 6 numbers");
    reject(Claim { shape: &[3, 3], strides: &[max, max], ..HONEST }, "leaves its 6 numbers");
    reject(Claim { shape: &[max, max], strides: &[max, max], ..HONEST }, "leaves its 6 numbers");
    reject(Claim { shape: &[max, max], strides: &[0, 0], ..HONEST }, "times as many numbers as the file has");
    reject(Claim { shape: &[1; 9], strides: &[1; 9], ..HONEST }, "at most 8 axes");
    reject(Claim { key: "1", ..HONEST }, "no entry `x/data/1`");
    reject(Claim { key: "../data.pkl", ..HONEST }, "no entry `x/data/../data.pkl`");
}

/// Batch norm's counts stay integers: as floats, they would be refused next.
#[test]
fn other_numbers_are_converted_to_what_is_read() {
    for (name, cast) in [("w", ".float()"), ("norm.num_batches_tracked", ".long()")] {
        let pickle = Pickle::new().raw(b"}").text(name).tensor(&Claim { storage: "IntStorage", ..HONEST });
        let found = format!("F32, F64 or I64, found `{name}` of type I32; ");
        refused(&file(&pickle.raw(b"s"), &floats()), &[&found, cast]);
    }
}

#[test]
fn nothing_is_left_out_of_the_weights() {
    let keyed = Pickle::new().raw(b"}").int(7).tensor(&HONEST).raw(b"s");
    refused(&file(&keyed, &floats()), &["an integer where the name of a tensor should be"]);
    let nested = Pickle::new().raw(b"}").text("state_dict").raw(&keyed.0[2..]).raw(b"s");
    refused(&file(&nested, &floats()), &["an integer where the name of a tensor should be"]);
}

/// Beside the weights, others keep configurations, optimisers and the same dict again; but of two different
/// dicts of tensors, nobody knows which is meant.
#[test]
fn one_dict_has_the_weights() {
    let weights = &dict(&HONEST).0[2..];
    let with = |name: &str, value: &[u8]| {
        let pickle = Pickle::new().raw(b"}").text("state_dict").raw(weights).raw(b"q\x07s");
        file(&pickle.text(name).raw(value).raw(b"s"), &floats())
    };
    let configuration = Pickle(b"}".into()).text("depth").int(18).raw(b"s").0;
    for (name, value) in [("model", &b"h\x07"[..]), ("model", &configuration[..]), ("optimizer", weights)] {
        assert_eq!(read(&with(name, value)).expect("weights").arrays.keys().collect::<Vec<_>>(), ["w"]);
    }
    refused(
        &with("model", weights),
        &["two of them, `state_dict` and `model`; ", "torch.save(torch.load(path)[name]"],
    );
}

#[test]
fn entries_that_overlap_are_refused() {
    let honest = file(&dict(&HONEST), &floats());
    let end = honest.len() - 22;
    let directory = u32::from_le_bytes(*honest[end + 16..].first_chunk().expect("four bytes")) as usize;
    let second = directory + 46 + "x/data.pkl".len();
    // The second record tells of what the first does: place, sizes and checksum are its.
    let mut overlapping = honest.clone();
    for field in [16..28, 42..46] {
        overlapping.copy_within(directory + field.start..directory + field.end, second + field.start);
    }
    refused(&overlapping, &["entries `x/data.pkl` and `x/data/0` that overlap"]);
    // The first runs on into the second, by a byte.
    let mut overlapping = honest.clone();
    let size = u32::from_le_bytes(*honest[directory + 20..].first_chunk().expect("four bytes")) + 1;
    overlapping[directory + 20..][..4].copy_from_slice(&size.to_le_bytes());
    overlapping[directory + 24..][..4].copy_from_slice(&size.to_le_bytes());
    refused(&overlapping, &["entries `x/data.pkl` and `x/data/0` that overlap"]);
}

/// Of every text in a file that can reach a message, a megabyte.
#[test]
fn long_names_make_no_long_messages() {
    let long = "\u{10ffff}".repeat(1 << 18);
    refused(&file(&Pickle::new().raw(b"}").text(&long).int(1).raw(b"s"), b""), &["…`, which is no tensor"]);
    refused(&file(&dict(&Claim { key: &long, ..HONEST }), &floats()), &["no entry `x/data/"]);
    refused(&file(&dict(&Claim { storage: "IntStorage", ..HONEST }), &floats()), &["`w` of type I32"]);
    refused(&file(&Pickle::new().global(&long, "x"), b""), &["the name `"]);
    // A name in an archive has at most 64 KB.
    let long = &long[..1 << 15];
    let pickle = [&dict(&Claim { key: long, ..HONEST }).0[..], b"."].concat();
    let name = format!("x/data/{long}");
    let mut damaged = zip(&[("x/data.pkl", &pickle), (&name, &floats())]);
    read(&damaged).expect("an honest file");
    let at = 30 + "x/data.pkl".len() + pickle.len() + 30 + name.len();
    damaged[at] ^= 1;
    refused(&damaged, &["that miss their checksum"]);
    refused(&zip(&[(long, b""), (long, b"")]), &["two entries `"]);
}

/// A tensor repeated along an axis without a stride, or a thousand tensors of the same numbers, take
/// memory that the file does not show.
#[test]
fn numbers_are_not_shared_without_end() {
    let repeated = Claim { shape: &[1 << 20, 6], strides: &[0, 1], ..HONEST };
    refused(&file(&dict(&repeated), &floats()), &["4 times as many numbers as the file has"]);
    let storage: Vec<u8> = vec![0; 1 << 16];
    let whole = Claim { len: 1 << 14, shape: &[1 << 14], strides: &[1], ..HONEST };
    let many =
        (0..100).fold(Pickle::new().raw(b"}("), |pickle, i| pickle.text(&i.to_string()).tensor(&whole));
    refused(&file(&many.raw(b"u"), &storage), &["4 times as many numbers as the file has"]);
}

/// Each of these is worth gigabytes in Python, or deep in a stack.
#[test]
fn values_are_not_made_without_end() {
    let doubling = (0..40u8).fold(Pickle::new().raw(b"Nq\0"), |pickle, _| pickle.raw(b"h\0h\0\x86q\0"));
    refused(&file(&doubling, b""), &["found no dict"]);
    let nested = Pickle::new().raw(b"N").raw(&b"\x85".repeat(500_000));
    refused(&file(&nested, b""), &["found no dict"]);
    for endless in [&b"N"[..], b"(", b"}", b")", b"h\0", b"q\0", b")\x85"] {
        let pickle = Pickle::new().raw(b"Nq\0").raw(&endless.repeat(1 << 20));
        refused(&file(&pickle, b""), &["more than 1048576 values in its pickle"]);
    }
}

#[test]
fn lying_archives_are_refused() {
    let honest = file(&dict(&HONEST), &floats());
    let end = honest.len() - 22;
    let directory = u32::from_le_bytes(*honest[end + 16..].first_chunk().expect("four bytes")) as usize;
    let with = |at: usize, bytes: &[u8]| {
        let mut lying = honest.clone();
        lying[at..][..bytes.len()].copy_from_slice(bytes);
        lying
    };
    let full = &[255; 4];
    refused(&with(end + 16, &[0, 0, 0, 0x7f]), &["no directory"]);
    refused(&with(end + 16, full), &["no directory"]);
    refused(&with(end + 12, &[0, 0, 0, 0x7f]), &["no directory"]);
    refused(&with(end + 12, &[1, 0, 0, 0]), &["a damaged directory"]);
    refused(&with(directory, b"XX"), &["a damaged directory"]);
    refused(&with(directory + 8, &[1]), &["`x/data.pkl` in it compressed or encrypted"]);
    refused(&with(directory + 10, &[8]), &["method 8", "as torch.save wrote it"]);
    refused(&with(directory + 16, &[1, 2, 3, 4]), &["bytes of `x/data.pkl` that miss their checksum"]);
    refused(&with(directory + 20, &[1, 0, 0, 0]), &["an entry `x/data.pkl`"]);
    refused(&with(directory + 24, full), &["a damaged directory"]);
    refused(&with(directory + 28, &[255, 255]), &["a damaged directory"]);
    refused(&with(directory + 42, &[255, 255, 255, 0x7f]), &["that ends past the file"]);
    refused(&with(directory + 42, &[7, 0, 0, 0]), &["an entry `x/data.pkl`"]);
    let mut both = with(directory + 20, &[0, 0, 0, 0x7f]);
    both[directory + 24..][..4].copy_from_slice(&[0, 0, 0, 0x7f]);
    refused(&both, &["that ends past the file"]);

    refused(&zip(&[]), &["a zip archive without data.pkl"]);
    refused(&zip(&[("word/document.xml", b"")]), &["a zip archive without data.pkl"]);
    refused(&zip(&[("a/b/data.pkl", b"")]), &["a zip archive without data.pkl"]);
    refused(&zip(&[("x/data.pkl", b"N."), ("x/data.pkl", b"N.")]), &["two entries `x/data.pkl`"]);
    let big = zip(&[("x/byteorder", b"big"), ("x/data.pkl", b"N.")]);
    refused(&big, &["numbers whose first byte is the largest"]);
}

/// PyTorch's archives end with 64-bit words; these make them lie.
#[test]
fn lying_zip64_words_are_refused() {
    let honest = golden("linear.pth");
    read(&honest).expect("a file of PyTorch");
    // Record, locator and end are the last 56 + 20 + 22 bytes; the end defers to the record if full.
    let end = honest.len() - 22;
    let mut deferring = honest.clone();
    deferring[end + 12..][..8].copy_from_slice(&[255; 8]);
    assert_eq!(read(&deferring).expect("zip64"), read(&honest).expect("zip"));
    for at in [end - 20, end - 20 + 8, end - 76, end - 76 + 40, end - 76 + 48] {
        for word in [u64::MAX, u64::MAX / 2, 1 << 32, honest.len() as u64] {
            let mut lying = deferring.clone();
            lying[at..][..8].copy_from_slice(&word.to_le_bytes());
            refused(&lying, &["zip archive"]);
        }
    }
}

#[test]
fn what_pytorch_writes_besides_state_dicts_is_called_so() {
    refused(&golden("linear_legacy.pth"), &["before PyTorch 1.6", "_use_new_zipfile_serialization=True"]);
    refused(&golden("linear_module.pth"), &["the name `torch.nn.modules.container.Sequential`"]);
}

#[test]
fn no_truncation_is_read_and_no_flipped_bit_is_worse_than_an_error() {
    let bytes = golden("linear.pth");
    for length in 0..bytes.len() {
        let error = read(&bytes[..length]).expect_err("a part of a file").to_string();
        assert!(error.starts_with("w.pth: expected "), "{error}");
    }
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            if let Ok(file) = read(&flipped) {
                assert!(file.to_bytes().len() <= 2 * bytes.len());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Behind a good checksum: the stack machine and the windows see all of it.
    #[test]
    fn no_pickle_is_worse_than_an_error(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut pickle = dict(&HONEST);
        for (at, byte) in changes {
            let at = at.index(pickle.0.len());
            pickle.0[at] = byte;
        }
        let bytes = file(&pickle, &floats());
        if let Ok(file) = read(&bytes) {
            prop_assert!(file.to_bytes().len() <= 4 * bytes.len() + 1000);
        }
    }

    /// Bytes of the instructions that are known, in any order.
    #[test]
    fn no_program_is_worse_than_an_error(code in prop::collection::vec(prop::sample::select(&b"N\x88]}()t\x85\x86\x87aesuq\0h\0K\x01GRbQ."[..]), 0..60)) {
        let _ = read(&file(&Pickle::new().raw(&code), &floats()));
    }
}
