//! [`Graph`]: a network as boxes and arrows, to be drawn.
//!
//! The tree of an [`Outline`] says how layers are wired: one after another, or side by side with a sum
//! or a concatenation behind them. Read from the input on, it becomes a graph. What changes no shape
//! worth a box of its own (norms, activations, dropout) stands in the box of what it follows.

mod dot;
mod svg;

use super::{Outline, Path, Wiring};
use crate::tensor::Shape;

/// A network as boxes and arrows.
///
/// ```
/// use residual::nn::{Conv2d, Graph, Layer, Relu, Residual, Sequential};
/// let body = Sequential::new().add("conv1", Conv2d::<f32>::new(8, 8, 3).padding(1)).add("relu", Relu::new());
/// let net = Sequential::new().add("block", Residual::new(body));
/// let input = [1, 32, 32, 8].into();
/// let graph = Graph::new("tiny", &net.outline(input), input);
/// // The input, the convolution with its ReLU, the sum, the output; an arrow for the shortcut too.
/// assert_eq!((graph.nodes().len(), graph.edges().len()), (4, 4));
/// assert!(graph.svg().starts_with("<svg") && graph.dot().starts_with("digraph"));
/// ```
#[derive(Clone, Debug)]
pub struct Graph {
    title: String,
    nodes: Vec<Node>,
    edges: Vec<(usize, usize)>,
    chain: Vec<Part>,
}

/// A box.
#[derive(Clone, Debug)]
pub struct Node {
    /// The layers in it, by their names from the root: a layer as PyTorch prints it, and those that
    /// follow. None in the input, in outputs and where branches end.
    pub layers: Vec<(String, String)>,
    /// What it is, in short: `Conv2d 64, 7x7 /2`.
    pub label: String,
    /// The names of what follows in the same box: `BN`, `ReLU`.
    pub followers: Vec<&'static str>,
    /// The shape that leaves it, in memory order.
    pub output: Shape,
    /// How it is coloured.
    role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    End,
    Conv,
    Pool,
    Linear,
    Join,
    Other,
}

/// A piece of a chain.
#[derive(Clone, Debug)]
enum Part {
    Node(usize),
    /// Branches side by side and the node that joins them; one without parts is the identity.
    Fork {
        path: String,
        branches: Vec<Vec<Part>>,
        join: usize,
        residual: bool,
    },
    /// An auxiliary head that reads what the part before it gives; the chain goes on beside it.
    Head {
        path: String,
        parts: Vec<Part>,
    },
}

impl Graph {
    /// Of the network `outline`, which was made for `input`.
    pub fn new(title: impl Into<String>, outline: &Outline, input: Shape) -> Self {
        let mut graph = Self { title: title.into(), nodes: Vec::new(), edges: Vec::new(), chain: Vec::new() };
        let mut chain = Vec::new();
        let start = graph.end("input", input, &mut chain);
        let last = graph.add(outline, &Path::root(), start, &mut chain);
        let end = graph.end("output", outline.output, &mut chain);
        graph.edges.push((last, end));
        Self { chain, ..graph }
    }

    /// The boxes, each after those that it reads.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The arrows, by positions in [`nodes`](Self::nodes).
    pub fn edges(&self) -> &[(usize, usize)] {
        &self.edges
    }

    /// Draws it, in light and in dark: columns from the left to the right, each from the top down.
    pub fn svg(&self) -> String {
        svg::draw(self)
    }

    /// The same for Graphviz, in its language DOT.
    pub fn dot(&self) -> String {
        dot::write(self)
    }

    /// Adds `outline` behind node `from`; answers with the node that gives its output.
    fn add(&mut self, outline: &Outline, at: &Path, from: usize, parts: &mut Vec<Part>) -> usize {
        match outline.wiring {
            Wiring::Leaf => self.leaf(outline, at, from, parts),
            Wiring::Chain => {
                let (heads, trunk): (Vec<_>, Vec<_>) =
                    outline.children.iter().partition(|child| child.head_of.is_some());
                let mut last = from;
                for child in trunk {
                    last = self.add(child, &below(at, child), last, parts);
                    for head in heads.iter().filter(|head| head.head_of.as_ref() == Some(&child.name)) {
                        self.head(head, &below(at, head), last, parts);
                    }
                }
                last
            }
            Wiring::Sum | Wiring::Concat => self.fork(outline, at, from, parts),
        }
    }

