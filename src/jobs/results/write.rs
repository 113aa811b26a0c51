//! Writing the results of a job.

use std::io::Write;

use anyhow::{Context as _, Result};
use tokio::runtime::Handle;

use super::{
    parquet,
    text::{write_csv, write_json_lines},
    view::{ResultFormat, ResultView},
};
use crate::storage::{Storage, TaskResult};
use pentimento_core::{evaluation::PairOptimum, search::SearchSpace};

/// Pairs read from the database at a time. A row group of Parquet has the same number of pairs.
const CHUNK_MAX: i64 = 256;
/// Candidates read from the database at a time, so that a large space needs no more memory than a small one.
const CHUNK_CANDIDATES_MAX: i64 = 1 << 14;

/// The results of a job in the database.
#[derive(Clone, Copy, Debug)]
pub struct JobResults<'a> {
    /// The database.
    pub storage: &'a Storage,
    /// The tokio runtime of the database's connections.
    pub runtime: &'a Handle,
    /// Id of the job.
    pub job: &'a str,
    /// Search space of the job.
    pub space: &'a SearchSpace,
}

impl JobResults<'_> {
    /// Writes all results that the job has now, in the order of its tasks. Blocks: call it from `spawn_blocking`.
    ///
    /// # Errors
    /// When the database or the writer fails.
    pub fn write(&self, view: ResultView, format: ResultFormat, out: &mut (dyn Write + Send)) -> Result<()> {
        let mut after = -1;
        let chunk = (CHUNK_CANDIDATES_MAX / self.space.candidates().len() as i64).clamp(1, CHUNK_MAX);
        let mut next = || -> Result<Vec<(String, PairOptimum)>> {
            let results = self.storage.results(self.job, after, chunk);
            let found = self.runtime.block_on(results).context("reading results")?;
            after = found.last().map_or(after, |last| last.position);
            Ok(found.into_iter().map(|TaskResult { name, optimum, .. }| (name, optimum)).collect())
        };
        match format {
            ResultFormat::Csv => write_csv(&mut next, self.space, view, out),
            ResultFormat::JsonLines => write_json_lines(&mut next, self.space, view, out),
            ResultFormat::Parquet => parquet::write(&mut next, self.space, view, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use ::parquet::{
        file::reader::{FileReader as _, SerializedFileReader},
        record::Field,
    };
    use serde_json::Value;

    use super::*;
    use pentimento_core::metrics::Quality;

    fn pair(name: &str, psnr: f64, space: &SearchSpace) -> (String, PairOptimum) {
        let quality = |i: usize| Quality { psnr: psnr + i as f64 / 7.0, ssim: 0.9 };
        let candidates: Vec<Quality> = (0..space.candidates().len()).map(quality).collect();
        let features = std::array::from_fn(|i| i as f64 / 3.0);
        (
            name.to_owned(),
            PairOptimum { features, untouched: quality(0), best: candidates.len() - 1, candidates },
        )
    }

    fn written(chunks: &[Vec<(String, PairOptimum)>], space: &SearchSpace, view: ResultView) -> [Vec<u8>; 3] {
        ResultFormat::ALL.map(|format| {
            let mut left = chunks.iter().cloned();
            let mut next = || Ok(left.next().unwrap_or_default());
            let mut out = Vec::new();
            match format {
                ResultFormat::Csv => write_csv(&mut next, space, view, &mut out),
                ResultFormat::JsonLines => write_json_lines(&mut next, space, view, &mut out),
                ResultFormat::Parquet => super::parquet::write(&mut next, space, view, &mut out),
            }
            .unwrap();
            out
        })
    }

    /// The cells of CSV, as text.
    fn cells(csv: &[u8]) -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv);
        reader.records().map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    #[test]
    fn three_formats_say_the_same_in_any_chunks() {
        for (space, view) in [
            (SearchSpace::seed(), ResultView::Table),
            (SearchSpace::full(), ResultView::Table),
            (SearchSpace::seed(), ResultView::Combinations),
            (SearchSpace::full(), ResultView::Combinations),
        ] {
            let pairs = [pair("a.png", 20.5, &space), pair("b,\"c\".png", f64::INFINITY, &space)];
            let [csv, json, parquet] = written(&[pairs.to_vec()], &space, view);
            let [one_by_one, json_too, _] = written(&pairs.clone().map(|p| vec![p]), &space, view);
            assert!(csv == one_by_one && json == json_too);
            let table = cells(&csv);
            let (header, rows) = table.split_first().unwrap();

            let lines: Vec<Value> = json
                .split(|b| *b == b'\n')
                .filter(|l| !l.is_empty())
                .map(|l| serde_json::from_slice(l).unwrap())
                .collect();
            assert_eq!(lines.len(), rows.len());
            for (line, row) in lines.iter().zip(rows) {
                for (name, cell) in header.iter().zip(row) {
                    match &line[name] {
                        Value::String(text) => assert_eq!(text, cell),
                        Value::Bool(flag) => assert_eq!(u8::from(*flag).to_string(), *cell),
                        Value::Number(number) => {
                            assert_eq!(number.as_f64().unwrap(), cell.parse::<f64>().unwrap())
                        }
                        Value::Null => assert!(cell == "inf" && line["identical"] == true, "{line}"),
                        other => panic!("{other}"),
                    }
                }
            }

            let file = SerializedFileReader::new(axum::body::Bytes::from(parquet)).unwrap();
            let records: Vec<_> = file.get_row_iter(None).unwrap().map(Result::unwrap).collect();
            assert_eq!(records.len(), rows.len());
            for (record, row) in records.iter().zip(rows) {
                for ((found, cell), name) in record.get_column_iter().zip(row).zip(header) {
                    assert_eq!(found.0, name);
                    match found.1 {
                        Field::Str(text) => assert_eq!(text, cell),
                        Field::Bool(flag) => assert_eq!(u8::from(*flag).to_string(), *cell),
                        Field::Double(number) => assert_eq!(*number, cell.parse::<f64>().unwrap()),
                        other => panic!("{other}"),
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_found_is_a_header_and_an_empty_file() {
        let space = SearchSpace::seed();
        let [csv, json, parquet] = written(&[], &space, ResultView::Table);
        assert_eq!((cells(&csv).len(), json.len()), (1, 0));
        let file = SerializedFileReader::new(axum::body::Bytes::from(parquet)).unwrap();
        assert_eq!(file.metadata().file_metadata().num_rows(), 0);
    }
}
