//! How the samples of a picture are stored: what the tags of its directory say, checked.
//!
//! Everything that is not read is refused here by its name, before memory for pixels is allocated.

use super::super::error::{DecodeError, broken, unsupported};
use super::super::format::Format;
use super::super::ifd::{Directory, Field, Stream};
use super::grid::Grid;
use super::tags::*;
use crate::imaging::{Channels, Depth};

/// Layout of the samples of a supported picture.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Bits of a stored sample.
    pub(super) bits: usize,
    pub(super) number: Number,
    /// Stored samples of a pixel, alpha included.
    pub(super) samples: usize,
    /// Whether every sample of a pixel stands in a plane of its own.
    pub(super) planar: bool,
    pub(super) colours: Colours,
    pub(super) alpha: Alpha,
    pub(super) coding: Coding,
    pub(super) predictor: Predictor,
    /// Whether the bits of every coded byte are in reversed order (FillOrder 2).
    pub(super) reversed: bool,
    pub(super) grid: Grid,
}

/// Kind of the stored numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Whole,
    Float,
}

/// What the stored samples mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colours {
    Grey,
    /// Grey whose 0 is white.
    InvertedGrey,
    Rgb,
    Palette,
    /// Luma and chroma. One chroma sample stands for `across × down` pixels.
    YCbCr {
        across: usize,
        down: usize,
    },
    /// Cyan, magenta, yellow and black inks, 0 without ink.
    Cmyk,
    /// CIE L*a*b*, a and b with a sign.
    Lab,
    /// CIE L*a*b* as in ICC profiles: a and b plus 128.
    IccLab,
}

/// Meaning of the sample behind the colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alpha {
    Absent,
    Straight,
    /// The colours are multiplied by alpha.
    Premultiplied,
}

/// How strips or tiles are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Plain,
    /// Modified Huffman, each row from a new byte (compression 2).
    Huffman,
    Group3 {
        two_dimensional: bool,
    },
    Group4,
    Lzw,
    /// JPEG, one stream for each strip or tile. `ycbcr` says whether the stream's colours are to be converted to RGB.
    Jpeg {
        ycbcr: bool,
    },
    Deflate,
    PackBits,
}

/// What was subtracted from the samples before coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Predictor {
    None,
    Horizontal,
    Float,
}

impl Colours {
    /// Number of stored colour samples of a pixel.
    pub(super) fn stored(self) -> usize {
        match self {
            Colours::Grey | Colours::InvertedGrey | Colours::Palette => 1,
            Colours::Rgb | Colours::YCbCr { .. } | Colours::Lab | Colours::IccLab => 3,
            Colours::Cmyk => 4,
        }
    }

    /// The channels of the decoded picture.
    pub(super) fn channels(self) -> Channels {
        match self {
            Colours::Grey | Colours::InvertedGrey => Channels::Grey,
            _ => Channels::Rgb,
        }
    }

    pub(super) fn is_lab(self) -> bool {
        matches!(self, Colours::Lab | Colours::IccLab)
    }
}

impl Layout {
    /// Reads the layout of a directory.
    ///
    /// # Errors
    /// A property that is not supported, or tags that are missing or contradict each other.
    pub(super) fn read(stream: &Stream<'_>, directory: &Directory) -> Result<Self, DecodeError> {
        let tags = Tags { stream, directory };
        let side =
            |tag| tags.first(tag).filter(|v| (1..=u64::from(u32::MAX)).contains(v)).map(|v| v as usize);
        let (Some(width), Some(height)) = (side(WIDTH), side(HEIGHT)) else {
            return Err(broken(Format::Tiff, "a side is missing or zero"));
        };
        let samples = tags.first(SAMPLES).unwrap_or(1);
        let coding = tags.coding()?;
        let mut colours = tags.colours()?;
        let (bits, number) = tags.depth(samples)?;
        let (bits, number) = checked_depth(bits, number)?;
        let alpha = tags.alpha(samples, colours)?;
        let samples = colours.stored() + usize::from(alpha != Alpha::Absent);
        let planar = tags.first(PLANAR) == Some(2) && samples > 1;
        let coding = match (coding, colours) {
            (Coding::Jpeg { .. }, Colours::YCbCr { .. }) if !planar => {
                colours = Colours::Rgb;
                Coding::Jpeg { ycbcr: true }
            }
            (other, _) => other,
        };
        let grid = Grid::read(&tags, width, height)?;
        let predictor = tags.predictor(coding, bits, number)?;
        let reversed = tags.reversed(coding)?;
        let layout = Self {
            width,
            height,
            bits,
            number,
            samples,
            planar,
            colours,
            alpha,
            coding,
            predictor,
            reversed,
            grid,
        };
        layout.check_combination()?;
        Ok(layout)
    }

