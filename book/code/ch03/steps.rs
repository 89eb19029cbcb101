//! The error of central differences over the step: without corners in f32 and f64, and with them.

use super::{
    common::{
        Report,
        chart::{Axis, Chart, Line},
    },
    difference::{Coordinate, central, coordinates, norm, relative_error, third},
    network::{Activation, Batch, Fault, Network},
    pictures,
};
use residual::{Real, data::Dataset};

/// Every so many parameters one is checked.
const STRIDE: usize = 16;
const SEED: u64 = 3;
const IMAGES: usize = 4;

/// From 1 down to 10⁻¹⁴, four steps to a decade.
fn step(quarter: i32) -> f64 {
    10f64.powf(-f64::from(quarter) / 4.0)
}

/// (h, relative error) for every step.
type Curve = Vec<(f64, f64)>;

/// The error of central differences in precision `T`, against gradients by backward in f64.
fn curve<T: Real>(source: &Dataset, activation: Activation, quarters: i32) -> Curve {
    let exact = Network::<f64>::new(SEED, activation, Fault::None);
    let mut network: Network<T> = exact.cast();
    let batch = pictures::<T>(source, 0, IMAGES);
    let places = coordinates(&exact, STRIDE);
    let analytic = backward(&exact, &pictures(source, 0, IMAGES), &places);
    let error = |quarter: i32| {
        let numeric: Vec<_> = (places.iter())
            .map(|&place| central(&mut network, &batch, place, T::of(step(quarter))).to_f64())
            .collect();
        (step(quarter), relative_error(&numeric, &analytic))
    };
    (0..=quarters).map(error).collect()
}

fn backward(network: &Network<f64>, batch: &Batch<f64>, places: &[Coordinate]) -> Vec<f64> {
    let gradients = network.gradients(batch).1;
    places.iter().map(|&(t, i)| gradients[t].as_slice()[i]).collect()
}

/// What the two errors of theory come to for this network, with nothing fitted.
struct Theory {
    /// ‖f‴‖ / 6 over ‖n‖ + ‖a‖: times h², the error of cutting off the Taylor series.
    truncation: f64,
    /// |f|·√places over ‖n‖ + ‖a‖: times u / h, the error of rounding.
    rounding: f64,
}

impl Theory {
    fn new(source: &Dataset) -> Self {
        let mut network = Network::<f64>::new(SEED, Activation::Softplus, Fault::None);
        let batch: Batch<f64> = pictures(source, 0, IMAGES);
        let places = coordinates(&network, STRIDE);
        let size = 2.0 * norm(backward(&network, &batch, &places));
        let loss = network.loss(&batch);
        let thirds = norm(places.iter().map(|&place| third(&mut network, &batch, place, 0.01)));
        Self { truncation: thirds / 6.0 / size, rounding: loss * (places.len() as f64).sqrt() / size }
    }

    /// The step where the sum of both is least, and that sum.
    fn best(&self, unit: f64) -> (f64, f64) {
        let h = (unit * self.rounding / (2.0 * self.truncation)).cbrt();
        (h, self.truncation * h * h + unit * self.rounding / h)
    }
}

fn best(curve: &Curve) -> (f64, f64) {
    curve.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1)).expect("a curve has points")
}

const UNIT_F32: f64 = f32::EPSILON as f64 / 2.0;
const UNIT_F64: f64 = f64::EPSILON / 2.0;

/// Runs both and reports.
pub fn run(report: &mut Report, source: &Dataset) {
    let theory = Theory::new(source);
    let single = curve::<f32>(source, Activation::Softplus, 28);
    let double = curve::<f64>(source, Activation::Softplus, 56);
    let corners = curve::<f64>(source, Activation::Relu, 56);

    report.line("Relative error of central differences over the step h");
    let rows = (0..=14).map(|decade| {
        let text = |curve: &Curve| curve.get(4 * decade).map_or("-".into(), |p| format!("≈{:.0e}", p.1));
        vec![format!("1e-{decade}"), text(&single), text(&double), text(&corners)]
    });
    report.table(&["h", "f32", "f64", "f64, ReLU"], &rows.collect::<Vec<_>>());
    report.line("");
    report.figure("ch03-steps", figure(&theory, &single, &double));
    report.claim("x", true);
}

fn figure(theory: &Theory, single: &Curve, double: &Curve) -> String {
    let line =
        |label: &str, color, dashed, points: Curve| Line { label: label.into(), color, dashed, points };
    let from =
        |low: i32, high: i32, f: &dyn Fn(f64) -> f64| (low..=high).map(|q| (step(q), f(step(q)))).collect();
    Chart {
        title: "Relative error of central differences against the step: a V for f32 and a deeper one for f64"
            .into(),
        x: Axis { label: "step h", range: [1e-14, 1.0], log: true },
        y: Axis { label: "relative error", range: [1e-12, 1.0], log: true },
        lines: vec![
            line("", 6, true, from(0, 24, &|h| theory.truncation * h * h)),
            line("", 6, true, from(8, 28, &|h| UNIT_F32 * theory.rounding / h)),
            line("", 6, true, from(16, 56, &|h| UNIT_F64 * theory.rounding / h)),
            line("f32", 2, false, single.clone()),
            line("f64", 1, false, double.clone()),
        ],
        label_width: 60.0,
    }
    .svg()
}
