//! mdBook's preprocessor for mathematics: GitHub's own syntax, inline `` $`x_i`$ `` and blocks fenced as
//! ```` ```math ````, becomes KaTeX's HTML while the book is built. No script runs in the reader's
//! browser and nothing is fetched. A mistake in the TeX stops the build.

use katex::{KatexContext, Settings, render_to_string};
use mdbook_preprocessor::{
    book::BookItem,
    errors::{Error, Result},
    parse_input,
};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use std::{io, ops::Range, process::ExitCode};

fn main() -> ExitCode {
    // `book-math supports RENDERER` asks whether the output can hold HTML.
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("supports") {
        return if arguments.next().as_deref() == Some("html") { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    match preprocess() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn preprocess() -> Result<()> {
    let (_, mut book) = parse_input(io::stdin())?;
    let context = KatexContext::default();
    let mut outcome = Ok(());
    book.for_each_mut(|item| {
        if let (BookItem::Chapter(chapter), Ok(())) = (item, &outcome) {
            match typeset(&chapter.content, &context) {
                Ok(content) => chapter.content = content,
                Err(error) => {
                    let path = chapter.path.clone().unwrap_or_default();
                    outcome = Err(Error::msg(format!("{}: {error}", path.display())));
                }
            }
        }
    });
    outcome?;
    serde_json::to_writer(io::stdout(), &book)?;
    Ok(())
}

/// `markdown` with every formula replaced by its HTML.
fn typeset(markdown: &str, context: &KatexContext) -> std::result::Result<String, String> {
    let mut page = String::with_capacity(2 * markdown.len());
    let mut done = 0;
    for (range, tex, display) in formulas(markdown) {
        page.push_str(&markdown[done..range.start]);
        let html = render(&tex, display, context)?;
        page.push_str(&if display { format!("<div class=\"math\">{html}</div>\n") } else { html });
        done = range.end;
    }
    page.push_str(&markdown[done..]);
    Ok(page)
}

/// Where each formula stands, its TeX, and whether it is a block.
fn formulas(markdown: &str) -> Vec<(Range<usize>, String, bool)> {
    let mut found = Vec::new();
    let mut block: Option<(Range<usize>, String)> = None;
    for (event, range) in Parser::new_ext(markdown, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) if &*info == "math" => {
                block = Some((range, String::new()));
            }
            Event::Text(line) => {
                if let Some((_, tex)) = &mut block {
                    tex.push_str(&line);
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                found.extend(block.take().map(|(range, tex)| (range, tex, true)));
            }
            Event::Code(tex) => {
                let (before, after) = (&markdown[..range.start], &markdown[range.end..]);
                if before.ends_with('$') && after.starts_with('$') {
                    found.push((range.start - 1..range.end + 1, tex.into_string(), false));
                }
            }
            _ => {}
        }
    }
    found
}

fn render(tex: &str, display: bool, context: &KatexContext) -> std::result::Result<String, String> {
    let settings = Settings { display_mode: display, throw_on_error: true, ..Settings::default() };
    let html = render_to_string(context, tex.trim(), &settings)
        .map_err(|error| format!("cannot typeset `{}`: {error}", tex.trim()))?;
    Ok(html.chars().map(quoted).collect())
}

/// What Markdown would read as its own becomes a character reference; line ends become spaces,
/// since a blank line would end the HTML block.
fn quoted(c: char) -> String {
    match c {
        '*' | '_' | '[' | ']' | '\\' | '~' | '$' | '!' | '|' | '`' => format!("&#{};", u32::from(c)),
        '\n' => " ".into(),
        _ => c.into(),
    }
}
