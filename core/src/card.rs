//! Card numbers: found in what systems say, and taken out before anything is kept.
//!
//! A number is taken for one of a payment card if it begins as an issuer's numbers begin, has as many digits as those, and its
//! check digit is right. Its digits may stand in groups, with a single space, hyphen, dash or minus sign between them, whichever of
//! Unicode's (categories Zs and Pd, and U+2212). They are those of ASCII: of other scripts, and of full width, none are looked for.

use std::borrow::Cow;
use std::ops::Range;

/// What stands in place of a card number.
pub const REMOVED: &str = "[card number removed]";

/// What becomes of card numbers in what systems say and people enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum CardNumbers {
    /// They are replaced by [`REMOVED`] before anything is kept, and refused where people enter them, in values and reasons alike
    /// ([`Error::Value`](crate::Error::Value)). Ids of records, ordering tokens and references are spared: they are numbers of
    /// another kind. An identity value that held one is a dead letter, and identifies nobody.
    #[default]
    Removed,
    /// They are kept like any value: for whoever may, and has to.
    Kept,
}

/// The most digits that a card number has.
const MOST_DIGITS: usize = 19;

/// Where card numbers stand, from the first to the last digit of each.
#[must_use]
pub fn find(bytes: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(begin) = bytes[at..].iter().position(u8::is_ascii_digit).map(|place| at + place) {
        at = match card_from(bytes, begin) {
            Some(end) => {
                found.push(begin..end);
                end
            }
            None => {
                let run = bytes[begin..].iter().position(|byte| !byte.is_ascii_digit());
                run.map_or(bytes.len(), |length| begin + length)
            }
        };
    }
    found
}

/// Where the longest card number ends that begins here.
fn card_from(bytes: &[u8], begin: usize) -> Option<usize> {
    let (mut digits, mut count, mut at, mut card) = ([0; MOST_DIGITS], 0, begin, None);
    loop {
        while let Some(digit) = bytes.get(at).filter(|byte| byte.is_ascii_digit()) {
            let Some(place) = digits.get_mut(count) else { return card };
            *place = digit - b'0';
            (count, at) = (count + 1, at + 1);
        }
        // The end of a group: there may be another behind it.
        let number = &digits[..count];
        if is_issued(number) && is_checked(number) && !is_part_of_more(&bytes[..begin], &bytes[at..]) {
            card = Some(at);
        }
        let divided = divider(&bytes[at..]);
        if divided == 0 || !bytes.get(at + divided).is_some_and(u8::is_ascii_digit) {
            return card;
        }
        at += divided;
    }
}

/// How many bytes what divides groups takes at the beginning of these; 0: nothing does. In UTF-8.
const fn divider(bytes: &[u8]) -> usize {
    match bytes {
        [b' ' | b'-', ..] => 1,
        // The space that no line breaks at, as web pages have it; hyphens of Armenian and Hebrew.
        [0xC2, 0xA0, ..] | [0xD6, 0x8A | 0xBE, ..] => 2,
        // Spaces of other widths; hyphens, and dashes that are taken for them; the minus sign.
        [0xE2, 0x80, 0x80..=0x8A | 0xAF | 0x90..=0x95, ..]
        | [0xE2, 0x81, 0x9F, ..]
        | [0xE2, 0x88, 0x92, ..]
        | [0xE2, 0xB8, 0x97 | 0x9A | 0xBA | 0xBB, ..]
        | [0xE2, 0xB9, 0x80 | 0x9D, ..] => 3,
        // Those of Ogham, of Canadian syllabics and of Mongolian.
        [0xE1, 0x9A, 0x80, ..] | [0xE1, 0x90, 0x80, ..] | [0xE1, 0xA0, 0x86, ..] => 3,
        // Those of East Asia, of full width and small ones included.
        [0xE3, 0x80, 0x80 | 0x9C | 0xB0, ..]
        | [0xE3, 0x82, 0xA0, ..]
        | [0xEF, 0xB8, 0xB1 | 0xB2, ..]
        | [0xEF, 0xB9, 0x98 | 0xA3, ..]
        | [0xEF, 0xBC, 0x8D, ..] => 3,
        // The hyphens of Garay and Yezidi.
        [0xF0, 0x90, 0xB5, 0xAE, ..] | [0xF0, 0x90, 0xBA, 0xAD, ..] => 4,
        _ => 0,
    }
}

