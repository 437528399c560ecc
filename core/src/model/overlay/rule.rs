//! `rules = [..]` of an attribute: what may not happen by itself, in the words that code has for it.

use std::sync::Arc;

use chrono::TimeDelta;

use crate::id::{AttributeId, EntityType};
use crate::model::EntityModel;
use crate::model::overlay::decide::systems;
use crate::model::overlay::read::Node;
use crate::ownership::Authority;
use crate::policy::Registry;
use crate::rule::AnyRule;
use crate::rule::named::{Asked, RuleWords, Then};

/// Gives attributes the rules that a file says of them. What it says of an attribute replaces what was in files before.
pub(super) fn rules(attributes: &[(&str, Node<'_, '_>)], model: &mut EntityModel, registry: &Registry) {
    for (id, node) in attributes {
        let Some(said) = node.is_table().then(|| node.fields()).flatten().and_then(|fields| fields.get("rules")) else {
            continue;
        };
        let Some(place) = model.attributes.iter().position(|attribute| attribute.id.as_str() == *id) else { continue };
        let kind = model.attributes[place].kind.name;
        let rules = said.items().iter().filter_map(|item| rule(item, model, kind, registry)).collect();
        model.attributes[place].rules = rules;
    }
}

fn rule(item: &Node<'_, '_>, model: &EntityModel, kind: &str, registry: &Registry) -> Option<Arc<dyn AnyRule>> {
    let fields = item.fields()?;
    let asked = fields.need("when", "what the rule asks of a change").and_then(|node| asked(&node, model));
    let thens = [("hold", Then::Hold), ("review", Then::Review), ("forbid", Then::Forbid), ("warn", Then::Warn)];
    let mut said = Vec::new();
    for (word, then) in thens {
        if let Some(node) = fields.get(word) {
            said.extend(node.text().map(|reason| (then, reason.to_owned())));
        }
    }
    let name = fields.get("name").and_then(|node| node.name().map(ToOwned::to_owned));
    let by_two = fields.flag("by_two").unwrap_or(false);
    fields.close();
    let [(then, reason)] = said.as_slice() else {
        fields.refuse("say one thing that happens, and why: `hold`, `review`, `forbid` or `warn`");
        return None;
    };
    let words = RuleWords { asked: asked?, then: *then, reason: reason.clone(), by_two, name };
    registry.rule(kind, &words).map_err(|problem| item.refuse(problem)).ok()
}

/// A condition: a word, or a table of which everything holds.
fn asked(node: &Node<'_, '_>, model: &EntityModel) -> Option<Asked> {
    if node.is_text() {
        let words = [("changes", 0), ("replaces", 1), ("clears", 2)];
        return Some(match node.word(&words)? {
            0 => Asked::Changes,
            1 => Asked::Replaces,
            _ => Asked::Clears,
        });
    }
    let fields = node.fields()?;
    let mut all: Vec<Option<Asked>> = Vec::new();
    let text = |key, make: fn(String) -> Asked| fields.get(key).map(|node| amount(&node).map(make));
    all.extend(text("becomes", Asked::Becomes));
    all.extend(text("above", Asked::Above));
    all.extend(text("below", Asked::Below));
    all.extend(text("moved_by", Asked::MovedBy));
    all.extend(fields.get("moved_by_percent").map(|node| percent(&node).map(Asked::MovedByPercent)));
    all.extend(fields.get("stood_for").map(|node| age(&node).map(Asked::StoodFor)));
    all.extend(fields.get("said_ago").map(|node| age(&node).map(Asked::SaidAgo)));
    all.extend(fields.get("said_by").map(|node| said_by(&node, model)));
    let roles = [("owner", Authority::Owner), ("co_owner", Authority::CoOwner), ("observer", Authority::Observer)];
    all.extend(fields.get("said_as").map(|node| node.word(&roles).map(Asked::SaidAs)));
    for (id, node) in fields.entries_of("other") {
        all.push(other_is(id, &node, model));
    }
    for (item, id) in fields.get("missing").map(|node| node.names()).unwrap_or_default() {
        all.push(other(id, &item, model).map(|(entity, id)| Asked::OtherMissing(entity, id)));
    }
    all.extend(fields.get("all").map(|node| several(&node, model).map(Asked::All)));
    all.extend(fields.get("any").map(|node| several(&node, model).map(Asked::Any)));
    all.extend(fields.get("not").map(|node| asked(&node, model).map(|one| Asked::Not(Box::new(one)))));
    fields.close();
    let mut all = all.into_iter().collect::<Option<Vec<Asked>>>()?;
    if all.is_empty() {
        fields.refuse("it asks for nothing: name a condition, such as `moved_by = \"100 USD\"`");
        return None;
    }
    Some(if all.len() == 1 { all.remove(0) } else { Asked::All(all) })
}