    fn leaf(&mut self, outline: &Outline, at: &Path, from: usize, parts: &mut Vec<Part>) -> usize {
        let layer = (at.to_string(), outline.kind.clone());
        // At the start of a branch, or behind a head, others read the node before as it is.
        let joined = match parts.last() {
            Some(&Part::Node(node) | &Part::Fork { join: node, .. }) => {
                follower(&outline.kind).zip(Some(node))
            }
            _ => None,
        };
        if let Some((name, node)) = joined.filter(|&(_, node)| self.nodes[node].role != Role::End) {
            self.nodes[node].layers.push(layer);
            self.nodes[node].followers.push(name);
            self.nodes[node].output = outline.output;
            return node;
        }
        let (label, role) = (label(&outline.kind), role(&outline.kind));
        let node = self.node(Node {
            layers: vec![layer],
            label,
            followers: Vec::new(),
            output: outline.output,
            role,
        });
        self.edges.push((from, node));
        parts.push(Part::Node(node));
        node
    }

    fn fork(&mut self, outline: &Outline, at: &Path, from: usize, parts: &mut Vec<Part>) -> usize {
        let (mut branches, mut ends) = (Vec::new(), Vec::new());
        for child in &outline.children {
            let mut branch = Vec::new();
            ends.push(self.add(child, &below(at, child), from, &mut branch));
            branches.push(branch);
        }
        let sum = outline.wiring == Wiring::Sum;
        if sum && branches.len() == 1 {
            branches.push(Vec::new());
            ends.push(from);
        }
        let residual = outline.kind == "Residual";
        // The block's own ReLU has no name.
        let followers = if residual { vec!["ReLU"] } else { Vec::new() };
        let label = if sum { "add" } else { "concat" }.into();
        let join = Node { layers: Vec::new(), label, followers, output: outline.output, role: Role::Join };
        let join = self.node(join);
        self.edges.extend(ends.into_iter().map(|end| (end, join)));
        parts.push(Part::Fork { path: at.to_string(), branches, join, residual });
        join
    }

    fn head(&mut self, outline: &Outline, at: &Path, from: usize, parts: &mut Vec<Part>) {
        let mut inside = Vec::new();
        let last = self.add(outline, at, from, &mut inside);
        let end = self.end(&outline.name, outline.output, &mut inside);
        self.edges.push((last, end));
        parts.push(Part::Head { path: at.to_string(), parts: inside });
    }

    fn end(&mut self, label: &str, output: Shape, parts: &mut Vec<Part>) -> usize {
        let (layers, followers) = (Vec::new(), Vec::new());
        let node = self.node(Node { layers, label: label.into(), followers, output, role: Role::End });
        parts.push(Part::Node(node));
        node
    }

    fn node(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }
}

impl Node {
    /// What leaves it and what it went through: `64x112x112, BN, ReLU`.
    fn details(&self) -> String {
        let sides: Vec<_> = match *self.output.dims() {
            [_, h, w, c] => vec![c, h, w],
            [_, ref rest @ ..] => rest.to_vec(),
            [] => Vec::new(),
        };
        let shape = sides.iter().map(usize::to_string).collect::<Vec<_>>().join("\u{d7}");
        [shape.as_str()].iter().chain(&self.followers).copied().collect::<Vec<_>>().join(", ")
    }
}

fn below(at: &Path, child: &Outline) -> Path {
    if child.name.is_empty() { at.clone() } else { at.join(&child.name) }
}

/// `Conv2d` of `Conv2d(3, 64, ...)`.
fn name(kind: &str) -> &str {
    kind.split('(').next().unwrap_or_default()
}

