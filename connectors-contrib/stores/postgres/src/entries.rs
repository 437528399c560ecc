//! The journal's rows.

use accordant::fingerprint::Digest;
use accordant::id::{Actor, TenantId};
use accordant::journal::{Entry, Payload};
use deadpool_postgres::ClientWrapper;
use tokio_postgres::{Error, Row};

use crate::call::Call;
use crate::session::Session;
use crate::spelling::{Arguments, content, content_of, read, signed, spell, unsigned};
use crate::statements::Statements;

/// Appends sealed entries, each with what is left of its payload.
pub(crate) async fn append(
    client: &ClientWrapper,
    statements: &Statements,
    tenant: &str,
    entries: &[(&Entry, Option<&Payload>)],
) -> Result<(), Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let statement = client.prepare_cached(&statements.append).await?;
    let of = |part: fn(&Entry) -> &str| entries.iter().map(|(entry, _)| spell(part(entry))).collect::<Vec<_>>();
    let seqs: Vec<i64> = entries.iter().map(|(entry, _)| signed(entry.seq)).collect();
    let formats: Vec<i32> = entries.iter().map(|(entry, _)| i32::from(entry.format)).collect();
    let ats: Vec<i64> = entries.iter().map(|(entry, _)| entry.at).collect();
    let (actors, kinds, subjects) = (of(|e| e.actor.as_str()), of(|e| &e.kind), of(|e| &e.subject));
    let commitments: Vec<&[u8]> = entries.iter().map(|(entry, _)| entry.commitment.0.as_slice()).collect();
    let digests: Vec<&[u8]> = entries.iter().map(|(entry, _)| entry.digest.0.as_slice()).collect();
    let salts: Vec<Option<&[u8]>> = entries.iter().map(|(_, left)| left.map(|left| left.salt.as_slice())).collect();
    let (values, bytes): (Vec<_>, Vec<_>) =
        entries.iter().map(|(_, left)| left.map_or((None, None), |left| content(&left.bytes))).unzip();
    let arguments: &Arguments<'_> =
        &[&tenant, &seqs, &formats, &ats, &actors, &kinds, &subjects, &commitments, &digests, &salts, &values, &bytes];
    client.execute(&statement, arguments).await.map(drop)
}

/// A page of entries, with the payloads that are still there.
pub(crate) struct Page {
    pub(crate) tenant: TenantId,
    pub(crate) after: u64,
    pub(crate) limit: usize,
}

impl Call for Page {
    type Answer = Vec<(Entry, Option<Payload>)>;
    const DOING: &'static str = "read the journal";

    async fn run(&self, session: &Session, statements: &Statements) -> Result<Self::Answer, Error> {
        let statement = session.prepare_cached(&statements.page).await?;
        let (tenant, after, limit) = (spell(self.tenant.as_str()), signed(self.after), signed(self.limit));
        let arguments: &Arguments<'_> = &[&tenant, &after, &limit];
        let rows = session.snapshot(&self.tenant, session.query(&statement, arguments)).await?;
        rows.iter().map(entry).collect()
    }
}

/// A page of the entries about a subject whose payloads are still there.
pub(crate) struct About {
    pub(crate) tenant: TenantId,
    pub(crate) subject: String,
    pub(crate) after: u64,
    pub(crate) limit: usize,
}

impl Call for About {
    type Answer = Vec<(Entry, Option<Payload>)>;
    const DOING: &'static str = "read the journal by subject";

    async fn run(&self, session: &Session, statements: &Statements) -> Result<Self::Answer, Error> {
        let statement = session.prepare_cached(&statements.about).await?;
        let (tenant, subject) = (spell(self.tenant.as_str()), spell(&self.subject));
        let (after, limit) = (signed(self.after), signed(self.limit));
        let arguments: &Arguments<'_> = &[&tenant, &subject, &after, &limit];
        let rows = session.snapshot(&self.tenant, session.query(&statement, arguments)).await?;
        rows.iter().map(entry).collect()
    }
}

