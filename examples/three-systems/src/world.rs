//! The world: three accounts on loopback, one clock, an engine on a store on disk, and a door for webhooks.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use accordant::chrono::{DateTime, TimeDelta, Utc};
use accordant::model::Canonical as _;
use accordant::{Accordant, Clock as _, ManualClock, SeededEntropy, SqliteStore, Tenant};
use accordant_http::oauth::{Algorithm, Assertion};
use accordant_http::{ReqwestTransport, Settings, Sleep, Transport};
use accordant_sandbox::{Accounts, KeyPair, Remote, Served, deliver, hubspot, netsuite, serve, shopify};
use async_trait::async_trait;
use bytes::Bytes;
use chrono_tz::America::Phoenix;
use http::Request;
use quickstart::model::{Company, Customer, Order};
use serde_json::{Value, json};

use crate::attribute::{Attribute, SYSTEMS, email_path};
use crate::door::Door;
use crate::{Failure, script};

/// What ids, salts and all chance are drawn from.
const SEED: u64 = 20_261_121;

/// When the story begins.
const MORNING: &str = "2026-11-23T08:00:00Z";

/// Whoever waits at a limit moves the clock.
struct Waits(Arc<ManualClock>);

#[async_trait]
impl Sleep for Waits {
    async fn sleep(&self, time: TimeDelta) {
        self.0.advance(time);
    }
}

/// The accounts, and what runs on them.
pub struct World {
    /// The three accounts.
    pub accounts: Accounts,
    /// Everybody's clock.
    pub clock: Arc<ManualClock>,
    /// The store of the engine.
    pub store: SqliteStore,
    tenant: Option<Tenant>,
    starts: u64,
    served: [Served; 3],
    key: KeyPair,
    door: Door,
    transport: ReqwestTransport,
    /// What systems called the customers of the morning.
    ids: BTreeMap<(&'static str, String), String>,
    /// Goes with the world.
    _folder: tempfile::TempDir,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("accounts", &self.accounts).finish_non_exhaustive()
    }
}

impl World {
    /// Three accounts with these customers, who are the same in each, and an engine that knows nothing yet.
    ///
    /// # Errors
    ///
    /// If an account does not take a customer, or nothing can be put on loopback.
    pub async fn open(customers: &[script::Customer]) -> Result<Self, Failure> {
        let clock = Arc::new(ManualClock::at(MORNING.parse()?));
        let key = KeyPair::generate()?;
        let books = netsuite::Settings {
            client: "three-systems".into(),
            certificate: "certificate-1".into(),
            public_key: key.public.clone(),
            zone: Phoenix,
            seed: SEED + 3,
        };
        let hubspot = Arc::new(accordant_sandbox::HubSpot::new(
            hubspot::Settings { seed: SEED + 1, ..hubspot::Settings::default() },
            Arc::clone(&clock),
        ));
        let shopify = Arc::new(accordant_sandbox::Shopify::new(
            shopify::Settings { seed: SEED + 2, ..shopify::Settings::default() },
            Arc::clone(&clock),
        ));
        let netsuite = Arc::new(accordant_sandbox::NetSuite::new(books, Arc::clone(&clock)));
        hubspot.define("contacts", "customer_status", &["lead", "customer", "former_customer"]);
        hubspot.define("contacts", "balance", &[]);
        let served = [
            serve(Arc::clone(&hubspot) as Arc<dyn Remote>, 0).await?,
            serve(Arc::clone(&shopify) as Arc<dyn Remote>, 0).await?,
            serve(Arc::clone(&netsuite) as Arc<dyn Remote>, 0).await?,
        ];
        let folder = tempfile::Builder::new().prefix("accordant-three-systems-").tempdir()?;
        let store = SqliteStore::open(PathBuf::from(folder.path()).join("accordant.db"))?;
        let mut world = Self {
            accounts: Accounts::new(hubspot, shopify, netsuite, SEED + 4, 0),
            clock,
            store,
            tenant: None,
            starts: 0,
            served,
            key,
            door: Door::open().await?,
            transport: ReqwestTransport::new(Settings::default())?,
            ids: BTreeMap::new(),
            _folder: folder,
        };
        for customer in customers {
            for system in SYSTEMS {
                let id = world.makes(system, customer)?;
                world.ids.insert((system, customer.email.clone()), id);
            }
        }
        world.subscribe().await?;
        Ok(world)
    }

