//! Dates, as eight digits.

/// Writes a date: year, month, day. What cannot be read as one stays as its digits.
pub fn date(text: &str, out: &mut String) {
    out.clear();
    let text = super::cut(text.trim(), 32);
    let text = text.split(['T', ' ']).next().unwrap_or_default();
    let parts: smallvec::SmallVec<[&str; 4]> = text.split(['-', '/', '.']).collect();
    match *parts.as_slice() {
        [year, month, day] if year.len() == 4 => write(out, year, month, day),
        // Where the second part can be no month, the first is; else days come first, as nearly everywhere.
        [month, day, year] if year.len() == 4 && day.parse::<u8>().is_ok_and(|day| day > 12) => {
            write(out, year, month, day);
        }
        [day, month, year] if year.len() == 4 => write(out, year, month, day),
        _ => {}
    }
    if out.is_empty() {
        out.extend(text.chars().filter(char::is_ascii_digit));
    }
}

fn write(out: &mut String, year: &str, month: &str, day: &str) {
    if [year, month, day].iter().all(|part| !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit())) {
        for (part, digits) in [(year, 4), (month, 2), (day, 2)] {
            for _ in part.len()..digits {
                out.push('0');
            }
            out.push_str(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_meet() {
        let mut out = String::new();
        for text in ["1987-03-04", "19870304", "04/03/1987", "4.3.1987", "1987-03-04T10:00:00Z"] {
            date(text, &mut out);
            assert_eq!(out, "19870304", "{text}");
        }
        date("12/31/1999", &mut out);
        assert_eq!(out, "19991231");
        date("unknown", &mut out);
        assert_eq!(out, "");
    }
}
