//! A graph as a picture.
//!
//! A chain runs down along an axis; branches stand side by side, and a shortcut runs around the body
//! of its block on the right. A long network is cut into columns, never inside a block.

use super::{Graph, Part, Role};
use std::fmt::Write;

/// Height of a box, and of the wire between two.
const BOX: f64 = 34.0;
const WIRE: f64 = 16.0;
/// Between branches, and around all of a block.
const BESIDE: f64 = 14.0;
const PAD: f64 = 10.0;
/// What a shortcut without layers takes beside the body.
const LANE: f64 = 22.0;
/// From a block's upper edge, below which its name stands, to its branches.
const TOP: f64 = 30.0;
/// Between columns.
const GUTTER: f64 = 34.0;
const MARGIN: f64 = 16.0;
const TITLE: f64 = 40.0;
/// Columns higher than this are cut, but not into shorter ones than that; the picture becomes so many
/// times as wide as high.
const TALL: f64 = 900.0;
const SHORT: f64 = 640.0;
const ASPECT: f64 = 1.5;

const STYLE: &str = "
  svg { color: #1f2328; --back: #ffffff; --conv: #0969da; --pool: #bc4c00; --linear: #1a7f37; --join: #8250df }
  @media (prefers-color-scheme: dark) {
    svg { color: #e6edf3; --back: #0d1117; --conv: #58a6ff; --pool: #ffa657; --linear: #56d364; --join: #bc8cff } }
  .back { fill: var(--back) } text { font: 600 11px system-ui, sans-serif; fill: currentColor; text-anchor: middle }
  .title { font-size: 15px; text-anchor: start } .small { font-size: 9.5px; font-weight: 400; opacity: .75 }
  .block { fill: currentColor; fill-opacity: .05; stroke: currentColor; stroke-opacity: .2 }
  .name { text-anchor: start; font-size: 9.5px; opacity: .75 } .box { stroke-width: 1.2; fill-opacity: .14 }
  .conv { fill: var(--conv); stroke: var(--conv) } .pool { fill: var(--pool); stroke: var(--pool) }
  .linear { fill: var(--linear); stroke: var(--linear) } .join { fill: var(--join); stroke: var(--join) }
  .plain { fill: currentColor; stroke: currentColor } .tip { fill: currentColor; opacity: .6 }
  .wire, .skip { fill: none; stroke: currentColor; stroke-width: 1.2; stroke-opacity: .6 }
  .skip { stroke: var(--join); stroke-width: 1.8; stroke-opacity: 1 }
";

/// A place on the picture: across and down.
type Point = (f64, f64);

/// How far something reaches to the left and to the right of its axis, and down.
#[derive(Clone, Copy, Default)]
struct Extent {
    left: f64,
    right: f64,
    height: f64,
}

impl Extent {
    fn width(self) -> f64 {
        self.left + self.right
    }
}

/// Where a wire comes from and how it has run so far.
type Route = Vec<Point>;

/// Draws `graph`.
pub(super) fn draw(graph: &Graph) -> String {
    let wide = |text: &str, each: f64| text.chars().count() as f64 * each;
    let widths = graph.nodes.iter().map(|node| wide(&node.label, 6.7).max(wide(&node.details(), 5.0)));
    let half = widths.fold(0.0, f64::max) / 2.0 + 7.0;
    let [blocks, wires, boxes] = [(); 3].map(|()| String::new());
    let mut drawing = Drawing { graph, half, class: "wire", blocks, wires, boxes };
    let (mut left, mut height, mut lowest) = (MARGIN, 0.0f64, 0.0f64);
    let mut route = Route::new();
    for column in drawing.columns() {
        let extent = drawing.chain_extent(column);
        let axis = left + extent.left;
        if let Some(&(x, _)) = route.last() {
            // Below all of the last column, up between the two, and in from above.
            let (low, between, high) = (height + WIRE / 2.0, left - GUTTER / 2.0, TITLE - WIRE / 2.0);
            route.extend([(x, low), (between, low), (between, high), (axis, high)]);
        }
        route = drawing.chain(column, (axis, TITLE), route);
        left += extent.width() + GUTTER;
        height = TITLE + extent.height;
        lowest = lowest.max(height);
    }
    drawing.finish(left - GUTTER + MARGIN, lowest + MARGIN)
}

/// What is drawn so far: blocks lie below wires, wires below boxes.
struct Drawing<'a> {
    graph: &'a Graph,
    /// Half the width of a box.
    half: f64,
    /// Of wires: `skip` on the way of a shortcut.
    class: &'static str,
    blocks: String,
    wires: String,
    boxes: String,
}

impl<'a> Drawing<'a> {
    /// Pieces of the chain of about one height.
    fn columns(&self) -> Vec<&'a [Part]> {
        let chain = &self.graph.chain[..];
        let whole = self.chain_extent(chain);
        if whole.height <= TALL {
            return vec![chain];
        }
        let wide = (ASPECT * whole.height / whole.width()).sqrt().ceil();
        let count = wide.min((whole.height / SHORT).ceil());
        let limits = (0..).map(|i| whole.height / count + f64::from(i) * BOX);
        let cuts = limits.map(|limit| self.cut(limit)).find(|columns| columns.len() as f64 <= count);
        cuts.unwrap_or_default()
    }

    /// Pieces as high as `limit` lets them be. A head stays with what it reads.
    fn cut(&self, limit: f64) -> Vec<&'a [Part]> {
        let (mut columns, mut rest) = (Vec::new(), &self.graph.chain[..]);
        while !rest.is_empty() {
            let fits = |&end: &usize| self.chain_extent(&rest[..end]).height <= limit;
            let mut end = (1..=rest.len()).take_while(fits).last().unwrap_or(1);
            while matches!(rest.get(end), Some(Part::Head { .. })) {
                end += 1;
            }
            let (column, others) = rest.split_at(end);
            columns.push(column);
            rest = others;
        }
        columns
    }

    fn chain_extent(&self, parts: &[Part]) -> Extent {
        let mut extent = Extent::default();
        let (mut heads, mut lowest) = (0.0f64, 0.0f64);
        for part in parts {
            let Extent { left, right, height } = self.extent(part);
            if let Part::Head { .. } = part {
                heads = heads.max(BESIDE + left + right);
                lowest = lowest.max(extent.height + height);
                continue;
            }
            extent.left = extent.left.max(left);
            extent.right = extent.right.max(right);
            extent.height += height + WIRE;
        }
        Extent { right: extent.right + heads, height: (extent.height - WIRE).max(lowest), ..extent }
    }

    fn extent(&self, part: &Part) -> Extent {
        let half = self.half;
        match part {
            Part::Node(_) => Extent { left: half, right: half, height: BOX },
            Part::Fork { branches, residual, .. } => {
                let extents: Vec<_> = branches.iter().map(|branch| self.branch_extent(branch)).collect();
                let height = extents.iter().map(|extent| extent.height).fold(0.0, f64::max);
                let width = extents.iter().map(|extent| extent.width() + BESIDE).sum::<f64>() - BESIDE;
                let left = if *residual { extents[0].left.max(half) } else { (width / 2.0).max(half) };
                let right = (width - left).max(half);
                Extent { left: left + PAD, right: right + PAD, height: TOP + height + WIRE + BOX + PAD }
            }
            Part::Head { parts, .. } => {
                let Extent { left, right, height } = self.chain_extent(parts);
                Extent { left: left + PAD, right: right + PAD, height: TOP + height + PAD }
            }
        }
    }

    fn branch_extent(&self, parts: &[Part]) -> Extent {
        match parts {
            [] => Extent { left: LANE / 2.0, right: LANE / 2.0, height: 0.0 },
            parts => self.chain_extent(parts),
        }
    }

    /// Draws parts below each other, the first at a point; answers from where the next wire starts.
    fn chain(&mut self, parts: &[Part], (axis, top): Point, mut route: Route) -> Route {
        let trunk = parts.iter().filter(|part| !matches!(part, Part::Head { .. }));
        let right = trunk.map(|part| self.extent(part).right).fold(0.0, f64::max);
        let mut y = top;
        for part in parts {
            let extent = self.extent(part);
            match part {
                &Part::Node(node) => {
                    self.wire(&route, &[(axis, y)]);
                    self.node(node, (axis, y));
                    route = vec![(axis, y + BOX)];
                }
                Part::Fork { path, .. } => {
                    self.block(path, (axis, y), extent);
                    route = self.fork(part, (axis, y), &route);
                }
                Part::Head { path, parts } => {
                    let beside = axis + right + BESIDE + extent.left;
                    self.block(path, (beside, y), extent);
                    let turn = y - WIRE / 2.0;
                    self.chain(parts, (beside, y + TOP), vec![(axis, turn), (beside, turn)]);
                    continue;
                }
            }
            y += extent.height + WIRE;
        }
        route
    }

    fn fork(&mut self, part: &Part, (axis, y): Point, route: &Route) -> Route {
        let Part::Fork { branches, join, residual, .. } = part else { return Route::new() };
        let extents: Vec<_> = branches.iter().map(|branch| self.branch_extent(branch)).collect();
        let (top, turn) = (y + TOP, y + TOP - WIRE / 2.0);
        let end = top + extents.iter().map(|extent| extent.height).fold(0.0, f64::max) + WIRE;
        let all = self.extent(part);
        let mut left = axis - all.left + PAD;
        // Branches narrower than the join's box stand in its middle.
        let width = extents.iter().map(|extent| extent.width() + BESIDE).sum::<f64>() - BESIDE;
        if !residual {
            left = axis - width / 2.0;
        }
        // What all branches share is drawn once.
        self.line(route, &[(axis, turn)]);
        for (i, (branch, extent)) in branches.iter().zip(&extents).enumerate() {
            let x = if *residual && i == 0 { axis } else { left + extent.left };
            left = x + extent.right + BESIDE;
            let outer = self.class;
            if *residual && i > 0 {
                self.class = "skip";
            }
            let way = self.chain(branch, (x, top), vec![(axis, turn), (x, turn)]);
            let bend = end - WIRE / 2.0;
            match *residual && i > 0 {
                true => self.wire(&way, &[(x, end + BOX / 2.0), (axis + self.half, end + BOX / 2.0)]),
                false => self.wire(&way, &[(x, bend), (axis, bend), (axis, end)]),
            }
            self.class = outer;
        }
        self.node(*join, (axis, end));
        vec![(axis, end + BOX)]
    }

    /// A name and a frame; the point is the upper end of the axis.
    fn block(&mut self, name: &str, (axis, y): Point, extent: Extent) {
        let (x, width) = (axis - extent.left, extent.width());
        let _ = writeln!(
            self.blocks,
            "<rect class=\"block\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\" rx=\"8\"/>\
             <text class=\"name\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            extent.height,
            x + 7.0,
            y + 13.0,
            escape(name)
        );
    }

    fn node(&mut self, at: usize, (axis, y): Point) {
        let node = &self.graph.nodes[at];
        let class = match node.role {
            Role::Conv => "conv",
            Role::Pool => "pool",
            Role::Linear => "linear",
            Role::Join => "join",
            Role::End | Role::Other => "plain",
        };
        let layers: Vec<_> = node.layers.iter().map(|(path, kind)| format!("{path}: {kind}")).collect();
        let _ = writeln!(
            self.boxes,
            "<g><title>{}</title><rect class=\"box {class}\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" \
             height=\"{BOX}\" rx=\"6\"/><text x=\"{axis:.1}\" y=\"{:.1}\">{}</text>\
             <text class=\"small\" x=\"{axis:.1}\" y=\"{:.1}\">{}</text></g>",
            escape(if layers.is_empty() { node.label.clone() } else { layers.join("\n") }.as_str()),
            axis - self.half,
            2.0 * self.half,
            y + 14.0,
            escape(&node.label),
            y + 27.0,
            escape(&node.details())
        );
    }

    /// A line along `route` and `on`, with a tip at its end; none from nowhere.
    fn wire(&mut self, route: &Route, on: &[Point]) {
        self.line(route, on);
        let points: Route = route.iter().chain(on).copied().collect();
        let Some(&[from, (x, y)]) = points.last_chunk() else { return };
        let tip = if from.1 == y { "l5 -3v6z" } else { "l-3 -5h6z" };
        let _ = writeln!(self.wires, "<path class=\"tip\" d=\"M{x:.1} {y:.1}{tip}\"/>");
    }

    /// A line along `route` and `on`, its corners rounded.
    fn line(&mut self, route: &Route, on: &[Point]) {
        let mut points: Route = route.iter().chain(on).copied().collect();
        points.dedup();
        let [start, .., end] = points[..] else { return };
        let mut path = format!("M{:.1} {:.1}", start.0, start.1);
        for three in points.windows(3) {
            let ((ax, ay), (x, y), (bx, by)) =
                (towards(three[1], three[0]), three[1], towards(three[1], three[2]));
            let _ = write!(path, "L{ax:.1} {ay:.1}Q{x:.1} {y:.1} {bx:.1} {by:.1}");
        }
        let class = self.class;
        let _ = writeln!(self.wires, "<path class=\"{class}\" d=\"{path}L{:.1} {:.1}\"/>", end.0, end.1);
    }

    fn finish(self, width: f64, height: f64) -> String {
        let Self { graph, blocks, wires, boxes, .. } = self;
        let title = escape(&graph.title);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\">\n<title>{title}</title>\n\
             <style>{STYLE}</style>\n<rect class=\"back\" width=\"100%\" height=\"100%\"/>\n\
             <text class=\"title\" x=\"{MARGIN}\" y=\"21\">{title}</text>\n{blocks}{wires}{boxes}</svg>\n"
        )
    }
}

/// From a corner, a few pixels of the way to another point.
fn towards((x, y): Point, (tx, ty): Point) -> Point {
    let length = (tx - x).hypot(ty - y);
    let part = if length > 0.0 { (length / 2.0).min(7.0) / length } else { 0.0 };
    (x + (tx - x) * part, y + (ty - y) * part)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
