//! What is written differently and means the same, made the same, before anything is compared.
//!
//! Results are plain lower-case letters, digits and single blanks, in ASCII: one byte is one letter. Longer values than
//! [`LONGEST`] are cut: what identifies stands in front.

mod address;
mod company;
mod country;
mod date;
mod mailbox;
mod name;
mod number;
mod phone;

pub use address::{postcode, street};
pub use company::company;
pub use country::country;
pub use date::date;
pub use mailbox::{corporate_domain, mailbox, website};
pub use name::{full_name, given_names_of, name};
pub use number::number;
pub use phone::phone;

/// Values are cut to this many bytes.
pub const LONGEST: usize = 256;

/// Writes `text` folded: lower case, without accents, other scripts in Latin letters, everything else a blank.
pub fn fold(text: &str, out: &mut String) {
    out.clear();
    fold_onto(text, out);
    out.truncate(out.trim_end().len());
}

/// As [`fold`], behind what is there, and with a blank at the end where there was one.
fn fold_onto(text: &str, out: &mut String) {
    let text = cut(text, 4 * LONGEST);
    if text.is_ascii() {
        fold_ascii(text, out);
        return;
    }
    for letter in text.chars() {
        if letter.is_ascii() {
            push(letter as u8, out);
        } else {
            // A letter without a spelling in Latin letters still tells something: its code does.
            match deunicode::deunicode_char(letter) {
                Some(spelled) => spelled.bytes().for_each(|byte| push(byte, out)),
                None => format!("u{:x}", u32::from(letter)).bytes().for_each(|byte| push(byte, out)),
            }
        }
        if out.len() >= LONGEST {
            break;
        }
    }
    out.truncate(LONGEST);
}

/// Nearly all texts are in ASCII: their letters are put side by side first, and are text once.
fn fold_ascii(text: &str, out: &mut String) {
    let mut letters = [0; LONGEST];
    let room = letters.len().saturating_sub(out.len());
    let (mut many, mut blank) = (0, out.is_empty() || out.ends_with(' '));
    for byte in text.bytes() {
        if many == room {
            break;
        }
        match FOLDED[usize::from(byte)] {
            NOTHING => {}
            b' ' if blank => {}
            letter => {
                letters[many] = letter;
                many += 1;
                blank = letter == b' ';
            }
        }
    }
    out.push_str(str::from_utf8(&letters[..many]).unwrap_or_default());
}

/// By byte, what it is folded to.
const FOLDED: [u8; 256] = {
    let mut folded = [b' '; 256];
    let mut byte = 0;
    while byte < 256 {
        if (byte as u8).is_ascii_alphanumeric() {
            folded[byte] = (byte as u8).to_ascii_lowercase();
        }
        byte += 1;
    }
    folded[b'\'' as usize] = NOTHING;
    folded
};
/// No letter, and no blank either.
const NOTHING: u8 = 0;

fn push(byte: u8, out: &mut String) {
    match FOLDED[usize::from(byte)] {
        NOTHING => {}
        b' ' if out.is_empty() || out.ends_with(' ') => {}
        letter => out.push(char::from(letter)),
    }
}

/// The first bytes of a text, cut between letters.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    &text[..end]
}

/// Letters and digits only: for numbers and codes.
pub fn code(text: &str, out: &mut String) {
    fold(text, out);
    out.retain(|letter| letter != ' ');
}

/// Whether a value says that there is none.
#[must_use]
pub fn says_nothing(text: &str) -> bool {
    // Most say something, which is seen by their length.
    if text.len() >= 8 && text.as_bytes()[0].is_ascii_graphic() && text.as_bytes()[7].is_ascii_graphic() {
        return false;
    }
    let text = text.trim();
    let begins = text.as_bytes().first().map(u8::to_ascii_lowercase);
    matches!(begins, None | Some(b'-' | b'.' | b'?' | b'n' | b'u'))
        && ["", "-", "n/a", "na", "none", "null", "nan", "nil", "unknown", "?", ".", "--"]
            .iter()
            .any(|nothing| text.eq_ignore_ascii_case(nothing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_script_folds_to_letters() {
        let mut out = String::new();
        for (text, expected) in [
            ("  Müller-Lüdenscheidt, Straße 5 ", "muller ludenscheidt strasse 5"),
            ("O'Brien", "obrien"),
            ("", ""),
            (" - ", ""),
            ("ÅNGSTRÖM", "angstrom"),
        ] {
            fold(text, &mut out);
            assert_eq!(out, expected, "{text}");
        }
        for text in ["محمد", "שלום", "北京", "Ολυμπία", "\u{202e}abc\u{202c}", "e\u{301}", "🦀"] {
            fold(text, &mut out);
            assert!(!out.is_empty() && out.is_ascii(), "{text}: {out}");
        }
    }

    #[test]
    fn what_says_nothing_is_known_however_it_is_written() {
        for text in
            ["", " ", "-", "--", ".", "?", "N/A", "na", "NaN", "None", " NULL\t", "nil", "Unknown", "\u{a0}n/a "]
        {
            assert!(says_nothing(text), "{text:?}");
        }
        for text in ["0", "nan a", "Nina", "unknowns", "u", "...", "-- none", "not known", "      a      ", "é"] {
            assert!(!says_nothing(text), "{text:?}");
        }
    }

    #[test]
    fn a_huge_value_is_cut() {
        let mut out = String::new();
        fold(&"é".repeat(5_000_000), &mut out);
        assert_eq!(out.len(), LONGEST);
        fold(&"x ".repeat(5_000_000), &mut out);
        assert!(out.len() <= LONGEST);
    }
}