    /// The time, in milliseconds since the epoch.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// Moves the clock on to an instant, unless it is past.
    pub fn reach(&self, at: i64) {
        if at > self.now() {
            self.clock.set(DateTime::<Utc>::from_timestamp_millis(at).unwrap_or_default());
        }
    }

    /// The engine, if it runs.
    #[must_use]
    pub const fn tenant(&self) -> Option<&Tenant> {
        self.tenant.as_ref()
    }

    /// Starts the engine's process, on the store that there is.
    ///
    /// # Errors
    ///
    /// If the engine cannot be built, or an account is not as it should be.
    pub async fn start(&mut self) -> Result<(), Failure> {
        let models = [Customer::model(), Company::model(), Order::model()];
        let [at_hubspot, at_shopify, at_netsuite] = &self.served;
        let transport = || Arc::new(self.transport.clone()) as Arc<dyn Transport>;
        let clock = || Arc::clone(&self.clock) as Arc<dyn accordant::Clock>;
        let waits = || Arc::new(Waits(Arc::clone(&self.clock))) as Arc<dyn Sleep>;

        let account = self.accounts.hubspot.settings();
        let mut settings = accordant_hubspot::Settings::new(account.portal).maps(&models);
        settings.base = at_hubspot.base.parse()?;
        settings.per_ten_seconds = u32::try_from(account.per_ten_seconds)?;
        settings.public_address = Some(self.door.base.parse()?);
        settings.webhook_secrets = vec![account.secret.as_str().into()];
        let token = accordant_hubspot::private_app(&account.token.as_str().into())?;
        let hubspot = accordant_hubspot::HubSpot::new(settings, transport(), token, clock(), waits());
        let mismatches = hubspot.prepare().await?;
        if let Some(mismatch) = mismatches.first() {
            return Err(mismatch.to_string().into());
        }

        let shop = self.accounts.shopify.settings();
        let mut settings = accordant_shopify::Settings::new(&shop.domain).maps(&models);
        settings.base.clone_from(&at_shopify.base);
        settings.webhook_secrets = vec![shop.secret.as_str().into()];
        let token = accordant_shopify::access_token(&shop.token.as_str().into())?;
        let shopify = accordant_shopify::Shopify::new(settings, transport(), token, clock(), waits());

        let mut settings = accordant_netsuite::Settings::new(&at_netsuite.base, Phoenix).maps(&models);
        // The longest script of this account runs for half an hour, and commits at its end.
        settings.overlap = TimeDelta::minutes(35);
        let key = self.key.private.as_str().into();
        let assertion = Assertion::new(&key, Algorithm::Es256, "certificate-1", "three-systems")?;
        let signs = accordant_netsuite::machine_to_machine(&settings, assertion, transport(), clock())?;
        let gate = accordant_netsuite::NetSuite::gate(&settings, clock(), waits());
        let netsuite = accordant_netsuite::NetSuite::new(settings, transport(), signs, clock(), gate);

        self.starts += 1;
        let accordant = Accordant::builder()
            .store(self.store.clone())
            .clock(Arc::clone(&self.clock))
            .entropy(SeededEntropy::new(SEED + 100 * self.starts))
            .connect(hubspot)
            .connect(shopify)
            .connect(netsuite)
            .entity::<Customer>()
            .entity::<Company>()
            .entity::<Order>()
            .build()?;
        let tenant = accordant.tenant("acme");
        self.door.heard_by(Some(tenant.clone()));
        self.tenant = Some(tenant);
        Ok(())
    }

    /// Ends the engine's process: the door answers that nobody is there.
    pub fn stop(&mut self) {
        self.door.heard_by(None);
        self.tenant = None;
    }

