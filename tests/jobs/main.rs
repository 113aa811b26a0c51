//! Jobs against faults: real processes, killed; real disks, full.

mod chaos;
mod cli;
mod crash;
mod disk;
mod kill;
mod support;
