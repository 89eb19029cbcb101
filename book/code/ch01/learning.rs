//! A kernel found from a picture and its answer: by gradient descent, from two teachers, and with the flip.

use super::{SAME, SIDE, common::Report, figures};
use residual::{Real, Tensor, ops::conv2d, rng::Generator};

const STEPS: usize = 1000;

/// All three searches.
pub fn run(shirt: &Tensor<f32>, report: &mut Report) {
    let shirt = shirt.cast::<f64>().map(|v| v / 255.0);
    let hidden = hidden_kernel();
    teach(&shirt, &hidden, report);
    flip(&shirt, &hidden, report);
}

// ANCHOR: learn
/// Looks for the kernel that turns `x` into `y`, from zeros, by gradient descent.
/// Shows `seen` every guess, and its loss.
fn learn(x: &Tensor<f64>, y: &Tensor<f64>, mut seen: impl FnMut(&Tensor<f64>, f64)) {
    const RATE: f64 = 1.0;
    let pixels = y.len() as f64;
    let mut w = Tensor::zeros([1, 1, 3, 3]);
    for _ in 0..=STEPS {
        let guess = conv2d::forward(x, &w, SAME);
        let error = Tensor::from_fn(y.shape(), |i| guess.as_slice()[i] - y.as_slice()[i]);
        seen(&w, error.as_slice().iter().map(|e| e * e).sum::<f64>() / (2.0 * pixels));
        let dy = error.map(|e| e / pixels);
        let dw = conv2d::grad_weights(&dy, x, w.shape(), SAME);
        w.as_mut_slice().iter_mut().zip(dw.as_slice()).for_each(|(w, dw)| *w -= RATE * dw);
    }
}
// ANCHOR_END: learn

/// Nine numbers between -1 and 1 that nobody chose.
fn hidden_kernel() -> Tensor<f64> {
    let mut rng = Generator::new(1, 0);
    Tensor::from_fn([1, 1, 3, 3], |_| 2.0 * rng.uniform() - 1.0)
}

/// One search: how wrong the worst of the nine numbers is, and the loss, at every step.
struct Search {
    guesses: Vec<Tensor<f64>>,
    wrong: Vec<f64>,
    loss: Vec<f64>,
}

impl Search {
    fn new(x: &Tensor<f64>, y: &Tensor<f64>, hidden: &Tensor<f64>) -> Self {
        let mut search = Self { guesses: Vec::new(), wrong: Vec::new(), loss: Vec::new() };
        learn(x, y, |w, loss| {
            search.wrong.push(largest_difference(w, hidden));
            search.guesses.push(w.clone());
            search.loss.push(loss);
        });
        search
    }

    /// The step after which no number of the kernel is wrong by as much as 0.01.
    fn found(&self) -> usize {
        let last_wrong = self.wrong.iter().rposition(|&wrong| wrong >= 0.01);
        last_wrong.map_or(0, |step| step + 1)
    }

    /// How much of the first guess's loss is left.
    fn left(&self, step: usize) -> f64 {
        self.loss[step] / self.loss[0]
    }
}

