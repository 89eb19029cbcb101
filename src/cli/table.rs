//! Columns that line up, and numbers as people read them.

use std::{fmt, time::Duration};

/// How the cells of a column stand.
#[derive(Clone, Copy)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Rows of cells under headings; every column is as wide as its widest cell.
pub struct Table {
    aligns: Vec<Align>,
    rows: Vec<Option<Vec<String>>>,
}

impl Table {
    /// Starts with a row of headings and a rule.
    pub fn new<const K: usize>(headings: [(&str, Align); K]) -> Self {
        let names = headings.iter().map(|(name, _)| name.to_string()).collect();
        Self { aligns: headings.iter().map(|&(_, align)| align).collect(), rows: vec![Some(names), None] }
    }

    /// Adds a row.
    pub fn row<const K: usize>(&mut self, cells: [String; K]) {
        assert_eq!(K, self.aligns.len(), "a row has a cell for each heading");
        self.rows.push(Some(cells.into()));
    }

    /// Adds a rule across all columns, as before a total.
    pub fn rule(&mut self) {
        self.rows.push(None);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths = vec![0; self.aligns.len()];
        for row in self.rows.iter().flatten() {
            widths.iter_mut().zip(row).for_each(|(width, cell)| *width = cell.chars().count().max(*width));
        }
        let whole = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
        for (i, row) in self.rows.iter().enumerate() {
            let line = match row {
                None => "─".repeat(whole),
                Some(cells) => {
                    let cells = cells.iter().zip(&self.aligns).zip(&widths);
                    let cells: Vec<_> = cells
                        .map(|((cell, align), &width)| match align {
                            Align::Left => format!("{cell:<width$}"),
                            Align::Right => format!("{cell:>width$}"),
                        })
                        .collect();
                    cells.join("  ")
                }
            };
            write!(f, "{}{}", if i == 0 { "" } else { "\n" }, line.trim_end())?;
        }
        Ok(())
    }
}

/// `1234567` as `1,234,567`.
pub fn thousands(n: impl fmt::Display) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Three digits and a decimal prefix: `11.2 M`, `272 k`, `930`.
pub fn metric(n: f64) -> String {
    let (scaled, prefix) = match n {
        n if n >= 999.5e9 => (n / 1e12, " T"),
        n if n >= 999.5e6 => (n / 1e9, " G"),
        n if n >= 999.5e3 => (n / 1e6, " M"),
        n if n >= 999.5 => (n / 1e3, " k"),
        n => return format!("{n:.0}"),
    };
    let decimals = if scaled >= 99.95 {
        0
    } else if scaled >= 9.995 {
        1
    } else {
        2
    };
    format!("{scaled:.decimals$}{prefix}")
}

/// A fraction as `91.25 %`.
pub fn percent(fraction: f64) -> String {
    format!("{:.2} %", 100.0 * fraction)
}

/// `1.5 MiB`, `930 B`.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut scaled = n as f64;
    let mut unit = 0;
    while scaled >= 1023.95 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{n} B") } else { format!("{scaled:.1} {}", UNITS[unit]) }
}

/// `1 h 02 min`, `3 min 05 s`, `42 s`, `0.8 s`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    match seconds.round() as u64 {
        s if s < 60 => format!("{s} s"),
        s if s < 3600 => format!("{} min {:02} s", s / 60, s % 60),
        s => format!("{} h {:02} min", s / 3600, s % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([930.0, 1e3, 11_173_962.0, 999_600.0].map(metric), ["930", "1.00 k", "11.2 M", "1.00 M"]);
        assert_eq!([930, 1536, 1 << 20].map(bytes), ["930 B", "1.5 KiB", "1.0 MiB"]);
        let times = [0.84, 42.0, 185.0, 3720.0].map(Duration::from_secs_f64).map(duration);
        assert_eq!(times, ["0.8 s", "42 s", "3 min 05 s", "1 h 02 min"]);
    }

    #[test]
    fn columns_line_up() {
        let mut table = Table::new([("name", Align::Left), ("n", Align::Right)]);
        table.row(["a".into(), "10".into()]);
        table.row(["long".into(), "9".into()]);
        assert_eq!(table.to_string(), "name   n\n────────\na     10\nlong   9");
    }
}
