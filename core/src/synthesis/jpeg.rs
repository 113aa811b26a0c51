//! Damage `jpeg`: compression with loss.
//!
//! The picture is rounded to 8 bits, then encoded and decoded by the codec that reads and writes files.
//!
//! | parameter | unit | range |
//! |---|---|---|
//! | `quality` | quality of libjpeg, a whole number; must be given | 5–100 |
//! | `subsampling` | of chroma | 4:4:4, 4:2:2, 4:2:0; 4:2:0 if not given |

use super::{
    SynthesisError,
    canvas::Canvas,
    damage_model::{DamageModel, DamageParameter, Scale, named},
};
use crate::imaging::{
    Image,
    codec::{self, Encoding, Format, Limits, Metadata, PageLimits, Subsampling},
};

/// The subsamplings, in the order of the parameter's names.
const SUBSAMPLINGS: [Subsampling; 3] = [Subsampling::S444, Subsampling::S422, Subsampling::S420];

pub(super) const MODEL: DamageModel = DamageModel {
    kind: "jpeg",
    parameters: &[
        DamageParameter { name: "quality", bounds: (5.0, 100.0), otherwise: None, scale: Scale::Whole },
        DamageParameter {
            name: "subsampling",
            bounds: (0.0, 2.0),
            otherwise: Some(2.0),
            scale: Scale::Names(&["4:4:4", "4:2:2", "4:2:0"]),
        },
    ],
    apply: |canvas, values, _| {
        let [quality, subsampling] = named(values);
        recompress(canvas, quality as u8, SUBSAMPLINGS[subsampling as usize])
    },
};

/// Encodes the canvas as JPEG and replaces it by the decoded JPEG.
fn recompress(canvas: &mut Canvas, quality: u8, subsampling: Subsampling) -> Result<(), SynthesisError> {
    let image = Image::new(canvas.width, canvas.height, canvas.channels, canvas.samples(), None)
        .expect("a canvas has the shape of its picture");
    let encoding = Encoding {
        format: Format::Jpeg,
        quality: Some(quality),
        subsampling: Some(subsampling),
        lossless: false,
    };
    let bytes = codec::encode(&image, &Metadata::default(), &encoding)?;
    // The JPEG is our own, of a picture that is in memory already, so no limit is needed.
    let limits = Limits {
        input_bytes_max: u64::MAX,
        pixels_max: u64::MAX,
        decoded_bytes_max: u64::MAX,
        output_bytes_max: u64::MAX,
        lenient: false,
        pages: PageLimits::DEFAULT,
    };
    *canvas = Canvas::new(&codec::decode(&bytes, &limits)?.image);
    Ok(())
}
