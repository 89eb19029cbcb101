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
const STRIDE: usize = 47;
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

/// How many activations change sign on the way from `h` below to `h` above, over all parameters checked.
fn crossings(source: &Dataset, h: f64) -> usize {
    let network = Network::<f64>::new(SEED, Activation::Relu, Fault::None);
    let batch = pictures(source, 0, IMAGES);
    let places = coordinates(&network, STRIDE);
    let crossed = places.iter().map(|&(t, i)| {
        let [mut below, mut above] = [network.cast::<f64>(), network.cast()];
        below.parameters[t].as_mut_slice()[i] -= h;
        above.parameters[t].as_mut_slice()[i] += h;
        below.crossings(&above, &batch)
    });
    crossed.sum()
}

/// Measures, reports, claims.
pub fn run(report: &mut Report, source: &Dataset) {
    let theory = Theory::new(source);
    let single = curve::<f32>(source, Activation::Softplus, 28);
    let double = curve::<f64>(source, Activation::Softplus, 56);
    let corners = curve::<f64>(source, Activation::Relu, 56);

    let rows = (0..=14).map(|decade| {
        let text = |curve: &Curve| curve.get(4 * decade).map_or("-".into(), |p| format!("≈{:.0e}", p.1));
        vec![format!("1e-{decade}"), text(&single), text(&double), text(&corners)]
    });
    let rows: Vec<_> = rows.collect();
    report.part("steps", |report| {
        report.line("Relative error of central differences over the step h");
        report.table(&["h", "f32", "f64", "f64, ReLU"], &rows);
    });
    for (name, curve, unit) in [("f32", &single, UNIT_F32), ("f64", &double, UNIT_F64)] {
        let (measured, predicted) = (best(curve), theory.best(unit));
        report.line(format!(
            "{name}: least error ≈{:.0e} at h = ≈{:.0e}; theory says ~{:.1e} at ~{:.1e}",
            measured.1, measured.0, predicted.1, predicted.0
        ));
        report.value(&format!("{name}_step"), power("≈", 0, measured.0));
        report.value(&format!("{name}_error"), power("≈", 0, measured.1));
        report.value(&format!("{name}_theory_step"), power("~", 1, predicted.0));
        report.value(&format!("{name}_theory_error"), power("~", 1, predicted.1));
        let close = |a: f64, b: f64| a < 3.0 * b && b < 3.0 * a;
        let claim =
            format!("{name}: theory finds the best step and the least error within a factor of three");
        report.claim(claim, close(measured.0, predicted.0) && close(measured.1, predicted.1));
    }
    report.line("");
    report.value("f32_small", power("≈", 0, at(&single, 6)));
    report.value("f64_small", power("≈", 0, at(&double, 6)));
    report.claim("in f32 a step of 1e-6 is wrong by more than a tenth", at(&single, 6) > 0.1);
    report.claim("in f64 the best error is below 1e-9", best(&double).1 < 1e-9);
    report.claim("in f32 no error is below 1e-5", best(&single).1 > 1e-5);
    let gain = at(&double, 2) / at(&double, 3);
    report.value("tenth_step", format!("~{gain:.0}"));
    report.claim("a tenth of the step, a hundredth of the error", (80.0..125.0).contains(&gain));

    let (often, seldom) = (crossings(source, 1e-2), crossings(source, 1e-5));
    report.line(format!("Activations that change sign: {often} at h = 1e-2, {seldom} at h = 1e-5"));
    report.line("");
    report.value("crossings_wide", often);
    report.value("crossings_narrow", seldom);
    report.value("corner_wide", power("≈", 0, at(&corners, 2)));
    report.value("smooth_wide", power("≈", 0, at(&double, 2)));
    report.value("corner_narrow", power("≈", 0, at(&corners, 5)));
    report.value(
        "places",
        coordinates(&Network::<f64>::new(SEED, Activation::Relu, Fault::None), STRIDE).len(),
    );
    report.claim("corners spoil the wide step", at(&corners, 2) > 20.0 * at(&double, 2));
    report.claim("corners spare the narrow step", at(&corners, 5) < 1e-9);

    report.figure("ch03-steps", figure(&theory, &single, &double));
    report.figure("ch03-corners", figure_of_corners(&double, &corners));
}

/// The error at h = 10⁻ᵈ.
fn at(curve: &Curve, decade: usize) -> f64 {
    curve[4 * decade].1
}

/// A value as TeX: `1.8\times10^{-2}`, or `10^{-2}` where the first digit is all that is shown.
pub fn power(near: &str, digits: usize, x: f64) -> String {
    let text = format!("{x:.digits$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    format!("{near}{mantissa}\\times10^{{{exponent}}}")
}

fn line(label: &str, color: usize, dashed: bool, points: Curve) -> Line {
    Line { label: label.into(), color, dashed, points }
}

fn figure(theory: &Theory, single: &Curve, double: &Curve) -> String {
    let law =
        |low: i32, high: i32, f: &dyn Fn(f64) -> f64| (low..=high).map(|q| (step(q), f(step(q)))).collect();
    let rightward = |curve: &Curve| curve.iter().rev().copied().collect();
    Chart {
        title: "Relative error of central differences against the step: a V for f32, a deeper one for f64"
            .into(),
        x: Axis { label: "step h", range: [1e-14, 1.0], log: true },
        y: Axis { label: "relative error", range: [1e-12, 1.0], log: true },
        lines: vec![
            line("", 6, true, law(1, 23, &|h| theory.truncation * h * h)),
            line("", 6, true, law(4, 28, &|h| UNIT_F32 * theory.rounding / h)),
            line("", 6, true, law(16, 56, &|h| UNIT_F64 * theory.rounding / h)),
            line("f32", 2, false, rightward(single)),
            line("f64", 1, false, rightward(double)),
        ],
        label_width: 44.0,
    }
    .svg()
}

fn figure_of_corners(smooth: &Curve, corners: &Curve) -> String {
    let rightward = |curve: &Curve| curve.iter().rev().filter(|p| p.0 > 0.9e-8).copied().collect();
    Chart {
        title: "Relative error against the step in f64: ReLU leaves the smooth curve at wide steps".into(),
        x: Axis { label: "step h", range: [1e-8, 1.0], log: true },
        y: Axis { label: "relative error", range: [1e-12, 1.0], log: true },
        lines: vec![
            line("softplus", 1, false, rightward(smooth)),
            line("ReLU", 4, false, rightward(corners)),
        ],
        label_width: 76.0,
    }
    .svg()
}
