//! How sealed bytes begin, and by which row a sealed tenant is known: what readers without keys recognise too.

use crate::fingerprint::Digest;
use crate::store::{RowKey, Table};

/// What the value of a sealed row begins with. No JSON does.
pub(crate) const ROW: &[u8; 6] = b"\0seal\x01";

/// What a sealed payload begins with. Its commitment stands behind it.
pub(crate) const PAYLOAD: &[u8; 6] = b"\0seal\x02";

/// What the body of a sealed message of a queue begins with.
#[cfg(feature = "keys")]
pub(crate) const BODY: &[u8; 6] = b"\0seal\x03";

/// The row that says that a tenant is sealed.
pub(crate) fn marker() -> RowKey {
    RowKey::new(Table::Meta, "\u{1f}seal")
}

/// Whether the value of a row, or a payload, is sealed.
pub(crate) fn is_sealed(bytes: &[u8]) -> bool {
    bytes.starts_with(ROW) || bytes.starts_with(PAYLOAD)
}

/// The commitment to what is in a sealed payload, as it carries it.
pub(crate) fn commitment(payload: &[u8]) -> Option<Digest> {
    payload.strip_prefix(PAYLOAD)?.first_chunk().map(|digest| Digest(*digest))
}
