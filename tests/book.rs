//! The book keeps its promises: what it includes exists, what it prints is what its programs print
//! now, what it claims holds, and its links lead somewhere.
#[path = "book/appendices.rs"]
mod appendices;
#[path = "book/compare.rs"]
mod compare;
#[path = "book/markdown.rs"]
mod markdown;
#[path = "book/networks.rs"]
mod networks;

use markdown::{Page, between};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap},
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Each chapter's program, and a test of it.
macro_rules! chapters {
    ($($test:ident $program:literal)*) => {
        $(
            #[test]
            fn $test() {
                check_outputs($program, &run($program, &["--quick"]));
            }
        )*

        /// The same in the size that the book shows, which takes up to a minute for each chapter.
        #[test]
        #[ignore = "takes minutes"]
        fn standard_budgets() {
            $(compare_with_committed($program, "", &run($program, &[]));)*
        }

        const PROGRAMS: &[&str] = &[$($program),*];
    };
}

chapters! {
    ch01_keeps_its_word "ch01_convolution"
    ch02_keeps_its_word "ch02_backpropagation"
    ch03_keeps_its_word "ch03_gradients"
    ch04_keeps_its_word "ch04_vanishing"
    ch05_keeps_its_word "ch05_lenet"
    ch06_keeps_its_word "ch06_alexnet"
    ch07_keeps_its_word "ch07_vgg"
    ch08_keeps_its_word "ch08_googlenet"
    ch09_keeps_its_word "ch09_batch_norm"
    ch10_keeps_its_word "ch10_degradation"
    ch11_keeps_its_word "ch11_bottlenecks"
    ch12_keeps_its_word "ch12_cardinality"
    ch13_keeps_its_word "ch13_fast"
    ch14_keeps_its_word "ch14_recipe"
    ch15_keeps_its_word "ch15_weights"
    ch16_keeps_its_word "ch16_beyond"
}

/// What a chapter's program reports as JSON.
#[derive(Deserialize)]
struct Outputs {
    text: String,
    values: Vec<(String, String)>,
    figures: Vec<(String, String)>,
    claims: Vec<(String, bool)>,
}

/// Runs a chapter's program, built as this test was. `cargo test` has built it by now; `cargo test --test book` has not.
fn run(program: &str, budget: &[&str]) -> Outputs {
    let test = env::current_exe().expect("this test is a file");
    let profile = test.ancestors().nth(2).and_then(Path::file_name).expect("target/PROFILE/deps/TEST");
    let profile = if profile == "debug" { "dev".as_ref() } else { profile };
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root()).args(["run", "--quiet", "--example", program, "--profile"]).arg(profile);
    let output =
        cargo.args(["--", "--json"]).args(budget).stderr(Stdio::inherit()).output().expect("cargo runs");
    let outputs: Outputs = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{program}, {}: {error}", output.status));
    let all_hold = outputs.claims.iter().all(|(_, holds)| *holds);
    assert_eq!(output.status.success(), all_hold, "{program} fails where a claim does, and nowhere else");
    outputs
}

/// The quick run against its committed text, which is the standard one where the two do not differ.
fn check_outputs(program: &str, quick: &Outputs) {
    let has_its_own = out(&format!("{}.quick.txt", &program[..4])).exists();
    compare_with_committed(program, if has_its_own { ".quick" } else { "" }, quick);
}

