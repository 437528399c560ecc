//! Reads, polls and scans, against a help desk on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use accordant::ManualClock;
use accordant::connector::{Connector as _, ConnectorErrorKind, Cursor, ReadAnswer, RecordKey};
use accordant::id::SurfaceName;
use accordant_http::{ReqwestTransport, SecretString};
use accordant_rehearsal::{Asleep, json, key, walk};
use accordant_rest::{Description, Rest};
use accordant_sandbox::{Served, serve};
use chrono::TimeDelta;
use serde_json::json;
use support::Desk;

struct Stage {
    desk: Desk,
    clock: Arc<ManualClock>,
    connector: Rest,
    _served: Served,
}

const ONE: &str = r#"one = { path = "/users/{id}.json", record = "user" }"#;

impl Stage {
    /// A desk, and a connector to it by these lines about users.
    async fn set(users: &str) -> Self {
        Self::bare(&format!("record = {{ modified = {{ at = \"updated_at\" }} }}\n{users}")).await
    }

    async fn bare(users: &str) -> Self {
        let clock = Arc::new(ManualClock::at("2026-11-21T08:00:00Z".parse().unwrap()));
        let desk = Desk::new(&clock);
        let served = serve(Arc::new(desk.clone()), 0).await.unwrap();
        let text = format!(
            "system = \"desk\"\nbase = \"{}\"\nauth = {{ by = \"bearer\" }}\n[objects.users]\n{users}",
            served.base
        );
        let description = Description::parse(&text).unwrap();
        let transport = Arc::new(ReqwestTransport::new(Default::default()).unwrap());
        let sleep = Arc::new(Asleep(clock.clone()));
        let connector = Rest::new(description, &SecretString::from("t"), transport, clock.clone(), sleep).unwrap();
        Self { desk, clock, connector, _served: served }
    }

    fn people(&self, ids: impl IntoIterator<Item = u64>) {
        for id in ids {
            self.desk.edit(id, &json!({ "email": format!("n{id}@acme.test") }));
        }
    }

    async fn ids(&self, surface: &str, after: Option<Cursor>) -> (Vec<u64>, Option<Cursor>) {
        let (items, next) = walk(&self.connector, surface, after).await;
        (items.iter().map(|item| json(item)["id"].as_u64().unwrap()).collect(), next)
    }
}

#[tokio::test]
async fn a_scan_reads_every_record_once_however_it_is_paged() {
    let pagings = [
        r#"list = { path = "/users.json", records = "users", size = { parameter = "page[size]", rows = 2 }, paging = { by = "cursor", parameter = "page[after]", next = "meta.after_cursor", more = "meta.has_more" } }"#,
        r#"list = { path = "/linked", paging = { by = "link" } }"#,
        r#"list = { path = "/counted", size = { parameter = "rows", rows = 2 }, paging = { by = "page", parameter = "page" } }"#,
        r#"list = { path = "/counted", size = { parameter = "rows", rows = 2 }, paging = { by = "offset", parameter = "skip" } }"#,
    ];
    for paging in pagings {
        for count in [0, 1, 2, 5, 6] {
            let stage = Stage::set(paging).await;
            stage.people(1..=count);
            let (ids, _) = stage.ids("users.scan", None).await;
            assert_eq!(ids, (1..=count).collect::<Vec<_>>(), "{count} by {paging}");
        }
    }
}

#[tokio::test]
async fn a_link_to_another_host_is_not_followed() {
    let list = r#"list = { path = "/linked", query = { to = "evil.example" }, paging = { by = "link" } }"#;
    let stage = Stage::set(list).await;
    stage.people(1..=5);
    let error = stage.connector.read_page(&SurfaceName::from("users.scan"), None).await.unwrap_err();
    assert_eq!(error.kind, ConnectorErrorKind::Malformed);
    let forged = Cursor("https://evil.example/linked?at=2".into());
    assert!(stage.connector.read_page(&SurfaceName::from("users.scan"), Some(forged)).await.is_err());
    assert_eq!(stage.desk.requests().len(), 1);
}

