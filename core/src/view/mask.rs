//! Masking: what people see who may not see personal data.

use crate::settle::Choice;
use crate::text::Text;
use crate::value::Field;
use crate::view::{
    Action, DecisionView, DiscrepancyView, EntityView, GoldenStatus, LapseView, ProposalView, Shows, UnitView,
};

/// What stands in place of a value.
pub(crate) const MASK: &str = "•••";

impl EntityView {
    /// The same view with every value of personal data replaced by `•••`.
    ///
    /// Whether there is a value, and which links moved, stays visible. So do native record ids: where a system uses an
    /// e-mail address as the id, its doors must hide more. Reasons that may quote a value (a rule's, a person's) are
    /// replaced with it.
    #[must_use]
    pub fn masked(&self) -> Self {
        self.masked_where(&|_, pii| pii)
    }

    /// The same view with every value replaced that is hidden, by the name of its unit and whether it is personal data.
    pub(crate) fn masked_where(&self, is_hidden: &dyn Fn(&str, bool) -> bool) -> Self {
        let mut view = self.clone();
        let hidden = |unit: &Text, pii: bool| is_hidden(unit, pii);
        view.masked = true;
        view.units.iter_mut().filter(|unit| hidden(&unit.name, unit.pii)).for_each(UnitView::mask);
        view.discrepancies.iter_mut().filter(|of| hidden(&of.unit, of.pii)).for_each(DiscrepancyView::mask);
        view.decisions.iter_mut().filter(|of| hidden(&of.unit, of.pii)).for_each(DecisionView::mask);
        view.proposals.iter_mut().filter(|of| hidden(&of.unit, of.pii)).for_each(ProposalView::mask);
        view.lapses.iter_mut().filter(|of| hidden(&of.unit, of.pii)).for_each(LapseView::mask);
        view
    }
}

impl UnitView {
    /// Masks every value.
    pub(crate) fn mask(&mut self) {
        self.name = mask_name(&self.name);
        mask_field(&mut self.golden);
        match &mut self.status {
            GoldenStatus::Held { proposed, reason, .. } => {
                mask_field(proposed);
                // A rule's reason may quote the value that it judged.
                *reason = MASK.into();
            }
            GoldenStatus::Provisional { shown } => mask_field(shown),
            GoldenStatus::Unsettled | GoldenStatus::Settled | GoldenStatus::Parked { .. } => {}
        }
        for action in &mut self.actions {
            if let Action::Accept { value } | Action::Take { value, .. } = action {
                mask_field(value);
            }
        }
        for link in &mut self.links {
            if let Shows::Value(field) = &mut link.shows {
                mask_field(field);
            }
            if let Some(base) = &mut link.base {
                mask_field(&mut base.seen);
                mask_field(&mut base.agreed);
            }
        }
    }
}

impl DiscrepancyView {
    pub(crate) fn mask(&mut self) {
        self.unit = mask_name(&self.unit);
        self.reason = mask_text(&self.reason);
    }
}

impl DecisionView {
    pub(crate) fn mask(&mut self) {
        self.unit = mask_name(&self.unit);
        mask_field(&mut self.chosen);
        self.on_table.iter_mut().for_each(|said| mask_field(&mut said.said));
        MASK.clone_into(&mut self.reason);
    }
}

impl ProposalView {
    pub(crate) fn mask(&mut self) {
        self.unit = mask_name(&self.unit);
        if let Choice::Value(field) = &mut self.choice {
            mask_field(field);
        }
        MASK.clone_into(&mut self.reason);
    }
}

impl LapseView {
    pub(crate) fn mask(&mut self) {
        self.unit = mask_name(&self.unit);
        mask_field(&mut self.chosen);
        for change in &mut self.changed {
            change.from.iter_mut().for_each(mask_field);
            mask_field(&mut change.to);
        }
    }
}

/// Replaces a value; having none stays visible.
pub(crate) fn mask_field(field: &mut Field) {
    if field.is_value() {
        *field = Field::value(MASK);
    }
}

/// Replaces what a rule wrote behind its name.
pub(crate) fn mask_text(reason: &Text) -> Text {
    if reason.starts_with("reopened: ") {
        return format!("reopened: {MASK}").into();
    }
    match reason.strip_prefix("held by ").and_then(|rest| rest.split_once(": ")) {
        Some((rule, _)) => format!("held by {rule}: {MASK}").into(),
        None => reason.clone(),
    }
}

/// Replaces what a system answered behind the name of the unit that it refused.
pub(crate) fn mask_answer(reason: &Text) -> Text {
    let unit = reason.split_once(": ").map_or(reason.clone(), |(unit, _)| unit.into());
    format!("{}: {MASK}", mask_name(&unit)).into()
}

/// The name of an element, without its key: the key of a collection of personal data is one.
pub(crate) fn mask_name(name: &Text) -> Text {
    match name.split_once('[') {
        Some((unit, _)) => format!("{unit}[{MASK}]").into(),
        None => name.clone(),
    }
}
