//! [`GoogLeNet`]: a chain of layers with classifiers on the way.

use crate::{
    models::{Model, Step},
    nn::{Layer, Mode, Outline, Path, Sequential, Visitor, Wiring},
    ops::{add, cross_entropy::CrossEntropy},
    real::Real,
    tensor::{Shape, Tensor},
};

/// What the loss of a head counts (section 5 of the paper).
const WEIGHT: f64 = 0.3;

/// A network that is also told half-way how it is doing.
///
/// In training, the loss is
///
/// ```text
/// L = L(logits) + 0.3 · L(aux1) + 0.3 · L(aux2)
/// ```
///
/// and where a head stands, its gradient joins the one that comes from the end: the layers before it
/// get a signal that has not been through all the layers after it. Evaluation leaves the heads out.
pub struct GoogLeNet<T: Real> {
    /// The layers up to the place of the first head, from there to the second's, and the rest.
    pub(super) trunk: [Sequential<T>; 3],
    pub(super) heads: Option<[Sequential<T>; 2]>,
    pub(super) classifier: Sequential<T>,
    pub(super) transform_input: bool,
}

/// In the order in which they stand.
const NAMES: [&str; 2] = ["aux1", "aux2"];

impl<T: Real> GoogLeNet<T> {
    /// Of its layers up to the place of the first head, from there to the second's, and the rest; its heads, if
    /// any; and what classifies at the end.
    pub fn new(
        trunk: [Sequential<T>; 3],
        heads: Option<[Sequential<T>; 2]>,
        classifier: Sequential<T>,
    ) -> Self {
        Self { trunk, heads, classifier, transform_input: false }
    }

    // ANCHOR: passes
    /// The logits at the end and, in training, those of the heads.
    fn forward(&mut self, images: Tensor<T>, mode: Mode) -> (Tensor<T>, Vec<Tensor<T>>) {
        let mut x = if self.transform_input { transformed(images) } else { images };
        let mut heads = self.heads.iter_mut().flatten().filter(|_| mode == Mode::Train);
        let mut auxiliary = Vec::new();
        for part in &mut self.trunk {
            x = part.forward(x, mode);
            auxiliary.extend(heads.next().map(|head| head.forward(x.clone(), mode)));
        }
        (self.classifier.forward(x, mode), auxiliary)
    }

    /// From the gradients of all logits to those of all parameters.
    fn backward(&mut self, dlogits: Tensor<T>, dauxiliary: Vec<Tensor<T>>) {
        let Self { trunk: [stem, middle, top], heads, classifier, .. } = self;
        let mut heads: Vec<_> = heads.iter_mut().flatten().zip(dauxiliary).collect();
        // A head waits for its turn: its logits are few, and what it hands back is as large as what it was given.
        let mut join = |dx| match heads.pop() {
            Some((head, dlogits)) => add::forward(dx, &head.backward(dlogits)),
            None => dx,
        };
        let dx = top.backward(classifier.backward(dlogits));
        let dx = middle.backward(join(dx));
        stem.backward_params(join(dx));
    }
    // ANCHOR_END: passes
}

impl<T: Real> Model<T> for GoogLeNet<T> {
    fn scores(&mut self, images: Tensor<T>) -> Tensor<T> {
        self.forward(images, Mode::Eval).0
    }

    fn fuse(&mut self) {
        self.trunk.iter_mut().for_each(Layer::fuse);
        Layer::fuse(&mut self.classifier);
    }

    // ANCHOR: train_step
    fn train_step(&mut self, images: Tensor<T>, labels: &[usize], loss: &CrossEntropy) -> Step<T> {
        let (logits, auxiliary) = self.forward(images, Mode::Train);
        let (mut value, probabilities) = loss.forward(&logits, labels);
        let dlogits = loss.backward(probabilities, labels);
        let mut dauxiliary = Vec::new();
        for logits in &auxiliary {
            let (head, probabilities) = loss.forward(logits, labels);
            value += WEIGHT * head;
            dauxiliary.push(loss.backward(probabilities, labels).map(|d| d * T::of(WEIGHT)));
        }
        self.backward(dlogits, dauxiliary);
        Step { loss: value, logits, auxiliary }
    }
    // ANCHOR_END: train_step

    fn train_loss(&mut self, images: Tensor<T>, labels: &[usize], loss: &CrossEntropy) -> f64 {
        let (logits, auxiliary) = self.forward(images, Mode::Train);
        let of = |logits| loss.forward(logits, labels).0;
        of(&logits) + WEIGHT * auxiliary.iter().map(of).sum::<f64>()
    }

    fn visit(&mut self, each: &mut Visitor<'_, T>) {
        let root = Path::root();
        self.trunk.iter_mut().for_each(|part| Layer::visit(part, &root, each));
        for (name, head) in NAMES.into_iter().zip(self.heads.iter_mut().flatten()) {
            Layer::visit(head, &root.join(name), each);
        }
        Layer::visit(&mut self.classifier, &root, each);
    }

    fn outline(&self, images: Shape) -> Outline {
        let (mut x, mut layers, mut heads) = (images, Vec::new(), Vec::new());
        let mut ends = NAMES.into_iter().zip(self.heads.iter().flatten());
        for part in &self.trunk {
            let part = Layer::outline(part, x);
            x = part.output;
            layers.extend(part.children);
            if let Some((name, head)) = ends.next() {
                let head_of = layers.last().map(|layer| layer.name.clone());
                heads.push(Outline { head_of, ..Layer::outline(head, x).named(name) });
            }
        }
        let classifier = Layer::outline(&self.classifier, x);
        let children = layers.into_iter().chain(heads).chain(classifier.children).collect();
        Outline::group("GoogLeNet", classifier.output, Wiring::Chain, children)
    }
}

/// Images with mean and deviation 0.5, which torchvision's weights expect, from images normalised by
/// those of ImageNet.
fn transformed<T: Real>(mut images: Tensor<T>) -> Tensor<T> {
    const MEAN: [f64; 3] = [0.485, 0.456, 0.406];
    const DEVIATION: [f64; 3] = [0.229, 0.224, 0.225];
    let scale = DEVIATION.map(|deviation| T::of(deviation / 0.5));
    let shift = MEAN.map(|mean| T::of((mean - 0.5) / 0.5));
    for pixel in images.as_mut_slice().chunks_exact_mut(3) {
        for (channel, x) in pixel.iter_mut().enumerate() {
            *x = *x * scale[channel] + shift[channel];
        }
    }
    images
}
