//! Domain names.

use super::Invalid;

/// Labels of letters, digits and hyphens (RFC 1123), below a suffix of the public list (publicsuffix.org).
pub(super) fn check(text: &str) -> Result<(), Invalid> {
    for label in text.split('.') {
        if !label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(Invalid::Character);
        }
        if label.is_empty() || label.starts_with('-') || label.ends_with('-') {
            return Err(Invalid::Form);
        }
        if label.len() > 63 {
            return Err(Invalid::TooLong);
        }
    }
    if !text.contains('.') {
        return Err(Invalid::Form);
    }
    // The list is in lower case.
    let name = text.to_ascii_lowercase();
    let suffix = psl::suffix(name.as_bytes()).filter(psl::Suffix::is_known).ok_or(Invalid::Unknown)?;
    let private = suffix.typ() == Some(psl::Type::Private);
    if private || psl::domain(name.as_bytes()).is_some() { Ok(()) } else { Err(Invalid::Form) }
}
