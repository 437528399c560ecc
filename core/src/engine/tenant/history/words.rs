//! Telling: what one journal entry means, in words. Bookkeeping (bases, reactions, presence that was accepted) is left out.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::IgnoredAny;

use crate::decision::{LapseCause, ProposedDecision};
use crate::discrepancy::DiscrepancyState;
use crate::engine::Core;
use crate::engine::case::{CaseRow, Violated, discrepancy_key};
use crate::engine::desk::{CASE_NOTED, CaseNote};
use crate::engine::tenant::cases::{CASE_CHANGED, CASE_GONE, CASE_OPENED};
use crate::engine::tenant::compact::STATE_TOLD;
use crate::engine::tenant::erase::Restated;
use crate::engine::tenant::history::Happening;
use crate::engine::tenant::matching::{ANSWERED, AnswerTold, MATCHED};
use crate::engine::tenant::replay::read;
use crate::entity::{Entity, Evidence};
use crate::error::Error;
use crate::fact::stored::StoredFact;
use crate::golden::{GoldenCell, GoldenLife, Held, Status};
use crate::id::{Actor, RecordRef};
use crate::journal::{Entry, Payload};
use crate::matching::Match;
use crate::observation::stored::StoredObservation;
use crate::observation::{DeathEvidence, Sighting};
use crate::text::Text;
use crate::value::Field;
use crate::view::{choice_words, instant_of, lifetime_words, quoted, words};

/// The kind of what is told where the journal begins: what it was before is not known any more.
pub(super) const BEGINS: &str = "begins";

/// The kinds that may tell any value: what a record said, and what people wrote.
const QUOTES: [&str; 3] = ["observed", CASE_NOTED, ANSWERED];

/// Tells the entries about one entity in their order: what was told before is what the next one starts from.
#[derive(Debug, Clone, Default)]
pub(super) struct Teller {
    /// The entity's type, by index.
    of: Option<u16>,
    /// Golden values so far, by the names of units.
    golden: BTreeMap<Text, Field>,
    /// What each record said so far, by attribute and element.
    said: BTreeMap<String, BTreeMap<(Text, Option<Text>), Field>>,
    /// The cases of rows that were told of.
    cases: BTreeSet<Text>,
}

/// What is told of an entry, without who and when.
struct Told {
    kind: Text,
    unit: Option<Text>,
    case: Option<Text>,
    text: String,
}

impl Told {
    fn new(kind: impl Into<Text>, text: impl Into<String>) -> Self {
        Self { kind: kind.into(), unit: None, case: None, text: text.into() }
    }

    fn of(self, unit: &Text) -> Self {
        Self { unit: Some(unit.clone()), ..self }
    }

    fn about(self, case: Text) -> Self {
        Self { case: Some(case), ..self }
    }
}

impl Teller {
    /// What an entry tells; nothing, if it is bookkeeping. Of what was erased, that it was.
    pub(super) fn tell(
        &mut self,
        core: &Core,
        entry: &Entry,
        payload: Option<&Payload>,
    ) -> Result<Vec<Happening>, Error> {
        let told = match payload {
            Some(payload) => self.told(core, entry, payload)?,
            // It said nothing new when it was told.
            None if *entry.kind == *STATE_TOLD => Vec::new(),
            None => vec![Told::new(entry.kind.clone(), "what was told here was erased")],
        };
        let happening = |told: Told| Happening {
            place: entry.seq,
            at: entry.at,
            by: entry.actor.clone(),
            pii: self.is_personal(core, &told),
            kind: told.kind,
            unit: told.unit,
            case: told.case,
            text: told.text,
        };
        Ok(told.into_iter().map(happening).collect())
    }

    fn is_personal(&self, core: &Core, told: &Told) -> bool {
        let Some(model) = self.of.map(|of| core.model.entity(of)) else {
            // What the first record said is told before it is known what it is of.
            let personal = core.model.entities.iter().flat_map(|entity| &entity.attributes).any(|one| one.pii);
            return personal && told.unit.is_none() && QUOTES.contains(&&*told.kind);
        };
        match &told.unit {
            // What a record said, or a person noted, may be about anything.
            None => QUOTES.contains(&&*told.kind) && model.attributes.iter().any(|one| one.pii),
            Some(unit) => {
                let index = model.unit_key(unit).and_then(|key| key.index());
                index.and_then(|index| model.units.get(usize::from(index))).is_some_and(|unit| unit.pii)
            }
        }
    }

