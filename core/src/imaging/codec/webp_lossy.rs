//! Lossy WebP: the calls into libwebp, the C library, whose sources the crate `libwebp-sys` carries.
//!
//! libwebp only encodes here; `image-webp` decodes. The encoder runs on one thread and draws no random numbers. It is
//! compiled for SSE2 or NEON, which every CPU of the target has. So the same samples give the same bytes.

use std::{ffi::c_int, mem::MaybeUninit, ptr, slice};

use libwebp_sys as c;

/// Encodes interleaved 8-bit samples, three or (with alpha) four per pixel, at a `quality` of 1–100 with libwebp's
/// default effort.
///
/// Memory: 9 bytes per pixel, the samples included. By its own default libwebp keeps its tokens, which takes 14 bytes
/// per pixel and two thirds of the time.
///
/// # Errors
/// The reason, if libwebp refuses the size or finds no memory.
///
/// # Panics
/// If `samples` does not have the length that the size asks for, or a row has more than `i32::MAX` bytes.
pub(super) fn encode(
    samples: &[u8],
    (width, height): (usize, usize),
    has_alpha: bool,
    quality: u8,
) -> Result<Vec<u8>, String> {
    let row_bytes = width * if has_alpha { 4 } else { 3 };
    assert_eq!(samples.len(), row_bytes * height, "{width} × {height} samples");
    let side = |n: usize| c_int::try_from(n).expect("a side that fits libwebp's integers");
    let mut picture = LibwebpPicture::new()?;
    picture.0.use_argb = 1;
    picture.0.width = side(width);
    picture.0.height = side(height);
    let import = if has_alpha { c::WebPPictureImportRGBA } else { c::WebPPictureImportRGB };
    // SAFETY: the picture is initialised, and `samples` has `height` rows of `row_bytes`, as asserted above. libwebp
    // copies them.
    if unsafe { import(&mut picture.0, samples.as_ptr(), side(row_bytes)) } == 0 {
        return Err(format!("{:?}", picture.0.error_code));
    }
    let mut out = LibwebpOutput::new();
    picture.0.writer = Some(c::WebPMemoryWrite);
    picture.0.custom_ptr = ptr::from_mut(&mut out.0).cast();
    // SAFETY: settings and picture are initialised and valid; the writer that `custom_ptr` points to outlives the call
    // and is of the type that `WebPMemoryWrite` expects.
    if unsafe { c::WebPEncode(&settings(quality)?, &mut picture.0) } == 0 {
        return Err(format!("{:?}", picture.0.error_code));
    }
    Ok(out.bytes().to_vec())
}

fn settings(quality: u8) -> Result<c::WebPConfig, String> {
    let mut settings = c::WebPConfig::new().map_err(|()| other_version())?;
    settings.quality = quality.into();
    settings.low_memory = 1; // 1.5 times the time, but 9 bytes per pixel in all instead of 14
    settings.exact = 1; // keeps colours under transparency
    Ok(settings)
}

fn other_version() -> String {
    "libwebp has another version".to_owned()
}

/// A picture of libwebp, freed when it is dropped.
struct LibwebpPicture(c::WebPPicture);

impl LibwebpPicture {
    fn new() -> Result<Self, String> {
        c::WebPPicture::new().map(Self).map_err(|()| other_version())
    }
}

impl Drop for LibwebpPicture {
    fn drop(&mut self) {
        // SAFETY: the picture was initialised by `WebPPicture::new`; freeing one that holds no samples does nothing.
        unsafe { c::WebPPictureFree(&mut self.0) }
    }
}

/// The coded bytes in memory of libwebp, freed when they are dropped.
struct LibwebpOutput(c::WebPMemoryWriter);

impl LibwebpOutput {
    fn new() -> Self {
        let mut writer = MaybeUninit::uninit();
        // SAFETY: `WebPMemoryWriterInit` sets every field of what it is given.
        Self(unsafe {
            c::WebPMemoryWriterInit(writer.as_mut_ptr());
            writer.assume_init()
        })
    }

    fn bytes(&self) -> &[u8] {
        if self.0.mem.is_null() {
            return &[];
        }
        // SAFETY: `mem` is not null, so it points to `size` bytes that libwebp has written, and they live as long as
        // the writer.
        unsafe { slice::from_raw_parts(self.0.mem, self.0.size) }
    }
}

impl Drop for LibwebpOutput {
    fn drop(&mut self) {
        // SAFETY: the writer was initialised in `new`; clearing an empty one does nothing.
        unsafe { c::WebPMemoryWriterClear(&mut self.0) }
    }
}
