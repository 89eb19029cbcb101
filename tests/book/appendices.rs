//! The introduction and the appendices follow from the chapters: the map, the record, where listings come
//! from, what is cited.

use super::{chapters, markdown::Page, markdown::between, out, pages, read, source};
use std::{collections::BTreeMap, fmt::Write, fs};

fn page(name: &str) -> Page {
    Page { name: name.into(), text: read(&source().join(name)) }
}

#[test]
fn the_introduction_leads_to_every_page() {
    let map = page("introduction.md").links();
    for page in pages().iter().filter(|page| page.name != "introduction.md") {
        assert!(map.contains(&page.name), "introduction.md, `The chapters`: no line leads to {}", page.name);
    }
}

/// Numbers of the introduction are those of one run of the program, kept in `out/ch00.txt`.
#[test]
fn the_introduction_quotes_its_record() {
    let record = read(&out("ch00.txt"));
    let marks = page("introduction.md").marks();
    assert!(!marks.is_empty());
    for (before, part) in marks {
        let said = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
        let printed = between(&record, &format!("ANCHOR: {part}\n"), "# ANCHOR_END");
        let printed = printed.first().unwrap_or_else(|| panic!("ch00.txt has no part {part}"));
        let mut words = printed.split(|c: char| c.is_whitespace() || "():".contains(c));
        let found = words.any(|word| word.trim_end_matches(',') == said);
        assert!(!said.is_empty() && found, "introduction.md: {said} is not in {part} of ch00.txt");
    }
}

/// From the repository's root, where an include of a page points.
fn path_of(include: &str) -> String {
    match (include.strip_prefix("../../"), include.strip_prefix("../")) {
        (Some(path), _) => path.into(),
        (None, Some(path)) => format!("book/{path}"),
        (None, None) => format!("book/src/{include}"),
    }
}

/// Each file that a page includes, with its parts, in the order of the page.
fn includes(page: &Page) -> Vec<(String, Vec<String>)> {
    let mut files: Vec<(String, Vec<String>)> = Vec::new();
    for include in between(&page.text, "{{#include ", "}}") {
        let (file, part) = include.split_once(':').unwrap_or((&include, ""));
        let path = path_of(file);
        let part = if part.is_empty() { "whole".into() } else { format!("`{part}`") };
        match files.iter_mut().find(|(known, _)| *known == path) {
            Some((_, parts)) => parts.push(part),
            None => files.push((path, vec![part])),
        }
    }
    files
}

/// `appendix-listings.md` as it follows from the pages.
fn listings() -> String {
    let mut text = String::from(
        "# Where the listings come from\n\nEvery piece of code, every printed table and every figure on the pages \
         is included from a file of the repository. Here is where each comes from. A part is what stands between \
         two comments in the file, `// ANCHOR: name` and `// ANCHOR_END: name`. This page is computed from the \
         others, and a test compares the two.\n\n## By chapter\n",
    );
    let mut by_file = BTreeMap::<_, BTreeMap<_, Vec<_>>>::new();
    for page in pages() {
        let files = includes(&page);
        if files.is_empty() {
            continue;
        }
        let title = page.text.lines().next().unwrap_or_default().trim_start_matches("# ");
        let _ = write!(text, "\n### {title}\n\n| file | parts |\n|---|---|\n");
        for (file, parts) in files {
            let _ = writeln!(text, "| `{file}` | {} |", parts.join(", "));
            if file.ends_with(".rs") {
                let number = title.split('.').next().unwrap_or_default();
                let link = format!("[{number}]({})", page.name);
                let known = by_file.entry(file).or_default();
                parts.into_iter().for_each(|part| known.entry(part).or_default().push(link.clone()));
            }
        }
    }
    text.push_str("\n## By file\n\n| file | part | chapters |\n|---|---|---|\n");
    for (file, parts) in by_file {
        for (part, mut links) in parts {
            links.dedup();
            let _ = writeln!(text, "| `{file}` | {part} | {} |", links.join(", "));
        }
    }
    text
}

const LISTINGS: &str = "appendix-listings.md";

#[test]
fn the_list_of_listings_is_complete() {
    let renew = "cargo test --test book -- --ignored renew_the_list_of_listings";
    assert!(page(LISTINGS).text == listings(), "{LISTINGS} is not what the pages include: {renew}");
}

#[test]
#[ignore = "writes book/src/appendix-listings.md"]
fn renew_the_list_of_listings() {
    fs::write(source().join(LISTINGS), listings()).expect("the page can be written");
}

/// The items of a list.
fn items(text: &str) -> Vec<&str> {
    text.split("\n- ").skip(1).collect()
}

/// The title of a reference, `*between stars*`: letters, digits and single spaces.
fn title(reference: &str) -> String {
    let title = reference.split('*').nth(1).unwrap_or_else(|| panic!("no *title* in {reference}"));
    let words = title.to_lowercase().replace(|c: char| !c.is_alphanumeric() && !c.is_whitespace(), "");
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Titles may be cut short in a chapter, where the bibliography has them whole.
fn is_of(reference: &str, entry: &str) -> bool {
    let year = between(entry, "(", ")").into_iter().find(|year| year.parse::<u16>().is_ok());
    let year = year.unwrap_or_else(|| panic!("no (year) in {entry}"));
    title(entry).starts_with(&title(reference)) && reference.contains(&year)
}

#[test]
fn every_reference_is_in_the_bibliography() {
    let bibliography = page("appendix-bibliography.md").text;
    let entries = items(&bibliography);
    for (_, page) in chapters() {
        let references = page.section("References").unwrap_or_default();
        let references = items(&references);
        for reference in &references {
            let known = entries.iter().find(|entry| is_of(reference, entry));
            let entry = known
                .unwrap_or_else(|| panic!("appendix-bibliography.md lacks, of {}: {reference}", page.name));
            let link = format!("]({}#references)", page.name);
            assert!(entry.contains(&link), "appendix-bibliography.md: {} cites too: {entry}", page.name);
        }
        for entry in entries.iter().filter(|entry| entry.contains(&format!("({}", page.name))) {
            let cited = references.iter().any(|reference| is_of(reference, entry));
            assert!(cited, "appendix-bibliography.md: {} does not cite {entry}", page.name);
        }
    }
}