    /// Refuses combinations of supported properties that are not supported together.
    fn check_combination(&self) -> Result<(), DecodeError> {
        let Self { bits, samples, planar, colours, alpha, coding, predictor, number, .. } = *self;
        let is_fax = matches!(coding, Coding::Huffman | Coding::Group3 { .. } | Coding::Group4);
        if is_fax && (bits != 1 || samples != 1 && !planar) {
            return Err(broken(Format::Tiff, "its fax coding has more than one bit for a pixel"));
        }
        if colours == Colours::Palette && alpha != Alpha::Absent {
            return refused("alpha with a palette");
        }
        if colours == Colours::InvertedGrey && alpha == Alpha::Premultiplied {
            return refused("premultiplied alpha with inverted grey");
        }
        let is_converted = colours.is_lab() || matches!(colours, Colours::YCbCr { .. });
        let is_too_deep = colours == Colours::Palette && (bits > 8 || number == Number::Float);
        if is_too_deep || is_converted && (bits != 8 || number == Number::Float) {
            return refused(&format!("{bits}-bit samples of {}", name(colours)));
        }
        if colours == Colours::Cmyk {
            if number == Number::Float {
                return refused("floating-point samples of CMYK");
            }
            if alpha == Alpha::Premultiplied {
                return refused("premultiplied alpha with CMYK colours");
            }
            if matches!(coding, Coding::Jpeg { .. }) && alpha != Alpha::Absent && !planar {
                return refused("JPEG compression of CMYK with alpha");
            }
        }
        if let Colours::YCbCr { across, down } = colours {
            let is_subsampled = (across, down) != (1, 1);
            if is_subsampled && (planar || alpha != Alpha::Absent || predictor != Predictor::None) {
                return refused("subsampled YCbCr colours in planes, with alpha or with differences");
            }
        }
        if let Coding::Jpeg { .. } = coding {
            if bits != 8 || number != Number::Whole {
                return refused(&format!("JPEG compression of {bits}-bit samples"));
            }
            if colours == Colours::Palette {
                return refused("JPEG compression of a palette");
            }
            if !planar && samples == 2 {
                return refused("JPEG compression of grey with alpha");
            }
            if coding == (Coding::Jpeg { ycbcr: true }) && alpha != Alpha::Absent {
                return refused("JPEG compression of YCbCr with alpha");
            }
        }
        Ok(())
    }

    /// Number of planes: 1 when the samples of a pixel stand side by side.
    pub(super) fn n_planes(&self) -> usize {
        if self.planar { self.samples } else { 1 }
    }

    /// Samples of a pixel in one plane.
    pub(super) fn interleaved(&self) -> usize {
        if self.planar { 1 } else { self.samples }
    }

    /// Rows of the picture in a line of a strip or tile. Subsampled YCbCr stores several rows together.
    pub(super) fn rows_per_line(&self) -> usize {
        match self.colours {
            Colours::YCbCr { down, .. } if !self.planar => down,
            _ => 1,
        }
    }

    /// Bytes of a decoded line of a strip or tile. A number that cannot be is `usize::MAX`.
    pub(super) fn line_bytes(&self) -> usize {
        let width = self.grid.width;
        match self.colours {
            Colours::YCbCr { across, down } if !self.planar && (across, down) != (1, 1) => {
                width.div_ceil(across).saturating_mul(across * down + 2)
            }
            _ => width.saturating_mul(self.interleaved() * self.bits).div_ceil(8),
        }
    }

    /// The channels of the decoded picture.
    pub(super) fn channels(&self) -> Channels {
        self.colours.channels()
    }

    /// Number of colour samples of a pixel on the canvas: those of the decoded picture, or inks.
    pub(super) fn canvas_colours(&self) -> usize {
        if self.colours == Colours::Cmyk { 4 } else { self.channels().count() }
    }

