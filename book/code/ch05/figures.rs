//! Pictures of filters and of confusion.

use super::{
    common::{
        Report,
        chart::{color, escaped},
        picture::Picture,
    },
    experiment::fashion,
};
use residual::{
    Tensor,
    ops::{
        conv2d::{self, Geometry},
        max_pool,
        pool::Window,
    },
};

/// Which test picture the filters look at.
const SHOWN: usize = 0;

/// Six filters, what they make of one picture, and what the pool keeps of it.
pub fn filters(report: &mut Report, numbers: &[f64]) {
    let test = fashion().test;
    let mut pixels = vec![0.0; 28 * 28];
    test.normalization().table().apply(test.image(SHOWN), &mut pixels);
    let x = Tensor::from_vec([1, 28, 28, 1], pixels);
    let w = Tensor::from_vec([6, 1, 5, 5], numbers[..150].to_vec());
    let y = conv2d::forward(&x, &w, Geometry::default().padding([2, 2]));
    let (pooled, _) = max_pool::forward(&y, &Window::new([2, 2]));
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 330\" role=\"img\" font-size=\"14\">\n\
         <title>A boot, six filters of 5 by 5 weights, what each makes of the boot, and what the pool keeps</title>\n",
    );
    for (y, label) in [(50.0, "filters"), (250.0, "pooled")] {
        svg.push_str(&format!("<text x=\"6\" y=\"{y}\" fill=\"var(--fg, #222)\">{label}</text>\n"));
    }
    svg.push_str(&grey(28, x.as_slice()).image(4.0, 100.0, 84.0));
    for map in 0..6 {
        let left = 100.0 + 90.0 * map as f64;
        let of = |t: &Tensor<f64>| t.as_slice()[map..].iter().step_by(6).copied().collect::<Vec<_>>();
        svg.push_str(&grey(5, &numbers[25 * map..][..25]).image(left, 6.0, 84.0));
        svg.push_str(&grey(28, &of(&y)).image(left, 100.0, 84.0));
        svg.push_str(&grey(14, &of(&pooled)).image(left, 194.0, 84.0));
        svg.push_str(&format!(
            "<text x=\"{}\" y=\"300\" text-anchor=\"middle\" fill=\"var(--fg, #222)\">{}</text>\n",
            left + 42.0,
            map + 1
        ));
    }
    svg.push_str("</svg>\n");
    report.figure("ch05-filters", svg.replace("0 0 640 330", "0 0 640 308"));
    let sums: Vec<f64> = numbers[..150].chunks(25).map(|filter| filter.iter().sum::<f64>().abs()).collect();
    let sizes = numbers[..150].chunks(25).map(|filter| filter.iter().map(|w| w.abs()).sum::<f64>());
    let edges = sums.iter().zip(sizes).filter(|(sum, size)| **sum < 0.25 * size).count();
    report.value("edge-filters", edges);
}

/// Mid-grey is zero; the largest magnitude is white or black.
fn grey(width: usize, values: &[f64]) -> Picture {
    let most = values.iter().fold(0.0f64, |most, v| most.max(v.abs())) as f32;
    let values: Vec<_> = values.iter().map(|&v| v as f32).collect();
    Picture::of(width, width, &values, [-most, most])
}

/// Rows are what the pictures show, columns what they are taken for; percents of a row.
pub fn confusion(percent: &dyn Fn(usize, usize) -> f64) -> String {
    const CELL: f64 = 42.0;
    let (left, top) = (108.0, 92.0);
    let names = fashion().test.classes().to_vec();
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 600 520\" role=\"img\" font-size=\"14\">\n\
         <title>Which class is taken for which, in percent: the large numbers off the diagonal lie between T-shirt, \
         pullover, coat and shirt</title>\n",
    );
    for (i, name) in names.iter().enumerate() {
        let name = escaped(name);
        let (x, y) = (left + (i as f64 + 0.5) * CELL, top + (i as f64 + 0.5) * CELL);
        svg.push_str(&format!(
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"var(--fg, #222)\">{name}</text>\n\
             <text x=\"{x}\" y=\"{}\" transform=\"rotate(-50 {x} {})\" fill=\"var(--fg, #222)\">{name}</text>\n",
            left - 8.0,
            y + 5.0,
            top - 8.0,
            top - 8.0
        ));
    }
    for at in 0..100 {
        let (label, guess) = (at / 10, at % 10);
        let (x, y) = (left + guess as f64 * CELL, top + label as f64 * CELL);
        let part = percent(label, guess);
        // Errors in orange, and ten times as strong.
        let (ink, strength) = if label == guess { (1, part / 250.0) } else { (2, (part / 25.0).min(0.6)) };
        svg.push_str(&format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{CELL}\" height=\"{CELL}\" fill=\"{}\" fill-opacity=\"{strength:.2}\" \
             stroke=\"var(--chart-grid, #8884)\"/>\n",
            color(ink)
        ));
        if part >= 0.5 {
            svg.push_str(&format!(
                "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"var(--fg, #222)\">{part:.0}</text>\n",
                x + CELL / 2.0,
                y + CELL / 2.0 + 5.0
            ));
        }
    }
    svg.push_str("</svg>\n");
    svg
}
