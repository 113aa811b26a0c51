//! Numbers of the tags that are read and changed (TIFF 6.0, CIPA DC-008).

pub(super) const ORIENTATION: u16 = 0x0112;
pub(super) const X_RESOLUTION: u16 = 0x011A;
pub(super) const Y_RESOLUTION: u16 = 0x011B;
pub(super) const RESOLUTION_UNIT: u16 = 0x0128;
pub(super) const DESCRIPTION: u16 = 0x010E;
pub(super) const SOFTWARE: u16 = 0x0131;
pub(super) const ARTIST: u16 = 0x013B;
/// Chromaticities of white and of red, green and blue.
pub(super) const WHITE_POINT: u16 = 0x013E;
pub(super) const PRIMARIES: u16 = 0x013F;
pub(super) const COPYRIGHT: u16 = 0x8298;
pub(super) const XP_TITLE: u16 = 0x9C9B;
pub(super) const XP_COMMENT: u16 = 0x9C9C;
pub(super) const EXIF_DIRECTORY: u16 = 0x8769;
pub(super) const GPS_DIRECTORY: u16 = 0x8825;
pub(super) const MAKER_NOTE: u16 = 0x927C;
pub(super) const COLOUR_SPACE: u16 = 0xA001;
pub(super) const PIXEL_WIDTH: u16 = 0xA002;
pub(super) const PIXEL_HEIGHT: u16 = 0xA003;
pub(super) const INTEROP_DIRECTORY: u16 = 0xA005;
pub(super) const GAMMA: u16 = 0xA500;
/// In the interoperability directory: `R98` is sRGB, `R03` is Adobe RGB.
pub(super) const INTEROP_INDEX: u16 = 0x0001;
