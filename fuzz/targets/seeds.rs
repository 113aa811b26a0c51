//! Writes the first inputs of each target into the folder `corpus`: small pictures of every format, forms, receipts of a small
//! picture, and models of a few trees. Run it in `fuzz/` with `cargo run --bin seeds`.

use std::{fs, path::Path};

use pentimento_core::{
    features::{N_FEATURES, rich::N_RICH},
    imaging::{
        Channels, ColorMethod, Image,
        codec::{Encoding, Format, Limits, Metadata, Subsampling, encode},
    },
    learning::{Table, TableRow},
    models::{
        Family,
        classic::{Hyperparameters, ModelCard, ParameterRegressors, card::SearchedBounds},
        gains::{
            LearnedCorrection, WeightForest,
            model::Gate,
            weight_forest::{FeatureRanges, LocalColumns, NumberRows, WeightForestHyperparameters},
        },
        predictor::{Predictor, PredictorCard, RequestedParameters},
    },
    restoration::{RestoreRequest, Watch, restore},
};
use pentimento_fuzz::PICTURE;

/// Longest picture among the fixtures that becomes a seed.
const FIXTURE_BYTES_MAX: u64 = 1600;
/// Number of rows of the models.
const ROWS: usize = 24;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = root.join("corpus");
    let write = |target: &str, name: &str, bytes: &[u8]| {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder).expect("a folder for the target");
        fs::write(folder.join(name), bytes).expect("a file in it");
    };
    for (name, bytes) in pictures(root) {
        write("decoding", &name, &bytes);
        write("headers", &name, &bytes);
        if Format::sniff(&bytes) == Some(Format::Tiff) {
            write("tiff", &name, &bytes);
        }
        write("forms", &format!("restore-{name}"), &form(0, &[("image", &bytes)]));
    }
    for (kind, block) in blocks().into_iter().enumerate() {
        write("headers", &format!("block-{kind}"), &[&[kind as u8], &block[..]].concat());
    }
    let texts = receipts();
    for (i, text) in texts.iter().enumerate() {
        write("receipts", &format!("receipt-{i}"), text.as_bytes());
    }
    write("receipts", "several", texts.join("\n").as_bytes());
    for choice in [2, 3, 6, 8, 12] {
        write("forms", &format!("picture-{choice}"), &form(choice, &[("image", PICTURE)]));
    }
    write("forms", "replay", &form(1, &[("receipt", texts[0].as_bytes()), ("image", PICTURE)]));
    let several = [("image", PICTURE), ("sigma", b"1.5"), ("image", b"none"), ("image", PICTURE)];
    for choice in [0, 4, 7] {
        write("forms", &format!("several-{choice}"), &form(choice, &several));
    }
    write("forms", "raw", &[&[8, 3], PICTURE].concat());
    write("models", "classic-trees", &[&[0], &classic(Family::RandomForest)[..]].concat());
    write("models", "classic-boosting", &[&[0], &classic(Family::GradientBoosting)[..]].concat());
    write("models", "gains", &[&[1], &gains()[..]].concat());
    write("models", "file", b"\x03PENTIMENTO-MODEL 1\n0123\nrest");
}

/// Small pictures: those of the codec's fixtures, and encoded ones.
fn pictures(root: &Path) -> Vec<(String, Vec<u8>)> {
    let fixtures = fs::read_dir(root.join("../core/tests/fixtures/codec")).expect("the codec's fixtures");
    let mut pictures: Vec<_> = fixtures
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.metadata().is_ok_and(|data| data.len() < FIXTURE_BYTES_MAX))
        .filter(|path| path.extension().is_some_and(|extension| extension != "md"))
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read(&path).expect("a fixture"))
        })
        .collect();
    for format in Format::ALL {
        for (channels, alpha) in [(Channels::Grey, false), (Channels::Rgb, true)] {
            let alpha = alpha.then(|| (0..12 * 10).map(|i| i as u8 * 2).collect());
            let samples = (0..12 * 10 * channels.count()).map(|i| (i * i / 5 % 200) as u8).collect();
            let image = Image::new(12, 10, channels, samples, alpha).expect("a picture");
            let lossless = !matches!(format, Format::Jpeg | Format::Avif);
            let encoding =
                Encoding { format, quality: Some(80), subsampling: Some(Subsampling::S420), lossless };
            if let Ok(bytes) = encode(&image, &Metadata::default(), &encoding) {
                pictures.push((format!("encoded-{}.{}", channels.count(), format.name()), bytes));
            }
        }
    }
    pictures
}

/// Blocks of metadata: EXIF, XMP, IPTC, ICC.
fn blocks() -> [Vec<u8>; 4] {
    let exif = b"II*\0\x08\0\0\0\x02\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\x3b\x01\x02\0\x05\0\0\0\x26\0\0\0\0\0\0\0Name\0";
    let xmp = b"<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
        <rdf:Description tiff:Orientation=\"6\"><dc:rights><rdf:Alt><rdf:li>me</rdf:li></rdf:Alt></dc:rights>\
        </rdf:Description></rdf:RDF></x:xmpmeta>";
    let iptc = b"\x1c\x02\x50\0\x04Name\x1c\x02\x74\0\x02me";
    let mut icc = vec![0; 132];
    icc[3] = 132;
    icc[16..20].copy_from_slice(b"RGB ");
    icc[36..40].copy_from_slice(b"acsp");
    [exif.to_vec(), xmp.to_vec(), iptc.to_vec(), icc]
}

