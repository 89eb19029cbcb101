//! The chapter's figures that are no charts.

use super::{
    all_reduce::ring_turn,
    common::chart::{color, opened, text},
    group::{self, Node, Wire},
    overlap::Bucket,
};

fn rect([x, y, width, height]: [f64; 4], ink: usize, more: &str) -> String {
    format!(
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{}\"{more}/>\n",
        color(ink)
    )
}

const WORKERS: usize = 4;

/// What each worker has after so many turns. Worker w begins with 2ʷ everywhere, so that a sum tells whose are in it.
fn states(turns: usize) -> Vec<Vec<f64>> {
    group::run(WORKERS, Wire::default(), |mut node: Node<f64>| {
        let mut numbers = vec![f64::from(1 << node.rank); WORKERS];
        (0..turns).for_each(|turn| ring_turn(&mut node, &mut numbers, turn));
        numbers
    })
}

/// The turns of a ring of four, drawn from what the code does.
pub fn ring() -> String {
    const CELL: f64 = 26.0;
    const GAP: f64 = 8.0;
    const FRAME: f64 = 160.0;
    let mut svg = opened(
        640.0,
        400.0,
        "A ring of four workers in six turns. Each has four parts of a gradient. In the first three turns sums grow \
         around the ring until each worker has one part of all four; in the last three these go around",
    );
    let captions = [
        "before",
        "turn 1: add",
        "turn 2: add",
        "turn 3: add",
        "turn 4: copy",
        "turn 5: copy",
        "turn 6: copy",
    ];
    for (frame, caption) in captions.into_iter().enumerate() {
        // Four frames in the first row, three in the second, below those that they follow.
        let (left, top) = match frame {
            0..4 => (14.0 + FRAME * frame as f64, 24.0),
            _ => (14.0 + FRAME * (frame - 3) as f64, 224.0),
        };
        let width = WORKERS as f64 * (CELL + GAP) - GAP;
        svg.push_str(&text(left + width / 2.0, top - 8.0, "middle", caption));
        for (worker, numbers) in states(frame).iter().enumerate() {
            let x = left + worker as f64 * (CELL + GAP);
            for (part, &sum) in numbers.iter().enumerate() {
                let y = top + part as f64 * (CELL + 4.0);
                svg.push_str(&cell(x, y, CELL, sum as usize));
                let given = frame > 0 && (worker + 2 * WORKERS - frame) % WORKERS == part;
                if given {
                    svg.push_str(&came(x, y, CELL, GAP, worker == 0));
                }
            }
            if frame == 0 || frame == 4 {
                let below = top + WORKERS as f64 * (CELL + 4.0) + 14.0;
                svg.push_str(&text(x + CELL / 2.0, below, "middle", &worker.to_string()));
            }
        }
    }
    svg.push_str(&text(14.0, 250.0, "start", "One column for each"));
    svg.push_str(&text(14.0, 270.0, "start", "worker, one box for"));
    svg.push_str(&text(14.0, 290.0, "start", "each part; a stripe"));
    svg.push_str(&text(14.0, 310.0, "start", "for each of whom"));
    svg.push_str(&text(14.0, 330.0, "start", "the sum has some."));
    svg.push_str("</svg>\n");
    svg
}

/// A box with a stripe for each worker whose numbers are in the sum.
fn cell(x: f64, y: f64, size: f64, sum: usize) -> String {
    let stripe = size / WORKERS as f64;
    let stripes = (0..WORKERS).filter(|worker| sum >> worker & 1 == 1);
    let inks = [1, 2, 3, 5];
    let mut svg: String =
        stripes.map(|worker| rect([x, y + stripe * worker as f64, size, stripe], inks[worker], "")).collect();
    svg.push_str(&format!(
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{size}\" height=\"{size}\" fill=\"none\" stroke=\"var(--fg, #222)\" \
         stroke-width=\"0.6\"/>\n"
    ));
    svg
}

/// An arrow from the left neighbour: a short one, or for the first worker one that comes in from outside.
fn came(x: f64, y: f64, size: f64, gap: f64, first: bool) -> String {
    let (from, middle) = (x - if first { 11.0 } else { gap }, y + size / 2.0);
    format!(
        "<path d=\"M{from:.1} {middle:.1}H{:.1}M{:.1} {:.1}L{x:.1} {middle:.1}L{:.1} {:.1}\" \
         stroke=\"var(--fg, #222)\" stroke-width=\"1.6\" fill=\"none\"/>\n",
        x,
        x - 4.0,
        middle - 4.0,
        x - 4.0,
        middle + 4.0,
    )
}

/// A step of ResNet-50 with the exchange behind the backward, and during it.
pub fn timeline(forward: f64, step: f64, buckets: &[Bucket], whole: f64) -> String {
    const LEFT: f64 = 84.0;
    const BAR: f64 = 26.0;
    let mut svg = opened(
        640.0,
        264.0,
        "Time lines of a training step. Above, the exchange begins when backward has ended. Below, it begins with the \
         first bucket, and most of it is over when backward ends",
    );
    let end = 100.0 * (10.0 * whole).ceil();
    let x = |seconds: f64| LEFT + (640.0 - LEFT - 24.0) * 1e3 * seconds / end;
    let bar = |from: f64, to: f64, y: f64, ink| {
        rect([x(from), y, x(to) - x(from), BAR], ink, " stroke=\"var(--bg, #fff)\"")
    };
    let last = buckets.last().map_or(step, |bucket| bucket.end);
    for (top, title, to) in [(24.0, "one after the other", whole), (136.0, "side by side", last)] {
        svg.push_str(&text(LEFT, top - 7.0, "start", &format!("{title}: {:.0} ms", 1e3 * to)));
        svg.push_str(&text(LEFT - 8.0, top + 18.0, "end", "computes"));
        svg.push_str(&text(LEFT - 8.0, top + BAR + 22.0, "end", "sends"));
        svg.push_str(&bar(0.0, forward, top, 3));
        svg.push_str(&bar(forward, step, top, 1));
    }
    for (middle, label) in [(forward / 2.0, "forward"), ((forward + step) / 2.0, "backward")] {
        let place = format!(
            "<text x=\"{:.1}\" y=\"42\" text-anchor=\"middle\" fill=\"var(--bg, #fff)\">{label}</text>\n",
            x(middle)
        );
        svg.push_str(&place);
    }
    svg.push_str(&bar(step, whole, 24.0 + BAR + 4.0, 2));
    for bucket in buckets {
        svg.push_str(&bar(bucket.begin, bucket.end, 136.0 + BAR + 4.0, 2));
    }
    for tick in 0..=(end / 100.0) as usize {
        let at = x(0.1 * tick as f64);
        svg.push_str(&format!("<path d=\"M{at:.1} 206V214\" stroke=\"var(--fg, #222)\" fill=\"none\"/>\n"));
        svg.push_str(&text(at, 230.0, "middle", &(100 * tick).to_string()));
    }
    svg.push_str(&text(x(end / 2e3), 252.0, "middle", "ms of the step"));
    svg.push_str("</svg>\n");
    svg
}
