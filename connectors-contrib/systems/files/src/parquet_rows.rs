//! Parquet: a position is the number of rows before it.

use std::fmt::Write as _;
use std::fs;

use accordant::connector::{ConnectorError, Cursor};
use accordant::schema::FieldKind;
use accordant::text::Text;
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, TimeDelta};
use parquet::basic::{ConvertedType, Repetition, Type as Physical};
use parquet::data_type::Decimal;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use parquet::record::reader::{ReaderIter, TreeBuilder};
use parquet::schema::types::Type;
use serde_json::Value;

use crate::identity::{failed, malformed};
use crate::rows::{Row, Rows};
use crate::settings::File;

/// A file that is open behind a page, so that the next one is read from there: rows cannot be found without decoding those
/// before them.
pub(crate) struct Standing {
    /// Behind which page.
    behind: Cursor,
    reader: SerializedFileReader<fs::File>,
    /// The group that is read, and how many of its rows are left.
    rows: Option<ReaderIter>,
    left: u64,
    /// The group after it.
    group: usize,
}

impl std::fmt::Debug for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Standing").field("behind", &self.behind).finish_non_exhaustive()
    }
}

impl Standing {
    /// A file from a position on.
    fn at(file: &File, opened: &fs::File, position: u64, behind: Cursor) -> Result<Self, ConnectorError> {
        let opened = opened.try_clone().map_err(|error| failed(file, &error))?;
        let reader = SerializedFileReader::new(opened).map_err(|_| torn(file))?;
        let mut standing = Self { behind, reader, rows: None, left: 0, group: 0 };
        let mut before = position;
        while before > 0 {
            match standing.held(file, standing.group)? {
                Some(held) if held <= before => {
                    standing.group += 1;
                    before -= held;
                }
                Some(_) => {
                    standing.next(file)?;
                    before -= 1;
                }
                None => break,
            }
            // Within a group, row by row.
            while standing.left > 0 && before > 0 {
                standing.next(file)?;
                before -= 1;
            }
        }
        Ok(standing)
    }

    /// How many rows a group has, by the footer; `None`: there is no such group.
    fn held(&self, file: &File, group: usize) -> Result<Option<u64>, ConnectorError> {
        if group >= self.reader.num_row_groups() {
            return Ok(None);
        }
        let held = self.reader.metadata().row_group(group).num_rows();
        u64::try_from(held).map(Some).map_err(|_| malformed(file, "a group has fewer than no rows"))
    }

    /// Whether there is a row behind those that were read.
    fn goes_on(&self, file: &File) -> Result<bool, ConnectorError> {
        for group in self.group..self.reader.num_row_groups() {
            if self.held(file, group)?.is_some_and(|held| held > 0) {
                return Ok(true);
            }
        }
        Ok(self.left > 0)
    }

    /// The next row; `None`: there are no more.
    fn next(&mut self, file: &File) -> Result<Option<parquet::record::Row>, ConnectorError> {
        while self.left == 0 {
            let Some(held) = self.held(file, self.group)? else { return Ok(None) };
            let group = self.reader.get_row_group(self.group).map_err(|_| torn(file))?;
            let schema = self.reader.metadata().file_metadata().schema_descr_ptr();
            self.rows = Some(TreeBuilder::new().as_iter(schema, &*group).map_err(|_| torn(file))?);
            (self.left, self.group) = (held, self.group + 1);
        }
        let row = self.rows.as_mut().and_then(Iterator::next);
        let row = row.ok_or_else(|| malformed(file, "a group has fewer rows than its footer says"))?;
        self.left -= 1;
        row.map(Some).map_err(|_| torn(file))
    }
}

fn torn(file: &File) -> ConnectorError {
    malformed(file, "it is no Parquet file, or was cut off")
}

/// The rows from a position on, which `here` names. A file that was cut off has no footer, and none of its rows is read.
pub(crate) fn read(
    file: &File,
    opened: &fs::File,
    position: u64,
    cursor: impl Fn(u64) -> Cursor,
    slot: &mut Option<Standing>,
) -> Result<Rows, ConnectorError> {
    let here = cursor(position);
    let mut standing = match slot.take().filter(|standing| standing.behind == here) {
        Some(standing) => standing,
        None => Standing::at(file, opened, position, here)?,
    };
    let (mut rows, mut at) = (Vec::new(), position);
    while rows.len() < file.page {
        let Some(row) = standing.next(file)? else { return Ok(Rows { rows, next: None }) };
        let json = object(row.get_column_iter().map(|(name, field)| (name.as_str(), field)));
        rows.push(match json {
            Some(json) => Row::Record(Bytes::from(json)),
            None => Row::Unreadable(Bytes::from(format!("row {at} holds a value that has no form in JSON"))),
        });
        at += 1;
    }
    if !standing.goes_on(file)? {
        return Ok(Rows { rows, next: None });
    }
    standing.behind = cursor(at);
    *slot = Some(standing);
    Ok(Rows { rows, next: Some(at) })
}

