//! The classic convolutional networks, from LeNet-5 to ResNeXt, from scratch.
//!
//! Every forward and every backward pass is written out by hand, side by side, and checked against
//! finite differences. `ARCHITECTURE.md` in the repository is the map; imports point only down it:
//!
//! | module | what it holds |
//! |---|---|
//! | [`train`] | optimisers, schedules, the training loop |
//! | [`models`], [`data`], [`checkpoint`] | the networks; the data sets; weights in files |
//! | [`nn`] | layers that own parameters and remember what backward needs |
//! | [`ops`] | pure functions on tensors, forward next to backward |
//! | [`kernels`] | the inner loops of convolution |
//! | [`simd`], [`number`], [`real`], [`tensor`] | vectors, numbers, arrays |
#![deny(unsafe_code, missing_docs)]

pub mod buffer;
pub mod checkpoint;
pub mod data;
pub mod error;
pub mod gradcheck;
pub mod kernels;
pub mod models;
pub mod nn;
pub mod number;
pub mod ops;
pub mod real;
pub mod rng;
#[allow(unsafe_code)]
pub mod simd;
pub mod suggest;
pub mod tensor;
pub mod train;

pub use error::Error;
pub use number::Number;
pub use real::Real;
pub use tensor::{Shape, Tensor};

/// The code blocks of the front page and of the book's pages run as doctests.
#[cfg(doctest)]
mod book {
    #[doc = include_str!("../README.md")]
    mod readme {}
    #[doc = include_str!("../book/src/introduction.md")]
    mod introduction {}
    #[doc = include_str!("../book/src/ch01-what-a-convolution-is.md")]
    mod ch01 {}
    #[doc = include_str!("../book/src/ch02-backpropagation-by-hand.md")]
    mod ch02 {}
    #[doc = include_str!("../book/src/ch03-gradients.md")]
    mod ch03 {}
    #[doc = include_str!("../book/src/ch04-vanishing-and-exploding-gradients.md")]
    mod ch04 {}
    #[doc = include_str!("../book/src/ch05-lenet-5.md")]
    mod ch05 {}
    #[doc = include_str!("../book/src/ch06-alexnet.md")]
    mod ch06 {}
    #[doc = include_str!("../book/src/ch07-vgg.md")]
    mod ch07 {}
    #[doc = include_str!("../book/src/ch08-googlenet.md")]
    mod ch08 {}
    #[doc = include_str!("../book/src/ch09-batch-normalisation.md")]
    mod ch09 {}
    #[doc = include_str!("../book/src/ch10-degradation-and-residual-learning.md")]
    mod ch10 {}
    #[doc = include_str!("../book/src/ch11-bottlenecks.md")]
    mod ch11 {}
    #[doc = include_str!("../book/src/ch12-cardinality.md")]
    mod ch12 {}
    #[doc = include_str!("../book/src/ch13-making-convolution-fast.md")]
    mod ch13 {}
    #[doc = include_str!("../book/src/ch14-training-recipe.md")]
    mod ch14 {}
    #[doc = include_str!("../book/src/ch15-real-weights.md")]
    mod ch15 {}
    #[doc = include_str!("../book/src/ch16-beyond-one-machine.md")]
    mod ch16 {}
    #[doc = include_str!("../book/src/appendix-rust.md")]
    mod appendix_rust {}
    #[doc = include_str!("../book/src/appendix-networks.md")]
    mod appendix_networks {}
    #[doc = include_str!("../book/src/appendix-notation.md")]
    mod appendix_notation {}
    #[doc = include_str!("../book/src/appendix-glossary.md")]
    mod appendix_glossary {}
    #[doc = include_str!("../book/src/appendix-bibliography.md")]
    mod appendix_bibliography {}
    #[doc = include_str!("../book/src/appendix-listings.md")]
    mod appendix_listings {}
    #[doc = include_str!("../book/src/appendix-errata.md")]
    mod appendix_errata {}
}
