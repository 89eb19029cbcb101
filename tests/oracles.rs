//! Every fast convolution equals the naive one, on every instruction set of this machine.
//!
//! Integers make the comparison exact: products and sums of small integers are representable, so
//! whatever the order of the sum, the results are equal to the last bit. Real numbers then bound
//! the error that the order makes, and the error of Winograd's form, whose products are other ones.

use proptest::{prelude::*, test_runner::TestRunner};
use residual::{
    Real, Shape, Tensor,
    ops::conv2d::{Geometry, blocked, im2col, naive, winograd},
    rng::Generator,
    simd::Isa,
};

/// How many geometries each instruction set is tried on.
const CASES: u32 = 320;

#[derive(Clone, Copy, Debug)]
struct Case {
    x: [usize; 4],
    w: [usize; 4],
    g: Geometry,
    seed: u64,
}

impl Case {
    /// An input, weights, and an output's gradient.
    fn tensors<T: Real>(&self, draw: impl Fn(&mut Generator) -> f64) -> [Tensor<T>; 3] {
        let mut rng = Generator::new(self.seed, 0);
        let y = self.g.output_shape(self.x.into(), self.w.into());
        [self.x.into(), self.w.into(), y]
            .map(|shape: Shape| Tensor::from_fn(shape, |_| T::of(draw(&mut rng))))
    }
}

/// Batches of 1 to 3 images of 1 to 16 and of 4 to 17 images of 1 to 6, channels on both sides of one and of two
/// blocks, kernels of 1 to 5, strides beyond the kernel, padding, dilation, groups from one to depthwise.
fn cases() -> impl Strategy<Value = Case> {
    let width = || prop_oneof![3 => 1..=9usize, 1 => 10..=40usize];
    let pair = |range: std::ops::RangeInclusive<usize>| [range.clone(), range];
    let motion = (pair(1..=5), pair(1..=3), pair(0..=3), pair(1..=2));
    // One group, any groups, or groups of which several fill a block.
    let even = (0..=3u32, 1..=3usize).prop_map(|(log, blocks)| ((16 * blocks) >> log, 1 << log, 1 << log));
    let channels = prop_oneof![
        2 => (Just(1), width(), width()),
        1 => (2..=18usize, width(), width()),
        1 => even,
    ];
    // A few images, or many small ones.
    let images = prop_oneof![2 => (1..=3usize, pair(1..=16)), 1 => (4..=17usize, pair(1..=6))];
    (images, channels, motion, any::<u64>()).prop_map(
        |((n, size), (groups, inputs, outputs), (kernel, stride, padding, dilation), seed)| {
            let fits = |axis: usize| dilation[axis] * (kernel[axis] - 1) < size[axis] + 2 * padding[axis];
            let kernel: [usize; 2] = std::array::from_fn(|axis| if fits(axis) { kernel[axis] } else { 1 });
            Case {
                x: [n, size[0], size[1], groups * inputs],
                w: [groups * outputs, inputs, kernel[0], kernel[1]],
                g: Geometry { stride, padding, dilation, groups },
                seed,
            }
        },
    )
}

/// Integers up to 8 in size: even 3·16·16 products of 64 sum to less than 2^24.
fn integer(rng: &mut Generator) -> f64 {
    rng.below(17) as f64 - 8.0
}

/// The three passes of one form of convolution.
trait Form<T: Real> {
    fn forward(&self, x: &Tensor<T>, w: &Tensor<T>, g: Geometry) -> Tensor<T>;
    fn grad_input(&self, dy: &Tensor<T>, w: &Tensor<T>, x: Shape, g: Geometry) -> Tensor<T>;
    fn grad_weights(&self, dy: &Tensor<T>, x: &Tensor<T>, w: Shape, g: Geometry) -> Tensor<T>;
}

impl<T: Real> Form<T> for Isa {
    fn forward(&self, x: &Tensor<T>, w: &Tensor<T>, g: Geometry) -> Tensor<T> {
        blocked::forward(*self, x, w, g)
    }
    fn grad_input(&self, dy: &Tensor<T>, w: &Tensor<T>, x: Shape, g: Geometry) -> Tensor<T> {
        blocked::grad_input(*self, dy, w, x, g)
    }
    fn grad_weights(&self, dy: &Tensor<T>, x: &Tensor<T>, w: Shape, g: Geometry) -> Tensor<T> {
        blocked::grad_weights(*self, dy, x, w, g)
    }
}

struct Im2col;

impl<T: Real> Form<T> for Im2col {
    fn forward(&self, x: &Tensor<T>, w: &Tensor<T>, g: Geometry) -> Tensor<T> {
        im2col::forward(x, w, g)
    }
    fn grad_input(&self, dy: &Tensor<T>, w: &Tensor<T>, x: Shape, g: Geometry) -> Tensor<T> {
        im2col::grad_input(dy, w, x, g)
    }
    fn grad_weights(&self, dy: &Tensor<T>, x: &Tensor<T>, w: Shape, g: Geometry) -> Tensor<T> {
        im2col::grad_weights(dy, x, w, g)
    }
}

