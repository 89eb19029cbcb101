//! [`Memory`]: how much a network takes at most, told from its [`Outline`].
//!
//! A tensor without numbers goes through the network and back, as a real one would: layers keep it, forks share
//! it, and it is gone when nobody has it any more. A meter adds up what there is.

use super::{Outline, Wiring};
use crate::{buffer::RESERVE, tensor::Shape};
use std::{cell::Cell, rc::Rc};

/// The most bytes that a network takes at once in `f32`, on as many threads as there are.
///
/// Counted are parameters, the batch, whatever passes of the network make of them, and the [reserve](RESERVE) that
/// buffers keep; not what a program takes besides, be it code, batches that wait for their turn, or numbers by the dozen.
///
/// ```
/// use residual::{nn::{Layer, Linear, Memory, Relu, Sequential}};
/// let net = Sequential::<f32>::new().add("fc1", Linear::new(784, 100)).add("relu", Relu::new());
/// let images = [64, 784].into();
/// let memory = Memory::of(&net.outline(images), images);
/// assert_eq!(memory.parameters, 4 * (784 * 100 + 100));
/// // The ReLU's output, and the input.
/// assert_eq!(memory.kept, 4 * 64 * (784 + 100));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Parameters. As much again goes to their gradients, and to the momentum.
    pub parameters: usize,
    /// What layers keep from forward to backward; a tensor that several keep counts once.
    pub kept: usize,
    /// A step of training by SGD with momentum: parameters, gradients, momentum, and at its worst moment what is
    /// kept, flows and is laid aside.
    pub training: usize,
    /// The scores of a batch: parameters, and at its worst moment what flows and is laid aside.
    pub inference: usize,
    /// The same of a [fused](super::Layer::fuse) network, which keeps its weights in a second form.
    pub fused: usize,
}

impl Memory {
    /// Of the network with this outline for `images`.
    pub fn of(outline: &Outline, images: Shape) -> Self {
        let parameters = size_of::<f32>() * outline.parameters;
        let judge = |pass, packed| {
            let meter = Meter::new(pass, parameters + packed);
            Walk::forward(&meter, outline, meter.tensor(images));
            // Gradients are never touched and so take no memory, but buffers they are.
            with_reserve(meter.most.get() + parameters) - parameters
        };
        let meter = Meter::new(Pass::Training, 3 * parameters);
        let (logits, walk) = Walk::forward(&meter, outline, meter.tensor(images));
        drop(logits);
        let kept = meter.now.get() - 3 * parameters;
        // The logits go to the caller, their probabilities become the gradient.
        let (_logits, dlogits) = (meter.tensor(outline.output), meter.tensor(outline.output));
        walk.backward(&meter, dlogits, false);
        Self {
            parameters,
            kept,
            training: with_reserve(meter.most.get()),
            inference: judge(Pass::Inference, 0),
            fused: judge(Pass::Fused, packed(outline)),
        }
    }
}

/// Bytes of the weights that a fused network lays out.
fn packed(outline: &Outline) -> usize {
    outline.footprint.packed + outline.children.iter().map(packed).sum::<usize>()
}

fn with_reserve(bytes: usize) -> usize {
    bytes + (bytes as f64 * RESERVE) as usize
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Training,
    Inference,
    Fused,
}

/// Bytes in use, now and at most.
struct Meter {
    pass: Pass,
    now: Cell<usize>,
    most: Cell<usize>,
}

impl Meter {
    fn new(pass: Pass, now: usize) -> Rc<Self> {
        Rc::new(Self { pass, now: Cell::new(now), most: Cell::new(now) })
    }

    fn hold(self: &Rc<Self>, bytes: usize) -> Ghost {
        self.now.update(|now| now + bytes);
        self.most.set(self.most.get().max(self.now.get()));
        Ghost(Rc::new(Held { bytes, meter: Rc::clone(self) }))
    }

    fn tensor(self: &Rc<Self>, shape: Shape) -> Ghost {
        self.hold(size_of::<f32>() * shape.len())
    }

    /// What is written over `x`: a copy of it, if somebody else has it.
    fn over(self: &Rc<Self>, x: Ghost) -> Ghost {
        if Rc::strong_count(&x.0) == 1 { x } else { self.hold(x.0.bytes) }
    }

