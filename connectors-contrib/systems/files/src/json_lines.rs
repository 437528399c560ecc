//! JSON Lines: a position is the number of bytes before it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};

use accordant::connector::ConnectorError;
use bytes::Bytes;
use serde::de::IgnoredAny;

use crate::identity::{failed, malformed};
use crate::rows::{Row, Rows};
use crate::settings::File;

/// What some programs put before UTF-8.
pub(crate) const MARK: &[u8] = b"\xEF\xBB\xBF";

/// The lines from a position on.
pub(crate) fn read(file: &File, opened: &mut fs::File, length: u64, position: u64) -> Result<Rows, ConnectorError> {
    opened.seek(SeekFrom::Start(position)).map_err(|error| failed(file, &error))?;
    let mut reader = BufReader::new(opened);
    let mut rows = Vec::new();
    let mut at = position;
    // One byte more than a line may have: what fills it is too long.
    let most = u64::try_from(file.longest).unwrap_or(u64::MAX).saturating_add(1);
    while rows.len() < file.page {
        let mut line = Vec::new();
        let taken = reader.by_ref().take(most).read_until(b'\n', &mut line).map_err(|error| failed(file, &error))?;
        if taken == 0 {
            return Ok(Rows { rows, next: None });
        }
        if line.len() > file.longest {
            return Err(malformed(file, &format!("the line at byte {at} is longer than any may be (`longest_row`)")));
        }
        let begin = at;
        at = at.saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
        let ended = line.last() == Some(&b'\n');
        let text = if begin == 0 { line.strip_prefix(MARK).unwrap_or(&line) } else { &line };
        let text = text.trim_ascii();
        if !ended && !text.is_empty() {
            torn(file, text)?;
        }
        if !text.is_empty() {
            let readable = serde_json::from_slice::<IgnoredAny>(text).is_ok();
            let bytes = Bytes::copy_from_slice(text);
            rows.push(if readable { Row::Record(bytes) } else { Row::Unreadable(bytes) });
        }
    }
    Ok(Rows { rows, next: (at < length).then_some(at) })
}

/// Whether the last line, which no line break ends, is whole.
fn torn(file: &File, text: &[u8]) -> Result<(), ConnectorError> {
    if !file.unterminated {
        let told = "it ends without a line break: it was cut off, or `may_end_without_line_break`";
        return Err(malformed(file, told));
    }
    match serde_json::from_slice::<IgnoredAny>(text) {
        Ok(_) => Ok(()),
        Err(_) => Err(malformed(file, "its last line was cut off")),
    }
}
