//! Arithmetic that several rooms need and that must give the same bits everywhere: seeded random numbers and small systems
//! of linear equations.

pub mod linear;
pub mod random;
