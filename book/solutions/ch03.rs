//! Solutions of chapter 3.

/// Exercise 1. The central difference of `f` at `x` with step `h`. Divide by the step that was taken.
pub fn central(f: impl Fn(f64) -> f64, x: f64, h: f64) -> f64 {
    let (above, below) = (x + h, x - h);
    (f(above) - f(below)) / (above - below)
}

/// Exercise 2. The slope of `f` at `x` from four points, `h` and `2h` to either side, whose error
/// shrinks with the fourth power of `h`.
pub fn four_points(f: impl Fn(f64) -> f64, x: f64, h: f64) -> f64 {
    // n(h) = f' + c·h² + O(h⁴) and n(2h) = f' + 4c·h² + O(h⁴).
    (4.0 * central(&f, x, h) - central(&f, x, 2.0 * h)) / 3.0
}

/// Exercise 3. For y = x·σ(x), σ(x) = 1 / (1 + e⁻ˣ): dL/dx from dL/dy.
pub fn swish_backward(x: &[f64], dy: &[f64]) -> Vec<f64> {
    let slope = |x: f64| {
        let sigma = 1.0 / (1.0 + (-x).exp());
        sigma + x * sigma * (1.0 - sigma)
    };
    x.iter().zip(dy).map(|(&x, &dy)| dy * slope(x)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn central_is_exact_on_parabolas() {
        let parabola = |x: f64| 3.0 * x * x - x + 7.0;
        assert!((central(parabola, 2.0, 0.5) - 11.0).abs() < 1e-12);
        let cube = |x: f64| x * x * x;
        assert!((central(cube, 0.0, 0.5) - 0.25).abs() < 1e-12, "a cube leaves h²");
    }

    #[test]
    fn central_divides_by_the_step_taken() {
        // From 1, a step of 1.5 units in the last place lands 2 units above and 3 half units below.
        let h = 1.5 * f64::EPSILON;
        assert_eq!(central(|x| x, 1.0, h), 1.0);
    }

    #[test]
    fn four_points_leave_the_fourth_power() {
        let error = |h: f64| (four_points(f64::exp, 1.0, h) - 1f64.exp()).abs();
        assert!(error(1e-3) < 1e-11);
        let ratio = error(0.2) / error(0.1);
        assert!((15.0..17.0).contains(&ratio), "half the step, a sixteenth of the error: {ratio}");
    }

    #[test]
    fn swish_agrees_with_differences() {
        let swish = |x: f64| x / (1.0 + (-x).exp());
        let x: Vec<f64> = (-20..=20).map(|i| f64::from(i) / 4.0).collect();
        let dy: Vec<f64> = (0..x.len()).map(|i| (i as f64).cos()).collect();
        for ((dx, &x), &dy) in swish_backward(&x, &dy).iter().zip(&x).zip(&dy) {
            let h = 1e-5;
            let slope = (swish(x + h) - swish(x - h)) / (2.0 * h);
            assert!((dx - dy * slope).abs() < 1e-9, "at {x}: {dx} against {}", dy * slope);
        }
    }
}
