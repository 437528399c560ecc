use crate::fingerprint::{Digest, Fingerprint};
use crate::policy::builtin::fixture::{Number, World, says};
use crate::policy::{AnyPolicy, PolicySpec, Registry, builtin, erase};
use crate::value::{Composite, Value};

fn registry() -> Registry {
    Registry::builtin().ordered::<Number>().additive::<Number>()
}

const KIND: &str = Number::KIND.name;

fn digest(policy: &dyn AnyPolicy) -> Digest {
    let mut fingerprint = Fingerprint::new();
    policy.fingerprint(&mut fingerprint);
    fingerprint.finish()
}

#[test]
fn a_file_names_the_very_policy_that_the_derive_names() {
    let number: &[(&str, std::sync::Arc<dyn AnyPolicy>)] = &[
        ("'owner'", erase::<Number, _>(builtin::owner())),
        (
            "{ policy = 'owner_with_fallback', systems = ['b'] }",
            erase::<Number, _>(builtin::owner_with_fallback(&["b"])),
        ),
        ("'latest'", erase::<Number, _>(builtin::latest())),
        ("{ policy = 'latest' }", erase::<Number, _>(builtin::latest())),
        ("{ policy = 'latest', within = 3 }", erase::<Number, _>(builtin::latest().within(3))),
        ("'most_recent_authoritative'", erase::<Number, _>(builtin::most_recent_authoritative())),
        (
            "{ policy = 'source_priority', systems = ['n', 'h'] }",
            erase::<Number, _>(builtin::source_priority(&["n", "h"])),
        ),
        (
            "{ policy = 'trust', systems = { h = 90 }, half_life_days = 30, floor = 5, downgrade_invalid = 7 }",
            erase::<Number, _>(builtin::trust(&[("h", 90)]).half_life_days(30).floor(5).downgrade_invalid(7)),
        ),
        (
            "{ policy = 'weighted', systems = { h = 3, n = 2 } }",
            erase::<Number, _>(builtin::weighted(&[("h", 3), ("n", 2)])),
        ),
        ("'consensus'", erase::<Number, _>(builtin::consensus())),
        ("{ policy = 'consensus_of', origins = 2 }", erase::<Number, _>(builtin::consensus_of(2))),
        ("'longest'", erase::<Number, _>(builtin::longest())),
        ("'minimum'", erase::<Number, _>(builtin::minimum())),
        ("'maximum'", erase::<Number, _>(builtin::maximum())),
        ("'monotone'", erase::<Number, _>(builtin::monotone())),
        ("'sum'", erase::<Number, _>(builtin::sum())),
        ("'union'", erase::<Number, _>(builtin::union())),
        ("'three_way'", erase::<Number, _>(builtin::three_way())),
        ("'park'", erase::<Number, _>(builtin::park())),
        ("'manual'", erase::<Number, _>(builtin::manual())),
    ];
    for (text, expected) in number {
        let spec: PolicySpec = text.parse().expect(text);
        let policy = registry().policy(KIND, &spec).expect(text);
        assert_eq!(digest(&*policy), digest(&**expected), "{text}");
    }
    let named: std::collections::BTreeSet<String> =
        number.iter().map(|(_, policy)| policy.name().into_owned()).collect();
    assert_eq!(registry().known(KIND), named.into_iter().collect::<Vec<_>>(), "every policy of the kind is tested");
    let most = registry().policy("composite", &PolicySpec::new("most_complete")).expect("composites have it");
    assert_eq!(digest(&*most), digest(&*erase::<Composite, _>(builtin::most_complete())));
}

