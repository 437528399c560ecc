//! What must be true at a point of a story.

use crate::discrepancy::{Discrepancy, DiscrepancyKind, DiscrepancyState};
use crate::entity::Entity;
use crate::golden::{GoldenCell, GoldenLife, Held, Status};
use crate::id::RecordRef;
use crate::model::{Attribute, Canonical, CompiledEntity, UnitKey};
use crate::testing::{Story, entities};
use crate::value::{Field, split_member};

impl Story {
    /// From here on, what is expected is expected of the entity of this record.
    #[must_use]
    #[track_caller]
    pub fn of_record(mut self, key: &str, id: &str) -> Self {
        let record = self.record(key, id);
        self.speak_of(record);
        self
    }

    /// The golden value. Text is read as the attribute's type reads it: `10.50 USD`, `ANA@acme.test`.
    #[must_use]
    #[track_caller]
    pub fn expect<E: Canonical, T>(mut self, attribute: Attribute<E, T>, value: &str) -> Self {
        let golden = self.golden(attribute);
        let model = self.model::<E>();
        let declared = model.attribute_index(attribute.id()).map(|index| &model.attributes[usize::from(index)]);
        let wanted = declared.and_then(|declared| (declared.canonical)(value)).unwrap_or_else(|| value.to_owned());
        if golden.as_value() != Some(&wanted) {
            let what = format!("golden {}\n  expected: {wanted}\n    actual: {golden}", attribute.id());
            let told = self.told(attribute);
            self.fail(&format!("{what}\n\n{told}"));
        }
        self
    }

    /// There is no golden value.
    #[must_use]
    #[track_caller]
    pub fn expect_missing<E: Canonical, T>(mut self, attribute: Attribute<E, T>) -> Self {
        let golden = self.golden(attribute);
        if golden.is_value() {
            self.fail(&format!("golden {}\n  expected: none\n    actual: {golden}", attribute.id()));
        }
        self
    }

    /// The golden elements of a set, or the keys of a keyed collection, ascending.
    #[must_use]
    #[track_caller]
    pub fn expect_elements<E: Canonical, T>(mut self, attribute: Attribute<E, T>, wanted: &[&str]) -> Self {
        let unit = self.model::<E>().unit_index(attribute.id());
        let entity = self.entity_of::<E>();
        let held = |key: &UnitKey, cell: &GoldenCell| match key {
            UnitKey::Element(of, element) if Some(*of) == unit && cell.field.is_value() => Some(element.to_string()),
            _ => None,
        };
        let golden: Vec<String> = entity.golden.iter().filter_map(|(key, cell)| held(&key, cell)).collect();
        if golden != wanted {
            self.fail(&format!("golden {}\n  expected: {wanted:?}\n    actual: {golden:?}", attribute.id()));
        }
        self
    }

    /// The golden value of a unit by name: `lines[SKU-1]`, `address`.
    #[must_use]
    #[track_caller]
    pub fn expect_unit<E: Canonical>(mut self, unit: &str, value: &str) -> Self {
        let key = self.model::<E>().unit_key(unit);
        let entity = self.entity_of::<E>();
        let golden = key.and_then(|key| entity.golden.get(&key)).map(|cell| cell.field.clone()).unwrap_or_default();
        if golden.as_value() != Some(value) {
            self.fail(&format!("golden {unit}\n  expected: {value}\n    actual: {golden}"));
        }
        self
    }

    /// A discrepancy of this kind stands about this unit: an attribute's or group's id, `lines[SKU-1]`, `$exists`.
    #[must_use]
    #[track_caller]
    pub fn expect_discrepancy(mut self, kind: DiscrepancyKind, unit: &str) -> Self {
        let standing = self.standing();
        if !standing.iter().any(|standing| standing.kind == kind && *standing.unit == *unit) {
            let there = listed(&standing);
            self.fail(&format!("discrepancies\n  expected: {} about {unit}\n    actual: {there}", kind.title()));
        }
        self
    }

    /// Nothing waits for a plan or a person, in any entity. What is only noted may stand.
    #[must_use]
    #[track_caller]
    pub fn expect_no_discrepancy(mut self) -> Self {
        let mut standing = self.standing();
        standing.retain(|standing| standing.state != DiscrepancyState::Noted);
        if !standing.is_empty() {
            self.fail(&format!("discrepancies\n  expected: none\n    actual: {}", listed(&standing)));
        }
        self
    }

