//! Along one axis: which source position does each tap of an output read?
//!
//! Forward, output `o` reads source `o·stride + k·dilation - padding` at tap `k`. Backward, the
//! gradient at source position `i` collects from every output that read it, so from
//! `o = (i + padding - k·dilation) / stride` where that division is exact.
//!
//! Both become one form. Outputs are `phases·q + f`: one phase forward, `stride` phases backward,
//! and a phase sees the same taps at every `q`. Source positions are `stride·(q + shift) + phase`:
//! `stride` phases forward, one backward. As `q` counts up by one, a tap walks along one source
//! phase without a gap, and that is what a tile wants.
//!
//! ```
//! use residual::kernels::axis::Axis;
//! let forward = Axis::forward(3, 2, 1, 1);
//! let taps: Vec<_> = forward.steps[0].iter().map(|s| (s.k, s.phase, s.shift)).collect();
//! assert_eq!(taps, [(0, 1, -1), (1, 0, 0), (2, 1, 0)]);
//! // Backward, an even position was read by the middle tap alone, an odd one by the outer two.
//! let backward = Axis::backward(3, 2, 1, 1);
//! assert_eq!(backward.steps.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2]);
//! ```

/// What one tap reads: source position `source_phases·(q + shift) + phase`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which tap of the kernel.
    pub k: usize,
    /// The phase of the source positions that it reads.
    pub phase: usize,
    /// How far they are from `q`, in that phase.
    pub shift: isize,
}

impl Step {
    /// How far the source position is from `source_phases·q`.
    pub fn reach(&self, source_phases: usize) -> isize {
        self.shift * source_phases as isize + self.phase as isize
    }
}

/// The taps of every phase of the outputs.
#[derive(Clone, Debug)]
pub struct Axis {
    /// For each output phase, its taps in order of `k`.
    pub steps: Vec<Vec<Step>>,
    /// How many phases the source positions fall into.
    pub source_phases: usize,
}

impl Axis {
    // ANCHOR: directions
    /// From outputs to the inputs that they read.
    pub fn forward(kernel: usize, stride: usize, padding: usize, dilation: usize) -> Self {
        let steps = (0..kernel).map(|k| {
            let reach = (k * dilation) as isize - padding as isize;
            let stride = stride as isize;
            Step { k, phase: reach.rem_euclid(stride) as usize, shift: reach.div_euclid(stride) }
        });
        Self { steps: vec![steps.collect()], source_phases: stride }
    }

    /// From inputs to the outputs that read them.
    pub fn backward(kernel: usize, stride: usize, padding: usize, dilation: usize) -> Self {
        let steps = (0..stride).map(|phase| {
            let taps = (0..kernel).filter_map(|k| {
                let ahead = (phase + padding) as isize - (k * dilation) as isize;
                let stride = stride as isize;
                (ahead % stride == 0).then_some(Step { k, phase: 0, shift: ahead / stride })
            });
            taps.collect()
        });
        Self { steps: steps.collect(), source_phases: 1 }
    }
    // ANCHOR_END: directions

    /// The same walk for `n` neighbouring outputs at a time, which have one phase: the taps of all of them, and which
    /// tap each of them has there, if any. An output meets its own taps in the order in which it did.
    ///
    /// ```
    /// use residual::kernels::axis::Axis;
    /// let (pairs, taps) = Axis::forward(2, 1, 0, 1).joined(2);
    /// assert_eq!(pairs.steps[0].len(), 3);
    /// assert_eq!(taps, [[Some(0), None], [Some(1), Some(0)], [None, Some(1)]]);
    /// ```
    pub fn joined(&self, n: usize) -> (Self, Vec<Vec<Option<usize>>>) {
        let own = |j: usize, step: &Step| (j * self.source_phases) as isize + step.reach(self.source_phases);
        let mut reaches: Vec<_> = (0..n).flat_map(|j| self.steps[0].iter().map(move |s| own(j, s))).collect();
        reaches.sort_unstable();
        reaches.dedup();
        if self.steps[0].is_sorted_by_key(|step| -own(0, step)) {
            reaches.reverse();
        }
        let source_phases = n * self.source_phases;
        let step = |(k, reach): (usize, &isize)| {
            let phases = source_phases as isize;
            Step { k, phase: reach.rem_euclid(phases) as usize, shift: reach.div_euclid(phases) }
        };
        let steps = vec![reaches.iter().enumerate().map(step).collect()];
        let find = |reach: isize, j| self.steps[0].iter().find(|s| own(j, s) == reach).map(|s| s.k);
        let taps = reaches.iter().map(|&reach| (0..n).map(|j| find(reach, j)).collect()).collect();
        (Self { steps, source_phases }, taps)
    }

    /// How many phases the outputs fall into.
    pub fn output_phases(&self) -> usize {
        self.steps.len()
    }

    /// The smallest and the largest of `f` over all taps, zero included.
    pub fn span(&self, f: impl Fn(&Step) -> isize) -> (isize, isize) {
        self.steps.iter().flatten().map(f).fold((0, 0), |(low, high), x| (low.min(x), high.max(x)))
    }
}
