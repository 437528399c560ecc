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
use crate::read::id_of;

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
        let counts = matches!(list.paging, Paging::Page { .. } | Paging::Offset { .. });
        // Behind a number stands the last record of the page before: a system that counts otherwise is not asked for ever.
        let after = after.as_ref().map(|after| after.0.as_str());
        let (place, before) = match after.filter(|_| counts).and_then(|after| after.split_once('/')) {
            Some((place, before)) => (Some(place), Some(before)),
            None => (after, None),
        };
        let answered = self.page_of(&asked, &[], place).await?;
        let system = &self.description.system;
        let records = answered.records(system)?;
        let last = records.last().and_then(|record| id_of(object, record));
        if before.is_some() && last.as_deref() == before {
            return Err(malformed(system, "the page behind a page is that page again"));
        }
        let next = answered.next.as_ref().map(|next| match last.filter(|_| counts) {
            Some(last) => format!("{next}/{last}"),
            None => next.clone(),
        });
        let items = records.iter().map(|record| item(surface, record)).collect();
        Ok(Page { items, more: next.is_some(), next: next.map(Cursor) })
    }

    /// The page of a list at `place`, where a former page said that there is one.
    ///
    /// # Errors
    ///
    /// [`ConnectorErrorKind::Expired`] if the system does not take the place any more.
    pub(crate) async fn page_of(
        &self,
        list: &Asked<'_>,
        parameters: &[(&str, String)],
        place: Option<&str>,
    ) -> Result<Answered, ConnectorError> {
        let address = self.address_of(list, parameters, place)?;
        let answer = self.ask("GET", &address, &[], None).await?;
        let records = Path::new(list.records);
        match answer.status() {
            StatusCode::OK => {}
            // The first page was there: behind the last one, some systems have none.
            StatusCode::NOT_FOUND if place.is_some() && matches!(list.paging, Paging::Page { .. }) => {
                return Ok(Answered { body: Bytes::from_static(b"[]"), records: Path::default(), next: None });
            }
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::UNPROCESSABLE_ENTITY
                if place.is_some() =>
            {
                let error = self.unread(&answer, "go on with a list");
                return Err(ConnectorError { kind: ConnectorErrorKind::Expired, ..error });
            }
            _ => return Err(self.unread(&answer, "list records")),
        }
        let next = self.next(list, place, &address, &answer)?;
        Ok(Answered { body: answer.into_body(), records, next })
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
    fn next(
        &self,
        list: &Asked<'_>,
        place: Option<&str>,
        address: &Url,
        answer: &Response,
    ) -> Result<Option<String>, ConnectorError> {
        let system = &self.description.system;
        let body = answer::whole(answer.body()).ok_or_else(|| malformed(system, "no JSON"))?;
        let told =
            |path: &str| answer::at(body, &Path::new(path)).and_then(answer::text).filter(|text| !text.is_empty());
        // By count, the last page is the empty one: what is asked for is not always what a page holds.
        let found = || answer::list(body, &Path::new(list.records)).map_or(0, |rows| rows.len());
        let behind = |first: u64, rows: usize| -> Result<Option<String>, ConnectorError> {
            let next = number(place, first)?.saturating_add(u64::try_from(rows).unwrap_or(u64::MAX));
            Ok((found() > 0).then(|| next.to_string()))
        };
        Ok(match list.paging {
            Paging::Whole | Paging::Time { .. } => None,
            Paging::Cursor { next, more, last, .. } => {
                let set = |path: &Option<String>| -> Result<Option<bool>, ConnectorError> {
                    let Some(path) = path else { return Ok(None) };
                    let flag = answer::at(body, &Path::new(path)).map(answer::is_set);
                    flag.map(Some).ok_or_else(|| malformed(system, &format!("nothing at `{path}`")))
                };
                let (more, last) = (set(more)?, set(last)?);
                let next = told(next).map(|next| next.to_string());
                if more == Some(false) || last == Some(true) {
                    None
                } else if next.is_none() && (more.is_some() || last.is_some()) {
                    return Err(malformed(system, "there is more, and no cursor leads to it"));
                } else {
                    next
                }
            }
            Paging::Link { next: Some(path) } => told(path).map(|next| self.relative(address, &next)).transpose()?,
            Paging::Link { next: None } => {
                let links = answer.headers().get_all(LINK).iter().filter_map(|link| link.to_str().ok());
                links.into_iter().find_map(next_link).map(|next| self.relative(address, next)).transpose()?
            }
            Paging::Page { first, .. } => behind(*first, 1)?,
            Paging::Offset { .. } => behind(0, found())?,
        })
    }

    /// An address of this system without its host: a cursor outlives a change of host, and no secret follows another. A link
    /// begins where its page is.
    fn relative(&self, address: &Url, link: &str) -> Result<String, ConnectorError> {
        let url = address.join(link).ok().filter(|url| same_host(&self.base, url)).ok_or_else(elsewhere)?;
        Ok(match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        })
    }
}

fn number(place: Option<&str>, first: u64) -> Result<u64, ConnectorError> {
    let Some(place) = place else { return Ok(first) };
    place.parse().map_err(|_| Cursor::foreign())
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