    /// The plan, line by line; leading blanks do not count.
    #[must_use]
    #[track_caller]
    pub fn expect_plan(mut self, lines: &str) -> Self {
        let plan = self.plan_now(false);
        self.compare_plan(&plan.to_string(), lines);
        self
    }

    /// The plan of first contact.
    #[must_use]
    #[track_caller]
    pub fn expect_bootstrap_plan(mut self, lines: &str) -> Self {
        let plan = self.plan_now(true);
        self.compare_plan(&plan.to_string(), lines);
        self
    }

    /// Nothing would be written.
    #[must_use]
    #[track_caller]
    pub fn expect_quiet(mut self) -> Self {
        let plan = self.plan_now(false);
        if !plan.operations.is_empty() {
            self.fail(&format!("plan\n  expected: nothing to write\n    actual:\n{plan}"));
        }
        self
    }

    /// A rule holds this change of an attribute.
    #[must_use]
    #[track_caller]
    pub fn expect_held<E: Canonical, T>(mut self, attribute: Attribute<E, T>, value: &str) -> Self {
        let (key, member, arity) = self.place(attribute);
        let entity = self.entity_of::<E>();
        let held = match entity.golden.get(&key).map(|cell| &cell.status) {
            Some(Status::Held(held)) => split_member(&held.proposed, arity, member),
            _ => None,
        };
        if held.as_ref().and_then(Field::as_value) != Some(value) {
            let actual = held.map_or_else(|| "nothing is held".to_owned(), |field| field.to_string());
            self.fail(&format!("held change of {}\n  expected: {value}\n    actual: {actual}", attribute.id()));
        }
        self
    }

    /// The entity was retired, or not.
    #[must_use]
    #[track_caller]
    pub fn expect_retired<E: Canonical>(mut self, retired: bool) -> Self {
        let life = self.entity_of::<E>().life;
        if (life == GoldenLife::Retired) != retired {
            self.fail(&format!("the entity\n  expected to be retired: {retired}\n    actual: {life:?}"));
        }
        self
    }

    /// How many entities there are, of all types.
    #[must_use]
    #[track_caller]
    pub fn expect_entities(mut self, count: usize) -> Self {
        let all = entities(&self.tenant());
        if all.len() != count {
            self.fail(&format!("entities\n  expected: {count}\n    actual: {}", all.len()));
        }
        self
    }

