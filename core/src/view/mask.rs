//! Masking: what people see who may not see personal data.

use crate::text::Text;
use crate::value::Field;
use crate::view::EntityView;

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
        let mut view = self.clone();
        view.masked = true;
        for unit in view.units.iter_mut().filter(|unit| unit.pii) {
            unit.mask();
        }
        for discrepancy in view.discrepancies.iter_mut().filter(|standing| standing.pii) {
            discrepancy.unit = mask_name(&discrepancy.unit);
            discrepancy.reason = mask_text(&discrepancy.reason);
        }
        for decision in view.decisions.iter_mut().filter(|decision| decision.pii) {
            decision.unit = mask_name(&decision.unit);
            mask_field(&mut decision.chosen);
            MASK.clone_into(&mut decision.reason);
        }
        view
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
    match reason.strip_prefix("held by ").and_then(|rest| rest.split_once(": ")) {
        Some((rule, _)) => format!("held by {rule}: {MASK}").into(),
        None => reason.clone(),
    }
}

/// The name of an element, without its key: the key of a collection of personal data is one.
pub(crate) fn mask_name(name: &Text) -> Text {
    match name.split_once('[') {
        Some((unit, _)) => format!("{unit}[{MASK}]").into(),
        None => name.clone(),
    }
}
