//! The look at a large JPEG, decoded at a reduced size. Every way from the file to features gives the same features.
//! The look refuses the same files as decoding the whole picture. The whole picture is decoded only where it is needed.

use std::path::Path;

use pentimento_core::{
    features::{Look, Schema, rich},
    imaging::{
        Channels, ColorMethod, Image,
        codec::{
            self, Encoding, Format, Limits, Metadata, MetadataPolicy, Subsampling, decode, decode_reduced,
        },
    },
    models::predictor::{Predictor, RequestedParameters},
    restoration::{
        Record, RestoreRequest, Stage, Watch, analyze,
        receipt::{Receipt, RecordedFeatures, Route},
        restore,
    },
};

/// A picture with slopes and some texture. Its pixels are stored turned by a quarter, so the orientation must be
/// applied.
fn large(format: Format) -> Vec<u8> {
    let (width, height) = (1601, 1203);
    let at = |i: usize, c: usize| {
        let (x, y) = (i % width, i / width);
        (x * [150, 40, 100][c] / width + y * [20, 150, 100][c] / height + (x * y / 9 + x / 7) % 23) as u8
    };
    let samples = (0..width * height).flat_map(|i| (0..3).map(move |c| at(i, c))).collect();
    let image = Image::new(width, height, Channels::Rgb, samples, None).unwrap();
    let mut exif = b"MM\0*\0\0\0\x08\0\x01".to_vec();
    exif.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0]);
    let metadata = Metadata { exif: Some(exif), ..Metadata::default() };
    let lossless = format != Format::Jpeg;
    let encoding = Encoding { format, quality: Some(90), subsampling: Some(Subsampling::S420), lossless };
    codec::encode(&image, &metadata, &encoding).unwrap()
}

/// Parameters without colour correction. The picture is too large to be sharpened, so nothing changes.
fn nothing() -> RequestedParameters {
    RequestedParameters::new(Some(false), None, None, None).unwrap()
}

/// Parameters with a colour transform, for any prediction.
fn learned() -> RequestedParameters {
    RequestedParameters::new(None, Some(ColorMethod::Learned), None, None).unwrap()
}

fn restored(bytes: &[u8], request: &RestoreRequest) -> (Vec<Stage>, Vec<u8>, Receipt) {
    let mut stages = Vec::new();
    let predictor = Predictor::built_in();
    let restored = restore(
        bytes,
        request,
        &predictor,
        &Limits::default(),
        &mut Watch::new(&mut |stage| stages.push(stage)),
    );
    let restored = restored.unwrap();
    (stages, restored.bytes.into_owned(), restored.receipt)
}

fn request(parameters: RequestedParameters, record: Record) -> RestoreRequest {
    RestoreRequest { parameters, record, ..RestoreRequest::default() }
}

#[test]
fn an_untouched_jpeg_is_only_looked_at() {
    use Stage::*;
    let bytes = large(Format::Jpeg);
    let (stages, answer, receipt) = restored(&bytes, &request(nothing(), Record::Kept));
    assert_eq!(stages, [Look, Features, Predict, Decode, Restore, Encode]);
    assert!(answer == bytes && receipt.output.route == Route::InputBytes);
    assert_eq!((receipt.output.width, receipt.output.height), (1203, 1601));
    for record in [Record::WithoutDigests, Record::Sent] {
        let (stages, answer, light) = restored(&bytes, &request(nothing(), record));
        assert_eq!(stages, [Look, Features, Predict, Encode], "{record:?}");
        assert!(answer == bytes);
        assert_eq!(light.output.sha256.is_empty(), record == Record::WithoutDigests);
        assert_eq!(light.input.sha256.is_empty(), record == Record::WithoutDigests);
        // A light receipt has the fields of a full one, with some digests left out.
        let mut full = receipt.clone();
        full.output.pixels_sha256.clear();
        if record == Record::WithoutDigests {
            full.output.sha256.clear();
            full.input.sha256.clear();
        }
        assert_eq!(light, full);
    }
}

#[test]
fn what_is_restored_is_decoded_after_the_look_and_the_same_for_every_record() {
    use Stage::*;
    let bytes = large(Format::Jpeg);
    let (stages, answer, receipt) = restored(&bytes, &request(learned(), Record::Kept));
    assert_eq!(stages, [Look, Features, Predict, Decode, Restore, Encode]);
    assert!(receipt.output.route == Route::Encoded && !receipt.output.pixels_sha256.is_empty());
    let (_, sent, mut light) = restored(&bytes, &request(learned(), Record::Sent));
    assert!(
        light.output.pixels_sha256.is_empty(),
        "only a receipt that is kept has the digest of the pixels"
    );
    light.output.pixels_sha256.clone_from(&receipt.output.pixels_sha256);
    assert!(sent == answer && light == receipt);
    let (_, without, _) = restored(&bytes, &request(learned(), Record::WithoutDigests));
    assert!(without == answer);
}

