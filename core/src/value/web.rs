//! `WebUrl` and `Domain`: addresses on the web.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use url::Url;

use crate::text::Text;
use crate::value::text_form::text_form;
use crate::value::{Hints, Kind, Leaf, Malformed, Native, OneLeaf, Value, host};

/// The address of a web page: `http` or `https`.
///
/// **Canonical form:** that of the WHATWG URL standard: scheme and host in lower case, the host in ASCII, the scheme's
/// own port dropped, `.` and `..` resolved, a path of at least `/`. Query, fragment and a slash at the end stay: they
/// can name another page. A text without `//` is read as `https`, because people write `acme.com`; `http` is not
/// turned into `https`.
///
/// Other schemes, a user name or password, and more than 8192 bytes are refused.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebUrl(Url);

/// The domain name of a site or a company: `acme.com`.
///
/// **Canonical form:** lower case, in ASCII, without the dot at the end and without `www.` in front, which names a server
/// and not the company. A URL is read as the domain of its host. IP addresses and single labels are refused; other
/// subdomains stay, because where one owner ends and the next begins is nothing that a name tells.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(Text);

const NOT_A_URL: Malformed = Malformed::new("not a web address");
const NOT_A_DOMAIN: Malformed = Malformed::new("not a domain name");

/// What browsers and servers agree to carry, give or take.
const LONGEST: usize = 8192;

impl WebUrl {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is none.
    pub fn new(address: &str) -> Result<Self, Malformed> {
        let address = address.trim();
        if address.len() > LONGEST {
            return Err(NOT_A_URL);
        }
        let absolute =
            if address.contains("//") { Cow::Borrowed(address) } else { Cow::Owned(format!("https://{address}")) };
        let url = Url::parse(&absolute).map_err(|_| NOT_A_URL)?;
        let web = matches!(url.scheme(), "http" | "https");
        // A password has no place in a business record, and `mailto:a@b.c` would otherwise be a user at `b.c`.
        let anonymous = url.username().is_empty() && url.password().is_none();
        if web && anonymous && url.has_host() && url.as_str().len() <= LONGEST { Ok(Self(url)) } else { Err(NOT_A_URL) }
    }

    /// The address, in canonical form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host: a domain name in ASCII, or an IP address.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

impl Domain {
    /// Reads a domain name, or that of a URL.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if there is none.
    pub fn new(text: &str) -> Result<Self, Malformed> {
        domain(text).map(|domain| Self(Text::new(&domain)))
    }

    /// The name, in canonical form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The canonical form of a domain; borrowed if it is that already.
pub(crate) fn domain(text: &str) -> Result<Cow<'_, str>, Malformed> {
    let text = text.trim();
    if let Some(Cow::Borrowed(plain)) = host::ascii(text) {
        return Ok(Cow::Borrowed(site(plain)));
    }
    let url = WebUrl::new(text).map_err(|_| NOT_A_DOMAIN)?;
    let name = host::ascii(url.host().trim_end_matches('.')).ok_or(NOT_A_DOMAIN)?;
    Ok(Cow::Owned(site(&name).to_owned()))
}

/// Drops `www.` while a name of two labels is left.
fn site(mut name: &str) -> &str {
    while let Some(rest) = name.strip_prefix("www.").filter(|rest| rest.contains('.')) {
        name = rest;
    }
    name
}

macro_rules! text_like {
    ($type:ty) => {
        impl FromStr for $type {
            type Err = Malformed;
            fn from_str(text: &str) -> Result<Self, Malformed> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl OneLeaf for $type {}
    };
}

text_like!(WebUrl);
text_like!(Domain);
text_form!(WebUrl, "WebUrl", { "type": "string", "format": "uri", "description": "An http or https address" });
text_form!(Domain, "Domain", { "type": "string", "format": "hostname", "description": "A domain name in ASCII" });

impl Value for WebUrl {
    const KIND: Kind = Kind { name: "url", version: 1 };

    fn parse(leaf: Leaf<'_>, _: &Hints) -> Result<Self, Malformed> {
        match leaf {
            Leaf::Text(text) => Self::new(text),
            Leaf::Number(_) | Leaf::Bool(_) | Leaf::Null => Err(NOT_A_URL),
        }
    }

    fn canonical(&self, out: &mut String) {
        out.push_str(self.as_str());
    }

    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        Self::new(text)
    }

    fn native(&self, _: &Hints) -> Native {
        Native::Text(self.as_str().into())
    }
}

impl Value for Domain {
    const KIND: Kind = Kind { name: "domain", version: 1 };

    fn parse(leaf: Leaf<'_>, _: &Hints) -> Result<Self, Malformed> {
        match leaf {
            Leaf::Text(text) => Self::new(text),
            Leaf::Number(_) | Leaf::Bool(_) | Leaf::Null => Err(NOT_A_DOMAIN),
        }
    }

    fn canonical(&self, out: &mut String) {
        out.push_str(&self.0);
    }

    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        Self::new(text)
    }

    fn native(&self, _: &Hints) -> Native {
        Native::Text(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::laws::{canonical, holds};

    #[test]
    fn equal_addresses_have_one_form() {
        for (text, expected) in [
            ("acme.com", "https://acme.com/"),
            (" HTTP://Acme.COM:80 ", "http://acme.com/"),
            ("https://acme.com/a/../b/", "https://acme.com/b/"),
            ("www.acme.com/x?q=1#top", "https://www.acme.com/x?q=1#top"),
            ("//acme.com/x", ""),
            ("https://bücher.test/ä", "https://xn--bcher-kva.test/%C3%A4"),
            ("acme.com:8080/x", "https://acme.com:8080/x"),
        ] {
            let read = canonical::<WebUrl>(Leaf::Text(text), &Hints::default()).unwrap_or_default();
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for text in [
            "",
            "https://",
            "ftp://acme.com",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "mailto:ana@acme.com",
            "ana@acme.com",
            "https://ana:secret@acme.com",
            "not a page",
        ] {
            assert!(WebUrl::new(text).is_err(), "{text}");
        }
        assert!(WebUrl::new(&format!("https://acme.com/{}", "a".repeat(LONGEST))).is_err());
    }

    #[test]
    fn a_domain_is_that_of_its_pages() {
        for text in [
            "acme.com",
            "ACME.com.",
            "www.acme.com",
            "https://www.Acme.com:8443/x?y#z",
            "acme.com/x",
            "www.www.acme.com",
        ] {
            let read = canonical::<Domain>(Leaf::Text(text), &Hints::default());
            assert_eq!(read.as_deref(), Ok("acme.com"), "{text}");
        }
        assert_eq!(Domain::new("www.com").map(|domain| domain.to_string()).as_deref(), Ok("www.com"));
        assert_eq!(Domain::new("Bücher.test").map(|domain| domain.to_string()).as_deref(), Ok("xn--bcher-kva.test"));
        for text in ["", "acme", "127.0.0.1", "http://[::1]/", "ana@acme.com", "acme..com", "a b.com", "acme.1"] {
            assert!(Domain::new(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_domain_in_canonical_form_is_borrowed() {
        assert!(matches!(domain("acme.co.uk"), Ok(Cow::Borrowed("acme.co.uk"))));
    }

    proptest! {
        #[test]
        fn any_text(text in "(https?://)?[a-zA-Z0-9.:@-]{0,20}(/.{0,20})?|(www\\.)?[^/]{1,10}\\.[a-z]{2,3}|.{0,3000}") {
            holds::<WebUrl>(&text, &Hints::default());
            holds::<Domain>(&text, &Hints::default());
        }
    }
}
