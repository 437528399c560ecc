//! The view as text: aligned tables that a person reads in a terminal or a ticket.

use std::borrow::Cow;
use std::fmt;

use crate::classify::{Hidden, LinkState, Verdict};
use crate::decision::Lifetime;
use crate::discrepancy::DiscrepancyState;
use crate::golden::GoldenLife;
use crate::id::Actor;
use crate::text::Text;
use crate::view::{
    EntityView, GoldenStatus, LinkView, RecordPresence, Shows, UnitLink, UnitView, View, instant_of, when::instant,
    when::span, words,
};

/// The widest cell, in characters; longer values are cut.
const WIDEST: usize = 34;

/// Moved, no base, write owed, frozen, provisional: what stands in front of a value.
const MARKS: [(&str, &str); 5] = [
    ("*", "moved"),
    ("?", "never in agreement"),
    (">", "a write of golden is owed"),
    ("!", "frozen: it waits for a person"),
    ("~", "provisional: a fallback's, never written"),
];

impl<E> fmt::Display for View<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.entity, f)?;
        match &self.golden {
            Ok(_) => Ok(()),
            Err(incomplete) => writeln!(f, "\nincomplete: {incomplete}"),
        }
    }
}

impl fmt::Display for EntityView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let life = match self.life {
            GoldenLife::Live => "live",
            GoldenLife::Retired => "retired",
        };
        writeln!(f, "{} {}, {life}\n", self.entity_type, self.id)?;
        let (rows, marks) = self.values();
        write_table(f, &rows)?;
        let legend: Vec<String> = MARKS
            .iter()
            .filter(|(mark, _)| marks.contains(mark))
            .map(|(mark, means)| format!("{mark} {means}"))
            .collect();
        if !legend.is_empty() {
            writeln!(f, "\n{}", legend.join("   "))?;
        }
        let rows = self.freshness();
        if rows.len() > 1 {
            writeln!(f)?;
            write_table(f, &rows)?;
        }
        self.write_waiting(f)?;
        self.write_discrepancies(f)?;
        self.write_decisions(f)
    }
}

impl EntityView {
    /// The rows of the first table, its two header rows included; and the marks that occur in it.
    fn values(&self) -> (Vec<Vec<String>>, Vec<&'static str>) {
        let mut marks = Vec::new();
        let mut rows = vec![vec![String::new(), "  golden".to_owned()], vec![String::new(), String::new()]];
        for link in &self.links {
            rows[0].push(format!("  {}", link.record.connection));
            rows[1].push(format!("  {}", below(link)));
        }
        for unit in &self.units {
            let (mark, text) = golden_cell(unit);
            marks.push(mark);
            let mut row = vec![cut(&unit.name), cell(mark, &text)];
            for place in 0..self.links.len() {
                row.push(match unit.links.iter().find(|link| link.link == place) {
                    None => String::new(),
                    Some(link) => {
                        let mark = link_mark(link);
                        marks.push(mark);
                        cell(mark, &shown(unit, link))
                    }
                });
            }
            rows.push(row);
        }
        (rows, marks)
    }

    /// The rows of the second table: when each value was first said, or how much older it is than the latest.
    fn freshness(&self) -> Vec<Vec<String>> {
        let mut rows = vec![vec!["first said".to_owned()]];
        rows[0].extend(self.links.iter().map(|link| format!("  {}", link.record.connection)));
        for unit in &self.units {
            let said: Vec<String> = (0..self.links.len())
                .map(|place| unit.links.iter().find(|link| link.link == place).map(age).unwrap_or_default())
                .collect();
            if said.iter().any(|cell| !cell.is_empty()) {
                rows.push(std::iter::once(cut(&unit.name)).chain(said).collect());
            }
        }
        rows
    }

