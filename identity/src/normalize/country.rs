//! Countries, by their two letters where the spelling is known.

use super::code;

/// Writes a country.
pub fn country(text: &str, out: &mut String) {
    code(text, out);
    if let Some(line) = NAMES.lines().find(|line| line.split(' ').any(|name| name == out)) {
        let letters = line.split(' ').next().unwrap_or_default();
        out.clear();
        out.push_str(letters);
    }
}

/// Each line: the two letters, and other spellings without blanks.
const NAMES: &str = "\
us usa unitedstates unitedstatesofamerica america
gb uk unitedkingdom greatbritain england scotland wales gbr
de germany deutschland deu ger
fr france fra
ca canada can
nl netherlands thenetherlands nederland holland nld
au australia aus
ie ireland eire irl
be belgium belgie belgique bel
at austria osterreich aut
ch switzerland schweiz suisse che
es spain espana esp
it italy italia ita
pt portugal prt
se sweden sverige swe
no norway norge nor
dk denmark danmark dnk
fi finland suomi fin
pl poland polska pol
cz czechia czechrepublic cesko cze
lu luxembourg lux
gr greece hellas grc
hu hungary magyarorszag hun
ro romania rou
jp japan jpn
cn china chn
in india ind
br brazil brasil bra
mx mexico mex
nz newzealand nzl
za southafrica zaf
sg singapore sgp
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_meet() {
        let mut out = String::new();
        for (text, expected) in
            [("U.S.A.", "us"), ("Deutschland", "de"), ("Österreich", "at"), ("Atlantis", "atlantis"), ("", "")]
        {
            country(text, &mut out);
            assert_eq!(out, expected, "{text}");
        }
    }
}
