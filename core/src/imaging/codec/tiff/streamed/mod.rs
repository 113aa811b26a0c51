//! Big TIFFs, read and written in parts: neither the file nor the picture is ever held whole.
//!
//! `skeleton` copies the directories out of the file, so that [`Layout`] and the readers of metadata see them as in any other
//! file. `rows` reads bands of rows from the top, out of strips or tiles that `segment` decodes while it reads them. `write`
//! writes a TIFF strip by strip. Decoded samples are those of [`super::decode`].

mod rows;
mod segment;
mod skeleton;
mod write;

use std::{
    borrow::Cow,
    panic::{AssertUnwindSafe, catch_unwind},
};

pub use self::write::STREAMED_TIFF_ENCODER;
use self::{
    rows::{Convert, Input, Rows},
    write::Writer,
};
use super::super::carry;
use super::super::colours as marks;
use super::super::error::{DecodeError, broken, unsupported_but};
use super::super::format::Format;
use super::super::header::Header;
use super::super::limits::Limits;
use super::super::metadata::Metadata;
use super::super::metadata_policy::MetadataPolicy;
use super::super::notes::Notes;
use super::super::stream_io::{ReadAt, StreamError, WriteAt};
use super::{
    colours,
    layout::{Colours, Layout},
    pages,
};
use crate::{
    cancel::Cancel,
    imaging::{Channels, ColorSpace, Image, Sample, narrow, operators::area_resize::StreamedAverages},
};

/// Bounds on a picture that is read and written in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    /// Most pixels (width × height).
    pub pixels_max: u64,
    /// Most memory that restoring may take, in bytes. The estimate regards rows, not the picture.
    pub working_bytes_max: u64,
    /// Bytes of samples that are restored at a time, about.
    pub band_bytes: usize,
}

impl Default for StreamLimits {
    /// 2000 megapixels, 1 GiB of memory, bands of 16 MiB.
    fn default() -> Self {
        Self { pixels_max: 2_000_000_000, working_bytes_max: 1 << 30, band_bytes: 16 << 20 }
    }
}

/// A TIFF of which only the directories are held.
pub struct StreamedTiff<'s> {
    source: &'s dyn ReadAt,
    skeleton: Vec<u8>,
    header: Header,
    metadata: Metadata,
    space: ColorSpace,
    notes: Notes,
    working_bytes: u64,
    band_bytes: u64,
    /// As asked for.
    band: usize,
}

impl<'s> StreamedTiff<'s> {
    /// Reads the directories of a file and checks all properties and the number of pixels. No pixel is decoded.
    ///
    /// Memory: the directories with their values, 64 MiB at most, and a copy of the metadata.
    ///
    /// # Errors
    /// Every variant of [`StreamError`]. What can only be done with the whole picture is refused by its name.
    pub fn open(source: &'s dyn ReadAt, limits: &StreamLimits) -> Result<Self, StreamError> {
        let skeleton = skeleton::skeleton(source)?;
        let page = pages::open(&skeleton, &Limits::default())?;
        let layout = Layout::read(&page.stream, &page.directory)?;
        let (width, height) = (layout.width, layout.height);
        if width as u64 * height as u64 > limits.pixels_max {
            return Err(DecodeError::TooManyPixels { width, height, max: limits.pixels_max }.into());
        }
        if height > StreamedAverages::<u8>::HEIGHT_MAX {
            return Err(refused("more than 16777216 rows"));
        }
        layout.grid.check_within(&page.tags(), layout.n_planes(), source.length(), false)?;
        rows::check(&layout, limits.band_bytes)?;
        if layout.colours == Colours::Cmyk {
            return Err(refused("CMYK"));
        }
        let mut metadata = super::metadata(&skeleton, &Limits::default());
        if metadata.orientation() != 1 {
            return Err(refused("an orientation other than 1, by which the picture is turned"));
        }
        let mut notes = super::notes(&skeleton, &Limits::default());
        metadata.settle(&mut notes);
        let header = super::header(&page, &layout, 0);
        let space = marks::space(&metadata, header.channels, &mut notes);
        let working_bytes = rows::reader_bytes_max(&layout, limits.band_bytes)
            .saturating_add(3 * skeleton.len() as u64)
            .saturating_add(header.metadata_bytes.saturating_mul(2));
        let (band_bytes, band) = (rows::band_bytes_max(&layout, limits.band_bytes), limits.band_bytes);
        drop(page);
        Ok(Self { band, source, skeleton, header, metadata, space, notes, working_bytes, band_bytes })
    }

    /// The header of the file. [`Header::decoded_bytes`] is what decoding the whole picture would take.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The metadata, orientation and thumbnail settled.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The colour space of the stored samples.
    pub(crate) fn space(&self) -> &ColorSpace {
        &self.space
    }

    /// The metadata that a restored file has. Notes what is not among them.
    pub(crate) fn written_metadata(&self, policy: MetadataPolicy, notes: &mut Notes) -> Metadata {
        let metadata = self.metadata.under(policy);
        // Only channels and alpha of a picture decide what fits. A picture of one pixel has them too.
        let Header { channels, has_alpha, .. } = self.header;
        let pixel = Image::new(1, 1, channels, vec![0; channels.count()], has_alpha.then(|| vec![255]));
        match &pixel {
            Ok(pixel) => carry::fitted(&metadata, pixel.into(), Format::Tiff, notes).into_owned(),
            Err(_) => metadata,
        }
    }

