//! Normalizers by name: each gives the same for what it gave, and borrows what is normal already.
//!
//! The first byte picks the normalizer; the rest is the text.

use std::borrow::Cow;

use accordant::normalize::{NAMES, by_name};

/// Idempotent, and honest about what it changed.
pub fn run(data: &[u8]) {
    let Some((pick, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let pick = usize::from(*pick) % (NAMES.len() + 2);
    let name = match pick.checked_sub(NAMES.len()) {
        None => NAMES[pick],
        Some(0) => "phone(US)",
        Some(_) => "phone(DE)",
    };
    let normalizer = by_name(name).expect("a built-in normalizer");
    let once = normalizer.normalize(text);
    if let Cow::Borrowed(same) = once {
        assert_eq!(same, text, "{name} borrows a text that it changed");
    }
    let twice = normalizer.normalize(&once);
    assert_eq!(twice, once, "{name} is not idempotent");
    if let Some((name, rest)) = text.split_once('\n')
        && let Some(named) = by_name(name)
    {
        assert_eq!(named.normalize(&named.normalize(rest)), named.normalize(rest));
    }
}