fn equals_naive<T: Real>(name: &str, form: impl Form<T>) {
    TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) })
        .run(&cases(), |case| {
            let [x, w, dy] = case.tensors::<T>(integer);
            let g = case.g;
            prop_assert_eq!(form.forward(&x, &w, g), naive::forward(&x, &w, g), "forward");
            let dx = naive::grad_input(&dy, &w, x.shape(), g);
            prop_assert_eq!(form.grad_input(&dy, &w, x.shape(), g), dx, "grad_input");
            let dw = naive::grad_weights(&dy, &x, w.shape(), g);
            prop_assert_eq!(form.grad_weights(&dy, &x, w.shape(), g), dw, "grad_weights");
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    println!("{name} {}: {CASES} geometries, three passes, equal to the last bit", T::DTYPE);
}

/// Checks an instruction set if this machine has it, and says so if it has not.
fn isa_equals_naive<T: Real>(isa: Isa) {
    if isa.is_available() {
        equals_naive::<T>(isa.name(), isa);
    } else {
        println!("{isa}: not on this machine");
    }
}

#[test]
fn scalar_equals_naive() {
    isa_equals_naive::<f32>(Isa::Scalar);
}

#[test]
fn avx2_equals_naive() {
    isa_equals_naive::<f32>(Isa::Avx2);
}

#[test]
fn avx512_equals_naive() {
    isa_equals_naive::<f32>(Isa::Avx512);
}

#[test]
fn neon_equals_naive() {
    isa_equals_naive::<f32>(Isa::Neon);
}

#[test]
fn every_isa_equals_naive_in_f64() {
    Isa::available().into_iter().for_each(isa_equals_naive::<f64>);
}

#[test]
fn im2col_equals_naive() {
    equals_naive::<f32>("im2col", Im2col);
}

/// The layers of real networks: many channels, whole bands, both kinds of panels, two tiles in a row, and more
/// multiply-adds than stay on one thread.
#[test]
fn real_layers_equal_naive() {
    let plain = Geometry::default();
    let same = plain.padding([1, 1]);
    let layers = [
        ([1, 30, 30, 64], [64, 64, 3, 3], same),
        ([4, 9, 9, 64], [80, 64, 3, 3], same.stride([2, 2])),
        ([2, 17, 17, 256], [144, 256, 1, 1], plain),
        ([4, 40, 33, 3], [48, 3, 11, 11], plain.padding([2, 2]).stride([4, 4])),
        ([4, 18, 18, 128], [128, 4, 3, 3], same.groups(32)),
        ([4, 30, 30, 48], [48, 1, 5, 5], plain.padding([2, 2]).groups(48)),
        // Few channels: planes, and neighbours that are joined, in rows and in small images.
        ([20, 28, 28, 1], [6, 1, 5, 5], plain.padding([2, 2])),
        ([20, 14, 14, 6], [16, 6, 5, 5], plain),
        // Small images, so many that they are laid out in two strips, and as many as leave one over.
        ([20, 8, 8, 256], [32, 256, 3, 3], same),
        ([15, 4, 4, 192], [96, 192, 3, 3], same.stride([2, 2])),
    ];
    for isa in Isa::available() {
        for (x, w, g) in layers {
            let [x, w, dy] = Case { x, w, g, seed: 1 }.tensors::<f32>(|rng| rng.below(5) as f64 - 2.0);
            assert_eq!(blocked::forward(isa, &x, &w, g), naive::forward(&x, &w, g));
            let dx = naive::grad_input(&dy, &w, x.shape(), g);
            assert_eq!(blocked::grad_input(isa, &dy, &w, x.shape(), g), dx);
            let dw = naive::grad_weights(&dy, &x, w.shape(), g);
            assert_eq!(blocked::grad_weights(isa, &dy, &x, w.shape(), g), dw);
        }
    }
}

/// On normal random numbers the error's norm over the result's norm is a few units in the last
/// place (2^-24 = 6e-8): a sum of n products, in whatever order, loses about √n of them.
#[test]
fn rounding_stays_small() {
    let case =
        Case { x: [2, 14, 14, 96], w: [48, 96, 3, 3], g: Geometry::default().padding([1, 1]), seed: 3 };
    let [x32, w32, dy32] = case.tensors::<f32>(Generator::normal);
    let [x, w, dy] = [&x32, &w32, &dy32].map(Tensor::cast::<f64>);
    let g = case.g;
    let y = naive::forward(&x, &w, g);
    let dx = naive::grad_input(&dy, &w, x.shape(), g);
    let dw = naive::grad_weights(&dy, &x, w.shape(), g);
    for isa in Isa::available() {
        let errors = [
            distance(&blocked::forward(isa, &x32, &w32, g), &y),
            distance(&blocked::grad_input(isa, &dy32, &w32, x.shape(), g), &dx),
            distance(&blocked::grad_weights(isa, &dy32, &x32, w.shape(), g), &dw),
        ];
        println!("{isa}: forward, grad_input, grad_weights off by {errors:?} of their norms");
        assert!(errors.into_iter().all(|error| error < 2e-6), "{isa}: {errors:?}");
    }
}

/// Winograd's form computes other products, so it is judged by the norm of its error: the three passes in
/// `T`, on normal random numbers, against the naive form in f64.
fn winograd_is_near<T: Real>(isa: Isa, (x, w, padding): ([usize; 4], [usize; 4], [usize; 2])) -> [f64; 3] {
    let g = Geometry::default().padding(padding);
    let [xt, wt, dyt] = Case { x, w, g, seed: 5 }.tensors::<T>(Generator::normal);
    let [x, w, dy] = [&xt, &wt, &dyt].map(Tensor::cast::<f64>);
    [
        distance(&winograd::forward(isa, &xt, &wt, g), &naive::forward(&x, &w, g)),
        distance(
            &winograd::grad_input(isa, &dyt, &wt, x.shape(), g),
            &naive::grad_input(&dy, &w, x.shape(), g),
        ),
        distance(
            &winograd::grad_weights(isa, &dyt, &xt, w.shape(), g),
            &naive::grad_weights(&dy, &x, w.shape(), g),
        ),
    ]
}

/// Images smaller than a tile, ragged at the edges, every padding, one panel and an odd number of them.
#[test]
fn winograd_stays_near_naive() {
    let sizes = prop_oneof![1..=6usize, 7..=19usize];
    let blocks = || prop_oneof![3 => 1..=3usize, 1 => 8..=9usize];
    let cases = (1..=3usize, [sizes.clone(), sizes], blocks(), blocks(), [0..=2usize, 0..=2usize]);
    for isa in Isa::available() {
        let worst = std::cell::Cell::new([0f64; 2]);
        TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(10) })
            .run(&cases, |(n, size, inputs, outputs, padding)| {
                let size: [usize; 2] =
                    std::array::from_fn(|axis| size[axis].max(3 - 2 * padding[axis].min(1)));
                let case = ([n, size[0], size[1], 16 * inputs], [16 * outputs, 16 * inputs, 3, 3], padding);
                let off = [winograd_is_near::<f32>(isa, case), winograd_is_near::<f64>(isa, case)]
                    .map(|errors| errors.into_iter().fold(0.0, f64::max));
                prop_assert!(off[0] < 1e-5 && off[1] < 1e-14, "{isa}, {case:?}: {off:?}");
                let before = worst.get();
                worst.set([0, 1].map(|i| before[i].max(off[i])));
                Ok(())
            })
            .unwrap_or_else(|error| panic!("{error}"));
        println!("{isa}: Winograd's form off by at most {:?} of the norm, f32 and f64", worst.get());
    }
}

