//! Values by code: equality of two values is the equality of two numbers.

use hashbrown::HashTable;

use crate::hash;
use crate::signature::Signature;

/// The code of "no value".
pub const NONE: u32 = 0;

/// Distinct values, each under a code from 1 upwards in the order of first sight.
#[derive(Debug, Clone)]
pub struct Dictionary {
    ends: Vec<u32>,
    bytes: Vec<u8>,
    hashes: Vec<u64>,
    signatures: Vec<Signature>,
    codes: HashTable<Slot>,
}

/// A code, and where its value stands: whether it is the one that is looked for is seen without looking elsewhere first.
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// The first half of the hash.
    hash: u32,
    start: u32,
    end: u32,
    code: u32,
}

impl Default for Dictionary {
    fn default() -> Self {
        // The empty value has code 0 and no hash, so that a code is an index.
        Self {
            ends: vec![0],
            bytes: Vec::new(),
            hashes: vec![0],
            signatures: vec![Signature::default()],
            codes: HashTable::new(),
        }
    }
}

impl Dictionary {
    /// The code of a value, which it gets if it is new. The empty value is [`NONE`].
    pub fn intern(&mut self, value: &str) -> u32 {
        if value.is_empty() {
            return NONE;
        }
        let hash = hash::bytes(value.as_bytes());
        let half = (hash >> 32) as u32;
        let Self { ends, bytes, hashes, signatures, codes } = self;
        let same = |slot: &Slot| {
            slot.hash == half && bytes.get(slot.start as usize..slot.end as usize) == Some(value.as_bytes())
        };
        if let Some(slot) = codes.find(spread(half), same) {
            return slot.code;
        }
        let (code, start) = (ends.len() as u32, bytes.len() as u32);
        bytes.extend_from_slice(value.as_bytes());
        let end = bytes.len() as u32;
        ends.push(end);
        hashes.push(hash);
        signatures.push(Signature::of(value.as_bytes()));
        codes.insert_unique(spread(half), Slot { hash: half, start, end, code }, |slot| spread(slot.hash));
        code
    }

    /// The bytes of a code's value; empty for [`NONE`].
    #[must_use]
    pub fn bytes(&self, code: u32) -> &[u8] {
        slice(&self.ends, &self.bytes, code)
    }

    /// A code's value; empty for [`NONE`].
    #[must_use]
    pub fn text(&self, code: u32) -> &str {
        std::str::from_utf8(self.bytes(code)).unwrap_or_default()
    }

    /// The hash of a code's value; 0 for [`NONE`].
    #[must_use]
    pub fn hash(&self, code: u32) -> u64 {
        self.hashes.get(code as usize).copied().unwrap_or_default()
    }

    /// The signature of a code's value; that of the empty value for [`NONE`].
    #[must_use]
    pub fn signature(&self, code: u32) -> Signature {
        self.signatures.get(code as usize).copied().unwrap_or_default()
    }

    /// How many codes there are, [`NONE`] among them.
    #[must_use]
    pub fn codes(&self) -> usize {
        self.ends.len()
    }
}

/// Half a hash, over all bits: a table looks at the first and at the last.
const fn spread(half: u32) -> u64 {
    (half as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn slice<'a>(ends: &[u32], bytes: &'a [u8], code: u32) -> &'a [u8] {
    let Some(before) = (code as usize).checked_sub(1) else { return &[] };
    match (ends.get(before), ends.get(before + 1)) {
        (Some(start), Some(end)) => &bytes[*start as usize..*end as usize],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_one_code() {
        let mut dictionary = Dictionary::default();
        let first = dictionary.intern("jansen");
        assert_eq!(dictionary.intern("jansen"), first);
        assert_ne!(dictionary.intern("janssen"), first);
        let nothing = dictionary.intern("");
        assert_eq!((dictionary.text(first), nothing, dictionary.text(NONE)), ("jansen", NONE, ""));
        assert_eq!((dictionary.text(99), dictionary.hash(99)), ("", 0));
    }
}
