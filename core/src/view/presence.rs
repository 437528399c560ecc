//! The presence of an entity as a unit: what golden says of it, and what every record shows.

use smallvec::SmallVec;

use crate::base::Base;
use crate::classify::{Hidden, Side, Sight, Standing, classify};
use crate::entity::{Entity, HUB_OBJECT};
use crate::equivalence::Equivalence;
use crate::golden::GoldenLife;
use crate::model::{EXISTS, OnDelete, UnitKey};
use crate::ownership::Authority;
use crate::plan::why_archive;
use crate::representation::{Life, Representation};
use crate::settle::presence::{decided, to_restore, why_restored};
use crate::sight::Ground;
use crate::value::Field;
use crate::view::action::presence_actions;
use crate::view::write::hidden_words;
use crate::view::{
    AccessView, BaseView, Confidence, GoldenStatus, RestsOn, Shows, UnitLink, UnitView, When, WriteView,
};

/// What the unit `$exists` shows of a record that is there, and golden of an entity that lives.
const PRESENT: &str = "present";
/// What it shows of a record that is gone, and golden of an entity that was retired.
const GONE: &str = "gone";

/// Looks at presence: classified as every other unit is, over records that are there or gone.
pub(crate) fn presence_view(
    ground: &Ground<'_>,
    entity: &Entity,
    representations: &[Option<&Representation>],
) -> UnitView {
    let golden = Field::value(if entity.life == GoldenLife::Retired { GONE } else { PRESENT });
    let places: SmallVec<[usize; 4]> =
        (0..entity.links.len()).filter(|place| entity.links[*place].object != HUB_OBJECT).collect();
    let representation = |place: usize| representations.get(place).copied().flatten();
    let seen: SmallVec<[Result<Field, Hidden>; 4]> = places.iter().map(|place| sight(representation(*place))).collect();
    let bases: SmallVec<[Option<Base>; 4]> =
        places.iter().zip(&seen).map(|(place, seen)| base(entity.links[*place].existed, seen, &golden)).collect();
    let authority = |place: usize| {
        let object = ground.model.objects.get(usize::from(entity.links[place].object));
        object.map_or(Authority::Observer, |object| object.existence)
    };
    let sides: SmallVec<[Side<'_>; 4]> = places
        .iter()
        .zip(&seen)
        .zip(&bases)
        .map(|((place, seen), base)| Side {
            sight: match seen {
                Ok(field) => Sight::Seen(field),
                Err(why) => Sight::Hidden(*why),
            },
            base: base.as_ref(),
            authority: authority(*place),
            // A death that was accepted while golden lives on was accepted by a person, or is by what the model says.
            diverges: !entity.links[*place].existed && !entity.links[*place].to_restore,
            spelled: false,
        })
        .collect();
    let owned = ground.model.objects.iter().any(|object| object.existence == Authority::Owner);
    let standing = Standing { golden: Some(&golden), frozen: false, owned };
    let classification = classify(&sides, standing, &Equivalence::Exact);
    let restored = to_restore(entity, representations);
    let links = places
        .iter()
        .enumerate()
        .map(|(at, place)| {
            let (write, access) =
                write_view(ground, entity, representations, *place, &seen[at], restored.contains(place));
            let link = &entity.links[*place];
            // Since when a record is there is not kept; a death has an instant.
            let gone = seen[at].as_ref() == Ok(&Field::value(GONE));
            let died = representation(*place).filter(|_| gone).and_then(|known| known.existence().last());
            UnitLink {
                link: *place,
                shows: seen[at].clone().map_or_else(Shows::Hidden, Shows::Value),
                state: classification.states[at],
                since: died.map(|at| When::of(at, (ground.domain)(&link.record))),
                first_said: None,
                older_by_ms: None,
                base: bases[at].as_ref().map(|base| BaseView {
                    seen: base.seen.clone(),
                    agreed: base.agreed.clone(),
                    wrote: false,
                }),
                authority: authority(*place),
                access,
                write,
            }
        })
        .collect();
    UnitView {
        name: EXISTS.into(),
        members: Vec::new(),
        compound: false,
        pii: false,
        golden,
        status: GoldenStatus::Settled,
        verdict: classification.verdict,
        owners: ground
            .model
            .objects
            .iter()
            .filter(|object| object.existence == Authority::Owner)
            .map(|object| object.declared.system.clone())
            .collect(),
        confidence: Confidence { rests_on: rests_on(entity, owned), witnesses: 0, voices: 0 },
        actions: presence_actions(ground, entity, representations),
        links,
    }
}

fn rests_on(entity: &Entity, owned: bool) -> RestsOn {
    match (decided(entity), owned) {
        (Some(_), _) => RestsOn::Decision,
        (None, true) => RestsOn::Owner,
        (None, false) => RestsOn::Agreement,
    }
}

/// Whether a record is there, or why that cannot be said of it.
fn sight(representation: Option<&Representation>) -> Result<Field, Hidden> {
    let Some(representation) = representation else { return Err(Hidden::Unobserved) };
    if representation.redirected_to().is_some() {
        return Err(Hidden::Gone);
    }
    match representation.existence().life() {
        Life::Unknown => Err(Hidden::Unobserved),
        Life::Live | Life::Resurrected => Ok(Field::value(PRESENT)),
        Life::Dead(_) => Ok(Field::value(GONE)),
    }
}

/// What was accepted of a record: its presence, or its death.
fn base(existed: bool, seen: &Result<Field, Hidden>, golden: &Field) -> Option<Base> {
    let gone = Field::value(GONE);
    if existed {
        let present = Field::value(PRESENT);
        return Some(Base::accepted(present.clone(), present));
    }
    (seen.as_ref() == Ok(&gone)).then(|| Base::accepted(gone, golden.clone()))
}

/// Whether the record is archived, made again, or left.
fn write_view(
    ground: &Ground<'_>,
    entity: &Entity,
    representations: &[Option<&Representation>],
    place: usize,
    seen: &Result<Field, Hidden>,
    restored: bool,
) -> (WriteView, AccessView) {
    let link = &entity.links[place];
    let object = ground.model.objects.get(usize::from(link.object));
    let archives = object.and_then(|object| why_archive(ground.model, object, entity, representations, link));
    let access = if archives.is_some() || restored { AccessView::Normal } else { AccessView::No };
    let retired = entity.life == GoldenLife::Retired;
    let write = match seen {
        Err(why) => WriteView::No(hidden_words(*why).into()),
        Ok(field) if *field == Field::value(GONE) && retired => WriteView::No("it is gone, as the entity is".into()),
        Ok(_) if restored => WriteView::Owed(why_restored(entity).into()),
        Ok(field) if *field == Field::value(GONE) => WriteView::No("what was deleted is not made again".into()),
        Ok(_) if !retired => WriteView::No("it is there, as the entity is".into()),
        Ok(_) if link.divergences.contains_key(&UnitKey::Exists) => WriteView::No("a person let it stand".into()),
        Ok(_) if let Some(why) = archives => WriteView::Owed(why.into()),
        Ok(_)
            if object
                .is_some_and(|object| object.on_delete == OnDelete::Stand && object.existence != Authority::Owner) =>
        {
            WriteView::No("it stands when the entity is retired, as is declared".into())
        }
        Ok(_) if object.is_some_and(|object| object.on_delete == OnDelete::Hold) => {
            WriteView::No("what becomes of the records of a retired entity is not declared".into())
        }
        Ok(_) if object.is_some_and(|object| object.existence == Authority::Owner) => {
            WriteView::No("its system owns existence".into())
        }
        Ok(_) => WriteView::No("no system that owns existence has deleted the entity".into()),
    };
    (write, access)
}
