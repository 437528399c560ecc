//! From a request to what it asks for.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

use super::properties::Property;
use super::refusal::Refusal;
use super::{Act, Inside, associations};
use crate::json;

/// Answers a request that was let in.
pub(super) fn route(inside: &mut Inside, request: &Request<Bytes>, now: i64) -> Result<Response<Bytes>, Refusal> {
    let body: Value = if request.body().is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(request.body()).map_err(|_| Refusal::bad("Invalid input JSON"))?
    };
    let path = json::segments(request);
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let method = request.method().as_str();
    let act = Act { at: now, source: "INTEGRATION", by: "app" };
    match path.as_slice() {
        ["crm", "v3", "objects", object, rest @ ..] => objects(inside, method, object, rest, request, &body, act),
        ["crm", "v4", rest @ ..] => relations(inside, method, rest, &body, act),
        ["crm", "v3", "properties", object, rest @ ..] => properties(inside, method, object, rest, &body),
        ["webhooks", "v3", _, rest @ ..] => inside.webhooks.route(method, rest, &body, now),
        _ => Err(Refusal::not_found("no such path")),
    }
}

fn objects(
    inside: &mut Inside,
    method: &str,
    object: &str,
    rest: &[&str],
    request: &Request<Bytes>,
    body: &Value,
    act: Act<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let query = json::query(request);
    let parameter = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let number = |id: &str| id.parse::<u64>().map_err(|_| Refusal::not_found("resource not found"));
    let text = |key: &str| json::text(&body[key]).ok_or_else(|| Refusal::bad(format!("{key} is required")));
    match (method, rest) {
        ("GET", []) => inside.list(object, request),
        ("POST", []) => {
            let id = inside.create(object, &body["properties"], act)?;
            Ok(json::answer(StatusCode::CREATED, &inside.written(object, id, &body["properties"])))
        }
        ("POST", ["search"]) => inside.search(object, body, act.at),
        ("POST", ["merge"]) => {
            let (primary, other) = (number(&text("primaryObjectId")?)?, number(&text("objectIdToMerge")?)?);
            let id = inside.merge(object, primary, other, act)?;
            Ok(json::answer(StatusCode::OK, &inside.shown(object, id, &[])))
        }
        ("POST", ["gdpr-delete"]) => {
            let found = inside.named(object, &text("objectId")?, body["idProperty"].as_str()).map(|record| record.id);
            inside.purge(object, found.ok_or_else(|| Refusal::not_found("resource not found"))?, act)?;
            Ok(json::empty(StatusCode::NO_CONTENT))
        }
        ("POST", ["batch", what]) => inside.batch(object, what, parameter("archived") == Some("true"), body, act),
        ("GET", [id]) => inside.read(object, id, request),
        ("PATCH", [id]) => {
            let found = inside.named(object, id, parameter("idProperty")).map(|record| record.id);
            let found = found.ok_or_else(|| Refusal::not_found("resource not found"))?;
            let id = inside.update(object, found, &body["properties"], act)?;
            Ok(json::answer(StatusCode::OK, &inside.written(object, id, &body["properties"])))
        }
        ("DELETE", [id]) => {
            inside.archive(object, number(id)?, act)?;
            Ok(json::empty(StatusCode::NO_CONTENT))
        }
        _ => Err(Refusal::not_found("no such path")),
    }
}

fn relations(
    inside: &mut Inside,
    method: &str,
    rest: &[&str],
    body: &Value,
    act: Act<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let number = |id: &str| id.parse::<u64>().map_err(|_| Refusal::not_found("resource not found"));
    let end = |object: &str, id: &str| Ok::<_, Refusal>((object.to_owned(), number(id)?));
    match (method, rest) {
        ("GET", ["objects", from, id, "associations", to]) => {
            let found = inside.associated(from, number(id)?, to);
            Ok(json::answer(StatusCode::OK, &json!({ "results": found })))
        }
        ("PUT", ["objects", from, one, "associations", "default", to, other]) => {
            inside.associate(&end(from, one)?, &end(to, other)?, Vec::new(), act)?;
            let body = super::batch::complete(
                vec![json!({
                    "from": { "id": one }, "to": { "id": other },
                    "associationSpec": { "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1 },
                })],
                Vec::new(),
                act.at,
            );
            Ok(json::answer(StatusCode::OK, &body))
        }
        ("PUT", ["objects", from, one, "associations", to, other]) => {
            inside.associate(&end(from, one)?, &end(to, other)?, associations::kinds(body), act)?;
            let pair = associations::pair(from, number(one)?, to, number(other)?);
            Ok(json::answer(StatusCode::CREATED, &pair))
        }
        ("DELETE", ["objects", from, one, "associations", to, other]) => {
            inside.dissociate(&end(from, one)?, &end(to, other)?, act);
            Ok(json::empty(StatusCode::NO_CONTENT))
        }
        ("POST", ["associations", from, to, "batch", what @ ..]) => {
            let (status, body) = inside.association_batch(from, to, &what.join("/"), body, act)?;
            Ok(body.map_or_else(|| json::empty(status), |body| json::answer(status, &body)))
        }
        _ => Err(Refusal::not_found("no such path")),
    }
}

fn properties(
    inside: &mut Inside,
    method: &str,
    object: &str,
    rest: &[&str],
    body: &Value,
) -> Result<Response<Bytes>, Refusal> {
    let missing = || Refusal::not_found("no such property");
    match (method, rest) {
        ("GET", []) => {
            let shown = inside.properties.of(object)?.values().filter(|property| !property.hidden);
            let shown: Vec<Value> = shown.map(Property::json).collect();
            Ok(json::answer(StatusCode::OK, &json!({ "results": shown })))
        }
        ("POST", []) => {
            let property = inside.properties.define(object, Property::defined(body)?)?;
            Ok(json::answer(StatusCode::CREATED, &property.json()))
        }
        ("GET", [name]) => {
            let property = inside.properties.of(object)?.get(*name).ok_or_else(missing)?;
            Ok(json::answer(StatusCode::OK, &property.json()))
        }
        _ => Err(missing()),
    }
}
