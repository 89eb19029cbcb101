//! The table of worst distances that every test prints, and the bound that it holds them to.

use crate::golden::Case;
use residual::{Real, Tensor};
use std::collections::BTreeMap;

/// The largest distance that passes, in f32 and in f64.
#[derive(Clone, Copy)]
pub struct Bound {
    pub f32: f64,
    pub f64: f64,
}

/// The worst distances of a test, by quantity.
pub struct Report {
    title: &'static str,
    bound: Bound,
    rows: BTreeMap<String, [Worst; 2]>,
    torch: BTreeMap<String, f64>,
}

#[derive(Clone, Debug, Default)]
struct Worst {
    count: usize,
    /// ‖a - b‖ / ‖b‖.
    norm: f64,
    /// max |a - b| / max |b|.
    max: f64,
    case: String,
}

impl Report {
    pub fn new(title: &'static str, bound: Bound) -> Self {
        Self { title, bound, rows: BTreeMap::new(), torch: BTreeMap::new() }
    }

    /// Measures `found` against the tensor `key` of the file.
    #[track_caller]
    pub fn tensor<T: Real>(&mut self, case: &Case, key: &str, found: &Tensor<T>) {
        self.compare(key, case, key, found);
    }

    /// The same for images, which the file holds as (N, C, H, W).
    #[track_caller]
    pub fn images<T: Real>(&mut self, case: &Case, key: &str, found: &Tensor<T>) {
        self.compare(key, case, key, &found.to_nchw());
    }

    /// Measures under the row `row`.
    #[track_caller]
    pub fn compare<T: Real>(&mut self, row: &str, case: &Case, key: &str, found: &Tensor<T>) {
        let expected = case.tensor::<f64>(key);
        assert_eq!(found.shape(), expected.shape(), "{} {}: shape of {key}", self.title, case.name);
        let distance = distances(&found.cast(), &expected);
        self.record::<T>(row, case, key, distance);
    }

    /// Takes a distance that was measured elsewhere: in the norm, and the largest of single numbers.
    pub fn record<T: Real>(&mut self, row: &str, case: &Case, key: &str, (norm, max): (f64, f64)) {
        let torch = self.torch.entry(row.into()).or_default();
        *torch = torch.max(case.f32_error(key));
        let worst = &mut self.rows.entry(row.into()).or_default()[usize::from(T::DTYPE == "F64")];
        worst.count += 1;
        worst.max = largest([worst.max, max]);
        if worst.case.is_empty() || norm > worst.norm || norm.is_nan() {
            (worst.norm, worst.case) = (norm, case.name.to_string());
        }
    }

    /// Prints the table.
    ///
    /// # Panics
    /// If a distance exceeds the bound, or nothing was compared.
    #[track_caller]
    pub fn finish(self) {
        let names = self.rows.keys().map(|row| row.len());
        let width = names.chain([self.title.len()]).max().unwrap_or_default();
        let mut table = format!(
            "{:width$} {:>5}   {:>8} {:>8} {:>8}   {:>8} {:>8}   {}\n",
            self.title, "n", "f32", "max", "torch", "f64", "max", "worst in f32"
        );
        let mut failed = self.rows.is_empty();
        for (row, [single, double]) in &self.rows {
            let torch = self.torch[row];
            table += &format!(
                "{row:width$} {:>5}   {:8.1e} {:8.1e} {torch:8.1e}   {:8.1e} {:8.1e}   {}\n",
                single.count, single.norm, single.max, double.norm, double.max, single.case
            );
            for (worst, bound) in [(single, self.bound.f32), (double, self.bound.f64)] {
                let within = worst.norm <= bound && worst.max <= bound;
                failed |= worst.count == 0 || !within;
            }
        }
        println!("\n{table}");
        let Bound { f32, f64 } = self.bound;
        assert!(!failed, "beyond {f32:.0e} in f32 or {f64:.0e} in f64:\n{table}");
    }
}

/// ‖a - b‖ / ‖b‖ and max |a - b| / max |b|.
fn distances(a: &Tensor<f64>, b: &Tensor<f64>) -> (f64, f64) {
    let differences: Vec<_> = a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| a - b).collect();
    let relative = |distance: f64, size: f64| if distance == 0.0 { 0.0 } else { distance / size };
    let max = |xs: &[f64]| largest(xs.iter().map(|x| x.abs()));
    (relative(norm(&differences), norm(b.as_slice())), relative(max(&differences), max(b.as_slice())))
}

fn norm(xs: &[f64]) -> f64 {
    xs.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// A NaN is larger than every number; for `f64::max` it would be smaller.
pub fn largest(xs: impl IntoIterator<Item = f64>) -> f64 {
    xs.into_iter().fold(0.0, |m, x| if x > m || x.is_nan() { x } else { m })
}
