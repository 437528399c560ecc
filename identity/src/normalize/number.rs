//! Numbers.

/// Writes a number: digits, sign and point only. What cannot be read as one is nothing.
pub fn number(text: &str, out: &mut String) {
    out.clear();
    let text = super::cut(text.trim(), 48);
    out.extend(text.chars().filter(|letter| letter.is_ascii_digit() || matches!(letter, '.' | '-')));
    match out.parse::<f64>() {
        Ok(number) if number.is_finite() => *out = number.to_string(),
        _ => out.clear(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_one_form() {
        let mut out = String::new();
        for (text, expected) in
            [("12.50", "12.5"), ("EUR 12.5", "12.5"), ("-3", "-3"), ("about 1e999", "1999"), ("none", "")]
        {
            number(text, &mut out);
            assert_eq!(out, expected, "{text}");
        }
    }
}
