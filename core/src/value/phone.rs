//! Phone numbers.

use std::str::FromStr;

use phonenumber::country::Id;

use crate::value::text_newtype::text_newtype;
use crate::value::{Hints, Malformed};

text_newtype! {
    /// A phone number, by libphonenumber's metadata (the crate `phonenumber`).
    ///
    /// **Canonical form:** E.164 (`+15550100123`); an extension follows behind `;ext=` (RFC 3966). A number without `+` is
    /// read in the mapping's `region`; without a region it is refused, because nobody could tell whose it is.
    ///
    /// ```
    /// # use accordant::value::Phone;
    /// let phone: Phone = "+1 (202) 555-0123".parse()?;
    /// assert_eq!(phone.as_str(), "+12025550123");
    /// # Ok::<(), accordant::value::Malformed>(())
    /// ```
    Phone, "phone", read
}

/// Longer texts are no phone numbers, and not worth a regular expression's time.
const LONGEST: usize = 64;

fn read(text: &str, hints: &Hints, out: &mut String) -> Result<(), Malformed> {
    const NOT_A_PHONE: Malformed = Malformed::new("not a phone number");
    if text.len() > LONGEST || !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return Err(NOT_A_PHONE);
    }
    // Already canonical: what we wrote ourselves, and most of what a system of record sends.
    if let Some(digits) = text.strip_prefix('+')
        && (8..=15).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0')
    {
        out.push_str(text);
        return Ok(());
    }
    let region = hints.region.as_deref().map(Id::from_str).transpose();
    let region = region.map_err(|_| Malformed::new("the mapping's region is not an ISO 3166 code"))?;
    if region.is_none() && !text.starts_with('+') {
        return Err(Malformed::new("a national phone number, and the mapping states no region"));
    }
    let number = phonenumber::parse(region, text).map_err(|_| NOT_A_PHONE)?;
    let formatted = number.format().mode(phonenumber::Mode::E164).to_string();
    out.push_str(formatted.split(|c: char| c != '+' && !c.is_ascii_digit()).next().unwrap_or(&formatted));
    if let Some(extension) = number.extension() {
        out.push_str(";ext=");
        out.push_str(extension.as_ref());
    }
    Ok(())
}