    fn told(&mut self, core: &Core, entry: &Entry, payload: &Payload) -> Result<Vec<Told>, Error> {
        let kind = entry.kind.as_str();
        Ok(match kind {
            "facts" => {
                let facts: Vec<StoredFact> = read(entry, payload)?;
                facts.into_iter().filter_map(|fact| self.fact(core, fact)).collect()
            }
            "observed" => self.observed(read(entry, payload)?).into_iter().collect(),
            "decided" => {
                let (unit, by, reason, approver): (Text, Option<Actor>, Option<String>, Option<Actor>) =
                    match read(entry, payload) {
                        Ok(four) => four,
                        // Without a second person, there are three.
                        Err(_) => {
                            let (unit, by, reason) = read(entry, payload)?;
                            (unit, by, reason, None)
                        }
                    };
                let by = by.map(|by| by.to_string()).unwrap_or_default();
                let reason = reason.unwrap_or_default();
                let text = match approver {
                    Some(approver) => format!("{approver} approved what {by} proposed to decide on {unit}: {reason}"),
                    None => format!("{by} decided on {unit}: {reason}"),
                };
                vec![Told::new(kind, text).of(&unit)]
            }
            "decision_proposed" => Vec::new(),
            "decision_rejected" => {
                let (unit, by, reason): (Text, Actor, String) = read(entry, payload)?;
                vec![
                    Told::new(kind, format!("{by} rejected what was proposed to decide on {unit}: {reason}")).of(&unit),
                ]
            }
            CASE_NOTED => {
                let (case, note): (Text, CaseNote) = read(entry, payload)?;
                vec![Told::new(kind, noted(&note)).about(case)]
            }
            "entered" => {
                let (attribute, reason) = {
                    let entered: BTreeMap<String, String> = read(entry, payload)?;
                    let part = |name: &str| entered.get(name).cloned().unwrap_or_default();
                    (Text::from(part("attribute")), part("reason"))
                };
                let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
                vec![Told::new(kind, format!("{} entered {attribute}{why}", entry.actor)).of(&attribute)]
            }
            "case_closed" => {
                let (case, by, reason): (Text, Actor, String) = read(entry, payload)?;
                vec![Told::new(kind, format!("{by} closed the case: {reason}")).about(case)]
            }
            CASE_OPENED | CASE_CHANGED => {
                let (case, row): (Text, CaseRow) = read(entry, payload)?;
                let what = if kind == CASE_OPENED { "opened" } else { "is another now" };
                self.cases.insert(case.clone());
                let told = |text: String| Told::new(kind, text).about(case);
                vec![match row.violated.as_deref() {
                    // Of which unit it tells is not known, and so not who may read it.
                    Some(Violated { unit: None, pii: true, .. }) => told(format!("the case {what}")),
                    Some(Violated { unit: Some(unit), .. }) => {
                        told(format!("the case {what}: {}", row.reason)).of(unit)
                    }
                    _ => told(format!("the case {what}: {}", row.reason)),
                }]
            }
            CASE_GONE => {
                let (case,): (Text,) = read(entry, payload)?;
                vec![Told::new(kind, "the case is closed").about(case)]
            }
            ANSWERED => {
                let (case, same, reason, _): AnswerTold = read(entry, payload)?;
                let said = if same { "are one entity" } else { "are no one entity" };
                vec![Told::new(kind, format!("{} said that the two records {said}: {reason}", entry.actor)).about(case)]
            }
            MATCHED => {
                let (one, other, told): (RecordRef, RecordRef, Match) = read(entry, payload)?;
                let steps: Vec<String> = told.steps.iter().map(ToString::to_string).collect();
                let text = format!("{one} and {other} are one with a probability of {}: ", told.probability);
                vec![Told::new(kind, text + &steps.join("; "))]
            }
            STATE_TOLD => self.begins(core, read(entry, payload)?),
            "merged" => {
                let (loser, survivor, IgnoredAny): (RecordRef, Text, IgnoredAny) = read(entry, payload)?;
                vec![Told::new(kind, format!("{loser} was merged into {survivor} inside its system"))]
            }
            "refused" => {
                let (IgnoredAny, why): (IgnoredAny, String) = read(entry, payload)?;
                vec![Told::new(kind, format!("a write was refused: {why}"))]
            }
            _ => outcome(kind).map(|text| Told::new(kind, text)).into_iter().collect(),
        })
    }

