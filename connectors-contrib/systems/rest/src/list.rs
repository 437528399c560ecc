//! Lists: a page of records, and where the next one is.

use std::collections::BTreeMap;

use accordant::connector::{ConnectorError, ConnectorErrorKind, Cursor, Item, Page, Says};
use accordant::model::Path;
use accordant::surface::Surface;
use accordant_http::Response;
use bytes::Bytes;
use http::StatusCode;
use http::header::LINK;
use serde_json::value::RawValue;
use url::Url;

use crate::address::{behind, same_host};
use crate::answer::{self, malformed};
use crate::connector::Rest;
use crate::description::{Object, Paging, Size};

/// A list, whichever it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'d> {
    pub(crate) path: &'d str,
    pub(crate) query: &'d BTreeMap<String, String>,
    pub(crate) records: &'d str,
    pub(crate) size: Option<&'d Size>,
    pub(crate) paging: &'d Paging,
}

/// A page as it came.
pub(crate) struct Answered {
    body: Bytes,
    records: Path,
    /// Where the next one is, by the paging's own word for it; `None`: this is the last.
    pub(crate) next: Option<String>,
}

impl Answered {
    /// Its records.
    pub(crate) fn records(&self, system: &str) -> Result<Vec<&RawValue>, ConnectorError> {
        let body = answer::whole(&self.body).ok_or_else(|| malformed(system, "no JSON"))?;
        answer::list(body, &self.records).ok_or_else(|| malformed(system, &format!("no list at `{}`", self.records)))
    }
}

/// A record as an item.
pub(crate) fn item(surface: &Surface, record: &RawValue) -> Item {
    Item::new(surface.name.clone(), Says::Record, Bytes::copy_from_slice(record.get().as_bytes()))
}

impl Rest {
    /// A page of everything.
    pub(crate) async fn scan(
        &self,
        surface: &Surface,
        object: &Object,
        after: Option<Cursor>,
    ) -> Result<Page, ConnectorError> {
        let list = object.list.as_ref().ok_or_else(|| self.unsupported())?;
        let asked = Asked {
            path: &list.path,
            query: &list.query,
            records: &list.records,
            size: list.size.as_ref(),
            paging: &list.paging,
        };
        let answered = self.page_of(&asked, &[], after.as_ref().map(|after| after.0.as_str())).await?;
        let records = answered.records(&self.description.system)?;
        let items = records.iter().map(|record| item(surface, record)).collect();
        Ok(Page { items, more: answered.next.is_some(), next: answered.next.map(Cursor) })
    }

    /// The page of a list at `place`, where a former page said that there is one.
    pub(crate) async fn page_of(
        &self,
        list: &Asked<'_>,
        parameters: &[(&str, String)],
        place: Option<&str>,
    ) -> Result<Answered, ConnectorError> {
        let address = self.address_of(list, parameters, place)?;
        let answer = self.ask("GET", &address, &[], None).await?;
        if answer.status() != StatusCode::OK {
            return Err(self.unread(&answer, "list records"));
        }
        let next = self.next(list, place, &answer)?;
        Ok(Answered { body: answer.into_body(), records: Path::new(list.records), next })
    }

    fn address_of(
        &self,
        list: &Asked<'_>,
        parameters: &[(&str, String)],
        place: Option<&str>,
    ) -> Result<Url, ConnectorError> {
        // The next page's address is whole: what it was asked with stands in it.
        if let (Paging::Link { .. }, Some(place)) = (list.paging, place) {
            return self.base.join(place).ok().filter(|url| same_host(&self.base, url)).ok_or_else(elsewhere);
        }
        let mut address = behind(&self.base, list.path).ok_or_else(|| self.unsupported())?;
        {
            let mut query = address.query_pairs_mut();
            query.extend_pairs(list.query);
            if let Some(Size { parameter: Some(parameter), rows }) = list.size {
                query.append_pair(parameter, &rows.to_string());
            }
            query.extend_pairs(parameters);
            match (list.paging, place) {
                (Paging::Cursor { parameter, .. }, Some(place)) => {
                    query.append_pair(parameter, place);
                }
                (Paging::Page { parameter, first }, place) => {
                    query.append_pair(parameter, &number(place, *first)?.to_string());
                }
                (Paging::Offset { parameter }, place) => {
                    query.append_pair(parameter, &number(place, 0)?.to_string());
                }
                _ => {}
            }
        }
        if address.query() == Some("") {
            address.set_query(None);
        }
        Ok(address)
    }