/// The place of the last entry before the first that is later.
pub(crate) struct Place {
    pub(crate) tenant: TenantId,
    pub(crate) at: i64,
}

impl Call for Place {
    type Answer = u64;
    const DOING: &'static str = "find a place in the journal";

    async fn run(&self, session: &Session, statements: &Statements) -> Result<Self::Answer, Error> {
        let statement = session.prepare_cached(&statements.place).await?;
        let tenant = spell(self.tenant.as_str());
        let arguments: &Arguments<'_> = &[&tenant, &self.at];
        let row = session.snapshot(&self.tenant, session.query_one(&statement, arguments)).await?;
        row.try_get(0).map(unsigned)
    }
}

/// Destroys the payloads about a subject up to a place. Done twice, it destroys as much as once; how many is then told by neither.
pub(crate) struct Erase {
    pub(crate) tenant: TenantId,
    pub(crate) subject: String,
    pub(crate) until: u64,
}

impl Call for Erase {
    type Answer = u64;
    const DOING: &'static str = "erase payloads";

    async fn run(&self, session: &Session, statements: &Statements) -> Result<Self::Answer, Error> {
        let statement = session.prepare_cached(&statements.erase).await?;
        let (tenant, subject, until) = (spell(self.tenant.as_str()), spell(&self.subject), signed(self.until));
        let arguments: &Arguments<'_> = &[&tenant, &subject, &until];
        session.write(&self.tenant, session.execute(&statement, arguments)).await
    }
}

/// Deletes the entries up to a place, but for the last. Done twice, it deletes as much as once.
pub(crate) struct Cut {
    pub(crate) tenant: TenantId,
    pub(crate) until: u64,
}

impl Call for Cut {
    type Answer = u64;
    const DOING: &'static str = "cut a journal";

    async fn run(&self, session: &Session, statements: &Statements) -> Result<Self::Answer, Error> {
        let statement = session.prepare_cached(&statements.cut).await?;
        let (tenant, until) = (spell(self.tenant.as_str()), signed(self.until));
        let arguments: &Arguments<'_> = &[&tenant, &until];
        session.write(&self.tenant, session.execute(&statement, arguments)).await
    }
}

/// Destroys the payloads of the entries of a kind up to a place. Done twice, it destroys as much as once.
pub(crate) struct Expire {
    pub(crate) tenant: TenantId,
    pub(crate) kind: String,
    pub(crate) until: u64,
}

impl Call for Expire {
    type Answer = u64;
    const DOING: &'static str = "expire payloads";

    async fn run(&self, session: &Session, statements: &Statements) -> Result<Self::Answer, Error> {
        let statement = session.prepare_cached(&statements.expire).await?;
        let (tenant, kind, until) = (spell(self.tenant.as_str()), spell(&self.kind), signed(self.until));
        let arguments: &Arguments<'_> = &[&tenant, &kind, &until];
        session.write(&self.tenant, session.execute(&statement, arguments)).await
    }
}

fn entry(row: &Row) -> Result<(Entry, Option<Payload>), Error> {
    let entry = Entry {
        seq: unsigned(row.try_get(0)?),
        format: u16::try_from(row.try_get::<_, i32>(1)?).unwrap_or(u16::MAX),
        at: row.try_get(2)?,
        actor: Actor::new(&read(row.try_get(3)?)),
        kind: read(row.try_get(4)?),
        subject: read(row.try_get(5)?),
        commitment: digest(row.try_get(6)?),
        digest: digest(row.try_get(7)?),
    };
    let salt: Option<&[u8]> = row.try_get(8)?;
    let payload = match (salt, content_of(row, 9)?) {
        (Some(salt), Some(bytes)) => Some(Payload { bytes, salt: salt.try_into().unwrap_or_default() }),
        _ => None,
    };
    Ok((entry, payload))
}

/// A digest of another length was altered: no chain holds through the one that is given for it.
pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Digest(bytes.try_into().unwrap_or_default())
}
