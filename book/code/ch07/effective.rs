//! The effective receptive field: not how far an output sees, but how much it minds what is there.

use super::{
    STAGES,
    common::{
        Report,
        chart::{Axis, Chart, Line},
        picture::{Picture, gallery},
        training::side_by_side,
    },
};
use residual::{
    Tensor,
    nn::{Conv2d, Init, Layer, MaxPool2d, Mode, Relu, Sequential},
    rng::Generator,
};

const CHANNELS: usize = 16;
const SEEDS: u64 = 12;
const DEPTHS: [usize; 6] = [1, 3, 5, 10, 20, 40];

/// The share of the squared slope that each pixel has.
pub struct Map {
    pub side: usize,
    pub shares: Vec<f64>,
}

impl Map {
    // ANCHOR: map
    /// Of a new network's output in the middle by each pixel of noise, over the channels and over seeds.
    fn of(network: impl Fn(&mut Generator) -> Sequential<f32> + Sync, shape: [usize; 4], seeds: u64) -> Self {
        let squares = |&seed: &u64| {
            let rng = &mut Generator::new(seed, 7);
            let mut net = network(rng);
            let y = net.forward(Tensor::from_fn(shape, |_| rng.normal() as f32), Mode::Train);
            let [_, rows, cols, channels] = y.dims();
            let middle = (rows / 2 * cols + cols / 2) * channels;
            let mut dy = Tensor::zeros(y.shape());
            dy.as_mut_slice()[middle..middle + channels].fill_with(|| rng.normal() as f32);
            let dx = net.backward(dy);
            let pixels = dx.as_slice().chunks(shape[3]);
            let squares = pixels.map(|pixel| pixel.iter().map(|&d| f64::from(d).powi(2)).sum());
            shares(squares.collect())
        };
        let each = side_by_side(&(0..seeds).collect::<Vec<_>>(), squares);
        let sum = (0..each[0].len()).map(|at| each.iter().map(|shares| shares[at]).sum());
        Self { side: shape[1], shares: shares(sum.collect()) }
    }
    // ANCHOR_END: map

    /// Of so many convolutions of `kernel`, whose output is a single pixel.
    fn stack(depth: usize, kernel: usize) -> Self {
        let side = depth * (kernel - 1) + 1;
        let network = |rng: &mut Generator| {
            (0..depth).fold(Sequential::new(), |net, _| {
                let conv = Conv2d::new(CHANNELS, CHANNELS, kernel).no_bias();
                net.push(conv.init(Init::KaimingNormal, rng)).push(Relu::new())
            })
        };
        Self::of(network, [1, side, side, CHANNELS], SEEDS.max(400 / depth as u64))
    }

    /// Of VGG-16's convolutions and pools, an eighth as wide.
    fn vgg16() -> Self {
        let network = |rng: &mut Generator| {
            let (mut net, mut from) = (Sequential::new(), 3);
            for (convolutions, channels) in STAGES {
                for _ in 0..convolutions {
                    let conv = Conv2d::new(from, channels / 8, 3).padding(1);
                    net = net.push(conv.init(Init::KaimingNormal, rng)).push(Relu::new());
                    from = channels / 8;
                }
                net = net.push(MaxPool2d::new(2));
            }
            net
        };
        Self::of(network, [1, 224, 224, 3], SEEDS)
    }

    /// The standard deviation of a pixel's row, drawn by its share, and of its column: their root mean square.
    fn deviation(&self) -> f64 {
        let middle = (self.side as f64 - 1.0) / 2.0;
        let square = |at: usize| {
            let [row, col] = [at / self.side, at % self.side].map(|place| place as f64 - middle);
            (row * row + col * col) / 2.0
        };
        self.shares.iter().enumerate().map(|(at, share)| share * square(at)).sum::<f64>().sqrt()
    }

    /// The share of the pixels at most `half` from the middle one, up, down and sideways.
    fn within(&self, half: usize) -> f64 {
        let near = |place: usize| place.abs_diff(self.side / 2) <= half;
        let inside = |at: &usize| near(at / self.side) && near(at % self.side);
        (0..self.shares.len()).filter(inside).map(|at| self.shares[at]).sum()
    }

    /// As grey levels of the slope itself, mean of `by` times `by` pixels: black for none.
    fn picture(&self, by: usize) -> Picture {
        let side = self.side / by;
        let level = |at: usize| {
            let tile = (0..by * by).map(|i| (at / side * by + i / by) * self.side + at % side * by + i % by);
            tile.map(|at| self.shares[at]).sum::<f64>().sqrt() as f32
        };
        let levels: Vec<_> = (0..side * side).map(level).collect();
        let most = levels.iter().fold(0.0f32, |most, &level| most.max(level));
        Picture::of(side, side, &levels, [0.0, most])
    }
}

fn shares(squares: Vec<f64>) -> Vec<f64> {
    let sum: f64 = squares.iter().sum();
    squares.into_iter().map(|square| square / sum).collect()
}

// ANCHOR: paths
/// In how many ways `depth` steps of at most `kernel / 2` rows, up or down, end at each row.
fn paths(depth: usize, kernel: usize) -> Vec<f64> {
    (0..depth).fold(vec![1.0], |ends, _| {
        let mut next = vec![0.0; ends.len() + kernel - 1];
        for (row, ways) in ends.iter().enumerate() {
            next[row..row + kernel].iter_mut().for_each(|sum| *sum += ways);
        }
        next
    })
}
// ANCHOR_END: paths