    fn write_waiting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for unit in &self.units {
            let line = match &unit.status {
                GoldenStatus::Held { proposed, rule, reason } => {
                    format!("held by \"{rule}\": {reason}; it would become {}", quoted(&words(proposed, unit.compound)))
                }
                GoldenStatus::Parked { reason } => format!("parked: {reason}"),
                GoldenStatus::Unsettled | GoldenStatus::Settled | GoldenStatus::Provisional { .. } => continue,
            };
            if std::mem::take(&mut first) {
                writeln!(f, "\nwaiting")?;
            }
            writeln!(f, "  {}: {line}", unit.name)?;
        }
        Ok(())
    }

    fn write_discrepancies(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.discrepancies.is_empty() {
            return writeln!(f, "\nno discrepancies");
        }
        writeln!(f, "\ndiscrepancies")?;
        for standing in &self.discrepancies {
            let state = match standing.state {
                DiscrepancyState::Open => "open",
                DiscrepancyState::Waiting => "waiting",
                DiscrepancyState::Noted => "noted",
                DiscrepancyState::Resolved => "resolved",
            };
            let at = standing.link.as_ref().map(|link| format!(" at {link}")).unwrap_or_default();
            let since = instant_of(standing.first_seen);
            writeln!(
                f,
                "  {}: {}{at}, {state} since {since}: {}",
                standing.kind.title(),
                standing.unit,
                standing.reason
            )?;
        }
        Ok(())
    }

    fn write_decisions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.decisions.is_empty() {
            writeln!(f, "\ndecisions")?;
        }
        for decision in &self.decisions {
            let compound = self.unit(&decision.unit).is_some_and(|unit| unit.compound);
            let chosen = quoted(&words(&decision.chosen, compound));
            let (by, at, holds) = (&decision.by, instant_of(decision.at), lifetime_words(decision.lifetime));
            let approved = approved_by(decision.approved_by.as_ref());
            writeln!(f, "  {}: {chosen} by {by} at {at}{approved}, {holds}: {}", decision.unit, decision.reason)?;
        }
        if !self.proposals.is_empty() {
            writeln!(f, "\nproposed decisions")?;
        }
        for proposal in &self.proposals {
            writeln!(f, "  {}: {proposal}", proposal.unit)?;
        }
        if !self.lapses.is_empty() {
            writeln!(f, "\nended decisions")?;
        }
        for lapse in &self.lapses {
            writeln!(f, "  {}: {lapse}", lapse.unit)?;
        }
        if !self.held_apart.is_empty() {
            writeln!(f, "\nunlinked")?;
        }
        self.held_apart.iter().try_for_each(|held| {
            writeln!(f, "  {}: by {} at {}: {}", held.record, held.by, instant_of(held.at), held.reason)
        })
    }
}

/// How long a decision holds, in words.
pub(crate) fn lifetime_words(lifetime: Lifetime) -> Cow<'static, str> {
    match lifetime {
        Lifetime::Once => "once".into(),
        Lifetime::UntilInputsChange => "until someone says something new".into(),
        Lifetime::Until(date) => format!("until {}", instant(date)).into(),
        Lifetime::Pinned => "pinned".into(),
    }
}

/// Who approved a decision, behind who made it.
pub(crate) fn approved_by(actor: Option<&Actor>) -> String {
    actor.map(|actor| format!(", approved by {actor}")).unwrap_or_default()
}

/// A value in quotation marks; the absence of one in brackets.
pub(crate) fn quoted(words: &Text) -> String {
    if words.starts_with('(') && words.ends_with(')') { words.to_string() } else { format!("\"{words}\"") }
}

/// The second line of a record's header.
fn below(link: &LinkView) -> String {
    let state = match &link.presence {
        RecordPresence::Live => String::new(),
        RecordPresence::Unknown => " (never seen)".to_owned(),
        RecordPresence::Resurrected => " (came back, not yet read)".to_owned(),
        RecordPresence::Dead(_) => " (gone)".to_owned(),
        RecordPresence::Redirected(survivor) => format!(" (merged into {survivor})"),
    };
    format!("{}/{}{state}", link.record.object, cut(&link.record.id))
}

fn golden_cell(unit: &UnitView) -> (&'static str, String) {
    match &unit.status {
        GoldenStatus::Provisional { shown } => ("~", words(shown, unit.compound).to_string()),
        _ if unit.verdict == Verdict::Frozen => ("!", words(&unit.golden, unit.compound).to_string()),
        _ => (" ", words(&unit.golden, unit.compound).to_string()),
    }
}

const fn link_mark(link: &UnitLink) -> &'static str {
    match link.state {
        LinkState::Hidden(_) => " ",
        LinkState::Moved => "*",
        LinkState::NoBase => "?",
        LinkState::Same if link.write.is_owed() => ">",
        LinkState::Same => " ",
    }
}

fn shown(unit: &UnitView, link: &UnitLink) -> String {
    match &link.shows {
        Shows::Value(field) => words(field, unit.compound).to_string(),
        Shows::Hidden(Hidden::Unobserved) => "(not observed)".to_owned(),
        Shows::Hidden(Hidden::Denied) => "(may not be read)".to_owned(),
        Shows::Hidden(Hidden::Gone) => "(gone)".to_owned(),
        Shows::Hidden(Hidden::Unresolved) => "(not linked)".to_owned(),
        Shows::Hidden(Hidden::Summand) => "(a part)".to_owned(),
        Shows::Hidden(Hidden::Duplicate) => "(second record)".to_owned(),
    }
}

fn age(link: &UnitLink) -> String {
    let is_value = matches!(&link.shows, Shows::Value(field) if field.is_value());
    match (&link.first_said, link.older_by_ms) {
        (Some(_), Some(older)) if older > 0 => format!("  {} older", span(older)),
        (Some(said), _) if is_value => format!("  {}", said.when),
        _ => String::new(),
    }
}

fn cell(mark: &str, text: &str) -> String {
    format!("{mark} {}", cut(text))
}

/// One line, and no wider than a column may be.
fn cut(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.chars().count() <= WIDEST {
        return line;
    }
    line.chars().take(WIDEST - 1).chain(std::iter::once('…')).collect()
}

/// Writes rows in columns that are as wide as their widest cell.
fn write_table(f: &mut fmt::Formatter<'_>, rows: &[Vec<String>]) -> fmt::Result {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let line: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        writeln!(f, "{}", line.join("  ").trim_end())?;
    }
    Ok(())
}
