//! stub
use super::common::Report;
use residual::data::Dataset;
pub fn run(_: &mut Report, _: &Dataset) {}
