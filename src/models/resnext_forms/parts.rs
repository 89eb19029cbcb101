//! Equal parts of a parameter, along its filters or its input channels.

use crate::{
    real::Real,
    tensor::{Shape, Tensor},
};

/// Part `number` of the parts of `whole` along an axis, of the extents `dims`.
pub(super) fn part<T: Real>(whole: &Tensor<T>, axis: usize, number: usize, dims: &[usize]) -> Tensor<T> {
    let shape = whole.shape();
    let (run, stride) = (dims[axis..].iter().product(), shape.dims()[axis..].iter().product());
    let rows = whole.as_slice().chunks_exact(stride);
    let values = rows.flat_map(|row: &[T]| &row[number * run..][..run]).copied().collect();
    Tensor::from_vec(with(shape, axis, dims[axis]), values)
}

/// The whole of which these are the parts along an axis.
pub(super) fn join<T: Real>(parts: &[Tensor<T>], axis: usize) -> Tensor<T> {
    let shape = parts[0].shape();
    let run = shape.dims()[axis..].iter().product();
    let row = |i: usize| parts.iter().flat_map(move |part| &part.as_slice()[i * run..][..run]).copied();
    let values = (0..shape.len() / run).flat_map(row).collect();
    Tensor::from_vec(with(shape, axis, parts.len() * shape.dims()[axis]), values)
}

/// The shape with another extent along an axis.
fn with(shape: Shape, axis: usize, extent: usize) -> Shape {
    match *shape.dims() {
        [_] => [extent].into(),
        [_, i, h, w] if axis == 0 => [extent, i, h, w].into(),
        [o, _, h, w] => [o, extent, h, w].into(),
        _ => unreachable!("parameters of convolutions and norms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_go_where_they_belong() {
        let whole = Tensor::from_fn([2, 6, 1, 1], |i| i as f64);
        let columns = [0, 1].map(|number| part(&whole, 1, number, &[2, 3, 1, 1]));
        assert_eq!(columns[1].as_slice(), [3.0, 4.0, 5.0, 9.0, 10.0, 11.0]);
        assert_eq!(join(&columns, 1), whole);
        let rows = [0, 1].map(|number| part(&whole, 0, number, &[1, 6, 1, 1]));
        assert_eq!(rows[1].as_slice(), [6.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
        assert_eq!(join(&rows, 0), whole);
    }
}