    /// Sends the webhooks that are due; how many requests that were.
    pub async fn deliver(&self) -> usize {
        let hubspot = deliver(self.accounts.hubspot.as_ref(), &self.transport).await;
        hubspot + deliver(self.accounts.shopify.as_ref(), &self.transport).await
    }

    /// When the next webhook is due.
    #[must_use]
    pub fn next_webhook(&self) -> Option<i64> {
        [self.accounts.hubspot.next_due(), self.accounts.shopify.next_due()].into_iter().flatten().min()
    }

    /// Registers webhooks for all that there is to hear, as an app does when it is installed.
    async fn subscribe(&self) -> Result<(), Failure> {
        let [at_hubspot, at_shopify, _] = &self.served;
        let account = self.accounts.hubspot.settings();
        let hooks = format!("{}/webhooks/v3/{}", at_hubspot.base, account.app);
        let bearer = ("authorization", format!("Bearer {}", account.token));
        let target = json!({
            "targetUrl": format!("{}/hubspot", self.door.base), "throttling": { "maxConcurrentRequests": 10 },
        });
        self.ask("PUT", &format!("{hooks}/settings"), &bearer, &target).await?;
        let mut wanted = Vec::new();
        for event in ["creation", "deletion", "merge", "restore"] {
            wanted.push(json!({ "eventType": format!("contact.{event}"), "active": true }));
        }
        let own = ["email", "company", "city", "state", "zip", "country"].map(|name| format!("properties.{name}"));
        let mapped = Attribute::ALL.iter().filter_map(|attribute| attribute.path("hubspot")).map(str::to_owned);
        for path in mapped.chain(own) {
            let property = path.trim_start_matches("properties.");
            wanted.push(json!({ "eventType": "contact.propertyChange", "propertyName": property, "active": true }));
        }
        for body in wanted {
            self.ask("POST", &format!("{hooks}/subscriptions"), &bearer, &body).await?;
        }

        let shop = self.accounts.shopify.settings();
        let graphql = format!("{}/admin/api/{}/graphql.json", at_shopify.base, shop.version);
        let token = ("x-shopify-access-token", shop.token.clone());
        let document = "mutation S($topic: WebhookSubscriptionTopic!, $to: WebhookSubscriptionInput!) { \
             webhookSubscriptionCreate(topic: $topic, webhookSubscription: $to) { userErrors { message } } }";
        for topic in ["CUSTOMERS_CREATE", "CUSTOMERS_UPDATE", "CUSTOMERS_DELETE", "CUSTOMERS_MERGE"] {
            let variables = json!({ "topic": topic, "to": { "uri": format!("{}/shopify", self.door.base) } });
            self.ask("POST", &graphql, &token, &json!({ "query": document, "variables": variables })).await?;
        }
        Ok(())
    }

    async fn ask(&self, method: &str, uri: &str, signed: &(&str, String), body: &Value) -> Result<(), Failure> {
        let request = Request::builder().method(method).uri(uri).header(signed.0, &signed.1);
        let answer = self.transport.send(request.body(Bytes::from(body.to_string()))?).await?;
        if answer.status().is_success() { Ok(()) } else { Err(format!("{method} {uri}: {}", answer.status()).into()) }
    }

