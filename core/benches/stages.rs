//! CPU milliseconds of each stage of a restoration, in process and on one thread:
//! `cargo bench --bench stages -- REPETITIONS PICTURE...`. `scripts/bench-restore.py` runs it.

mod cpu_time;

use cpu_time::cpu_time;
use pentimento_core::{
    digest::digest,
    features::{self, Look, Schema},
    imaging::{
        ColorCorrection, ColorMethod, RestorationParameters,
        codec::{self, Encoding, Limits, Picture},
        operators::color_transform::ColorTransform,
        pipeline,
    },
    models::predictor::{Predictor, RequestedParameters},
    restoration::{Record, RestoreRequest, Watch, receipt, restore},
};

/// The model that predicts, by name.
const MODEL: &str = "builtin";

/// Parameters by name: colour on or off, sigma, strength.
const PARAMETERS: [(&str, bool, f64, f64); 4] = [
    ("color and sharpen", true, 1.0, 1.0),
    ("sharpen", false, 1.0, 0.5),
    ("any strength", false, 1.0, 0.777),
    ("color", true, 1.0, 0.0),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let [repetitions, files @ ..] = &arguments[..] else {
        // `cargo bench` without arguments runs every bench.
        println!("stages: needs REPETITIONS PICTURE...");
        return;
    };
    let bench = Bench {
        pool: rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool"),
        repetitions: repetitions.parse().expect("a number of repetitions"),
    };
    let predictor = Predictor::named(MODEL).expect("a carried model");
    // The first call reads the model, which is not part of predicting.
    predictor.id();
    for file in files {
        let bytes = std::fs::read(file).unwrap_or_else(|e| panic!("{file}: {e}"));
        println!("{file}");
        bench.stages(&bytes, &predictor);
    }
}

/// A picture whose stages are timed.
struct TimedPicture<'a> {
    bytes: &'a [u8],
    megapixels: f64,
    picture: Picture,
}

/// A pool of one thread, and how often each stage runs.
struct Bench {
    pool: rayon::ThreadPool,
    repetitions: usize,
}

impl Bench {
    /// Times every stage for the picture in `bytes`.
    fn stages(&self, bytes: &[u8], predictor: &Predictor) {
        let picture = codec::decode(bytes, &Limits::default()).expect("a picture");
        let picture = TimedPicture { bytes, megapixels: picture.image.n_pixels() as f64 / 1e6, picture };
        self.looks(&picture, predictor);
        self.operators(&picture);
        self.learned_operators(&picture);
        self.output(&picture);
        self.requests(&picture, predictor);
    }

    /// Times the stages from bytes to a prediction.
    fn looks(&self, of: &TimedPicture, predictor: &Predictor) {
        let (limits, image) = (Limits::default(), &of.picture.image);
        self.time("probe", of.megapixels, || (), |()| codec::probe(of.bytes, &limits));
        self.time("decode", of.megapixels, || (), |()| codec::decode(of.bytes, &limits));
        self.time("features, seed schema", of.megapixels, || (), |()| features::extract(image));
        let look = || Look::decode(of.bytes, &limits, Schema::Rich, |_| ()).expect("a picture");
        self.time("look", of.megapixels, || (), |()| look());
        let seen = look();
        self.time("features", of.megapixels, || (), |()| seen.features());
        let features = seen.features().expect("large sides");
        let open = RequestedParameters::default();
        self.time("predict", of.megapixels, || (), |()| predictor.predict(&features, seen.size(), &open));
    }

    /// Times the operators with given parameters.
    fn operators(&self, of: &TimedPicture) {
        let image = &of.picture.image;
        for (name, color, sigma, strength) in PARAMETERS {
            let parameters = given(color, sigma, strength).complete().expect("all are given");
            let measure = || pipeline::measure(image, &parameters, None);
            self.time(&format!("measure, {name}"), of.megapixels, || (), |()| measure());
            let coefficients = measure();
            let copy = || image.clone();
            self.time(&format!("apply, {name}"), of.megapixels, copy, |image| {
                pipeline::apply(image, &parameters, &coefficients)
            });
        }
    }

