//! Numbers of payment cards (ISO/IEC 7812-1).

use super::Invalid;

/// 12 to 19 digits, spaces or hyphens between them one at a time, and the check digit behind (Luhn, US patent 2 950 048).
pub(super) fn check(text: &str) -> Result<(), Invalid> {
    let (mut digits, mut last_was_digit) = (Vec::with_capacity(19), false);
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => digits.push(u32::from(byte - b'0')),
            b' ' | b'-' if last_was_digit => {}
            _ => return Err(Invalid::Character),
        }
        last_was_digit = byte.is_ascii_digit();
    }
    if !last_was_digit || !(12..=19).contains(&digits.len()) {
        return Err(Invalid::Length);
    }
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| if place % 2 == 1 { doubled(*digit) } else { *digit })
        .sum();
    if sum.is_multiple_of(10) { Ok(()) } else { Err(Invalid::CheckDigit) }
}