#[test]
fn what_is_wrong_with_a_policy_is_said() {
    let known = "consensus, consensus_of, latest, longest, manual, most_recent_authoritative, owner, owner_with_fallback, \
                 park, source_priority, three_way, trust, union, weighted";
    let systems = "expected a list of systems: [\"netsuite\", \"hubspot\"]";
    let cases: &[(&str, &str, &str)] = &[
        (
            "status",
            "'lastest'",
            &format!(
                "there is no policy `lastest` for values of kind `status`; did you mean `latest`? (known: {known})"
            ),
        ),
        ("status", "'sum'", &format!("there is no policy `sum` for values of kind `status` (known: {known})")),
        (
            KIND,
            "{ policy = 'latest', witin = 3 }",
            "parameter `witin` of `latest`: no such parameter; did you mean `within`? (known: within)",
        ),
        (KIND, "{ policy = 'owner', x = 3 }", "parameter `x` of `owner`: no such parameter (it takes none in a file)"),
        (
            KIND,
            "{ policy = 'latest', within = 'x' }",
            "parameter `within` of `latest`: expected a whole number, found a text",
        ),
        (KIND, "{ policy = 'latest', within = -1 }", "parameter `within` of `latest`: -1 is out of range"),
        (KIND, "'source_priority'", &format!("parameter `systems` of `source_priority`: {systems}")),
        (
            KIND,
            "{ policy = 'source_priority', systems = [] }",
            &format!("parameter `systems` of `source_priority`: {systems}"),
        ),
        (
            KIND,
            "{ policy = 'source_priority', systems = ['a', 'a'] }",
            "parameter `systems` of `source_priority`: `a` is named twice, so the order is not clear",
        ),
        (
            KIND,
            "{ policy = 'trust', systems = { h = 0.9 } }",
            "parameter `systems` of `trust`: expected a number for each system: { netsuite = 90, hubspot = 70 }, found a fraction for `h`",
        ),
        (
            KIND,
            "'consensus_of'",
            "parameter `origins` of `consensus_of`: expected how many origins must agree, from 1 to 65535",
        ),
        (
            "status",
            "{ policy = 'trust', systems = { h = 9 }, downgrade_invalid = 1 }",
            "parameter `downgrade_invalid` of `trust`: values of kind `status` cannot be read here: register the type with `Registry::kind`",
        ),
    ];
    for (kind, text, expected) in cases {
        let spec: PolicySpec = text.parse().expect(text);
        let mistakes = registry().policy(kind, &spec).expect_err(text);
        assert_eq!(mistakes.iter().map(ToString::to_string).collect::<Vec<_>>(), [*expected], "{text}");
    }
}

#[test]
fn what_names_no_policy_is_refused() {
    for (text, expected) in [
        ("3", "expected a policy's name or `{ policy = \"name\", .. }`, found a whole number"),
        ("{ systems = ['a'] }", "a policy with parameters names itself: `{ policy = \"name\", .. }`"),
        ("{ policy = 3 }", "`policy` is the policy's name, found a whole number"),
    ] {
        assert_eq!(text.parse::<PolicySpec>().expect_err(text).to_string(), expected);
    }
    assert!("{".parse::<PolicySpec>().expect_err("syntax").to_string().starts_with("not a TOML value"));
}

#[test]
fn a_policy_of_the_users_goes_first_and_belongs_to_its_kind() {
    let world = World::of(&[says("a", "1").at(1), says("b", "2").at(2)]);
    let registry = registry().with::<Number>(Lowest);
    let own = registry.policy(KIND, &PolicySpec::new("latest")).expect("it is registered");
    assert_eq!(world.show(world.answer_of(&*own)), "1");
    let other = registry.policy("composite", &PolicySpec::new("latest")).expect("it is built in");
    assert_eq!(world.show(world.answer_of(&*other)), "2");
}

/// Bears a built-in name, and takes the smallest.
#[derive(Debug, Clone)]
struct Lowest;

impl crate::policy::Policy<Number> for Lowest {
    fn name(&self) -> std::borrow::Cow<'static, str> {
        "latest".into()
    }
    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }
    fn resolve(&self, candidates: &crate::policy::Candidates<'_, Number>) -> crate::policy::Answer<Number> {
        builtin::minimum().resolve(candidates)
    }
}
