//! Reads and writes a table as CSV (RFC 4180 with `\n`). Names and order of the columns are fixed.
//!
//! Numbers are written in Rust's shortest form that reads back to the same bits, infinity as `inf`. Reading is strict: a
//! slightly wrong table would otherwise train a slightly wrong model.

use csv::{ReaderBuilder, StringRecord};

use super::table::{FEATURE_NAMES, N_FEATURES, Table, TableError, TableRow};

/// Columns before the features.
const BEFORE: [&str; 4] = ["filename", "similarity_score", "psnr", "ssim"];
/// Columns after the features.
const AFTER: [&str; 4] = ["color_method", "apply_color_correction", "sharpen_sigma", "sharpen_strength"];

fn columns() -> impl Iterator<Item = &'static str> {
    BEFORE.into_iter().chain(FEATURE_NAMES).chain(AFTER)
}

impl Table {
    /// Reads a table. Columns after the known ones are ignored, Windows line ends and a byte order mark are accepted, blank
    /// lines are skipped. A header without rows is an empty table.
    ///
    /// # Errors
    /// Names the line and the column of the first fault. Faults are missing or misordered columns, bad numbers, NaN,
    /// features that are not finite, and names that are empty or repeated.
    pub fn read_csv(bytes: &[u8]) -> Result<Self, TableError> {
        let mut reader = ReaderBuilder::new().has_headers(false).from_reader(bytes);
        let mut records = reader.records();
        let header = records.next().transpose().map_err(line_error)?.unwrap_or_default();
        check_header(&header)?;
        let mut rows = Vec::new();
        for record in records {
            let record = record.map_err(line_error)?;
            let line = record.position().map_or(0, csv::Position::line);
            rows.push((line, RecordCells { line, record: &record, next: 0 }.row()?));
        }
        Self::from_numbered(rows)
    }

    /// Writes the table. [`Table::read_csv`] reads an equal table from the bytes.
    pub fn write_csv(&self) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut write = |record: Vec<String>| {
            writer.write_record(record).expect("a vector takes every record of equal length");
        };
        write(columns().map(String::from).collect());
        for row in self.rows() {
            write(cells(row));
        }
        writer.into_inner().expect("a vector never fails to flush")
    }
}

fn cells(row: &TableRow) -> Vec<String> {
    let mut cells = vec![row.filename.clone()];
    cells.extend([row.similarity_score, row.psnr, row.ssim].map(|number| number.to_string()));
    cells.extend(row.features.map(|number| number.to_string()));
    cells.push(row.color_method.clone());
    cells.push(u8::from(row.apply_color_correction).to_string());
    cells.extend([row.sharpen_sigma, row.sharpen_strength].map(|number| number.to_string()));
    cells
}

fn check_header(header: &StringRecord) -> Result<(), TableError> {
    for (index, expected) in columns().enumerate() {
        let found = header.get(index);
        if found != Some(expected) {
            return Err(TableError::Header { position: index + 1, expected, found: found.map(String::from) });
        }
    }
    Ok(())
}

fn line_error(error: csv::Error) -> TableError {
    let line = error.position().map_or(1, csv::Position::line);
    let reason = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} cells where the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "the text is not UTF-8".to_owned(),
        other => format!("{other:?}"),
    };
    TableError::Line { line, reason }
}

/// Reads the cells of one record from left to right.
struct RecordCells<'a> {
    line: u64,
    record: &'a StringRecord,
    next: usize,
}

