//! Three linear 3x3 convolutions are one 7x7, with a kernel that can be written down.

use super::common::Report;
use residual::{
    Tensor,
    ops::{
        conv2d::{self, Geometry},
        relu,
    },
    rng::Generator,
};

const CHANNELS: usize = 4;
const SIDE: usize = 16;

// ANCHOR: compose
/// The kernel of `second` after `first`: (O, M, L, L) after (M, C, K, K) makes (O, C, K + L - 1, K + L - 1).
pub fn compose(first: &Tensor<f64>, second: &Tensor<f64>) -> Tensor<f64> {
    let ([m, c, k, _], [o, _, l, _]) = (first.dims(), second.dims());
    let side = k + l - 1;
    let mut both = Tensor::zeros([o, c, side, side]);
    let sums = both.as_mut_slice();
    for (out, mid, from) in (0..o * m * c).map(|i| (i / (m * c), i / c % m, i % c)) {
        for (s, t, a, b) in (0..l * l * k * k).map(|i| (i / (l * k * k), i / (k * k) % l, i / k % k, i % k)) {
            let product = second.as_slice()[((out * m + mid) * l + s) * l + t]
                * first.as_slice()[((mid * c + from) * k + a) * k + b];
            sums[((out * c + from) * side + s + a) * side + t + b] += product;
        }
    }
    both
}
// ANCHOR_END: compose

/// The largest difference over pixels at least `margin` from the border, and over those that are nearer.
fn apart(a: &Tensor<f64>, b: &Tensor<f64>, margin: usize) -> [f64; 2] {
    let mut most = [0.0f64; 2];
    for (at, (a, b)) in a.as_slice().iter().zip(b.as_slice()).enumerate() {
        let (row, col) = (at / CHANNELS / SIDE, at / CHANNELS % SIDE);
        let is_inside = [row, col].iter().all(|&place| place >= margin && place + margin < SIDE);
        let most = &mut most[usize::from(!is_inside)];
        *most = most.max((a - b).abs());
    }
    most
}

pub fn run(report: &mut Report) {
    let rng = &mut Generator::new(7, 0);
    let deviation = (1.0 / (9 * CHANNELS) as f64).sqrt();
    let mut kernel = || Tensor::from_fn([CHANNELS, CHANNELS, 3, 3], |_| deviation * rng.normal());
    let kernels = [kernel(), kernel(), kernel()];
    let x = Tensor::from_fn([1, SIDE, SIDE, CHANNELS], |_| rng.normal());
    let same = |kernel: usize| Geometry::default().padding([kernel / 2; 2]);
    // ANCHOR: equal
    let big = compose(&compose(&kernels[0], &kernels[1]), &kernels[2]);
    let at_once = conv2d::forward(&x, &big, same(7));
    let layer_by_layer = kernels.iter().fold(x.clone(), |x, kernel| conv2d::forward(&x, kernel, same(3)));
    let [inside, border] = apart(&at_once, &layer_by_layer, 2);
    // ANCHOR_END: equal
    let with_relu = kernels[1..].iter().fold(conv2d::forward(&x, &kernels[0], same(3)), |x, kernel| {
        conv2d::forward(&relu::forward(x), kernel, same(3))
    });
    let [broken, _] = apart(&at_once, &with_relu, 2);
    report.part("equal", |report| {
        report.line("Largest difference between one 7x7 and three 3x3");
        let below = if inside < 1e-12 { "below 1e-12".to_string() } else { format!("{inside:.1e}") };
        report.table(
            &["", "difference"],
            &[
                vec!["two pixels and more from the border".into(), below],
                vec!["nearer to it".into(), format!("{border:.2}")],
                vec!["with two ReLUs between, far from it".into(), format!("{broken:.2}")],
            ],
        );
    });
    report.value("border", format!("{border:.2}"));
    report.value("broken", format!("{broken:.2}"));
    report.claim("far from the border three linear 3x3 are one 7x7", inside < 1e-12);
    report.claim("at the border they are not, nor with ReLUs between", border > 0.1 && broken > 0.1);
}
