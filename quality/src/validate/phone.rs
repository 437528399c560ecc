//! Telephone numbers.

use phonenumber::country;

use super::{Invalid, Region};

/// The region of this code, if numbers are dialled there.
pub(super) fn region(code: &str) -> Option<country::Id> {
    code.bytes().all(|byte| byte.is_ascii_uppercase()).then(|| code.parse().ok()).flatten()
}

pub(super) fn check(text: &str, of: Option<Region>) -> Result<(), Invalid> {
    let mut digits = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '0'..='9' => digits.push(letter),
            '+' if digits.is_empty() => digits.push(letter),
            ' ' | '(' | ')' | '-' | '.' | '/' => {}
            _ => return Err(Invalid::Character),
        }
    }
    let from = match of {
        _ if digits.starts_with('+') => None,
        None => return Err(Invalid::Form),
        Some(of) => Some(region(of.as_str()).ok_or(Invalid::Unknown)?),
    };
    // ITU-T E.164 has 15 digits at most, and what is dialled before them no more than seven.
    if !(4..=23).contains(&digits.len()) {
        return Err(Invalid::Length);
    }
    let number = phonenumber::parse(from, &digits).map_err(|_| Invalid::Form)?;
    if number.is_valid() { Ok(()) } else { Err(Invalid::Unknown) }
}