/// The names of the columns, and what [`value`] makes of what they hold.
pub(crate) fn columns(file: &File, opened: &fs::File) -> Result<Vec<(String, FieldKind)>, ConnectorError> {
    let opened = opened.try_clone().map_err(|error| failed(file, &error))?;
    let reader = SerializedFileReader::new(opened).map_err(|_| torn(file))?;
    let fields = reader.metadata().file_metadata().schema().get_fields();
    Ok(fields.iter().map(|field| (field.name().to_owned(), kind(field))).collect())
}

fn kind(field: &Type) -> FieldKind {
    let other = |name: &'static str| FieldKind::Other(Text::fixed(name));
    let info = field.get_basic_info();
    if !field.is_primitive() || (info.has_repetition() && info.repetition() == Repetition::REPEATED) {
        return other("a group or a list");
    }
    match (info.converted_type(), field.get_physical_type()) {
        (ConvertedType::DECIMAL, _) | (_, Physical::FLOAT | Physical::DOUBLE) => FieldKind::Number,
        (ConvertedType::DATE, _) => FieldKind::Date,
        (ConvertedType::TIMESTAMP_MILLIS | ConvertedType::TIMESTAMP_MICROS, _) | (_, Physical::INT96) => {
            FieldKind::Instant
        }
        (ConvertedType::TIME_MILLIS | ConvertedType::TIME_MICROS, _) => other("a time of day"),
        (_, Physical::INT32 | Physical::INT64) => FieldKind::Integer,
        (_, Physical::BOOLEAN) => FieldKind::Bool,
        (ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON, _) => FieldKind::Text,
        (_, Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY) => other("bytes"),
    }
}

fn object<'f>(fields: impl Iterator<Item = (&'f str, &'f Field)>) -> Option<String> {
    let mut json = String::from("{");
    for (name, field) in fields {
        if json.len() > 1 {
            json.push(',');
        }
        write!(json, "{}:{}", Value::from(name), value(field)?).ok()?;
    }
    json.push('}');
    Some(json)
}

/// A value as JSON, exactly; `None` for what JSON has not: bytes, and numbers that are none.
fn value(field: &Field) -> Option<String> {
    Some(match field {
        Field::Null => "null".to_owned(),
        Field::Bool(value) => value.to_string(),
        Field::Byte(value) => value.to_string(),
        Field::Short(value) => value.to_string(),
        Field::Int(value) => value.to_string(),
        Field::Long(value) => value.to_string(),
        Field::UByte(value) => value.to_string(),
        Field::UShort(value) => value.to_string(),
        Field::UInt(value) => value.to_string(),
        Field::ULong(value) => value.to_string(),
        Field::Float16(value) => number(f64::from(*value))?,
        // The shortest text that is this number, and not that of the wider one.
        Field::Float(value) => value.is_finite().then(|| value.to_string())?,
        Field::Double(value) => number(*value)?,
        Field::Decimal(value) => decimal(value)?,
        Field::Str(text) => Value::from(text.as_str()).to_string(),
        Field::Bytes(_) => return None,
        Field::Date(days) => {
            let date = NaiveDate::default().checked_add_signed(TimeDelta::days(i64::from(*days)))?;
            format!("\"{date}\"")
        }
        Field::TimeMillis(millis) => time(i64::from(*millis).checked_mul(1_000)?)?,
        Field::TimeMicros(micros) => time(*micros)?,
        Field::TimestampMillis(millis) => instant(DateTime::from_timestamp_millis(*millis)?),
        Field::TimestampMicros(micros) => instant(DateTime::from_timestamp_micros(*micros)?),
        Field::Group(row) => object(row.get_column_iter().map(|(name, field)| (name.as_str(), field)))?,
        Field::ListInternal(list) => {
            let elements = list.elements().iter().map(value).collect::<Option<Vec<_>>>()?;
            format!("[{}]", elements.join(","))
        }
        Field::MapInternal(map) => {
            let mut entries = Vec::with_capacity(map.entries().len());
            for (key, held) in map.entries() {
                let Field::Str(key) = key else { return None };
                entries.push((key.as_str(), held));
            }
            object(entries.into_iter())?
        }
    })
}

fn number(value: f64) -> Option<String> {
    value.is_finite().then(|| value.to_string())
}

