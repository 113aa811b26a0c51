//! Load, compute, store.
