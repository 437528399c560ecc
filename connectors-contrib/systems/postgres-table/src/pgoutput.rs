//! The messages of `pgoutput`, version 1 of its protocol: which rows of which tables changed.

use std::collections::HashMap;

use accordant::connector::{ConnectorError, ConnectorErrorKind};
use tokio_postgres::types::Oid;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Change {
    /// The table.
    pub(crate) table: Oid,
    /// The row, by the column that was asked for.
    pub(crate) id: String,
    /// Whether it is gone.
    pub(crate) gone: bool,
}

/// Where a message of the log stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// Rows changed: one, or two where a row got another id.
    Changed(Vec<Change>),
    /// A transaction begins, that was committed at this byte of the log.
    Begun(u64),
    /// A transaction ends, and what follows it begins at this byte of the log.
    Committed(u64),
    /// Something that says nothing of rows.
    Other,
}

/// Reads messages. The columns of a table are told before its first change in each call.
#[derive(Debug)]
pub(crate) struct Reader<'i> {
    /// The column of the id, by table.
    ids: &'i HashMap<Oid, &'i str>,
    /// Where that column stands in the table's rows.
    places: HashMap<Oid, usize>,
}

impl<'i> Reader<'i> {
    pub(crate) fn new(ids: &'i HashMap<Oid, &'i str>) -> Self {
        Self { ids, places: HashMap::new() }
    }

    /// Reads one message.
    ///
    /// # Errors
    ///
    /// If it is none, or a change does not name its row.
    pub(crate) fn read(&mut self, message: &[u8]) -> Result<Message, ConnectorError> {
        self.parse(&mut Bytes(message)).ok_or_else(|| {
            let told = "the log holds a message that is none of pgoutput's, or a change that names no row";
            ConnectorError::new(ConnectorErrorKind::Malformed, told)
        })
    }

    fn parse(&mut self, bytes: &mut Bytes<'_>) -> Option<Message> {
        match bytes.one()? {
            b'B' => Some(Message::Begun(bytes.number(8)?)),
            b'C' => {
                bytes.take(1 + 8)?;
                Some(Message::Committed(bytes.number(8)?))
            }
            b'R' => {
                let table = bytes.oid()?;
                bytes.text()?;
                bytes.text()?;
                bytes.one()?;
                let id = self.ids.get(&table).copied();
                for place in 0..usize::try_from(bytes.number(2)?).ok()? {
                    bytes.one()?;
                    if Some(bytes.text()?) == id {
                        self.places.insert(table, place);
                    }
                    bytes.take(4 + 4)?;
                }
                Some(Message::Other)
            }
            b'I' => {
                let table = bytes.oid()?;
                bytes.is(b'N')?;
                let new = self.row(table, bytes)?;
                self.changed(table, None, new)
            }
            b'U' => {
                let table = bytes.oid()?;
                let mut kind = bytes.one()?;
                let mut old = None;
                if matches!(kind, b'K' | b'O') {
                    old = self.row(table, bytes)?;
                    kind = bytes.one()?;
                }
                let new = if kind == b'N' { self.row(table, bytes)? } else { return None };
                self.changed(table, old, new)
            }
            b'D' => {
                let table = bytes.oid()?;
                if !matches!(bytes.one()?, b'K' | b'O') {
                    return None;
                }
                let old = self.row(table, bytes)?;
                if self.is_ours(table) {
                    Some(Message::Changed(vec![Change { table, id: old?, gone: true }]))
                } else {
                    Some(Message::Other)
                }
            }
            b'O' | b'Y' | b'T' | b'M' => Some(Message::Other),
            _ => None,
        }
    }

    fn is_ours(&self, table: Oid) -> bool {
        self.ids.contains_key(&table)
    }

    /// The changes of an insert or an update. A row that got another id is gone under the one before.
    fn changed(&self, table: Oid, old: Option<String>, new: Option<String>) -> Option<Message> {
        if !self.is_ours(table) {
            return Some(Message::Other);
        }
        let new = new?;
        let mut changes = Vec::with_capacity(2);
        changes.extend(old.filter(|old| *old != new).map(|id| Change { table, id, gone: true }));
        changes.push(Change { table, id: new, gone: false });
        Some(Message::Changed(changes))
    }

