//! Pictures that faded together get one transform; strangers are found and treated alone; every receipt replays alone.

use std::path::Path;

use pentimento_core::{
    digest::digest,
    imaging::{
        ColorMethod, Image,
        codec::{self, Encoding, Format, Limits, Metadata, MetadataPolicy},
    },
    metrics,
    models::{
        RollPrediction, Surveyed,
        predictor::{Predictor, RequestedParameters},
        roll::{AloneReason, Roll, RollPicture, RollReason, RollRole},
    },
    restoration::{
        PredictedPicture, Record, RestoreError, RestoreRequest, Restored, Watch, receipt::Receipt, replay,
        restore, restore_surveyed, survey,
    },
};

/// Crops of photographs that have no damage.
const NAMES: [&str; 6] = ["blur", "cast", "cast-blur", "half-size", "jpeg", "undamaged"];

fn reference(name: &str) -> Image {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/golden/pairs/{name}.reference.png"));
    codec::decode(&std::fs::read(path).unwrap(), &Limits::default()).unwrap().image
}

fn png(image: &Image) -> Vec<u8> {
    let encoding = Encoding { format: Format::Png, quality: None, subsampling: None, lossless: true };
    codec::encode(image, &Metadata::default(), &encoding).unwrap()
}

/// Maps each channel by a gain and an offset, as a dye that has lost its contrast does.
fn mapped(mut image: Image, maps: [(f64, f64); 3]) -> Image {
    for pixel in image.samples_mut().as_chunks_mut::<3>().0 {
        for (sample, (gain, offset)) in pixel.iter_mut().zip(maps) {
            *sample = (gain * f64::from(*sample) + offset).round().clamp(0.0, 255.0) as u8;
        }
    }
    image
}

/// The fading of the roll: cyan and yellow have faded, so that red and blue have lost their darks.
fn faded(name: &str) -> Image {
    mapped(reference(name), [(0.55, 110.0), (0.85, 10.0), (0.75, 40.0)])
}

/// A picture that has nothing to do with the roll: almost all red is lost, as under water.
fn stranger() -> Image {
    mapped(reference("shrunk"), [(0.25, 0.0), (0.7, 50.0), (0.8, 60.0)])
}

fn survey_of(bytes: &[u8], predictor: &Predictor) -> Surveyed {
    survey(bytes, predictor, &Limits::default(), &mut Watch::none()).unwrap()
}

/// The prediction for these files.
fn predicted(files: &[Vec<u8>], requested: &RequestedParameters) -> (Vec<Surveyed>, RollPrediction) {
    let predictor = Predictor::built_in();
    let surveyed: Vec<Surveyed> = files.iter().map(|bytes| survey_of(bytes, &predictor)).collect();
    let prediction = predictor.predict_roll(&surveyed.iter().collect::<Vec<_>>(), requested).unwrap();
    (surveyed, prediction)
}

fn together(prediction: &RollPrediction) -> (&Roll, &[RollPicture]) {
    match prediction {
        RollPrediction::Together { roll, pictures } => (roll, pictures),
        RollPrediction::Alone { reason, .. } => panic!("no roll: {reason:?}"),
    }
}

/// The roll with its stranger, as files.
fn roll_with_stranger() -> Vec<Vec<u8>> {
    NAMES.map(faded).iter().chain([&stranger()]).map(png).collect()
}

/// Restores every file by its prediction.
fn restored(files: &[Vec<u8>], request: &RestoreRequest) -> Vec<(Vec<u8>, Receipt)> {
    let predictor = Predictor::built_in();
    let (surveyed, prediction) = predicted(files, &request.parameters);
    let one = |(at, bytes): (usize, &Vec<u8>)| {
        let picture = PredictedPicture::of(&predictor, &surveyed[at], &prediction, at);
        let Restored { bytes, receipt } =
            restore_surveyed(bytes, request, &picture, &Limits::default(), &mut Watch::none()).unwrap();
        (bytes.into_owned(), receipt)
    };
    files.iter().enumerate().map(one).collect()
}

