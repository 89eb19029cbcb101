//! Shortcuts that multiply by a factor λ other than 1.

use super::{
    common::{Report, training::side_by_side},
    depths::Plan,
    training::{Recipe, descend, options},
};
use residual::{
    Tensor,
    data::Dataset,
    models::Options,
    nn::{
        BatchNorm2d, Conv2d, Flatten, GlobalAvgPool, Init, Layer, Linear, Mode, Outline, Relu, Residual,
        Sequential,
    },
    rng::Generator,
    tensor::Shape,
};

/// Blocks of two layers; with the first and the last layer, a depth of 56.
const BLOCKS: usize = 27;
const CHANNELS: usize = 16;
const FACTORS: [f32; 5] = [0.5, 0.9, 1.0, 1.1, 1.5];

// ANCHOR: scale
/// y = λ·x, for a shortcut.
struct Scale(f32);

impl Layer<f32> for Scale {
    fn forward(&mut self, x: Tensor, _: Mode) -> Tensor {
        x.map(|x| self.0 * x)
    }

    fn backward(&mut self, dy: Tensor) -> Tensor {
        dy.map(|dy| self.0 * dy)
    }

    fn outline(&self, x: Shape) -> Outline {
        Outline::leaf("Scale", x)
    }
}
// ANCHOR_END: scale

/// 27 blocks of one shape, each with a shortcut of this factor. Without bodies, each ends in a batch
/// norm of weight 0.
fn blocks(factor: f32, bodies: bool, rng: &mut Generator) -> Sequential<f32> {
    let mut conv = || {
        let conv = Conv2d::new(CHANNELS, CHANNELS, 3).padding(1).no_bias();
        conv.init(Init::KaimingNormal, rng)
    };
    let last = || if bodies { BatchNorm2d::new(CHANNELS) } else { BatchNorm2d::new(CHANNELS).zero_init() };
    (0..BLOCKS).fold(Sequential::new(), |all, _| {
        let body = Sequential::new()
            .add("conv1", conv())
            .add("bn1", BatchNorm2d::new(CHANNELS))
            .add("relu", Relu::new())
            .add("conv2", conv())
            .add("bn2", last());
        all.push(Residual::new(body).shortcut(Sequential::new().add("scale", Scale(factor))))
    })
}

fn norm(x: &Tensor) -> f64 {
    x.as_slice().iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt()
}

/// How many times longer a gradient is before the blocks than behind them.
fn growth(factor: f32, bodies: bool) -> f64 {
    let rng = &mut Generator::new(10, 0);
    let mut net = blocks(factor, bodies, rng);
    // As behind a ReLU.
    let x = Tensor::from_fn([16, 7, 7, CHANNELS], |_| rng.normal().abs() as f32);
    let y = net.forward(x, Mode::Train);
    let dy = Tensor::from_fn(y.shape(), |_| rng.normal() as f32);
    let length = norm(&dy);
    norm(&net.backward(dy)) / length
}

/// The training error with shortcuts of this factor.
fn error(factor: f32, images: &Dataset, recipe: Recipe) -> f64 {
    let Options { classes, in_channels, seed, .. } = options(images, 0);
    let rng = &mut Generator::new(seed, 0);
    let mut net = Sequential::new()
        .add(
            "conv1",
            Conv2d::new(in_channels, CHANNELS, 3).padding(1).no_bias().init(Init::KaimingNormal, rng),
        )
        .add("bn1", BatchNorm2d::new(CHANNELS))
        .add("relu", Relu::new())
        .add("blocks", blocks(factor, true, rng))
        .add("avgpool", GlobalAvgPool::new())
        .add("flatten", Flatten::new())
        .add("fc", Linear::new(CHANNELS, classes).init(Init::Default, rng));
    100.0 * descend(&mut net, images, recipe, seed).last().expect("epochs")
}

/// The gradient through 27 shortcuts, without bodies and with, and what comes of training.
pub fn run(report: &mut Report, plan: &Plan) {
    let epochs = plan.recipe.epochs / 2;
    let recipe = Recipe { epochs, ..plan.recipe };
    let paths = FACTORS.map(|factor| growth(factor, false));
    let wholes = FACTORS.map(|factor| growth(factor, true));
    let errors = side_by_side(&FACTORS, |&factor| error(factor, &plan.images, recipe));
    report.part("factors", |report| {
        report.line(format!(
            "Gradient before {BLOCKS} blocks, if it is 1 behind them; training error after {epochs} epochs"
        ));
        let row = |i: usize| {
            let power = f64::from(FACTORS[i]).powi(BLOCKS as i32);
            vec![
                format!("{}", FACTORS[i]),
                format!("{power:.1e}"),
                format!("~{:.1e}", paths[i]),
                format!("~{:.1e}", wholes[i]),
                format!("≈{:.1} %", errors[i]),
            ]
        };
        let header = ["factor", "its power", "shortcuts only", "with bodies", "error"];
        report.table(&header, &(0..FACTORS.len()).map(row).collect::<Vec<_>>());
    });
    let [half, one, large] = [0, 2, 4].map(|i| errors[i]);
    for (name, error) in [("half", half), ("one", one), ("large", large)] {
        report.value(&format!("{name}_error"), format!("≈{error:.1}"));
    }
    let exact = |i: usize| (paths[i] / f64::from(FACTORS[i]).powi(BLOCKS as i32) - 1.0).abs() < 1e-4;
    report.claim("without bodies, the gradient is the product of the factors", (0..FACTORS.len()).all(exact));
    report.claim("with bodies, a factor of one half does not make it vanish", wholes[0] > 1.0);
    report.claim("a factor of 1 trains best of 0.5, 1 and 1.5", one < half && one < large);
}