    /// Where the page behind this answer is.
    fn next(&self, list: &Asked<'_>, place: Option<&str>, answer: &Response) -> Result<Option<String>, ConnectorError> {
        let system = &self.description.system;
        let body = answer::whole(answer.body()).ok_or_else(|| malformed(system, "no JSON"))?;
        let told =
            |path: &str| answer::at(body, &Path::new(path)).and_then(answer::text).filter(|text| !text.is_empty());
        let full = || -> Result<bool, ConnectorError> {
            let found = answer::list(body, &Path::new(list.records)).map_or(0, |rows| rows.len());
            Ok(found >= list.size.map_or(usize::MAX, |size| size.rows.max(1)))
        };
        Ok(match list.paging {
            Paging::Whole | Paging::Time { .. } => None,
            Paging::Cursor { next, more, last, .. } => {
                let set = |path: &String| answer::at(body, &Path::new(path)).is_some_and(answer::is_set);
                let ended = more.as_ref().is_some_and(|more| !set(more)) || last.as_ref().is_some_and(set);
                if ended { None } else { told(next).map(|next| next.to_string()) }
            }
            Paging::Link { next: Some(path) } => told(path).map(|next| self.relative(&next)).transpose()?,
            Paging::Link { next: None } => {
                let links = answer.headers().get_all(LINK).iter().filter_map(|link| link.to_str().ok());
                links.into_iter().find_map(next_link).map(|next| self.relative(next)).transpose()?
            }
            Paging::Page { first, .. } => {
                if full()? {
                    Some(number(place, *first)?.saturating_add(1).to_string())
                } else {
                    None
                }
            }
            Paging::Offset { .. } => {
                let rows = list.size.map_or(0, |size| size.rows);
                let behind = number(place, 0)?.saturating_add(u64::try_from(rows).unwrap_or(u64::MAX));
                if full()? { Some(behind.to_string()) } else { None }
            }
        })
    }

    /// An address of this system without its host: a cursor outlives a change of host, and no secret follows another.
    fn relative(&self, link: &str) -> Result<String, ConnectorError> {
        let url = self.base.join(link).ok().filter(|url| same_host(&self.base, url)).ok_or_else(elsewhere)?;
        Ok(match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        })
    }
}

fn number(place: Option<&str>, first: u64) -> Result<u64, ConnectorError> {
    let Some(place) = place else { return Ok(first) };
    place
        .parse()
        .map_err(|_| ConnectorError::new(ConnectorErrorKind::Malformed, "the cursor is not one that this surface gave"))
}

fn elsewhere() -> ConnectorError {
    ConnectorError::new(ConnectorErrorKind::Malformed, "the link to the next page leads to another host")
}

/// The target of `rel="next"` in a `Link` header (RFC 8288).
fn next_link(header: &str) -> Option<&str> {
    let mut rest = header;
    loop {
        let (_, link) = rest.split_once('<')?;
        let (target, behind) = link.split_once('>')?;
        // Parameters go to the next link, which begins behind a comma.
        let (parameters, following) = match behind.find(", <").or_else(|| behind.find(",<")) {
            Some(comma) => behind.split_at(comma),
            None => (behind, ""),
        };
        let next = parameters.split(';').any(|parameter| {
            let (name, value) = parameter.trim().split_once('=').unwrap_or_default();
            let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
            name.trim().eq_ignore_ascii_case("rel") && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
        });
        if next {
            return Some(target);
        }
        rest = following;
    }
}

#[cfg(test)]
mod tests {
    use super::next_link;

    #[test]
    fn the_next_page_is_found_among_links() {
        let cases = [
            (r#"<https://x/?page=2>; rel="next""#, Some("https://x/?page=2")),
            (r#"<https://x/?a=1,2>; rel="prev", <https://x/?page=3>; rel="next""#, Some("https://x/?page=3")),
            (r"<https://x/1>; rel=next; title=x", Some("https://x/1")),
            (r#"<https://x/1>; rel="last next""#, Some("https://x/1")),
            (r#"<https://x/1>; rel="last""#, None),
            (r#"<https://x/1>; title="next""#, None),
            ("", None),
        ];
        for (header, expected) in cases {
            assert_eq!(next_link(header), expected, "{header}");
        }
    }
}
