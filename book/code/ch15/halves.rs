//! Weights in sixteen bits.

use super::{
    common::{
        Report,
        chart::{Axis, Chart, Line},
    },
    network::{EPS, Trained, accuracy, change, numbers},
};
use residual::{Tensor, checkpoint::TensorFile, nn::Sequential};

// ANCHOR: round
/// The number nearest to `x` that has so many bits of fraction; of two equally near, the one that ends in 0.
fn rounded(x: f32, fraction: u32) -> f32 {
    let drop = 23 - fraction;
    let bits = x.to_bits();
    if drop == 0 || !x.is_finite() {
        return x;
    }
    let last = bits >> drop & 1;
    let half = (1 << (drop - 1)) - 1;
    f32::from_bits((bits + half + last) >> drop << drop)
}

/// bfloat16: the upper half of an f32.
fn to_bf16(x: f32) -> u16 {
    (rounded(x, 7).to_bits() >> 16) as u16
}

/// IEEE 754 binary16: 1 bit of sign, 5 of exponent, 10 of fraction.
fn to_f16(x: f32) -> u16 {
    let sign = (x.to_bits() >> 16) as u16 & 0x8000;
    let size = x.abs();
    let magnitude = if size < 2f32.powi(-14) {
        // Below the smallest exponent, steps stay as they are. The product is exact, and the sum rounds.
        let steps = size * 2f32.powi(24);
        (steps + 2f32.powi(23) - 2f32.powi(23)) as u16
    } else {
        let bits = rounded(size, 10).to_bits();
        let exponent = (bits >> 23) as i32 - 127 + 15;
        if exponent > 30 { 31 << 10 } else { ((exponent as u32) << 10 | bits >> 13 & 1023) as u16 }
    };
    sign | magnitude
}
// ANCHOR_END: round

/// A safetensors file with one tensor of sixteen-bit numbers.
fn file_of(dtype: &str, halves: &[u16]) -> Vec<u8> {
    let header = format!(
        "{{\"x\":{{\"dtype\":\"{dtype}\",\"shape\":[{}],\"data_offsets\":[0,{}]}}}}",
        halves.len(),
        2 * halves.len()
    );
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.bytes());
    file.extend(halves.iter().flat_map(|half| half.to_le_bytes()));
    file
}

/// The crate widens all that sixteen bits can say, and rounding brings each back.
fn all_come_back(dtype: &str, narrow: fn(f32) -> u16) -> bool {
    let all: Vec<u16> = (0..=u16::MAX).collect();
    let file = TensorFile::from_bytes("halves".as_ref(), &file_of(dtype, &all));
    let wide = file.ok().and_then(|file| file.arrays["x"].to_tensor::<f32>());
    wide.is_some_and(|wide| {
        let back = wide.as_slice().iter().zip(&all);
        back.filter(|(x, _)| x.is_finite()).all(|(&x, &half)| narrow(x) == half)
    })
}

fn through(tensor: &Tensor<f32>, dtype: &str, narrow: fn(f32) -> u16) -> Tensor<f32> {
    let halves: Vec<u16> = tensor.as_slice().iter().map(|&x| narrow(x)).collect();
    let file = TensorFile::from_bytes("halves".as_ref(), &file_of(dtype, &halves));
    let wide = file.unwrap_or_else(|error| panic!("{error}")).arrays["x"].to_tensor().expect("one axis");
    wide.reshape(tensor.shape())
}

/// The place of the largest score of each picture.
fn answers(scores: &Tensor<f32>) -> Vec<usize> {
    let best = |row: &[f32]| (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).expect("ten scores");
    scores.as_slice().chunks(10).map(best).collect()
}

/// Of a network with other weights: pictures named rightly, answers that stayed, both in percent.
fn examine(trained: &Trained, net: &mut Sequential<f32>, expected: &[usize]) -> [f64; 2] {
    let now = answers(&trained.scores_of(net, expected.len()));
    let same = now.iter().zip(expected).filter(|(a, b)| a == b).count();
    [accuracy(net, &trained.unseen), 100.0 * same as f64 / expected.len() as f64]
}