/// Gives the same kernel away by two pictures: the shirt, and the shirt with its pixels shuffled.
fn teach(shirt: &Tensor<f64>, hidden: &Tensor<f64>, report: &mut Report) {
    let mut shuffled = shirt.clone();
    Generator::new(1, 1).shuffle(shuffled.as_mut_slice());
    let [from_shirt, from_shuffled] =
        [shirt, &shuffled].map(|x| Search::new(x, &conv2d::forward(x, hidden, SAME), hidden));
    report.line("\nA hidden kernel, from one picture and its answer");
    let row = |name: &str, x: &Tensor<f64>, search: &Search| {
        let numbers = [
            format!("{:.2}", neighbours_alike(x)),
            format!("{:.2} %", 100.0 * search.left(100)),
            format!("{:.4}", search.wrong[100]),
            search.found().to_string(),
        ];
        [vec![name.to_string()], numbers.to_vec()].concat()
    };
    let rows = [row("shirt", shirt, &from_shirt), row("its pixels shuffled", &shuffled, &from_shuffled)];
    report.table(&["teacher", "neighbours", "loss left", "wrong by", "found at"], &rows);
    report.line("(neighbours: correlation; loss left, wrong by: after 100 steps; found: to 0.01)");
    report.value("shirt-alike", &rows[0][1]);
    report.value("shirt-left", &rows[0][2]);
    report.value("shirt-wrong", format!("{:.2}", from_shirt.wrong[100]));
    report.value("shirt-found", from_shirt.found());
    report.value("shuffled-alike", &rows[1][1]);
    report.value("shuffled-wrong", &rows[1][3]);
    report.value("shuffled-found", from_shuffled.found());
    report.value("shirt-last", format!("{:.4}", from_shirt.wrong[STEPS]));
    report.line(format!(
        "after {STEPS} steps the shirt's kernel is wrong by at most {:.4}",
        from_shirt.wrong[STEPS]
    ));
    report.claim("the shirt alone gives the kernel away, to 0.01", from_shirt.wrong[STEPS] < 0.01);
    report.claim("after 100 steps the loss is nearly gone", from_shirt.left(100) < 0.01);
    report.claim("and yet a number of the kernel is off by 0.1", from_shirt.wrong[100] > 0.1);
    report.claim("shuffled pixels teach ten times faster", from_shuffled.found() * 10 < from_shirt.found());
    let shown = [10, 100, STEPS].map(|step| (step, from_shirt.guesses[step].as_slice()));
    report.figure("ch01-guesses", figures::guesses(&shown, hidden.as_slice()));
    report.figure("ch01-teachers", figures::teachers(&from_shirt.wrong, &from_shuffled.wrong));
}

/// The correlation of pixels with their right neighbours: 1 if equal, 0 if unrelated.
fn neighbours_alike(x: &Tensor<f64>) -> f64 {
    let pairs: Vec<_> =
        x.as_slice().chunks(SIDE).flat_map(|row| row.windows(2).map(|p| (p[0], p[1]))).collect();
    let mean =
        |f: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|&(a, b)| f(a, b)).sum::<f64>() / pairs.len() as f64;
    let (a, b) = (mean(&|a, _| a), mean(&|_, b| b));
    let spread = mean(&|x, _| (x - a) * (x - a)) * mean(&|_, y| (y - b) * (y - b));
    mean(&|x, y| (x - a) * (y - b)) / spread.sqrt()
}

fn largest_difference<T: Real>(a: &Tensor<T>, b: &Tensor<T>) -> f64 {
    a.as_slice().iter().zip(b.as_slice()).map(|(&a, &b)| (a - b).abs().to_f64()).fold(0.0, f64::max)
}

// ANCHOR: convolve
/// Convolution in the mathematician's sense: the kernel is read backwards.
fn convolve(x: &Tensor<f64>, w: &Tensor<f64>) -> Tensor<f64> {
    let mut turned = w.clone();
    turned.as_mut_slice().reverse();
    conv2d::forward(x, &turned, SAME)
}
// ANCHOR_END: convolve

/// Answers made with the flip teach the kernel turned by 180 degrees.
fn flip(shirt: &Tensor<f64>, hidden: &Tensor<f64>, report: &mut Report) {
    let mut turned = hidden.clone();
    turned.as_mut_slice().reverse();
    let search = Search::new(shirt, &convolve(shirt, hidden), &turned);
    let straight = largest_difference(&search.guesses[STEPS], hidden);
    report.line(format!(
        "Taught with the flip: wrong by {straight:.2} as it stands, by {:.4} when turned by 180 degrees",
        search.wrong[STEPS]
    ));
    report.value("flip-straight", format!("{straight:.2}"));
    report.claim("what is learned from flipped answers is the kernel turned", search.wrong[STEPS] < 0.01);
}
