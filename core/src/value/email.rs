//! `Email`: an e-mail address.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use email_address::EmailAddress;

use crate::text::Text;
use crate::value::text_form::text_form;
use crate::value::{Hints, Kind, Leaf, Malformed, Native, OneLeaf, Value, host};

/// An e-mail address (RFC 5321, RFC 6531) at a domain of two labels at least.
///
/// **Canonical form:** the whole address in lower case, white space around it dropped, the domain in ASCII
/// (`ana@xn--bcher-kva.test`). RFC 5321 lets the part before the `@` distinguish case, but no mail system in use does,
/// and people type `Ana@Acme.test`: keeping the case would make two identities of one. Nothing else is folded: dots and
/// `+tags` mean different mailboxes at most providers.
///
/// Display names (`Ana <ana@acme.test>`), IP addresses behind the `@`, and more than 254 bytes are refused. Whether
/// somebody reads the mail, nobody asks.
///
/// # Example
///
/// ```
/// use accordant::value::Email;
///
/// let email: Email = " Ana.Weber@ACME.test ".parse()?;
/// assert_eq!(email.as_str(), "ana.weber@acme.test");
/// assert_eq!(email.domain(), "acme.test");
/// assert!("ana at acme.test".parse::<Email>().is_err());
/// # Ok::<(), accordant::value::Malformed>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(Text);

/// The longest address that a mail path can hold (RFC 5321, section 4.5.3.1.3, without the brackets).
const LONGEST: usize = 254;

const NOT_AN_EMAIL: Malformed = Malformed::new("not an e-mail address");

impl Email {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is none.
    pub fn new(address: &str) -> Result<Self, Malformed> {
        normal(address).map(|normal| Self(Text::new(&normal)))
    }

    /// The address, in canonical form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the `@`.
    #[must_use]
    pub fn local(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// The part behind the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

/// The canonical form of an address; borrowed if it is that already, as nearly all are.
pub(crate) fn normal(address: &str) -> Result<Cow<'_, str>, Malformed> {
    let address = address.trim();
    // Bounded before anything is allocated. A domain shrinks when it is encoded only if it could not be one.
    if address.len() > 2 * LONGEST {
        return Err(NOT_AN_EMAIL);
    }
    let lower = if address.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
        Cow::Owned(address.to_lowercase())
    } else {
        Cow::Borrowed(address)
    };
    let (local, domain) = lower.rsplit_once('@').ok_or(NOT_AN_EMAIL)?;
    if !is_plain_local(local) && !EmailAddress::is_valid_local_part(local) {
        return Err(NOT_AN_EMAIL);
    }
    let ascii = host::ascii(domain).ok_or(NOT_AN_EMAIL)?;
    if local.len() + 1 + ascii.len() > LONGEST {
        return Err(NOT_AN_EMAIL);
    }
    match ascii {
        Cow::Borrowed(_) => Ok(lower),
        Cow::Owned(ascii) => Ok(Cow::Owned(format!("{local}@{ascii}"))),
    }
}

/// A dot-atom of at most 64 bytes (RFC 5321, sections 4.1.2 and 4.5.3.1.1) without upper case.
fn is_plain_local(local: &str) -> bool {
    let atom = |atom: &str| {
        !atom.is_empty()
            && atom.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
            })
    };
    local.len() <= 64 && local.split('.').all(atom)
}

impl FromStr for Email {
    type Err = Malformed;
    fn from_str(address: &str) -> Result<Self, Malformed> {
        Self::new(address)
    }
}

impl AsRef<str> for Email {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

text_form!(Email, "Email", { "type": "string", "format": "email", "description": "An e-mail address" });

impl Value for Email {
    const KIND: Kind = Kind { name: "email", version: 1 };

    fn parse(leaf: Leaf<'_>, _: &Hints) -> Result<Self, Malformed> {
        match leaf {
            Leaf::Text(address) => Self::new(address),
            Leaf::Number(_) | Leaf::Bool(_) | Leaf::Null => Err(NOT_AN_EMAIL),
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

    fn canonical_of(leaf: Leaf<'_>, _: &Hints, out: &mut String) -> Result<(), Malformed> {
        match leaf {
            Leaf::Text(address) => out.push_str(&normal(address)?),
            Leaf::Number(_) | Leaf::Bool(_) | Leaf::Null => return Err(NOT_AN_EMAIL),
        }
        Ok(())
    }
}

impl OneLeaf for Email {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::laws::{canonical, holds};

    #[test]
    fn equal_addresses_have_one_form() {
        for (text, expected) in [
            ("ana@acme.test", "ana@acme.test"),
            ("\tAna.Weber+News@Acme.TEST\n", "ana.weber+news@acme.test"),
            ("ana@BÜCHER.test", "ana@xn--bcher-kva.test"),
            ("jörg@acme.test", "jörg@acme.test"),
            ("\"a b\"@acme.test", "\"a b\"@acme.test"),
            ("o'brien@mail.acme.co.uk", "o'brien@mail.acme.co.uk"),
            ("a@b-c.x1", "a@b-c.x1"),
        ] {
            assert_eq!(canonical::<Email>(Leaf::Text(text), &Hints::default()).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "@",
            "ana",
            "ana@",
            "@acme.test",
            "ana@acme",
            "ana@localhost",
            "ana@127.0.0.1",
            "ana@[127.0.0.1]",
            "ana@acme.123",
            "Ana Weber <ana@acme.test>",
            "ana@b@acme.test",
            "a..b@acme.test",
            ".a@acme.test",
            "ana @acme.test",
            "ana@ac me.test",
            "ana@acme.test.",
            "ana@-acme.test",
            "ana@acme_inc.test",
            "ana@acme%2etest",
            "ana@acme.test, bob@acme.test",
        ] {
            assert!(Email::new(text).is_err(), "{text}");
        }
        assert!(Email::new(&format!("{}@acme.test", "a".repeat(65))).is_err());
        assert!(Email::new(&format!("a@{}test", "acme.".repeat(60))).is_err());
        assert!(Email::parse(Leaf::Number("1"), &Hints::default()).is_err());
    }

    #[test]
    fn an_address_in_canonical_form_is_borrowed() {
        assert!(matches!(normal("ana.weber@acme.test"), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn json_goes_through_the_parser() {
        assert_eq!(serde_json::from_str::<Email>(r#""Ana@acme.test""#).ok(), Email::new("ana@acme.test").ok());
        assert!(serde_json::from_str::<Email>(r#""ana""#).is_err());
    }

    proptest! {
        #[test]
        fn any_text(text in "[^@]{0,12}@[^@]{0,12}\\.[a-zA-Z]{1,4}|[a-zA-Z0-9.+\"' -]{1,8}@[a-zA-Z0-9.-]{1,12}|.{0,3000}") {
            holds::<Email>(&text, &Hints::default());
        }

        #[test]
        fn the_short_way_admits_only_what_the_standard_does(local in "[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,70}") {
            if is_plain_local(&local) {
                prop_assert!(EmailAddress::is_valid_local_part(&local));
            }
        }
    }
}
