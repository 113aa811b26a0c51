//! Apache Parquet. Each chunk becomes one row group, so a job of any size needs little memory.

use std::{io::Write, sync::Arc};

use anyhow::Result;
use parquet::{
    basic::Compression,
    data_type::{BoolType, ByteArray, ByteArrayType, DoubleType},
    file::{
        properties::WriterProperties,
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::{parser::parse_message_type, types::TypePtr},
};

use super::{
    rows::{self, Cell, NextChunk},
    view::ResultView,
};
use pentimento_core::search::SearchSpace;

/// Writes a Parquet file, compressed by Snappy.
pub(super) fn write(
    next: NextChunk,
    space: &SearchSpace,
    view: ResultView,
    out: &mut (dyn Write + Send),
) -> Result<()> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(pentimento_core::restoration::receipt::program())
        .build();
    let kinds = rows::kinds(view, space);
    let schema = schema(&rows::columns(view, space), &kinds)?;
    let mut writer = SerializedFileWriter::new(out, schema, Arc::new(properties))?;
    loop {
        let found = next()?;
        if found.is_empty() {
            break;
        }
        let rows = rows::rows(&found, space, view);
        let mut group = writer.next_row_group()?;
        for (column, kind) in kinds.iter().enumerate() {
            let Some(mut to) = group.next_column()? else { break };
            write_column(&mut to, kind, rows.iter().map(|row| &row[column]))?;
            to.close()?;
        }
        group.close()?;
    }
    writer.close()?;
    Ok(())
}

/// Writes the cells of one column. `kind` gives the type of the column.
fn write_column<'a>(
    to: &mut SerializedColumnWriter<'_>,
    kind: &Cell,
    cells: impl Iterator<Item = &'a Cell>,
) -> Result<()> {
    match kind {
        Cell::Text(_) => {
            let text = |cell: &Cell| match cell {
                Cell::Text(text) => ByteArray::from(text.as_str()),
                _ => unreachable!("columns have one kind"),
            };
            to.typed::<ByteArrayType>().write_batch(&cells.map(text).collect::<Vec<_>>(), None, None)?;
        }
        Cell::Number(_) => {
            let number = |cell: &Cell| match cell {
                Cell::Number(number) => *number,
                _ => unreachable!("columns have one kind"),
            };
            to.typed::<DoubleType>().write_batch(&cells.map(number).collect::<Vec<_>>(), None, None)?;
        }
        Cell::Flag(_) => {
            let flag = |cell: &Cell| matches!(cell, Cell::Flag(true));
            to.typed::<BoolType>().write_batch(&cells.map(flag).collect::<Vec<_>>(), None, None)?;
        }
    }
    Ok(())
}

/// Returns the schema: all columns required, with the names of the CSV.
fn schema(columns: &[&str], kinds: &[Cell]) -> Result<TypePtr> {
    let fields = columns.iter().zip(kinds).map(|(name, kind)| match kind {
        Cell::Text(_) => format!("required binary {name} (UTF8);"),
        Cell::Number(_) => format!("required double {name};"),
        Cell::Flag(_) => format!("required boolean {name};"),
    });
    let message = format!("message result {{ {} }}", fields.collect::<String>());
    Ok(Arc::new(parse_message_type(&message)?))
}
