//! Searches the best parameters of every pair of a dataset and writes the two tables.

use std::fmt;

use anyhow::Result;

use super::{
    damages::Damages,
    index_dataset::{Dataset, PairFiles},
    parallel::{self, Usage},
};
use pentimento_core::{
    evaluation::{Align, Alignment, AlignmentKind, PairOptimum, align, find_optimum},
    imaging::{ColorMethod, RestorationParameters, codec::Limits},
    learning::{Table, TableRow},
    metrics::Quality,
    search::{SearchSpace, is_on_edge},
};

/// What a search over a dataset found.
#[derive(Debug)]
pub struct Optima {
    /// Pairs done, in the dataset's order.
    pub done: Vec<(String, PairOptimum)>,
    /// How each of them came to be scored, in the same order.
    pub alignments: Vec<Alignment>,
    /// Pairs that failed, each with its reason.
    pub failed: Vec<(String, String)>,
    /// Names without a mate.
    pub unpaired: Vec<String>,
    /// Files that are no pictures by their extension.
    pub n_ignored: usize,
    /// What it cost.
    pub usage: Usage,
}

/// Searches all pairs with `threads` threads (0: all cores). A bad pair is reported and stops nothing; with
/// [`Align::Auto`] one that does not show the same is a bad pair.
///
/// # Errors
/// When the system gives no threads.
pub fn find_optima(
    dataset: &Dataset,
    space: &SearchSpace,
    alignment: Align,
    limits: &Limits,
    threads: usize,
    done: &(dyn Fn() + Sync),
) -> Result<Optima> {
    let work = |pair: &PairFiles| {
        let (reference, damaged) = pair.decode(limits)?;
        let (reference, damaged, alignment) = align(alignment, reference, damaged)?;
        Ok((find_optimum(&reference, &damaged, space)?, alignment))
    };
    let (outcomes, usage) = parallel::run(&dataset.pairs, threads, done, work)?;
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
    Ok(Optima { done: good, alignments, failed, unpaired, n_ignored, usage })
}

impl Optima {
    /// Pairs done over everything that should have become a pair, missing mates included; 0 for an empty dataset.
    pub fn success_rate(&self) -> f64 {
        let expected = self.done.len() + self.failed.len() + self.unpaired.len();
        if expected == 0 { 0.0 } else { self.done.len() as f64 / expected as f64 }
    }

    /// The training table as CSV. Spaces other than the seed's tell, behind [`MORE_COLUMNS`], each pair's damage where
    /// any is known, and how it lay where pairs were registered.
    ///
    /// # Errors
    /// As [`table_csv`].
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

    /// Every combination of every pair as CSV.
    ///
    /// # Errors
    /// As [`combinations_csv`].
    pub fn combinations_csv(&self, space: &SearchSpace) -> Result<Vec<u8>> {
        combinations_csv(&self.done, space)
    }

    /// The summary, to be printed.
    pub fn summary<'a>(&'a self, space: &'a SearchSpace) -> Summary<'a> {
        Summary { optima: self, space }
    }

    fn share(&self, holds: impl Fn(&PairOptimum) -> bool) -> f64 {
        self.done.iter().filter(|(_, found)| holds(found)).count() as f64 / self.done.len().max(1) as f64
    }
}

/// Pairs with what was found as the training table in CSV. Spaces other than the seed's append [`MORE_COLUMNS`].
///
/// # Errors
/// When a name stands for two pairs.
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

/// The table with further columns; `cells` are asked for by row.
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

/// What a table of another space than the seed's has behind the fixed columns.
pub const MORE_COLUMNS: [&str; 4] = ["candidate", "untouched_psnr", "untouched_ssim", "gain"];

/// What it has behind them where damages are known.
const DAMAGE_COLUMN: &str = "damage";
/// What it has behind these where pairs were registered: how the pair was scored, and how far places lay apart on average.
const ALIGNMENT_COLUMNS: [&str; 2] = ["alignment", "displacement_px"];

/// The columns of every combination of a seed's grid; see [`combination_columns`].
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

/// What other spaces have behind them.
const MORE_COMBINATION_COLUMNS: [&str; 2] = ["color_blend", "denoise"];

/// The columns of every combination of `space`: further ones when a candidate corrects colours in part or denoises.
pub fn combination_columns(space: &SearchSpace) -> Vec<&'static str> {
    let mut columns = COMBINATION_COLUMNS.to_vec();
    if space.blends_or_denoises() {
        columns.extend(MORE_COMBINATION_COLUMNS);
    }
    columns
}

/// Every combination of pairs as CSV, the untouched picture first unless it is in the space.
///
/// # Errors
/// Never for sane names; writing to memory.
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

/// The combinations of one pair in order, the untouched picture first unless it is in the space.
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

/// What to act on after a search.
pub struct Summary<'a> {
    optima: &'a Optima,
    space: &'a SearchSpace,
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Optima { done, alignments, failed, unpaired, n_ignored, usage } = self.optima;
        let n = self.space.candidates().len();
        writeln!(f, "space        {} ({n} combinations)", self.space.name())?;
        writeln!(f, "pairs done   {}", done.len())?;
        let registered: Vec<_> =
            done.iter().zip(alignments).filter(|(_, a)| a.kind == AlignmentKind::Registered).collect();
        if alignments.iter().any(|alignment| alignment.kind != AlignmentKind::Off) {
            let (n, aligned) = (registered.len(), alignments.len() - registered.len());
            writeln!(
                f,
                "aligned      {aligned}, registered {n} (their sharpening is not to be learned from)"
            )?;
            for ((name, _), alignment) in registered {
                let moved = alignment.displacement_px;
                writeln!(f, "  {name}: {:.1} px off on average, {:.1} at most", moved.mean, moved.max)?;
            }
        }
        writeln!(f, "failed       {}", failed.len())?;
        failed.iter().try_for_each(|(name, reason)| writeln!(f, "  {name}: {reason}"))?;
        writeln!(f, "unpaired     {}", unpaired.len())?;
        unpaired.iter().try_for_each(|name| writeln!(f, "  {name}"))?;
        if *n_ignored > 0 {
            writeln!(f, "ignored      {n_ignored} files that are no pictures by their extension")?;
        }
        writeln!(f, "success rate {:.1} %", self.optima.success_rate() * 100.0)?;
        writeln!(
            f,
            "cost         {} cores, {} threads, {:.2} s wall, {:.2} s CPU, utilisation {:.0} %, {:.2} pairs/s",
            usage.cores,
            usage.threads,
            usage.wall_s,
            usage.cpu_s,
            usage.utilisation() * 100.0,
            done.len() as f64 / usage.wall_s
        )?;
        if done.is_empty() {
            return Ok(());
        }
        let nothing = self.optima.share(|p| p.untouched.score() > p.candidates[p.best].score());
        let edge = self.optima.share(|p| is_on_edge(self.space, p.best));
        writeln!(f, "doing nothing beats the best combination for {:.1} % of the pairs", nothing * 100.0)?;
        writeln!(f, "the optimum is on the grid's edge for {:.1} % of the pairs", edge * 100.0)
    }
}