/// The digits of the card numbers in a text, each without what divides them.
pub fn digits_in(text: &str) -> impl Iterator<Item = String> {
    find(text.as_bytes()).into_iter().map(|card| digits(&text.as_bytes()[card]))
}

fn digits(card: &[u8]) -> String {
    card.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| char::from(*byte)).collect()
}

/// Whether what stands before or behind makes it a part of a word, or of a number with a point.
fn is_part_of_more(before: &[u8], behind: &[u8]) -> bool {
    let word_before = match before {
        // An escape in JSON ends in a letter that is no letter of the text.
        [.., b'\\', b'n' | b't' | b'r' | b'b' | b'f'] => false,
        [.., letter] => letter.is_ascii_alphanumeric() || *letter == b'_',
        [] => false,
    };
    let point_before = matches!(before, [.., digit, b'.'] if digit.is_ascii_digit());
    let word_behind = behind.first().is_some_and(|letter| letter.is_ascii_alphanumeric() || *letter == b'_');
    let point_behind = matches!(behind, [b'.', digit, ..] if digit.is_ascii_digit());
    word_before || point_before || word_behind || point_behind
}

/// Whether a number begins as issuers' numbers of its length do.
fn is_issued(digits: &[u8]) -> bool {
    let prefix = |count: usize| digits.iter().take(count).fold(0_u32, |number, digit| number * 10 + u32::from(*digit));
    match digits.len() {
        // Diners Club.
        14 => matches!(prefix(3), 300..=305 | 309) || matches!(prefix(2), 36 | 38 | 39),
        // American Express.
        15 => matches!(prefix(2), 34 | 37),
        // Visa, Mastercard, Maestro, Discover, JCB, UnionPay, Mir.
        16 => {
            digits[0] == 4
                || matches!(prefix(2), 50..=58 | 62 | 64 | 65)
                || matches!(prefix(4), 2200..=2204 | 2221..=2720 | 3528..=3589 | 6011 | 6304 | 6759 | 6761..=6763)
        }
        17 | 18 => prefix(2) == 62,
        19 => digits[0] == 4 || prefix(2) == 62,
        _ => false,
    }
}

/// Whether the check digit is right (ISO/IEC 7812-1, annex B).
fn is_checked(digits: &[u8]) -> bool {
    let doubled = |(place, digit): (usize, &u8)| {
        let digit = u32::from(*digit) * if place % 2 == 1 { 2 } else { 1 };
        digit / 10 + digit % 10
    };
    digits.iter().rev().enumerate().map(doubled).sum::<u32>().is_multiple_of(10)
}

/// The bytes without their card numbers, but for those whose digits are `spared`; `None`: there are none.
///
/// What JSON spells as escapes is spelled out before ([`unescaped`]). In JSON, a number becomes a string: what reads numbers there
/// finds that it is none, and says so.
#[must_use]
pub fn without(bytes: &[u8], spared: &dyn Fn(&str) -> bool) -> Option<Vec<u8>> {
    let bytes = &*unescaped(bytes);
    let mut found = find(bytes);
    found.retain(|card| !spared(&digits(&bytes[card.clone()])));
    if found.is_empty() {
        return None;
    }
    let is_json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| matches!(byte, b'{' | b'['));
    let (mut cleaned, mut at, mut quoted) = (Vec::with_capacity(bytes.len()), 0, false);
    for card in found {
        quoted = is_quoted(&bytes[at..card.start], quoted);
        cleaned.extend_from_slice(&bytes[at..card.start]);
        let quotes: &[u8] = if is_json && !quoted { b"\"" } else { b"" };
        cleaned.extend([quotes, REMOVED.as_bytes(), quotes].concat());
        at = card.end;
    }
    cleaned.extend_from_slice(&bytes[at..]);
    Some(cleaned)
}

/// The same JSON with its characters spelled out where it has escapes of four digits for them, but for those that must not stand
/// in a string as they are.
#[must_use]
pub fn unescaped(bytes: &[u8]) -> Cow<'_, [u8]> {
    if !bytes.contains(&b'\\') || !bytes.windows(2).any(|window| window == b"\\u") {
        return Cow::Borrowed(bytes);
    }
    let (mut plain, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        match (spelled(&bytes[at..]), byte, bytes.get(at + 1)) {
            (Some((character, length)), _, _) => {
                plain.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                at += length;
            }
            // What a backslash stands before is no escape of its own.
            (None, b'\\', Some(next)) => {
                plain.extend([*byte, *next]);
                at += 2;
            }
            (None, _, _) => {
                plain.push(*byte);
                at += 1;
            }
        }
    }
    Cow::Owned(plain)
}

