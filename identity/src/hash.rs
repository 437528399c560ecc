//! A hash that is the same on every machine and in every version: blocks and frequencies are stored by it.

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const MULTIPLY: u64 = 0xd6e8_feb8_6659_fd93;

/// Mixes one word into a hash.
#[must_use]
pub const fn mix(hash: u64, word: u64) -> u64 {
    let mixed = (hash ^ word).wrapping_mul(MULTIPLY);
    (mixed ^ (mixed >> 32)).wrapping_mul(SEED).rotate_left(29)
}

/// The hash of bytes. Never 0: 0 stands for "no value".
#[must_use]
pub fn bytes(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(SEED ^ bytes.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    mix(hash, last(rest)).max(1)
}

/// Fewer than eight bytes as a word, the first the lowest.
fn last(rest: &[u8]) -> u64 {
    // Two halves that may overlap: where they do, they say the same.
    if let (Some(low), Some(high)) = (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        let [low, high] = [low, high].map(|half| u64::from(u32::from_le_bytes(*half)));
        return low | high << (8 * (rest.len() - 4));
    }
    rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_never_changes() {
        assert_eq!(bytes(b""), bytes(b""));
        assert_ne!(bytes(b"a"), bytes(b"a\0"));
        for (length, text) in (0..).zip(["", "a", "ab", "abc", "abcd", "abcde", "abcdef", "abcdefg"]) {
            let mut word = [0; 8];
            word[..length].copy_from_slice(text.as_bytes());
            assert_eq!(last(text.as_bytes()), u64::from_le_bytes(word), "{text}");
        }
        // Written down once: whoever changes these makes every stored index unreadable.
        assert_eq!([bytes(b""), bytes(b"jansen"), bytes(b"kelbravo foods")], GOLDEN);
    }

    const GOLDEN: [u64; 3] = [15_546_715_706_700_571_574, 9_267_296_936_175_163_822, 3_038_706_097_623_457_478];
}
