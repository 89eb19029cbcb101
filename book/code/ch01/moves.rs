//! Whether the answer moves with the picture.

use super::{KERNELS, SAME, SIDE, common::Report, figures, grid};
use residual::{Tensor, ops::conv2d};

/// The picture, `down` rows lower and `right` columns further right; what it leaves is black.
fn moved(x: &Tensor<f32>, [down, right]: [usize; 2]) -> Tensor<f32> {
    let [n, h, w, c] = x.dims();
    let mut to = Tensor::zeros(x.shape());
    for (row, col) in grid(h - down, w - right) {
        to.as_mut_slice()[(row + down) * w + col + right] = x.as_slice()[row * w + col];
    }
    assert_eq!((n, c), (1, 1), "one picture of one channel");
    to
}

/// How far "move, then filter" is from "filter, then move", with and without room, with and without stride.
pub fn run(shirt: &Tensor<f32>, report: &mut Report) {
    let outline = Tensor::from_vec([1, 1, 3, 3], KERNELS[3].2.to_vec());
    let filtered = |x: &Tensor<f32>, stride| conv2d::forward(x, &outline, SAME.stride([stride, stride]));
    report.line("\nMove, then filter; filter, then move");

    let roomy = framed(shirt, 8);
    // ANCHOR: equivariant
    let by = [5, 3];
    let move_then_filter = filtered(&moved(&roomy, by), 1);
    let filter_then_move = moved(&filtered(&roomy, 1), by);
    assert_eq!(move_then_filter, filter_then_move);
    // ANCHOR_END: equivariant
    let with_room = different(&move_then_filter, &filter_then_move);
    report.claim("with room around it, the answer moves with the picture", with_room == 0);

    let tight = [filtered(&moved(shirt, [3, 0]), 1), moved(&filtered(shirt, 1), [3, 0])];
    let without_room = different(&tight[0], &tight[1]);
    let inside = grid(SIDE, SIDE).filter(|&(row, col)| {
        let at = row * SIDE + col;
        tight[0].as_slice()[at] != tight[1].as_slice()[at] && row > 2 && row < SIDE - 1
    });
    report.claim("at the border it does not", without_room > 0);
    report.claim("and inside it does", inside.count() == 0);

    let halved = filtered(&roomy, 2);
    let [by_one, by_two] = [1, 2].map(|right| filtered(&moved(&roomy, [0, right]), 2));
    let two_apart = different(&by_two, &moved(&halved, [0, 1]));
    let one_apart = [halved.clone(), moved(&halved, [0, 1])]
        .map(|y| relative(&by_one, &y))
        .into_iter()
        .fold(f64::MAX, f64::min);
    report.claim("stride 2 follows a move by 2", two_apart == 0);
    report.claim("stride 2 does not follow a move by 1", one_apart > 0.5);

    let frame = border_of_ones();
    report.line(format!(
        "stride 1, moved by (5, 3), black all round:  {with_room} of {} pixels differ",
        roomy.len()
    ));
    report.line(format!(
        "stride 1, moved by (3, 0), picture to its edge:  {without_room} of {} pixels differ",
        shirt.len()
    ));
    report.line(format!("stride 2, moved by (0, 2):  {two_apart} of {} pixels differ", halved.len()));
    report.line(format!("stride 2, moved by (0, 1):  nearest answer is {:.0} % off", 100.0 * one_apart));
    report.line(format!(
        "a white picture, blurred with padding 1:  {frame} of {} pixels are darker",
        SIDE * SIDE
    ));
    report.value("room-differ", with_room);
    report.value("tight-differ", without_room);
    report.value("two-differ", two_apart);
    report.value("one-apart", format!("{:.0} %", 100.0 * one_apart));
    report.value("frame", frame);
    report.figure("ch01-moves", figures::moves(&halved, &by_two, &by_one));
}

/// The picture in the middle of a larger black one.
fn framed(x: &Tensor<f32>, margin: usize) -> Tensor<f32> {
    let side = SIDE + 2 * margin;
    let mut to = Tensor::zeros([1, side, side, 1]);
    for (row, col) in grid(SIDE, SIDE) {
        to.as_mut_slice()[(row + margin) * side + col + margin] = x.as_slice()[row * SIDE + col];
    }
    to
}

fn different(a: &Tensor<f32>, b: &Tensor<f32>) -> usize {
    a.as_slice().iter().zip(b.as_slice()).filter(|(a, b)| a != b).count()
}

/// The length of the difference over the length of `b`.
fn relative(a: &Tensor<f32>, b: &Tensor<f32>) -> f64 {
    let squares = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
        a.as_slice().iter().zip(b.as_slice()).map(|(&a, &b)| f(a.into(), b.into())).sum()
    };
    (squares(&|a, b| (a - b) * (a - b)) / squares(&|_, b| b * b)).sqrt()
}

/// How many pixels of an all-white picture get darker by a blur, although nothing is there to see.
fn border_of_ones() -> usize {
    let white = Tensor::full([1, SIDE, SIDE, 1], 1.0f32);
    let y = conv2d::forward(&white, &Tensor::full([1, 1, 3, 3], 1.0), SAME);
    y.as_slice().iter().filter(|&&sum| sum < 9.0).count()
}