/// The character that an escape at the beginning spells, and the length of the escape; `None`: there is none, or the character
/// needs one.
fn spelled(bytes: &[u8]) -> Option<(char, usize)> {
    let unit = |bytes: &[u8]| match bytes {
        [b'\\', b'u', digits @ ..] => {
            let mut digits = digits.get(..4)?.iter().map(|digit| char::from(*digit).to_digit(16));
            digits.try_fold(0_u32, |number, digit| Some(number * 16 + digit?))
        }
        _ => None,
    };
    let first = unit(bytes)?;
    let (code, length) = match first {
        // Two escapes spell one character beyond the first 65536.
        0xD800..=0xDBFF => {
            let second = unit(bytes.get(6..)?).filter(|second| matches!(second, 0xDC00..=0xDFFF))?;
            (0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00), 12)
        }
        _ => (first, 6),
    };
    let character = char::from_u32(code).filter(|character| !character.is_control())?;
    (!matches!(character, '"' | '\\')).then_some((character, length))
}

/// Whether a string is open behind these bytes, if one was, or was not, before them.
fn is_quoted(bytes: &[u8], mut quoted: bool) -> bool {
    let mut escaped = false;
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => {}
        }
    }
    quoted
}

/// A text without its card numbers; `None`: there are none.
#[must_use]
pub fn without_in_text(text: &str) -> Option<String> {
    // What is taken out is ASCII, so that the rest stays text.
    let cleaned = without_plain(text.as_bytes())?;
    String::from_utf8(cleaned).ok()
}

