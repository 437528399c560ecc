//! A fourth system beside the three: what `docs/adding-a-system.md` shows is what is compiled and played here.
#![expect(clippy::unwrap_used, reason = "a test that finds nothing has failed")]

#[path = "fourth/model.rs"]
#[expect(unreachable_pub, reason = "the model is public in the quickstart")]
#[expect(clippy::duplicated_attributes, reason = "each `system(..)` has a `required` of its own")]
mod model;

use accordant::connector::{
    Connector, ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Delivery, Item, Page, ReadAnswer, RecordKey,
    Says, Verified, Write, WriteReceipt,
};
use accordant::id::SurfaceName;
use accordant::stamp::{Domain, TimeKind, TimeScale};
use accordant::surface::{
    Channel, Completeness, Deletes, EventSemantics, Guarantee, Merges, Order, Surface, SurfaceShape, TokenFormat,
};
use accordant::{Accordant, SeededEntropy};
use async_trait::async_trait;
use futures::executor::block_on;
use model::{Company, Customer};
use quickstart::generate::{Feed, SEED};
use quickstart::systems::{HubSpot, NetSuite, Shopify};
use quickstart::world::World;

/// A Zendesk that holds Ana alone, with an old telephone number.
struct Zendesk(Vec<Surface>);

const ANA: &str = r#"{"id":900,"updated_at":"2026-05-01T10:00:00Z","email":"Ana.Lopez@harborlight.example","phone":"(415) 555-0199",
    "user_fields":{"first_name":"Ana","last_name":"Lopez","customer_status":"active"}}"#;

impl Zendesk {
    fn new() -> Self {
        let modified = TimeScale { kind: TimeKind::RecordModified, precision_ms: 1_000, skew_ms: 0 };
        let surface = |name: &str, channel| Surface {
            name: name.into(),
            object: "users".into(),
            channel,
            semantics: EventSemantics {
                delivery: Guarantee::Snapshot,
                order: Order::By(Domain::Time(modified)),
                completeness: Completeness::Full,
                deletes: Deletes::Absence,
                merges: Merges::NeverTold,
                lag: chrono::TimeDelta::zero(),
                unrecoverable_after: None,
            },
            shape: SurfaceShape {
                id: "id".into(),
                token: "updated_at".into(),
                token_format: TokenFormat::Rfc3339,
                ..SurfaceShape::default()
            },
        };
        Self(vec![surface("users.scan", Channel::Scan), surface("users.read", Channel::Read)])
    }
}

fn ana(surface: &str) -> Item {
    Item::new(surface.into(), Says::Record, ANA.into())
}

#[async_trait]
impl Connector for Zendesk {
    fn system(&self) -> &str {
        "zendesk"
    }

    fn surfaces(&self) -> &[Surface] {
        &self.0
    }

    fn create_safety(&self) -> CreateSafety {
        CreateSafety::RemoteKey
    }

    fn verify(&self, _: &Delivery) -> Result<Verified, ConnectorError> {
        Err(ConnectorError::new(ConnectorErrorKind::Unsupported, "no webhooks here"))
    }

    async fn read_page(&self, _: &SurfaceName, _: Option<Cursor>) -> Result<Page, ConnectorError> {
        Ok(Page { items: vec![ana("users.scan")], next: None, more: false })
    }

    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        Ok(keys.iter().map(|_| ReadAnswer::Found(ana("users.read"))).collect())
    }

    async fn write_batch(&self, _: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        Err(ConnectorError::new(ConnectorErrorKind::Unavailable, "nothing is written in this test"))
    }
}

/// The lines of `new` that `old` does not have, in order; fails if `old` has lines that `new` lacks.
fn added<'a>(old: &str, new: &'a str) -> Vec<&'a str> {
    let mut old = old.lines().peekable();
    let added = new.lines().filter(|line| old.next_if_eq(line).is_none()).collect();
    assert_eq!(old.next(), None, "nothing of the model is changed or removed");
    added
}

#[test]
fn it_takes_at_most_fifteen_lines_and_the_guide_shows_them() {
    let added = added(include_str!("../src/model.rs"), include_str!("fourth/model.rs"));
    let guide = include_str!("../../../docs/adding-a-system.md");
    let shown: Vec<&str> = guide.lines().filter_map(|line| line.strip_prefix("+")).map(str::trim).collect();
    let connect = ".connect(Zendesk::new())";
    let mut lines: Vec<&str> = added.iter().map(|line| line.trim()).collect();
    lines.push(connect);
    assert_eq!(shown, lines, "the guide shows what is compiled here");
    assert!(lines.len() <= 15, "{} lines", lines.len());
}

#[test]
fn the_fourth_system_takes_part() {
    let directory = tempfile::tempdir().unwrap();
    Feed::of(SEED).unwrap().write(directory.path()).unwrap();
    let world = World::open(directory.path()).unwrap();
    let accordant = Accordant::builder()
        .clock(world.clock.clone())
        .entropy(SeededEntropy::new(SEED))
        .connect(HubSpot::new(&world.hubspot))
        .connect(Shopify::new(&world.shopify))
        .connect(NetSuite::new(&world.netsuite))
        .connect(Zendesk::new())
        .entity::<Customer>()
        .entity::<Company>()
        .entity::<model::Order>()
        .build()
        .unwrap();
    let acme = accordant.tenant("acme");
    block_on(async {
        for connection in ["hubspot", "shopify", "netsuite", "zendesk"] {
            acme.scan(connection).await.unwrap();
        }
        let ana = acme.find(Customer::EMAIL, "ana.lopez@harborlight.example").await.unwrap();
        assert_eq!(ana.len(), 1, "the same person in four systems");
        let view = acme.inspect(ana[0]).await.unwrap();
        assert_eq!(view.entity.links.len(), 4);
        assert!(view.to_string().contains("users/900"));
        // The number is HubSpot's to say, and Zendesk has never agreed with it: first contact is a plan of its own.
        let plan = acme.plan(ana[0]).toward("zendesk").bootstrap().await.unwrap();
        assert_eq!(plan.operations.iter().map(|one| one.unit.as_str()).collect::<Vec<_>>(), ["phone"]);
    });
}
