//! Phone numbers: the national significant number, which is what all ways to write one share.

/// Writes the national significant number. `country` is the record's, as [`super::country`] writes it.
pub fn phone(text: &str, country: &str, out: &mut String) {
    out.clear();
    let text = super::cut(text, 64).trim();
    // An extension is no part of the number.
    let text = text.split(['x', 'X', ';', '/', ',']).next().unwrap_or_default();
    let abroad = text.starts_with('+') || text.starts_with("00");
    out.extend(text.chars().filter(char::is_ascii_digit));
    let without = |out: &mut String, digits: usize| {
        out.drain(..digits);
    };
    if abroad {
        if text.starts_with("00") {
            without(out, 2);
        }
        let own = dial(country).filter(|dial| out.starts_with(dial));
        let any =
            || (1..=3).find_map(|digits| DIALS.iter().find(|(_, dial)| dial.len() == digits && out.starts_with(dial)));
        if let Some(dial) = own.or_else(|| any().map(|(_, dial)| *dial)) {
            without(out, dial.len());
        }
    } else if out.len() == 11 && out.starts_with('1') && matches!(country, "us" | "ca" | "") {
        without(out, 1);
    }
    let zeros = out.bytes().take_while(|digit| *digit == b'0').count();
    without(out, zeros);
    if out.len() < 5 {
        out.clear();
    }
}

fn dial(country: &str) -> Option<&'static str> {
    DIALS.iter().find(|(of, _)| *of == country).map(|(_, dial)| *dial)
}

const DIALS: [(&str, &str); 62] = [
    ("us", "1"),
    ("ca", "1"),
    ("ru", "7"),
    ("eg", "20"),
    ("za", "27"),
    ("gr", "30"),
    ("nl", "31"),
    ("be", "32"),
    ("fr", "33"),
    ("es", "34"),
    ("hu", "36"),
    ("it", "39"),
    ("ro", "40"),
    ("ch", "41"),
    ("at", "43"),
    ("gb", "44"),
    ("dk", "45"),
    ("se", "46"),
    ("no", "47"),
    ("pl", "48"),
    ("de", "49"),
    ("pe", "51"),
    ("mx", "52"),
    ("ar", "54"),
    ("br", "55"),
    ("cl", "56"),
    ("co", "57"),
    ("my", "60"),
    ("au", "61"),
    ("id", "62"),
    ("ph", "63"),
    ("nz", "64"),
    ("sg", "65"),
    ("th", "66"),
    ("jp", "81"),
    ("kr", "82"),
    ("vn", "84"),
    ("cn", "86"),
    ("tr", "90"),
    ("in", "91"),
    ("pk", "92"),
    ("ma", "212"),
    ("ng", "234"),
    ("ke", "254"),
    ("pt", "351"),
    ("lu", "352"),
    ("ie", "353"),
    ("is", "354"),
    ("fi", "358"),
    ("bg", "359"),
    ("lt", "370"),
    ("lv", "371"),
    ("ee", "372"),
    ("ua", "380"),
    ("hr", "385"),
    ("si", "386"),
    ("cz", "420"),
    ("sk", "421"),
    ("hk", "852"),
    ("tw", "886"),
    ("ae", "971"),
    ("il", "972"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_one_form() {
        let mut out = String::new();
        for (text, country, expected) in [
            ("+44 20 7946 0958", "gb", "2079460958"),
            ("020 7946 0958", "gb", "2079460958"),
            ("0044 20 7946 0958", "", "2079460958"),
            ("(212) 555-0100", "us", "2125550100"),
            ("+1 212 555 0100 x12", "us", "2125550100"),
            ("1-212-555-0100", "us", "2125550100"),
            ("+353 1 234 5678", "", "12345678"),
            ("none", "us", ""),
            ("", "", ""),
            ("000", "", ""),
        ] {
            phone(text, country, &mut out);
            assert_eq!(out, expected, "{text}");
        }
    }
}