pub fn run(trained: &mut Trained, report: &mut Report) {
    report.claim("each of 65,536 halves comes back from f32, of either kind", {
        all_come_back("F16", to_f16) && all_come_back("BF16", to_bf16)
    });
    let mut net = trained.copy(EPS);
    let expected = answers(&trained.scores_of(&mut net, trained.unseen.len()));
    let names: Vec<String> = numbers(&mut net).into_iter().map(|(name, _)| name).collect();
    let weights: usize = numbers(&mut net).iter().map(|(_, tensor)| tensor.len()).sum();

    let mut rows = vec![row("F32", 4 * weights, [trained.accuracy, 100.0], 0.0)];
    let mut found = Vec::new();
    for (dtype, narrow) in [("F16", to_f16 as fn(f32) -> u16), ("BF16", to_bf16)] {
        let mut net = trained.copy(EPS);
        let before = numbers(&mut net);
        names.iter().for_each(|name| change(&mut net, name, |t| through(t, dtype, narrow)));
        let worst = worst(&before, &numbers(&mut net));
        let outcome = examine(trained, &mut net, &expected);
        rows.push(row(dtype, 2 * weights, outcome, worst));
        found.push((outcome, worst));
    }
    report.part("halves", |report| {
        report.table(
            &["type", "bytes of numbers", "% right", "% same answers", "largest relative error"],
            &rows,
        );
    });
    let [(f16, f16_worst), (bf16, bf16_worst)] = found[..] else { unreachable!("two types") };
    report.value("same-f16", format!("~{:.1}", f16[1]));
    report.value("same-bf16", format!("~{:.1}", bf16[1]));
    report.value("worst-f16", format!("≈{f16_worst:.5}"));
    report.value("worst-bf16", format!("≈{bf16_worst:.4}"));
    report.claim("no weight moved by more than half a step", {
        f16_worst <= 2f64.powi(-11) && bf16_worst <= 2f64.powi(-8)
    });
    report.claim("sixteen bits cost no two points", {
        [f16, bf16].iter().all(|outcome| (outcome[0] - trained.accuracy).abs() < 2.0)
    });
    report
        .claim("nor change the answer for more than one picture in forty", f16[1] >= 97.5 && bf16[1] >= 97.5);
    by_bits(trained, &expected, &names, report);
}

fn row(name: &str, bytes: usize, [right, same]: [f64; 2], worst: f64) -> Vec<String> {
    let worst = if worst == 0.0 { "0".into() } else { format!("≈{worst:.5}") };
    vec![name.into(), super::thousands(bytes as u64), format!("≈{right:.1}"), format!("~{same:.1}"), worst]
}

/// The largest relative change of a number, of those that an f16 holds with all its bits.
fn worst(before: &[(String, Tensor<f32>)], after: &[(String, Tensor<f32>)]) -> f64 {
    let pairs = before.iter().zip(after).flat_map(|((_, a), (_, b))| a.as_slice().iter().zip(b.as_slice()));
    let normal = pairs.filter(|(a, _)| a.abs() >= 2f32.powi(-14));
    normal.map(|(a, b)| f64::from((b - a).abs() / a.abs())).fold(0.0, f64::max)
}

/// How many bits of fraction does it take?
fn by_bits(trained: &mut Trained, expected: &[usize], names: &[String], report: &mut Report) {
    let outcomes: Vec<_> = (0..=12)
        .map(|fraction| {
            let mut net = trained.copy(EPS);
            names.iter().for_each(|name| change(&mut net, name, |t| t.map(|x| rounded(x, fraction))));
            examine(trained, &mut net, expected)
        })
        .collect();
    let line = |label: &str, color, of: usize| Line {
        label: label.into(),
        color,
        dashed: false,
        points: (0u32..).zip(&outcomes).map(|(bits, outcome)| (f64::from(bits), outcome[of])).collect(),
    };
    report.figure(
        "ch15-bits",
        Chart {
            title: "Pictures named rightly and answers kept, against bits of fraction: three bits do".into(),
            x: Axis {
                label: "bits of fraction kept (bfloat16: 7, f16: 10, f32: 23)",
                range: [0.0, 12.0],
                log: false,
            },
            y: Axis { label: "% of unseen pictures", range: [70.0, 100.0], log: false },
            lines: vec![line("same answer", 1, 1), line("right", 2, 0)],
            label_width: 100.0,
        }
        .svg(),
    );
    report.value("same-three", format!("~{:.1}", outcomes[3][1]));
    report.value("same-zero", format!("≈{:.0}", outcomes[0][1]));
    report.claim("three bits of fraction keep nine answers of ten", outcomes[3][1] > 90.0);
}
