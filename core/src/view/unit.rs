//! One unit, side by side.

use smallvec::SmallVec;

use crate::classify::{Classification, Standing, classify};
use crate::entity::Entity;
use crate::golden::{GoldenCell, Status};
use crate::model::{Unit, UnitKey, UnitShape};
use crate::representation::Representation;
use crate::resolve::origin_of;
use crate::settle::settled;
use crate::sight::{Ground, Shown, shown, sides};
use crate::text::Text;
use crate::value::Field;
use crate::view::action::unit_actions;
use crate::view::confidence::confidence;
use crate::view::write::{Situation, write_view};
use crate::view::{BaseView, FirstSaid, GoldenStatus, Shows, UnitLink, UnitView, When};
use crate::write_access::write_access;

/// Looks at one unit, or one element.
pub(crate) fn unit_view(
    ground: &Ground<'_>,
    entity: &Entity,
    representations: &[Option<&Representation>],
    unit: &Unit,
    key: &UnitKey,
) -> UnitView {
    let golden = entity.golden.get(key);
    let shown = shown(ground, entity, representations, key);
    let oscillates = entity.oscillates(key);
    let classification = classified(ground, entity, unit, key, golden, oscillates, &shown);
    let situation = Situation { ground, entity, unit, key, golden, oscillates, classification: &classification };
    let mut links: Vec<UnitLink> =
        shown.iter().enumerate().map(|(place, shown)| unit_link(&situation, shown, place)).collect();
    compare_ages(&mut links);
    UnitView {
        name: ground.model.unit_name(key),
        members: unit
            .members
            .iter()
            .filter_map(|member| Some(ground.model.attributes.get(usize::from(*member))?.id.clone()))
            .collect(),
        compound: matches!(unit.shape, UnitShape::Group | UnitShape::List | UnitShape::Keyed),
        pii: unit.pii,
        golden: golden.map(|cell| cell.field.clone()).unwrap_or_default(),
        status: status_of(golden),
        verdict: classification.verdict,
        owners: unit.owners.clone(),
        confidence: confidence(entity, unit, key, golden, &shown),
        actions: unit_actions(ground, entity, representations, unit, key),
        links,
    }
}

fn classified(
    ground: &Ground<'_>,
    entity: &Entity,
    unit: &Unit,
    key: &UnitKey,
    golden: Option<&GoldenCell>,
    oscillates: bool,
    shown: &[Shown<'_>],
) -> Classification {
    let waits = golden.is_some_and(|cell| matches!(cell.status, Status::Held(_) | Status::Parked { .. }));
    let golden = golden.filter(|cell| settled(cell)).map(|cell| &cell.field);
    let owned = !unit.owners.is_empty() || unit.derived.is_some();
    let standing = Standing { golden, frozen: oscillates || waits, owned };
    classify(&sides(ground.model, entity, unit, shown, key, golden), standing, unit)
}

fn status_of(golden: Option<&GoldenCell>) -> GoldenStatus {
    match golden.map(|cell| &cell.status) {
        None => GoldenStatus::Unsettled,
        Some(Status::Settled) => GoldenStatus::Settled,
        Some(Status::Held(held)) => {
            GoldenStatus::Held { proposed: held.proposed.clone(), rule: held.rule.clone(), reason: held.reason.clone() }
        }
        Some(Status::Parked { reason }) => GoldenStatus::Parked { reason: reason.clone() },
        Some(Status::Provisional(fallback)) => GoldenStatus::Provisional { shown: fallback.shown.clone() },
    }
}

fn unit_link(situation: &Situation<'_>, shown: &Shown<'_>, place: usize) -> UnitLink {
    let Situation { ground, entity, unit, key, .. } = situation;
    let link = &entity.links[shown.link];
    let seen = shown.field().is_some();
    let base = link.bases.get(key).map(|base| BaseView {
        seen: base.seen.clone(),
        agreed: base.agreed.clone(),
        wrote: base.marks.wrote.is_some(),
    });
    UnitLink {
        link: shown.link,
        shows: match &shown.sight {
            Ok(field) => Shows::Value(field.as_ref().clone()),
            Err(why) => Shows::Hidden(*why),
        },
        state: situation.classification.states[place],
        since: seen.then(|| When::of(shown.since(), (ground.domain)(&link.record))),
        first_said: seen.then(|| FirstSaid::of(ground, &origin_of(entity, unit, key, shown))),
        older_by_ms: None,
        base,
        authority: shown.authority,
        access: write_access(ground.model, entity, shown, key).into(),
        write: write_view(situation, shown, place),
    }
}

/// Measures every value against the latest said of the same kind of instant.
fn compare_ages(links: &mut [UnitLink]) {
    let instants: SmallVec<[_; 4]> = links
        .iter()
        .map(|link| match (&link.shows, &link.first_said) {
            // Having no value is not said afresh: it makes nobody else's value old.
            (Shows::Value(field), Some(said)) if field.is_value() => said.when.instant(),
            _ => None,
        })
        .collect();
    for (link, own) in links.iter_mut().zip(&instants) {
        link.older_by_ms = own.and_then(|(at, kind)| {
            let latest = instants.iter().flatten().filter(|(_, other)| *other == kind).map(|(at, _)| at).max()?;
            Some((*latest - at).num_milliseconds())
        });
    }
}

/// A value as people read it: the members of a compound one after the other.
pub(crate) fn words(field: &Field, compound: bool) -> Text {
    let members = field.as_value().filter(|_| compound).and_then(|text| serde_json::from_str(text).ok());
    let Some(members) = members else { return field.to_string().into() };
    let members: Vec<Option<Text>> = members;
    let shown: Vec<&str> = members.iter().map(|member| member.as_deref().unwrap_or("-")).collect();
    shown.join(", ").into()
}
