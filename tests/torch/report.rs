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
        let (norm, max) = distances(&found.cast(), &expected);
        let torch = self.torch.entry(row.into()).or_default();
        *torch = torch.max(case.f32_error(key));
        let worst = &mut self.rows.entry(row.into()).or_default()[usize::from(T::DTYPE == "F64")];
        worst.count += 1;
        worst.max = worst.max.max(max);
        // Written so that a NaN is the worst of all.
        if worst.case.is_empty() || !(norm <= worst.norm) {
            (worst.norm, worst.case) = (norm, format!("{} {key}", case.name));
        }
    }

    /// Prints the table.
    ///
    /// # Panics
    /// If a distance exceeds the bound, or nothing was compared.
    #[track_caller]
    pub fn finish(self) {
        let mut table = format!(
            "{:22} {:>5}   {:>8} {:>8} {:>8}   {:>8} {:>8}   {}\n",
            self.title, "n", "f32", "max", "torch", "f64", "max", "worst in f32"
        );
        let mut failed = self.rows.is_empty();
        for (row, [single, double]) in &self.rows {
            let torch = self.torch[row];
            table += &format!(
                "{row:22} {:>5}   {:8.1e} {:8.1e} {torch:8.1e}   {:8.1e} {:8.1e}   {}\n",
                single.count, single.norm, single.max, double.norm, double.max, single.case
            );
            for (worst, bound) in [(single, self.bound.f32), (double, self.bound.f64)] {
                failed |= worst.count == 0 || !(worst.norm <= bound && worst.max <= bound);
            }
        }
        println!("\n{table}");
        let Bound { f32, f64 } = self.bound;
        assert!(!failed, "beyond {f32:.0e} in f32 or {f64:.0e} in f64:\n{table}");
    }
}

/// Norm-wise and largest relative distance of `a` from `b`.
fn distances(a: &Tensor<f64>, b: &Tensor<f64>) -> (f64, f64) {
    let pairs = || a.as_slice().iter().zip(b.as_slice());
    let norm = pairs().map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    // f64::max would drop a NaN.
    let largest = |xs: &mut dyn Iterator<Item = f64>| xs.fold(0.0, |m, x| if x <= m { m } else { x });
    let max = largest(&mut pairs().map(|(a, b)| (a - b).abs()));
    let relative = |distance: f64, size: f64| if distance == 0.0 { 0.0 } else { distance / size };
    let size = b.as_slice().iter().map(|b| b * b).sum::<f64>().sqrt();
    (relative(norm, size), relative(max, largest(&mut b.as_slice().iter().map(|b| b.abs()))))
}