/// Several parts of a batch, one long row of tiles, more blocks of inputs than a task takes, wide layers, no images.
#[test]
fn winograd_joins_its_parts() {
    let cases = [
        ([4, 33, 30, 16], [48, 16, 3, 3], [1, 1]),
        ([1, 5, 999, 16], [16, 16, 3, 3], [1, 1]),
        ([2, 9, 9, 144], [80, 144, 3, 3], [0, 2]),
        // Parts of the batch, and chunks of the inputs that do not come out even.
        ([57, 5, 5, 80], [48, 80, 3, 3], [1, 1]),
        // Weights are turned on the way, in chunks that do not come out even.
        ([3, 7, 5, 144], [176, 144, 3, 3], [1, 1]),
    ];
    for (isa, case) in Isa::available().into_iter().flat_map(|isa| cases.map(|case| (isa, case))) {
        let off = winograd_is_near::<f32>(isa, case);
        assert!(off.into_iter().all(|off| off < 1e-5), "{isa}, {case:?}: {off:?}");
    }
    let none = Tensor::<f32>::zeros([0, 8, 8, 16]);
    let w = Tensor::zeros([16, 16, 3, 3]);
    assert_eq!(winograd::forward(Isa::current(), &none, &w, Geometry::default()).len(), 0);
}

#[test]
fn no_images_have_no_gradient() {
    let plain = Geometry::default();
    for (w, g) in [([16, 16, 3, 3], plain), ([16, 16, 1, 1], plain), ([16, 4, 3, 3], plain.groups(4))] {
        let x = Tensor::<f32>::zeros([0, 8, 8, 16]);
        let dy = Tensor::zeros(g.output_shape(x.shape(), w.into()));
        for isa in Isa::available() {
            assert_eq!(blocked::grad_weights(isa, &dy, &x, w.into(), g), Tensor::zeros(w), "{w:?}");
            if winograd::fits(w.into(), g) {
                assert_eq!(winograd::grad_weights(isa, &dy, &x, w.into(), g), Tensor::zeros(w), "{w:?}");
            }
        }
    }
}

fn distance<T: Real>(found: &Tensor<T>, expected: &Tensor<f64>) -> f64 {
    let pairs = found.as_slice().iter().zip(expected.as_slice());
    let squares = pairs.map(|(&a, &b)| ((a.to_f64() - b).powi(2), b * b));
    let (error, norm) = squares.fold((0.0, 0.0), |(e, n), (a, b)| (e + a, n + b));
    (error / norm).sqrt()
}
