//! The paper's network and torchvision's.

use super::{common::Report, module::TABLE, thousands};
use residual::{
    Shape,
    models::{GoogLeNet, Model, Options, googlenet, googlenet_cifar, googlenet_paper},
    nn::Outline,
    ops::pool::Window,
};

/// A window's kernel and stride, along one axis.
type Along = (usize, usize);
/// What makes a network.
type Build = fn(&Options) -> GoogLeNet<f32>;

// ANCHOR: fields
/// Rows that the output sees which sees least, and most; and rows from it to its neighbour.
#[derive(Clone, Copy)]
struct Field {
    least: usize,
    most: usize,
    jump: usize,
}

impl Field {
    /// Behind branches side by side, given each by its widest kernel.
    fn behind(self, branches: &[Along]) -> Self {
        let reach = |&(kernel, _): &Along| (kernel - 1) * self.jump;
        let reaches = branches.iter().map(reach);
        let [least, most] = [reaches.clone().min(), reaches.max()].map(|reach| reach.expect("a branch"));
        let jump = self.jump * branches[0].1;
        Self { least: self.least + least, most: self.most + most, jump }
    }
}
// ANCHOR_END: fields

/// Behind each layer and module, with its name.
fn fields(five: usize, last_pool: usize) -> Vec<(String, Field)> {
    let mut at = Field { least: 1, most: 1, jump: 1 };
    let mut all = Vec::new();
    let mut step = |name: &str, branches: &[Along]| {
        at = at.behind(branches);
        all.push((name.to_string(), at));
    };
    step("conv1", &[(7, 2)]);
    step("maxpool1", &[(3, 2)]);
    step("conv3", &[(3, 1)]);
    step("maxpool2", &[(3, 2)]);
    for (i, module) in TABLE.iter().enumerate() {
        step(&format!("inception{}", module.name), &[(1, 1), (3, 1), (five, 1), (3, 1)]);
        match i {
            1 => step("maxpool3", &[(3, 2)]),
            6 => step("maxpool4", &[(last_pool, 2)]),
            _ => {}
        }
    }
    all
}

pub fn run(report: &mut Report) {
    report.part("variants", report_variants);
    report.part("fields", report_fields);
    report.part("sides", report_sides);
}

fn outline(build: Build, heads: bool, side: usize) -> Outline {
    let classes = if side == 224 { 1000 } else { 10 };
    let options = Options { classes, input_size: side, init: false, aux_logits: heads, ..Options::default() };
    Model::outline(&build(&options), Shape::from([1, side, side, 3]))
}

/// Parameters of all leaves of this kind, and of those with this kernel.
fn parameters(outline: &Outline, is: &dyn Fn(&Outline) -> bool) -> u64 {
    let own = if outline.children.is_empty() && is(outline) { outline.parameters as u64 } else { 0 };
    own + outline.children.iter().map(|child| parameters(child, is)).sum::<u64>()
}

fn third_branches(net: &Outline) -> u64 {
    let modules = net.children.iter().filter(|child| child.name.starts_with("inception"));
    modules.map(|module| module.children[2].children[1].parameters as u64).sum()
}

fn report_variants(report: &mut Report) {
    let networks: [(&str, Build, usize); 3] = [
        ("googlenet_paper", googlenet_paper, 224),
        ("googlenet", googlenet, 224),
        ("googlenet_cifar", googlenet_cifar, 32),
    ];
    let rows: Vec<_> = networks
        .map(|(name, build, side)| {
            let [net, headed] = [false, true].map(|heads| outline(build, heads, side));
            let norms = parameters(&net, &|layer| layer.kind.starts_with("BatchNorm2d"));
            let cells = [
                net.parameters as u64,
                (headed.parameters - net.parameters) as u64,
                norms,
                third_branches(&net),
                net.macs,
            ];
            [vec![name.to_string()], cells.map(thousands).to_vec()].concat()
        })
        .into();
    let header = ["network", "parameters", "of the heads", "of norms", "behind reduce 5x5", "MACs"];
    report.table(&header, &rows);
    report.value("heads-paper", &rows[0][2]);
    report.value("third-paper", &rows[0][4]);
    report.value("third-torchvision", &rows[1][4]);
    report.claim("the heads have nearly as many parameters as the rest of the paper's network", {
        let [net, headed] = [false, true].map(|heads| outline(googlenet_paper, heads, 224));
        10 * (headed.parameters - net.parameters) > 9 * net.parameters
    });
}

fn report_fields(report: &mut Report) {
    let (paper, torchvision) = (fields(5, 3), fields(3, 2));
    let row = |((name, a), (_, b)): (&(String, Field), &(String, Field))| {
        let cells = [a.jump, a.least, a.most, b.least, b.most].map(|n| n.to_string());
        [vec![name.clone()], cells.to_vec()].concat()
    };
    let rows: Vec<_> = paper.iter().zip(&torchvision).map(row).collect();
    report.line("Rows that an output sees: least and most");
    report.table(&["behind", "jump", "paper", "to", "torchvision", "to"], &rows);
    let last = rows.last().expect("rows");
    report.value("field-least", &last[2]);
    report.value("field-most", &last[3]);
    report.value("field-torchvision", &last[5]);
}

fn report_sides(report: &mut Report) {
    let pool = Window::new([3; 2]).stride([2; 2]);
    let walk = |pool: Window| {
        let mut sides = vec![112];
        for _ in 0..4 {
            sides.push(pool.output([sides[sides.len() - 1]; 2])[0]);
        }
        sides
    };
    let kinds = [
        ("hanging over the edge", pool.ceil_mode(true)),
        ("inside", pool),
        ("padded by 1", pool.padding([1; 2])),
    ];
    let rows = kinds.map(|(name, pool)| {
        [vec![name.to_string()], walk(pool).iter().map(usize::to_string).collect()].concat()
    });
    report.line("Rows behind conv1 and each of the four pools, by where the windows of 3x3 may lie");
    report.table(&["windows", "conv1", "1", "2", "3", "4"], &rows);
    report.claim("only windows that hang over or are padded give the paper's 56, 28, 14 and 7", {
        walk(kinds[0].1) == [112, 56, 28, 14, 7]
            && walk(kinds[2].1) == [112, 56, 28, 14, 7]
            && walk(pool) == [112, 55, 27, 13, 6]
    });
}