fn alone(bytes: &[u8], request: &RestoreRequest) -> (Vec<u8>, Receipt) {
    let predictor = Predictor::built_in();
    let restored = restore(bytes, request, &predictor, &Limits::default(), &mut Watch::none()).unwrap();
    (restored.bytes.into_owned(), restored.receipt)
}

#[test]
fn a_faded_roll_gets_one_transform_and_a_stranger_does_not_belong() {
    let (_, prediction) = predicted(&roll_with_stranger(), &RequestedParameters::default());
    let (roll, pictures) = together(&prediction);
    assert_eq!((roll.n_pictures, roll.n_members, roll.reason), (7, 6, RollReason::WorthIt), "{pictures:?}");
    for picture in &pictures[..6] {
        assert_eq!(picture.role, RollRole::Member);
        assert_eq!(picture.prediction.parameters().color_method(), ColorMethod::Learned);
        assert_eq!(picture.prediction.transform(), Some(&roll.consensus));
    }
    assert_eq!(pictures[6].role, RollRole::Outlier);
    let furthest = pictures[..6].iter().map(|picture| picture.distance).fold(0.0, f64::max);
    assert!(pictures[6].distance > furthest, "{} and {furthest}", pictures[6].distance);
    // The transform takes the fading back, at least in part.
    let quality = |name: &str, candidate: &Image| metrics::compare(&reference(name), candidate).unwrap().psnr;
    let files = roll_with_stranger();
    let outputs = restored(&files, &RestoreRequest::default());
    let mut gain_db = 0.0;
    for (name, (bytes, _)) in NAMES.iter().zip(&outputs) {
        let output = codec::decode(bytes, &Limits::default()).unwrap().image;
        gain_db += (quality(name, &output) - quality(name, &faded(name))) / NAMES.len() as f64;
    }
    assert!(gain_db > 2.0, "{gain_db} dB");
}

#[test]
fn the_colours_of_a_clean_roll_stay() {
    let files: Vec<Vec<u8>> = NAMES.map(reference).iter().map(png).collect();
    let (_, prediction) = predicted(&files, &RequestedParameters::default());
    let (roll, pictures) = together(&prediction);
    // Which bound of the gate holds depends on the model.
    let stays = matches!(roll.reason, RollReason::ChangeTooSmall | RollReason::NotWorthIt);
    assert!(!roll.is_corrected() && stays, "{roll:?}");
    for picture in pictures.iter().filter(|picture| picture.role == RollRole::Member) {
        assert!(!picture.prediction.parameters().color_method().is_on());
    }
    // A caller who asks for a learned correction gets the consensus without a gate.
    let learned = RequestedParameters::new(None, Some(ColorMethod::Learned), None, None).unwrap();
    let (_, prediction) = predicted(&files, &learned);
    let (asked, pictures) = together(&prediction);
    assert_eq!((asked.reason, asked.consensus), (RollReason::Requested, roll.consensus));
    assert!(pictures.iter().all(|picture| picture.prediction.transform().is_some()));
}

#[test]
fn the_order_of_the_pictures_changes_no_bit() {
    let mut files = roll_with_stranger();
    let (_, first) = predicted(&files, &RequestedParameters::default());
    for turn in 0..3 {
        if turn == 1 {
            files.reverse()
        } else {
            files.rotate_left(2)
        }
        let (surveyed, other) = predicted(&files, &RequestedParameters::default());
        let ((roll, pictures), (other, others)) = (together(&first), together(&other));
        assert_eq!(roll, other);
        let originals: Vec<String> = roll_with_stranger().iter().map(|bytes| digest(bytes)).collect();
        for (surveyed, picture) in surveyed.iter().zip(others) {
            let at = originals.iter().position(|sha256| *sha256 == surveyed.sha256).unwrap();
            assert_eq!(picture, &pictures[at]);
        }
    }
}

