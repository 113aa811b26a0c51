//! Files of several pages: every page is restored or only the wanted one, receipts replay to the same bytes, and bounds hold.

use std::num::NonZeroU32;

use pentimento_core::{
    digest::digest,
    imaging::{
        Channels, ColorMethod, Image,
        codec::{
            DecodeError, EncodeError, Encoding, Format, Limits, Metadata, MetadataPolicy, NoteKind,
            PageLimits, Picture, decode, encode, join_tiff_pages, one_page, page_count,
        },
    },
    models::predictor::{Predictor, RequestedParameters},
    restoration::{
        Record, ReplayError, RestoreError, RestoreRequest, Restored, Watch, analyze, probe,
        receipt::{Receipt, Route},
        replay, restore,
    },
};

/// A picture of slopes and noise that differs by `seed`.
fn image(width: usize, height: usize, channels: Channels, seed: u32) -> Image {
    let mut state = seed + 1;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 28) as usize
    };
    let n = channels.count();
    let samples = (0..width * height * n).map(|i| (60 + i / n % width + i / n / width + noise()) as u8);
    Image::new(width, height, channels, samples.collect(), None).unwrap()
}

fn file(image: &Image, format: Format, metadata: &Metadata) -> Vec<u8> {
    let encoding = Encoding { format, quality: None, subsampling: None, lossless: true };
    encode(image, metadata, &encoding).unwrap()
}

/// A TIFF of three pages that differ in size and colours.
fn document() -> Vec<u8> {
    let pages = [(90, 60, Channels::Grey), (64, 80, Channels::Rgb), (70, 70, Channels::Grey)];
    let pages = pages.into_iter().enumerate().map(|(i, (width, height, channels))| {
        let xmp = format!("<x:xmpmeta>page {i}</x:xmpmeta>").into_bytes();
        let metadata = Metadata { xmp: Some(xmp), ..Metadata::default() };
        file(&image(width, height, channels, i as u32), Format::Tiff, &metadata)
    });
    join_tiff_pages(pages.collect()).unwrap()
}

fn page(number: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(number)
}

fn request(strength: f64) -> RestoreRequest {
    let parameters =
        RequestedParameters::new(None, Some(ColorMethod::None), Some(1.2), Some(strength)).unwrap();
    RestoreRequest { parameters, ..RestoreRequest::default() }
}

fn try_restore<'a>(
    bytes: &'a [u8],
    request: &RestoreRequest,
    limits: &Limits,
) -> Result<Restored<'a>, RestoreError> {
    restore(bytes, request, &Predictor::built_in(), limits, &mut Watch::none())
}

fn restored<'a>(bytes: &'a [u8], request: &RestoreRequest) -> Restored<'a> {
    try_restore(bytes, request, &Limits::default()).unwrap()
}

fn replayed<'a>(receipt: &Receipt, bytes: &'a [u8]) -> Result<Restored<'a>, ReplayError> {
    replay(receipt, bytes, &Limits::default(), &mut Watch::none())
}

fn picture(bytes: &[u8], number: u32) -> Picture {
    decode(bytes, &Limits::default().with_page(page(number))).unwrap()
}

#[test]
fn every_page_is_restored_as_if_it_were_alone() {
    let bytes = document();
    let whole = restored(&bytes, &request(0.8));
    let receipt = &whole.receipt;
    assert_eq!(page_count(&whole.bytes, &Limits::default()), Ok(3));
    assert_eq!((receipt.pages.len(), receipt.page, receipt.n_untouched()), (3, None, 0));
    assert_eq!(receipt.output.sha256, digest(&whole.bytes));
    assert_eq!(receipt.output.size_bytes, whole.bytes.len() as u64);
    assert_eq!(receipt.input.sha256, digest(&bytes));
    for (number, of_page) in (1..).zip(&receipt.pages) {
        let alone = restored(&bytes, &RestoreRequest { page: page(number), ..request(0.8) });
        assert_eq!(&alone.receipt, of_page);
        let (here, there) = (picture(&whole.bytes, number), picture(&alone.bytes, 1));
        assert_eq!((&here.image, &here.metadata), (&there.image, &there.metadata));
        assert_eq!(here.metadata.xmp, picture(&bytes, number).metadata.xmp);
        assert_ne!(here.image, picture(&bytes, number).image);
        // The receipt of the page alone replays on its own.
        assert_eq!(replayed(of_page, &bytes).unwrap().bytes, alone.bytes);
    }
    let text = serde_json::to_string(receipt).unwrap();
    let [read] = <[Receipt; 1]>::try_from(Receipt::read_all(&text).unwrap()).unwrap();
    assert_eq!(&read, receipt);
    let again = replayed(&read, &bytes).unwrap();
    assert_eq!((&again.bytes, &again.receipt), (&whole.bytes, receipt));
}

