//! Finite differences against backward.