    /// The sum of some tensors, in the memory of the first.
    fn sum(self: &Rc<Self>, terms: Vec<Ghost>) -> Ghost {
        terms.into_iter().reduce(|sum, _| self.over(sum)).unwrap_or_else(|| self.hold(0))
    }
}

/// A tensor without numbers: clones share it.
#[derive(Clone)]
struct Ghost(Rc<Held>);

struct Held {
    bytes: usize,
    meter: Rc<Meter>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.meter.now.update(|now| now - self.bytes);
    }
}

/// A layer between forward and backward.
struct Walk<'a> {
    outline: &'a Outline,
    /// Bytes of the input.
    input: usize,
    /// The input, where backward needs it.
    x: Option<Ghost>,
    /// What backward needs besides.
    kept: Vec<Ghost>,
    children: Vec<Walk<'a>>,
}

impl<'a> Walk<'a> {
    fn forward(meter: &Rc<Meter>, outline: &'a Outline, x: Ghost) -> (Ghost, Self) {
        let (footprint, training) = (&outline.footprint, meter.pass == Pass::Training);
        let kept = (training && footprint.keeps_input).then(|| x.clone());
        let mut walk = Self { outline, input: x.0.bytes, x: kept, kept: Vec::new(), children: Vec::new() };
        let y = match outline.wiring {
            Wiring::Leaf => walk.leaf(meter, x),
            Wiring::Chain => walk.chain(meter, x),
            Wiring::Sum | Wiring::Concat => walk.fork(meter, x),
        };
        if training && footprint.keeps_output {
            walk.kept.push(y.clone());
        }
        (y, walk)
    }

    fn leaf(&mut self, meter: &Rc<Meter>, x: Ghost) -> Ghost {
        let footprint = &self.outline.footprint;
        let [training, inference, _] = footprint.in_place;
        let in_place = if meter.pass == Pass::Training { training } else { inference };
        // What a fused layer lays out is there already.
        let aside = footprint.forward - if meter.pass == Pass::Fused { footprint.packed } else { 0 };
        let y = if in_place { meter.over(x) } else { meter.tensor(self.outline.output) };
        let kept = meter.hold(footprint.keeps);
        meter.hold(aside);
        if meter.pass == Pass::Training {
            self.kept.push(kept);
        }
        y
    }

    fn chain(&mut self, meter: &Rc<Meter>, x: Ghost) -> Ghost {
        let (heads, trunk): (Vec<_>, Vec<_>) =
            self.outline.children.iter().partition(|child| child.head_of.is_some());
        trunk.into_iter().fold(x, |x, child| {
            let (y, walk) = Self::forward(meter, child, x);
            self.children.push(walk);
            let ours = heads.iter().filter(|head| head.head_of.as_ref() == Some(&child.name));
            for head in ours.filter(|_| meter.pass == Pass::Training) {
                let (logits, mut walk) = Self::forward(meter, head, y.clone());
                walk.kept.push(logits);
                self.children.push(walk);
            }
            y
        })
    }

    fn fork(&mut self, meter: &Rc<Meter>, x: Ghost) -> Ghost {
        let mut ys = Vec::new();
        for child in &self.outline.children {
            let (y, walk) = Self::forward(meter, child, x.clone());
            self.children.push(walk);
            ys.push(y);
        }
        if self.outline.wiring == Wiring::Concat {
            drop(x);
            return meter.tensor(self.outline.output);
        }
        if ys.len() == 1 {
            ys.push(x);
        }
        meter.sum(ys)
    }

    /// From the gradient of the output to that of the input, of no bytes where it is not `wanted`.
    fn backward(self, meter: &Rc<Meter>, dy: Ghost, wanted: bool) -> Ghost {
        match self.outline.wiring {
            Wiring::Leaf => self.leaf_backward(meter, dy, wanted),
            Wiring::Chain => {
                let mut dy = dy;
                for (i, child) in self.children.into_iter().enumerate().rev() {
                    if child.outline.head_of.is_some() {
                        let dlogits = meter.tensor(child.outline.output);
                        let dhead = child.backward(meter, dlogits, true);
                        dy = meter.sum(vec![dy, dhead]);
                    } else {
                        dy = child.backward(meter, dy, wanted || i > 0);
                    }
                }
                dy
            }
            Wiring::Sum | Wiring::Concat => self.fork_backward(meter, dy),
        }
    }