/// Polls miss nothing: what changes while pages are read, what shares an instant, what comes later.
#[tokio::test]
async fn polls_hear_of_every_change_however_they_are_paged() {
    let pagings = [
        r#"changed = { path = "/since", since = { parameter = "from" }, size = { parameter = "rows", rows = 3 }, paging = { by = "time", after_id = "after_id" } }"#,
        r#"changed = { path = "/incremental/users/cursor.json", records = "users", since = { parameter = "start_time", written = "seconds" }, size = { parameter = "per_page", rows = 3 }, paging = { by = "cursor", parameter = "cursor", next = "after_cursor", last = "end_of_stream" } }"#,
    ];
    for paging in pagings {
        let stage = Stage::set(paging).await;
        // Seven at one instant, and three a page.
        stage.people(1..=7);
        stage.clock.advance(TimeDelta::seconds(1));
        stage.people(8..=9);
        let (mut ids, next) = stage.ids("users.changed", None).await;
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids, (1..=9).collect::<Vec<_>>(), "{paging}");
        // The next poll reaches back over all of them, the one after that over none.
        stage.clock.advance(TimeDelta::hours(1));
        let (again, next) = stage.ids("users.changed", next).await;
        assert_eq!(again.len(), 9, "{paging}");
        stage.people([4]);
        stage.clock.advance(TimeDelta::minutes(1));
        let (ids, next) = stage.ids("users.changed", next).await;
        assert_eq!(ids, [4], "{paging}");
        // What became visible late is within the overlap.
        let (ids, _) = stage.ids("users.changed", next).await;
        assert_eq!(ids, [4], "{paging}");
    }
}

