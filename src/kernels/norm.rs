//! Batch normalisation's passes over memory: plain loops, which the compiler turns into vectors of the instruction set
//! that they are dispatched to. Pixels have their channels side by side.

use crate::{
    number::Number,
    simd::{Isa, Kernel, Simd},
};

/// What the channels are normalised by: `(x - mean) · scale + beta`. Subtracting first keeps the digits of a channel
/// whose mean is far from zero.
#[derive(Clone, Copy, Debug)]
pub struct Channels<'a, T> {
    /// μ
    pub mean: &'a [T],
    /// γ / √(σ² + ε)
    pub scale: &'a [T],
    /// β
    pub beta: &'a [T],
    /// Whether a ReLU comes behind.
    pub relu: bool,
}

/// The mean of each channel over the pixels `xs`, and the sum of squared distances from it.
pub fn moments<T: Number>(isa: Isa, xs: &[T], mean: &mut [T], squares: &mut [T]) {
    T::dispatch(isa, Moments { xs, mean, squares });
}

struct Moments<'a, T> {
    xs: &'a [T],
    mean: &'a mut [T],
    squares: &'a mut [T],
}

impl<T: Number> Kernel<T> for Moments<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let Self { xs, mean, squares } = self;
        let c = mean.len();
        mean.fill(T::ZERO);
        squares.fill(T::ZERO);
        for x in xs.chunks_exact(c) {
            for (mean, &x) in mean.iter_mut().zip(x) {
                *mean += x;
            }
        }
        let share = T::of(c as f64 / xs.len() as f64);
        for mean in mean.iter_mut() {
            *mean *= share;
        }
        for x in xs.chunks_exact(c) {
            for ((squares, &x), &mean) in squares.iter_mut().zip(x).zip(&*mean) {
                *squares += (x - mean) * (x - mean);
            }
        }
    }
}

/// The pixels `ys` normalised: those of `xs`, or what stands there if there are none.
pub fn normalise<T: Number>(isa: Isa, by: Channels<'_, T>, xs: Option<&[T]>, ys: &mut [T]) {
    if by.relu {
        T::dispatch(isa, Normalise::<T, true> { by, xs, ys });
    } else {
        T::dispatch(isa, Normalise::<T, false> { by, xs, ys });
    }
}

struct Normalise<'a, T, const RELU: bool> {
    by: Channels<'a, T>,
    xs: Option<&'a [T]>,
    ys: &'a mut [T],
}

impl<T: Number, const RELU: bool> Kernel<T> for Normalise<'_, T, RELU> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let Channels { mean, scale, beta, .. } = self.by;
        let c = mean.len();
        let pixels = self.ys.chunks_exact_mut(c);
        let Some(xs) = self.xs else {
            for y in pixels {
                for (y, ((&mean, &scale), &beta)) in y.iter_mut().zip(mean.iter().zip(scale).zip(beta)) {
                    *y = normal::<T, RELU>(*y, mean, scale, beta);
                }
            }
            return;
        };
        for (y, x) in pixels.zip(xs.chunks_exact(c)) {
            let channels = mean.iter().zip(scale).zip(beta);
            for ((y, &x), ((&mean, &scale), &beta)) in y.iter_mut().zip(x).zip(channels) {
                *y = normal::<T, RELU>(x, mean, scale, beta);
            }
        }
    }
}

#[inline(always)]
fn normal<T: Number, const RELU: bool>(x: T, mean: T, scale: T, beta: T) -> T {
    let y = (x - mean) * scale + beta;
    if RELU && y <= T::ZERO { T::ZERO } else { y }
}

/// What comes through the ReLU of `dy`, if there is one.
#[inline(always)]
fn through<T: Number, const RELU: bool>(dy: T, x: T, mean: T, scale: T, beta: T) -> T {
    if RELU && normal::<T, false>(x, mean, scale, beta) <= T::ZERO { T::ZERO } else { dy }
}