fn instant(at: DateTime<chrono::Utc>) -> String {
    format!("\"{}\"", at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

fn time(micros: i64) -> Option<String> {
    let since = TimeDelta::microseconds(micros);
    let (time, days) = NaiveTime::MIN.overflowing_add_signed(since);
    (days == 0).then(|| format!("\"{time}\""))
}

/// A decimal: a whole number, big-endian in two's complement, and the place of its point.
fn decimal(value: &Decimal) -> Option<String> {
    let bytes = value.data();
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let mut left: Vec<u8> = bytes.to_vec();
    if negative {
        let mut carry = true;
        for byte in left.iter_mut().rev() {
            let (sum, over) = (!*byte).overflowing_add(u8::from(carry));
            (*byte, carry) = (sum, over);
        }
    }
    // Divided by ten until nothing is left: decimals may be wider than any integer of the machine.
    let mut digits = Vec::new();
    while left.iter().any(|byte| *byte != 0) {
        let mut rest = 0u16;
        for byte in &mut left {
            let part = rest << 8 | u16::from(*byte);
            *byte = u8::try_from(part / 10).ok()?;
            rest = part % 10;
        }
        digits.push(char::from_digit(u32::from(rest), 10)?);
    }
    let scale = usize::try_from(value.scale()).ok()?;
    while digits.len() <= scale {
        digits.push('0');
    }
    digits.insert(scale, '.');
    let digits: String = digits.iter().rev().collect();
    let digits = digits.trim_end_matches('.');
    Some(if negative { format!("-{digits}") } else { digits.to_owned() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use accordant::connector::Cursor;
    use parquet::data_type::{ByteArray, Decimal, Int64Type};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    use super::{decimal, read};
    use crate::rows::Row;
    use crate::settings::File;

    /// A page goes on where the one before ended, in the file that is open: nothing is opened or decoded again. Whoever comes
    /// with another cursor begins at its place.
    #[test]
    fn a_page_is_read_from_where_the_one_before_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.parquet");
        let schema = Arc::new(parse_message_type("message m { REQUIRED INT64 id; }").unwrap());
        let mut writer = SerializedFileWriter::new(fs::File::create(&path).unwrap(), schema, Arc::default()).unwrap();
        for ids in [vec![1, 2, 3, 4, 5], vec![6], vec![7, 8, 9, 10]] {
            let mut group = writer.next_row_group().unwrap();
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<Int64Type>().write_batch(&ids, None, None).unwrap();
            column.close().unwrap();
            group.close().unwrap();
        }
        writer.close().unwrap();
        let empty = folder.path().join("empty");
        fs::write(&empty, "").unwrap();
        let (whole, none) = (fs::File::open(&path).unwrap(), fs::File::open(&empty).unwrap());
        let file = File::parquet(&path).page(3);
        let cursor = |at: u64| Cursor(at.to_string());
        let texts = |rows: &[Row]| -> Vec<String> {
            rows.iter().map(|row| String::from_utf8(row.bytes().to_vec()).unwrap()).collect()
        };
        let expected =
            |ids: std::ops::RangeInclusive<u64>| ids.map(|id| format!("{{\"id\":{id}}}")).collect::<Vec<_>>();
        let mut slot = None;
        let first = read(&file, &whole, 0, cursor, &mut slot).unwrap();
        assert_eq!((texts(&first.rows), first.next), (expected(1..=3), Some(3)));
        let second = read(&file, &none, 3, cursor, &mut slot).unwrap();
        assert_eq!((texts(&second.rows), second.next), (expected(4..=6), Some(6)));
        // Elsewhere there is nothing open.
        assert!(read(&file, &none, 3, cursor, &mut slot).is_err());
        for (position, ids, next) in [(3, 4..=6, Some(6)), (8, 9..=10, None), (1, 2..=4, Some(4)), (6, 7..=9, Some(9))]
        {
            let page = read(&file, &whole, position, cursor, &mut slot).unwrap();
            assert_eq!((texts(&page.rows), page.next), (expected(ids), next), "{position}");
        }
        let last = read(&file, &none, 9, cursor, &mut slot).unwrap();
        assert_eq!((texts(&last.rows), last.next), (expected(10..=10), None));
        assert!(slot.is_none(), "nothing is kept behind the end");
    }

    #[test]
    fn decimals_are_exact() {
        let wide = |value: i128, scale| Decimal::from_bytes(ByteArray::from(value.to_be_bytes().to_vec()), 38, scale);
        let cases = [
            (Decimal::from_i32(12345, 9, 2), "123.45"),
            (Decimal::from_i32(-5, 9, 3), "-0.005"),
            (Decimal::from_i64(0, 18, 2), "0.00"),
            (Decimal::from_i64(7, 18, 0), "7"),
            (wide(99_999_999_999_999_999_999_999_999_999_999_999_999, 4), "9999999999999999999999999999999999.9999"),
            (wide(-1, 0), "-1"),
        ];
        for (value, expected) in cases {
            assert_eq!(decimal(&value).as_deref(), Some(expected));
        }
    }
}
