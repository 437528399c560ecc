//! Parquet: a position is the number of rows before it.

use std::fmt::Write as _;
use std::fs;

use accordant::connector::ConnectorError;
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, TimeDelta};
use parquet::data_type::Decimal;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use serde_json::Value;

use crate::identity::{failed, malformed};
use crate::rows::{Row, Rows};
use crate::settings::File;

/// The rows from a position on. A file that was cut off has no footer, and none of its rows is read.
pub(crate) fn read(file: &File, opened: &fs::File, position: u64) -> Result<Rows, ConnectorError> {
    let wrong = |_| malformed(file, "it is no Parquet file, or was cut off");
    let reader = SerializedFileReader::new(opened.try_clone().map_err(|error| failed(file, &error))?).map_err(wrong)?;
    let mut rows = Vec::new();
    let (mut at, mut before) = (position, 0u64);
    for group in 0..reader.num_row_groups() {
        let held = reader.metadata().row_group(group).num_rows();
        let held = u64::try_from(held).map_err(|_| malformed(file, "a group has fewer than no rows"))?;
        let behind = before.saturating_add(held);
        if at < behind && rows.len() < file.page {
            let group = reader.get_row_group(group).map_err(wrong)?;
            let skip = usize::try_from(at - before).unwrap_or(usize::MAX);
            for row in group.get_row_iter(None).map_err(wrong)?.skip(skip).take(file.page - rows.len()) {
                let row = row.map_err(wrong)?;
                let json = object(row.get_column_iter().map(|(name, field)| (name.as_str(), field)));
                rows.push(match json {
                    Some(json) => Row::Record(Bytes::from(json)),
                    None => Row::Unreadable(Bytes::from(format!("row {at} holds a value that has no form in JSON"))),
                });
                at += 1;
            }
            if at < behind && rows.len() < file.page {
                return Err(malformed(file, "a group has fewer rows than its footer says"));
            }
        }
        before = behind;
    }
    Ok(Rows { rows, next: (at < before).then_some(at) })
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
mod tests {
    use parquet::data_type::{ByteArray, Decimal};

    use super::decimal;

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