    /// What a checkpoint tells: nothing new, unless the journal begins with it.
    fn begins(&mut self, core: &Core, restated: Restated) -> Vec<Told> {
        const WHAT: &str = "what happened before was compacted";
        match restated {
            Restated::Entity(stored) if self.of.is_none() => {
                self.of = core.model.entity_index(stored.entity_type.as_str());
                let mut told = vec![Told::new(BEGINS, format!("the journal begins here: {WHAT}"))];
                let Some(entity) = Entity::from_stored(*stored, &core.model) else { return told };
                let of = core.model.entity(entity.entity);
                for (unit, cell) in entity.golden.iter() {
                    self.golden.insert(of.unit_name(&unit), cell.field.clone());
                }
                let open = entity.discrepancies.values().filter(|one| one.state != DiscrepancyState::Resolved);
                told.extend(open.map(|one| {
                    let text = format!("{} about {} stood here: {WHAT}", one.kind.title(), one.unit);
                    Told::new(BEGINS, text).of(&one.unit).about(discrepancy_key(one.id))
                }));
                told
            }
            Restated::Case(case, _) if self.cases.insert(case.clone()) => {
                vec![Told::new(BEGINS, format!("the case stood open here: {WHAT}")).about(case)]
            }
            _ => Vec::new(),
        }
    }

