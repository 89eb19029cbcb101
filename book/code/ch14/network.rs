//! The network that every recipe trains.

use super::common::training::Model;
