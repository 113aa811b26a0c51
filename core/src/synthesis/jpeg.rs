//! A JPEG of low quality: rounded to 8 bits, encoded and decoded by the codec that reads and writes files.

use super::{
    SynthesisError,
    canvas::Canvas,
    model::{Model, Parameter, Scale, named},
};
use crate::imaging::{
    Image,
    codec::{self, Encoding, Format, Limits, Metadata, Subsampling},
};

const SUBSAMPLINGS: [Subsampling; 3] = [Subsampling::S444, Subsampling::S422, Subsampling::S420];

pub(super) const MODEL: Model = Model {
    kind: "jpeg",
    parameters: &[
        Parameter { name: "quality", bounds: (5.0, 100.0), otherwise: None, scale: Scale::Whole },
        Parameter {
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

fn recompress(canvas: &mut Canvas, quality: u8, subsampling: Subsampling) -> Result<(), SynthesisError> {
    let image = Image::new(canvas.width, canvas.height, canvas.channels, canvas.samples(), None)
        .expect("a canvas has the shape of the picture that it was made of");
    let encoding = Encoding {
        format: Format::Jpeg,
        quality: Some(quality),
        subsampling: Some(subsampling),
        lossless: false,
    };
    let bytes = codec::encode(&image, &Metadata::default(), &encoding)?;
    // The picture is in memory already: its own coded form is no stranger's.
    let limits = Limits { input_bytes_max: u64::MAX, pixels_max: u64::MAX, decoded_bytes_max: u64::MAX };
    *canvas = Canvas::new(&codec::decode(&bytes, &limits)?.image);
    Ok(())
}
