//! Streets and postcodes.

use super::fold;

/// Writes a street with its number: kinds of street shortened, without flat, floor or suite.
pub fn street(number: &str, text: &str, out: &mut String) {
    let mut folded = String::new();
    // What stands behind a comma is where in the house.
    fold(text.split(',').find(|part| !part.trim().is_empty()).unwrap_or_default(), &mut folded);
    out.clear();
    if !number.is_empty() {
        fold(number, out);
    }
    for word in folded.split(' ').filter(|word| !word.is_empty()) {
        if !out.is_empty() && INSIDE.contains(&word) {
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        let start = out.len();
        out.push_str(SHORT.iter().find(|(long, _)| *long == word).map_or(word, |(_, short)| short));
        for long in ["strasse", "straat"] {
            if let Some(stem) = word.strip_suffix(long) {
                out.truncate(start);
                out.push_str(stem);
                out.push_str("str");
            }
        }
    }
}

/// Words behind which stands where in the house.
const INSIDE: [&str; 9] = ["suite", "ste", "unit", "apt", "apartment", "floor", "flat", "room", "etage"];

const SHORT: [(&str, &str); 20] = [
    ("street", "st"),
    ("road", "rd"),
    ("avenue", "ave"),
    ("av", "ave"),
    ("lane", "ln"),
    ("drive", "dr"),
    ("court", "ct"),
    ("place", "pl"),
    ("boulevard", "blvd"),
    ("square", "sq"),
    ("crescent", "cres"),
    ("circuit", "cct"),
    ("terrace", "tce"),
    ("close", "cl"),
    ("highway", "hwy"),
    ("parade", "pde"),
    ("parkway", "pkwy"),
    ("north", "n"),
    ("south", "s"),
    ("saint", "st"),
];

/// Writes a postcode. The four digits behind an American one say which side of the street.
pub fn postcode(text: &str, out: &mut String) {
    let zip = text.split_once('-').filter(|(zip, more)| {
        zip.len() == 5 && more.len() == 4 && zip.bytes().chain(more.bytes()).all(|digit| digit.is_ascii_digit())
    });
    super::code(zip.map_or(text, |(zip, _)| zip), out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streets_meet() {
        let mut out = String::new();
        for (number, text, expected) in [
            ("", "12 Main Street, Suite 300", "12 main st"),
            ("12", "main st", "12 main st"),
            ("", "Pafostr. 55", "pafostr 55"),
            ("", "Pafostraße 55", "pafostr 55"),
            ("", "12 Main Street Unit 4", "12 main st"),
            ("", "", ""),
            ("", ",,", ""),
        ] {
            street(number, text, &mut out);
            assert_eq!(out, expected, "{text}");
        }
        postcode("12345-6789", &mut out);
        assert_eq!(out, "12345");
        postcode("ec1a 1bb", &mut out);
        assert_eq!(out, "ec1a1bb");
    }
}
