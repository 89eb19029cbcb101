//! [`Footprint`]: what a layer does to memory.

/// What a layer's passes do to memory, beside taking a tensor and returning one. Bytes are those of `f32`, in which
/// networks are trained.
///
/// ```
/// use residual::nn::{Layer, Relu};
/// let footprint = Layer::<f32>::outline(&Relu::new(), [1, 4, 4, 16].into()).footprint;
/// assert!(footprint.keeps_output && footprint.in_place == [true; 3]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Whether backward needs the input.
    pub keeps_input: bool,
    /// Whether backward needs the output.
    pub keeps_output: bool,
    /// Bytes that backward needs besides.
    pub keeps: usize,
    /// Whether forward in training, forward in evaluation, and backward write their result over what they are
    /// given, as long as nobody else has it.
    pub in_place: [bool; 3],
    /// Bytes laid aside by forward.
    pub forward: usize,
    /// Bytes that gradients of parameters take until they are added up. Where there are any, they come first, and
    /// the input is given up before the gradient of the input is computed.
    pub gradients: usize,
    /// Bytes laid aside while the gradient of the input is computed.
    pub backward: usize,
    /// Bytes of weights that a fused layer lays out once and keeps; they are part of `forward`.
    pub packed: usize,
}
