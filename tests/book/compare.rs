//! Compares what a chapter's program prints now with what the book shows.

/// A number, or the text between two numbers.
#[derive(Debug, PartialEq)]
enum Token<'a> {
    Number(&'a str),
    Text(&'a str),
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let start = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        if start > 0 {
            tokens.push(Token::Text(&rest[..start]));
        }
        rest = &rest[start..];
        let end = number_length(rest);
        if end > 0 {
            tokens.push(Token::Number(&rest[..end]));
        }
        rest = &rest[end..];
    }
    tokens
}

/// How far the number at the start of `text` reaches: digits, a fraction, an exponent.
fn number_length(text: &str) -> usize {
    let digits = |from: usize| text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut end = digits(0);
    if text[end..].starts_with('.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    if let Some(sign) = text[end..].strip_prefix('e').map(|after| usize::from(after.starts_with('-')))
        && digits(end + 1 + sign) > 0
    {
        end += 1 + sign + digits(end + 1 + sign);
    }
    end
}

/// Where `now` differs from `committed`, in words. Texts have to be equal, and numbers too, except
/// that after `~` they may differ by 5 % and after `≈` by a factor of two.
pub fn text(committed: &str, now: &str) -> Result<(), String> {
    compare(committed, now, |before, a, b| match before.chars().last() {
        Some('~') => (a - b).abs() <= 0.05 * a.abs().max(b.abs()),
        Some('≈') => a.abs().max(b.abs()) <= 2.0 * a.abs().min(b.abs()),
        _ => a == b,
    })
}

/// As [`text`], for drawings: no coordinate may move by more than six units.
pub fn drawing(committed: &str, now: &str) -> Result<(), String> {
    compare(committed, now, |_, a, b| (a - b).abs() <= 6.0)
}

fn compare(committed: &str, now: &str, near: impl Fn(&str, f64, f64) -> bool) -> Result<(), String> {
    // TeX's way of writing an exponent is read as a number too.
    let plain = |text: &str| text.replace("\\times10^{", "e").replace('}', "");
    let (committed, now) = (plain(committed), plain(now));
    let (old, new) = (tokens(&committed), tokens(&now));
    let mut before = "";
    for (i, (a, b)) in old.iter().zip(&new).enumerate() {
        let same = match (a, b) {
            (Token::Text(a), Token::Text(b)) => {
                before = *b;
                a.split_whitespace().eq(b.split_whitespace())
            }
            (Token::Number(a), Token::Number(b)) => {
                let value = |s: &str| s.parse::<f64>().expect("a number");
                a == b || near(before, value(a), value(b))
            }
            _ => false,
        };
        if !same {
            let shown: String = old[i.saturating_sub(4)..i].iter().map(|t| format!("{t:?} ")).collect();
            return Err(format!("the book has {a:?}, the program now says {b:?}, after {shown}"));
        }
    }
    if old.len() == new.len() { Ok(()) } else { Err("one text is longer than the other".into()) }
}

#[test]
fn a_changed_number_is_seen() {
    assert!(text("a 1.25 b", "a  1.25 b").is_ok());
    assert!(text("a 1.25 b", "a 1.26 b").is_err());
    assert!(text("a 1.25 b", "a 1.25 c").is_err());
    assert!(text("a 1.25 b", "a 1.25 b 3").is_err());
    assert!(text("x ~1.00", "x ~1.04").is_ok() && text("x ~1.00", "x ~1.06").is_err());
    assert!(text("≈3e-9", "≈5e-9").is_ok() && text("≈3e-9", "≈3e-8").is_err());
    assert!(text("≈3.0\\times10^{-9}", "≈9.0\\times10^{-10}").is_err());
    assert!(text("≈1.1\\times10^{-9}", "≈9.0\\times10^{-10}").is_ok());
    assert!(drawing("M1 2L3 40", "M1 3L3 41").is_ok() && drawing("M1 2", "M1 22").is_err());
}