/// The share of each pixel by the count of paths.
fn predicted(depth: usize, kernel: usize) -> Vec<f64> {
    let ways = paths(depth, kernel);
    shares(ways.iter().flat_map(|row| ways.iter().map(move |col| row * col)).collect())
}

pub fn run(report: &mut Report) {
    let maps = DEPTHS.map(|depth| Map::stack(depth, 3));
    let seven = Map::stack(1, 7);
    report.part("bell", |report| report_bell(report, &seven, &maps[1]));
    report.part("widths", |report| report_widths(report, &maps));
    let vgg = Map::vgg16();
    // The field is 212 wide, and the middle quarter of its area half as wide.
    let middle = 100.0 * vgg.within(53);
    report.part("vgg-field", |report| {
        report.line(format!("VGG-16's middle quarter has ~{middle:.0} % of the squared slope"));
    });
    report.value("vgg-middle", format!("~{middle:.0}"));
    report.claim("the middle quarter of VGG-16's field has most of the slope", middle > 50.0);
    report.figure(
        "ch07-effective",
        gallery(
            "How strongly an output depends on each pixel: evenly for one 7x7, like a bell for stacks",
            4,
            &[
                ("one 7x7", seven.picture(1)),
                ("three 3x3", maps[1].picture(1)),
                ("twenty 3x3, 41x41", maps[4].picture(1)),
                ("VGG-16, 212x212", vgg.picture(4)),
            ],
        ),
    );
}

/// One row through the middle of each map.
fn report_bell(report: &mut Report, seven: &Map, three: &Map) {
    let rows = |shares: &[f64]| -> Vec<f64> { shares.chunks(7).map(|row| row.iter().sum()).collect() };
    let line = |name: &str, mark: &str, shares: &[f64]| {
        let cells = rows(shares).into_iter().map(|share| format!("{mark}{:.1}", 100.0 * share));
        [vec![name.to_string()], cells.collect()].concat()
    };
    report.line("Share of each row of the field in the squared slope, %");
    report.table(
        &["", "1", "2", "3", "4", "5", "6", "7"],
        &[
            line("one 7x7", "~", &seven.shares),
            line("three 3x3", "≈", &three.shares),
            line("paths", "", &predicted(3, 3)),
        ],
    );
    let (corner, middle) = (three.shares[0], three.shares[24]);
    report.value("middle-over-corner", format!("≈{:.0}", middle / corner));
    report.value("paths-row", paths(3, 3).iter().map(f64::to_string).collect::<Vec<_>>().join(", "));
    report.claim("three 3x3 mind the middle more than ten times as much as a corner", middle > 10.0 * corner);
    report.claim("one 7x7 minds all rows alike", {
        rows(&seven.shares).iter().all(|share| (share * 7.0 - 1.0).abs() < 0.2)
    });
    report.claim("rows have the shares that the count of paths says", {
        let pairs = rows(&three.shares).into_iter().zip(rows(&predicted(3, 3)));
        pairs.into_iter().all(|(share, theory)| (share - theory).abs() < 0.04)
    });
}

fn theory(depth: usize) -> f64 {
    (2.0 * depth as f64 / 3.0).sqrt()
}

/// The deviation by depth, beside the width of the field.
fn report_widths(report: &mut Report, maps: &[Map; 6]) {
    let deviations = maps.each_ref().map(Map::deviation);
    let rows = (0..6).map(|i| {
        let (depth, width) = (DEPTHS[i], 2 * DEPTHS[i] + 1);
        vec![
            depth.to_string(),
            width.to_string(),
            format!("~{:.2}", deviations[i]),
            format!("{:.2}", theory(depth)),
            format!("~{:.0}", 400.0 * deviations[i] / width as f64),
        ]
    });
    let header = ["3x3 in a row", "field", "deviation", "√(2n/3)", "4 deviations, % of the field"];
    report.table(&header, &rows.collect::<Vec<_>>());
    report.value("deviation-40", format!("~{:.1}", deviations[5]));
    report.value("share-3", format!("~{:.0}", 400.0 * deviations[1] / 7.0));
    report.value("share-40", format!("~{:.0}", 400.0 * deviations[5] / 81.0));
    report.claim("the deviation is the root of two thirds of the depth, within 8 %", {
        deviations.iter().zip(DEPTHS).all(|(measured, depth)| (measured / theory(depth) - 1.0).abs() < 0.08)
    });
    let line = |label: &str, color, dashed, points| Line { label: label.into(), color, dashed, points };
    let depths = || (1..=40).map(|depth| depth as f64);
    let chart = Chart {
        title: "Width of what a stack of 3x3 convolutions can see and of what it minds, over its depth"
            .into(),
        x: Axis { label: "3x3 convolutions", range: [0.0, 40.0], log: false },
        y: Axis { label: "pixels", range: [0.0, 85.0], log: false },
        lines: vec![
            line("can see", 1, false, depths().map(|n| (n, 2.0 * n + 1.0)).collect()),
            line(
                "minds",
                2,
                false,
                DEPTHS.iter().zip(deviations).map(|(&n, d)| (n as f64, 4.0 * d)).collect(),
            ),
            line("theory", 6, true, depths().map(|n| (n, 4.0 * theory(n as usize))).collect()),
        ],
        label_width: 74.0,
    };
    report.figure("ch07-widths", chart.svg());
}
