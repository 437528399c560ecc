//! Asking people: the open matches whose answers tell most.

use crate::engine::Tenant;
use crate::engine::case::{Case, CaseKind};
use crate::engine::tenant::cases::{CaseFilter, is_desk};
use crate::engine::tenant::pages::Pages;
use crate::error::Error;
use crate::store::Table;

impl Tenant {
    /// The open matches whose answers are expected to tell most, the most telling first, `limit` at most: those of which the model is
    /// least sure, and on which most hangs ([`Match::tells`](crate::matching::Match::tells)); of two that tell as much, the older.
    ///
    /// It reads all open matches, page by page, and holds as many cases as are asked for, and a page.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub async fn questions(&self, filter: &CaseFilter, limit: usize) -> Result<Vec<Case>, Error> {
        let as_of = self.now();
        let mut best: Vec<Case> = Vec::new();
        let mut pages = Pages::of(self, Table::Case, CaseKind::Match.prefix(), "list matches");
        while let Some(rows) = pages.page().await? {
            let mut cases = Vec::new();
            for row in rows {
                let case = self.case_of_row(row, CaseKind::Match)?.at(as_of);
                if self.lists(filter, &case, None, as_of) {
                    cases.push(case);
                }
            }
            best.extend(self.with_desks(cases).await?.into_iter().filter(|case| is_desk(filter, case)));
            keep_best(&mut best, limit);
        }
        Ok(best)
    }
}

/// Keeps the most telling of some cases, in order.
fn keep_best(cases: &mut Vec<Case>, limit: usize) {
    let tells = |case: &Case| case.matched.as_ref().map_or(0, |matched| matched.tells);
    cases.sort_by(|a, b| tells(b).cmp(&tells(a)).then_with(|| a.since.cmp(&b.since)).then_with(|| a.key.cmp(&b.key)));
    cases.truncate(limit);
}
