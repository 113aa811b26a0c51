//! Cancelled work ends with an error at every look at the flag, and never with a wrong picture.

use std::time::{Duration, Instant};

use pentimento_core::{
    cancel::Cancel,
    imaging::{
        Channels, ColorMethod, Image,
        codec::{Encoding, Format, Limits, Metadata, Subsampling, encode},
    },
    models::predictor::{Predictor, RequestedParameters},
    restoration::{
        PredictedPicture, ReplayError, RestoreError, RestoreRequest, Restored, Watch, analyze,
        receipt::Receipt, replay, restore, restore_surveyed, survey,
    },
};

/// A picture with slopes, texture and alpha if wanted. Its orientation tag turns it by a quarter.
fn file(format: Format, width: usize, height: usize, has_alpha: bool) -> Vec<u8> {
    let samples = (0..width * height * 3)
        .map(|i| {
            let noise = (i as u32).wrapping_mul(2_654_435_761) >> 29;
            (i / 3 % width * 200 / width + i / 3 / width % 40) as u8 + noise as u8
        })
        .collect();
    let alpha = has_alpha.then(|| (0..width * height).map(|i| (i % 251) as u8).collect());
    let image = Image::new(width, height, Channels::Rgb, samples, alpha).unwrap();
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    let metadata = Metadata { exif: Some(exif), ..Metadata::default() };
    let subsampling = Some(Subsampling::S420);
    encode(&image, &metadata, &Encoding { format, quality: None, subsampling, lossless: true }).unwrap()
}

/// Requests with all stages between them: given and predicted parameters.
fn requests() -> Vec<RestoreRequest> {
    let given = RequestedParameters::new(None, Some(ColorMethod::Stretch), Some(1.5), Some(1.0)).unwrap();
    let auto = RequestedParameters::new(None, Some(ColorMethod::AutoLevel), None, Some(0.0)).unwrap();
    let white = RequestedParameters::new(Some(true), None, None, Some(0.0)).unwrap();
    [given, auto, white, RequestedParameters::default()]
        .map(|parameters| RestoreRequest { parameters, ..RestoreRequest::default() })
        .to_vec()
}

/// Runs `work` with a flag that its first, second, third … check finds set, until one run ends before its flag is set.
/// Every earlier run must be cancelled. Returns the number of checks and the result of the last run.
fn at_every_check<T>(work: impl Fn(&Cancel) -> Result<T, RestoreError>) -> (u64, T) {
    let mut n = 1;
    loop {
        let cancel = Cancel::at_check(n);
        match work(&cancel) {
            Err(RestoreError::Cancelled(_)) => assert!(cancel.is_cancelled()),
            Err(other) => panic!("check {n}: {other}"),
            // The flag was not looked at so often. The caller compares the picture, which must be the right one.
            Ok(done) => return (n - 1, done),
        }
        // Every check of the first hundred, then some of the others.
        n += 1 + n / 100;
    }
}

/// Restores with a flag.
fn run<'a>(
    bytes: &'a [u8],
    request: &RestoreRequest,
    predictor: &Predictor,
    cancel: &Cancel,
) -> Result<Restored<'a>, RestoreError> {
    restore(bytes, request, predictor, &Limits::default(), &mut Watch::none().cancelled_by(cancel))
}

#[test]
fn each_check_cancels_and_without_one_the_picture_is_the_same() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for (format, has_alpha) in Format::ALL.into_iter().flat_map(|f| [(f, false), (f, true)]) {
        // Each check restores once more, and AVIF takes its time.
        if has_alpha && format == Format::Jpeg || format == Format::Avif {
            continue;
        }
        let bytes = file(format, 96, 70, has_alpha);
        for (predictor, request) in [Predictor::built_in(), Predictor::classic()]
            .into_iter()
            .flat_map(|p| requests().into_iter().map(move |r| (p.id().to_owned(), r)))
            .map(|(id, r)| {
                (if id.starts_with("gains") { Predictor::built_in() } else { Predictor::classic() }, r)
            })
        {
            let plain = run(&bytes, &request, &predictor, &Cancel::never()).unwrap();
            let (n, last) =
                pool.install(|| at_every_check(|cancel| run(&bytes, &request, &predictor, cancel)));
            assert!(n > 8, "{format}: {n} checks");
            assert_eq!(last.bytes, plain.bytes, "{format}");
            let (n, _) = pool.install(|| at_every_check(|cancel| again(&plain.receipt, &bytes, cancel)));
            assert!(n > 4, "{format}: {n} checks of a replay");
        }
    }
}

