//! The house stays as ARCHITECTURE.md draws it: imports point down, and `unsafe` lives in `simd`.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// From the top down: a module may use those on the floors below it.
const FLOORS: &[&[&str]] = &[
    &["main"],
    &["cli"],
    &["train"],
    &["models", "data", "checkpoint", "gradcheck"],
    &["nn"],
    &["ops"],
    &["kernels"],
    &["tensor", "rng"],
    &["buffer"],
    &["real"],
    &["simd"],
    &["error", "suggest"],
];

/// Modules that share a floor and may still use each other, the first the second.
const BESIDE: &[(&str, &str)] = &[("checkpoint", "models"), ("gradcheck", "models")];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).expect("a folder of sources").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// Every file of `src` with its top-level module.
fn files() -> Vec<(String, PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rust = sources(&src).into_iter().filter(|path| path.extension().is_some_and(|e| e == "rs"));
    let all: Vec<_> = rust
        .map(|path| {
            let inside = path.strip_prefix(&src).expect("below src");
            let first = inside.iter().next().expect("a name").to_string_lossy();
            let module = first.trim_end_matches(".rs").to_string();
            let text = fs::read_to_string(&path).expect("readable");
            (module, path, text)
        })
        .collect();
    assert!(all.len() > 40, "the test sees the sources");
    all
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// The crate's own modules that a file names: after `crate::` or `residual::`, braces opened.
fn imports(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join("\n");
    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = Vec::new();
    for start in ["crate::", "residual::"] {
        for (at, _) in code.match_indices(start) {
            let rest = &code[at + start.len()..];
            let names = rest.strip_prefix('{').map_or_else(|| vec![first_name(rest)], names_in_braces);
            found.extend(names.into_iter().filter(|name| floor(name).is_some()));
        }
    }
    found
}

fn first_name(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first name of every item at the outer level of `a::b, c::{d, e}, f}`.
fn names_in_braces(text: &str) -> Vec<String> {
    let (mut depth, mut names, mut fresh) = (0, Vec::new(), true);
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            c if fresh && c.is_alphanumeric() => {
                names.push(first_name(&text[at..]));
                fresh = false;
            }
            _ => {}
        }
    }
    names
}

#[test]
fn imports_point_down() {
    let mut wrong = Vec::new();
    for (module, path, text) in files() {
        if module == "lib" {
            continue;
        }
        let here =
            floor(&module).unwrap_or_else(|| panic!("{module} has no floor: draw it in ARCHITECTURE.md"));
        for used in imports(&text) {
            let there = floor(&used).expect("imports names modules with floors");
            let beside = BESIDE.contains(&(module.as_str(), used.as_str()));
            if used != module && there <= here && !beside {
                wrong.push(format!("{}: {module} may not use {used}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_imports_reads() {
    let text = "use crate::{\n    nn::{Layer, ops},\n    real::Real,\n};\n// use crate::train;\nlet x = crate::simd::Isa;";
    assert_eq!(imports(text), ["nn", "real", "simd"]);
}

#[test]
fn unsafe_lives_in_simd() {
    for (module, path, text) in files() {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let uses = code.filter(|line| {
            line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe")
        });
        assert!(module == "simd" || uses.count() == 0, "unsafe outside simd: {}", path.display());
    }
}

#[test]
fn every_unsafe_has_its_safety_note() {
    for (_, path, text) in files().into_iter().filter(|(module, ..)| module == "simd") {
        let lines: Vec<_> = text.lines().collect();
        for (i, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("unsafe {")) {
            let noted = lines[i.saturating_sub(2)..i].iter().any(|above| above.contains("SAFETY"));
            assert!(noted, "{}:{}: {line} has no SAFETY note above it", path.display(), i + 1);
        }
    }
}

#[test]
fn threads_start_in_ops_and_data_only() {
    for (module, path, text) in files() {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let threads = code.contains("rayon::prelude")
            || code.contains("thread::spawn")
            || code.contains("thread::scope");
        assert!(!threads || ["ops", "data"].contains(&module.as_str()), "threads in {}", path.display());
    }
}
