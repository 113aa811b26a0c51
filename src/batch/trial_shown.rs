//! The pictures that a trial's page shows: which, and made small.

use anyhow::Result;

use super::{gain_pictures::Measuring, parallel, trial::Tried};
use pentimento_core::{
    evaluation::trial::{BEST_IN_HAND, MODEL, Shown, TrialRow},
    imaging::{
        Image,
        codec::{Encoding, Format, Metadata, encode},
        operators::area_resize::area_resize,
        pipeline,
    },
};

/// Pictures per heading.
const SHOWN: usize = 6;
/// Their longest side.
const SIDE_PX: usize = 240;
const JPEG_QUALITY: u8 = 82;

/// The pictures of the largest gain, those of the largest regret, those that lost most.
///
/// # Errors
/// When a picture cannot be read again.
pub fn shown(tried: &Tried, measuring: &Measuring) -> Result<Vec<Shown>> {
    let chosen = chosen(&tried.report.pictures);
    let work = |&(group, picture): &(&'static str, usize)| {
        let (files, decision) = &tried.pictures[picture];
        let (reference, before) = files.images(measuring.recipes, measuring.limits)?;
        let coefficients = pipeline::measure(&before, &decision.parameters, decision.transform.as_ref());
        let after = pipeline::apply(before.clone(), &decision.parameters, &coefficients);
        Ok(Shown { group, picture, jpegs: [small(&before)?, small(&after)?, small(&reference)?] })
    };
    parallel::run(&chosen, measuring.threads, &|| {}, work)?.0.into_iter().collect()
}

fn chosen(rows: &[TrialRow]) -> Vec<(&'static str, usize)> {
    let first = |group: &'static str, merit: &dyn Fn(&TrialRow) -> f64| -> Vec<(&'static str, usize)> {
        let mut ranked: Vec<(f64, usize)> =
            rows.iter().map(merit).zip(0..).filter(|(m, _)| *m > 0.0).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        ranked.into_iter().take(SHOWN).map(|(_, i)| (group, i)).collect()
    };
    let harm = |row: &TrialRow| if row.is_harmed(MODEL) { -row.gain_db(MODEL) } else { 0.0 };
    [
        first("Largest gains in score", &|row| row.gain(MODEL)),
        first("Largest regret: the best candidate in hand gains so much more", &|row| {
            row.gain(BEST_IN_HAND) - row.gain(MODEL)
        }),
        first("Most harmed, in dB", &harm),
    ]
    .concat()
}

fn small(image: &Image) -> Result<Vec<u8>> {
    let side = image.width().max(image.height());
    let to = |length: usize| if side <= SIDE_PX { length } else { (length * SIDE_PX / side).max(1) };
    let reduced = area_resize(image, to(image.width()), to(image.height()));
    let encoding =
        Encoding { format: Format::Jpeg, quality: Some(JPEG_QUALITY), subsampling: None, lossless: false };
    // JPEG has no alpha.
    let (width, height, channels) = (reduced.width(), reduced.height(), reduced.channels());
    let opaque = Image::new(width, height, channels, reduced.into_parts().0, None)?;
    Ok(encode(&opaque, &Metadata::default(), &encoding)?)
}
