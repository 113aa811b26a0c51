//! One file per operator. An operator knows samples and its own parameters, nothing else.

pub mod area_resize;
pub mod gaussian_blur;
pub mod point;
pub mod resize;
pub mod unsharp_mask;
pub mod white_balance;