/// Adds `Σ dy` to `dbeta` and `Σ dy · (x - μ)` to `dgamma`, over the pixels `xs`; of a `dy`, what comes through the ReLU.
pub fn gradients<T: Number>(
    isa: Isa,
    by: Channels<'_, T>,
    [dys, xs]: [&[T]; 2],
    [dbeta, dgamma]: [&mut [T]; 2],
) {
    if by.relu {
        T::dispatch(isa, Gradients::<T, true> { by, dys, xs, dbeta, dgamma });
    } else {
        T::dispatch(isa, Gradients::<T, false> { by, dys, xs, dbeta, dgamma });
    }
}

struct Gradients<'a, T, const RELU: bool> {
    by: Channels<'a, T>,
    dys: &'a [T],
    xs: &'a [T],
    dbeta: &'a mut [T],
    dgamma: &'a mut [T],
}

impl<T: Number, const RELU: bool> Kernel<T> for Gradients<'_, T, RELU> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let Self { by: Channels { mean, scale, beta, .. }, dys, xs, dbeta, dgamma } = self;
        let c = mean.len();
        for (dy, x) in dys.chunks_exact(c).zip(xs.chunks_exact(c)) {
            let sums = dbeta.iter_mut().zip(dgamma.iter_mut());
            let channels = mean.iter().zip(scale.iter().zip(beta));
            for (((dbeta, dgamma), (&dy, &x)), (&mean, (&scale, &beta))) in
                sums.zip(dy.iter().zip(x)).zip(channels)
            {
                let dy = through::<T, RELU>(dy, x, mean, scale, beta);
                *dbeta += dy;
                *dgamma += dy * (x - mean);
            }
        }
    }
}

/// What each channel's gradients lose: `dx = scale · (dy - shift - slope · (x - μ))`.
#[derive(Clone, Copy, Debug)]
pub struct Loss<'a, T> {
    /// `mean(dy)`
    pub shift: &'a [T],
    /// `mean(dy · (x - μ)) / (σ² + ε)`
    pub slope: &'a [T],
}

#[inline(always)]
fn descended<T: Number>(dy: T, distance: T, [scale, shift, slope]: [T; 3]) -> T {
    scale * (dy - shift - slope * distance)
}

/// The gradients `dxs` of the pixels `xs`, from `dys`, or from what stands in their place if there are none.
pub fn descend<T: Number>(
    isa: Isa,
    by: Channels<'_, T>,
    loss: Loss<'_, T>,
    (xs, dys): (&[T], Option<&[T]>),
    dxs: &mut [T],
) {
    if by.relu {
        T::dispatch(isa, Descend::<T, true> { by, loss, xs, dys, dxs });
    } else {
        T::dispatch(isa, Descend::<T, false> { by, loss, xs, dys, dxs });
    }
}

struct Descend<'a, T, const RELU: bool> {
    by: Channels<'a, T>,
    loss: Loss<'a, T>,
    xs: &'a [T],
    dys: Option<&'a [T]>,
    dxs: &'a mut [T],
}