#[tokio::test]
async fn an_instant_that_fills_a_page_is_an_error_where_nothing_leads_past_it() {
    let stage = Stage::set(
        r#"changed = { path = "/since", since = { parameter = "from" }, size = { parameter = "rows", rows = 3 }, paging = { by = "time" } }"#,
    )
    .await;
    stage.people(1..=7);
    let name = SurfaceName::from("users.changed");
    let page = stage.connector.read_page(&name, None).await.unwrap();
    let error = stage.connector.read_page(&name, page.next.clone()).await.unwrap_err();
    assert!(error.to_string().contains("after_id") && error.to_string().contains("size"), "{error}");
    // What the error says helps, at the very cursor that is stored; or at one that was given for such an instant before.
    let mends = [
        r#"size = { parameter = "rows", rows = 8 }, paging = { by = "time" }"#,
        r#"size = { parameter = "rows", rows = 3 }, paging = { by = "time", after_id = "after_id" }"#,
    ];
    let former = page.next.as_ref().map(|cursor| Cursor(cursor.0.replace("walk/", "instant/")));
    for (mend, after) in mends.iter().flat_map(|mend| [(mend, page.next.clone()), (mend, former.clone())]) {
        let text = format!(r#"changed = {{ path = "/since", since = {{ parameter = "from" }}, {mend} }}"#);
        let mended = Stage::set(&text).await;
        mended.people(1..=7);
        let (ids, rest) = mended.ids("users.changed", after).await;
        assert_eq!(ids, (1..=7).collect::<Vec<_>>(), "{mend}");
        assert!(rest.unwrap().0.starts_with("rest/"));
    }
}

/// A system may give fewer than it is asked for: what is not empty is not the last page.
#[tokio::test]
async fn a_page_that_is_shorter_than_asked_for_is_not_the_last() {
    let pagings = [
        r#"size = { parameter = "rows", rows = 500 }, paging = { by = "page", parameter = "page" }"#,
        r#"size = { parameter = "rows", rows = 500 }, paging = { by = "offset", parameter = "skip" }"#,
        r#"paging = { by = "page", parameter = "page" }"#,
        r#"paging = { by = "offset", parameter = "skip" }"#,
    ];
    for paging in pagings {
        for query in [r#"cap = "2""#, r#"cap = "2", strict = "1""#] {
            if query.contains("strict") && paging.contains("offset") {
                continue;
            }
            let stage =
                Stage::set(&format!(r#"list = {{ path = "/counted", query = {{ {query} }}, {paging} }}"#)).await;
            stage.people(1..=7);
            assert_eq!(stage.ids("users.scan", None).await.0, (1..=7).collect::<Vec<_>>(), "{paging}");
        }
        // Nor does it go on for ever where the number is not heard.
        let deaf = Stage::set(&format!(r#"list = {{ path = "/counted", query = {{ deaf = "1" }}, {paging} }}"#)).await;
        deaf.people(1..=7);
        let name = SurfaceName::from("users.scan");
        let first = deaf.connector.read_page(&name, None).await.unwrap();
        let error = deaf.connector.read_page(&name, first.next).await.unwrap_err();
        assert!(error.to_string().contains("that page again"), "{error}");
    }
}

/// What is described as saying whether there is more says it, and a cursor leads there: else a list would end early, and look
/// complete.
#[tokio::test]
async fn a_list_that_does_not_say_whether_there_is_more_is_no_list() {
    let malformed = Err(ConnectorErrorKind::Malformed);
    let cases = [
        (r#"more = "more""#, r#"{"users":[],"next":"7","more":true}"#, Ok(true)),
        (r#"more = "more""#, r#"{"users":[],"next":"7","more":false}"#, Ok(false)),
        (r#"more = "more""#, r#"{"users":[],"next":"7","more":0}"#, Ok(false)),
        (r#"more = "more""#, r#"{"users":[],"next":"7"}"#, malformed),
        (r#"more = "more""#, r#"{"users":[],"next":null,"more":true}"#, malformed),
        (r#"last = "last""#, r#"{"users":[],"next":"7","last":false}"#, Ok(true)),
        (r#"last = "last""#, r#"{"users":[],"next":"7","last":true}"#, Ok(false)),
        (r#"last = "last""#, r#"{"users":[],"next":"7"}"#, malformed),
        (r#"last = "last""#, r#"{"users":[],"next":"","last":false}"#, malformed),
    ];
    for (flag, body, expected) in cases {
        let list = format!(
            r#"list = {{ path = "/said", query = {{ body = '{body}' }}, records = "users", paging = {{ by = "cursor", parameter = "after", next = "next", {flag} }} }}"#
        );
        let stage = Stage::set(&list).await;
        let page = stage.connector.read_page(&SurfaceName::from("users.scan"), None).await;
        assert_eq!(page.map(|page| page.more).map_err(|error| error.kind), expected, "{flag} {body}");
    }
}

/// A link begins where its page is, and not where the description's paths do.
#[tokio::test]
async fn a_relative_link_leads_on_from_its_page() {
    for spelled in ["pages", "here", "/deep/pages"] {
        let list = format!(
            r#"list = {{ path = "/deep/pages", query = {{ spelled = "{spelled}" }}, records = "users", paging = {{ by = "link", next = "next" }} }}"#
        );
        let stage = Stage::set(&list).await;
        stage.people(1..=5);
        assert_eq!(stage.ids("users.scan", None).await.0, (1..=5).collect::<Vec<_>>(), "{spelled}");
    }
}

/// A cursor of the system's that it takes no more is left for the first page of the same window; in a scan, the engine is told
/// that it has expired.
#[tokio::test]
async fn a_cursor_that_the_system_takes_no_more_stops_no_poll() {
    let paging = r#"records = "users", size = { parameter = "per_page", rows = 3 }, paging = { by = "cursor", parameter = "cursor", next = "after_cursor", last = "end_of_stream" }"#;
    let path = "/incremental/users/cursor.json";
    let changed = format!(
        r#"changed = {{ path = "{path}", since = {{ parameter = "start_time", written = "seconds" }}, {paging} }}"#
    );
    let scanned = format!(r#"list = {{ path = "{path}", query = {{ start_time = "0" }}, {paging} }}"#);
    for status in [400, 404, 410, 422] {
        let stage = Stage::set(&format!("{changed}\n{scanned}")).await;
        stage.people(1..=7);
        let read = async |surface: &str, after| {
            let page = stage.connector.read_page(&SurfaceName::from(surface), after).await;
            page.map_err(|error| error.kind)
        };
        let polled = read("users.changed", None).await.unwrap();
        let scanned = read("users.scan", None).await.unwrap();
        stage.desk.expires(Some(status));
        let again = read("users.changed", polled.next).await.unwrap();
        assert_eq!((again.items.len(), again.more), (3, true), "{status}: the first page");
        assert_eq!(read("users.scan", scanned.next).await.unwrap_err(), ConnectorErrorKind::Expired, "{status}");
        stage.desk.expires(None);
        assert_eq!(stage.ids("users.changed", again.next).await.0, [4, 5, 6, 7], "{status}");
    }
}

/// What a description says of a header is what is sent, once.
#[tokio::test]
async fn a_described_header_is_sent_once() {
    let stage = Stage::set(&format!(
        "list = {{ path = \"/users.json\", records = \"users\" }}\n{ONE}\nupdate = {{ path = \"/users/{{id}}.json\", body = \"user\" }}\n\
         [headers]\nAccept = \"application/vnd.desk+json\"\nContent-Type = \"application/vnd.desk+json\""
    ))
    .await;
    stage.people([7]);
    let change = accordant_rehearsal::write(
        "users",
        1,
        accordant::connector::WriteAction::Update { id: "7".into() },
        [("email", "x@acme.test")],
    );
    stage.connector.write_batch(vec![change]).await.unwrap();
    let headers = stage.desk.last_headers();
    assert_eq!((headers["accept"], headers["content-type"]), (1, 1), "{headers:?}");
}

#[tokio::test]
async fn a_record_is_read_as_it_is_or_gone_or_failed() {
    let stage = Stage::set(&format!("list = {{ path = \"/users.json\", records = \"users\" }}\n{ONE}")).await;
    stage.people([7]);
    let keys = [key("users", "7"), key("users", "8"), key("users", ".."), key("users", "7/../8"), key("orders", "1")];
    let answers = stage.connector.read_records(&keys).await.unwrap();
    assert!(matches!(&answers[0], ReadAnswer::Found(item) if json(item)["email"] == "n7@acme.test"));
    assert!(answers[1..4].iter().all(|answer| matches!(answer, ReadAnswer::Gone)), "{answers:?}");
    assert!(matches!(&answers[4], ReadAnswer::Failed(error) if error.kind == ConnectorErrorKind::Unsupported));
    let by_key = RecordKey { object: "users".into(), id: "k".into(), by_create_key: true };
    assert!(matches!(&stage.connector.read_records(&[by_key]).await.unwrap()[0], ReadAnswer::Failed(_)));
}

#[tokio::test]
async fn an_answer_in_another_shape_is_an_error_that_names_the_place() {
    let stage = Stage::set(r#"list = { path = "/users.json", records = "people" }"#).await;
    let error = stage.connector.read_page(&SurfaceName::from("users.scan"), None).await.unwrap_err();
    assert!(error.to_string().contains("no list at `people`"), "{error}");
    assert_eq!(error.kind, ConnectorErrorKind::Malformed);
}

/// A record that is deleted by an instant is archived to whoever hears of it.
#[tokio::test]
async fn a_record_that_is_deleted_by_an_instant_is_archived() {
    use accordant::surface::{Archived, Flag};
    let stage = Stage::bare(
        "record = { modified = { at = \"updated_at\" }, deleted = { at = \"deleted_at\", kept_days = 30 } }\n\
         list = { path = \"/users.json\", records = \"users\" }",
    )
    .await;
    let archived = Some(Archived { at: "deleted_at".into(), flag: Flag::Set });
    assert!(stage.connector.surfaces().iter().all(|surface| surface.shape.archived == archived));
}

#[tokio::test]
async fn surfaces_promise_what_is_described_and_no_more() {
    let stage = Stage::set(&format!("list = {{ path = \"/users.json\", records = \"users\" }}\n{ONE}")).await;
    let names: Vec<&str> = stage.connector.surfaces().iter().map(|surface| surface.name.as_str()).collect();
    assert_eq!(names, ["users.scan", "users.read"]);
}