#[test]
fn untouched_pictures_that_are_written_anew_are_decoded() {
    let bytes = large(Format::Jpeg);
    for changed in [
        RestoreRequest { format: Some(Format::Png), ..request(nothing(), Record::WithoutDigests) },
        RestoreRequest { quality: Some(80), ..request(nothing(), Record::WithoutDigests) },
        RestoreRequest { metadata: MetadataPolicy::Strip, ..request(nothing(), Record::WithoutDigests) },
    ] {
        let (stages, ..) = restored(&bytes, &changed);
        assert!(stages.contains(&Stage::Decode), "{changed:?}");
    }
    // A picture that was decoded whole for the look is not decoded again.
    let (stages, answer, receipt) =
        restored(&large(Format::Png), &request(learned(), Record::WithoutDigests));
    use Stage::*;
    assert_eq!(stages, [Decode, Features, Predict, Restore, Encode]);
    assert!(!answer.is_empty() && receipt.output.format == Format::Png);
}

#[test]
fn all_ways_to_the_features_of_a_file_agree() {
    for format in [Format::Jpeg, Format::Png] {
        let bytes = large(format);
        let look = Look::decode(&bytes, &Limits::default(), Schema::Rich, |_| ()).unwrap();
        let features = look.features().unwrap();
        let receipt = restored(&bytes, &request(learned(), Record::Kept)).2;
        assert_eq!(receipt.features, Some(RecordedFeatures::from(&features)));
        let analysis =
            analyze(&bytes, &nothing(), &Predictor::built_in(), &Limits::default(), &mut Watch::none())
                .unwrap();
        assert_eq!((analysis.width, analysis.height), (1203, 1601));
        assert_eq!(analysis.features, features);
        let whole = decode(&bytes, &Limits::default()).unwrap().image;
        let of_means = rich::extract(&rich::reduced(&whole)).unwrap();
        // Models were trained on means of whole pixels. The reduction of a JPEG comes close to them, least in features of noise.
        let far = |((_, value), mean): ((&str, f64), f64)| (value - mean).abs() / mean.abs().max(1.0);
        let mut far: Vec<f64> = features.named().zip(of_means).map(far).collect();
        far.sort_by(f64::total_cmp);
        let [most, worst] = if format == Format::Jpeg { [0.02, 0.3] } else { [0.0; 2] };
        assert!(far[90] <= most && far[109] <= worst, "{format}: {far:?}");
    }
}

#[test]
fn a_reduced_look_says_so_at_once() {
    let begun = |bytes: &[u8], schema| {
        let mut begun = Vec::new();
        let look =
            Look::decode(bytes, &Limits::default(), schema, |is_reduced| begun.push(is_reduced)).unwrap();
        assert_eq!(look.size(), (1203, 1601));
        (begun, look.whole().is_some())
    };
    assert_eq!(begun(&large(Format::Jpeg), Schema::Rich), (vec![true], false));
    assert_eq!(begun(&large(Format::Jpeg), Schema::Seed), (vec![false], true));
    assert_eq!(begun(&large(Format::Png), Schema::Rich), (vec![false], true));
}

/// Checks that a file, decoded whole and at an eighth, is refused with the same words or not at all. Returns whether it is
/// refused.
fn assert_refused_alike(bytes: &[u8], what: &str) -> bool {
    let refusal = |decoded: Result<codec::Picture, codec::DecodeError>| decoded.err().map(|e| e.to_string());
    let whole = refusal(decode(bytes, &Limits::default()));
    let look = refusal(decode_reduced(bytes, &Limits::default(), |_| 1));
    assert_eq!(whole, look, "{what}");
    whole.is_some()
}

#[test]
fn damaged_files_are_refused_alike_by_a_look() {
    let mut files = vec![large(Format::Jpeg)];
    for name in ["interleaved-420.jpg", "progressive-422.jpg", "non-interleaved-420.jpg"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/codec").join(name);
        files.push(std::fs::read(path).unwrap());
    }
    for (number, file) in files.iter().enumerate() {
        assert!(!assert_refused_alike(file, "sound"));
        let mut n_refused = 0;
        for part in 1..40 {
            let at = file.len() * part / 40;
            n_refused +=
                usize::from(assert_refused_alike(&file[..at], &format!("file {number} cut at {at}")));
            for change in [0xFF, 0x10] {
                let mut damaged = file.clone();
                damaged[at] ^= change;
                assert_refused_alike(&damaged, &format!("file {number} with byte {at} changed by {change}"));
            }
            // Cut in the middle and closed with an end marker: only the coded data show that something is missing.
            let ended = [&file[..at], &[0xFF, 0xD9]].concat();
            assert_refused_alike(&ended, &format!("file {number} ended at {at}"));
        }
        assert_eq!(n_refused, 39, "file {number}: every cut is refused");
    }
}