impl<T: Number, const RELU: bool> Kernel<T> for Descend<'_, T, RELU> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let Self { by: Channels { mean, scale, beta, .. }, loss: Loss { shift, slope }, xs, dys, dxs } = self;
        let c = mean.len();
        let pixels = dxs.chunks_exact_mut(c).zip(xs.chunks_exact(c));
        let channels = || mean.iter().zip(scale.iter().zip(beta)).zip(shift.iter().zip(slope));
        let Some(dys) = dys else {
            for (dx, x) in pixels {
                for ((dx, &x), ((&mean, (&scale, &beta)), (&shift, &slope))) in
                    dx.iter_mut().zip(x).zip(channels())
                {
                    *dx = descended(
                        through::<T, RELU>(*dx, x, mean, scale, beta),
                        x - mean,
                        [scale, shift, slope],
                    );
                }
            }
            return;
        };
        for ((dx, x), dy) in pixels.zip(dys.chunks_exact(c)) {
            for (((dx, &x), &dy), ((&mean, (&scale, &beta)), (&shift, &slope))) in
                dx.iter_mut().zip(x).zip(dy).zip(channels())
            {
                *dx =
                    descended(through::<T, RELU>(dy, x, mean, scale, beta), x - mean, [scale, shift, slope]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More than fill the vectors.
    const C: usize = 37;
    const PIXELS: usize = 7;

    fn draw(seed: usize, count: usize) -> Vec<f64> {
        (0..count).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f64 / 500.0 - 2.0).collect()
    }

    fn assert_near(found: &[f64], expected: impl Fn(usize) -> f64, what: &str) {
        for (i, &found) in found.iter().enumerate() {
            let expected = expected(i);
            assert!((found - expected).abs() <= 1e-13 * expected.abs().max(1.0), "{what}, number {i}");
        }
    }

    #[test]
    fn moments_are_the_definition() {
        let xs = draw(0, PIXELS * C);
        let mean_of = |c: usize| xs.iter().skip(c).step_by(C).sum::<f64>() / PIXELS as f64;
        for isa in Isa::available() {
            let (mut mean, mut squares) = (vec![f64::NAN; C], vec![f64::NAN; C]);
            moments(isa, &xs, &mut mean, &mut squares);
            assert_near(&mean, mean_of, "mean");
            let squares_of =
                |c: usize| xs.iter().skip(c).step_by(C).map(|x| (x - mean_of(c)).powi(2)).sum::<f64>();
            assert_near(&squares, squares_of, "squares");
        }
    }

    #[test]
    fn passes_are_their_formulas() {
        let [xs, dys] = [1, 2].map(|seed| draw(seed, PIXELS * C));
        let [mean, scale, beta, shift, slope] = [3, 4, 5, 6, 7].map(|seed| draw(seed, C));
        let y_of = |i: usize| (xs[i] - mean[i % C]) * scale[i % C] + beta[i % C];
        for isa in Isa::available() {
            for relu in [false, true] {
                let by = Channels { mean: &mean, scale: &scale, beta: &beta, relu };
                let cut = |y: f64| if relu { y.max(0.0) } else { y };
                let through = |i: usize| if relu && y_of(i) <= 0.0 { 0.0 } else { dys[i] };
                let (mut ys, mut there) = (vec![f64::NAN; PIXELS * C], xs.clone());
                normalise(isa, by, Some(&xs), &mut ys);
                normalise(isa, by, None, &mut there);
                assert_near(&ys, |i| cut(y_of(i)), "y");
                assert_eq!(ys, there);

                let (mut dbeta, mut dgamma) = (vec![1.0; C], vec![2.0; C]);
                gradients(isa, by, [&dys, &xs], [&mut dbeta, &mut dgamma]);
                let pixels = |c: usize| (0..PIXELS).map(move |pixel| pixel * C + c);
                assert_near(&dbeta, |c| 1.0 + pixels(c).map(through).sum::<f64>(), "dbeta");
                let product = |i: usize| through(i) * (xs[i] - mean[i % C]);
                assert_near(&dgamma, |c| 2.0 + pixels(c).map(product).sum::<f64>(), "dgamma");

                let loss = Loss { shift: &shift, slope: &slope };
                let (mut dxs, mut there) = (vec![f64::NAN; PIXELS * C], dys.clone());
                descend(isa, by, loss, (&xs, Some(&dys)), &mut dxs);
                descend(isa, by, loss, (&xs, None), &mut there);
                assert_eq!(dxs, there);
                let dx_of = |i: usize| {
                    let c = i % C;
                    scale[c] * (through(i) - shift[c] - slope[c] * (xs[i] - mean[c]))
                };
                assert_near(&dxs, dx_of, "dx");
            }
        }
    }
}
