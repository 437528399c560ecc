//! What must be right of a description before the first request.

use accordant::model::Path;
use http::Method;
use http::header::{HeaderName, HeaderValue};
use url::Url;

use crate::address::behind;
use crate::auth::Auth;
use crate::description::{Changed, Create, Description, Object, Paging, Safety, Size, Written};
use crate::mistake::{Mistake, Mistakes};

/// Finds every mistake.
pub(crate) fn check(description: &Description) -> Result<(), Mistakes> {
    let mut found = Found { mistakes: Vec::new(), base: Url::parse(&description.base).ok() };
    found.system(description);
    for (name, object) in &description.objects {
        found.object(&format!("objects.{name}"), object);
    }
    if found.mistakes.is_empty() { Ok(()) } else { Err(Mistakes(found.mistakes)) }
}

struct Found {
    mistakes: Vec<Mistake>,
    base: Option<Url>,
}

impl Found {
    fn wrong(&mut self, place: &str, told: impl Into<String>) {
        self.mistakes.push(Mistake { place: place.to_owned(), told: told.into() });
    }

    fn wrong_if(&mut self, wrong: bool, place: &str, told: &str) {
        if wrong {
            self.wrong(place, told);
        }
    }

    fn system(&mut self, description: &Description) {
        self.wrong_if(description.system.is_empty(), "system", "is empty: write the name that models use");
        let base = self.base.as_ref();
        let host = base.is_some_and(|base| base.has_host() && matches!(base.scheme(), "http" | "https"));
        let bare =
            base.is_some_and(|base| base.query().is_none() && base.username().is_empty() && base.password().is_none());
        let fragment = base.is_some_and(|base| base.fragment().is_some());
        self.wrong_if(fragment, "base", "has a fragment, which no request carries: leave out what stands behind `#`");
        self.wrong_if(!host, "base", "is no address: write `https://`, the host, and what stands before every path");
        self.wrong_if(
            host && !bare,
            "base",
            "has a query or a user: write parameters into `query`, and who we are into `auth`",
        );
        for (name, value) in &description.headers {
            let place = format!("headers.{name}");
            self.header(&place, name);
            self.wrong_if(HeaderValue::from_str(value).is_err(), &place, "holds what no header may hold");
            let secret = matches!(name.to_ascii_lowercase().as_str(), "authorization" | "cookie");
            self.wrong_if(
                secret,
                &place,
                "is a secret: say in `auth` how the system knows us, and give the secret in the program",
            );
        }
        match &description.auth {
            Auth::Header { name } => self.header("auth.name", name),
            Auth::Basic { user } => self.wrong_if(user.contains(':'), "auth.user", "has a colon, which ends a user"),
            Auth::OAuth2 { endpoint, .. } => {
                self.wrong_if(
                    Url::parse(endpoint).is_err(),
                    "auth.endpoint",
                    "is no address: write where tokens are had",
                );
            }
            Auth::Nobody | Auth::Bearer => {}
        }
        let limit = description.limit;
        self.wrong_if(
            limit.requests.is_some() != limit.seconds.is_some(),
            "limit",
            "needs both `requests` and `seconds`: so many requests in any window of so many seconds",
        );
        let zero = [limit.requests, limit.seconds, limit.at_once].contains(&Some(0));
        self.wrong_if(zero, "limit", "lets nothing through: write numbers from 1 on, or leave it out");
        if let Some(name) = &description.idempotency_header {
            self.header("idempotency_header", name);
        }
        self.wrong_if(
            description.objects.is_empty(),
            "objects",
            "is empty: write `[objects.NAME.record]` and what it can be asked",
        );
        let Some(webhooks) = &description.webhooks else { return };
        self.header("webhooks.header", &webhooks.header);
        let nameless = Path::new(&webhooks.id).keys().is_empty();
        self.wrong_if(nameless, "webhooks.id", "is empty: write where in an event the id of its record is");
        let one = webhooks.object.is_some() || webhooks.objects.len() == 1;
        self.wrong_if(
            !one,
            "webhooks.object",
            "is missing: say where in an event its kind is, or name one entry in `objects`",
        );
        for (kind, object) in &webhooks.objects {
            let described = description.objects.get(object);
            let place = format!("webhooks.objects.{kind}");
            self.wrong_if(described.is_none(), &place, "names no object type of this description");
            let unread = described.is_some_and(|object| object.one.is_none());
            self.wrong_if(unread, &place, "only says which record to read: describe `one` of that object type");
        }
    }