    /// What reading leaves out or converts.
    pub fn notes(&self) -> &Notes {
        &self.notes
    }

    /// Most bytes that reading takes, a band included.
    pub(crate) fn working_bytes(&self) -> u64 {
        self.working_bytes.saturating_add(self.band_bytes)
    }

    /// Most bytes of the samples of a band.
    pub(crate) fn band_bytes(&self) -> u64 {
        self.band_bytes
    }
}

/// Refuses what streaming cannot do, with what helps.
fn refused(property: &str) -> StreamError {
    let help = "a picture of this size is restored in parts; where the limits allow its size, it is restored in memory";
    unsupported_but(Format::Tiff, property, help).into()
}

/// Takes a part of a picture.
pub(crate) type Take<'t, T> = &'t mut dyn FnMut(T) -> Result<(), StreamError>;

/// Gives all rows of a picture to what it is called with.
pub(crate) type Give<'t, S> =
    &'t mut dyn FnMut(&mut dyn FnMut(&[S]) -> Result<(), StreamError>) -> Result<(), StreamError>;

/// A type of samples that are read and written in parts.
pub(crate) trait StreamedSample: Sample {
    /// Reads the picture in bands of rows from the top, as wide as the picture. Alpha is opaque.
    fn each_band(
        tiff: &StreamedTiff<'_>,
        cancel: &Cancel,
        take: Take<'_, Image<Self>>,
    ) -> Result<(), StreamError>;

    /// Writes a picture. `rows` gives all of its rows to what it is called with. Alpha is written opaque. Returns the length of
    /// the file.
    fn write(
        target: &mut dyn WriteAt,
        metadata: &Metadata,
        shape: (usize, usize, Channels, bool),
        cancel: &Cancel,
        rows: Give<'_, Self>,
    ) -> Result<u64, StreamError>;

    /// Returns samples rounded to 8 bits.
    fn narrowed(samples: &[Self]) -> Cow<'_, [u8]>;
}

impl StreamedSample for u8 {
    fn each_band(tiff: &StreamedTiff<'_>, cancel: &Cancel, take: Take<'_, Image>) -> Result<(), StreamError> {
        let page = pages::open(&tiff.skeleton, &Limits::default())?;
        let tags = page.tags();
        let layout = Layout::read(&page.stream, &page.directory)?;
        let palette = match layout.colours {
            Colours::Palette => colours::palette(tags, layout.bits)?.colours,
            _ => Vec::new(),
        };
        let convert: Convert<u8> =
            |samples, layout, tags, cancel| colours::to_rgb(samples, layout.colours, tags, cancel);
        let input = Input {
            source: tiff.source,
            tags,
            layout: &layout,
            palette: &palette,
            convert,
            band_bytes: tiff.band,
        };
        let mut rows = Rows::new(input);
        each(|| rows.next(cancel), take)
    }

    fn write(
        target: &mut dyn WriteAt,
        metadata: &Metadata,
        shape: (usize, usize, Channels, bool),
        cancel: &Cancel,
        rows: Give<'_, u8>,
    ) -> Result<u64, StreamError> {
        let mut writer = Writer::<u8>::new(target, metadata, shape)?;
        rows(&mut |rows| writer.put(rows, cancel))?;
        writer.finish(cancel)
    }

    fn narrowed(samples: &[u8]) -> Cow<'_, [u8]> {
        Cow::Borrowed(samples)
    }
}

impl StreamedSample for u16 {
    fn each_band(
        tiff: &StreamedTiff<'_>,
        cancel: &Cancel,
        take: Take<'_, Image<u16>>,
    ) -> Result<(), StreamError> {
        let page = pages::open(&tiff.skeleton, &Limits::default())?;
        let layout = Layout::read(&page.stream, &page.directory)?;
        let convert: Convert<u16> = |_, _, _, _| Ok(());
        let input = Input {
            source: tiff.source,
            tags: page.tags(),
            layout: &layout,
            palette: &[],
            convert,
            band_bytes: tiff.band,
        };
        let mut rows = Rows::new(input);
        each(|| rows.next(cancel), take)
    }

    fn write(
        target: &mut dyn WriteAt,
        metadata: &Metadata,
        shape: (usize, usize, Channels, bool),
        cancel: &Cancel,
        rows: Give<'_, u16>,
    ) -> Result<u64, StreamError> {
        let mut writer = Writer::<u16>::new(target, metadata, shape)?;
        rows(&mut |rows| writer.put(rows, cancel))?;
        writer.finish(cancel)
    }

    fn narrowed(samples: &[u16]) -> Cow<'_, [u8]> {
        Cow::Owned(samples.iter().map(|&v| narrow(v)).collect())
    }
}

/// Gives all bands to `take`.
fn each<S: Sample + super::encode::TiffSample>(
    mut next: impl FnMut() -> Result<Option<Image<S>>, StreamError>,
    take: Take<'_, Image<S>>,
) -> Result<(), StreamError> {
    loop {
        // Decoders are other people's code and read hostile input. A panic in a decoder counts as a broken file.
        let band = catch_unwind(AssertUnwindSafe(&mut next))
            .unwrap_or_else(|_| Err(broken(Format::Tiff, "its decoder gave up").into()));
        let Some(band) = band? else { return Ok(()) };
        if band.alpha().is_some_and(|alpha| alpha.iter().any(|a| *a != S::OPAQUE)) {
            return Err(refused("transparent places, whose colours count by their alpha"));
        }
        take(band)?;
    }
}