    fn leaf_backward(mut self, meter: &Rc<Meter>, dy: Ghost, wanted: bool) -> Ghost {
        let footprint = &self.outline.footprint;
        if footprint.gradients > 0 {
            meter.hold(footprint.gradients);
            self.x = None;
        }
        if !wanted {
            return meter.hold(0);
        }
        let dx = if footprint.in_place[2] { meter.over(dy) } else { meter.hold(self.input) };
        meter.hold(footprint.backward);
        dx
    }

    fn fork_backward(self, meter: &Rc<Meter>, dy: Ghost) -> Ghost {
        let Self { outline, kept, children, .. } = self;
        let dy = if kept.is_empty() { dy } else { meter.over(dy) };
        drop(kept);
        let concat = outline.wiring == Wiring::Concat;
        let part = |child: &Walk| if concat { meter.tensor(child.outline.output) } else { dy.clone() };
        let mut dys: Vec<_> = children.iter().map(part).collect();
        if !concat && children.len() == 1 {
            dys.push(dy);
        } else {
            drop(dy);
        }
        let mut dys = dys.into_iter();
        let mut dxs: Vec<_> = Vec::new();
        for (child, dy) in children.into_iter().zip(dys.by_ref()) {
            dxs.push(child.backward(meter, dy, true));
            dxs = vec![meter.sum(dxs)];
        }
        dxs.extend(dys);
        meter.sum(dxs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{BatchNorm2d, Layer, Linear, Relu, Residual, Sequential};

    #[test]
    fn a_tiny_network_is_counted_by_hand() {
        let net = Sequential::<f32>::new()
            .add("fc1", Linear::new(8, 4))
            .add("relu", Relu::new())
            .add("fc2", Linear::new(4, 2));
        let images = [10, 8].into();
        let memory = Memory::of(&net.outline(images), images);
        let [parameters, x, y, logits] = [8 * 4 + 4 + 4 * 2 + 2, 10 * 8, 10 * 4, 10 * 2].map(|n| 4 * n);
        assert_eq!(memory.parameters, parameters);
        // fc2 keeps what the ReLU keeps.
        assert_eq!(memory.kept, x + y);
        // At worst fc2 computes dy: all is kept, logits and their gradient are there, and dy's columns come together.
        let training = 3 * parameters + memory.kept + 2 * logits + 2 * y;
        assert_eq!(memory.training, with_reserve(training));
        // At worst fc1's columns come together.
        assert_eq!(memory.inference, with_reserve(2 * parameters + x + 2 * y) - parameters);
        assert_eq!(memory.fused, memory.inference);
    }

    #[test]
    fn what_layers_share_counts_once() {
        let body =
            || Sequential::new().push(BatchNorm2d::<f32>::new(2)).push(Relu::new()).push(BatchNorm2d::new(2));
        let net = Sequential::new().push(Residual::new(body())).push(Residual::new(body()));
        let images = [2, 1, 2, 2].into();
        let outline = net.outline(images);
        let (x, statistics, parameters) = (8, 6, 4);
        assert_eq!(outline.kept, 2 * (3 * x + 2 * statistics));
        let memory = Memory::of(&outline, images);
        // The first block's output is the second's input.
        assert_eq!(memory.kept, 4 * (outline.kept - x));
        // At worst there are the logits, which here are as many as all others, and their gradient besides. What the
        // last norm then writes is a copy, since the shortcut needs that gradient too, but one output is gone.
        assert_eq!(memory.training, with_reserve(4 * (3 * 4 * parameters + outline.kept - x + 2 * x)));
        // A block holds on to its input, and norms write over all but that.
        let inference = 4 * (2 * 4 * parameters + 2 * x + statistics);
        assert_eq!(memory.inference, with_reserve(inference) - 4 * 4 * parameters);
    }
}
