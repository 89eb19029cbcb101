//! As much of mdBook's Markdown as the checks need: code blocks, includes, links, headings' ids, marks.

use std::collections::{BTreeMap, HashMap};

/// A page of the book as its source has it.
pub struct Page {
    /// `ch03-gradients.md`
    pub name: String,
    pub text: String,
}

/// A fenced code block: the words after the fence, the lines inside.
pub struct Block {
    pub info: String,
    pub lines: Vec<String>,
}

impl Page {
    /// The fenced code blocks, and the prose without them.
    pub fn split(&self) -> (Vec<Block>, String) {
        let (mut blocks, mut prose) = (Vec::new(), String::new());
        let mut open: Option<Block> = None;
        for line in self.text.lines() {
            match (&mut open, line.trim_start().strip_prefix("```")) {
                (None, Some(info)) => open = Some(Block { info: info.trim().into(), lines: Vec::new() }),
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (Some(block), None) => block.lines.push(line.into()),
                (None, None) => {
                    prose.push_str(line);
                    prose.push('\n');
                }
            }
        }
        assert!(open.is_none(), "{}: a code block is not closed", self.name);
        (blocks, prose)
    }

    /// The targets of `[text](target)`, `![alt](target)`, `href="target"` and `src="target"`.
    pub fn links(&self) -> Vec<String> {
        let prose = without_code_spans(&self.split().1);
        let mut links = between(&prose, "](", ")");
        links.extend(between(&prose, "href=\"", "\""));
        links.extend(between(&prose, "src=\"", "\""));
        // [text](target "title")
        links.iter().map(|link| link.split(' ').next().unwrap_or_default().to_string()).collect()
    }

    /// What `#fragment` may name: headings under mdBook's rule, and explicit `id="…"`.
    pub fn ids(&self) -> Vec<String> {
        let prose = self.split().1;
        let mut ids = between(&prose, "id=\"", "\"");
        let mut seen: HashMap<String, usize> = HashMap::new();
        for heading in prose.lines().filter(|line| is_heading(line)) {
            let id = id_of(heading.trim_start_matches('#'));
            let before = seen.entry(id.clone()).or_default();
            ids.push(if *before == 0 { id } else { format!("{id}-{before}") });
            *before += 1;
        }
        ids
    }

    /// The prose under the heading `## title`, or nothing.
    pub fn section(&self, title: &str) -> Option<String> {
        let start = self.text.find(&format!("\n## {title}\n"))?;
        let rest = &self.text[start + 4..];
        Some(rest[..rest.find("\n## ").unwrap_or(rest.len())].into())
    }

    /// Every `12.5<!-- name -->`: what stands before the mark, and the name.
    pub fn marks(&self) -> Vec<(String, String)> {
        let mut marks = Vec::new();
        let mut rest = 0;
        while let Some(start) = self.text[rest..].find("<!--").map(|at| rest + at) {
            let end = start + self.text[start..].find("-->").expect("comments are closed");
            let line = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
            marks.push((self.text[line..start].into(), self.text[start + 4..end].trim().into()));
            rest = end;
        }
        marks
    }

    /// The text with the numbers of `values` before their marks. What is no number stays.
    pub fn renewed(&self, values: &BTreeMap<String, String>) -> String {
        let mut text = String::new();
        let mut rest = self.text.as_str();
        while let Some((before, behind)) = rest.split_once("<!--") {
            let name = behind.split("-->").next().unwrap_or_default().trim();
            let said = before.trim_end_matches(['`', '$', '*']);
            let old = number_at_end(said);
            let new = values.get(name).map(|value| value.trim_start_matches(['≈', '~']));
            let new = new.filter(|new| !old.is_empty() && number_at_end(new) == *new).unwrap_or(old);
            text.extend([&said[..said.len() - old.len()], new, &before[said.len()..], "<!--"]);
            rest = behind;
        }
        text + rest
    }

    /// The code spans of the prose.
    pub fn code_spans(&self) -> Vec<String> {
        let prose = self.split().1;
        prose.split('`').skip(1).step_by(2).map(String::from).collect()
    }
}

/// `-1,234.5`, or `3\times10^{-7}`, at the end of `text`.
fn number_at_end(text: &str) -> &str {
    let power = text.ends_with('}').then(|| text.rfind("\\times10^{")).flatten();
    let head = &text[..power.unwrap_or(text.len())];
    let start = head.trim_end_matches(|c: char| c.is_ascii_digit() || c == ',' || c == '.').len();
    let digits = &head[start..];
    let start = start + digits.len() - digits.trim_start_matches([',', '.']).len();
    let is_negative = head[..start].ends_with('-') && !head[..start - 1].ends_with(char::is_alphanumeric);
    if start == head.len() { "" } else { &text[start - usize::from(is_negative)..] }
}

fn is_heading(line: &str) -> bool {
    line.trim_start_matches('#').starts_with(' ') && line.starts_with('#')
}

/// The id that mdBook 0.5 gives to a heading of this text.
fn id_of(heading: &str) -> String {
    let plain = heading.trim().to_lowercase();
    plain
        .chars()
        .filter_map(|c| match c {
            c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c),
            c if c.is_whitespace() => Some('-'),
            _ => None,
        })
        .collect()
}

fn without_code_spans(prose: &str) -> String {
    prose.split('`').step_by(2).collect::<Vec<_>>().join(" ")
}

/// Every text between `open` and the next `close` after it.
pub fn between(text: &str, open: &str, close: &str) -> Vec<String> {
    text.split(open)
        .skip(1)
        .filter_map(|rest| rest.split_once(close))
        .map(|(inside, _)| inside.into())
        .collect()
}

#[test]
fn ids_are_those_of_mdbook() {
    let text = "# 3. Trust, but *check* `f64`!\n## a_b – c\n## Same\n## Same\n```text\n# no heading\n```\n";
    let page = Page { name: "x.md".into(), text: text.into() };
    assert_eq!(page.ids(), ["3-trust-but-check-f64", "a_b--c", "same", "same-1"]);
}

#[test]
fn a_page_gives_up_its_links_and_marks() {
    let text =
        "See [a](b.md#c), `[not](this)`, <img src=\"d.svg\">.\n12<!-- dozen --> and $`3`$<!-- three -->\n";
    let page = Page { name: "x.md".into(), text: text.into() };
    assert_eq!(page.links(), ["b.md#c", "d.svg"]);
    let names: Vec<_> = page.marks().into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["dozen", "three"]);
}

#[test]
fn numbers_are_renewed_and_words_are_not() {
    let text =
        "from -1,234.5<!-- a --> to $`3\\times10^{-7}`$<!-- b -->, as one<!-- c --> says (2<!-- d -->)\n";
    let page = Page { name: "x.md".into(), text: text.into() };
    let values = [("a", "-7"), ("b", "≈2\\times10^{4}"), ("c", "5"), ("d", "16")];
    let values = values.map(|(name, value)| (name.into(), value.into())).into();
    let expected =
        "from -7<!-- a --> to $`2\\times10^{4}`$<!-- b -->, as one<!-- c --> says (16<!-- d -->)\n";
    assert_eq!(page.renewed(&values), expected);
}
