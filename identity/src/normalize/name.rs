//! Names of persons, and which given names are short for which.

use std::sync::OnceLock;

use hashbrown::HashMap;

use super::fold;

/// Writes a given name or surname: its words in one, as people do not agree on blanks and hyphens.
pub fn name(text: &str, out: &mut String) {
    fold(text, out);
    while let Some((title, rest)) = out.split_once(' ') {
        if !TITLES.contains(&title) {
            break;
        }
        *out = rest.to_owned();
    }
    out.retain(|letter| letter != ' ');
}

const TITLES: [&str; 10] = ["mr", "mrs", "ms", "dr", "prof", "herr", "frau", "mme", "sir", "miss"];

/// Writes given name and surname of a whole name, which may stand behind a comma.
pub fn full_name(text: &str, given: &mut String, surname: &mut String) {
    given.clear();
    surname.clear();
    if let Some((last, first)) = text.split_once(',') {
        name(last, surname);
        name(first, given);
        return;
    }
    let mut folded = String::new();
    fold(text, &mut folded);
    let mut words = folded.split(' ').filter(|word| !TITLES.contains(word));
    given.push_str(words.next().unwrap_or_default());
    words.for_each(|word| surname.push_str(word));
    if surname.is_empty() {
        std::mem::swap(given, surname);
    }
}

/// The numbers of the given names that a name is, or is short for; 0 where there are fewer than four.
#[must_use]
pub fn given_names_of(name: &[u8]) -> [u16; 4] {
    static NUMBERS: OnceLock<HashMap<&[u8], [u16; 4]>> = OnceLock::new();
    let numbers = NUMBERS.get_or_init(|| {
        let mut numbers: HashMap<&[u8], [u16; 4]> = HashMap::new();
        for (number, line) in (1..).zip(SHORT.lines()) {
            for short in line.split(' ') {
                let of = numbers.entry(short.as_bytes()).or_default();
                if let Some(place) = of.iter_mut().find(|place| **place == 0) {
                    *place = number;
                }
            }
        }
        numbers
    });
    numbers.get(name).copied().unwrap_or_default()
}

/// Each line: a given name, and what it is shortened to.
const SHORT: &str = "\
james jim jimmy jamie
john jack johnny jon
robert bob rob bobby robbie bert
michael mike mick mickey mikey
william bill will billy willy liam
david dave davy
richard rick dick rich richie
joseph joe joey
thomas tom tommy
charles charlie chuck chas
christopher chris topher kit
daniel dan danny
matthew matt matty
anthony tony ant
mark marc
donald don donny
steven steve stephen stevie
stephen steve steven stevie
paul paulie
andrew andy drew
joshua josh
kenneth ken kenny
brian bryan
george georgie
edward ed eddie ted teddy ned
ronald ron ronnie
timothy tim timmy
jason jay
jeffrey jeff geoffrey geoff
gary gaz
nicholas nick nicky nicolas
jonathan jon jonny john
lawrence larry laurie
benjamin ben benny
samuel sam sammy
gregory greg gregor
alexander alex sandy al xander sasha
francis frank fran frankie
franklin frank
patrick pat paddy
raymond ray
dennis denny
gerald jerry gerry
peter pete
philip phil pip phillip
philippe phil
wolfgang wolf
mohammed mo mohamed muhammad mohammad
willem wim
andreas andi andy
johannes hans jan
stefan stef steffen
klaus claus
jan johan
pieter piet peter
cornelis kees
mary molly polly marie maria
patricia pat patty trish tricia
jennifer jen jenny jenn
linda lyn lindy
elizabeth liz beth betty eliza lizzie betsy lisa elisabeth
barbara barb babs
susan sue susie suzy
jessica jess jessie
sarah sally sara
karen kaz
nancy nan
margaret peggy maggie meg marge greta
ashley ash
kimberly kim kimberley
donna don
michelle shelly shell
carol caz
amanda mandy
melissa mel missy
deborah debbie deb debra
stephanie steph
rebecca becky becca
laura laurie
cynthia cindy
dorothy dot dottie
amy aimee
kathleen kathy kath kate katie
angela angie
emma em
brenda bren
pamela pam
nicole nicky nikki
anna annie ann anne
samantha sam
katherine kate kathy katie kathryn catherine cathy kat
catherine cathy kate cath katherine
christine chris tina chrissy
christina chris tina chrissy
helen nell
rachel rach
carolyn carrie caroline carol
janet jan
victoria vicky tori
theodore ted theo
leonard len lenny leo
walter walt wally
harold harry hal
henry harry hank
frederick fred freddie
albert al bert
alfred alf fred
eugene gene
vincent vince vinny
zachary zach zack
nathaniel nate nathan
joanna jo joanne
judith judy jude
teresa terry tess theresa
veronica ronnie
virginia ginny
abigail abby
isabella bella izzy isabel
jacqueline jackie
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_share_a_number() {
        let share = |a: &str, b: &str| {
            let (a, b) = (given_names_of(a.as_bytes()), given_names_of(b.as_bytes()));
            a.iter().any(|number| *number != 0 && b.contains(number))
        };
        assert!(share("bill", "william") && share("liz", "elizabeth") && share("sam", "samantha"));
        assert!(!share("bill", "robert") && !share("zoe", "zoe"));
    }

    #[test]
    fn a_whole_name_has_two_parts() {
        let (mut given, mut surname) = (String::new(), String::new());
        for (text, first, last) in [
            ("Dr. Anna de Vries", "anna", "devries"),
            ("de Vries, Anna", "anna", "devries"),
            ("Prince", "", "prince"),
            ("", "", ""),
        ] {
            full_name(text, &mut given, &mut surname);
            assert_eq!((given.as_str(), surname.as_str()), (first, last), "{text}");
        }
    }
}
