//! Searches the optimum of every pair of a dataset, and writes the training table and the table of all combinations.

use std::fmt;

use anyhow::Result;

use super::{
    damages::Damages,
    index_dataset::{Dataset, PairFiles},
    parallel::{self, PoolUsage},
};
use pentimento_core::{
    evaluation::{Align, Alignment, AlignmentKind, PairOptimum, align, find_optimum},
    imaging::{ColorMethod, RestorationParameters, codec::Limits},
    learning::{Table, TableRow},
    metrics::Quality,
    search::{SearchSpace, is_on_edge},
};

/// How a dataset is searched.
#[derive(Clone, Copy)]
pub struct OptimaSearch<'a> {
    /// The candidates that are measured on every pair.
    pub space: &'a SearchSpace,
    /// Whether pairs are registered first. With [`Align::Auto`], a pair that does not show the same subject fails.
    pub align: Align,
    /// Limits of a picture.
    pub limits: &'a Limits,
    /// Number of threads; 0 takes all cores.
    pub threads: usize,
    /// Called as each pair ends.
    pub done: &'a (dyn Fn() + Sync),
}

/// The optima of a dataset's pairs, with failures and cost.
#[derive(Debug)]
pub struct DatasetOptima {
    /// Pairs that were searched, by name, in the dataset's order.
    pub done: Vec<(String, PairOptimum)>,
    /// How each of these pairs was aligned, in the same order.
    pub alignments: Vec<Alignment>,
    /// Pairs that failed, each with its reason.
    pub failed: Vec<(String, String)>,
    /// Names without a mate.
    pub unpaired: Vec<String>,
    /// Number of files whose extension is not a picture's.
    pub n_ignored: usize,
    /// Cost of the search.
    pub usage: PoolUsage,
}

/// Searches all pairs. A pair that fails is listed with its reason; the others go on.
///
/// # Errors
/// When the system gives no threads.
pub fn find_optima(dataset: &Dataset, search: &OptimaSearch) -> Result<DatasetOptima> {
    let work = |pair: &PairFiles| {
        let (reference, damaged) = pair.decode(search.limits)?;
        let (reference, damaged, alignment) = align(search.align, reference, damaged)?;
        Ok((find_optimum(&reference, &damaged, search.space)?, alignment))
    };
    let (outcomes, usage) = parallel::run(&dataset.pairs, search.threads, search.done, work)?;
    let (mut good, mut alignments, mut failed) = (Vec::new(), Vec::new(), dataset.ambiguous.clone());
    for (pair, outcome) in dataset.pairs.iter().zip(outcomes) {
        match outcome {
            Ok((optimum, alignment)) => {
                good.push((pair.name.clone(), optimum));
                alignments.push(alignment);
            }
            Err(error) => failed.push((pair.name.clone(), format!("{error:#}"))),
        }
    }
    failed.sort();
    let (unpaired, n_ignored) = (dataset.unpaired.clone(), dataset.n_ignored);
    Ok(DatasetOptima { done: good, alignments, failed, unpaired, n_ignored, usage })
}

impl DatasetOptima {
    /// Returns the share, 0–1, of searched pairs among everything that should have been a pair, missing mates
    /// included. An empty dataset has 0.
    pub fn success_rate(&self) -> f64 {
        let expected = self.done.len() + self.failed.len() + self.unpaired.len();
        if expected == 0 { 0.0 } else { self.done.len() as f64 / expected as f64 }
    }

    /// Returns the training table as CSV. For spaces other than the seed's, more columns follow [`MORE_COLUMNS`]: the
    /// pair's damage where `damages` knows any, and its alignment where pairs were registered.
    ///
    /// # Errors
    /// Same errors as [`table_csv`].
    pub fn table_csv(&self, space: &SearchSpace, damages: &Damages) -> Result<Vec<u8>> {
        let mut table = table_csv(&self.done, space)?;
        if space.name() == "seed" {
            return Ok(table);
        }
        if !damages.is_empty() {
            let damage = |row: usize| [damages.of(&self.done[row].0).unwrap_or_default().to_owned()];
            table = with_columns(&table, [DAMAGE_COLUMN], damage)?;
        }
        if self.alignments.iter().any(|alignment| alignment.kind != AlignmentKind::Off) {
            let alignment = |row: usize| {
                let Alignment { kind, displacement_px } = self.alignments[row];
                [kind.name().to_owned(), displacement_px.mean.to_string()]
            };
            table = with_columns(&table, ALIGNMENT_COLUMNS, alignment)?;
        }
        Ok(table)
    }

