//! Polls: a search for what changed, through a window that misses nothing.

use accordant::connector::{ConnectorError, Cursor, Page};
use accordant::surface::Surface;
use accordant_http::{Ask, Keyset, Order, Window};
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::connector::Shopify;
use crate::document;
use crate::settings::Object;
use crate::wire::{Head, malformed};

#[derive(Deserialize)]
struct Found<'a> {
    #[serde(borrow)]
    page: Nodes<'a>,
}

#[derive(Deserialize)]
struct Nodes<'a> {
    #[serde(borrow)]
    nodes: Vec<&'a RawValue>,
}

impl Shopify {
    /// A page of what changed.
    pub(crate) async fn poll(
        &self,
        surface: &Surface,
        object: &Object,
        after: Option<Cursor>,
    ) -> Result<Page, ConnectorError> {
        let window = Window {
            trail: self.settings.trail,
            overlap: self.settings.overlap,
            page: self.fits(object),
            precision: TimeDelta::seconds(1),
            keyset: Keyset::Time,
        };
        let ask = window.ask(after.as_ref(), self.clock.now())?;
        let by_id = matches!(ask.order, Order::Id { .. });
        let document = document::page(surface.object.as_str(), object, by_id, self.lists());
        let variables = json!({ "first": ask.limit, "query": query(&ask) });
        let answer = self.ask(&document, &variables, self.cost_of(object, ask.limit)).await?;
        let found: Found<'_> = answer.data("a page of a search")?;
        let mut rows = Vec::with_capacity(found.page.nodes.len());
        for raw in &found.page.nodes {
            let head = Head::parse(raw)?;
            let at = head.token().ok_or_else(|| malformed("when a node changed"))?;
            rows.push((at, head.number()));
        }
        let turn = window.turn(&ask, &rows)?;
        let shape = self.shape(surface.object.as_str())?;
        let kept = turn.keep.iter().filter_map(|row| found.page.nodes.get(*row));
        let items = kept.map(|raw| shape.item(surface.name.clone(), raw)).collect::<Result<_, _>>()?;
        Ok(Page { items, next: Some(turn.next), more: turn.more })
    }
}

/// The search that asks what a window asks.
fn query(ask: &Ask) -> String {
    let mut terms = document::within(ask.from, ask.until);
    if let Order::Id { behind: Some(id), .. } = &ask.order {
        terms.push(format!("id:>{id}"));
    }
    terms.join(" AND ")
}