fn compare_with_committed(program: &str, kind: &str, now: &Outputs) {
    let chapter = &program[..4];
    let renew = format!("if it should: cargo run --release --example {program} -- --write");
    for (claim, holds) in &now.claims {
        assert!(holds, "{chapter} claims, and it does not hold: {claim}");
    }
    assert!(!now.claims.is_empty(), "{chapter} claims nothing");
    let file = format!("{chapter}{kind}.txt");
    if let Err(difference) = compare::text(&read(&out(&file)), &now.text) {
        panic!("book/src/out/{file}: {difference}; {}", renew);
    }
    let committed = values(&format!("{chapter}{kind}.json"));
    let names: Vec<_> = now.values.iter().map(|(name, _)| name).collect();
    assert_eq!(committed.len(), names.len(), "{chapter}{kind}.json does not hold the values {names:?}");
    for (name, value) in &now.values {
        let old = committed.get(name).unwrap_or_else(|| panic!("{chapter}{kind}.json has no {name}"));
        if let Err(difference) = compare::text(old, value) {
            panic!("{chapter}{kind}.json, {name}: {difference}; {}", renew);
        }
    }
    for (figure, svg) in now.figures.iter().filter(|_| kind.is_empty()) {
        if let Err(difference) = compare::drawing(&read(&out(&format!("{figure}.svg"))), svg) {
            panic!("book/src/out/{figure}.svg: {difference}; {}", renew);
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn source() -> PathBuf {
    root().join("book/src")
}

fn out(file: &str) -> PathBuf {
    source().join("out").join(file)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn values(json: &str) -> BTreeMap<String, String> {
    serde_json::from_str(&read(&out(json))).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn program_of(chapter: &str) -> &'static str {
    let program = PROGRAMS.iter().find(|program| program.starts_with(chapter));
    program.unwrap_or_else(|| panic!("{chapter} has no program in tests/book.rs"))
}

/// Every page that SUMMARY.md names.
fn pages() -> Vec<Page> {
    let summary = read(&source().join("SUMMARY.md"));
    let pages: Vec<_> = between(&summary, "](", ")")
        .into_iter()
        .map(|name| Page { text: read(&source().join(&name)), name })
        .collect();
    assert!(!pages.is_empty());
    pages
}

/// The pages with experiments, each with its name `chNN`.
fn chapters() -> Vec<(String, Page)> {
    let chapters = pages().into_iter().filter(|page| page.name.starts_with("ch"));
    chapters.map(|page| (page.name[..4].to_string(), page)).collect()
}

#[test]
fn every_page_is_in_the_summary() {
    let named: Vec<_> = pages().into_iter().map(|page| page.name).collect();
    for entry in fs::read_dir(source()).expect("book/src can be read") {
        let name = entry.expect("book/src can be read").file_name().to_string_lossy().into_owned();
        let is_page = name.ends_with(".md") && name != "SUMMARY.md";
        assert!(!is_page || named.contains(&name), "SUMMARY.md does not name {name}");
    }
}

#[test]
fn every_chapter_is_run_by_everything() {
    let registries = ["Cargo.toml", "tests/exercises.rs", "src/lib.rs"].map(|file| read(&root().join(file)));
    let [cargo, exercises, library] = registries;
    for page in pages() {
        let doctest = format!("include_str!(\"../book/src/{}\")", page.name);
        assert!(library.contains(&doctest), "src/lib.rs does not run the code of {}", page.name);
    }
    for (chapter, _) in chapters() {
        let program = program_of(&chapter);
        let path = format!("path = \"book/code/{program}.rs\"");
        assert!(cargo.contains(&path), "Cargo.toml has no [[example]] for {program}");
        for folder in ["exercises", "solutions"] {
            let path = format!("\"../book/{folder}/{chapter}.rs\"");
            assert!(exercises.contains(&path), "tests/exercises.rs has no {path}");
        }
    }
}

#[test]
fn every_include_finds_its_text() {
    for page in pages() {
        let directives = page.text.matches("{{#").count();
        let includes = between(&page.text, "{{#include ", "}}");
        assert_eq!(directives, includes.len(), "{}: only {{{{#include}}}} is used", page.name);
        for include in includes {
            let (file, anchor) = include.split_once(':').unwrap_or((&include, ""));
            let text = read(&source().join(file));
            let mark = |mark: &str| {
                let found = |line: &&str| line.ends_with(&format!(" {mark}: {anchor}"));
                assert_eq!(
                    text.lines().filter(found).count(),
                    1,
                    "{}: {file} has no one `{mark}: {anchor}`",
                    page.name
                );
                text.lines().position(|line| found(&line)).expect("one line")
            };
            if !anchor.is_empty() {
                assert!(mark("ANCHOR") + 1 < mark("ANCHOR_END"), "{}: {include} is empty", page.name);
            }
        }
    }
}

/// A block that the reader sees is either compiled as a doctest or included from what is compiled.
#[test]
fn no_code_escapes_the_compiler() {
    for page in pages() {
        for block in page.split().0 {
            let is_include = |line: &String| line.starts_with("{{#include ") && line.ends_with("}}");
            let context = format!("{}: ```{}: {:?}", page.name, block.info, block.lines.first());
            if block.info.contains("ignore") {
                assert!(block.lines.iter().all(is_include), "{context}: holds more than includes");
            } else if block.info.is_empty() || block.info.starts_with("rust") {
                let included = block.lines.iter().any(is_include);
                assert!(
                    !included,
                    "{context}: an include is `rust,ignore`: what it includes is compiled elsewhere"
                );
                assert!(!block.info.contains("no_run"), "{context}: code in the book runs");
            }
        }
    }
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let ids: HashMap<_, _> = pages.iter().map(|page| (page.name.clone(), page.ids())).collect();
    for page in &pages {
        for link in page.links().iter().filter(|link| !link.contains("://")) {
            let (file, fragment) = link.split_once('#').unwrap_or((link, ""));
            let file = if file.is_empty() { &page.name } else { file };
            assert!(source().join(file).exists(), "{}: the link {link} finds no {file}", page.name);
            let lands =
                fragment.is_empty() || ids.get(file).is_some_and(|ids| ids.iter().any(|id| id == fragment));
            assert!(lands, "{}: the link {link} finds no #{fragment}", page.name);
        }
        for path in page.code_spans().iter().filter(|span| is_path(span)) {
            assert!(root().join(path).exists(), "{}: there is no {path}", page.name);
        }
    }
}

/// A file or folder of the repository, named in the prose.
fn is_path(span: &str) -> bool {
    ["src/", "tests/", "book/", "datasets/", "benches/"].iter().any(|root| span.starts_with(root))
        && !span.contains([' ', '<', '*', 'N'])
}

#[test]
fn every_figure_can_be_seen_and_heard() {
    for page in pages() {
        for file in between(&page.text, "{{#include out/", "}}").iter().filter(|file| file.ends_with(".svg"))
        {
            let svg = read(&out(file));
            let has = |part: &str| assert!(svg.contains(part), "{}: {file} has no {part}", page.name);
            ["role=\"img\"", "<title>", "viewBox=", "var(--fg"].into_iter().for_each(has);
            assert!(
                svg.starts_with("<svg") && svg.lines().all(|line| !line.trim().is_empty()),
                "{file}: a blank line"
            );
        }
    }
}

/// Prose quotes a number as `0.125<!-- name -->`, and the program calls the same number `name`.
#[test]
fn every_number_is_the_programs() {
    for (chapter, page) in chapters() {
        let values = values(&format!("{chapter}.json"));
        let marks = page.marks();
        for (before, name) in &marks {
            let value =
                values.get(name).unwrap_or_else(|| panic!("{}: the program has no {name}", page.name));
            let said = before.trim_end_matches(['`', '$', '*']);
            let said_before = said.strip_suffix(value.trim_start_matches(['≈', '~']));
            let whole =
                said_before.is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric() || c == '.'));
            assert!(whole, "{}: {name} is {value}, and the prose says: {before}", page.name);
        }
        for name in values.keys() {
            assert!(marks.iter().any(|(_, mark)| mark == name), "{}: nothing says {name}", page.name);
        }
        let seen = page.section("What you saw").unwrap_or_else(|| panic!("{}: no `What you saw`", page.name));
        for item in seen.split("\n- ").skip(1) {
            assert!(item.contains("<!--"), "{}: seen, but not measured: {item}", page.name);
        }
        for title in ["Exercises", "References"] {
            assert!(page.section(title).is_some(), "{}: no section `{title}`", page.name);
        }
    }
}

#[test]
#[ignore = "writes what the programs say into the chapters' sentences"]
fn renew_the_numbers() {
    for (chapter, page) in chapters() {
        let renewed = page.renewed(&values(&format!("{chapter}.json")));
        fs::write(source().join(&page.name), renewed).expect("the page can be written");
    }
}
