//! CSV and JSON lines.

use std::io::Write;

use anyhow::Result;

use super::{
    rows::{self, NextChunk},
    view::ResultView,
};
use crate::batch::find_optima::{combinations_csv, table_csv};
use pentimento_core::search::SearchSpace;

/// Writes CSV: a header, also if there are no rows, then the rows.
pub(super) fn write_csv(
    next: NextChunk,
    space: &SearchSpace,
    view: ResultView,
    out: &mut dyn Write,
) -> Result<()> {
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
        // Every chunk's text starts with a header. Only the first header is written.
        let header_end = text.iter().position(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        out.write_all(if has_header { &text[header_end..] } else { &text })?;
        has_header = true;
    }
}

/// Writes one JSON object per row.
pub(super) fn write_json_lines(
    next: NextChunk,
    space: &SearchSpace,
    view: ResultView,
    out: &mut dyn Write,
) -> Result<()> {
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
