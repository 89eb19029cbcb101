//! stub
use super::common::Report;
pub fn run(_: &mut Report) {}