    /// Times the learned colour transforms.
    fn learned_operators(&self, of: &TimedPicture) {
        let image = &of.picture.image;
        for (name, quadratic) in [("affine", 0.0), ("quadratic", 0.1)] {
            let mut coefficients = ColorTransform::IDENTITY.coefficients();
            (coefficients[1], coefficients[12]) = (0.1, quadratic);
            let transform = ColorTransform::new(&coefficients).expect("small numbers");
            let learned = ColorCorrection::from(ColorMethod::Learned);
            let parameters = RestorationParameters::IDENTITY.with_color(learned);
            let coefficients = pipeline::measure(image, &parameters, Some(&transform));
            let copy = || image.clone();
            self.time(&format!("apply, learned {name}"), of.megapixels, copy, |image| {
                pipeline::apply(image, &parameters, &coefficients)
            });
        }
    }

    /// Times encoding and digests.
    fn output(&self, of: &TimedPicture) {
        let Picture { image, metadata, .. } = &of.picture;
        let encoding = encoding(&of.picture);
        let encode = || codec::encode(image, metadata, &encoding).expect("encodable");
        self.time("encode", of.megapixels, || (), |()| encode());
        let encoded = encode();
        self.time("digest of the input", of.megapixels, || (), |()| digest(of.bytes));
        self.time("digest of the pixels", of.megapixels, || (), |()| receipt::pixels_digest(image));
        self.time("digest of the output", of.megapixels, || (), |()| digest(&encoded));
    }

    /// Times whole requests.
    fn requests(&self, of: &TimedPicture, predictor: &Predictor) {
        let limits = Limits::default();
        let whole = |name: &str, parameters, record| {
            let request = RestoreRequest { parameters, record, ..RestoreRequest::default() };
            let restore =
                || restore(of.bytes, &request, predictor, &limits, &mut Watch::none()).expect("a picture");
            self.time(name, of.megapixels, || (), |()| restore());
        };
        for (name, color, sigma, strength) in PARAMETERS {
            whole(&format!("whole, {name}"), given(color, sigma, strength), Record::WithoutDigests);
            whole(&format!("whole with receipt, {name}"), given(color, sigma, strength), Record::Kept);
        }
        whole("whole, predicted", RequestedParameters::default(), Record::WithoutDigests);
        let learned = |sigma, strength| {
            RequestedParameters::new(None, Some(ColorMethod::Learned), sigma, strength).expect("in range")
        };
        let nothing = RequestedParameters::new(Some(false), None, None, None).expect("in range");
        whole("whole, untouched", nothing, Record::WithoutDigests);
        let (alone, sharpened) = (learned(Some(1.0), Some(0.0)), learned(Some(1.0), Some(0.5)));
        whole("whole, learned colour predicted", alone, Record::WithoutDigests);
        whole("whole, learned colour predicted, sharpen", sharpened, Record::WithoutDigests);
    }

    /// Prints the least CPU time of `work` over all repetitions, without that of `prepare`.
    fn time<I: Send, O: Send>(
        &self,
        stage: &str,
        megapixels: f64,
        prepare: impl Fn() -> I,
        work: impl Fn(I) -> O + Sync,
    ) {
        let run = |_| {
            let input = prepare();
            let before = cpu_time();
            let output = self.pool.install(|| work(input));
            let took = cpu_time() - before;
            drop(output);
            took
        };
        let least =
            (0..self.repetitions).map(run).min().expect("at least one repetition").as_secs_f64() * 1e3;
        println!("  {stage}: {least:.2} ms, {:.3} ms/MP", least / megapixels);
    }
}

fn given(color: bool, sigma: f64, strength: f64) -> RequestedParameters {
    RequestedParameters::new(Some(color), None, Some(sigma), Some(strength)).expect("in range")
}

fn encoding(picture: &Picture) -> Encoding {
    let header = &picture.header;
    let subsampling = header.jpeg_subsampling;
    Encoding { format: header.format, quality: None, subsampling, lossless: header.lossless }
}
