//! A table as a Parquet file: the same rows give the same bytes.
//!
//! Rows are written in groups, so that a large sweep does not have to fit into memory. Leaves out
//! reading.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use crate::sweep::folder::{SweepFolderError, partial, put, unwritable};

/// Rows of a group: some megabytes of a wide table.
const GROUP_ROWS: usize = 1 << 16;

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// True if a row may have no value in it.
    pub(super) optional: bool,
}

/// Type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Whole,
    Flag,
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Whole(u64),
    Flag(bool),
    Nothing,
}

impl Column {
    pub(super) fn text(name: &str) -> Self {
        Self { name: name.to_owned(), kind: Kind::Text, optional: false }
    }

    pub(super) fn whole(name: &str) -> Self {
        Self { name: name.to_owned(), kind: Kind::Whole, optional: false }
    }

    pub(super) fn flag(name: &str) -> Self {
        Self { name: name.to_owned(), kind: Kind::Flag, optional: false }
    }

    pub(super) fn or_nothing(self) -> Self {
        Self { optional: true, ..self }
    }

    fn field(&self) -> Result<Type, ParquetError> {
        let (physical, logical) = match self.kind {
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Whole => (Physical::INT64, Some(LogicalType::integer(64, false))),
            Kind::Flag => (Physical::BOOLEAN, None),
        };
        let repetition = if self.optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
        let builder = Type::primitive_type_builder(&self.name, physical);
        builder.with_logical_type(logical).with_repetition(repetition).build()
    }
}

/// A Parquet file that is being written.
pub(super) struct ParquetTable {
    file: PathBuf,
    columns: Vec<Column>,
    /// The values of the group at hand, column by column.
    values: Vec<Vec<Value>>,
    writer: SerializedFileWriter<File>,
}

impl ParquetTable {
    pub(super) fn begin(file: &Path, columns: Vec<Column>) -> Result<Self, SweepFolderError> {
        let created = File::create(partial(file)).map_err(|e| unwritable(file, &e))?;
        let writer = writer(created, &columns).map_err(|e| unwritable(file, &broken(e)))?;
        let values = columns.iter().map(|_| Vec::new()).collect();
        Ok(Self { file: file.to_owned(), columns, values, writer })
    }

    /// Adds a row: a value for each column, of its kind.
    pub(super) fn add(&mut self, row: Vec<Value>) -> Result<(), SweepFolderError> {
        assert_eq!(row.len(), self.columns.len(), "a row has a value for each column");
        for (values, value) in self.values.iter_mut().zip(row) {
            values.push(value);
        }
        if self.values.first().is_some_and(|values| values.len() >= GROUP_ROWS) {
            self.write_group().map_err(|e| unwritable(&self.file, &broken(e)))?;
        }
        Ok(())
    }

    /// Writes the last group and renames the file into its place.
    pub(super) fn end(mut self) -> Result<(), SweepFolderError> {
        let file = self.file.clone();
        let ended = self.write_group().and_then(|()| self.writer.into_inner());
        let written = ended.map_err(|e| unwritable(&file, &broken(e)))?;
        put(&written, &partial(&file), &file).map_err(|e| unwritable(&file, &e))
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        if self.values.iter().all(Vec::is_empty) {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for (column, values) in self.columns.iter().zip(&mut self.values) {
            let writer = group.next_column()?;
            let mut writer =
                writer.ok_or_else(|| ParquetError::General("a column is missing".to_owned()))?;
            write_column(&mut writer, column, values)?;
            writer.close()?;
            values.clear();
        }
        group.close().map(|_| ())
    }
}

fn writer(file: File, columns: &[Column]) -> Result<SerializedFileWriter<File>, ParquetError> {
    let fields = columns.iter().map(|column| column.field().map(Arc::new));
    let fields = fields.collect::<Result<Vec<_>, _>>()?;
    let schema = Type::group_type_builder("stayput").with_fields(fields).build()?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("stayput ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties))
}

fn write_column(
    writer: &mut SerializedColumnWriter<'_>,
    column: &Column,
    values: &[Value],
) -> Result<(), ParquetError> {
    // What is there is level 1, what is not is level 0 and has no value.
    let levels: Vec<i16> = values.iter().map(|value| i16::from(*value != Value::Nothing)).collect();
    let levels = column.optional.then_some(levels.as_slice());
    let written = match column.kind {
        Kind::Text => {
            let texts = values.iter().filter_map(|value| match value {
                Value::Text(text) => Some(ByteArray::from(text.as_str())),
                _ => None,
            });
            writer.typed::<ByteArrayType>().write_batch(&texts.collect::<Vec<_>>(), levels, None)
        }
        Kind::Whole => {
            let numbers = values.iter().filter_map(|value| match value {
                // Parquet's unsigned numbers are stored in the bits of signed ones.
                Value::Whole(number) => Some(number.cast_signed()),
                _ => None,
            });
            writer.typed::<Int64Type>().write_batch(&numbers.collect::<Vec<_>>(), levels, None)
        }
        Kind::Flag => {
            let flags = values.iter().filter_map(|value| match value {
                Value::Flag(flag) => Some(*flag),
                _ => None,
            });
            writer.typed::<BoolType>().write_batch(&flags.collect::<Vec<_>>(), levels, None)
        }
    };
    written.map(|_| ())
}

fn broken(error: ParquetError) -> io::Error {
    io::Error::other(error)
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::RowAccessor;

    use super::*;

    fn columns() -> Vec<Column> {
        vec![
            Column::text("name"),
            Column::whole("bytes"),
            Column::whole("wire").or_nothing(),
            Column::flag("closed"),
        ]
    }

    fn write(file: &Path, rows: u64) {
        let mut table = ParquetTable::begin(file, columns()).unwrap();
        for n in 0..rows {
            let wire = if n % 2 == 0 { Value::Nothing } else { Value::Whole(u64::MAX - n) };
            let name = Value::Text(format!("row {n}"));
            table.add(vec![name, Value::Whole(n), wire, Value::Flag(n % 3 == 0)]).unwrap();
        }
        table.end().unwrap();
    }

    #[test]
    fn rows_come_back_over_several_groups() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("t.parquet");
        let rows = GROUP_ROWS as u64 + 3;
        write(&file, rows);
        let reader = SerializedFileReader::new(File::open(&file).unwrap()).unwrap();
        assert_eq!(reader.num_row_groups(), 2);
        let read: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(read.len() as u64, rows);
        assert_eq!(read[7].get_string(0).unwrap(), "row 7");
        assert_eq!(read[7].get_ulong(1).unwrap(), 7);
        assert_eq!(read[7].get_ulong(2).unwrap(), u64::MAX - 7);
        assert!(read[8].get_ulong(2).is_err(), "there is nothing");
        assert!(read[9].get_bool(3).unwrap() && !read[10].get_bool(3).unwrap());
    }

    #[test]
    fn the_same_rows_give_the_same_bytes_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let [first, second] = ["1", "2"].map(|name| dir.path().join(name));
        write(&first, 1_000);
        write(&second, 1_000);
        assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_table_without_rows_is_a_table() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("t.parquet");
        write(&file, 0);
        let reader = SerializedFileReader::new(File::open(&file).unwrap()).unwrap();
        assert_eq!(reader.get_row_iter(None).unwrap().count(), 0);
    }
}
