//! Values by code: equality of two values is the equality of two numbers.

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
    /// Where codes are found by hash: as many places as a power of two, each with the first half of a hash and its code, or 0. A value
    /// stands at the place that the last bits of its hash say, or behind it.
    places: Vec<u64>,
}

/// A dictionary of few values has so many places.
const FEWEST: usize = 16;

impl Default for Dictionary {
    fn default() -> Self {
        // The empty value has code 0 and no hash, so that a code is an index.
        Self {
            ends: vec![0],
            bytes: Vec::new(),
            hashes: vec![0],
            signatures: vec![Signature::default()],
            places: Vec::new(),
        }
    }
}

impl Dictionary {
    /// The code of a value, which it gets if it is new. The empty value is [`NONE`].
    pub fn intern(&mut self, value: &str) -> u32 {
        self.intern_hashed(value, hash::bytes(value.as_bytes()))
    }

    /// As [`intern`](Self::intern), where the value's hash is known.
    pub(crate) fn intern_hashed(&mut self, value: &str, hash: u64) -> u32 {
        if value.is_empty() {
            return NONE;
        }
        // Of four places three are taken at most, and room is made before a place is looked for.
        if 4 * self.ends.len() > 3 * self.places.len() {
            self.grow();
        }
        let last = self.places.len() - 1;
        let mut at = hash as usize & last;
        loop {
            let found = self.places[at];
            if found == 0 {
                break;
            }
            let code = found as u32;
            if found >> 32 == hash >> 32 && self.bytes(code) == value.as_bytes() {
                return code;
            }
            at = (at + 1) & last;
        }
        let code = self.ends.len() as u32;
        self.places[at] = place(hash, code);
        self.bytes.extend_from_slice(value.as_bytes());
        self.ends.push(self.bytes.len() as u32);
        self.hashes.push(hash);
        self.signatures.push(Signature::of(value.as_bytes()));
        code
    }

    /// The code that is most likely a hash's, or any. Whoever looks for several values asks for all of them before, and then for
    /// [`Self::ahead`]: memory is then waited for once.
    pub(crate) fn guess(&self, hash: u64) -> u32 {
        self.places.get(hash as usize & self.places.len().wrapping_sub(1)).copied().unwrap_or_default() as u32
    }

    /// Something of a code's value.
    pub(crate) fn ahead(&self, code: u32) -> u8 {
        let start = self.ends.get((code as usize).wrapping_sub(1)).copied().unwrap_or_default();
        self.bytes.get(start as usize).copied().unwrap_or_default()
    }

    /// The code of the value of a hash, if it is there.
    pub(crate) fn code_of(&self, hash: u64) -> Option<u32> {
        let last = self.places.len().checked_sub(1)?;
        let mut at = hash as usize & last;
        // Some place is free, as of four places three are taken at most.
        while self.places[at] != 0 {
            let code = self.places[at] as u32;
            if self.places[at] >> 32 == hash >> 32 && self.hash(code) == hash {
                return Some(code);
            }
            at = (at + 1) & last;
        }
        None
    }

    /// Makes room for twice as many codes.
    fn grow(&mut self) {
        let many = (2 * self.places.len()).max(FEWEST);
        // What was there is freed before: it can be made again.
        self.places = Vec::new();
        self.places.resize(many, 0);
        for (code, hash) in (0_u32..).zip(&self.hashes).skip(1) {
            let mut at = *hash as usize & (many - 1);
            while self.places[at] != 0 {
                at = (at + 1) & (many - 1);
            }
            self.places[at] = place(*hash, code);
        }
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

/// The first half of a hash, and a code.
const fn place(hash: u64, code: u32) -> u64 {
    hash >> 32 << 32 | code as u64
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

    #[test]
    fn codes_stay_however_many_values_come() {
        let mut dictionary = Dictionary::default();
        let value = |n: u32| format!("value {}", n / 2);
        for n in 0..20_000 {
            assert_eq!(dictionary.intern(&value(n)), n / 2 + 1);
        }
        for n in 0..20_000 {
            assert_eq!((dictionary.intern(&value(n)), dictionary.text(n / 2 + 1)), (n / 2 + 1, value(n).as_str()));
        }
        assert_eq!(dictionary.codes(), 10_001);
        assert!((1..10_001).all(|code| dictionary.code_of(dictionary.hash(code)) == Some(code)));
        assert_eq!((dictionary.code_of(7), Dictionary::default().code_of(7)), (None, None));
    }
}
