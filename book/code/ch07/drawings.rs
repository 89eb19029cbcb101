//! The chapter's figures that are no charts.

use super::{
    common::chart::{color, opened, text},
    parts::Part,
};

/// From the side: which pixels of a row one output sees, through one large kernel and through three small ones.
pub fn cones() -> String {
    let mut svg = opened(
        560,
        250,
        "Seen from the side, one output above seven pixels: on the left a single 7x7 between them, on the right three \
         3x3 with rows of three and five between",
    );
    let stacks: [(f64, usize, &[usize], [&str; 2]); 2] = [
        (140.0, 2, &[1, 7], ["one 7x7", "49 C² weights, one ReLU"]),
        (420.0, 1, &[1, 3, 5, 7], ["three 3x3", "27 C² weights, three ReLUs"]),
    ];
    const SIZE: f64 = 26.0;
    for (middle, ink, rows, labels) in stacks {
        let ink = color(ink);
        let top = |i: usize| 12.0 + 150.0 * i as f64 / (rows.len() - 1) as f64;
        let left = |cells: usize| middle - SIZE * cells as f64 / 2.0;
        for (i, pair) in rows.windows(2).enumerate() {
            let (above, below) = (pair[0], pair[1]);
            svg.push_str(&format!(
                "<path d=\"M{:.1} {:.1}L{:.1} {:.1}H{:.1}L{:.1} {:.1}Z\" fill=\"{ink}\" fill-opacity=\"0.2\"/>\n",
                left(above),
                top(i) + SIZE,
                left(below),
                top(i + 1),
                left(below) + SIZE * below as f64,
                left(above) + SIZE * above as f64,
                top(i) + SIZE,
            ));
        }
        for (i, &cells) in rows.iter().enumerate() {
            for cell in 0..cells {
                svg.push_str(&format!(
                    "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{SIZE}\" height=\"{SIZE}\" fill=\"{ink}\" \
                     fill-opacity=\"0.75\" stroke=\"var(--bg, #fff)\"/>\n",
                    left(cells) + SIZE * cell as f64,
                    top(i),
                ));
            }
        }
        for (y, label) in [214.0, 236.0].into_iter().zip(labels) {
            svg.push_str(&text(middle, y, "middle", label));
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Three bars for each layer, one in each column, by its share.
pub fn bars(parts: &[Part]) -> String {
    const ROW: f64 = 19.0;
    const COLUMN: f64 = 162.0;
    const LEFT: f64 = 70.0;
    let height = 34.0 + ROW * parts.len() as f64;
    let mut svg = opened(
        560,
        height as usize,
        "Shares of VGG-16's layers: parameters sit in fc6, multiplications in the middle, outputs at the start",
    );
    for (row, part) in parts.iter().enumerate() {
        svg.push_str(&text(LEFT - 8.0, 41.0 + ROW * row as f64, "end", &part.name));
    }
    for (column, title) in ["parameters", "MACs", "outputs"].into_iter().enumerate() {
        let x = LEFT + COLUMN * column as f64;
        svg.push_str(&text(x, 16.0, "start", title));
        let total: u64 = parts.iter().map(|part| part.costs[column]).sum();
        for (row, part) in parts.iter().enumerate() {
            let share = part.costs[column] as f64 / total as f64;
            // The longest is three quarters of everything.
            let (width, top) = ((110.0 * share / 0.75).max(0.5), 28.0 + ROW * row as f64);
            let ink = color([2, 1, 3][column]);
            svg.push_str(&format!(
                "<rect x=\"{x}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"14\" fill=\"{ink}\"/>\n"
            ));
            if share >= 0.005 {
                let label = format!("{:.0} %", 100.0 * share);
                svg.push_str(&text(x + width + 4.0, top + 12.5, "start", &label));
            }
        }
    }
    svg.push_str("</svg>\n");
    svg
}
