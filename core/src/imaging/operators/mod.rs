//! One file per operator. An operator depends on samples and on its own parameters only.
//!
//! All operators act on stored values (encoded, no linear light) and give the same bits on every CPU and for any number of
//! threads.

pub mod area_resize;
pub mod color_transform;
pub mod deep_point;
pub mod end_points;
pub mod gaussian_blur;
pub mod histogram;
pub mod linear_levels;
pub mod point;
pub mod resize;
pub mod sample_tables;
pub mod sliding_blur;
pub mod unsharp_mask;
pub mod wavelet_shrinkage;
pub mod white_balance;
