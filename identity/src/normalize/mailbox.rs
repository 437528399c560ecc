//! E-mail addresses, websites, and whose domain is its owner's.

use super::cut;
use crate::similarity::within_edits;

/// Writes an address: lower case, without what stands behind a plus. False where it is none.
pub fn mailbox(text: &str, out: &mut String) -> bool {
    out.clear();
    let text = cut(text.trim(), super::LONGEST);
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    out.extend(text.chars().filter(|letter| !letter.is_whitespace()).flat_map(char::to_lowercase));
    let Some(at) = out.rfind('@') else { return false };
    if let Some(plus) = out[..at].find('+').filter(|plus| *plus > 0) {
        out.replace_range(plus..at, "");
    }
    let at = out.rfind('@').unwrap_or_default();
    at > 0 && at + 1 < out.len()
}

/// Writes the domain of a website.
pub fn website(text: &str, out: &mut String) {
    out.clear();
    let text = cut(text.trim(), super::LONGEST);
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split(['/', '?', '#', ':', ' ']).next().unwrap_or_default();
    out.extend(text.chars().flat_map(char::to_lowercase));
    if let Some(rest) = out.strip_prefix("www.") {
        *out = rest.to_owned();
    }
    if !out.contains('.') {
        out.clear();
    }
}

/// The domain of an address, if it is not one where everybody has a mailbox.
#[must_use]
pub fn corporate_domain(mailbox: &str) -> Option<&str> {
    let (_, domain) = mailbox.rsplit_once('@')?;
    let slip = |free: &&str| within_edits(free.as_bytes(), domain.as_bytes(), 1);
    (!FREE.contains(&domain) && !FREE.iter().take(MOST_USED).any(slip)).then_some(domain)
}

/// Of the first so many, a slip of the pen is still one of them: nobody else owns `gmil.com`.
const MOST_USED: usize = 10;

/// Where everybody has a mailbox.
const FREE: [&str; 58] = [
    "gmail.com",
    "googlemail.com",
    "yahoo.com",
    "hotmail.com",
    "outlook.com",
    "icloud.com",
    "gmx.de",
    "web.de",
    "orange.fr",
    "aol.com",
    "live.com",
    "msn.com",
    "me.com",
    "mac.com",
    "gmx.net",
    "gmx.at",
    "gmx.ch",
    "gmx.com",
    "t-online.de",
    "freenet.de",
    "yahoo.co.uk",
    "yahoo.de",
    "yahoo.fr",
    "yahoo.es",
    "yahoo.it",
    "yahoo.ca",
    "yahoo.co.jp",
    "yahoo.com.br",
    "hotmail.co.uk",
    "hotmail.de",
    "hotmail.fr",
    "hotmail.it",
    "live.co.uk",
    "live.fr",
    "live.nl",
    "outlook.de",
    "outlook.fr",
    "wanadoo.fr",
    "free.fr",
    "laposte.net",
    "sfr.fr",
    "btinternet.com",
    "sky.com",
    "virginmedia.com",
    "ntlworld.com",
    "comcast.net",
    "verizon.net",
    "att.net",
    "ymail.com",
    "protonmail.com",
    "proton.me",
    "mail.ru",
    "yandex.ru",
    "qq.com",
    "163.com",
    "ziggo.nl",
    "kpnmail.nl",
    "libero.it",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_way_written() {
        let mut out = String::new();
        assert!(mailbox(" Anna.deVries+shop@Acme.NL ", &mut out));
        assert_eq!((out.as_str(), corporate_domain(&out)), ("anna.devries@acme.nl", Some("acme.nl")));
        assert_eq!(corporate_domain("anna@gmail.com"), None);
        for wrong in ["", "anna", "@acme.nl", "anna@"] {
            assert!(!mailbox(wrong, &mut out), "{wrong}");
        }
    }

    #[test]
    fn a_website_is_its_domain() {
        let mut out = String::new();
        for text in ["https://www.acme.nl/contact?x=1", "ACME.nl", "acme.nl:8080"] {
            website(text, &mut out);
            assert_eq!(out, "acme.nl", "{text}");
        }
        website("none", &mut out);
        assert_eq!(out, "");
    }
}