fn several(node: &Node<'_, '_>, model: &EntityModel) -> Option<Vec<Asked>> {
    node.items().iter().map(|item| asked(item, model)).collect()
}

/// A value as text, or a number as TOML writes it.
fn amount(node: &Node<'_, '_>) -> Option<String> {
    if node.is_text() { node.text().map(ToOwned::to_owned) } else { node.decimal().map(|number| number.to_string()) }
}

fn percent(node: &Node<'_, '_>) -> Option<u32> {
    let number = node.decimal()?.to_string();
    let percent = number.parse().ok();
    if percent.is_none() {
        node.refuse(format!("expected whole hundredths, such as 10, found {number}"));
    }
    percent
}

/// `30 days`, `12 hours`, `15 minutes`.
fn age(node: &Node<'_, '_>) -> Option<TimeDelta> {
    let text = node.text()?;
    let parsed = text.split_once(' ').and_then(|(number, unit)| {
        let number: i64 = number.parse().ok().filter(|number| *number > 0)?;
        match unit {
            "day" | "days" => TimeDelta::try_days(number),
            "hour" | "hours" => TimeDelta::try_hours(number),
            "minute" | "minutes" => TimeDelta::try_minutes(number),
            _ => None,
        }
    });
    if parsed.is_none() {
        node.refuse(format!("expected an age, such as `30 days`, `12 hours` or `15 minutes`, found `{text}`"));
    }
    parsed
}

fn said_by(node: &Node<'_, '_>, model: &EntityModel) -> Option<Asked> {
    let systems = systems(node, &model.objects);
    let one = systems.into_iter().next()?;
    node.is_text().then_some(Asked::SaidBy(one))
}

fn other_is(id: &str, node: &Node<'_, '_>, model: &EntityModel) -> Option<Asked> {
    let (entity, known) = other(id, node, model)?;
    let text = amount(node)?;
    let attribute = model.attributes.iter().find(|attribute| attribute.id == known)?;
    let Some(canonical) = (attribute.canonical)(&text) else {
        node.refuse(format!("`{text}` is no value of `{id}`"));
        return None;
    };
    Some(Asked::OtherIs(entity, known, canonical))
}