    fn object(&mut self, place: &str, object: &Object) {
        let record = &object.record;
        self.wrong_if(record.id.is_empty(), &format!("{place}.record.id"), "is empty: write the path of the id");
        let both = record.modified.is_some() && record.version.is_some();
        self.wrong_if(
            both,
            &format!("{place}.record"),
            "is ordered twice: keep `version` if the system has one, else `modified`",
        );
        if let Some(modified) = &record.modified {
            let place = format!("{place}.record.modified");
            self.wrong_if(
                modified.precision_ms == 0,
                &format!("{place}.precision_ms"),
                "is zero: write the grain of the instants",
            );
            let seconds = modified.written == Written::Seconds;
            self.wrong_if(
                seconds,
                &format!("{place}.written"),
                "cannot be `seconds`: order records by that number with `version` instead",
            );
        }
        let reads = object.list.is_some() || object.changed.is_some();
        self.wrong_if(!reads, place, "is never heard of: describe `list`, `changed`, or both");
        if let Some(list) = &object.list {
            let place = format!("{place}.list");
            self.path(&place, &list.path, None);
            self.paging(&place, &list.paging, list.size.as_ref());
            let by_time = matches!(list.paging, Paging::Time { .. });
            self.wrong_if(
                by_time,
                &format!("{place}.paging.by"),
                "cannot be `time` where everything is listed: page by `cursor`, `link`, `page` or `offset`",
            );
        }
        if let Some(changed) = &object.changed {
            self.changed(&format!("{place}.changed"), object, changed);
        }
        if let Some(one) = &object.one {
            self.path(&format!("{place}.one"), &one.path, Some("id"));
        }
        if let Some(create) = &object.create {
            self.create(&format!("{place}.create"), create);
        }
        let writes = object.update.is_some() || object.delete.is_some();
        self.wrong_if(
            writes && object.one.is_none(),
            &format!("{place}.one"),
            "is missing: a record is looked at before it is written; describe how one is read",
        );
        if let Some(update) = &object.update {
            self.path(&format!("{place}.update"), &update.path, Some("id"));
            self.method(&format!("{place}.update.method"), &update.method);
        }
        if let Some(delete) = &object.delete {
            self.path(&format!("{place}.delete"), &delete.path, Some("id"));
            self.method(&format!("{place}.delete.method"), &delete.method);
        }
    }

    fn changed(&mut self, place: &str, object: &Object, changed: &Changed) {
        self.path(place, &changed.path, None);
        self.named(&format!("{place}.since.parameter"), &changed.since.parameter);
        if let Some(until) = &changed.until {
            self.named(&format!("{place}.until.parameter"), &until.parameter);
        }
        self.paging(place, &changed.paging, changed.size.as_ref());
        let paging = format!("{place}.paging.by");
        match &changed.paging {
            Paging::Time { .. } => {
                self.wrong_if(object.record.modified.is_none(), &paging, "is `time`, and nothing says when a record changed: write `record.modified`");
                self.wrong_if(changed.size.is_none(), &format!("{place}.size"), "is missing: where a page ends, the next begins");
            }
            Paging::Page { .. } | Paging::Offset { .. } => self.wrong(
                &paging,
                "counts rows, and a row that moves while pages are read would be lost: page by `time`, `cursor` or `link`",
            ),
            Paging::Whole | Paging::Cursor { .. } | Paging::Link { .. } => {}
        }
    }

    fn create(&mut self, place: &str, create: &Create) {
        self.path(place, &create.path, None);
        self.method(&format!("{place}.method"), &create.method);
        let named = create.record.is_some() || create.id.is_some() || create.find.is_some();
        self.wrong_if(!named, place, "does not say what was made: write `record`, `id` or `find`");
        if let Some(find) = &create.find {
            self.path(&format!("{place}.find"), &find.path, Some("key"));
            self.wrong_if(
                create.key.is_none(),
                &format!("{place}.key"),
                "is missing: say in which field the key is kept that is found",
            );
        }
        let found = create.key.is_some() && create.find.is_some();
        self.wrong_if(
            !found && create.safety != Safety::DetectAndMerge,
            &format!("{place}.safety"),
            "needs `key` and `find`: without them nobody can look whether a create happened",
        );
    }

    fn paging(&mut self, place: &str, paging: &Paging, size: Option<&Size>) {
        self.wrong_if(size.is_some_and(|size| size.rows == 0), &format!("{place}.size.rows"), "is zero");
        if let Some(parameter) = size.and_then(|size| size.parameter.as_ref()) {
            self.named(&format!("{place}.size.parameter"), parameter);
        }
        if let Paging::Cursor { parameter, .. } | Paging::Page { parameter, .. } | Paging::Offset { parameter } = paging
        {
            self.named(&format!("{place}.paging.parameter"), parameter);
        }
        if let Paging::Time { after_id: Some(parameter) } = paging {
            self.named(&format!("{place}.paging.after_id"), parameter);
        }
        if let Paging::Cursor { next, .. } = paging {
            self.wrong_if(
                Path::new(next).keys().is_empty(),
                &format!("{place}.paging.next"),
                "is empty: write where in the answer the cursor is",
            );
        }
    }

    fn path(&mut self, place: &str, path: &str, braces: Option<&str>) {
        let place = format!("{place}.path");
        let Some(name) = braces else {
            self.wrong_if(path.contains('{'), &place, "has a brace that nothing is put into");
            return self.leads_somewhere(&place, path);
        };
        let brace = format!("{{{name}}}");
        self.wrong_if(!path.contains(&brace), &place, &format!("has no `{brace}`: write where it goes"));
        let filled = path.replace(&brace, "x");
        self.wrong_if(filled.contains('{'), &place, &format!("has another brace than `{brace}`"));
        self.leads_somewhere(&place, &filled);
    }

    fn leads_somewhere(&mut self, place: &str, path: &str) {
        let leads = self.base.as_ref().is_none_or(|base| behind(base, path).is_some());
        self.wrong_if(
            !path.starts_with('/') || !leads,
            place,
            "is no path: write what stands behind `base`, from the `/` on",
        );
    }

    fn named(&mut self, place: &str, parameter: &str) {
        self.wrong_if(parameter.is_empty(), place, "is empty: write the name of the parameter");
    }

    fn method(&mut self, place: &str, method: &str) {
        let known = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].iter().any(|one| one == method);
        self.wrong_if(!known, place, "is none of `POST`, `PUT`, `PATCH` and `DELETE`");
    }

    fn header(&mut self, place: &str, name: &str) {
        self.wrong_if(name.parse::<HeaderName>().is_err(), place, "is no name of a header");
    }
}