    fn fact(&mut self, core: &Core, fact: StoredFact) -> Option<Told> {
        let said = |field: &Field| quoted(&words(field, false));
        Some(match fact {
            StoredFact::Entered { entity_type } => {
                self.of = core.model.entity_index(entity_type.as_str());
                Told::new("entered", format!("it came to be, a {entity_type}"))
            }
            StoredFact::Linked { record, evidence, .. } => {
                Told::new("linked", format!("{record} was linked: {}", why_linked(&evidence)))
            }
            StoredFact::Unlinked { record } => Told::new("unlinked", format!("{record} was unlinked")),
            StoredFact::Settled { unit, cell } => self.settled(&unit, cell.as_deref())?.of(&unit),
            StoredFact::ToRestore { record, holds: true } => Told::new(
                "to_restore",
                format!("{record} is gone, and is to be made anew, as is declared of its system"),
            ),
            StoredFact::Lived { life: GoldenLife::Retired } => Told::new("lived", "it was retired"),
            StoredFact::Lived { life: GoldenLife::Live } => Told::new("lived", "it exists again"),
            StoredFact::Decided { unit, decision: Some(decision) } => {
                let holds = lifetime_words(decision.lifetime);
                let mut text = format!("{unit}: {} by decision of {}, {holds}", said(&decision.chosen), decision.by);
                for word in &decision.meanwhile {
                    text.push_str(&format!("; meanwhile {} said {}", word.record, said(&word.field)));
                }
                Told::new("decided", text).of(&unit)
            }
            StoredFact::Decided { unit, decision: None } => {
                Told::new("decided", format!("{unit}: no decision holds any more")).of(&unit)
            }
            StoredFact::Lapsed { unit, lapse: Some(lapse) } => {
                let why = match &lapse.cause {
                    LapseCause::Over => "its date came".to_owned(),
                    LapseCause::PolicyChanged => {
                        "the unit is owned, compared or resolved otherwise since it was decided".to_owned()
                    }
                    LapseCause::InputsChanged(news) => {
                        let from = |from: &Option<Field>| from.as_ref().map_or_else(|| "nothing".to_owned(), said);
                        let changed = news.iter().map(|news| {
                            format!("input {} changed from {} to {}", news.record, from(&news.from), said(&news.to))
                        });
                        changed.collect::<Vec<_>>().join(", ")
                    }
                };
                let text = format!("{unit}: the decision of {} for {} ended: {why}", lapse.by, said(&lapse.chosen));
                Told::new("lapsed", text).of(&unit)
            }
            StoredFact::Proposed { unit, proposal: Some(proposal) } => {
                let ProposedDecision { ruling, .. } = *proposal;
                let choice = choice_words(&ruling.choice);
                let text = format!("{} proposed on {unit} to {choice}: {}", ruling.by, ruling.reason);
                Told::new("proposed", text).of(&unit)
            }
            StoredFact::Diverged { record, unit, divergence } => {
                let text = match divergence {
                    Some(leave) => {
                        let second = leave.approved_by.as_ref().map(|by| format!(", approved by {by}"));
                        format!(
                            "{} let {record} differ in {unit}{}: {}",
                            leave.by,
                            second.unwrap_or_default(),
                            leave.reason
                        )
                    }
                    None => format!("{record} may differ in {unit} no longer"),
                };
                Told::new("diverged", text).of(&unit)
            }
            StoredFact::Disputed { discrepancy } => {
                let at = discrepancy.link.as_ref().map(|link| format!(" at {link}")).unwrap_or_default();
                let (title, unit) = (discrepancy.kind.title(), &discrepancy.unit);
                let text = match discrepancy.state {
                    DiscrepancyState::Resolved => format!("{title} about {unit}{at} was resolved"),
                    DiscrepancyState::Open => format!("{title} about {unit}{at}: {}", discrepancy.reason),
                    DiscrepancyState::Noted => format!("{title} about {unit}{at} is on record: {}", discrepancy.reason),
                    DiscrepancyState::Waiting => {
                        format!("{title} about {unit}{at} waits for a person: {}", discrepancy.reason)
                    }
                };
                Told::new("disputed", text).of(&discrepancy.unit).about(discrepancy_key(discrepancy.id))
            }
            StoredFact::Merged { into: Some(into) } => Told::new("merged", format!("it was merged into {into}")),
            StoredFact::Merged { into: None } => Told::new("merged", "it stands for itself again"),
            StoredFact::CannotLink { other, holds: true } => {
                Told::new("cannot_link", format!("it is held apart from {other}"))
            }
            StoredFact::CannotLink { other, holds: false } => {
                Told::new("cannot_link", format!("it is held apart from {other} no longer"))
            }
            StoredFact::HeldApart { record, held: Some(held) } => {
                Told::new("held_apart", format!("{} said that {record} is another: {}", held.by, held.reason))
            }
            StoredFact::HeldApart { record, held: None } => {
                Told::new("held_apart", format!("{record} may be linked by its keys again"))
            }
            StoredFact::Asserted { record, by } => {
                Told::new("linked", format!("{by} said that {record} belongs to it, which a matcher had linked"))
            }
            StoredFact::Lapsed { lapse: None, .. }
            | StoredFact::Proposed { proposal: None, .. }
            | StoredFact::Rebased { .. }
            | StoredFact::Sent { .. }
            | StoredFact::Existed { .. }
            | StoredFact::ToRestore { holds: false, .. }
            | StoredFact::Reacted { .. }
            | StoredFact::CreateSent { .. }
            | StoredFact::Generation { .. } => return None,
        })
    }

    /// How a golden value moved; `None`: only what explains it changed.
    fn settled(&mut self, unit: &Text, cell: Option<&GoldenCell>) -> Option<Told> {
        let said = |field: &Field| quoted(&words(field, false));
        let before = self.golden.get(unit).cloned().unwrap_or_default();
        let after = cell.map(|cell| cell.field.clone()).unwrap_or_default();
        self.golden.insert(unit.clone(), after.clone());
        match cell.map(|cell| &cell.status) {
            Some(Status::Held(held)) => {
                let Held { proposed, rule, reason, .. } = &**held;
                let text = format!("{unit}: a change to {} is held by \"{rule}\": {reason}", said(proposed));
                return Some(Told::new("held", text));
            }
            Some(Status::Parked { reason }) => return Some(Told::new("parked", format!("{unit} is parked: {reason}"))),
            Some(Status::Provisional(_)) => {
                return Some(Told::new("provisional", format!("{unit}: a fallback's value is shown")));
            }
            Some(Status::Settled) | None if before == after => return None,
            Some(Status::Settled) | None => {}
        }
        let by = cell.map(|cell| {
            let approved = cell.resolution.approved_by.as_ref().map(|by| format!(", approved by {by}"));
            let person = cell.resolution.by.as_ref().map(|by| format!(" of {by}{}", approved.unwrap_or_default()));
            format!(", by {}{}", cell.resolution.policy, person.unwrap_or_default())
        });
        let by = by.unwrap_or_default();
        Some(Told::new("settled", format!("{unit}: {} -> {}{by}", said(&before), said(&after))))
    }

