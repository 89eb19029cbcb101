//! The house stays as ARCHITECTURE.md draws it: imports point down, and `unsafe` lives in `simd`.

use std::{
    collections::BTreeMap,
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
    &["real"],
    &["kernels"],
    &["tensor", "rng"],
    &["buffer"],
    &["number"],
    &["simd"],
    &["error", "suggest"],
];

/// Modules that share a floor and may still use each other, the first the second.
const BESIDE: &[(&str, &str)] = &[("checkpoint", "models"), ("gradcheck", "models")];

/// A file of `src` that is part of the library or the program.
struct Source {
    path: PathBuf,
    /// The top-level module.
    module: String,
    /// How many modules down from the crate's root: 1 for a top-level module.
    depth: usize,
    text: String,
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).expect("a folder of sources").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// Every file of `src`, but those that hold tests alone.
fn files() -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rust = sources(&src).into_iter().filter(|path| path.extension().is_some_and(|e| e == "rs"));
    let mut all: Vec<_> = rust.map(|path| source(&src, path)).collect();
    let tests: Vec<_> = all.iter().flat_map(|file| test_modules(&file.path, &file.text)).collect();
    all.retain(|file| !tests.contains(&file.path));
    assert!(all.len() > 40, "the test sees the sources");
    all
}

fn source(src: &Path, path: PathBuf) -> Source {
    let inside = path.strip_prefix(src).expect("below src").with_extension("");
    let names: Vec<_> = inside.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    let depth = names.len() - usize::from(names.ends_with(&["mod".into()]));
    let text = fs::read_to_string(&path).expect("readable");
    Source { module: names[0].clone(), depth, text, path }
}

/// The files that this file declares for tests alone.
fn test_modules(path: &Path, text: &str) -> Vec<PathBuf> {
    let home = path.parent().expect("a folder");
    let stem = path.file_stem().expect("a name");
    let home = if stem == "mod" || stem == "lib" { home.to_path_buf() } else { home.join(stem) };
    let declared = text.split("#[cfg(test)]\nmod ").skip(1).filter_map(|rest| {
        let name = first_name(rest);
        rest[name.len()..].starts_with(';').then_some(name)
    });
    declared.map(|name| home.join(name).with_extension("rs")).collect()
}

/// Without comments, and without the tests at the end.
fn code(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>();
    let end = lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1].ends_with('{'));
    lines[..end.unwrap_or(lines.len())].join("\n")
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// What `lib.rs` shows at the root, `Tensor` say, with the module that it comes from.
fn exports(lib: &str) -> BTreeMap<String, String> {
    let uses = lib.lines().filter_map(|line| line.strip_prefix("pub use ")?.strip_suffix(';'));
    let uses = uses.filter_map(|path| path.split_once("::"));
    uses.flat_map(|(module, names)| {
        let names = names.trim_matches(['{', '}']).split(", ").map(String::from);
        names.map(|name| (name, module.to_string())).collect::<Vec<_>>()
    })
    .collect()
}

/// How a file of this module, `depth` modules down, may begin a path from the library's root.
fn roots(module: &str, depth: usize) -> Vec<String> {
    let outside = ["main", "cli"].contains(&module).then(|| "residual::".into());
    ["crate::".into(), "super::".repeat(depth)].into_iter().chain(outside).collect()
}

/// What a file names at the library's root, braces opened.
fn imports(text: &str, roots: &[String]) -> Vec<String> {
    let code = code(text);
    let mut found = Vec::new();
    for start in roots {
        for (at, _) in code.match_indices(start.as_str()) {
            if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let rest = &code[at + start.len()..];
            found.extend(rest.strip_prefix('{').map_or_else(|| vec![first_name(rest)], names_in_braces));
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
    let files = files();
    let lib = files.iter().find(|file| file.module == "lib").expect("lib.rs");
    let exports = exports(&lib.text);
    let mut wrong = Vec::new();
    for Source { path, module, depth, text } in files.iter().filter(|file| file.module != "lib") {
        let here =
            floor(module).unwrap_or_else(|| panic!("{module} has no floor: draw it in ARCHITECTURE.md"));
        for name in imports(text, &roots(module, *depth)) {
            let used = exports.get(&name).unwrap_or(&name).as_str();
            let beside = BESIDE.contains(&(module, used));
            match floor(used) {
                Some(there) if used == module || there > here || beside => {}
                Some(_) => wrong.push(format!("{}: {module} may not use {used}", path.display())),
                None => wrong.push(format!("{}: no floor has `{name}`", path.display())),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_imports_reads() {
    let text = "use crate::{\n    nn::{Layer, ops},\n    real::Real,\n    Tensor,\n};\n// use crate::train;\n\
                let x = crate::simd::Isa;\nlet y = super::super::data::load;\nuse super::near;\n\
                use nn::residual::Block;\n#[cfg(test)]\nmod far;\nuse residual::Error;\n\
                #[cfg(test)]\nmod tests {\n    use crate::cli;\n}";
    assert_eq!(imports(text, &roots("ops", 2)), ["nn", "real", "Tensor", "simd", "data"]);
    assert_eq!(imports("use super::{ops, Shape};", &roots("nn", 1)), ["ops", "Shape"]);
    assert_eq!(imports(text, &roots("cli", 3)), ["nn", "real", "Tensor", "simd", "Error"]);
    assert_eq!(test_modules(Path::new("src/a/mod.rs"), text), [Path::new("src/a/far.rs")]);
    assert_eq!(test_modules(Path::new("src/a/b.rs"), text), [Path::new("src/a/b/far.rs")]);
    let exports = exports("pub use error::Error;\npub use tensor::{Shape, Tensor};\npub mod nn;");
    let shown = exports.iter().map(|(name, module)| (name.as_str(), module.as_str())).collect::<Vec<_>>();
    assert_eq!(shown, [("Error", "error"), ("Shape", "tensor"), ("Tensor", "tensor")]);
}

#[test]
fn unsafe_lives_in_simd() {
    for Source { module, path, text, .. } in files() {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let uses = code.filter(|line| {
            line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe")
        });
        assert!(module == "simd" || uses.count() == 0, "unsafe outside simd: {}", path.display());
    }
}

#[test]
fn every_unsafe_has_its_safety_note() {
    for Source { path, text, .. } in files().into_iter().filter(|file| file.module == "simd") {
        let lines: Vec<_> = text.lines().collect();
        for (i, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("unsafe {")) {
            let noted = lines[i.saturating_sub(2)..i].iter().any(|above| above.contains("SAFETY"));
            assert!(noted, "{}:{}: {line} has no SAFETY note above it", path.display(), i + 1);
        }
    }
}

#[test]
fn threads_start_in_ops_and_data_only() {
    for Source { module, path, text, .. } in files() {
        let code = code(&text);
        let threads = code.contains("rayon::prelude")
            || code.contains("thread::spawn")
            || code.contains("thread::scope");
        assert!(!threads || ["ops", "data"].contains(&module.as_str()), "threads in {}", path.display());
    }
}