impl RecordCells<'_> {
    fn row(mut self) -> Result<TableRow, TableError> {
        let filename = self.text().to_owned();
        let (similarity_score, psnr) = (self.number("similarity_score")?, self.number("psnr")?);
        let ssim = self.number("ssim")?;
        let mut features = [0.0; N_FEATURES];
        for (feature, column) in features.iter_mut().zip(FEATURE_NAMES) {
            *feature = self.number(column)?;
        }
        Ok(TableRow {
            filename,
            similarity_score,
            psnr,
            ssim,
            features,
            color_method: self.text().to_owned(),
            apply_color_correction: self.switch("apply_color_correction")?,
            sharpen_sigma: self.number("sharpen_sigma")?,
            sharpen_strength: self.number("sharpen_strength")?,
        })
    }

    fn text(&mut self) -> &str {
        self.next += 1;
        // The reader has checked that every record is as long as the header.
        self.record.get(self.next - 1).unwrap_or_default()
    }

    fn number(&mut self, column: &'static str) -> Result<f64, TableError> {
        let line = self.line;
        let text = self.text();
        let refused = |expected| TableError::Cell { line, column, found: text.to_owned(), expected };
        let number: f64 = text.parse().map_err(|_| refused("a number"))?;
        // `1e999` parses to infinity; only a spelled-out `inf` means it.
        if number.is_infinite() && text.contains(|letter: char| letter.is_ascii_digit()) {
            return Err(refused("within the range of numbers"));
        }
        Ok(number)
    }

    fn switch(&mut self, column: &'static str) -> Result<bool, TableError> {
        let line = self.line;
        match self.text() {
            "1" => Ok(true),
            "0" => Ok(false),
            other => Err(TableError::Cell { line, column, found: other.to_owned(), expected: "1 or 0" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::learning::synthetic;

    const HEADER: &str = "filename,similarity_score,psnr,ssim,mean,std_dev,skewness,kurtosis,low_freq_energy,\
        high_freq_energy,energy_ratio,radial_center,radial_25,radial_50,radial_75,radial_edge,color_balance_need,\
        sharpening_need,color_method,apply_color_correction,sharpen_sigma,sharpen_strength";
    const LINE: &str = "a.png,1,inf,0.5,1,2,3,4,5,6,7,8,9,10,11,12,13,14,white_balance,1,0.5,-0.25";

    fn read(text: &str) -> Result<Table, TableError> {
        Table::read_csv(text.as_bytes())
    }

    #[test]
    fn the_written_form_is_fixed() {
        let table = read(&format!("{HEADER}\n{LINE}\n")).unwrap();
        let row = &table.rows()[0];
        assert_eq!((row.psnr, row.ssim, row.features[13]), (f64::INFINITY, 0.5, 14.0));
        assert_eq!((row.sharpen_sigma, row.sharpen_strength), (0.5, -0.25));
        assert!(row.apply_color_correction);
        assert_eq!(String::from_utf8(table.write_csv()).unwrap(), format!("{HEADER}\n{LINE}\n"));
    }

    #[test]
    fn windows_line_ends_extra_columns_and_a_mark_are_accepted() {
        let plain = read(&format!("{HEADER}\n{LINE}\n")).unwrap();
        assert_eq!(read(&format!("\u{feff}{HEADER}\r\n{LINE}\r\n")).unwrap(), plain);
        assert_eq!(read(&format!("{HEADER},added\n{LINE},anything\n")).unwrap(), plain);
        assert_eq!(read(&format!("{HEADER}\n")).unwrap(), Table::default());
    }

    #[test]
    fn faults_name_their_line_and_column() {
        let fault = |text: String| read(&text).unwrap_err().to_string();
        let body = |line: String| fault(format!("{HEADER}\n{LINE}\n{}\n", line.replace("a.png", "b.png")));
        assert_eq!(fault(String::new()), r#"column 1 of the header must be "filename", found None"#);
        let swapped = HEADER.replace("psnr,ssim", "ssim,psnr");
        assert_eq!(fault(swapped), r#"column 3 of the header must be "psnr", found Some("ssim")"#);
        let cell = |column: &str, found: &str, expected: &str| {
            format!("line 3, column {column}: {found:?} is not {expected}")
        };
        assert_eq!(body(LINE.replace(",3,", ",x,")), cell("skewness", "x", "a number"));
        assert_eq!(body(LINE.replace(",3,", ",,")), cell("skewness", "", "a number"));
        assert_eq!(body(LINE.replace(",3,", ",inf,")), cell("skewness", "inf", "a finite number"));
        assert_eq!(body(LINE.replace(",inf,", ",nan,")), cell("psnr", "NaN", "a number or inf"));
        assert_eq!(
            body(LINE.replace(",inf,", ",1e999,")),
            cell("psnr", "1e999", "within the range of numbers")
        );
        assert_eq!(body(LINE.replace(",1,0.5,", ",2,0.5,")), cell("apply_color_correction", "2", "1 or 0"));
        assert_eq!(body("b.png,1".to_owned()), "line 3: 2 cells where the header has 22");
        let twice = format!("{HEADER}\n{LINE}\n{LINE}\n");
        assert_eq!(fault(twice), r#"line 3: "a.png" was already named in line 2"#);
        let foreign = [format!("{HEADER}\n").as_bytes(), b"\xff", &LINE.as_bytes()[1..]].concat();
        assert_eq!(Table::read_csv(&foreign).unwrap_err().to_string(), "line 2: the text is not UTF-8");
    }

    #[test]
    fn names_are_quoted_only_when_needed() {
        let mut rows = synthetic::table(2, 1).rows().to_vec();
        rows[0].filename = "a, \"b\".png".to_owned();
        let table = Table::from_rows(rows).unwrap();
        let text = String::from_utf8(table.write_csv()).unwrap();
        assert!(text.lines().nth(1).unwrap().starts_with(r#""a, ""b"".png","#), "{text}");
        assert!(text.lines().nth(2).unwrap().starts_with("picture"), "{text}");
        assert_eq!(Table::read_csv(text.as_bytes()).unwrap(), table);
    }

    fn any_row() -> impl Strategy<Value = TableRow> {
        let number = || prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO;
        let score = || prop_oneof![9 => number(), 1 => Just(f64::INFINITY)];
        (
            (any::<String>(), score(), score(), number(), prop::array::uniform14(number())),
            (any::<String>(), any::<bool>(), number(), number()),
        )
            .prop_map(|((filename, similarity_score, psnr, ssim, features), parameters)| TableRow {
                filename: format!("n{filename}"),
                similarity_score,
                psnr,
                ssim,
                features,
                color_method: parameters.0,
                apply_color_correction: parameters.1,
                sharpen_sigma: parameters.2,
                sharpen_strength: parameters.3,
            })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_to_the_bit(rows in prop::collection::vec(any_row(), 0..6)) {
            let Ok(table) = Table::from_rows(rows) else { return Ok(()) };
            let bytes = table.write_csv();
            let read = Table::read_csv(&bytes).unwrap();
            prop_assert_eq!(&read, &table);
            // -0 equals 0, but their bytes differ.
            prop_assert_eq!(read.write_csv(), bytes);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let bytes = [HEADER.as_bytes(), b"\n", &body].concat();
            if let Ok(table) = Table::read_csv(&bytes) {
                prop_assert_eq!(Table::read_csv(&table.write_csv()).unwrap(), table);
            }
        }
    }
}
