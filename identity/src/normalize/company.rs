//! Names of companies: without the legal form, common words in one spelling.

use super::fold_onto;

/// Writes the name of a company.
pub fn company(text: &str, out: &mut String) {
    let mut folded = String::new();
    // "B.V." is one word, "Smith & Sons" are three.
    for (place, part) in text.split(['.', '&']).enumerate() {
        let end = part.as_ptr() as usize - text.as_ptr() as usize;
        let and = place > 0 && text.as_bytes().get(end.wrapping_sub(1)) == Some(&b'&');
        fold_onto(if and { " and " } else { "" }, &mut folded);
        fold_onto(part, &mut folded);
    }
    out.clear();
    let mut words: smallvec::SmallVec<[&str; 12]> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    while words.len() > 1 && words.last().is_some_and(|word| LEGAL.contains(word)) {
        words.pop();
    }
    if words.len() > 1 && words.first() == Some(&"the") {
        words.remove(0);
    }
    for word in words {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(SHORT.iter().find(|(short, _)| *short == word).map_or(word, |(_, long)| long));
    }
}

/// Legal forms, as they stand at the end of a name.
const LEGAL: [&str; 42] = [
    "ltd",
    "limited",
    "plc",
    "llp",
    "inc",
    "llc",
    "corp",
    "corporation",
    "incorporated",
    "gmbh",
    "ag",
    "ug",
    "kg",
    "kgaa",
    "co",
    "company",
    "sarl",
    "sas",
    "sa",
    "bv",
    "nv",
    "pty",
    "oy",
    "ab",
    "as",
    "aps",
    "spa",
    "srl",
    "sl",
    "sro",
    "kk",
    "pte",
    "lp",
    "ek",
    "ev",
    "ohg",
    "gbr",
    "mbh",
    "se",
    "lda",
    "and",
    "eurl",
];

const SHORT: [(&str, &str); 24] = [
    ("sol", "solutions"),
    ("tech", "technologies"),
    ("technology", "technologies"),
    ("svcs", "services"),
    ("svc", "services"),
    ("service", "services"),
    ("eng", "engineering"),
    ("intl", "international"),
    ("mfg", "manufacturing"),
    ("bros", "brothers"),
    ("assoc", "associates"),
    ("mgmt", "management"),
    ("grp", "group"),
    ("ind", "industries"),
    ("inds", "industries"),
    ("sys", "systems"),
    ("natl", "national"),
    ("univ", "university"),
    ("dist", "distribution"),
    ("cons", "consulting"),
    ("constr", "construction"),
    ("elec", "electronics"),
    ("labs", "laboratories"),
    ("ctr", "center"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_legal_form_does_not_identify() {
        let mut out = String::new();
        for (text, expected) in [
            ("Kelbravo Foods B.V.", "kelbravo foods"),
            ("KELBRAVO FOODS GmbH & Co. KG", "kelbravo foods"),
            ("Smith & Sons Ltd", "smith and sons"),
            ("Smith and Sons", "smith and sons"),
            ("Acme Sol.", "acme solutions"),
            ("The Limited", "the"),
            ("Inc.", "inc"),
            ("&", "and"),
            ("", ""),
            ("..", ""),
        ] {
            company(text, &mut out);
            assert_eq!(out, expected, "{text}");
        }
    }
}
