//! Descriptions: what is wrong with one is told by its place, with what to write there, all at once.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use accordant_rest::{Description, Mistakes, Paging};

const GOOD: &str = include_str!("fourth/zendesk.toml");

/// Mistakes in the good description after a change.
fn mistakes(change: impl FnOnce(&mut toml::Table)) -> String {
    let mut table: toml::Table = GOOD.parse().unwrap();
    change(&mut table);
    let text = toml::to_string(&table).unwrap();
    Description::parse(&text).unwrap_err().to_string()
}

fn at<'t>(table: &'t mut toml::Table, path: &str) -> &'t mut toml::Table {
    path.split('.')
        .fold(table, |table, key| table.entry(key).or_insert_with(|| toml::Table::new().into()).as_table_mut().unwrap())
}

#[test]
fn a_good_one_is_read_as_it_is_written() {
    let description = Description::parse(GOOD).unwrap();
    assert_eq!((description.system.as_str(), description.objects.len()), ("zendesk", 1));
    let list = description.objects["users"].list.as_ref().unwrap();
    assert!(matches!(&list.paging, Paging::Cursor { parameter, .. } if parameter == "page[after]"));
}

#[test]
fn every_mistake_names_its_place_and_what_to_write() {
    type Change = fn(&mut toml::Table);
    let cases: [(&str, Change, &str); 23] = [
        ("base", |table| drop(table.insert("base".into(), "acme".into())), "`base`: is no address: write `https://`"),
        (
            "user in base",
            |table| drop(table.insert("base".into(), "https://me:x@acme.example".into())),
            "`base`: has a query or a user",
        ),
        (
            "unknown field",
            |table| drop(at(table, "objects.users.list").insert("pagin".into(), "x".into())),
            "`objects.users.list.pagin`: unknown field `pagin`, expected one of",
        ),
        (
            "type",
            |table| drop(at(table, "objects.users.list.size").insert("rows".into(), "many".into())),
            "`objects.users.list.size.rows`: invalid type",
        ),
        (
            "unknown paging",
            |table| drop(at(table, "objects.users.list.paging").insert("by".into(), "magic".into())),
            "`objects.users.list.paging.by`: unknown variant `magic`, expected one of",
        ),
        (
            "secret",
            |table| drop(at(table, "headers").insert("Authorization".into(), "Bearer x".into())),
            "`headers.Authorization`: is a secret",
        ),
        (
            "brace",
            |table| drop(at(table, "objects.users.one").insert("path".into(), "/users".into())),
            "`objects.users.one.path`: has no `{id}`: write where it goes",
        ),
        (
            "slash",
            |table| drop(at(table, "objects.users.list").insert("path".into(), "users".into())),
            "`objects.users.list.path`: is no path",
        ),
        (
            "another host",
            |table| drop(at(table, "objects.users.list").insert("path".into(), "@evil.example/".into())),
            "`objects.users.list.path`: is no path",
        ),
        (
            "page numbers",
            |table| {
                let paging = at(table, "objects.users.changed.paging");
                *paging = toml::Table::from_iter([("by".into(), "page".into()), ("parameter".into(), "page".into())]);
            },
            "`objects.users.changed.paging.by`: counts rows, and a row that moves",
        ),
        (
            "time without a size",
            |table| {
                at(table, "objects.users.changed").remove("size");
                *at(table, "objects.users.changed.paging") = toml::Table::from_iter([("by".into(), "time".into())]);
            },
            "`objects.users.changed.size`: is missing",
        ),
        (
            "twice ordered",
            |table| drop(at(table, "objects.users.record").insert("version".into(), "version".into())),
            "`objects.users.record`: is ordered twice",
        ),
        (
            "safety without a look",
            |table| drop(at(table, "objects.users.create").remove("find")),
            "`objects.users.create.safety`: needs `key` and `find`",
        ),
        (
            "writes without a read",
            |table| drop(at(table, "objects.users").remove("one")),
            "`objects.users.one`: is missing",
        ),
        (
            "method",
            |table| drop(at(table, "objects.users.update").insert("method".into(), "put".into())),
            "`objects.users.update.method`: is none of",
        ),
        ("limit", |table| drop(at(table, "limit").remove("seconds")), "`limit`: needs both `requests` and `seconds`"),
        (
            "webhooks of nothing",
            |table| {
                let webhooks = at(table, "webhooks");
                webhooks.insert("header".into(), "x-signature".into());
                webhooks.insert("id".into(), "id".into());
                at(table, "webhooks.objects").insert("ticket".into(), "tickets".into());
            },
            "`webhooks.objects.ticket`: names no object type of this description",
        ),
        (
            "fragment in base",
            |table| drop(table.insert("base".into(), "https://acme.example/v2#x".into())),
            "`base`: has a fragment",
        ),
        (
            "nameless page",
            |table| {
                let paging = at(table, "objects.users.list.paging");
                *paging = toml::Table::from_iter([("by".into(), "page".into()), ("parameter".into(), "".into())]);
            },
            "`objects.users.list.paging.parameter`: is empty",
        ),
        (
            "nameless offset",
            |table| {
                let paging = at(table, "objects.users.list.paging");
                *paging = toml::Table::from_iter([("by".into(), "offset".into()), ("parameter".into(), "".into())]);
            },
            "`objects.users.list.paging.parameter`: is empty",
        ),
        (
            "nameless since",
            |table| drop(at(table, "objects.users.changed.since").insert("parameter".into(), "".into())),
            "`objects.users.changed.since.parameter`: is empty",
        ),
        (
            "nameless size",
            |table| drop(at(table, "objects.users.list.size").insert("parameter".into(), "".into())),
            "`objects.users.list.size.parameter`: is empty",
        ),
        (
            "webhooks without ids",
            |table| {
                let webhooks = at(table, "webhooks");
                webhooks.insert("header".into(), "x-signature".into());
                webhooks.insert("id".into(), "".into());
                at(table, "webhooks.objects").insert("user".into(), "users".into());
            },
            "`webhooks.id`: is empty",
        ),
    ];
    for (name, change, expected) in cases {
        let told = mistakes(change);
        assert!(told.contains(expected), "{name}: {told}");
    }
}

#[test]
fn all_mistakes_are_told_together() {
    let mut description = Description::parse(GOOD).unwrap();
    description.base.clear();
    description.objects.get_mut("users").unwrap().one = None;
    let Mistakes(found) = description.check().unwrap_err();
    let places: Vec<&str> = found.iter().map(|mistake| mistake.place.as_str()).collect();
    assert_eq!(places, ["base", "objects.users.one"]);
}

#[test]
fn what_is_no_toml_says_where() {
    let told = Description::parse("system = \n").unwrap_err().to_string();
    assert!(told.contains("line 1"), "{told}");
}
