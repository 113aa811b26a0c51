//! AV1 streams of still pictures: decoded by `re_rav1d`, the Rust port of dav1d, without assembly. Decoding AV1 is exact by its
//! standard, so any CPU gives the same planes.

use re_rav1d::dav1d::{
    Decoder, Error, Picture, PixelLayout, PlanarImageComponent, Settings,
    pixel::{MatrixCoefficients, YUVRange},
};

use super::{
    error::{DecodeError, broken},
    format::Format,
    yuv::{Matrix, Plane, Planes},
};

/// Bytes that the decoder takes besides its planes: for each pixel (filter levels, and the state of tiles, of which a frame has
/// at most one in 64×64 pixels), and once.
pub(super) const DECODER_BYTES_PER_PIXEL: u64 = 8;
pub(super) const DECODER_BYTES_FIXED: u64 = 16 << 20;
/// Most pictures that the decoder keeps for later frames.
const REFERENCES_MAX: u64 = 8;

/// Counts the frames of a stream by the heads of its units (AV1 specification, section 5.3). `None` when a unit is cut off.
pub(super) fn n_frames(stream: &[u8]) -> Option<u64> {
    const FRAME_HEADER: u8 = 3;
    const FRAME: u8 = 6;
    let (mut at, mut n) = (0, 0);
    while at < stream.len() {
        let head = stream[at];
        at += 1 + usize::from(head & 4 != 0);
        if matches!(head >> 3 & 15, FRAME_HEADER | FRAME) {
            n += 1;
        }
        if head & 2 == 0 {
            return Some(n); // without a length it goes to the end
        }
        let mut length = 0_usize;
        for i in 0..8 {
            let byte = *stream.get(at)?;
            at += 1;
            length |= usize::from(byte & 0x7F) << (7 * i);
            if byte & 0x80 == 0 {
                break;
            }
        }
        at = at.checked_add(length).filter(|&at| at <= stream.len())?;
    }
    Some(n)
}

/// Returns the most bytes that the planes of a stream take at one time: those of the frames, and a copy with film grain.
pub(super) fn planes_bytes(pixels: u64, n_frames: u64, n_planes: u64, bytes: u64) -> u64 {
    // Planes are padded to whole blocks of 128 pixels.
    let padded = pixels.saturating_add(pixels / 8).saturating_add(1 << 18);
    let frames = n_frames.min(REFERENCES_MAX + 1).saturating_add(1);
    padded.saturating_mul(frames).saturating_mul(n_planes * bytes)
}

/// A decoded frame.
pub(super) struct Frame {
    picture: Picture,
    planes: Vec<re_rav1d::dav1d::Plane>,
}

/// Decodes the first picture of a stream, of at most `pixels_max` pixels.
///
/// # Errors
/// [`DecodeError::Broken`].
pub(super) fn decode(stream: Vec<u8>, pixels_max: usize) -> Result<Frame, DecodeError> {
    let error = |e: Error| broken(Format::Avif, e.to_string().to_lowercase());
    let mut settings = Settings::new();
    // One thread: more of them need memory each, and the pool has other pictures for its threads.
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_all_layers(false);
    // 0 would mean no limit.
    settings.set_frame_size_limit(u32::try_from(pixels_max).unwrap_or(u32::MAX).max(1));
    let mut decoder = Decoder::with_settings(&settings).map_err(error)?;
    let mut sent = decoder.send_data(stream, None, None, None);
    // Each turn takes a picture or sends more of the stream. A stream that needs more turns has more frames than are counted.
    for _ in 0..64 {
        match decoder.get_picture() {
            Ok(picture) => return Frame::of(picture),
            Err(e) if e.is_again() => match sent {
                Ok(()) => return Err(broken(Format::Avif, "it ends before its picture")),
                Err(e) if e.is_again() => sent = decoder.send_pending_data(),
                Err(e) => return Err(error(e)),
            },
            Err(e) => return Err(error(e)),
        }
    }
    Err(broken(Format::Avif, "it has too many frames"))
}

impl Frame {
    fn of(picture: Picture) -> Result<Frame, DecodeError> {
        let components: &[PlanarImageComponent] = match picture.pixel_layout() {
            PixelLayout::I400 => &[PlanarImageComponent::Y],
            _ => &[PlanarImageComponent::Y, PlanarImageComponent::U, PlanarImageComponent::V],
        };
        let planes = components.iter().map(|&component| picture.plane(component)).collect();
        Ok(Frame { picture, planes })
    }

    /// Width and height in pixels.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.picture.width() as usize, self.picture.height() as usize)
    }

    /// Bits per sample: 8, 10 or 12.
    pub(super) fn bits(&self) -> u32 {
        self.picture.bit_depth() as u32
    }

    /// Whether the frame has only luma.
    pub(super) fn is_grey(&self) -> bool {
        self.planes.len() == 1
    }

    /// The number of the matrix that the stream names (H.273).
    pub(super) fn matrix_number(&self) -> u16 {
        match self.picture.matrix_coefficients() {
            MatrixCoefficients::Identity => 0,
            MatrixCoefficients::BT709 => 1,
            MatrixCoefficients::Unspecified => 2,
            MatrixCoefficients::BT470BG | MatrixCoefficients::ST170M => 6,
            MatrixCoefficients::BT2020NonConstantLuminance => 9,
            _ => 255,
        }
    }

    /// Whether the stream says that samples take the full range.
    pub(super) fn is_full_range(&self) -> bool {
        self.picture.color_range() == YUVRange::Full
    }

    /// The planes with the meaning that the container gives them.
    ///
    /// # Errors
    /// When the planes are shorter than their sides say.
    pub(super) fn planes(&self, matrix: Matrix, is_full_range: bool) -> Result<Planes<'_>, DecodeError> {
        let (width, height) = self.size();
        let (across, down) = match self.picture.pixel_layout() {
            PixelLayout::I420 => (width.div_ceil(2), height.div_ceil(2)),
            PixelLayout::I422 => (width.div_ceil(2), height),
            PixelLayout::I400 | PixelLayout::I444 => (width, height),
        };
        let plane = |index: usize| {
            let (component, width, height) = match index {
                0 => (PlanarImageComponent::Y, width, height),
                1 => (PlanarImageComponent::U, across, down),
                _ => (PlanarImageComponent::V, across, down),
            };
            let stride = self.picture.stride(component) as usize;
            let plane = Plane { bytes: &self.planes[index], stride, width, height, is_wide: self.bits() > 8 };
            if plane.is_whole() { Ok(plane) } else { Err(broken(Format::Avif, "a plane is too short")) }
        };
        let chroma = if self.is_grey() { None } else { Some([plane(1)?, plane(2)?]) };
        Ok(Planes { luma: plane(0)?, chroma, bits: self.bits(), is_full_range, matrix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_by_their_heads() {
        // A temporal delimiter, a sequence header of two bytes, a frame of three.
        assert_eq!(n_frames(&[0x12, 0, 0x0A, 2, 9, 9, 0x32, 3, 1, 1, 1]), Some(1));
        assert_eq!(n_frames(&[0x32, 1, 0, 0x1A, 0, 0x30, 1, 2, 3]), Some(3));
        assert_eq!(n_frames(&[0x32, 9, 0]), None);
        assert_eq!(n_frames(&[0x32]), None);
    }

    #[test]
    fn streams_of_nothing_are_refused() {
        for stream in [vec![], vec![0x12, 0], vec![0; 99], vec![0xFF; 99]] {
            assert!(decode(stream, 100).is_err());
        }
    }
}
