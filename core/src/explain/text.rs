//! The explanation as text: short lines, the most important first.

use std::fmt;

use crate::classify::{Drift, LinkState, Verdict};
use crate::explain::{Chosen, Explanation, shows};
use crate::view::{GoldenStatus, Shows, UnitLink, WriteView, approved_by, instant_of, lifetime_words, quoted, words};

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |field| quoted(&words(field, self.unit.compound));
        let name = &self.unit.name;
        if !self.elements.is_empty() {
            let count = self.elements.iter().filter(|element| element.unit.golden.is_value()).count();
            writeln!(f, "{name} has {count} element{}", if count == 1 { "" } else { "s" })?;
            return self.elements.iter().try_for_each(|element| fmt::Display::fmt(element, f));
        }
        match &self.unit.status {
            GoldenStatus::Unsettled => writeln!(f, "{name} has no golden value: nobody who decides has said one")?,
            GoldenStatus::Provisional { shown } => {
                writeln!(f, "{name} has no golden value; {} is shown until an owner can be read", value(shown))?;
            }
            GoldenStatus::Settled | GoldenStatus::Held { .. } | GoldenStatus::Parked { .. } => {
                writeln!(f, "{name} is {}", value(&self.unit.golden))?;
            }
        }
        if let Some(said) = &self.first_said {
            writeln!(f, "  first said by {} at {}", said.record, said.when)?;
        }
        self.write_choice(f)?;
        match &self.unit.status {
            GoldenStatus::Held { proposed, rule, reason } => {
                let by = self.proposed.as_ref().map(by_policy).unwrap_or_default();
                writeln!(f, "  held by \"{rule}\": {reason}; it would become {}{by}", value(proposed))?;
                if let Some(choice) = &self.proposed {
                    self.write_voices(f, choice)?;
                }
            }
            GoldenStatus::Parked { reason } => writeln!(f, "  waits for a person: {reason}")?,
            GoldenStatus::Unsettled | GoldenStatus::Settled | GoldenStatus::Provisional { .. } => {}
        }
        writeln!(f, "  now: {}", verdict_words(self.unit.verdict))?;
        for link in &self.unit.links {
            self.write_link(f, link)?;
        }
        for standing in &self.discrepancies {
            let at = standing.link.as_ref().map(|link| format!(" at {link}")).unwrap_or_default();
            let since = instant_of(standing.first_seen);
            writeln!(f, "  {}{at} since {since}: {}", standing.kind.title(), standing.reason)?;
        }
        let changed = if self.current { "" } else { "; the model has changed since" };
        self.fingerprint.iter().try_for_each(|under| writeln!(f, "  chosen under policy {under}{changed}"))
    }
}

impl Explanation {
    fn write_choice(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(inputs) = &self.derived_from {
            let inputs: Vec<&str> = inputs.iter().map(|id| id.as_str()).collect();
            return writeln!(f, "  derived by {} from {}", self.chosen.policy, inputs.join(", "));
        }
        let (policy, passed) = (&self.chosen.policy, passed(&self.chosen));
        let approved = approved_by(self.approved_by.as_ref());
        match &self.decided_by {
            // The resolution of a person's own choice names no policy but the decision.
            Some(by) if **policy == *"decision" => writeln!(f, "  decided by {by}{approved}")?,
            Some(by) => writeln!(f, "  decided by {policy}{passed}, accepted by {by}{approved}")?,
            None if !policy.is_empty() => writeln!(f, "  decided by {policy}{passed}")?,
            None if !passed.is_empty() => writeln!(f, "  undecided{passed}")?,
            None => {}
        }
        if let Some(decision) = &self.decision {
            let chosen = quoted(&words(&decision.chosen, self.unit.compound));
            let (by, at, holds) = (&decision.by, instant_of(decision.at), lifetime_words(decision.lifetime));
            writeln!(f, "  {by} chose {chosen} at {at}, {holds}: {}", decision.reason)?;
        }
        if let Some(from) = &self.chosen.migrated {
            writeln!(f, "  then migrated from {from}, when the model changed")?;
        }
        self.proposal.iter().try_for_each(|proposal| writeln!(f, "  {proposal}"))?;
        self.lapse.iter().try_for_each(|lapse| writeln!(f, "  the decision for {lapse}"))?;
        self.write_voices(f, &self.chosen)
    }

    /// Who was heard; one voice alone is the winner, and was named.
    fn write_voices(&self, f: &mut fmt::Formatter<'_>, choice: &Chosen) -> fmt::Result {
        let alone = choice.voices.len() == 1 && choice.voices.iter().all(|voice| voice.won);
        for voice in choice.voices.iter().filter(|_| !alone) {
            let said = quoted(&words(&voice.field, self.unit.compound));
            let outcome = if voice.won { "won" } else { "heard" };
            writeln!(f, "    {outcome}: {said} from {} at {}", voice.first_said.record, voice.first_said.when)?;
        }
        Ok(())
    }

    fn write_link(&self, f: &mut fmt::Formatter<'_>, link: &UnitLink) -> fmt::Result {
        let state = match link.state {
            LinkState::Hidden(_) => "",
            LinkState::NoBase => ", never in agreement",
            LinkState::Same => ", as accepted",
            LinkState::Moved => ", moved",
        };
        let since = link.since.map(|when| format!(" since {when}")).unwrap_or_default();
        let visible = matches!(link.shows, Shows::Value(_));
        let since = if visible { since } else { String::new() };
        write!(f, "  {} shows {}{since}{state}", self.record(link), shows(&self.unit, link))?;
        match &link.write {
            WriteView::Owed(reason) => writeln!(f, "; a write is owed: {reason}"),
            WriteView::AtFirstContact(reason) => writeln!(f, "; a bootstrap plan writes: {reason}"),
            // Why nothing is seen, or written anywhere, was said already.
            WriteView::No(_) if !visible || self.unit.verdict == Verdict::Frozen => writeln!(f),
            WriteView::No(reason) => writeln!(f, "; no write: {reason}"),
        }
    }
}

fn by_policy(choice: &Chosen) -> String {
    if choice.policy.is_empty() { String::new() } else { format!(", by {}{}", choice.policy, passed(choice)) }
}

fn passed(choice: &Chosen) -> String {
    if choice.passed.is_empty() {
        return String::new();
    }
    let passed: Vec<String> =
        choice.passed.iter().map(|passed| format!("{}: {}", passed.policy, passed.reason)).collect();
    format!(" (passed: {})", passed.join("; "))
}

const fn verdict_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Frozen => "frozen; nothing is written until a person decides",
        Verdict::HardConflict => "hard conflict: systems that decide moved apart",
        Verdict::Converged => "converged: systems moved to the same value",
        Verdict::SoftDrift(Drift::Authoritative) => "soft drift: a system that decides moved",
        Verdict::SoftDrift(Drift::Contested) => {
            "soft drift: a system that decides moved, and observers moved elsewhere"
        }
        Verdict::SoftDrift(Drift::Unauthorized) => "soft drift: an observer moved",
        Verdict::Pending => "a write is pending",
        Verdict::Rewritten => "a system keeps its own form of what was written",
        Verdict::Diverged => "a system differs by decision",
        Verdict::Cosmetic => "the same but for spelling",
        Verdict::InAgreement => "in agreement",
    }
}
