//! Who computes which outputs: some rows, or, where these are few, some channels of them.

use super::*;
use crate::kernels::correlate::{Share, split};
use std::{ops::Range, ptr};

/// With fewer tasks for each thread than this their panels are shared out, until there are as many as that.
const TOO_FEW: usize = 4;
const ENOUGH: usize = 8;

/// Output rows of one image, at most a band of them, and what they are computed from.
pub(super) struct Task<'a, T> {
    pub plan: &'a Correlation,
    /// Begins with the image.
    pub source: &'a [T],
    pub rows: Range<usize>,
    pub out: &'a mut [T],
}

/// How many panels a task takes of so `many`.
pub(super) fn panels_of_a_task(products: usize, tasks: usize, many: usize) -> usize {
    let threads = rayon::current_num_threads();
    if threads == 1 || threads::is_small(products) || tasks >= TOO_FEW * threads {
        return many;
    }
    many.div_ceil((ENOUGH * threads).div_ceil(tasks.max(1))).max(1)
}

/// Does all `tasks` of a convolution of so many multiply-adds.
pub(super) fn run<T: Real>(isa: Isa, products: usize, panels: &Panels<T>, tasks: Vec<Task<'_, T>>) {
    let many = panels.packed.len();
    let each = panels_of_a_task(products, tasks.len(), many);
    if each < many {
        return run_by_panels(isa, products, panels, tasks, each);
    }
    threads::each(
        products,
        tasks,
        || None,
        |state: &mut Option<(&Correlation, Strip<T>)>, Task { plan, source, rows, out }| {
            if state.as_ref().is_some_and(|(other, _)| !ptr::eq(*other, plan)) {
                *state = None;
            }
            let (_, strip) = state.get_or_insert_with(|| (plan, plan.strip()));
            let next = T::lay_out(plan, isa, rows.clone(), source, strip);
            T::correlate(plan, isa, Share::new(panels, 0..many), (strip, next), (rows.start, out));
        },
    );
}

/// Each of few tasks in shares of at most so many panels.
fn run_by_panels<T: Real>(
    isa: Isa,
    products: usize,
    panels: &Panels<T>,
    tasks: Vec<Task<'_, T>>,
    each: usize,
) {
    let strips = threads::map(products, tasks.len(), |i| {
        let Task { plan, source, ref rows, .. } = tasks[i];
        let mut strip = plan.strip();
        T::lay_out(plan, isa, rows.clone(), source, &mut strip);
        strip
    });
    let many = panels.packed.len();
    let shares: Vec<_> = split(many, each).map(|numbers| Share::new(panels, numbers)).collect();
    let pixel = Share::new(panels, 0..many).channels();
    let parts = threads::map(products, tasks.len() * shares.len(), |i| {
        let (task, share) = (i / shares.len(), shares[i % shares.len()]);
        let Task { plan, ref rows, ref out, .. } = tasks[task];
        let mut part = Buffer::scratch(out.len() / pixel * share.channels());
        T::correlate(plan, isa, share, (&strips[task], &[]), (rows.start, &mut part));
        part
    });
    threads::each(
        products,
        tasks.into_iter().zip(parts.chunks(shares.len())).collect(),
        || (),
        |(), (task, parts)| {
            for (i, mut pixel) in task.out.chunks_exact_mut(pixel).enumerate() {
                for (share, part) in shares.iter().zip(parts) {
                    let (mine, rest) = pixel.split_at_mut(share.channels());
                    mine.copy_from_slice(&part[i * mine.len()..][..mine.len()]);
                    pixel = rest;
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{
        bias,
        conv2d::{Filters, naive},
        relu,
    };
    use rayon::ThreadPoolBuilder;

    fn on_threads<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
        ThreadPoolBuilder::new().num_threads(threads).build().expect("threads").install(f)
    }

    /// On integers, sums are the same in every order.
    fn put_together_right<T: Real>(images: usize) {
        // A 3x3 kernel, with a stride of two as well; one pixel by pixel, in tasks of several sizes; groups; channels that
        // fill no panel.
        let cases = [
            (64, 160, 3, 1, 1),
            (80, 144, 3, 2, 1),
            (192, 528, 1, 1, 1),
            (256, 256, 3, 1, 4),
            (224, 500, 1, 1, 1),
        ];
        for (c, o, k, stride, groups) in cases {
            let g = Geometry::default().stride([stride; 2]).padding([k / 2; 2]).groups(groups);
            let x = Tensor::from_fn([images, 7 * stride, 9 * stride, c], |i| {
                T::of(((i * 7919) % 7) as f64 - 3.0)
            });
            let w = Tensor::from_fn([o, c / groups, k, k], |i| T::of(((i * 104_729) % 5) as f64 - 2.0));
            let y = naive::forward(&x, &w, g);
            let dx = naive::grad_input(&y, &w, x.shape(), g);
            for (threads, isa) in
                [1, 2, 5].into_iter().flat_map(|n| Isa::available().into_iter().map(move |isa| (n, isa)))
            {
                let what = format!("{c} to {o} by {k}, {threads} threads, {isa}");
                assert!(on_threads(threads, || forward(isa, &x, &w, g)) == y, "forward, {what}");
                assert!(on_threads(threads, || grad_input(isa, &y, &w, x.shape(), g)) == dx, "dx, {what}");
            }
        }
    }

    #[test]
    fn shared_panels_are_put_together_right() {
        put_together_right::<f32>(1);
        put_together_right::<f64>(1);
        put_together_right::<f32>(0);
    }

    #[test]
    fn shared_panels_keep_their_bias_and_relu() {
        let g = Geometry::default().padding([1, 1]);
        let x = Tensor::from_fn([1, 7, 9, 64], |i| ((i * 7919) % 7) as f32 - 3.0);
        let w = Tensor::from_fn([160, 64, 3, 3], |i| ((i * 104_729) % 5) as f32 - 2.0);
        let b = Tensor::from_fn([160], |i| i as f32 - 80.0);
        let y = relu::forward(bias::forward(naive::forward(&x, &w, g), &b));
        for threads in [1, 2] {
            let fused = || Filters::new(&w, g, Some(&b), true, x.shape()).forward(&x);
            assert!(on_threads(threads, fused) == y, "{threads} threads");
        }
    }

    #[test]
    fn few_tasks_are_shared_out_and_many_are_not() {
        on_threads(2, || {
            assert_eq!(panels_of_a_task(1 << 30, 1, 64), 4);
            assert_eq!(panels_of_a_task(1 << 30, 4, 64), 16);
            assert_eq!(panels_of_a_task(1 << 30, 8, 64), 64);
            assert_eq!(panels_of_a_task(1 << 10, 1, 64), 64);
        });
    }
}