fn other(id: &str, node: &Node<'_, '_>, model: &EntityModel) -> Option<(EntityType, AttributeId)> {
    let ids: Vec<&str> = model.attributes.iter().map(|attribute| attribute.id.as_str()).collect();
    if ids.contains(&id) {
        return Some((model.entity.clone(), id.into()));
    }
    node.unknown(id, format!("this entity has no attribute `{id}`"), &ids);
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::Fingerprint;
    use crate::money;
    use crate::rule::{
        self, Condition, above, clears, moved_by, moved_by_percent, not, said_as, said_by, stood_for, when,
    };
    use crate::value::Money;

    const GUARDED: &str = r#"
entity = "customer"

[system.crm]
object = "contacts"

[system.erp]
object = "debtors"

[attribute.number]
kind = "text"
identity = true
at.crm = "number"
at.erp = "number"

[attribute.tier]
kind = "text"
at.crm = "tier"

[attribute.revenue]
kind = "money"
at.crm = { path = "revenue", currency = "USD" }
at.erp = { path = "revenue", currency = "USD" }
rules = [
    { when = { above = "10000000 USD" }, hold = "revenue over ten million", by_two = true },
    { when = { moved_by = "100 USD", not = { said_by = "erp" } }, review = "it moved", name = "far" },
    { when = { any = [{ moved_by_percent = 10 }, "clears"], other = { tier = "gold" } }, warn = "a good customer" },
    { when = { said_as = "co_owner", stood_for = "30 days", missing = "tier" }, forbid = "settled long ago" },
]
"#;

    /// A file says a rule in the words of code, and makes the very rule that code makes.
    #[test]
    fn the_rules_of_a_file_are_those_of_code() {
        let model = EntityModel::from_toml(GUARDED, &Registry::builtin()).expect("the file is right");
        let gold = Condition::<Money>::new("tier is gold", |_| rule::Met::No);
        let missing = Condition::<Money>::new("tier has no value", |_| rule::Met::No);
        let erased = [
            rule::erase::<Money, _>(when(above(money!(10_000_000 USD))).hold("revenue over ten million").by_two()),
            rule::erase::<Money, _>(
                when(moved_by(money!(100 USD)).and(not(said_by("erp")))).review("it moved").named("far"),
            ),
            rule::erase::<Money, _>(when(gold.and(moved_by_percent(10).or(clears()))).warn("a good customer")),
            rule::erase::<Money, _>(
                when(stood_for(TimeDelta::days(30)).and(said_as(Authority::CoOwner)).and(missing))
                    .forbid("settled long ago"),
            ),
        ];
        let portrait = |rule: &Arc<dyn AnyRule>| {
            let mut fingerprint = Fingerprint::new();
            rule.fingerprint(&mut fingerprint);
            (rule.name(), rule.four_eyes(), fingerprint.finish())
        };
        let revenue = &model.attributes[2];
        assert_eq!(
            revenue.rules.iter().map(portrait).collect::<Vec<_>>(),
            erased.iter().map(portrait).collect::<Vec<_>>()
        );
        let looks = |rule: &Arc<dyn AnyRule>| rule.looks_at();
        let tier = vec![("customer".into(), "tier".into())];
        assert_eq!(revenue.rules.iter().map(looks).collect::<Vec<_>>(), [vec![], vec![], tier.clone(), tier]);
        // An overlay that says rules of an attribute says all of them.
        let mut changed = model.clone();
        let overlay = "entity = 'customer'\n[attribute.revenue]\nrules = [{ when = 'changes', hold = 'look' }]";
        changed.overlay(overlay, &Registry::builtin()).expect("the overlay is right");
        assert_eq!(changed.attributes[2].rules.len(), 1);
        changed
            .overlay("entity = 'customer'\n[attribute.tier]\non_clear = 'hold'", &Registry::builtin())
            .expect("right");
        assert_eq!(changed.attributes[2].rules.len(), 1, "what it does not name stays");
    }

    #[test]
    fn what_is_no_rule_is_refused_with_its_line() {
        let cases = [
            (
                "{ when = { above = '5 USD' } }",
                "say one thing that happens, and why: `hold`, `review`, `forbid` or `warn`",
            ),
            ("{ when = 'changes', hold = 'a', warn = 'b' }", "say one thing that happens, and why"),
            ("{ hold = 'a' }", "`when` is missing: what the rule asks of a change"),
            ("{ when = 'change', hold = 'a' }", "`change` is not possible here"),
            ("{ when = {}, hold = 'a' }", "it asks for nothing"),
            ("{ when = { any = [] }, hold = 'a' }", "it asks for nothing"),
            ("{ when = { over = 5 }, hold = 'a' }", "there is no option `over` here"),
            ("{ when = { above = 'much' }, hold = 'a' }", "`much` is no value of kind `money`"),
            ("{ when = { stood_for = 'long' }, hold = 'a' }", "expected an age, such as `30 days`"),
            ("{ when = { said_by = 'shop' }, hold = 'a' }", "`shop` is not a system of this entity"),
            ("{ when = { other = { teir = 'gold' } }, hold = 'a' }", "this entity has no attribute `teir`"),
            ("{ when = { moved_by_percent = 2.5 }, hold = 'a' }", "expected whole hundredths"),
        ];
        for (rule, problem) in cases {
            let mut model = EntityModel::from_toml(GUARDED, &Registry::builtin()).expect("the file is right");
            let file = format!("entity = 'customer'\n[attribute.revenue]\nrules = [\n{rule},\n]");
            let refused = model.overlay(&file, &Registry::builtin()).expect_err(rule).to_string();
            assert!(refused.contains(problem), "{rule}: {refused}");
        }
        // An order is asked of what has one.
        let mut model = EntityModel::from_toml(GUARDED, &Registry::builtin()).expect("the file is right");
        let file = "entity = 'customer'\n[attribute.tier]\nrules = [{ when = { moved_by = 'x' }, hold = 'a' }]";
        let refused = model.overlay(file, &Registry::builtin()).expect_err("texts have no distance").to_string();
        assert!(refused.contains("`moved_by` cannot be asked of values of kind `text`"), "{refused}");
    }
}