fn without_plain(bytes: &[u8]) -> Option<Vec<u8>> {
    let found = find(bytes);
    if found.is_empty() {
        return None;
    }
    let (mut cleaned, mut at) = (Vec::with_capacity(bytes.len()), 0);
    for card in found {
        cleaned.extend_from_slice(&bytes[at..card.start]);
        cleaned.extend_from_slice(REMOVED.as_bytes());
        at = card.end;
    }
    cleaned.extend_from_slice(&bytes[at..]);
    Some(cleaned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Numbers that issuers publish for tests.
    const CARDS: [&str; 12] = [
        "4111111111111111",
        "4012888888881881",
        "5555555555554444",
        "2223003122003222",
        "378282246310005",
        "371449635398431",
        "30569309025904",
        "38520000023237",
        "6011111111111117",
        "3530111333300000",
        "6200000000000005",
        "6304000000000000",
    ];

    #[test]
    fn the_numbers_of_issuers_are_found_however_they_are_written() {
        for card in CARDS {
            let spaced: String = card
                .chars()
                .enumerate()
                .map(|(at, c)| if at % 4 == 0 && at > 0 { format!(" {c}") } else { c.into() })
                .collect();
            let divided = ["-", "\u{a0}", "\u{2011}", "\u{2013}", "\u{202f}"].map(|by| spaced.replace(' ', by));
            for written in divided.into_iter().chain([card.to_owned(), spaced]) {
                for text in [
                    written.clone(),
                    format!("card: {written}."),
                    format!("2026-01-02 {written} 12/29"),
                    format!(r#"{{"note":"a\n{written}"}}"#),
                ] {
                    let cleaned = without_in_text(&text).unwrap_or_default();
                    assert!(cleaned.contains(REMOVED) && !cleaned.contains(&written), "{text}: {cleaned}");
                    assert_eq!(without_in_text(&cleaned), None, "once is enough");
                }
            }
        }
    }

    #[test]
    fn groups_are_divided_by_every_space_and_dash_of_unicode() {
        let spaces = "\u{20}\u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200a}\
                      \u{202f}\u{205f}\u{3000}";
        let dashes = "\u{2d}\u{58a}\u{5be}\u{1400}\u{1806}\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2015}\u{2212}\u{2e17}\u{2e1a}\
                      \u{2e3a}\u{2e3b}\u{2e40}\u{2e5d}\u{301c}\u{3030}\u{30a0}\u{fe31}\u{fe32}\u{fe58}\u{fe63}\u{ff0d}\u{10d6e}\
                      \u{10ead}";
        for divider in spaces.chars().chain(dashes.chars()) {
            let card = ["4111", "1111", "1111", "1111"].join(&divider.to_string());
            assert_eq!(find(card.as_bytes()).first(), Some(&(0..card.len())), "U+{:04X}", u32::from(divider));
        }
        // A letter that begins with the same bytes divides nothing.
        assert!(find("4111\u{ff0e}1111\u{ff0e}1111\u{ff0e}1111".as_bytes()).is_empty());
    }

    #[test]
    fn other_numbers_are_left_alone() {
        for text in [
            "4111111111111112",         // the check digit is wrong
            "1111111111111117",         // nobody issues it
            "41111111111111111",        // 17 digits of no issuer
            "0.4111111111111111",       // a fraction
            "4111111111111111.00",      // an amount
            "a4111111111111111",        // part of a word
            "4111111111111111abc",      // part of a word
            "ES9121000418450200051332", // an IBAN
            "1780000000000000",         // an instant in microseconds
            "+49 170 1234567",          // a phone number
            "4111  1111 1111 1111",     // two spaces
            "",
        ] {
            assert_eq!(without_in_text(text), None, "{text}");
        }
    }

    #[test]
    fn json_stays_json_and_a_number_becomes_no_other_number() {
        let body =
            br#"{"a":4111111111111111,"b":"x \" 5555 5555 5555 4444 y","c":[378282246310005],"id":6011111111111117}"#;
        let cleaned = without(body, &|digits| digits == "6011111111111117").unwrap_or_default();
        let read: serde_json::Value = serde_json::from_slice(&cleaned).unwrap_or_default();
        let removed = format!("x \" {REMOVED} y");
        assert_eq!(
            read,
            serde_json::json!({ "a": REMOVED, "b": removed, "c": [REMOVED], "id": 6_011_111_111_111_117_u64 })
        );
    }

    #[test]
    fn escapes_hide_nothing_and_mean_what_they_meant() {
        let body = br#"{"a":"\u0034111\u0020\u0020111111111111","b":"\\u0034111111111111111","c":"\u00e4 \u0037"}"#;
        let cleaned = without(body, &|_| false);
        assert_eq!(cleaned, None, "between two spaces nothing goes on, and behind a backslash it is text");
        let same = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap_or_default();
        assert_eq!(same(&unescaped(body)), same(body));
        for hidden in [
            r#"{"a":"\u0034111111111111111"}"#,
            r#"["4111\u00201111\u002d1111\u002D1111"]"#,
            r#"["card:\u00a04111\u00a01111\u00a01111\u00a01111"]"#,
            r#"["\ud83d\udcb34111111111111111"]"#,
            r#"["\ud83d4111111111111111\ud83d", "4111111111111111"]"#,
        ] {
            let cleaned = without(hidden.as_bytes(), &|_| false).unwrap_or_default();
            assert!(String::from_utf8_lossy(&cleaned).contains(REMOVED), "{hidden}");
        }
        let kept = br#"["\u0022\u005c\n\u000a\u007f\ud800", "\ud83d\udcb3"]"#;
        assert_eq!(unescaped(kept), "[\"\\u0022\\u005c\\n\\u000a\\u007f\\ud800\", \"\u{1f4b3}\"]".as_bytes());
    }

    #[test]
    fn the_digits_of_a_number_are_told_wherever_it_stands() {
        let id = "gid://shop/Customer/4111-1111-1111-1111?of=5555555555554444";
        assert_eq!(digits_in(id).collect::<Vec<_>>(), ["4111111111111111", "5555555555554444"]);
        assert_eq!(digits_in("gid://shop/Customer/7").count(), 0);
    }

    proptest! {
        #[test]
        fn no_bytes_stop_it_and_none_is_left(bytes in proptest::collection::vec(any::<u8>(), 0..60), at in 0usize..60, card in 0usize..12) {
            let mut bytes = bytes;
            let at = at.min(bytes.len());
            bytes.splice(at..at, format!(" {} ", CARDS[card]).into_bytes());
            let left = without(&bytes, &|_| false).unwrap_or(bytes);
            prop_assert!(find(&left).is_empty());
            prop_assert!(!left.windows(CARDS[card].len()).any(|window| window == CARDS[card].as_bytes()));
        }
    }
}