    /// The depth of the decoded picture: 8 bits for up to 8 bits, else 16.
    pub(super) fn depth(&self) -> Depth {
        if self.bits > 8 { Depth::Sixteen } else { Depth::Eight }
    }

    pub(super) fn has_alpha(&self) -> bool {
        self.alpha != Alpha::Absent
    }
}

/// The tags of a directory.
#[derive(Clone, Copy)]
pub(super) struct Tags<'t, 'a> {
    pub(super) stream: &'t Stream<'a>,
    pub(super) directory: &'t Directory,
}

impl Tags<'_, '_> {
    /// Returns the first number of a tag.
    pub(super) fn first(&self, tag: u16) -> Option<u64> {
        self.at(tag, 0)
    }

    /// Returns the `index`-th number of a field that holds whole numbers or fractions.
    pub(super) fn number(&self, field: &Field, index: usize) -> Option<f64> {
        self.stream.rational_at(field, index).or_else(|| self.stream.unsigned(field, index).map(|v| v as f64))
    }

    fn at(&self, tag: u16, index: usize) -> Option<u64> {
        self.stream.unsigned(self.directory.field(tag)?, index)
    }

    fn coding(&self) -> Result<Coding, DecodeError> {
        let options = |tag| self.first(tag).unwrap_or(0);
        let coding = match self.first(COMPRESSION).unwrap_or(1) {
            1 => Coding::Plain,
            2 => Coding::Huffman,
            3 if options(T4_OPTIONS) & 2 != 0 => return refused("uncompressed parts in Group 3 coding"),
            3 => Coding::Group3 { two_dimensional: options(T4_OPTIONS) & 1 != 0 },
            4 if options(T6_OPTIONS) & 2 != 0 => return refused("uncompressed parts in Group 4 coding"),
            4 => Coding::Group4,
            5 => Coding::Lzw,
            6 => return refused("JPEG compression of the old kind (6)"),
            7 => Coding::Jpeg { ycbcr: false },
            8 | 32946 => Coding::Deflate,
            32773 => Coding::PackBits,
            other => {
                let known = match other {
                    32766 => " (NeXT)",
                    32809 => " (ThunderScan)",
                    34661 | 34663 => " (JBIG)",
                    34676 | 34677 => " (SGI LogLuv)",
                    34712 | 33003 | 33004 | 33005 => " (JPEG 2000)",
                    34887 => " (LERC)",
                    34892 => " (lossy JPEG of a DNG)",
                    34925 => " (LZMA)",
                    34926 | 50000 => " (Zstandard)",
                    34927 | 50001 => " (WebP)",
                    50002 | 52546 => " (JPEG XL)",
                    _ => "",
                };
                return refused(&format!("compression {other}{known}"));
            }
        };
        Ok(coding)
    }

    fn colours(&self) -> Result<Colours, DecodeError> {
        match self.first(PHOTOMETRIC) {
            Some(0) => Ok(Colours::InvertedGrey),
            Some(1) => Ok(Colours::Grey),
            Some(2) => Ok(Colours::Rgb),
            Some(3) => Ok(Colours::Palette),
            Some(4) => refused("a mask in place of a picture"),
            Some(5) if self.first(INK_SET).is_some_and(|set| set != 1) => {
                refused("inks other than cyan, magenta, yellow and black")
            }
            Some(5) => Ok(Colours::Cmyk),
            Some(6) => self.subsampling(),
            Some(8) => Ok(Colours::Lab),
            Some(9) => Ok(Colours::IccLab),
            Some(10) => refused("ITU Lab colours"),
            Some(32803 | 34892) => refused("the raw data of a camera"),
            Some(32844 | 32845) => refused("LogLuv colours"),
            Some(other) => refused(&format!("photometric interpretation {other}")),
            None => Err(broken(Format::Tiff, "its photometric interpretation is missing")),
        }
    }

    /// Reads the subsampling of YCbCr. Without the tag it is 2 × 2 (TIFF 6.0 section 21).
    fn subsampling(&self) -> Result<Colours, DecodeError> {
        let (across, down) =
            (self.at(YCBCR_SUBSAMPLING, 0).unwrap_or(2), self.at(YCBCR_SUBSAMPLING, 1).unwrap_or(2));
        if ![across, down].iter().all(|v| [1, 2, 4].contains(v)) {
            return Err(broken(Format::Tiff, format!("its chroma is subsampled by {across}×{down}")));
        }
        Ok(Colours::YCbCr { across: across as usize, down: down as usize })
    }

