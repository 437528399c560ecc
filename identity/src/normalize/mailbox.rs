//! E-mail addresses, websites, and whose domain is its owner's.

use super::cut;
use crate::similarity::within_edits;

/// Writes an address: lower case, without what stands behind a plus. False where it is none.
pub fn mailbox(text: &str, out: &mut String) -> bool {
    out.clear();
    let text = cut(text.trim(), super::LONGEST);
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    lower(text, out);
    if !out.bytes().all(|byte| byte.is_ascii_graphic()) {
        out.retain(|letter| !letter.is_whitespace());
    }
    let Some(mut at) = last_at(out) else { return false };
    if let Some(plus) = out.bytes().take(at).position(|byte| byte == b'+').filter(|plus| *plus > 0) {
        out.replace_range(plus..at, "");
        at = plus;
    }
    at > 0 && at + 1 < out.len()
}

/// Where the domain of an address begins, the `@` before it.
fn last_at(mailbox: &str) -> Option<usize> {
    mailbox.bytes().rposition(|byte| byte == b'@')
}

/// Appends a text in lower case. Nearly all are in ASCII.
fn lower(text: &str, out: &mut String) {
    if text.is_ascii() {
        out.push_str(text);
        out.make_ascii_lowercase();
    } else {
        out.extend(text.chars().flat_map(char::to_lowercase));
    }
}

/// Writes the domain of a website.
pub fn website(text: &str, out: &mut String) {
    out.clear();
    let text = cut(text.trim(), super::LONGEST);
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split(['/', '?', '#', ':', ' ']).next().unwrap_or_default();
    lower(text, out);
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
    let domain = &mailbox[last_at(mailbox)? + 1..];
    let slip = |free: &&str| within_edits(free.as_bytes(), domain.as_bytes(), 1);
    (FREE.binary_search(&domain).is_err() && !MOST_USED.iter().any(slip)).then_some(domain)
}

/// Of these a slip of the pen is still one of them: nobody else owns `gmil.com`.
const MOST_USED: [&str; 10] = [
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
];

/// Where everybody has a mailbox, sorted.
const FREE: [&str; 58] = [
    "163.com",
    "aol.com",
    "att.net",
    "btinternet.com",
    "comcast.net",
    "free.fr",
    "freenet.de",
    "gmail.com",
    "gmx.at",
    "gmx.ch",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.co.uk",
    "hotmail.com",
    "hotmail.de",
    "hotmail.fr",
    "hotmail.it",
    "icloud.com",
    "kpnmail.nl",
    "laposte.net",
    "libero.it",
    "live.co.uk",
    "live.com",
    "live.fr",
    "live.nl",
    "mac.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "ntlworld.com",
    "orange.fr",
    "outlook.com",
    "outlook.de",
    "outlook.fr",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "sfr.fr",
    "sky.com",
    "t-online.de",
    "verizon.net",
    "virginmedia.com",
    "wanadoo.fr",
    "web.de",
    "yahoo.ca",
    "yahoo.co.jp",
    "yahoo.co.uk",
    "yahoo.com",
    "yahoo.com.br",
    "yahoo.de",
    "yahoo.es",
    "yahoo.fr",
    "yahoo.it",
    "yandex.ru",
    "ymail.com",
    "ziggo.nl",
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
    fn free_domains_are_found() {
        assert!(FREE.is_sorted());
        for free in MOST_USED {
            assert!(FREE.contains(&free), "{free}");
            assert_eq!(corporate_domain(&format!("anna@x{free}")), None, "{free}");
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
