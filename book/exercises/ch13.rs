//! Exercises of chapter 13. Replace each `todo!()`, then:
//! `cargo test --test exercises -- --include-ignored ch13`

use std::ops::{Add, Mul, Sub};

/// Exercise 1. The sum of x·w in sixteen sums that do not wait for each other, added up at the end. The lengths are
/// equal, and need not be a multiple of sixteen.
pub fn dot(x: &[f32], w: &[f32]) -> f32 {
    todo!("sums[i % 16] gets product i; chunks_exact(16) lets the compiler see it")
}

/// Exercise 2. The tile of P pixels by V blocks with the fewest loads for each multiply-add of all that fit so many
/// registers: P·V sums, V blocks of the filter, one number spread out. Of equal ones that with fewer blocks.
pub fn best_tile(registers: usize) -> (usize, usize) {
    todo!("try them all: (P + V) / (P·V) is to be least while P·V + V + 1 <= registers")
}

/// Exercise 3. Two outputs of a filter of three taps, from four inputs `d` and the mapped filter `u` = G g, with four
/// multiplications and no more.
pub fn filter<T: Copy + Add<Output = T> + Sub<Output = T> + Mul<Output = T>>(d: [T; 4], u: [T; 4]) -> [T; 2] {
    todo!("four sums of inputs, four products, two sums of products")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    #[ignore = "yours to solve"]
    fn sixteen_sums_are_one_sum() {
        for len in [0, 1, 15, 16, 17, 100] {
            let x: Vec<_> = (0..len).map(|i| (i * 7 % 11) as f32 - 5.0).collect();
            let w: Vec<_> = (0..len).map(|i| (i * 5 % 13) as f32 - 6.0).collect();
            let expected: f32 = x.iter().zip(&w).map(|(x, w)| x * w).sum();
            assert_eq!(dot(&x, &w), expected, "{len} whole numbers");
        }
    }

    /// Sixteen short sums round less than a long one.
    #[test]
    #[ignore = "yours to solve"]
    fn sixteen_sums_round_less() {
        let x = vec![0.1f32; 1 << 20];
        let w = vec![1.0f32; 1 << 20];
        let exact = f64::from(0.1f32) * f64::from(1 << 20);
        let long: f32 = x.iter().zip(&w).map(|(x, w)| x * w).sum();
        let [sixteen, long] = [dot(&x, &w), long].map(|sum| (f64::from(sum) - exact).abs());
        assert!(10.0 * sixteen < long, "off by {sixteen}, in one sum by {long}");
    }

    #[test]
    #[ignore = "yours to solve"]
    fn no_tile_loads_less() {
        for registers in [3, 4, 8, 16, 32, 64] {
            let (p, v) = best_tile(registers);
            assert!(p > 0 && v > 0 && p * v + v < registers, "{p} x {v} in {registers} registers");
            let loads = |p: usize, v: usize| (p + v) as f64 / (p * v) as f64;
            for (other_p, other_v) in (1..64).flat_map(|p| (1..64).map(move |v| (p, v))) {
                let fits = other_p * other_v + other_v < registers;
                let better = loads(other_p, other_v) < loads(p, v)
                    || loads(other_p, other_v) == loads(p, v) && other_v < v;
                assert!(!(fits && better), "{other_p} x {other_v} is better than {p} x {v}");
            }
        }
    }

    thread_local!(static PRODUCTS: Cell<usize> = const { Cell::new(0) });

    /// A number that counts how often it is multiplied.
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Counted(f64);

    impl Add for Counted {
        type Output = Self;
        fn add(self, other: Self) -> Self {
            Self(self.0 + other.0)
        }
    }

    impl Sub for Counted {
        type Output = Self;
        fn sub(self, other: Self) -> Self {
            Self(self.0 - other.0)
        }
    }

    impl Mul for Counted {
        type Output = Self;
        fn mul(self, other: Self) -> Self {
            PRODUCTS.set(PRODUCTS.get() + 1);
            Self(self.0 * other.0)
        }
    }

    #[test]
    #[ignore = "yours to solve"]
    fn four_products_make_two_outputs() {
        for (d, g) in [([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0]), ([-3.0, 0.5, 8.0, -1.0], [2.0, -4.0, 1.0])] {
            let u = [g[0], (g[0] + g[1] + g[2]) / 2.0, (g[0] - g[1] + g[2]) / 2.0, g[2]];
            PRODUCTS.set(0);
            let y = filter(d.map(Counted), u.map(Counted)).map(|y| y.0);
            assert!(PRODUCTS.get() <= 4, "{} products", PRODUCTS.get());
            let direct = [0, 1].map(|k| g[0] * d[k] + g[1] * d[k + 1] + g[2] * d[k + 2]);
            assert_eq!(y, direct);
        }
    }
}
