//! Names in statements.

/// A name as SQL reads it, whatever it holds. PostgreSQL has no name with a zero byte, so one is left out rather than sent.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\0', "").replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_name_stays_one_name() {
        let cases = [
            ("id", r#""id""#),
            ("First Name", r#""First Name""#),
            (r#"a"; DROP TABLE b; --"#, r#""a""; DROP TABLE b; --""#),
            ("a\0b", r#""ab""#),
        ];
        for (name, expected) in cases {
            assert_eq!(quoted(name), expected);
        }
    }
}