/// Replays with a flag.
fn again<'a>(receipt: &Receipt, bytes: &'a [u8], cancel: &Cancel) -> Result<Restored<'a>, RestoreError> {
    replay(receipt, bytes, &Limits::default(), &mut Watch::none().cancelled_by(cancel)).map_err(|error| {
        match error {
            ReplayError::Restore(error) => error,
            other => panic!("{other}"),
        }
    })
}

#[test]
fn analyses_are_cancelled_by_several_threads_too() {
    let bytes = file(Format::Png, 1100, 300, true);
    for predictor in [Predictor::built_in(), Predictor::classic()] {
        let requested = RequestedParameters::default();
        let (n, analysis) = at_every_check(|cancel| {
            let mut watch = Watch::none().cancelled_by(cancel);
            analyze(&bytes, &requested, &predictor, &Limits::default(), &mut watch)
        });
        assert!(n > 8, "{n} checks");
        assert_eq!((analysis.width, analysis.height), (300, 1100));
    }
}

#[test]
fn both_passes_over_a_roll_are_cancelled() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let (bytes, predictor) = (file(Format::Png, 96, 70, true), Predictor::built_in());
    let limits = Limits::default();
    let (n, surveyed) = pool.install(|| {
        at_every_check(|cancel| survey(&bytes, &predictor, &limits, &mut Watch::none().cancelled_by(cancel)))
    });
    assert!(n > 8, "{n} checks of a survey");
    for request in requests().into_iter().filter(|request| request.parameters.complete().is_none()) {
        let prediction = predictor.predict_roll(&[&surveyed], &request.parameters).unwrap();
        let picture = PredictedPicture::of(&predictor, &surveyed, &prediction, 0);
        let (n, last) = pool.install(|| {
            at_every_check(|cancel| {
                let mut watch = Watch::none().cancelled_by(cancel);
                restore_surveyed(&bytes, &request, &picture, &limits, &mut watch)
            })
        });
        assert!(n > 4, "{n} checks of a restoration");
        assert_eq!(last.bytes, run(&bytes, &request, &predictor, &Cancel::never()).unwrap().bytes);
    }
}

/// The time from the flag to the end, for a picture of 12 megapixels at many moments. The bound is generous: a loaded
/// machine with slow code must pass, and work that ignores the flag must not.
#[test]
fn the_work_ends_soon_after_the_flag() {
    let bytes = file(Format::Png, 4000, 3000, true);
    let (request, predictor) = (&requests()[0], Predictor::built_in());
    let limits = Limits::default();
    let started = Instant::now();
    restore(&bytes, request, &predictor, &limits, &mut Watch::none()).unwrap();
    let whole = started.elapsed();
    let mut longest = Duration::ZERO;
    for tenth in 1..10 {
        let cancel = Cancel::default();
        let (ended, set) = std::thread::scope(|scope| {
            let work = scope.spawn(|| {
                let mut watch = Watch::none().cancelled_by(&cancel);
                let result = restore(&bytes, request, &predictor, &limits, &mut watch);
                (result.is_err(), Instant::now())
            });
            std::thread::sleep(whole * tenth / 10);
            let set = Instant::now();
            cancel.cancel();
            (work.join().unwrap(), set)
        });
        if ended.0 {
            longest = longest.max(ended.1.saturating_duration_since(set));
        }
    }
    println!("whole {whole:?}, longest from flag to end {longest:?}");
    assert!(longest < Duration::from_millis(500), "{longest:?} from the flag to the end");
}
