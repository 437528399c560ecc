//! E-mail addresses.

use email_address::EmailAddress;

use crate::value::text_newtype::text_newtype;
use crate::value::{Hints, Malformed};

text_newtype! {
    /// An e-mail address (RFC 5321, section 4.1.2, as the crate `email_address` checks it).
    ///
    /// **Canonical form:** the whole address in lower case. The local part is case-sensitive by the letter of the RFC, and
    /// by no mail system in use; systems of record disagree in case all the time.
    ///
    /// ```
    /// # use accordant::value::Email;
    /// let email: Email = " Ana@Acme.Test ".parse()?;
    /// assert_eq!(email.as_str(), "ana@acme.test");
    /// assert!("ana at acme".parse::<Email>().is_err());
    /// # Ok::<(), accordant::value::Malformed>(())
    /// ```
    Email, "email", read
}

fn read(text: &str, _: &Hints, out: &mut String) -> Result<(), Malformed> {
    if !EmailAddress::is_valid(text) {
        return Err(Malformed::new("not an e-mail address"));
    }
    if text.is_ascii() {
        out.extend(text.chars().map(|character| character.to_ascii_lowercase()));
    } else {
        out.push_str(&text.to_lowercase());
    }
    Ok(())
}
