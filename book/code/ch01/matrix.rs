//! Convolution as a matrix product, forward and backward.

use super::{SAME, common::Report, figures, grid};
use residual::{
    Shape, Tensor,
    ops::{
        conv2d::{self, Geometry},
        linear,
    },
    rng::Generator,
};

// ANCHOR: matrix
/// The matrix that does to a picture of `input` what the kernel `w` does: a row for each output.
pub fn matrix(w: &[f64], kernel: [usize; 2], input: [usize; 2], g: Geometry) -> Tensor<f64> {
    let [oh, ow] = g.output(input, kernel);
    let mut m = Tensor::zeros([oh * ow, input[0] * input[1]]);
    for (row, col) in grid(oh, ow) {
        for (i, j) in grid(kernel[0], kernel[1]) {
            // In the padded picture; the first `padding` rows and columns of that are zeros.
            let (h, v) = (row * g.stride[0] + i * g.dilation[0], col * g.stride[1] + j * g.dilation[1]);
            let (top, left) = (g.padding[0], g.padding[1]);
            if (top..top + input[0]).contains(&h) && (left..left + input[1]).contains(&v) {
                let pixel = (h - top) * input[1] + (v - left);
                let output = row * ow + col;
                m.as_mut_slice()[output * input[0] * input[1] + pixel] = w[i * kernel[1] + j];
            }
        }
    }
    m
}
// ANCHOR_END: matrix

/// The matrix times the picture is the forward pass; transposed, times `dy`, the backward pass.
pub fn run(report: &mut Report) {
    let mut rng = Generator::new(1, 2);
    // Whole numbers: every sum is exact, in whatever order it is made.
    let mut whole = |shape: Shape| Tensor::from_fn(shape, |_| rng.below(19) as f64 - 9.0);
    let plain = Geometry::default();
    let mut equal = 0;
    let geometries =
        [plain, SAME, plain.stride([2, 2]), SAME.stride([2, 3]), plain.dilation([2, 2]).padding([3, 1])];
    for g in geometries {
        // ANCHOR: equal
        let x = whole(Shape::from([1, 7, 8, 1]));
        let w = whole(Shape::from([1, 1, 3, 3]));
        let y = conv2d::forward(&x, &w, g);
        let m = matrix(w.as_slice(), [3, 3], [7, 8], g);
        // `linear` multiplies by M on the way forward, and by M transposed on the way back.
        let by_matrix = linear::forward(&x.clone().reshape([1, 7 * 8]), &m);
        assert_eq!(by_matrix.as_slice(), y.as_slice());

        let dy = whole(y.shape());
        let dx = conv2d::grad_input(&dy, &w, x.shape(), g);
        let back_by_matrix = linear::grad_input(&dy.clone().reshape([1, y.len()]), &m);
        assert_eq!(back_by_matrix.as_slice(), dx.as_slice());
        // ANCHOR_END: equal
        equal +=
            usize::from(by_matrix.as_slice() == y.as_slice() && back_by_matrix.as_slice() == dx.as_slice());
    }
    report.claim(
        "convolution is a matrix product, and its backward the transposed one",
        equal == geometries.len(),
    );
    let ones = matrix(&[1.0; 9], [3, 3], [5, 5], plain);
    let filled = ones.as_slice().iter().filter(|&&v| v != 0.0).count();
    report.line("\nConvolution as a matrix");
    report.line(format!("{equal} geometries: both passes equal the matrix product, bit for bit"));
    report.line(format!("5 x 5 picture, 3x3 kernel: {filled} of {} entries are not zero", ones.len()));
    report.value("geometries", equal);
    report.value("matrix-entries", ones.len());
    report.value("matrix-filled", filled);
    report.figure("ch01-matrix", figures::matrix());
}
