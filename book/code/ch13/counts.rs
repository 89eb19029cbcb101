//! Operations, bytes, and loads: what can be counted before anything is timed.

use super::common::{Report, thousands};

/// A layer with stride 1 whose outputs are as many as its inputs' pixels.
#[derive(Clone, Copy)]
pub struct Layer {
    pub name: &'static str,
    pub images: usize,
    pub side: usize,
    pub inputs: usize,
    pub outputs: usize,
    pub kernel: usize,
    pub groups: usize,
}

/// The layer of the ladder.
pub const LADDER: Layer =
    Layer { name: "3x3, 64 to 64", images: 8, side: 32, inputs: 64, outputs: 64, kernel: 3, groups: 1 };
/// Others that lie elsewhere under the roof.
pub const OTHERS: [Layer; 3] = [
    Layer { name: "1x1, 64 to 256", outputs: 256, kernel: 1, ..LADDER },
    Layer { name: "3x3, 64 groups", groups: 64, ..LADDER },
    Layer {
        name: "linear, 4096 to 4096",
        images: 1,
        side: 1,
        inputs: 4096,
        outputs: 4096,
        kernel: 1,
        groups: 1,
    },
];

// ANCHOR: count
impl Layer {
    fn weights(&self) -> usize {
        self.outputs * self.inputs / self.groups * self.kernel * self.kernel
    }

    fn pixels(&self) -> usize {
        self.images * self.side * self.side
    }

    /// Multiplications and additions: every weight is used once for each pixel.
    pub fn operations(&self) -> usize {
        2 * self.weights() * self.pixels()
    }

    /// Of `f32`: all inputs, weights and outputs, each once.
    pub fn bytes(&self) -> usize {
        4 * (self.pixels() * (self.inputs + self.outputs) + self.weights())
    }

    pub fn intensity(&self) -> f64 {
        self.operations() as f64 / self.bytes() as f64
    }
}
// ANCHOR_END: count

pub fn run(report: &mut Report) {
    report.part("intensity", |report| {
        let row = |layer: &Layer| {
            vec![
                layer.name.to_string(),
                layer.images.to_string(),
                thousands(layer.operations() as u64),
                thousands(layer.bytes() as u64),
                format!("{:.1}", layer.intensity()),
            ]
        };
        let rows: Vec<_> = [LADDER].iter().chain(&OTHERS).map(row).collect();
        report.table(&["layer", "pictures", "operations", "bytes", "operations a byte"], &rows);
        report.value("operations", &rows[0][2]);
        report.value("intensity", format!("{:.0}", LADDER.intensity()));
        report.value("intensity-linear", &rows[3][4]);
    });
    // The same work through a matrix that is written once and read once.
    let matrix = 4 * LADDER.pixels() * 9 * LADDER.inputs;
    let unfolded = LADDER.operations() as f64 / (LADDER.bytes() + 2 * matrix) as f64;
    report.value("matrix-megabytes", format!("{:.1}", matrix as f64 / 1e6));
    report.value("input-megabytes", format!("{:.1}", (4 * LADDER.pixels() * LADDER.inputs) as f64 / 1e6));
    report.value("intensity-unfolded", format!("{unfolded:.0}"));
    report.claim("the ladder's layer does more than a hundred operations a byte", LADDER.intensity() > 100.0);
    report
        .claim("the linear layer does half an operation a byte", (OTHERS[2].intensity() - 0.5).abs() < 0.01);
    tiles(report);
}

/// P pixels by V blocks of outputs: what a step of the innermost loop loads, and what it computes.
#[derive(Clone, Copy)]
pub struct Tile {
    pub pixels: usize,
    pub blocks: usize,
}

// ANCHOR: tile
impl Tile {
    /// One sum for each pixel and block.
    pub fn products(self) -> usize {
        self.pixels * self.blocks
    }

    /// A block of the filter for each V, a number of the picture for each P.
    pub fn loads(self) -> usize {
        self.blocks + self.pixels
    }

    /// The sums, a step's blocks of the filter, and one number spread out.
    pub fn registers(self) -> usize {
        self.products() + self.blocks + 1
    }
}
// ANCHOR_END: tile

const TILES: [(usize, usize); 9] =
    [(1, 1), (2, 1), (4, 1), (14, 1), (28, 1), (4, 2), (14, 2), (6, 4), (5, 5)];

fn tiles(report: &mut Report) {
    let mut widest = 0;
    report.part("tiles", |report| {
        let row = |(pixels, blocks): (usize, usize)| {
            let tile = Tile { pixels, blocks };
            widest = widest.max(tile.registers());
            let per = |count: usize| format!("{:.2}", count as f64 / tile.products() as f64);
            vec![
                format!("{pixels} x {blocks}"),
                tile.products().to_string(),
                tile.loads().to_string(),
                per(tile.loads()),
                per(blocks),
                tile.registers().to_string(),
            ]
        };
        let rows: Vec<_> = TILES.map(row).to_vec();
        let header = ["P x V", "multiply-adds", "loads", "loads each", "filter loads each", "registers"];
        report.table(&header, &rows);
        report.value("loads-one", &rows[0][3]);
        report.value("loads-tile", &rows[6][3]);
        report.value("filter-tile", &rows[6][4]);
        report.value("filter-six", &rows[7][4]);
        report.value("registers-tile", &rows[6][5]);
    });
    report.claim("every tile of the table fits 32 registers", widest <= 32);
}
