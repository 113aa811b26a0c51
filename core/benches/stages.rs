//! CPU milliseconds of each stage of a restoration, in process and on one thread:
//! `cargo bench --bench stages -- REPETITIONS PICTURE...`. `scripts/bench-restore.py` runs it.

mod cpu_time;

use cpu_time::cpu_time;
use pentimento_core::{
    features::{self, Look, Schema},
    imaging::{
        ColorCorrection, ColorMethod, RestorationParameters,
        codec::{self, Encoding, Limits, Picture},
        operators::color_transform::ColorTransform,
        pipeline,
    },
    models::predictor::{Predictor, RequestedParameters},
    restoration::{Record, Request, receipt, restore},
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
    // It is read when first asked; that is not predicting.
    predictor.id();
    for file in files {
        let bytes = std::fs::read(file).unwrap_or_else(|e| panic!("{file}: {e}"));
        println!("{file}");
        bench.stages(&bytes, &predictor);
    }
}

struct Bench {
    pool: rayon::ThreadPool,
    repetitions: usize,
}

impl Bench {
    fn stages(&self, bytes: &[u8], predictor: &Predictor) {
        let limits = Limits::default();
        let decode = || codec::decode(bytes, &limits).expect("a picture");
        let picture = decode();
        let megapixels = picture.image.n_pixels() as f64 / 1e6;
        self.time("probe", megapixels, || (), |()| codec::probe(bytes, &limits));
        self.time("decode", megapixels, || (), |()| decode());
        self.time("features, seed schema", megapixels, || (), |()| features::extract(&picture.image));
        let look = || Look::decode(bytes, &limits, Schema::Rich, |_| ()).expect("a picture");
        self.time("look", megapixels, || (), |()| look());
        let seen = look();
        self.time("features", megapixels, || (), |()| seen.features());
        let features = seen.features().expect("large sides");
        let open = RequestedParameters::default();
        self.time("predict", megapixels, || (), |()| predictor.predict(&features, seen.size(), &open));
        for (name, color, sigma, strength) in PARAMETERS {
            let parameters = given(color, sigma, strength).complete().expect("all are given");
            self.time(
                &format!("measure, {name}"),
                megapixels,
                || (),
                |()| pipeline::measure(&picture.image, &parameters, None),
            );
            let coefficients = pipeline::measure(&picture.image, &parameters, None);
            let copy = || picture.image.clone();
            self.time(&format!("apply, {name}"), megapixels, copy, |image| {
                pipeline::apply(image, &parameters, &coefficients)
            });
        }
        for (name, quadratic) in [("affine", 0.0), ("quadratic", 0.1)] {
            let mut coefficients = ColorTransform::IDENTITY.coefficients();
            (coefficients[1], coefficients[12]) = (0.1, quadratic);
            let transform = ColorTransform::new(&coefficients).expect("small numbers");
            let learned = ColorCorrection::from(ColorMethod::Learned);
            let parameters = RestorationParameters::IDENTITY.with_color(learned);
            let coefficients = pipeline::measure(&picture.image, &parameters, Some(&transform));
            let copy = || picture.image.clone();
            self.time(&format!("apply, learned {name}"), megapixels, copy, |image| {
                pipeline::apply(image, &parameters, &coefficients)
            });
        }
        let encoding = encoding(&picture);
        let encode = || codec::encode(&picture.image, &picture.metadata, &encoding).expect("encodable");
        self.time("encode", megapixels, || (), |()| encode());
        let encoded = encode();
        self.time("digest of the input", megapixels, || (), |()| receipt::digest(bytes));
        self.time("digest of the pixels", megapixels, || (), |()| receipt::pixels_digest(&picture.image));
        self.time("digest of the output", megapixels, || (), |()| receipt::digest(&encoded));
        let whole = |name: &str, parameters, record| {
            let request = Request { parameters, record, ..Request::default() };
            self.time(
                name,
                megapixels,
                || (),
                |()| restore(bytes, &request, predictor, &limits, &mut |_| ()).expect("a picture"),
            );
        };
        for (name, color, sigma, strength) in PARAMETERS {
            whole(&format!("whole, {name}"), given(color, sigma, strength), Record::Told);
            whole(&format!("whole with receipt, {name}"), given(color, sigma, strength), Record::Kept);
        }
        whole("whole, predicted", open, Record::Told);
        let learned = |sigma, strength| {
            RequestedParameters::new(None, Some(ColorMethod::Learned), sigma, strength).expect("in range")
        };
        let nothing = RequestedParameters::new(Some(false), None, None, None).expect("in range");
        whole("whole, untouched", nothing, Record::Told);
        whole("whole, learned colour predicted", learned(Some(1.0), Some(0.0)), Record::Told);
        whole("whole, learned colour predicted, sharpen", learned(Some(1.0), Some(0.5)), Record::Told);
    }

    /// Prints the least CPU time of some runs; `prepare` is not counted.
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