#[test]
fn predictions_are_made_for_each_page() {
    let bytes = document();
    let whole = restored(&bytes, &RestoreRequest::default());
    for (number, of_page) in (1..).zip(&whole.receipt.pages) {
        let limits = Limits::default().with_page(page(number));
        let predictor = Predictor::built_in();
        let analysis =
            analyze(&bytes, &RequestedParameters::default(), &predictor, &limits, &mut Watch::none());
        let analysis = analysis.unwrap();
        assert_eq!(of_page.parameters, (&analysis.prediction.parameters()).into());
        assert_eq!(of_page.features, Some((&analysis.features).into()));
        assert!(analysis.notes.is_empty());
    }
    let others = one_page(&bytes, &Limits::default()).unwrap().1;
    assert!(others.iter().any(|note| note.text.contains("3 pages")), "{others:?}");
    assert_eq!(replayed(&whole.receipt, &bytes).unwrap().bytes, whole.bytes);
}

#[test]
fn a_file_of_untouched_pages_stays_as_it_is() {
    let bytes = document();
    let whole = restored(&bytes, &request(0.0));
    assert_eq!(*whole.bytes, bytes);
    assert_eq!((whole.receipt.output.route, whole.receipt.n_untouched()), (Route::InputBytes, 3));
    assert!(whole.receipt.is_untouched() && whole.receipt.notes.is_empty());
    assert_eq!(*replayed(&whole.receipt, &bytes).unwrap().bytes, bytes);
    // One page is not the file.
    let alone = restored(&bytes, &RestoreRequest { page: page(2), ..request(0.0) });
    assert_eq!(alone.receipt.output.route, Route::Encoded);
    assert_eq!(picture(&alone.bytes, 1).image, picture(&bytes, 2).image);
    assert_eq!(page_count(&alone.bytes, &Limits::default()), Ok(1));
    // Stripping changes the file.
    let stripped = restored(&bytes, &RestoreRequest { metadata: MetadataPolicy::Strip, ..request(0.0) });
    assert_eq!(stripped.receipt.output.route, Route::Encoded);
    assert_eq!(picture(&stripped.bytes, 3).image, picture(&bytes, 3).image);
    assert_eq!(replayed(&stripped.receipt, &bytes).unwrap().bytes, stripped.bytes);
}

#[test]
fn formats_of_one_picture_take_one_page() {
    let bytes = document();
    let to = |format, number| RestoreRequest { format: Some(format), page: page(number), ..request(0.5) };
    for format in [Format::Jpeg, Format::Png, Format::WebP, Format::Bmp] {
        let error = try_restore(&bytes, &to(format, 0), &Limits::default()).unwrap_err();
        assert!(matches!(error, RestoreError::OnePicture { pages: 3, .. }), "{error}");
        assert!(error.to_string().contains("3 pages") && error.to_string().contains("choose one with page"));
        let alone = restored(&bytes, &to(format, 2));
        assert_eq!((alone.receipt.output.format, alone.receipt.page), (format, page(2)));
        assert_eq!(replayed(&alone.receipt, &bytes).unwrap().bytes, alone.bytes);
    }
    let error = try_restore(&bytes, &to(Format::Tiff, 4), &Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "there is no page 4: the file has 3 pages");
}

#[test]
fn the_first_page_of_a_file_of_one_is_the_file() {
    for format in [Format::Png, Format::Tiff] {
        let bytes = file(&image(40, 30, Channels::Rgb, 1), format, &Metadata::default());
        let first = restored(&bytes, &RestoreRequest { page: page(1), ..request(0.0) });
        assert_eq!((&*first.bytes, first.receipt.page), (&bytes[..], None));
        let error =
            try_restore(&bytes, &RestoreRequest { page: page(2), ..request(0.0) }, &Limits::default());
        assert_eq!(error.unwrap_err().to_string(), "there is no page 2: the file has 1 page");
        assert!(probe(&bytes, &Limits::default().with_page(page(2))).is_err());
    }
}

