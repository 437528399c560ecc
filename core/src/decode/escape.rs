//! Escapes of JSON strings.

/// Appends a scanned string with its escapes undone. False if it holds half a surrogate pair: that is no text.
pub(super) fn unescape(raw: &str, out: &mut String) -> bool {
    let mut rest = raw;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let (character, length) = match escape.as_bytes().first() {
            Some(b'u') => match unicode(escape) {
                Some(found) => found,
                None => return false,
            },
            Some(b'b') => ('\u{8}', 1),
            Some(b'f') => ('\u{c}', 1),
            Some(b'n') => ('\n', 1),
            Some(b'r') => ('\r', 1),
            Some(b't') => ('\t', 1),
            Some(&same) => (char::from(same), 1),
            None => return false,
        };
        out.push(character);
        rest = escape.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    true
}

/// The character that `uXXXX`, or a surrogate pair of them, stands for, and the length of what was read.
fn unicode(escape: &str) -> Option<(char, usize)> {
    let hex = |from: usize| u32::from_str_radix(escape.get(from..from + 4)?, 16).ok();
    let first = hex(1)?;
    if !(0xD800..0xDC00).contains(&first) {
        return Some((char::from_u32(first)?, 5));
    }
    if escape.get(5..7)? != "\\u" {
        return None;
    }
    let second = hex(7).filter(|second| (0xDC00..0xE000).contains(second))?;
    Some((char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00))?, 11))
}
