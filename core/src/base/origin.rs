//! Where and when a value was first said.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::id::RecordRef;
use crate::stamp::Stamp;

/// Where and when a value was first said.
///
/// A cell that equals what we wrote there inherits the origin of what we wrote: our own echo is no witness.
///
/// There is one wherever a value stands, so it is stored without the names of its parts: `[["crm", "people", "17"], [token, read]]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub struct Origin {
    /// The record that said it first.
    pub record: Arc<RecordRef>,
    /// The stamp since which it says so.
    pub stamp: Stamp,
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { record, stamp } = self;
        (record.parts(), (stamp.token, stamp.read)).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_stored_in_short_and_read_in_full_too() {
        let origin =
            Origin { record: RecordRef::new("crm", "people", "17").into(), stamp: Stamp { token: 5, read: 2 } };
        let stored = serde_json::to_string(&origin).expect("an origin is JSON");
        assert_eq!(stored, r#"[["crm","people","17"],[5,2]]"#);
        assert_eq!(serde_json::from_str::<Origin>(&stored).ok(), Some(origin.clone()));
        let full = r#"{"record":{"connection":"crm","object":"people","id":"17"},"stamp":{"token":5,"read":2}}"#;
        assert_eq!(serde_json::from_str::<Origin>(full).ok(), Some(origin));
    }
}