#[test]
fn pages_and_their_pixels_are_bounded() {
    let bytes = document();
    let refused = |pages: PageLimits, limits: Limits| {
        let limits = Limits { pages, ..limits };
        assert!(probe(&bytes, &limits).is_err());
        try_restore(&bytes, &request(0.5), &limits).unwrap_err()
    };
    let error = refused(PageLimits { pages_max: 2, ..PageLimits::DEFAULT }, Limits::default());
    assert!(matches!(error, RestoreError::Decode(DecodeError::TooManyPages { got: 3, max: 2 })), "{error}");
    let sum = 90 * 60 + 64 * 80 + 70 * 70;
    let error = refused(PageLimits { pixels_max: sum - 1, ..PageLimits::DEFAULT }, Limits::default());
    assert!(matches!(error, RestoreError::Decode(DecodeError::TooManyPagePixels { .. })), "{error}");
    let error = refused(PageLimits::DEFAULT, Limits { pixels_max: 5300, ..Limits::default() });
    assert!(error.to_string().starts_with("page 1: "), "{error}");
    let length = restored(&bytes, &request(0.5)).bytes.len() as u64;
    for (output_bytes_max, is_fine) in [(length + 3, true), (length - 1, false)] {
        match try_restore(&bytes, &request(0.5), &Limits { output_bytes_max, ..Limits::default() }) {
            Ok(_) => assert!(is_fine),
            Err(RestoreError::Page { error, .. }) => {
                assert!(matches!(*error, RestoreError::Encode(EncodeError::TooManyBytes { .. })) && !is_fine);
            }
            Err(other) => panic!("{other}"),
        }
    }
    // A wanted page is not refused for the others.
    let few = Limits { pages: PageLimits { pages_max: 1, ..PageLimits::DEFAULT }, ..Limits::default() };
    try_restore(&bytes, &RestoreRequest { page: page(3), ..request(0.5) }, &few).unwrap();
}

#[test]
fn a_page_that_cannot_be_restored_is_named() {
    let good = || file(&image(40, 30, Channels::Grey, 1), Format::Tiff, &Metadata::default());
    let small = || file(&image(4, 3, Channels::Grey, 1), Format::Tiff, &Metadata::default());
    let bytes = join_tiff_pages(vec![good(), small()]).unwrap();
    let sharpened = RequestedParameters::new(None, None, None, Some(0.5)).unwrap();
    let asked = RestoreRequest { parameters: sharpened, ..RestoreRequest::default() };
    let error = try_restore(&bytes, &asked, &Limits::default()).unwrap_err().to_string();
    assert!(error.starts_with("page 2: ") && error.contains("4×3"), "{error}");
    // A page that is too small for a prediction stays as it is, with a note.
    let whole = restored(&bytes, &RestoreRequest::default());
    assert!(whole.receipt.pages[1].is_unpredictable() && whole.receipt.notes.has(NoteKind::Untouched));
}

#[test]
fn edited_receipts_of_pages_are_refused() {
    let bytes = document();
    let whole = restored(&bytes, &RestoreRequest { record: Record::Kept, ..request(0.6) }).receipt;
    let refused = |edit: &dyn Fn(&mut Receipt)| {
        let mut receipt = whole.clone();
        edit(&mut receipt);
        replayed(&receipt, &bytes).map(drop).unwrap_err()
    };
    let route = |error| matches!(error, ReplayError::Route);
    assert!(route(refused(&|r| drop(r.pages.pop()))));
    assert!(route(refused(&|r| r.pages.swap(0, 1))));
    assert!(route(refused(&|r| r.pages[0].pages = vec![r.pages[1].clone()])));
    assert!(route(refused(&|r| r.page = page(1))));
    assert!(route(refused(&|r| r.output.route = Route::InputBytes)));
    assert!(route(refused(&|r| r.pages[1].output.route = Route::InputBytes)));
    assert!(matches!(refused(&|r| r.pages[2].parameters.strength = 0.7), ReplayError::Differs { .. }));
    assert!(matches!(refused(&|r| r.output.sha256 = "0".repeat(64)), ReplayError::Differs { .. }));
    assert!(matches!(refused(&|r| r.input.sha256 = "0".repeat(64)), ReplayError::Input { .. }));
    assert!(matches!(refused(&|r| r.pages[1].input.sha256 = "0".repeat(64)), ReplayError::Input { .. }));
    // A receipt of the whole file, without its pages, is for no picture.
    assert!(matches!(refused(&|r| r.pages.clear()), ReplayError::Restore(_)));
}
