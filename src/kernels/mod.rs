//! The inner loops of convolution, and the only place that knows blocks of sixteen channels.
//!
//! Three passes, two loops. Forward and grad_input are both *correlations*: every output is a sum
//! over taps of a source pixel times a filter. They differ in which source pixel a tap means, and
//! that difference is plain data:
//!
//! | module | says |
//! |---|---|
//! | [`axis`] | along one axis, which source position each tap of an output reads |
//! | [`strip`] | source rows in blocks of 16 channels, padded with zeros, split by stride |
//! | [`mod@deal`] | pixel after pixel as block after block |
//! | [`filters`] | weights in the order in which a tile reads them; groups too narrow for a block merged |
//! | [`mod@tile`] | P pixels by V blocks of outputs, in registers, over a list of taps |
//! | [`correlate`] | a band of output rows: fill the strip, run the tiles |
//! | [`outer`] | C channels by V blocks of weight gradients, in registers, over runs of pixels |
//! | [`grouped`] | tile and outer product for groups that are narrower than a block |
//! | [`planes`] | the same where there are few channels, each of which lies in a plane of its own |
//! | [`winograd`] | 3x3 convolutions of stride one as 36 matrix products, a quarter of the work |
//! | [`batch`] | for small images: the same position of many images as the pixels of a tile |
//! | [`max_pool`] | who wins a window, and what winners collect |
//! | [`norm`] | batch normalisation's passes, pixel after pixel |
//! | [`product`] | matrix products on weights that stay where they are |
//! | [`peak`] | how fast this machine multiplies and adds, to judge the rest by |
//!
//! Padding, stride, dilation, groups and ragged channel counts end in strips and tap lists; tile and outer
//! product never see them. No threads here, and no tensors.

pub mod axis;
pub mod batch;
pub mod correlate;
pub mod deal;
pub mod filters;
pub mod grouped;
pub mod max_pool;
pub mod norm;
pub mod outer;
pub mod peak;
pub mod planes;
pub mod product;
pub mod strip;
pub mod tile;
pub mod winograd;
