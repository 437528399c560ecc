//! Numbers of vehicles (ISO 3779).

use super::Invalid;

/// What each letter counts, from `A` on (49 CFR 565.15, table III); 0 of letters that no number has.
const LETTERS: [u32; 26] = [1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 3, 4, 5, 0, 7, 0, 9, 2, 3, 4, 5, 6, 7, 8, 9];

/// What each place counts (table IV); the place of the check digit counts nothing.
const PLACES: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];

fn counts(byte: u8) -> Option<u32> {
    match byte {
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        b'A'..=b'Z' => Some(LETTERS[usize::from(byte - b'A')]).filter(|counts| *counts > 0),
        _ => None,
    }
}

/// 17 digits and letters in upper case, without I, O and Q.
pub(super) fn check(text: &str) -> Result<(), Invalid> {
    if text.len() != PLACES.len() {
        return Err(Invalid::Length);
    }
    if text.bytes().all(|byte| counts(byte).is_some()) { Ok(()) } else { Err(Invalid::Character) }
}

/// With the check digit at the ninth place: the remainder by eleven, X for ten.
pub(super) fn check_with_digit(text: &str) -> Result<(), Invalid> {
    check(text)?;
    let sum: u32 = text.bytes().zip(PLACES).filter_map(|(byte, place)| Some(counts(byte)? * place)).sum();
    let digit = char::from_digit(sum % 11, 10).unwrap_or('X');
    if text.chars().nth(8) == Some(digit) { Ok(()) } else { Err(Invalid::CheckDigit) }
}
