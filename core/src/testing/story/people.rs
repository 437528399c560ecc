//! What people do in a story: decide, enter, link.

use futures::executor::block_on;

use crate::decision::Lifetime;
use crate::id::{Actor, Id};
use crate::model::{Attribute, Canonical};
use crate::settle::{Choice, Ruling};
use crate::testing::Story;
use crate::value::Value;

impl Story {
    /// A person decides, until a system says something that was not on the table.
    #[must_use]
    #[track_caller]
    pub fn decides<E: Canonical, T>(self, who: &str, attribute: Attribute<E, T>, choice: Choice) -> Self {
        self.decides_for(who, attribute, choice, Lifetime::default())
    }

    /// A person decides for as long as they say.
    #[must_use]
    #[track_caller]
    pub fn decides_for<E: Canonical, T>(
        mut self,
        who: &str,
        attribute: Attribute<E, T>,
        choice: Choice,
        lifetime: Lifetime,
    ) -> Self {
        let unit = self.unit_of(attribute);
        let id = self.entity_of::<E>().id;
        self.note(format!("{who} decides on {unit}: {choice:?} ({lifetime:?})"));
        let ruling = Ruling { choice, lifetime, by: Actor::new(who), reason: "the story says so".to_owned() };
        let ruled = block_on(self.tenant().rule(id, &unit, ruling));
        self.check("decide", ruled);
        self.settle()
    }

    /// A person decides whether the entity exists.
    #[must_use]
    #[track_caller]
    pub fn decides_presence<E: Canonical>(mut self, who: &str, choice: Choice) -> Self {
        let id = self.entity_of::<E>().id;
        self.note(format!("{who} decides on presence: {choice:?}"));
        let ruled = block_on(self.tenant().decide_presence(Id::<E>::new(id), choice, &Actor::new(who), "the story"));
        self.check("decide", ruled);
        self.settle()
    }

    /// An operator enters a value of the hub's own, or clears it.
    #[must_use]
    #[track_caller]
    pub fn enters<E: Canonical, T: Value>(
        mut self,
        who: &str,
        attribute: Attribute<E, T>,
        value: impl Into<Option<T>>,
    ) -> Self {
        let id = self.entity_of::<E>().id;
        let value = value.into();
        self.note(format!("{who} enters {}: {value:?}", attribute.id()));
        let entered = block_on(self.tenant().enter(Id::<E>::new(id), attribute, value, &Actor::new(who)));
        self.check("enter a value", entered);
        self.settle()
    }

    /// A person says that a record belongs to the entity of another record.
    #[must_use]
    #[track_caller]
    pub fn links(mut self, who: &str, (key, id): (&str, &str), (to_key, to_id): (&str, &str)) -> Self {
        let record = self.record(key, id);
        let to = self.record(to_key, to_id);
        let Some(entity) = self.entity_with(&to) else { self.fail(&format!("{to} belongs to no entity")) };
        self.note(format!("{who} links {record} to the entity of {to}"));
        let linked = block_on(self.tenant().link(entity.id, &record, &Actor::new(who)));
        self.check("link", linked);
        self.speak_of(record);
        self.settle()
    }
}
