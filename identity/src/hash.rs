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
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(hash, u64::from_le_bytes(last)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_never_changes() {
        assert_eq!(bytes(b""), bytes(b""));
        assert_ne!(bytes(b"a"), bytes(b"a\0"));
        // Written down once: whoever changes these makes every stored index unreadable.
        assert_eq!([bytes(b""), bytes(b"jansen"), bytes(b"kelbravo foods")], GOLDEN);
    }

    const GOLDEN: [u64; 3] = [15_546_715_706_700_571_574, 9_267_296_936_175_163_822, 3_038_706_097_623_457_478];
}
