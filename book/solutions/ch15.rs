//! Solutions of chapter 15; those of 4 and 5 are on the page.

/// Exercise 1. The bytes of a safetensors file that holds one tensor of F32: length, header, numbers.
pub fn write(name: &str, shape: &[usize], numbers: &[f32]) -> Vec<u8> {
    let shape: Vec<_> = shape.iter().map(usize::to_string).collect();
    let header = format!(
        r#"{{"{name}":{{"dtype":"F32","shape":[{}],"data_offsets":[0,{}]}}}}"#,
        shape.join(","),
        4 * numbers.len()
    );
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.bytes());
    bytes.extend(numbers.iter().flat_map(|x| x.to_le_bytes()));
    bytes
}

/// Exercise 2. The number whose sign, 5 bits of exponent and 10 bits of fraction these are (IEEE 754 binary16).
pub fn from_f16(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let size = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// Exercise 3. Weight and bias of the linear layer that does what a batch norm over its *inputs*, then the layer
/// (out, in), do in evaluation.
pub fn fold_before(
    weight: &[Vec<f64>],
    bias: &[f64],
    [gamma, beta, mean, var]: [&[f64]; 4],
    eps: f64,
) -> (Vec<Vec<f64>>, Vec<f64>) {
    let scale: Vec<f64> = gamma.iter().zip(var).map(|(gamma, var)| gamma / (var + eps).sqrt()).collect();
    let shift: Vec<f64> = (0..scale.len()).map(|i| beta[i] - scale[i] * mean[i]).collect();
    let dot = |row: &[f64], x: &[f64]| row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
    let folded = weight.iter().map(|row| row.iter().zip(&scale).map(|(w, scale)| w * scale).collect());
    let shifted = weight.iter().zip(bias).map(|(row, b)| b + dot(row, &shift));
    (folded.collect(), shifted.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use residual::{Tensor, checkpoint::TensorFile};

    #[test]
    fn the_crate_reads_your_file() {
        let numbers = [0.5f32, -1.5, 3.25, 1e-20, 7.0, -0.0];
        let bytes = write("layer1.0.conv1.weight", &[2, 3], &numbers);
        let file = TensorFile::from_bytes("yours".as_ref(), &bytes).expect("a safetensors file");
        let tensor = file.arrays["layer1.0.conv1.weight"].to_tensor::<f32>().expect("two axes");
        assert_eq!(tensor, Tensor::from_vec([2, 3], numbers.to_vec()));
        let scalar = TensorFile::from_bytes("yours".as_ref(), &write("x", &[], &[2.0]));
        assert_eq!(scalar.expect("a file of one number").arrays["x"].shape, [0usize; 0]);
    }

    #[test]
    fn every_half_is_what_the_crate_says() {
        let halves: Vec<u16> = (0..=u16::MAX).collect();
        let header = r#"{"x":{"dtype":"F16","shape":[65536],"data_offsets":[0,131072]}}"#;
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.bytes());
        bytes.extend(halves.iter().flat_map(|half| half.to_le_bytes()));
        let file = TensorFile::from_bytes("halves".as_ref(), &bytes).expect("a safetensors file");
        let wide = file.arrays["x"].to_tensor::<f64>().expect("one axis");
        for (&half, &x) in halves.iter().zip(wide.as_slice()) {
            let yours = from_f16(half);
            let same = yours.to_bits() == x.to_bits() || yours.is_nan() && x.is_nan();
            assert!(same, "{half:#06x}: {yours} instead of {x}");
        }
    }

    #[test]
    fn a_norm_in_front_folds_too() {
        let (weight, bias) = (vec![vec![1.0, 2.0, -1.0], vec![0.5, 0.0, 4.0]], [0.25, -1.0]);
        let (gamma, beta) = ([2.0, -1.0, 0.5], [0.0, 3.0, -2.0]);
        let (mean, var, eps) = ([1.0, -2.0, 0.5], [4.0, 0.25, 9.0], 1e-2);
        let (folded, shifted) = fold_before(&weight, &bias, [&gamma, &beta, &mean, &var], eps);
        let x = [0.3, -1.7, 2.2];
        for o in 0..2 {
            let norm = |i: usize| gamma[i] * (x[i] - mean[i]) / (var[i] + eps).sqrt() + beta[i];
            let expected = bias[o] + (0..3).map(|i| weight[o][i] * norm(i)).sum::<f64>();
            let found = shifted[o] + (0..3).map(|i| folded[o][i] * x[i]).sum::<f64>();
            assert!((found - expected).abs() < 1e-12, "output {o}: {found} instead of {expected}");
        }
    }
}
