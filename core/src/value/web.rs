//! Web addresses and domains.

use url::{Host, Url};

use crate::value::text_newtype::text_newtype;
use crate::value::{Hints, Malformed};

text_newtype! {
    /// A web address (WHATWG URL, the crate `url`).
    ///
    /// **Canonical form:** the URL as serialised by the standard: scheme and host in lower case, default ports dropped,
    /// international hosts in Punycode. A text without scheme is read as `https`.
    WebUrl, "url", read_url
}

text_newtype! {
    /// A domain name.
    ///
    /// **Canonical form:** lower case, Punycode, without a trailing dot or a leading `www.`. A whole URL gives its host.
    Domain, "domain", read_domain
}

fn parse(text: &str) -> Result<Url, Malformed> {
    const NOT_A_URL: Malformed = Malformed::new("not a web address");
    let url = match Url::parse(text) {
        Ok(url) if url.has_host() => Ok(url),
        // `acme.test:8080` parses as a scheme; `acme.test` does not parse.
        _ => Url::parse(&format!("https://{text}")).map_err(|_| NOT_A_URL),
    }?;
    if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(NOT_A_URL) }
}

fn read_url(text: &str, _: &Hints, out: &mut String) -> Result<(), Malformed> {
    out.push_str(parse(text)?.as_str());
    Ok(())
}

fn read_domain(text: &str, _: &Hints, out: &mut String) -> Result<(), Malformed> {
    const NOT_A_DOMAIN: Malformed = Malformed::new("not a domain");
    let url = parse(text).map_err(|_| NOT_A_DOMAIN)?;
    let Some(Host::Domain(domain)) = url.host() else { return Err(NOT_A_DOMAIN) };
    let domain = domain.trim_end_matches('.');
    let domain = domain.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(domain);
    if !domain.contains('.') || domain.split('.').any(str::is_empty) {
        return Err(NOT_A_DOMAIN);
    }
    out.push_str(domain);
    Ok(())
}
