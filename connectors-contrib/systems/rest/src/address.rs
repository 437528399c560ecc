//! Addresses: the base, a path with what stands in its braces, and parameters.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// What may stand in a path as it is (RFC 3986, 2.3).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// `path` with `value` in the place of `{name}`. `None` for what can be no part of a path: nothing, and the dots that lead
/// elsewhere, however they are written.
pub(crate) fn filled(path: &str, name: &str, value: &str) -> Option<String> {
    if matches!(value, "" | "." | "..") {
        return None;
    }
    Some(path.replace(&format!("{{{name}}}"), &utf8_percent_encode(value, PLAIN).to_string()))
}

/// The address of a path behind the base.
pub(crate) fn behind(base: &Url, path: &str) -> Option<Url> {
    Url::parse(&format!("{}{path}", base.as_str().trim_end_matches('/'))).ok().filter(|url| same_host(base, url))
}

/// Whether an address is of the system itself: secrets go nowhere else.
pub(crate) fn same_host(base: &Url, url: &Url) -> bool {
    base.origin() == url.origin()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_within_its_place() {
        let base = Url::parse("https://api.example/v2/").unwrap();
        let cases = [
            ("7", Some("https://api.example/v2/users/7.json")),
            ("a/../b?c#d", Some("https://api.example/v2/users/a%2F..%2Fb%3Fc%23d.json")),
            ("é", Some("https://api.example/v2/users/%C3%A9.json")),
            ("..", None),
            ("", None),
        ];
        for (id, expected) in cases {
            let address = filled("/users/{id}.json", "id", id).and_then(|path| behind(&base, &path));
            assert_eq!(address.as_ref().map(Url::as_str), expected, "{id}");
        }
    }

    #[test]
    fn no_path_leads_to_another_host() {
        let base = Url::parse("https://api.example").unwrap();
        for path in [".evil.example/x", "@evil.example/x", ":81/x"] {
            assert_eq!(behind(&base, path), None, "{path}");
        }
    }
}
