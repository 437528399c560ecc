//! Inventory levels: polled location by location, since no search covers them, and set where they still are what they were.
//!
//! The list of a location's levels cannot be ordered by time. So a window is fixed before its first page: the pages of a
//! location are followed by their own cursors, and what changes meanwhile belongs to the next window.

use accordant::connector::{ConnectorError, Cursor, Outcome, Page, Write, WriteAction, WriteReceipt};
use accordant::surface::Surface;
use accordant::value::Native;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::connector::Shopify;
use crate::settings::Object;
use crate::wire::{Head, malformed};
use crate::write::{BARE, refused, version};
use crate::{document, selection};

/// Where a poll stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    /// The window's beginning: `None` is the beginning of everything.
    from: Option<i64>,
    /// Its end. A window that was read has no `walk`.
    until: i64,
    walk: Option<Walk>,
}

/// A place within a window.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Walk {
    /// Behind this place in the list of locations.
    location: Option<String>,
    /// Behind this place in the levels of the location that follows.
    level: Option<String>,
}

#[derive(Deserialize)]
struct Found<'a> {
    #[serde(borrow)]
    page: Locations<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Locations<'a> {
    #[serde(borrow)]
    nodes: Vec<Location<'a>>,
    page_info: PageInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    #[serde(borrow)]
    inventory_levels: Levels<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Levels<'a> {
    #[serde(borrow)]
    nodes: Vec<&'a RawValue>,
    page_info: PageInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl PageInfo {
    /// Where the next page begins, if there is one.
    fn next(self) -> Result<Option<String>, ConnectorError> {
        if !self.has_next_page {
            return Ok(None);
        }
        self.end_cursor.map(Some).ok_or_else(|| malformed("a page without an end, and more behind it"))
    }
}

impl Shopify {
    /// A page of the levels of a location that changed.
    pub(crate) async fn poll_levels(
        &self,
        surface: &Surface,
        object: &Object,
        after: Option<Cursor>,
    ) -> Result<Page, ConnectorError> {
        let position = self.position(after)?;
        let walk = position.walk.unwrap_or_default();
        let first = self.fits(object);
        let terms = document::within(position.from, position.until);
        let variables =
            json!({ "location": walk.location, "first": first, "after": walk.level, "query": terms.join(" AND ") });
        let answer = self.ask(&document::levels(object, self.lists()), &variables, self.cost_of(object, first)).await?;
        let found: Found<'_> = answer.data("a page of inventory levels")?;
        let shape = self.shape(surface.object.as_str())?;
        let mut items = Vec::new();
        let mut more_levels = None;
        for location in found.page.nodes {
            for raw in &location.inventory_levels.nodes {
                let at = Head::parse(raw)?.token().ok_or_else(|| malformed("when a level changed"))?;
                // A search may answer with more than it was asked for.
                if at <= position.until && position.from.is_none_or(|from| at >= from) {
                    items.push(shape.item(surface.name.clone(), raw)?);
                }
            }
            more_levels = location.inventory_levels.page_info.next()?;
        }
        let walk = match more_levels {
            Some(level) => Some(Walk { level: Some(level), ..walk }),
            None => found.page.page_info.next()?.map(|location| Walk { location: Some(location), level: None }),
        };
        let (more, next) = (walk.is_some(), Position { walk, ..position });
        let next = serde_json::to_string(&next).map_err(|_| malformed("a cursor"))?;
        Ok(Page { items, next: Some(Cursor(next)), more })
    }

    /// The window that is read: the one that a cursor stands in, or the one behind it.
    fn position(&self, after: Option<Cursor>) -> Result<Position, ConnectorError> {
        let whole = |at: i64| at.saturating_sub(at.rem_euclid(1_000));
        let until = whole(self.clock.now().saturating_sub(self.settings.trail.num_milliseconds()));
        let Some(after) = after else { return Ok(Position { from: None, until, walk: None }) };
        let position: Position = serde_json::from_str(&after.0).map_err(|_| Cursor::foreign())?;
        if position.walk.is_some() {
            return Ok(position);
        }
        let from = whole(position.until.saturating_sub(self.settings.overlap.num_milliseconds()));
        Ok(Position { from: Some(from), until: until.max(position.until), walk: None })
    }

    /// Sets a quantity of a level. Whether it still is what the write expects is for Shopify to say, and not for a look
    /// before: so an attempt that is repeated gets the answer of the first, and has no second effect. Where nothing says what
    /// it was, nothing is set.
    pub(crate) async fn write_level(&self, write: &Write, held: &Value) -> WriteReceipt {
        let WriteAction::Update { id } = &write.action else {
            return refused("shopify: an item is stocked, or no longer stocked, at a location by people");
        };
        let [(path, to)] = write.changes.as_slice() else {
            return refused("shopify: the quantities of a level move together, so one is set at a time");
        };
        let Some(name @ ("available" | "on_hand")) = selection::quantity(path) else {
            return refused(&format!("{path}: of a level, quantities.available or quantities.on_hand are set"));
        };
        let Some(to) = whole(to) else { return refused(&format!("{path}: a quantity is a whole number")) };
        let expected = write.expect.iter().find(|(expected, _)| expected == path).map(|(_, native)| native);
        let from = match expected {
            Some(native) => whole(native),
            // Of the version that is expected, what is held is what it was.
            None if write.expect_token.is_some() && version(held) == write.expect_token => {
                held[format!("quantity_{name}")][0]["quantity"].as_i64()
            }
            None => None,
        };
        // A quantity that is there is a number: nothing else is what it could have been.
        let Some(from) = from else { return Outcome::Stale.into() };
        let input = json!({
            "name": name, "reason": self.settings.reason, "quantities": [{
                "inventoryItemId": held["item"]["id"], "locationId": held["location"]["id"], "quantity": to,
                "changeFromQuantity": from,
            }],
        });
        let variables = json!({ "input": input, "key": write.idempotency_key.to_string() });
        let ended = self.mutate(write.object.as_str(), document::SET_QUANTITIES, &variables, BARE, id).await;
        ended.unwrap_or_else(|failed| failed)
    }
}

fn whole(native: &Native) -> Option<i64> {
    match native {
        Native::Number(text) | Native::Text(text) => text.as_str().parse().ok(),
        _ => None,
    }
}