    /// The id in a row, if it is there. The outer `None`: it is no row.
    fn row(&self, table: Oid, bytes: &mut Bytes<'_>) -> Option<Option<String>> {
        let place = self.places.get(&table).copied();
        let mut id = None;
        for column in 0..usize::try_from(bytes.number(2)?).ok()? {
            match bytes.one()? {
                b'n' | b'u' => {}
                b't' | b'b' => {
                    let length = usize::try_from(bytes.number(4)?).ok()?;
                    let value = bytes.take(length)?;
                    if Some(column) == place {
                        id = Some(std::str::from_utf8(value).ok()?.to_owned());
                    }
                }
                _ => return None,
            }
        }
        Some(id)
    }
}

/// Bytes that are read from the front.
struct Bytes<'b>(&'b [u8]);

impl<'b> Bytes<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn one(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn is(&mut self, byte: u8) -> Option<()> {
        (self.one()? == byte).then_some(())
    }

    /// Big-endian, of up to eight bytes.
    fn number(&mut self, bytes: usize) -> Option<u64> {
        Some(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn oid(&mut self) -> Option<Oid> {
        Oid::try_from(self.number(4)?).ok()
    }

    /// Up to the next zero byte.
    fn text(&mut self) -> Option<&'b str> {
        let length = self.0.iter().position(|byte| *byte == 0)?;
        let text = self.take(length)?;
        self.take(1)?;
        std::str::from_utf8(text).ok()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn relation(table: Oid) -> Vec<u8> {
        let mut bytes = vec![b'R'];
        bytes.extend(table.to_be_bytes());
        bytes.extend(b"public\0customers\0d");
        bytes.extend(2u16.to_be_bytes());
        for name in ["email", "id"] {
            bytes.push(1);
            bytes.extend(name.as_bytes());
            bytes.push(0);
            bytes.extend([0; 8]);
        }
        bytes
    }

    fn tuple(values: [Option<&str>; 2]) -> Vec<u8> {
        let mut bytes = 2u16.to_be_bytes().to_vec();
        for value in values {
            match value {
                Some(value) => {
                    bytes.push(b't');
                    bytes.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
                    bytes.extend(value.as_bytes());
                }
                None => bytes.push(b'n'),
            }
        }
        bytes
    }

    fn message(kind: u8, table: Oid, parts: &[&[u8]]) -> Vec<u8> {
        [&[kind][..], &table.to_be_bytes(), &parts.concat()].concat()
    }

    #[test]
    fn changes_name_their_rows_and_the_table_of_others_is_passed_over() {
        let ids = HashMap::from([(7, "id")]);
        let mut reader = Reader::new(&ids);
        assert_eq!(reader.read(&relation(7)).unwrap(), Message::Other);
        assert_eq!(reader.read(&relation(8)).unwrap(), Message::Other);
        let change = |id: &str, gone| Change { table: 7, id: id.to_owned(), gone };
        let new = tuple([Some("a"), Some("1")]);
        let key = tuple([None, Some("2")]);
        let cases = [
            (message(b'I', 7, &[b"N", &new]), Message::Changed(vec![change("1", false)])),
            (message(b'U', 7, &[b"N", &new]), Message::Changed(vec![change("1", false)])),
            (
                message(b'U', 7, &[b"K", &key, b"N", &new]),
                Message::Changed(vec![change("2", true), change("1", false)]),
            ),
            (message(b'U', 7, &[b"O", &new, b"N", &new]), Message::Changed(vec![change("1", false)])),
            (message(b'D', 7, &[b"K", &key]), Message::Changed(vec![change("2", true)])),
            (message(b'I', 8, &[b"N", &new]), Message::Other),
            (message(b'D', 8, &[b"K", &key]), Message::Other),
            ([&b"B"[..], &66u64.to_be_bytes(), &[0; 12]].concat(), Message::Begun(66)),
            ([&b"C"[..], &[0; 9], &77u64.to_be_bytes(), &[0; 8]].concat(), Message::Committed(77)),
        ];
        for (bytes, expected) in cases {
            assert_eq!(reader.read(&bytes).unwrap(), expected);
        }
    }

    #[test]
    fn a_message_cut_off_anywhere_is_an_error_and_no_panic() {
        let ids = HashMap::from([(7, "id")]);
        let whole = message(b'U', 7, &[b"K", &tuple([None, Some("2")]), b"N", &tuple([Some("a"), Some("1")])]);
        for length in 0..whole.len() {
            let mut reader = Reader::new(&ids);
            reader.read(&relation(7)).unwrap();
            assert!(reader.read(&whole[..length]).is_err(), "{length}");
        }
        let mut reader = Reader::new(&ids);
        assert!(reader.read(&whole).is_err(), "a table that was not told of has no id");
    }
}
