//! A ledger as one Parquet table, and back: the rows of an [`export`] in their order, facts in columns
//! of their own, all others as JSON in the column `line`.
//!
//! It is read back from `line` alone. That column is not compressed, so that a file that anyone may have written takes no
//! more memory than its size; and a hash of it stands in the footer, as Parquet itself would not notice a letter that
//! changed.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, GzipLevel};
use parquet::column::reader::{ColumnReaderImpl, get_typed_column_reader};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::{self, ParquetError};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::serialized_reader::ReadOptionsBuilder;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnPath, SchemaDescriptor, TypePtr};
use xxhash_rust::xxh3::Xxh3;

use crate::error::{Error, LedgerError, Result};
use crate::store::export::{self, Row};
use crate::store::fact::Fact;
use crate::store::file::Store;
use crate::store::write::json;

/// How every Parquet file begins and ends. Source: Apache Parquet, "File Format".
pub(super) const MAGIC: &[u8; 4] = b"PAR1";

/// Of lines, only `kind` and `line` are not null. What is empty in a fact is null.
const SCHEMA: &str = "message ledger {
    required binary kind (STRING);
    optional binary principal (STRING);
    optional binary type (STRING);
    optional binary account (STRING);
    optional binary name (STRING);
    optional binary action (STRING);
    optional binary resource (STRING);
    optional binary region (STRING);
    optional binary outcome (STRING);
    optional int64 count;
    optional int64 firstSeen (TIMESTAMP(MILLIS, true));
    optional int64 lastSeen (TIMESTAMP(MILLIS, true));
    optional group days (LIST) { repeated group list { required int32 element (DATE); } }
    optional binary sampleEventId (STRING);
    optional group via (LIST) { repeated group list { required binary element (STRING); } }
    optional group networks (LIST) { repeated group list { required binary element (STRING); } }
    optional binary line (STRING);
}";

/// How many columns that is, of which `line` is the last.
const COLUMNS: usize = 17;

/// Where the footer has the hash of all lines.
const HASH: &str = "trailfit.lines";

/// A row group has no more rows than this, and ends with the row whose texts make it longer than so many bytes.
const GROUP_ROWS: usize = 64 << 10;
const GROUP_BYTES: usize = 64 << 20;

/// So many rows are read at a time.
const BATCH: usize = 1 << 10;

/// The footer has a few kilobytes for each row group.
const MAX_FOOTER: u32 = 16 << 20;

/// Writes `store` to `out`.
///
/// # Errors
/// As [`export::jsonl`].
pub fn write(store: &Store, out: &mut (dyn Write + Send)) -> Result<()> {
    let schema = schema().map_err(unwritten)?;
    let writer = SerializedFileWriter::new(out, schema, Arc::new(properties()));
    let mut writer = writer.map_err(unwritten)?;
    let (mut group, mut hash) = (Group::default(), Xxh3::new());
    export::rows(store, &mut |row| {
        match row {
            Row::Fact(fact) => group.push(of_fact(&fact)),
            Row::Line(line) => {
                let text = json(line);
                hash_line(&mut hash, text.as_bytes());
                let mut cells = [const { Cell::Text(None) }; COLUMNS];
                cells[0] = Cell::Text(Some(line.kind()));
                cells[COLUMNS - 1] = Cell::Text(Some(&text));
                group.push(cells);
            }
        }
        match group.rows >= GROUP_ROWS || group.bytes >= GROUP_BYTES {
            true => std::mem::take(&mut group).write(&mut writer),
            false => Ok(()),
        }
    })?;
    // The first line is always there.
    group.write(&mut writer)?;
    writer.append_key_value_metadata(KeyValue::new(HASH.to_owned(), text_of(&hash)));
    writer.close().map_err(unwritten)?;
    Ok(())
}

fn unwritten(error: ParquetError) -> Error {
    let source = match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(source) => *source,
            Err(source) => io::Error::other(source),
        },
        other => io::Error::other(other),
    };
    Error::Write {
        path: "-".into(),
        source,
    }
}

fn schema() -> errors::Result<TypePtr> {
    Ok(Arc::new(parse_message_type(SCHEMA)?))
}

