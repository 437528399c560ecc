//! Names and texts in statements.

/// A name as SQL reads it, whatever it holds. PostgreSQL has no name with a zero byte, so one is left out rather than sent.
pub(super) fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('\0', "").replace('"', "\"\""))
}

/// A text as SQL reads it, whatever the session's settings are.
pub(super) fn text(text: &str) -> String {
    format!("E'{}'", text.replace('\0', "").replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_quoted_stays_one() {
        assert_eq!(super::name(r#"a"; DROP TABLE b; --"#), r#""a""; DROP TABLE b; --""#);
        assert_eq!(super::text(r"a'; DROP \'"), r"E'a\'; DROP \\\''");
    }
}