    /// Returns bits and kind of the samples, which must be the same for all.
    fn depth(&self, samples: u64) -> Result<(u64, u64), DecodeError> {
        let same = |tag, default: u64| {
            let first = self.first(tag).unwrap_or(default);
            // Some writers give one number for all samples.
            let rest = (1..samples.min(64) as usize).map_while(|i| self.at(tag, i));
            if rest.into_iter().all(|v| v == first) {
                Ok(first)
            } else {
                refused("samples of different depths")
            }
        };
        Ok((same(BITS, 1)?, same(SAMPLE_FORMAT, 1)?))
    }

    /// Returns the meaning of the sample behind the colours.
    fn alpha(&self, samples: u64, colours: Colours) -> Result<Alpha, DecodeError> {
        let described = self.first(EXTRA_SAMPLES);
        match (samples.checked_sub(colours.stored() as u64), described) {
            (None, _) => Err(broken(Format::Tiff, "it has fewer samples than colours")),
            (Some(0), _) => Ok(Alpha::Absent),
            (Some(1), Some(1)) => Ok(Alpha::Premultiplied),
            (Some(1), Some(2)) => Ok(Alpha::Straight),
            // Three colours and one extra sample without a description are RGBA by custom.
            (Some(1), None) if colours == Colours::Rgb => Ok(Alpha::Straight),
            (Some(1), _) => refused("an extra sample of unspecified meaning"),
            (Some(_), _) => refused("more than one extra sample"),
        }
    }

    fn predictor(&self, coding: Coding, bits: usize, number: Number) -> Result<Predictor, DecodeError> {
        if !matches!(coding, Coding::Lzw | Coding::Deflate) {
            return Ok(Predictor::None);
        }
        match (self.first(PREDICTOR).unwrap_or(1), number) {
            (1, _) => Ok(Predictor::None),
            (2, _) if [8, 16, 32, 64].contains(&bits) => Ok(Predictor::Horizontal),
            (2, _) => refused(&format!("differences of {bits}-bit samples")),
            (3, Number::Float) => Ok(Predictor::Float),
            (3, Number::Whole) => Err(broken(Format::Tiff, "its predictor is for floating-point samples")),
            (other, _) => refused(&format!("predictor {other}")),
        }
    }

    /// Whether coded bytes have their bits in reversed order. JPEG streams never have.
    fn reversed(&self, coding: Coding) -> Result<bool, DecodeError> {
        match self.first(FILL_ORDER).unwrap_or(1) {
            1 => Ok(false),
            2 => Ok(!matches!(coding, Coding::Jpeg { .. })),
            other => refused(&format!("fill order {other}")),
        }
    }
}

/// Refuses depths and kinds of numbers that are not read.
fn checked_depth(bits: u64, format: u64) -> Result<(usize, Number), DecodeError> {
    match (format, bits) {
        // 4 is "undefined"; its samples are whole numbers in practice.
        (1 | 4, 1..=16) => Ok((bits as usize, Number::Whole)),
        (1 | 4, other) => refused(&format!("{other}-bit samples")),
        (3, 16 | 32 | 64) => Ok((bits as usize, Number::Float)),
        (2, _) => refused("signed samples"),
        (3, other) => refused(&format!("{other}-bit floating-point samples")),
        (5 | 6, _) => refused("complex samples"),
        (other, _) => refused(&format!("sample format {other}")),
    }
}

/// The name of colours in messages.
fn name(colours: Colours) -> &'static str {
    match colours {
        Colours::Grey | Colours::InvertedGrey => "grey",
        Colours::Rgb => "RGB",
        Colours::Palette => "a palette",
        Colours::YCbCr { .. } => "YCbCr",
        Colours::Lab | Colours::IccLab => "Lab",
        Colours::Cmyk => "CMYK",
    }
}

pub(super) fn refused<T>(property: &str) -> Result<T, DecodeError> {
    Err(unsupported(Format::Tiff, property))
}