    /// Somebody makes a customer in a system; its id there.
    ///
    /// # Errors
    ///
    /// If the system does not take it.
    pub fn makes(&self, system: &str, customer: &script::Customer) -> Result<String, Failure> {
        let value = |attribute: Attribute| attribute.spelled(customer.value(attribute), system);
        let email = customer.email.as_str();
        match system {
            "hubspot" => {
                let mut values = json!({
                    "email": email, "city": "Boston", "state": "MA", "zip": "02108", "country": "US",
                });
                for attribute in Attribute::ALL {
                    let Some(path) = attribute.path(system) else { continue };
                    values[path.trim_start_matches("properties.")] = value(attribute).into();
                }
                Ok(self.accounts.hubspot.person("ana").creates("contacts", &values)?)
            }
            "shopify" => Ok(self.accounts.shopify.merchant().creates(&json!({
                "email": email, "firstName": value(Attribute::First), "lastName": value(Attribute::Last),
                "phone": value(Attribute::Phone), "addresses": [address(&value(Attribute::Street))],
            }))?),
            _ => {
                let values: Vec<(&str, String)> = Attribute::ALL
                    .into_iter()
                    .filter_map(|attribute| Some((attribute.path(system)?, value(attribute))))
                    .collect();
                let own = [
                    ("isperson", "T"),
                    ("email", email),
                    ("currency", "USD"),
                    ("city", "Boston"),
                    ("state", "MA"),
                    ("zip", "02108"),
                    ("country", "US"),
                ];
                let values: Vec<(&str, &str)> =
                    values.iter().map(|(path, value)| (*path, value.as_str())).chain(own).collect();
                Ok(self.accounts.netsuite.edit("customer", None, &values))
            }
        }
    }

    /// Somebody edits a customer in a system.
    ///
    /// # Errors
    ///
    /// If the system does not take it.
    pub fn edits(&self, system: &str, id: &str, attribute: Attribute, value: &str) -> Result<(), Failure> {
        let value = attribute.spelled(value, system);
        let path = attribute.path(system).ok_or("a system that does not keep it")?;
        match system {
            "hubspot" => {
                let values = json!({ (path.trim_start_matches("properties.")): value });
                self.accounts.hubspot.person("ana").edits("contacts", id, &values)?;
            }
            "shopify" => {
                let input = match attribute {
                    Attribute::Street => json!({ "addresses": [address(&value)] }),
                    _ => json!({ (path): value }),
                };
                self.accounts.shopify.merchant().edits(id, &input)?;
            }
            _ => drop(self.accounts.netsuite.edit("customer", Some(id), &[(path, &value)])),
        }
        Ok(())
    }
}

fn address(street: &str) -> Value {
    json!({ "address1": street, "city": "Boston", "provinceCode": "MA", "zip": "02108", "countryCode": "US" })
}

/// The records of customers, by system and e-mail address: their values by path.
pub type Records = BTreeMap<(&'static str, String), Vec<BTreeMap<String, String>>>;

impl World {
    /// The id that a customer of the morning was given by a system.
    #[must_use]
    pub fn id_of(&self, system: &'static str, email: &str) -> Option<&str> {
        self.ids.get(&(system, email.to_owned())).map(String::as_str)
    }

    fn ids(&self, system: &str) -> Vec<String> {
        match system {
            "hubspot" => self.accounts.hubspot.ids("contacts"),
            "shopify" => self.accounts.shopify.ids("Customer"),
            _ => self.accounts.netsuite.ids("customer"),
        }
    }

    /// Every record that the systems have now, of whoever has an address.
    #[must_use]
    pub fn records(&self) -> Records {
        let mut records = Records::new();
        for system in SYSTEMS {
            for id in self.ids(system) {
                let values = match system {
                    "hubspot" => leaves(self.accounts.hubspot.record("contacts", &id)),
                    "shopify" => leaves(self.accounts.shopify.node("Customer", &id)),
                    _ => self.accounts.netsuite.row("customer", &id).unwrap_or_default(),
                };
                let Some(email) = values.get(email_path(system)).cloned() else { continue };
                records.entry((system, email)).or_default().push(values);
            }
        }
        records
    }
}

/// The texts of a record by path.
fn leaves(record: Option<Value>) -> BTreeMap<String, String> {
    fn walk(value: &Value, at: &str, leaves: &mut BTreeMap<String, String>) {
        match value {
            Value::String(text) => drop(leaves.insert(at.to_owned(), text.clone())),
            Value::Object(members) => {
                for (name, member) in members {
                    walk(member, &if at.is_empty() { name.clone() } else { format!("{at}.{name}") }, leaves);
                }
            }
            _ => {}
        }
    }
    let mut found = BTreeMap::new();
    walk(&record.unwrap_or_default(), "", &mut found);
    found
}