    /// Returns every combination of every pair as CSV.
    ///
    /// # Errors
    /// Same errors as [`combinations_csv`].
    pub fn combinations_csv(&self, space: &SearchSpace) -> Result<Vec<u8>> {
        combinations_csv(&self.done, space)
    }

    /// Returns the summary for people.
    pub fn summary<'a>(&'a self, space: &'a SearchSpace) -> SearchSummary<'a> {
        SearchSummary { optima: self, space }
    }

    /// Returns the share, 0–1, of the searched pairs for which `holds` is true.
    fn share(&self, holds: impl Fn(&PairOptimum) -> bool) -> f64 {
        self.done.iter().filter(|(_, found)| holds(found)).count() as f64 / self.done.len().max(1) as f64
    }
}

/// Returns the training table of pairs and their optima as CSV. Spaces other than the seed's append [`MORE_COLUMNS`].
///
/// # Errors
/// When two pairs have the same name.
pub fn table_csv(done: &[(String, PairOptimum)], space: &SearchSpace) -> Result<Vec<u8>> {
    let rows: Vec<TableRow> = done.iter().map(|(name, found)| found.table_row(name, space)).collect();
    let base = Table::from_rows(rows)?.write_csv();
    if space.name() == "seed" {
        return Ok(base);
    }
    with_columns(&base, MORE_COLUMNS, |row| {
        let found = &done[row].1;
        let (best, before) = (found.candidates[found.best], found.untouched);
        [
            space.candidates()[found.best].name.clone(),
            before.psnr.to_string(),
            before.ssim.to_string(),
            (best.capped_score() - before.capped_score()).to_string(),
        ]
    })
}

/// Appends columns to a table in CSV. `cells` returns the further cells of a row, counted from 0.
fn with_columns<const N: usize>(
    table: &[u8],
    columns: [&str; N],
    cells: impl Fn(usize) -> [String; N],
) -> Result<Vec<u8>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(table);
    let mut writer = writer();
    for (i, record) in reader.records().enumerate() {
        let mut fields: Vec<String> = record?.iter().map(str::to_owned).collect();
        fields.extend(match i.checked_sub(1) {
            None => columns.map(str::to_owned),
            Some(row) => cells(row),
        });
        writer.write_record(&fields)?;
    }
    finish(writer)
}

/// Columns that follow the fixed ones in tables of spaces other than the seed's.
pub const MORE_COLUMNS: [&str; 4] = ["candidate", "untouched_psnr", "untouched_ssim", "gain"];

/// Column that follows [`MORE_COLUMNS`] where damages are known.
const DAMAGE_COLUMN: &str = "damage";
/// Last columns, where pairs were registered: how the pair was aligned, and the mean distance in pixels between the
/// same places of both pictures.
const ALIGNMENT_COLUMNS: [&str; 2] = ["alignment", "displacement_px"];

/// Columns of the table of combinations, for every space.
const COMBINATION_COLUMNS: [&str; 9] = [
    "filename",
    "candidate",
    "color_method",
    "apply_color_correction",
    "sharpen_sigma",
    "sharpen_strength",
    "psnr",
    "ssim",
    "similarity_score",
];

/// Columns that follow [`COMBINATION_COLUMNS`] where a candidate blends colours or denoises.
const MORE_COMBINATION_COLUMNS: [&str; 2] = ["color_blend", "denoise"];

/// Returns the columns of the table of combinations of `space`. It has two more where a candidate blends colours or
/// denoises.
pub fn combination_columns(space: &SearchSpace) -> Vec<&'static str> {
    let mut columns = COMBINATION_COLUMNS.to_vec();
    if space.blends_or_denoises() {
        columns.extend(MORE_COMBINATION_COLUMNS);
    }
    columns
}

/// Returns every combination of pairs as CSV. The untouched picture is the first row of a pair, unless the space has
/// the identity.
///
/// # Errors
/// When CSV cannot be written to memory; no input is known that leads to it.
pub fn combinations_csv(done: &[(String, PairOptimum)], space: &SearchSpace) -> Result<Vec<u8>> {
    let mut writer = writer();
    writer.write_record(combination_columns(space))?;
    for (name, found) in done {
        for (candidate, parameters, quality) in combinations(found, space) {
            let mut fields = combination(name, candidate, parameters, quality).to_vec();
            if space.blends_or_denoises() {
                fields.extend([parameters.color_blend().to_string(), parameters.denoise().to_string()]);
            }
            writer.write_record(fields)?;
        }
    }
    finish(writer)
}

