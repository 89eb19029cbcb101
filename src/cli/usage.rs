//! A wrong command line, said in one line.
//!
//! The parser explains itself in paragraphs. This folds them into the form of every other error:
//! the flag, what it takes, what it was given, what to do.

use super::{Cli, args::Wanted};
use clap::{
    CommandFactory,
    error::{ContextKind, ContextValue, ErrorKind},
};
use residual::Error;
use std::error::Error as _;

/// The parser's error as one of ours.
pub fn fold(error: &clap::Error) -> Error {
    let flag = first_word(&get(error, ContextKind::InvalidArg));
    let value = get(error, ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let given = get(error, ContextKind::InvalidSubcommand);
            let known: Vec<_> = Cli::command().get_subcommands().map(|c| c.get_name().to_owned()).collect();
            let expected = format!("one of {}", known.join(", "));
            argument("command", &expected, &quoted(&given), hint(error, ContextKind::SuggestedSubcommand))
        }
        ErrorKind::UnknownArgument if flag.starts_with('-') => argument(
            &flag,
            "a flag of this command",
            "an unknown one",
            hint(error, ContextKind::SuggestedArg),
        ),
        ErrorKind::UnknownArgument => argument("command line", "nothing more", &quoted(&flag), manual()),
        ErrorKind::InvalidValue if value.is_empty() => {
            argument(&flag, "a value", "none", format!("write {}", get(error, ContextKind::InvalidArg)))
        }
        ErrorKind::InvalidValue => {
            let known = get(error, ContextKind::ValidValue);
            let expected = format!("one of {known}");
            argument(&flag, &expected, &quoted(&value), hint(error, ContextKind::SuggestedValue))
        }
        ErrorKind::ValueValidation => match error.source().and_then(|source| source.downcast_ref::<Wanted>())
        {
            Some(wanted) => {
                argument(&flag, wanted.what, &quoted(&value), format!("try {flag} {}", wanted.example))
            }
            None => argument(&flag, "a valid value", &quoted(&value), manual()),
        },
        ErrorKind::MissingRequiredArgument => argument(&flag, "a value", "none", manual()),
        ErrorKind::ArgumentConflict => {
            let found = match error.get(ContextKind::PriorArg) {
                Some(ContextValue::String(other)) => format!("it beside {}", first_word(other)),
                // The parser lists all that would conflict, not what was given.
                Some(_) => "it beside others that contradict it".into(),
                None => "it twice".into(),
            };
            argument(&flag, "to stand alone", &found, "keep one of them".into())
        }
        _ => argument("command line", "flags and values", &first_line(error), manual()),
    }
}

fn argument(name: &str, expected: &str, found: &str, hint: String) -> Error {
    Error::Argument { name: name.into(), expected: expected.into(), found: found.into(), hint }
}

/// What the parser says about `kind`, several values joined by commas.
fn get(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    }
}

/// The near names, or where to find all of them.
fn hint(error: &clap::Error, near: ContextKind) -> String {
    match get(error, near) {
        near if near.is_empty() => manual(),
        near => format!("did you mean {near}?"),
    }
}

fn manual() -> String {
    "see --help".into()
}

fn quoted(value: &str) -> String {
    format!("`{}`", value.escape_debug())
}

/// `--lr` of `--lr <F>`, `MODEL` of `[MODEL]` and of `<MODEL|--model <MODEL>>`.
fn first_word(text: &str) -> String {
    let mut words = text.split(|c: char| c.is_whitespace() || "<>[]|".contains(c));
    words.find(|word| !word.is_empty()).unwrap_or_default().into()
}

fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").into()
}
