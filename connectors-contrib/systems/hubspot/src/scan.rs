//! Scans: a list of everything, then of everything that is archived.

use accordant::connector::{ConnectorError, Cursor, Item, Page};
use accordant::surface::Surface;
use url::form_urlencoded::Serializer;

use crate::connector::HubSpot;
use crate::settings::Object;
use crate::wire::{Record, Results, parse};

/// Which of the two passes, and behind what.
struct Position<'a> {
    archived: bool,
    after: Option<&'a str>,
}

impl<'a> Position<'a> {
    fn parse(cursor: Option<&'a Cursor>) -> Result<Self, ConnectorError> {
        let Some(cursor) = cursor else { return Ok(Self { archived: false, after: None }) };
        let given = |after: &'a str| Some(after).filter(|after| !after.is_empty());
        match cursor.0.split_once('/') {
            Some(("live", after)) => Ok(Self { archived: false, after: given(after) }),
            Some(("archived", after)) => Ok(Self { archived: true, after: given(after) }),
            _ => Err(Cursor::foreign()),
        }
    }
}

impl HubSpot {
    /// A page of everything.
    pub(crate) async fn scan(
        &self,
        surface: &Surface,
        object: &Object,
        after: Option<Cursor>,
    ) -> Result<Page, ConnectorError> {
        let position = Position::parse(after.as_ref())?;
        let page = self.settings.page.to_string();
        let names: Vec<&str> = object.properties.iter().map(String::as_str).collect();
        let query = Serializer::new(String::new())
            .append_pair("limit", &page)
            .append_pair("archived", if position.archived { "true" } else { "false" })
            .extend_pairs(position.after.map(|after| ("after", after)))
            .append_pair("properties", &names.join(","))
            .finish();
        let path = format!("{}/{}?{query}", self.settings.objects_path, surface.object);
        let answer = self.get(&path, "list").await?;
        let found: Results<'_> = parse(answer.body(), "a page of a list")?;
        let mut items = found
            .results
            .iter()
            .map(|raw| Ok(Record::parse(raw)?.item(surface.name.clone(), raw, &object.properties)))
            .collect::<Result<Vec<Item>, ConnectorError>>()?;
        self.with_owners(surface.object.as_str(), object, &mut items, position.archived).await?;
        let behind = found.paging.and_then(|paging| paging.next).map(|next| next.after);
        let next = match behind {
            Some(after) => Some(Cursor(format!("{}/{after}", if position.archived { "archived" } else { "live" }))),
            None if !position.archived => Some(Cursor("archived/".into())),
            None => None,
        };
        Ok(Page { items, more: next.is_some(), next })
    }
}