/// Returns the combinations of one pair in the space's order: name, parameters and quality of each candidate. The
/// untouched picture is the first, unless the space has the identity.
pub fn combinations<'a>(
    found: &'a PairOptimum,
    space: &'a SearchSpace,
) -> impl Iterator<Item = (&'a str, &'a RestorationParameters, Quality)> {
    const IDENTITY: &RestorationParameters = &RestorationParameters::IDENTITY;
    let has_identity = space.candidates().iter().any(|c| c.parameters.is_identity());
    let untouched = (!has_identity).then_some(("identity", IDENTITY, found.untouched));
    let tried = space.candidates().iter().zip(&found.candidates);
    untouched.into_iter().chain(tried.map(|(c, &quality)| (c.name.as_str(), &c.parameters, quality)))
}

fn writer() -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new())
}

fn finish(writer: csv::Writer<Vec<u8>>) -> Result<Vec<u8>> {
    writer.into_inner().map_err(|e| anyhow::anyhow!("writing CSV to memory: {}", e.error()))
}

/// Cells of one row, in the order of [`COMBINATION_COLUMNS`].
fn combination(name: &str, candidate: &str, p: &RestorationParameters, q: Quality) -> [String; 9] {
    [
        name.to_owned(),
        candidate.to_owned(),
        p.color_method().to_string(),
        u8::from(p.color_method() != ColorMethod::None).to_string(),
        p.sigma().to_string(),
        p.strength().to_string(),
        q.psnr.to_string(),
        q.ssim.to_string(),
        q.score().to_string(),
    ]
}

/// The summary of a search for people: what was searched, what failed, and what it cost.
pub struct SearchSummary<'a> {
    optima: &'a DatasetOptima,
    space: &'a SearchSpace,
}

impl SearchSummary<'_> {
    /// Writes the number of aligned and registered pairs, and how far each registered pair was moved. Writes nothing if
    /// `--align` is off.
    fn write_alignments(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DatasetOptima { done, alignments, .. } = self.optima;
        if alignments.iter().all(|alignment| alignment.kind == AlignmentKind::Off) {
            return Ok(());
        }
        let pairs = done.iter().zip(alignments);
        let registered: Vec<_> = pairs.filter(|(_, a)| a.kind == AlignmentKind::Registered).collect();
        let (n, aligned) = (registered.len(), alignments.len() - registered.len());
        writeln!(
            f,
            "aligned      {aligned}, registered {n} (registration changes sharpness: do not learn sharpening from them)"
        )?;
        for ((name, _), alignment) in registered {
            let moved = alignment.displacement_px;
            writeln!(f, "  {name}: {:.1} px off on average, {:.1} at most", moved.mean, moved.max)?;
        }
        Ok(())
    }

    fn write_failures(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DatasetOptima { failed, unpaired, n_ignored, .. } = self.optima;
        writeln!(f, "failed       {}", failed.len())?;
        failed.iter().try_for_each(|(name, reason)| writeln!(f, "  {name}: {reason}"))?;
        writeln!(f, "unpaired     {}", unpaired.len())?;
        unpaired.iter().try_for_each(|name| writeln!(f, "  {name}"))?;
        if *n_ignored > 0 {
            writeln!(f, "ignored      {n_ignored} files whose extension is not a picture's")?;
        }
        Ok(())
    }

    fn write_cost(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DatasetOptima { done, usage, .. } = self.optima;
        writeln!(
            f,
            "cost         {} cores, {} threads, {:.2} s wall, {:.2} s CPU, utilisation {:.0} %, {:.2} pairs/s",
            usage.cores,
            usage.threads,
            usage.wall_s,
            usage.cpu_s,
            usage.utilisation() * 100.0,
            done.len() as f64 / usage.wall_s
        )
    }
}

impl fmt::Display for SearchSummary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (optima, space) = (self.optima, self.space);
        writeln!(f, "space        {} ({} combinations)", space.name(), space.candidates().len())?;
        writeln!(f, "pairs done   {}", optima.done.len())?;
        self.write_alignments(f)?;
        self.write_failures(f)?;
        writeln!(f, "success rate {:.1} %", optima.success_rate() * 100.0)?;
        self.write_cost(f)?;
        if optima.done.is_empty() {
            return Ok(());
        }
        let nothing = optima.share(|p| p.untouched.score() > p.candidates[p.best].score());
        let edge = optima.share(|p| is_on_edge(space, p.best));
        writeln!(
            f,
            "the untouched picture is better than the best combination for {:.1} % of the pairs",
            nothing * 100.0
        )?;
        writeln!(f, "the optimum is on the grid's edge for {:.1} % of the pairs", edge * 100.0)
    }
}
