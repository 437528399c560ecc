//! Whether a write is owed to a link, and why, or why not.

use schemars::JsonSchema;
use serde::Serialize;

use crate::classify::{Classification, Hidden, LinkState};
use crate::decision::Divergence;
use crate::entity::{Entity, HUB_OBJECT};
use crate::golden::{GoldenCell, GoldenLife, Status};
use crate::model::{Cardinality, Unit, UnitKey, WriteTo};
use crate::ownership::Authority;
use crate::plan::{PlanKind, why_write};
use crate::sight::{Ground, Shown};
use crate::spelling::can_spell;
use crate::text::Text;
use crate::write_access::{WriteAccess, write_access};

/// Whether golden is to be written to a link. A plan may still wait for a record that a reference leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "write", content = "reason")]
#[non_exhaustive]
pub enum WriteView {
    /// A plan writes it, for this reason.
    Owed(#[schemars(with = "String")] Text),
    /// A bootstrap plan writes it, for this reason; a regular plan does not.
    AtFirstContact(#[schemars(with = "String")] Text),
    /// No plan writes it, for this reason.
    No(#[schemars(with = "String")] Text),
}

impl WriteView {
    /// Whether a plan writes it.
    #[must_use]
    pub const fn is_owed(&self) -> bool {
        matches!(self, WriteView::Owed(_))
    }

    /// Why, or why not.
    #[must_use]
    pub const fn reason(&self) -> &Text {
        match self {
            WriteView::Owed(reason) | WriteView::AtFirstContact(reason) | WriteView::No(reason) => reason,
        }
    }
}

/// What is known of one unit when its links are looked at.
pub(super) struct Situation<'a> {
    pub(super) ground: &'a Ground<'a>,
    pub(super) entity: &'a Entity,
    pub(super) unit: &'a Unit,
    pub(super) key: &'a UnitKey,
    pub(super) golden: Option<&'a GoldenCell>,
    pub(super) oscillates: bool,
    pub(super) classification: &'a Classification,
}

/// Answers for the link at `place` of what is shown: as planning would.
pub(super) fn write_view(situation: &Situation<'_>, shown: &Shown<'_>, place: usize) -> WriteView {
    let Situation { ground, entity, unit, key, golden, oscillates, classification } = situation;
    let frozen = match golden.map(|cell| &cell.status) {
        None => Some("golden has no value yet"),
        Some(Status::Held(_)) => Some("frozen: a rule holds a change"),
        Some(Status::Parked { .. }) => Some("frozen: it waits for a person"),
        Some(Status::Provisional(_)) => Some("a fallback's value is shown, and never written"),
        Some(Status::Settled) if *oscillates => Some("frozen: systems keep restoring what was overwritten"),
        Some(Status::Settled) if entity.life == GoldenLife::Retired => Some("the entity is retired"),
        Some(Status::Settled) => None,
    };
    if let Some(why) = frozen {
        return WriteView::No(why.into());
    }
    let (Some(golden), Some(field)) = (golden, shown.field()) else {
        let why = match &shown.sight {
            Err(why) => hidden_words(*why),
            Ok(_) => "golden has no value yet",
        };
        return WriteView::No(why.into());
    };
    let access = write_access(ground.model, entity, shown, key);
    let (wanted, held, spelled_otherwise) = match (access, entity.decisions.get(key)) {
        (WriteAccess::ByDecision, Some(decision)) => (&decision.chosen, "it holds what was decided", ""),
        _ => (&golden.field, "it holds the golden value", ", spelled otherwise"),
    };
    if unit.same(field, wanted) {
        let letter = field == wanted || !field.is_value();
        return WriteView::No(format!("{held}{}", if letter { "" } else { spelled_otherwise }).into());
    }
    let object = entity.links[shown.link].object;
    if access != WriteAccess::No
        && let Err(malformed) = can_spell(ground.model, object, key, wanted)
    {
        return WriteView::No(format!("it cannot be spelled there: {malformed}").into());
    }
    let why = |kind| why_write(entity, unit, key, shown, classification, place, access, kind);
    if let Some(reason) = why(PlanKind::Regular) {
        return WriteView::Owed(reason.into());
    }
    if let Some(reason) = why(PlanKind::Bootstrap) {
        return WriteView::AtFirstContact(reason.into());
    }
    WriteView::No(match access {
        WriteAccess::No => no_access(situation, shown),
        WriteAccess::Yes(_) | WriteAccess::ByDecision => match classification.states[place] {
            LinkState::Hidden(why) => hidden_words(why).into(),
            LinkState::NoBase => "it was never in agreement, and contradicts the others: a person must tell".into(),
            LinkState::Moved if shown.authority.decides() => "it moved, and no policy let golden follow".into(),
            LinkState::Moved => "it moved, and its mapping does not enforce golden".into(),
            _ if entity.links[shown.link].divergences.contains_key(key) => {
                entity.links[shown.link].divergences.get(key).map(let_differ).unwrap_or_default().into()
            }
            LinkState::Same if is_weak(access) => "its mapping is weak: it fills what never had a value".into(),
            LinkState::Same => "the system keeps its own form of what was written".into(),
        },
    })
}

fn let_differ(leave: &Divergence) -> String {
    match &leave.approved_by {
        None => "a person let it differ".to_owned(),
        Some(second) => format!("{} let it differ, approved by {second}", leave.by),
    }
}

const fn is_weak(access: WriteAccess) -> bool {
    matches!(access, WriteAccess::Yes(crate::ownership::Strength::Weak))
}

fn no_access(situation: &Situation<'_>, shown: &Shown<'_>) -> Text {
    let link = &situation.entity.links[shown.link];
    if link.object == HUB_OBJECT {
        return "the hub's own record is never written".into();
    }
    let Some(object) = situation.ground.model.objects.get(usize::from(link.object)) else {
        return "the model no longer has its object type".into();
    };
    let unit = situation.key.index().map_or(usize::MAX, usize::from);
    if object.writes.get(unit).is_none_or(Option::is_none) {
        return "its mapping is read-only".into();
    }
    let nobody = matches!(object.declared.cardinality, Cardinality::Many { write: WriteTo::Nobody, .. });
    if nobody {
        return "records of its object type are not written".into();
    }
    if object.authority.get(unit) == Some(&Authority::Owner) {
        return format!("{} owns it: only a person's decision is written there", object.declared.system).into();
    }
    "only the oldest record of its object type that is still there is written".into()
}

/// Why nothing is seen, in words.
pub(crate) const fn hidden_words(why: Hidden) -> &'static str {
    match why {
        Hidden::Unobserved => "not observed",
        Hidden::Denied => "may not be read",
        Hidden::Gone => "the record is gone",
        Hidden::Unresolved => "it names a record that is not linked",
        Hidden::Summand => "it is a part of the sum",
        Hidden::Duplicate => "a second record: only the oldest counts",
    }
}
