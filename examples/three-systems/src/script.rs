//! The script: who the customers are, and what happens to them in a day. A seed decides all of it.

use accordant_sandbox::{Chance, Fault, Scene};

use crate::attribute::{Attribute, STATUS};

/// What the script is drawn from.
const SEED: u64 = 42;

/// Of a hundred values, so many are to be wrong if nobody does anything.
const WRONG_PERCENT: usize = 15;
/// Of a thousand values, so many are edited in two systems in the same minute.
const DISPUTED_PERMILLE: usize = 3;
/// One in so many customers is new, and known to one system only.
const NEW_ONE_IN: usize = 100;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// When people begin to work, behind the beginning of the story.
pub const OPENS: i64 = 2 * HOUR;
/// When they have gone home.
pub const CLOSES: i64 = 10 * HOUR;

const FIRST: [&str; 12] =
    ["Aaron", "Bella", "Carlos", "Dana", "Erik", "Fatima", "George", "Hannah", "Ivan", "Julia", "Kofi", "Laura"];
const LAST: [&str; 10] = ["Adams", "Baker", "Chen", "Diaz", "Evans", "Fischer", "Garcia", "Hughes", "Ito", "Jensen"];
const STREETS: [&str; 6] = ["Maple St", "Oak Ave", "Pine Rd", "Cedar Ln", "Elm St", "Lake Dr"];
const AREAS: [&str; 10] = ["415", "503", "206", "303", "512", "312", "608", "617", "212", "404"];

/// A customer, as every system knows them in the morning.
#[derive(Debug, Clone)]
pub struct Customer {
    /// By this the systems know that they mean the same person.
    pub email: String,
    values: Vec<String>,
}

impl Customer {
    /// What an attribute is in the morning, as HubSpot spells it.
    #[must_use]
    pub fn value(&self, attribute: Attribute) -> &str {
        self.values.get(attribute as usize).map_or("", String::as_str)
    }
}

/// Something that happens.
#[derive(Debug, Clone)]
pub struct Act {
    /// When, in milliseconds behind the beginning of the story.
    pub at: i64,
    /// What.
    pub what: What,
}

/// What happens.
#[derive(Debug, Clone)]
pub enum What {
    /// Somebody edits a customer, by place, in a system.
    Edit {
        /// Which.
        customer: usize,
        /// Of them, what.
        attribute: Attribute,
        /// Where.
        system: &'static str,
        /// The new value, as HubSpot spells it.
        value: String,
    },
    /// Somebody makes a customer in a system.
    New {
        /// Who.
        customer: Customer,
        /// Where.
        system: &'static str,
    },
    /// A fault is switched on or off, or a scene begins or ends.
    Switch(&'static str, bool),
    /// The engine's process ends, or starts anew.
    Process(bool),
}

/// The whole script.
#[derive(Debug, Clone)]
pub struct Script {
    /// The customers of the morning.
    pub customers: Vec<Customer>,
    /// What happens, in its order.
    pub acts: Vec<Act>,
    /// When it is over, in milliseconds behind its beginning.
    pub ends: i64,
}

/// What goes wrong beside the drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Nothing but what people and scripts do: merges, archives, imports, edits of children.
    Fair,
    /// This one fault or scene.
    One(&'static str),
    /// All of it.
    All,
}

impl Weather {
    /// The weather of a name; `None`: there is no such fault. `all` is all of it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if name == "all" {
            return Some(Self::All);
        }
        accordant_sandbox::names().find(|known| *known == name).map(Self::One)
    }

    fn has(self, name: &str) -> bool {
        // Not to be told of what happens is no drift: a zone is, since it drifts by itself.
        let drift = || Scene::ALL.iter().any(|scene| scene.name == name) && name != "zone-change";
        match self {
            Self::Fair => drift(),
            Self::One(one) => one == name,
            Self::All => true,
        }
    }
}

/// Draws values, each of which there is once.
struct Values {
    chance: Chance,
    drawn: usize,
}

impl Values {
    fn of(&mut self, attribute: Attribute) -> String {
        self.drawn += 1;
        let number = self.drawn;
        // A phone number of the North American plan, whichever it is.
        let phone = || format!("+1{}{}{:04}", AREAS[number % 10], 220 + number / 10 % 70, number / 700 % 10_000);
        match attribute {
            Attribute::First => format!("{} {}", FIRST[number % 12], letters(number)),
            Attribute::Last => format!("{} {}", LAST[number % 10], letters(number)),
            Attribute::Phone | Attribute::Mobile => phone(),
            Attribute::Status => STATUS[self.below(3)].0.to_owned(),
            Attribute::Balance => format!("{}.{:02}", 10 + number, 1 + number % 9),
            Attribute::Street => format!("{number} {}", STREETS[number % 6]),
        }
    }

    fn below(&self, below: usize) -> usize {
        usize::try_from(self.chance.below(below as u64)).unwrap_or_default()
    }

    fn customer(&mut self, number: usize) -> Customer {
        let values = Attribute::ALL.into_iter().map(|attribute| self.of(attribute)).collect();
        Customer { email: format!("c{number}@customers.example"), values }
    }
}