fn properties() -> WriterProperties {
    let line = || ColumnPath::from("line");
    WriterProperties::builder()
        // Without the version of any program, so that the same ledger makes the same file.
        .set_created_by("trailfit version 1".to_owned())
        .set_compression(Compression::GZIP(GzipLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_column_compression(line(), Compression::UNCOMPRESSED)
        .set_column_dictionary_enabled(line(), false)
        .set_column_statistics_enabled(line(), EnabledStatistics::None)
        // The length of a page is looked at after so many values, and lines may be long.
        .set_write_batch_size(64)
        .build()
}

fn hash_line(hash: &mut Xxh3, line: &[u8]) {
    hash.update(line);
    hash.update(b"\n");
}

fn text_of(hash: &Xxh3) -> String {
    format!("{:032x}", hash.digest128())
}

/// What a row has in a column.
enum Cell<'c> {
    Text(Option<&'c str>),
    Number(Option<i64>),
    Days(&'c [u16]),
    Texts(Vec<&'c str>),
}

fn of_fact<'f>(fact: &Fact<'f>) -> [Cell<'f>; COLUMNS] {
    let some = |text: &'f str| Cell::Text(Some(text).filter(|text| !text.is_empty()));
    let millis =
        |seconds: Option<i64>| Cell::Number(seconds.and_then(|time| time.checked_mul(1000)));
    [
        some("fact"),
        some(&fact.name.principal),
        some(&fact.name.kind),
        some(&fact.name.account),
        some(&fact.name.name),
        some(fact.action),
        some(fact.resource),
        some(fact.region),
        some(fact.outcome),
        Cell::Number(i64::try_from(fact.count).ok()),
        millis(fact.first_seen),
        millis(fact.last_seen),
        Cell::Days(fact.days),
        Cell::Text(fact.sample_event_id),
        Cell::Texts(fact.via.iter().map(AsRef::as_ref).collect()),
        Cell::Texts(fact.networks.iter().map(String::as_str).collect()),
        Cell::Text(None),
    ]
}

/// The rows of a row group, column by column.
#[derive(Default)]
struct Group {
    columns: [Column; COLUMNS],
    rows: usize,
    /// About how many the texts take.
    bytes: usize,
}

/// A column as Parquet takes it. Values are of one type; of the others there are none.
#[derive(Default)]
struct Column {
    texts: Vec<ByteArray>,
    numbers: Vec<i64>,
    days: Vec<i32>,
    /// For each value or null, the definition level, and the repetition level.
    defined: Vec<i16>,
    repeated: Vec<i16>,
}

impl Column {
    /// Notes a row of so many values, each with this definition level.
    fn note(&mut self, values: usize, level: i16) {
        let none = usize::from(values == 0);
        self.defined.extend(vec![level; values]);
        self.defined.extend(vec![0; none]);
        self.repeated.push(0);
        self.repeated.extend(vec![1; values.saturating_sub(1)]);
    }

    /// Adds a row. Returns how many bytes its texts have.
    fn push(&mut self, cell: Cell<'_>) -> usize {
        match cell {
            Cell::Text(text) => {
                self.note(usize::from(text.is_some()), 1);
                self.texts.extend(text.map(ByteArray::from));
                text.map_or(0, str::len)
            }
            Cell::Number(number) => {
                self.note(usize::from(number.is_some()), 1);
                self.numbers.extend(number);
                0
            }
            Cell::Days(days) => {
                self.note(days.len(), 2);
                self.days.extend(days.iter().map(|day| i32::from(*day)));
                0
            }
            Cell::Texts(texts) => {
                self.note(texts.len(), 2);
                let length = texts.iter().map(|text| text.len()).sum();
                self.texts.extend(texts.into_iter().map(ByteArray::from));
                length
            }
        }
    }

    fn write(&self, writer: &mut ColumnWriter<'_>) -> errors::Result<usize> {
        let (defined, repeated) = (Some(&*self.defined), Some(&*self.repeated));
        match writer {
            ColumnWriter::ByteArrayColumnWriter(writer) => {
                writer.write_batch(&self.texts, defined, repeated)
            }
            ColumnWriter::Int64ColumnWriter(writer) => {
                writer.write_batch(&self.numbers, defined, repeated)
            }
            ColumnWriter::Int32ColumnWriter(writer) => {
                writer.write_batch(&self.days, defined, repeated)
            }
            // The schema has no other type.
            _ => Ok(0),
        }
    }
}

impl Group {
    fn push(&mut self, row: [Cell<'_>; COLUMNS]) {
        for (column, cell) in self.columns.iter_mut().zip(row) {
            self.bytes += column.push(cell);
        }
        self.rows += 1;
    }

    fn write<W: Write + Send>(self, writer: &mut SerializedFileWriter<W>) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let write = || -> errors::Result<()> {
            let mut group = writer.next_row_group()?;
            for column in self.columns {
                if let Some(mut writer) = group.next_column()? {
                    column.write(writer.untyped())?;
                    writer.close()?;
                }
            }
            group.close()?;
            Ok(())
        };
        write().map_err(unwritten)
    }
}

/// Hands out the lines in a file, with their numbers, from 1.
///
/// # Errors
/// Where the file cannot be read, or is not one that [`write()`] wrote; what `each` says. Only at its end is it known that it
/// is whole.
pub(super) fn each_line(path: &Path, each: &mut dyn FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
    let damaged = |error| Error::Ledger {
        path: path.to_owned(),
        source: LedgerError::Parquet(error),
    };
    let failed = |source| Error::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let mut lines = guarded(|| Lines::new(file)).map_err(damaged)?;
    let (mut number, mut hash) = (0, Xxh3::new());
    while let Some(batch) = guarded(|| lines.next()).map_err(damaged)? {
        for line in batch {
            number += 1;
            hash_line(&mut hash, line.data());
            each(number, line.data())?;
        }
    }
    match lines.hash == text_of(&hash) {
        true => Ok(()),
        false => Err(damaged(changed())),
    }
}

fn changed() -> ParquetError {
    ParquetError::General("its lines are not those that were written".to_owned())
}

/// Does something with the library, which panics on some damaged files (60.1: a negative offset in the footer, levels that are
/// longer than their page, a dictionary that is missing). What it was working on is not used again then.
fn guarded<T>(work: impl FnOnce() -> errors::Result<T>) -> errors::Result<T> {
    let panicked = |_| Err(ParquetError::General("it is damaged".to_owned()));
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(panicked)
}

/// What is in the column `line`.
struct Lines {
    reader: SerializedFileReader<File>,
    hash: String,
    /// The next row group.
    group: usize,
    column: Option<ColumnReaderImpl<ByteArrayType>>,
    /// How many bytes the lines that follow can have, as many as the file.
    bytes: u64,
}

impl Lines {
    fn new(mut file: File) -> errors::Result<Self> {
        let bytes = file.metadata()?.len();
        let cut_off = || ParquetError::EOF("it does not end as it begins".to_owned());
        let mut end = [0; 8];
        let start = bytes.checked_sub(end.len() as u64).ok_or_else(cut_off)?;
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut end)?;
        let [a, b, c, d, magic @ ..] = end;
        if magic != *MAGIC {
            return Err(cut_off());
        }
        if u32::from_le_bytes([a, b, c, d]) > MAX_FOOTER {
            return Err(ParquetError::General("its footer is too long".to_owned()));
        }
        // The schema in the file is not even looked at.
        let schema = Arc::new(SchemaDescriptor::new(schema()?));
        let options = ReadOptionsBuilder::new().with_parquet_schema(schema);
        let reader = SerializedFileReader::new_with_options(file, options.build())?;
        let values = reader.metadata().file_metadata().key_value_metadata();
        let hash = values.and_then(|values| values.iter().find(|value| value.key == HASH));
        let hash = hash.and_then(|hash| hash.value.clone());
        Ok(Self {
            hash: hash.ok_or_else(changed)?,
            reader,
            group: 0,
            column: None,
            bytes,
        })
    }

    /// The next lines, which may be none; `None` at the end.
    fn next(&mut self) -> errors::Result<Option<Vec<ByteArray>>> {
        if let Some(column) = &mut self.column {
            let (mut lines, mut levels) = (Vec::new(), Vec::new());
            let (rows, ..) = column.read_records(BATCH, Some(&mut levels), None, &mut lines)?;
            let bytes: usize = lines.iter().map(ByteArray::len).sum();
            let left = self.bytes.checked_sub(bytes as u64);
            self.bytes = left.ok_or_else(changed)?;
            if rows == 0 {
                self.column = None;
            }
            return Ok(Some(lines));
        }
        if self.group == self.reader.num_row_groups() {
            return Ok(None);
        }
        let group = self.reader.get_row_group(self.group)?;
        let column = group.metadata().column(COLUMNS - 1);
        let rows = usize::try_from(column.num_values())?;
        if rows > GROUP_ROWS || column.compression() != Compression::UNCOMPRESSED {
            return Err(changed());
        }
        let column = group.get_column_reader(COLUMNS - 1)?;
        self.column = Some(get_typed_column_reader(column));
        self.group += 1;
        Ok(Some(Vec::new()))
    }
}