/// A form of the parts, after the bytes that choose the route and the pieces.
fn form(choice: u8, parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut form = vec![choice, 7];
    for (name, content) in parts {
        form.extend_from_slice(b"--x\r\nContent-Disposition: form-data; name=\"");
        form.extend_from_slice(name.as_bytes());
        form.extend_from_slice(b"\"; filename=\"a\"\r\n\r\n");
        form.extend_from_slice(content);
        form.extend_from_slice(b"\r\n");
    }
    form.extend_from_slice(b"--x--\r\n");
    form
}

/// Receipts of [`PICTURE`].
fn receipts() -> Vec<String> {
    let given = |method, sigma, strength| {
        RequestedParameters::new(None, Some(method), Some(sigma), Some(strength)).expect("in range")
    };
    let requests = [
        given(ColorMethod::GreyWorld, 1.5, 0.5),
        given(ColorMethod::WhiteBalance, 0.5, 0.0),
        given(ColorMethod::None, 1.0, -0.5),
        RequestedParameters::default(),
    ];
    let formats = [None, Some(Format::Jpeg), Some(Format::WebP), Some(Format::Tiff)];
    let restored = requests.into_iter().zip(formats).filter_map(|(parameters, format)| {
        let request = RestoreRequest { parameters, format, ..RestoreRequest::default() };
        restore(PICTURE, &request, &Predictor::classic(), &Limits::default(), &mut Watch::none()).ok()
    });
    restored.map(|restored| serde_json::to_string(&restored.receipt).expect("JSON")).collect()
}

/// Content of a model file: the card's length, the card, the rest.
fn content(card: &[u8], rest: &[u8]) -> Vec<u8> {
    [&(card.len() as u32).to_le_bytes(), card, rest].concat()
}

/// A classic model of two trees for each parameter.
fn classic(family: Family) -> Vec<u8> {
    let rows = (0..ROWS).map(|i| {
        let share = i as f64 / ROWS as f64;
        TableRow {
            filename: format!("{i}.png"),
            similarity_score: 0.8,
            psnr: 30.0,
            ssim: 0.9,
            features: [share; N_FEATURES],
            color_method: if share > 0.3 { "white_balance" } else { "none" }.to_owned(),
            apply_color_correction: share > 0.3,
            sharpen_sigma: 0.5 + share,
            sharpen_strength: 2.0 * share,
        }
    });
    let table = Table::from_rows(rows.collect()).expect("a table");
    let mut hyperparameters = Hyperparameters::default();
    hyperparameters.random_forest.n_trees = 2;
    hyperparameters.random_forest.depth_max = 3;
    hyperparameters.gradient_boosting.n_rounds = 2;
    hyperparameters.gradient_boosting.depth_max = 3;
    let checked = hyperparameters.clone().check().expect("in range");
    let rows: Vec<_> = table.rows().iter().collect();
    let regressors = ParameterRegressors::fit(&rows, family, &checked).expect("a fit");
    let bounds = SearchedBounds {
        sigma_min: 0.5,
        sigma_max: 2.0,
        strength_min: 0.0,
        strength_max: 2.5,
        color_ever_on: true,
    };
    let card = ModelCard::new(family, hyperparameters, bounds);
    content(&serde_json::to_vec(&card).expect("JSON"), &postcard::to_stdvec(&regressors).expect("bytes"))
}

/// A model of gains of one tree in each forest. postcard writes a structure as its fields one after the other.
fn gains() -> Vec<u8> {
    let predictor = Predictor::built_in();
    let PredictorCard::Gains(card) = predictor.card() else { panic!("the built-in model is one of gains") };
    let mut card = card.clone();
    (card.fit_sources, card.trial, card.datasets) = (Vec::new(), Vec::new(), Vec::new());
    let hyperparameters = WeightForestHyperparameters {
        n_trees: 1,
        depth_max: Some(3),
        leaf_samples_min: 2,
        split_features: 0.5,
        seed: 1,
    };
    let hyperparameters = hyperparameters.check().expect("in range");
    let table = |n_columns: usize, scale: f32| {
        let numbers = (0..ROWS * n_columns).map(|i| (i * i % 97) as f32 * scale).collect();
        NumberRows::new(numbers, n_columns).expect("finite numbers")
    };
    let forest = |features: &NumberRows, targets: &NumberRows| {
        WeightForest::fit(features, targets, None, &hyperparameters).expect("a fit")
    };
    let gate = Gate { margin: -1.0, harm_max: 2.0, score_low_min: -1.0, harm_price: 0.1 };
    let features = table(N_RICH, 0.01);
    let codes = table(42, 0.0001);
    let color: Vec<String> = LearnedCorrection::ALL[..2].iter().map(ToString::to_string).collect();
    let detail = ["none".to_owned()];
    let (joined, color_gains) = (table(N_RICH + 13, 0.01), table(color.len(), 0.001));
    let detail_gains = table(detail.len(), 0.001);
    let model = (
        (forest(&features, &codes), &codes, LocalColumns::of(&features, &[0, 1])),
        (&color, forest(&joined, &color_gains), &color_gains, &color_gains),
        gate,
        (&detail[..], forest(&features, &detail_gains), &detail_gains, &detail_gains),
        gate,
        FeatureRanges::of(&features, 0.01).expect("ranges"),
    );
    content(&serde_json::to_vec(&card).expect("JSON"), &postcard::to_stdvec(&model).expect("bytes"))
}
