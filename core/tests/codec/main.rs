//! The codec through its public interface: files of other encoders, round trips, metadata, limits, and hostile bytes.

mod boxes;
mod deep;
mod files;
mod formats;
mod inks;
mod kept;
mod limits;
mod metadata;
mod refused;
mod strangers;
mod support;
mod tiff_file;
mod tiff_kinds;
mod tiff_lenient;
mod tiff_strangers;
mod tolerated;
mod written;