    /// What a system holds of a record at a path.
    #[must_use]
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "`json!(..)` is written in place")]
    pub fn expect_in(mut self, key: &str, id: &str, path: &str, value: serde_json::Value) -> Self {
        let record = self.record(key, id);
        let held = self.fake(record.connection.as_str()).record(record.object.as_str(), id);
        let actual = held.as_ref().map(|held| crate::testing::json::get(held, &path.into()));
        if actual != Some(&value) {
            self.fail(&format!("{record} at {path}\n  expected: {value}\n    actual: {actual:?}"));
        }
        self
    }

    /// How many writes a system has carried out so far.
    #[must_use]
    #[track_caller]
    pub fn expect_writes(mut self, system: &str, count: usize) -> Self {
        let written = self.fake(system).written();
        if written.len() != count {
            self.fail(&format!("writes into {system}\n  expected: {count}\n    actual: {written:#?}"));
        }
        self
    }

    /// The id of the entity of this type that was spoken of last.
    #[must_use]
    #[track_caller]
    pub fn entity_id<E: Canonical>(&mut self) -> crate::id::EntityId {
        self.entity_of::<E>().id
    }

    /// The golden field of an attribute.
    #[must_use]
    #[track_caller]
    pub fn golden<E: Canonical, T>(&mut self, attribute: Attribute<E, T>) -> Field {
        let (key, member, arity) = self.place(attribute);
        let entity = self.entity_of::<E>();
        entity.golden.get(&key).and_then(|cell| split_member(&cell.field, arity, member)).unwrap_or_default()
    }

    /// Why an attribute's golden value is what it is.
    #[must_use]
    #[track_caller]
    pub fn explain<E: Canonical, T>(&mut self, attribute: Attribute<E, T>) -> String {
        self.told(attribute)
    }

    #[track_caller]
    fn told<E: Canonical, T>(&mut self, attribute: Attribute<E, T>) -> String {
        let (key, ..) = self.place(attribute);
        let entity = self.entity_of::<E>();
        let Some(cell) = entity.golden.get(&key) else {
            return format!("{}: nobody has said anything", attribute.id());
        };
        let mut text = format!("{} is {} by {}", attribute.id(), cell.field, cell.resolution.policy);
        if let Some(by) = &cell.resolution.by {
            text.push_str(&format!(" of {by}"));
        }
        if let Some(origin) = &cell.origin {
            text.push_str(&format!(", first said by {}", origin.record));
        }
        for (policy, why) in &cell.resolution.passed {
            text.push_str(&format!("\n  {policy} could not tell: {why}"));
        }
        for voice in &cell.resolution.candidates {
            let won = if voice.won { "won" } else { "lost" };
            text.push_str(&format!("\n  {} said {} and {won}", voice.origin.record, voice.field));
        }
        match &cell.status {
            Status::Settled => {}
            Status::Held(held) => {
                let Held { proposed, rule, reason, .. } = &**held;
                text.push_str(&format!("\n  {proposed} is held by \"{rule}\": {reason}"));
            }
            Status::Parked { reason } => text.push_str(&format!("\n  parked: {reason}")),
            Status::Provisional(fallback) => {
                text.push_str(&format!("\n  {} is shown until an owner speaks", fallback.shown));
            }
        }
        text
    }

    /// The entity of this type that was spoken of last; else the only one.
    #[track_caller]
    pub(super) fn entity_of<E: Canonical>(&mut self) -> Entity {
        let tenant = self.tenant();
        let of = tenant.core.model.entity_index(E::ENTITY);
        let mut all = entities(&tenant);
        all.retain(|entity| Some(entity.entity) == of);
        let spoken_of = self.spoken_of.iter().rev();
        let found = spoken_of.flat_map(|record| all.iter().position(|entity| entity.link_of(record).is_some())).next();
        match (found, all.len()) {
            (Some(place), _) => all.swap_remove(place),
            (None, 1) => all.swap_remove(0),
            (None, count) => self.fail(&format!("which {} is meant? There are {count}", E::ENTITY)),
        }
    }

    /// The entity that a record belongs to.
    pub(super) fn entity_with(&mut self, record: &RecordRef) -> Option<Entity> {
        entities(&self.tenant()).into_iter().find(|entity| entity.link_of(record).is_some())
    }

    /// The name of the unit that an attribute belongs to.
    #[track_caller]
    pub(super) fn unit_of<E: Canonical, T>(&mut self, attribute: Attribute<E, T>) -> String {
        let (key, ..) = self.place(attribute);
        self.model::<E>().unit_name(&key).to_string()
    }

    #[track_caller]
    fn place<E: Canonical, T>(&mut self, attribute: Attribute<E, T>) -> (UnitKey, u16, usize) {
        let model = self.model::<E>();
        let Some((unit, member)) = model.unit_of(attribute.id()) else {
            self.fail(&format!("{} has no attribute {}", E::ENTITY, attribute.id()))
        };
        (UnitKey::Whole(unit), member, model.units[usize::from(unit)].members.len())
    }

    #[track_caller]
    fn model<E: Canonical>(&mut self) -> CompiledEntity {
        let tenant = self.tenant();
        let model = &tenant.core.model;
        match model.entity_index(E::ENTITY) {
            Some(index) => model.entity(index).clone(),
            None => self.fail(&format!("the story is not about {}: add `.and::<..>()`", E::ENTITY)),
        }
    }

    fn standing(&mut self) -> Vec<Discrepancy> {
        let all = entities(&self.tenant());
        let standing = all.iter().flat_map(|entity| entity.discrepancies.values());
        standing
            .filter(|standing| standing.state != DiscrepancyState::Resolved)
            .map(|standing| (**standing).clone())
            .collect()
    }

    #[track_caller]
    fn compare_plan(&self, actual: &str, expected: &str) {
        let lines =
            |text: &str| text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
        let (actual, expected): (Vec<String>, Vec<String>) = (lines(actual), lines(expected));
        if actual != expected {
            let (actual, expected) = (actual.join("\n    "), expected.join("\n    "));
            self.fail(&format!("plan\n  expected:\n    {expected}\n  actual:\n    {actual}"));
        }
    }
}

fn listed(standing: &[Discrepancy]) -> String {
    if standing.is_empty() {
        return "none".to_owned();
    }
    let mut text = String::new();
    for Discrepancy { kind, unit, link, state, reason, .. } in standing {
        let link = link.as_deref().map_or_else(String::new, |link| format!(" at {link}"));
        text.push_str(&format!("\n      {} about {unit}{link} ({state:?}): {reason}", kind.title()));
    }
    text
}
