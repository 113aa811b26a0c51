//! Outputs that are longer than the caller allows are refused; those of known length before anything is decoded.

use pentimento_core::{
    imaging::{
        Channels, Image,
        codec::{EncodeError, Encoding, Format, Limits, Metadata, encode},
    },
    models::predictor::{Predictor, RequestedParameters},
    restoration::{ReplayError, RestoreError, RestoreRequest, Stage, Watch, replay, restore},
};

fn picture() -> Image {
    let samples = (0u32..64 * 48 * 3).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    Image::new(64, 48, Channels::Rgb, samples, None).unwrap()
}

fn request(format: Format) -> RestoreRequest {
    let parameters = RequestedParameters::new(Some(true), None, Some(1.0), Some(0.5)).unwrap();
    RestoreRequest { parameters, format: Some(format), ..RestoreRequest::default() }
}

#[test]
fn every_format_is_written_up_to_its_limit_and_refused_beyond() {
    let png = Encoding { format: Format::Png, quality: None, subsampling: None, lossless: true };
    let bytes = encode(&picture(), &Metadata::default(), &png).unwrap();
    let predictor = Predictor::built_in();
    for format in Format::ALL {
        let mut stages = Vec::new();
        let mut run = |output_bytes_max: u64| {
            stages.clear();
            let limits = Limits { output_bytes_max, ..Limits::default() };
            let mut hook = |stage| stages.push(stage);
            let restored = restore(&bytes, &request(format), &predictor, &limits, &mut Watch::new(&mut hook));
            (restored, stages.clone())
        };
        let whole = run(u64::MAX).0.unwrap();
        let length = whole.bytes.len() as u64;
        assert_eq!(run(length).0.unwrap().bytes, whole.bytes, "{format}");
        let (refused, stages) = run(length - 1);
        let Err(RestoreError::Encode(EncodeError::TooManyBytes { got, max })) = refused else {
            panic!("{format}: {refused:?}")
        };
        assert_eq!(max, length - 1, "{format}");
        assert!(got > max && got <= length, "{format}: {got} of {length}");
        let expected: &[Stage] =
            if format == Format::Bmp { &[] } else { &[Stage::Decode, Stage::Restore, Stage::Encode] };
        assert_eq!(stages, expected, "{format}");
        let limits = Limits { output_bytes_max: length - 1, ..Limits::default() };
        let replayed = replay(&whole.receipt, &bytes, &limits, &mut Watch::none());
        let Err(ReplayError::Restore(RestoreError::Encode(EncodeError::TooManyBytes { .. }))) = replayed
        else {
            panic!("{format}: {replayed:?}")
        };
    }
}
