//! Opens every pair of a dataset and inspects it. The few pairs that a page shows are opened a second time.
//!
//! A pair is dropped as soon as its findings are taken, so memory holds at most one pair per thread.

use anyhow::Result;

use super::{
    index_dataset::{Dataset, PairFiles},
    parallel,
};
use pentimento_core::{
    imaging::{
        Image,
        codec::{self, Encoding, Format, Limits, Metadata},
    },
    inspection::{Inspection, PairFindings, Refused, Thumbnails, inspect, thumbnail},
    learning::Groups,
};

/// Longest side of a picture on a page, in pixels.
const THUMBNAIL_PX: usize = 160;

/// JPEG quality of a picture on a page.
const THUMBNAIL_QUALITY: u8 = 70;

/// Inspects all pairs with `threads` threads (0: all cores). A pair that cannot be read is reported, and the others are
/// inspected. `done` is called after each pair.
///
/// # Errors
/// When the system gives no threads.
pub fn inspect_dataset(
    dataset: &Dataset,
    groups: &Groups,
    limits: &Limits,
    threads: usize,
    done: &(dyn Fn() + Sync),
) -> Result<Inspection> {
    let work = |pair: &PairFiles| {
        let (reference, damaged) = pair.decode(limits)?;
        Ok(PairFindings::of(&pair.name, &reference, &damaged))
    };
    let (outcomes, _) = parallel::run(&dataset.pairs, threads, done, work)?;
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    for (pair, outcome) in dataset.pairs.iter().zip(outcomes) {
        match outcome {
            Ok(findings) => found.push(findings),
            Err(error) => {
                unreadable.push(Refused { name: pair.name.clone(), reason: format!("{error:#}") });
            }
        }
    }
    let mut inspection = inspect(&found, groups);
    inspection.unreadable = unreadable;
    inspection.unpaired = dataset.unpaired.clone();
    let refused = |(name, reason): &(String, String)| Refused { name: name.clone(), reason: reason.clone() };
    inspection.ambiguous = dataset.ambiguous.iter().map(refused).collect();
    inspection.n_ignored = dataset.n_ignored;
    Ok(inspection)
}

/// Returns small JPEG files of both pictures of the pairs of these names, which must be sorted. A pair that can no longer be
/// read is left out.
///
/// # Errors
/// When the system gives no threads.
pub fn thumbnails(dataset: &Dataset, names: &[&str], limits: &Limits, threads: usize) -> Result<Thumbnails> {
    let wanted = dataset.pairs.iter().filter(|pair| names.binary_search(&pair.name.as_str()).is_ok());
    let pairs: Vec<&PairFiles> = wanted.collect();
    let work = |pair: &&PairFiles| {
        let (reference, damaged) = pair.decode(limits)?;
        Ok([jpeg(&damaged)?, jpeg(&reference)?])
    };
    let (outcomes, _) = parallel::run(&pairs, threads, &|| (), work)?;
    let made = pairs.iter().zip(outcomes).filter_map(|(pair, made)| Some((pair.name.clone(), made.ok()?)));
    Ok(made.collect())
}

fn jpeg(image: &Image) -> Result<Vec<u8>> {
    let encoding = Encoding {
        format: Format::Jpeg,
        quality: Some(THUMBNAIL_QUALITY),
        subsampling: None,
        lossless: false,
    };
    Ok(codec::encode(&thumbnail(image, THUMBNAIL_PX), &Metadata::default(), &encoding)?)
}