/// A number in letters: names with digits are no names.
fn letters(mut number: usize) -> String {
    let mut letters = String::new();
    while number > 0 {
        letters.push(char::from(b'a' + u8::try_from(number % 26).unwrap_or_default()));
        number /= 26;
    }
    letters
}

impl Script {
    /// A day of so many customers in some weather.
    #[must_use]
    pub fn of(customers: usize, weather: Weather) -> Self {
        let mut values = Values { chance: Chance::new(SEED), drawn: 0 };
        let everybody: Vec<Customer> = (0..customers).map(|number| values.customer(number)).collect();
        let mut acts = Vec::new();
        // Each value once, in an order that nobody can guess.
        let mut cells: Vec<(usize, Attribute)> =
            (0..customers).flat_map(|customer| Attribute::ALL.map(|attribute| (customer, attribute))).collect();
        for place in (1..cells.len()).rev() {
            cells.swap(place, values.below(place + 1));
        }
        let all: usize =
            customers * Attribute::ALL.into_iter().map(|attribute| attribute.places().count()).sum::<usize>();
        let (mut wrong, mut disputed) = (0, 0);
        for (customer, attribute) in cells {
            if wrong * 100 >= all * WRONG_PERCENT {
                break;
            }
            let places: Vec<&'static str> = attribute.places().collect();
            let deciding: Vec<&'static str> = attribute.places().filter(|system| attribute.decides(system)).collect();
            let at = OPENS + i64::try_from(values.chance.below((CLOSES - OPENS).unsigned_abs())).unwrap_or_default();
            let mut edit = |at: i64, system: &'static str, values: &mut Values| {
                let now = everybody[customer].value(attribute);
                let value = std::iter::repeat_with(|| values.of(attribute)).find(|value| value != now);
                let value = value.unwrap_or_default();
                acts.push(Act { at, what: What::Edit { customer, attribute, system, value } });
            };
            if deciding.len() > 1 && attribute != Attribute::Status && disputed * 1_000 < all * DISPUTED_PERMILLE {
                // Two people at once: nobody can tell who is right.
                let first = values.below(deciding.len());
                let second = (first + 1 + values.below(deciding.len() - 1)) % deciding.len();
                edit(at, deciding[first], &mut values);
                edit(at + 20_000, deciding[second], &mut values);
                disputed += places.len() - 1;
                wrong += places.len() - 1;
            } else if attribute == Attribute::Balance && values.below(2) == 0 {
                // Not theirs to say.
                edit(at, "hubspot", &mut values);
                wrong += 1;
            } else {
                let system = deciding[values.below(deciding.len())];
                edit(at, system, &mut values);
                wrong += places.len() - 1;
            }
        }
        for number in 0..customers.div_ceil(NEW_ONE_IN) {
            let at = OPENS + i64::try_from(values.chance.below((CLOSES - OPENS).unsigned_abs())).unwrap_or_default();
            let system = crate::attribute::SYSTEMS[number % 3];
            acts.push(Act { at, what: What::New { customer: values.customer(customers + number), system } });
        }
        let over = switches(&mut acts, weather);
        acts.sort_by_key(|act| act.at);
        Self { customers: everybody, acts, ends: over.max(CLOSES) + 2 * HOUR }
    }
}

/// What is switched on and off, and when; when all of it is over.
fn switches(acts: &mut Vec<Act>, weather: Weather) -> i64 {
    let mut spans: Vec<(&'static str, i64, i64)> = Vec::new();
    for fault in Fault::ALL.iter().filter(|fault| weather.has(fault.name)) {
        spans.push(match fault.name {
            "down" => (fault.name, 6 * HOUR, 9 * HOUR),
            // Past what any vendor tries again: the accounts tell, and nobody is there to hear.
            "unreachable" => (fault.name, 7 * HOUR, 37 * HOUR),
            name => (name, OPENS, CLOSES),
        });
    }
    for scene in Scene::ALL.iter().filter(|scene| weather.has(scene.name)) {
        match scene.name {
            "zone-change" => spans.push((scene.name, 4 * HOUR, 7 * HOUR)),
            "archive-restore" => spans.push((scene.name, 4 * HOUR + 15 * MINUTE, 6 * HOUR + 5 * MINUTE)),
            name => {
                // Not in the same minute as an import: what it touched is polled for a while.
                let minute = if name == "child-edit" { 55 } else { 30 };
                for hour in [3, 5, 8] {
                    acts.push(Act { at: hour * HOUR + minute * MINUTE, what: What::Switch(name, true) });
                }
            }
        }
    }
    for (name, from, until) in &spans {
        acts.push(Act { at: *from, what: What::Switch(name, true) });
        acts.push(Act { at: *until, what: What::Switch(name, false) });
        if *name == "unreachable" {
            acts.push(Act { at: *from, what: What::Process(false) });
            acts.push(Act { at: *until, what: What::Process(true) });
        }
    }
    spans.into_iter().map(|(_, _, until)| until).fold(CLOSES, i64::max)
}