#[test]
fn a_roll_of_one_or_two_is_each_picture_alone() {
    let files = [png(&faded("half-size")), png(&reference("jpeg"))];
    let strength = RequestedParameters::new(None, None, None, Some(0.5)).unwrap();
    let requests = [Record::Kept, Record::Sent, Record::WithoutDigests]
        .into_iter()
        .flat_map(|record| [RequestedParameters::default(), strength].map(|parameters| (record, parameters)))
        .flat_map(|(record, parameters)| {
            let request = RestoreRequest { parameters, record, ..RestoreRequest::default() };
            [
                request.clone(),
                RestoreRequest { metadata: MetadataPolicy::Strip, ..request.clone() },
                RestoreRequest { format: Some(Format::Jpeg), ..request },
            ]
        });
    for request in requests {
        for files in [&files[..1], &files[1..], &files[..]] {
            for (file, together) in files.iter().zip(restored(files, &request)) {
                let alone = alone(file, &request);
                assert!(together.0 == alone.0, "{request:?}: other bytes");
                assert_eq!(together.1, alone.1);
                assert!(!serde_json::to_string(&together.1).unwrap().contains("\"roll\""));
            }
        }
    }
}

#[test]
fn an_outlier_is_the_picture_alone_and_says_so() {
    let (files, request) = (roll_with_stranger(), RestoreRequest::default());
    let (bytes, receipt) = restored(&files, &request).pop().unwrap();
    let (bytes_alone, receipt_alone) = alone(&files[6], &request);
    assert!(bytes == bytes_alone);
    let roll = receipt.roll.unwrap();
    assert_eq!((roll.pictures, roll.members, roll.role), (7, 6, RollRole::Outlier));
    assert_eq!(Receipt { roll: None, ..receipt }, receipt_alone);
}

#[test]
fn every_receipt_of_a_roll_replays_alone() {
    let files = roll_with_stranger();
    for (file, (bytes, receipt)) in files.iter().zip(restored(&files, &RestoreRequest::default())) {
        let text = serde_json::to_string(&receipt).unwrap();
        let read = Receipt::read_all(&text).unwrap().pop().unwrap();
        assert_eq!(read, receipt);
        let again = replay(&read, file, &Limits::default(), &mut Watch::none()).unwrap();
        assert!(again.bytes == bytes);
        // What the receipt says about the roll is not needed for a replay.
        let without = Receipt { roll: None, ..read };
        assert!(replay(&without, file, &Limits::default(), &mut Watch::none()).unwrap().bytes == bytes);
    }
}

#[test]
fn a_picture_that_changed_between_the_passes_is_refused() {
    let predictor = Predictor::built_in();
    let file = png(&faded("cast"));
    let surveyed = survey_of(&file, &predictor);
    let prediction = predictor.predict_roll(&[&surveyed], &RequestedParameters::default()).unwrap();
    let picture = PredictedPicture::of(&predictor, &surveyed, &prediction, 0);
    let mut other = file.clone();
    *other.last_mut().unwrap() ^= 1;
    for changed in [&other[..], &file[..file.len() - 1], &[]] {
        let request = RestoreRequest::default();
        let refused = restore_surveyed(changed, &request, &picture, &Limits::default(), &mut Watch::none());
        assert!(matches!(refused, Err(RestoreError::Changed)));
    }
}

#[test]
fn without_a_decision_for_the_roll_every_picture_is_alone() {
    let files = roll_with_stranger();
    let reason = |prediction: &RollPrediction| match prediction {
        RollPrediction::Alone { reason, predictions } => {
            assert_eq!(predictions.len(), files.len());
            *reason
        }
        RollPrediction::Together { roll, .. } => panic!("{roll:?}"),
    };
    let given = RequestedParameters::new(Some(true), None, None, None).unwrap();
    assert_eq!(reason(&predicted(&files, &given).1), AloneReason::ColorGiven);
    let classic = Predictor::classic();
    let surveyed: Vec<Surveyed> = files.iter().map(|bytes| survey_of(bytes, &classic)).collect();
    let pictures: Vec<&Surveyed> = surveyed.iter().collect();
    let prediction = classic.predict_roll(&pictures, &RequestedParameters::default()).unwrap();
    assert_eq!(reason(&prediction), AloneReason::NoTransforms);
    assert!(classic.predict_roll(&[], &RequestedParameters::default()).is_ok());
}
