//! Solutions of chapter 16's exercises 1 to 3. Those of 4 and 5 are on the page.

/// Exercise 1. The gradient of the mean loss over all pictures, from each worker's gradient of the mean loss over its
/// own `pictures`, which need not be equally many.
pub fn combined(gradients: &[Vec<f64>], pictures: &[usize]) -> Vec<f64> {
    let all: usize = pictures.iter().sum();
    let mut sum = vec![0.0; gradients[0].len()];
    for (gradient, &n) in gradients.iter().zip(pictures) {
        let share = n as f64 / all as f64;
        sum.iter_mut().zip(gradient).for_each(|(sum, g)| *sum += share * g);
    }
    sum
}

/// What a worker knows of one channel: how many numbers, their mean, and the sum of their squared distances from it.
#[derive(Clone, Copy, Debug)]
pub struct Moments {
    pub count: f64,
    pub mean: f64,
    pub squares: f64,
}

/// Exercise 2. The moments of two workers' numbers together.
pub fn merged(a: Moments, b: Moments) -> Moments {
    let count = a.count + b.count;
    let mean = a.mean + (b.mean - a.mean) * b.count / count;
    let about = |part: Moments| part.squares + part.count * (part.mean - mean).powi(2);
    Moments { count, mean, squares: about(a) + about(b) }
}

/// Exercise 3. An all-reduce in few messages. In turn t, worker r and the worker whose number differs from r in bit t
/// alone give each other all that they have, and both add. `workers` are as many as a power of two. Returns how many
/// turns it took.
pub fn doubling(workers: &mut [Vec<f64>]) -> usize {
    let turns = workers.len().ilog2() as usize;
    for turn in 0..turns {
        let before = workers.to_vec();
        for (rank, numbers) in workers.iter_mut().enumerate() {
            let partner = &before[rank ^ (1 << turn)];
            numbers.iter_mut().zip(partner).for_each(|(sum, x)| *sum += x);
        }
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unequal_shards_are_weighed() {
        let gradients = [vec![1.0, 8.0], vec![5.0, -8.0]];
        assert_eq!(combined(&gradients, &[3, 1]), [2.0, 4.0]);
        assert_eq!(combined(&gradients, &[2, 2]), [3.0, 0.0]);
        assert_eq!(combined(&gradients, &[7, 0]), [1.0, 8.0]);
    }

    fn moments(xs: &[f64]) -> Moments {
        let count = xs.len() as f64;
        let mean = xs.iter().sum::<f64>() / count;
        Moments { count, mean, squares: xs.iter().map(|x| (x - mean).powi(2)).sum() }
    }

    #[test]
    fn moments_of_parts_are_those_of_the_whole() {
        // Far from zero, where the mean of squares less the square of the mean has lost its digits.
        let xs: Vec<f64> = (0..100).map(|i| 1e8 + f64::from((i * 37) % 101)).collect();
        for cut in [1, 30, 50, 99] {
            let found = merged(moments(&xs[..cut]), moments(&xs[cut..]));
            let whole = moments(&xs);
            assert_eq!(found.count, 100.0);
            assert!((found.mean - whole.mean).abs() < 1e-6, "cut at {cut}: {found:?}, {whole:?}");
            assert!((found.squares / whole.squares - 1.0).abs() < 1e-6, "cut at {cut}: {found:?}, {whole:?}");
        }
    }

    #[test]
    fn doubling_reaches_everybody() {
        for (k, turns) in [(1, 0), (2, 1), (8, 3), (64, 6)] {
            let mut workers: Vec<_> = (0..k).map(|rank| vec![f64::from(rank), 1.0]).collect();
            assert_eq!(doubling(&mut workers), turns, "{k} workers");
            let sum = f64::from(k * (k - 1) / 2);
            assert!(workers.iter().all(|numbers| *numbers == [sum, f64::from(k)]), "{k} workers: {workers:?}");
        }
    }
}
