//! What a job found, written out row by row from the database: as CSV, JSON lines or Parquet, the best of each pair or
//! every combination.

mod parquet;
mod rows;

use std::io::Write;

use anyhow::{Context as _, Result};
use tokio::runtime::Handle;

use crate::storage::{FoundTask, Storage};
use pentimento_core::{evaluation::PairOptimum, search::SearchSpace};

use crate::batch::find_optima::{combinations_csv, table_csv};

/// Pairs read from the database at a time, and those of one row group of Parquet.
const CHUNK_MAX: i64 = 256;
/// Combinations read at a time, so that a large space takes no more memory than a small one.
const CHUNK_CANDIDATES_MAX: i64 = 1 << 14;

/// Which rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResultView {
    /// The best of each pair; of a command its main result.
    Table,
    /// Every combination of each pair.
    Combinations,
    /// A model's card.
    Card,
}

/// How they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResultFormat {
    /// Byte for byte what `pentimento optimize` writes.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
}

impl ResultFormat {
    /// Every format, the one that is given unasked first.
    pub const ALL: [ResultFormat; 3] = [ResultFormat::Csv, ResultFormat::JsonLines, ResultFormat::Parquet];

    /// Its media type.
    pub const fn mime(self) -> &'static str {
        match self {
            ResultFormat::Csv => "text/csv",
            ResultFormat::JsonLines => "application/jsonl",
            ResultFormat::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// Its file name's extension.
    pub const fn extension(self) -> &'static str {
        match self {
            ResultFormat::Csv => "csv",
            ResultFormat::JsonLines => "jsonl",
            ResultFormat::Parquet => "parquet",
        }
    }
}

/// Writes what a job has found so far, in order. Blocks: to be called where that is allowed, with the runtime that the
/// database is read on.
///
/// # Errors
/// When the database or the writer fails.
pub fn write_results(
    storage: &Storage,
    runtime: &Handle,
    job: &str,
    space: &SearchSpace,
    view: ResultView,
    format: ResultFormat,
    out: &mut (dyn Write + Send),
) -> Result<()> {
    let mut after = -1;
    let chunk = (CHUNK_CANDIDATES_MAX / space.candidates().len() as i64).clamp(1, CHUNK_MAX);
    let mut next = || -> Result<Vec<(String, PairOptimum)>> {
        let found = runtime.block_on(storage.results(job, after, chunk)).context("reading results")?;
        after = found.last().map_or(after, |last| last.position);
        Ok(found.into_iter().map(|FoundTask { name, optimum, .. }| (name, optimum)).collect())
    };
    match format {
        ResultFormat::Csv => write_csv(&mut next, space, view, out),
        ResultFormat::JsonLines => write_json_lines(&mut next, space, view, out),
        ResultFormat::Parquet => parquet::write(&mut next, space, view, out),
    }
}

type Next<'a> = &'a mut dyn FnMut() -> Result<Vec<(String, PairOptimum)>>;

fn write_csv(next: Next, space: &SearchSpace, view: ResultView, out: &mut dyn Write) -> Result<()> {
    let mut has_header = false;
    loop {
        let found = next()?;
        if found.is_empty() && has_header {
            return Ok(());
        }
        let text = match view {
            ResultView::Combinations => combinations_csv(&found, space)?,
            _ => table_csv(&found, space)?,
        };
        // Each chunk is written with a header; only the first keeps it.
        let header_end = text.iter().position(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        out.write_all(if has_header { &text[header_end..] } else { &text })?;
        has_header = true;
    }
}

fn write_json_lines(next: Next, space: &SearchSpace, view: ResultView, out: &mut dyn Write) -> Result<()> {
    let columns = rows::columns(view, space);
    loop {
        let found = next()?;
        if found.is_empty() {
            return Ok(());
        }
        for row in rows::rows(&found, space, view) {
            serde_json::to_writer(&mut *out, &rows::JsonRow { columns: &columns, cells: &row })?;
            out.write_all(b"\n")?;
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
