//! Host names: the part that addresses, domains and e-mail addresses share.

use std::borrow::Cow;

/// The longest name that the DNS can hold, as text (RFC 1035, section 2.3.4).
const LONGEST: usize = 253;

/// The ASCII form of a domain name in lower case, its non-ASCII labels encoded (UTS 46); `None` if it is none.
///
/// Two labels at least: nobody can be reached at `localhost`.
pub(super) fn ascii(domain: &str) -> Option<Cow<'_, str>> {
    if is_plain(domain) {
        return Some(Cow::Borrowed(domain));
    }
    // A host in a URL may be percent-encoded, which is no other spelling of a domain. Long names cost time to decode.
    if domain.contains('%') || domain.len() > 4 * LONGEST {
        return None;
    }
    match url::Host::parse(domain).ok()? {
        url::Host::Domain(ascii) if is_name(&ascii) => Some(Cow::Owned(ascii)),
        url::Host::Domain(_) | url::Host::Ipv4(_) | url::Host::Ipv6(_) => None,
    }
}

/// Whether a domain is in normal form for certain: an encoded label would have to be decoded to know.
fn is_plain(domain: &str) -> bool {
    let last = domain.rsplit('.').next().unwrap_or_default();
    is_name(domain) && last.bytes().all(|byte| byte.is_ascii_lowercase()) && !domain.contains("xn--")
}

/// Letters, digits and hyphens in lower case, in two labels at least, the last one not a number (RFC 1123, section 2.1).
fn is_name(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    domain.len() <= LONGEST
        && domain.contains('.')
        && domain.split('.').all(label)
        && !domain.rsplit('.').next().is_some_and(number)
}
