//! How far the records of an index depart from those that its model was trained on.

use super::Index;
use crate::drift::{Drift, Spread};
use crate::table::Row;

impl Index {
    /// How far the records that are there departed from those that the model was trained on.
    ///
    /// It goes through all of them, and through the values of the table, once: call it now and then, and train again from when it
    /// [has moved](Drift::has_moved).
    #[must_use]
    pub fn drift(&self) -> Drift {
        self.drift_from(0)
    }

    /// The same of those only that came, or came anew, since the index was built.
    #[must_use]
    pub fn drift_of_newcomers(&self) -> Drift {
        self.drift_from(self.built)
    }

    fn drift_from(&self, first: Row) -> Drift {
        let model = self.scorer.model();
        let rows = (first..self.table.rows() as Row).filter(|row| self.alive[*row as usize]);
        let now = Spread::of(&model.frequencies, &self.table, rows);
        model.spread.drift(&now, self.table.layout().fields.iter().map(|field| field.name.as_str()))
    }
}