    /// What a record said that it had not said before.
    fn observed(&mut self, stored: StoredObservation) -> Option<Told> {
        let (record, surface) = (stored.record.to_string(), stored.surface.clone());
        let text = match stored.sighting() {
            Sighting::Dead(evidence) => format!("{record} is gone: {}", why_dead(*evidence)),
            Sighting::Absent { .. } => format!("{record} was not met by a scan"),
            Sighting::Live { .. } => {
                let known = self.said.entry(record.clone()).or_default();
                let mut news = Vec::new();
                for (attribute, element, field) in stored.said() {
                    let name = (attribute.clone(), element.clone());
                    if known.get(&name) != Some(field) {
                        let element = element.as_ref().map(|element| format!("[{element}]")).unwrap_or_default();
                        news.push(format!("{attribute}{element} {}", quoted(&words(field, false))));
                        known.insert(name, field.clone());
                    }
                }
                if news.is_empty() {
                    return None;
                }
                format!("{record} said ({surface}): {}", news.join(", "))
            }
        };
        Some(Told::new("observed", text))
    }
}

const fn why_dead(evidence: DeathEvidence) -> &'static str {
    match evidence {
        DeathEvidence::Deleted => "its system said so",
        DeathEvidence::Archived => "it is archived",
        DeathEvidence::Gone => "a read found nothing",
        DeathEvidence::MissingInScans => "scans missed it, and a read found nothing",
    }
}

fn why_linked(evidence: &Evidence) -> String {
    match evidence {
        Evidence::FirstSight => "it was the first to be seen".to_owned(),
        Evidence::Key { attribute } => format!("it has the same {attribute}"),
        Evidence::Created => "it was created for it".to_owned(),
        Evidence::Asserted { by } => format!("{by} said so"),
        Evidence::Survived => "it survived a merge inside its system".to_owned(),
        Evidence::Hub => "it is the hub's own".to_owned(),
        Evidence::Matched { probability, model, .. } => {
            format!("it is the same with a probability of {probability}, by model {model}")
        }
    }
}

fn noted(note: &CaseNote) -> String {
    match note {
        CaseNote::Assigned(Some(to)) => format!("the case was given to {to}"),
        CaseNote::Assigned(None) => "the case is nobody's".to_owned(),
        CaseNote::Labelled(label) => format!("labelled \"{label}\""),
        CaseNote::Unlabelled(label) => format!("label \"{label}\" was taken off"),
        CaseNote::Commented(text) => text.to_string(),
    }
}

/// How a write ended, and what else has no words of its own in its entry.
fn outcome(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "intended" => "a write is under way",
        "received" => "a write was confirmed",
        "in_effect" => "a write was in effect already",
        "unknown" => "the outcome of a write is not known",
        "unsure" => "a write may have had its effect and was changed again, and asks a person",
        "without_effect" => "a write had no effect, and is planned anew",
        "taken_back" => "a write was taken back before it was sent",
        "claimed_elsewhere" => "what a create answered with belongs to another entity",
        "entities_merged" => "entities were merged",
        "entities_unmerged" => "a merge was taken back",
        "tombstone_expired" => "a record has been gone from its system for so long that nothing of it is kept",
        "input_expired" => "a hint to read a record waited for too long, and is left to the next pulse",
        "dead_letter" => "an input could not be processed",
        "dead_letter_settled" => "an input that could not be processed was tried again, or discarded",
        "dead_letter_reopened" => "an input that was discarded is taken up again",
        _ => return None,
    })
}

/// When something happened, in front of what.
impl std::fmt::Display for Happening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", instant_of(self.at), self.by, self.text)
    }
}
