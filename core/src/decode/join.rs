//! Several fields as one text.

use crate::model::Read;

/// The text of [`crate::value::join`], written in place.
#[derive(Default)]
pub(super) struct Join {
    begun: bool,
    any: bool,
}

impl Join {
    pub(super) fn open(out: &mut String) -> Self {
        out.push('[');
        Self::default()
    }

    pub(super) fn member(&mut self, out: &mut String, read: Read, text: &str) {
        if self.begun {
            out.push(',');
        }
        self.begun = true;
        match read {
            Read::Null => return out.push_str("null"),
            Read::Empty => out.push_str("\"\""),
            Read::Value if text.bytes().any(|byte| matches!(byte, 0..0x20 | b'"' | b'\\')) => {
                // Rare, and serialising a string cannot fail.
                out.push_str(&serde_json::to_string(text).unwrap_or_default());
            }
            Read::Value => {
                out.push('"');
                out.push_str(text);
                out.push('"');
            }
        }
        self.any = true;
    }

    /// Whether any member was more than Null.
    pub(super) fn close(self, out: &mut String) -> bool {
        out.push(']');
        self.any
    }
}
