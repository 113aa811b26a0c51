//! The choices that a client has for a job's results: the view and the format.

/// Which rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResultView {
    /// The optimum of each pair. For a command, its main result.
    Table,
    /// Every candidate of each pair.
    Combinations,
    /// The card of a model.
    Card,
}

/// Format of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResultFormat {
    /// CSV, with the same bytes as the file that `pentimento optimize` writes.
    Csv,
    /// One JSON object per line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
}

impl ResultFormat {
    /// All formats. The first is the default.
    pub const ALL: [ResultFormat; 3] = [ResultFormat::Csv, ResultFormat::JsonLines, ResultFormat::Parquet];

    /// Media type.
    pub const fn mime(self) -> &'static str {
        match self {
            ResultFormat::Csv => "text/csv",
            ResultFormat::JsonLines => "application/jsonl",
            ResultFormat::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// Extension of file names.
    pub const fn extension(self) -> &'static str {
        match self {
            ResultFormat::Csv => "csv",
            ResultFormat::JsonLines => "jsonl",
            ResultFormat::Parquet => "parquet",
        }
    }
}