/// The short name of a layer that stands in the box of what it follows.
fn follower(kind: &str) -> Option<&'static str> {
    Some(match name(kind) {
        "BatchNorm2d" => "BN",
        "ReLU" => "ReLU",
        "Sigmoid" => "Sigmoid",
        "Tanh" => "Tanh",
        "LocalResponseNorm" => "LRN",
        "Dropout" | "Dropout2d" => "Dropout",
        "Flatten" => "Flatten",
        _ => return None,
    })
}

fn role(kind: &str) -> Role {
    match name(kind) {
        "Conv2d" => Role::Conv,
        "Linear" => Role::Linear,
        pool if pool.contains("Pool") || pool == "Subsample" => Role::Pool,
        _ => Role::Other,
    }
}

/// `Conv2d 64, 7x7 /2` of what PyTorch prints.
fn label(kind: &str) -> String {
    let name = name(kind);
    let sides = |key| argument(kind, key).map(square);
    let stride =
        || sides("stride").filter(|stride| stride != "1").map_or(String::new(), |s| format!(" /{s}"));
    match name {
        "Conv2d" => {
            let to = kind.split(", ").nth(1).unwrap_or_default();
            let groups =
                argument(kind, "groups").map_or(String::new(), |groups| format!(", {groups} groups"));
            format!("Conv2d {to}, {}{}{groups}", window(kind, "kernel_size"), stride())
        }
        "MaxPool2d" | "AvgPool2d" => format!("{name} {}{}", window(kind, "kernel_size"), stride()),
        "AdaptiveAvgPool2d" => format!("AvgPool2d to {}", window(kind, "output_size")),
        "Linear" => format!("Linear {}", argument(kind, "out_features").unwrap_or_default()),
        "Subsample" => format!("Subsample{}", stride()),
        _ => name.into(),
    }
}

/// The value of `key=` in what PyTorch prints.
fn argument<'a>(kind: &'a str, key: &str) -> Option<&'a str> {
    let (_, value) = kind.split_once(&format!("{key}="))?;
    match value.strip_prefix('(') {
        Some(pair) => pair.split_once(')').map(|(pair, _)| pair),
        None => value.split([',', ')']).next(),
    }
}

/// `3` of `3` and of `3, 3`; `3x2` of `3, 2`.
fn square(value: &str) -> String {
    match value.split_once(", ") {
        Some((h, w)) if h != w => format!("{h}x{w}"),
        Some((side, _)) => side.into(),
        None => value.into(),
    }
}

/// `3x3` of `key=3` and of `key=(3, 3)`.
fn window(kind: &str, key: &str) -> String {
    let sides = argument(kind, key).unwrap_or_default();
    let (h, w) = sides.split_once(", ").unwrap_or((sides, sides));
    format!("{h}x{w}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{self, Options};

    fn network(name: &str) -> (Graph, Outline) {
        let entry = models::all().iter().find(|entry| entry.name == name).expect("a known name");
        let options = Options { init: false, ..entry.options() };
        let input = [1, options.input_size, options.input_size, 3].into();
        let outline = models::build::<f32>(name, &options).expect("a known name").outline(input);
        (Graph::new(name, &outline, input), outline)
    }

    fn leaves(outline: &Outline, at: &Path) -> Vec<(String, String)> {
        if outline.wiring == Wiring::Leaf {
            return vec![(at.to_string(), outline.kind.clone())];
        }
        outline.children.iter().flat_map(|child| leaves(child, &below(at, child))).collect()
    }

    /// The labels on both ends of every arrow that touches a box below `path` or the join behind it.
    fn arrows(graph: &Graph, path: &str) -> Vec<(String, String)> {
        let inside = |node: &Node| node.layers.iter().any(|(name, _)| name.starts_with(path));
        let edges = graph.edges.iter().map(|&(a, b)| (&graph.nodes[a], &graph.nodes[b]));
        let touching = edges.filter(|(a, b)| inside(a) || inside(b));
        touching.map(|(a, b)| (a.label.clone(), b.label.clone())).collect()
    }

    #[test]
    fn every_layer_appears_once_and_every_arrow_is_drawn() {
        for name in
            ["lenet5", "alexnet_cifar", "googlenet", "googlenet_paper", "resnet50", "resnet8", "plain8"]
        {
            let (graph, outline) = network(name);
            let mut expected = leaves(&outline, &Path::root());
            let mut found: Vec<_> = graph.nodes.iter().flat_map(|node| node.layers.clone()).collect();
            expected.sort();
            found.sort();
            assert_eq!(found, expected, "{name}");
            assert!(
                graph.edges.iter().all(|(from, to)| from < to),
                "{name}: a box comes after what it reads"
            );
            let (svg, dot) = (graph.svg(), graph.dot());
            assert_eq!(svg.matches("class=\"tip\"").count(), graph.edges.len(), "{name}");
            assert_eq!(svg.matches("class=\"box").count(), graph.nodes.len(), "{name}");
            assert_eq!(dot.matches(" -> ").count(), graph.edges.len(), "{name}");
            assert_eq!(dot.matches("fillcolor").count(), graph.nodes.len(), "{name}");
            assert_eq!(dot.matches('{').count(), dot.matches('}').count(), "{name}");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}");
            assert_eq!(svg, graph.svg(), "{name}: one network, one picture");
        }
    }

    #[test]
    fn a_shortcut_leads_around_the_body() {
        let (graph, _) = network("resnet8");
        let blocks: Vec<_> = graph.chain.iter().filter(|part| matches!(part, Part::Fork { .. })).collect();
        let Part::Fork { path, branches, join, residual: true } = blocks[0] else {
            panic!("a residual block")
        };
        assert_eq!((path.as_str(), branches.len(), branches[1].len()), ("layer1.0", 2, 0));
        let into = |node| graph.edges.iter().filter(move |edge| edge.1 == node).map(|edge| edge.0);
        // From the body's second convolution, and from what the block itself reads.
        let stem = into(*join).min().expect("two arrows");
        assert_eq!(into(*join).count(), 2);
        assert_eq!(graph.nodes[stem].layers[0].0, "conv1");
        let Part::Fork { branches, .. } = blocks[1] else { panic!("a residual block") };
        assert!(matches!(branches[1][..], [Part::Node(node)] if graph.nodes[node].label == "Subsample /2"));
    }

    #[test]
    fn an_inception_has_four_branches_and_heads_hang_off_it() {
        let (graph, _) = network("googlenet");
        let pairs = [
            ("MaxPool2d 3x3 /2", "Conv2d 192, 1x1"),
            ("MaxPool2d 3x3 /2", "Conv2d 96, 1x1"),
            ("Conv2d 96, 1x1", "Conv2d 208, 3x3"),
            ("MaxPool2d 3x3 /2", "Conv2d 16, 1x1"),
            ("Conv2d 16, 1x1", "Conv2d 48, 3x3"),
            ("MaxPool2d 3x3 /2", "MaxPool2d 3x3"),
            ("MaxPool2d 3x3", "Conv2d 64, 1x1"),
            ("Conv2d 192, 1x1", "concat"),
            ("Conv2d 208, 3x3", "concat"),
            ("Conv2d 48, 3x3", "concat"),
            ("Conv2d 64, 1x1", "concat"),
        ];
        assert_eq!(arrows(&graph, "inception4a"), pairs.map(|(a, b)| (a.to_string(), b.to_string())));
        let heads = arrows(&graph, "aux2");
        let labels: Vec<_> = heads.iter().map(|(from, _)| from.as_str()).collect();
        assert_eq!(labels, ["concat", "AvgPool2d to 4x4", "Conv2d 128, 1x1", "Linear 1024", "Linear 1000"]);
        assert_eq!(heads[4].1, "aux2");
    }

    #[test]
    fn labels_are_short() {
        let grouped =
            "Conv2d(64, 128, kernel_size=(3, 1), stride=(2, 1), padding=(1, 1), groups=32, bias=False)";
        assert_eq!(label(grouped), "Conv2d 128, 3x1 /2x1, 32 groups");
        assert_eq!(
            label("MaxPool2d(kernel_size=3, stride=1, padding=1, dilation=1, ceil_mode=True)"),
            "MaxPool2d 3x3"
        );
        assert_eq!(label("Linear(in_features=512, out_features=10, bias=True)"), "Linear 10");
    }
}
