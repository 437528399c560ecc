//! SuiteQL: as much of it as a connector needs. One table, columns by name, by `TO_CHAR` or by `BUILTIN.DF`; conditions of
//! `=`, `<`, `>`, `<=`, `>=`, `IN` (of values, or of a column of another table), `AND`, `OR` and brackets over columns, texts,
//! `?` and `TO_DATE(?, …)`.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Map, Value};

use super::{Inside, Seen, page, refusal};
use crate::json;

/// The largest page.
const LARGEST_PAGE: usize = 1_000;
/// How far a query may be paged.
const FARTHEST: usize = 100_000;

/// A column that is asked for: its name in the answer, the column, whether it is an instant.
struct Column {
    name: String,
    column: String,
    instant: bool,
}

/// One side of a comparison.
#[derive(Debug, Clone)]
enum Side {
    Column(String),
    Text(String),
    Instant(String),
}

/// A condition.
#[derive(Debug, Clone)]
enum Condition {
    Compare(Side, String, Side),
    In(Side, Vec<Side>),
    /// One of what a column of another table holds, in rows under a condition.
    Among(Side, String, String, Box<Condition>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

/// Words, texts in quotes and signs.
struct Parser {
    words: Vec<String>,
    at: usize,
    params: std::vec::IntoIter<String>,
}

type Parsed<T> = Result<T, String>;

impl Parser {
    fn new(query: &str, params: Vec<String>) -> Self {
        let mut words: Vec<String> = Vec::new();
        let mut letters = query.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '\'' => {
                    words.push(format!("'{}", letters.by_ref().take_while(|next| *next != '\'').collect::<String>()));
                }
                '<' | '>' => {
                    let equal = letters.next_if_eq(&'=').is_some();
                    words.push(if equal { format!("{letter}=") } else { letter.to_string() });
                }
                ',' | '(' | ')' | '=' | '?' => words.push(letter.to_string()),
                space if space.is_whitespace() => {}
                first => {
                    let mut word = first.to_string();
                    while let Some(next) = letters.next_if(|next| next.is_alphanumeric() || matches!(next, '_' | '.')) {
                        word.push(next);
                    }
                    words.push(word);
                }
            }
        }
        Self { words, at: 0, params: params.into_iter() }
    }

    fn peek(&self) -> &str {
        self.words.get(self.at).map_or("", String::as_str)
    }

    fn next(&mut self) -> String {
        self.at += 1;
        self.words.get(self.at - 1).cloned().unwrap_or_default()
    }

    fn is(&mut self, word: &str) -> bool {
        let is = self.peek().eq_ignore_ascii_case(word);
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, word: &str) -> Parsed<()> {
        if self.is(word) { Ok(()) } else { Err(format!("expected {word} and found {}", self.peek())) }
    }

    fn column(&mut self) -> Parsed<Column> {
        let word = self.next().to_lowercase();
        let mut column = Column { name: word.clone(), column: word.clone(), instant: false };
        if matches!(word.as_str(), "to_char" | "builtin.df") {
            self.expect("(")?;
            column.column = self.next().to_lowercase();
            if word == "to_char" {
                self.expect(",")?;
                let format = self.next();
                if format != "'YYYY-MM-DD HH24:MI:SS" {
                    return Err(format!("no such format here: {format}"));
                }
                column.instant = true;
            }
            self.expect(")")?;
            column.name.clone_from(&column.column);
        }
        if self.is("AS") {
            column.name = self.next().to_lowercase();
        }
        Ok(column)
    }

    fn side(&mut self) -> Parsed<Side> {
        let word = self.next();
        if let Some(text) = word.strip_prefix('\'') {
            return Ok(Side::Text(text.to_owned()));
        }
        match word.to_lowercase().as_str() {
            "?" => self.params.next().map(Side::Text).ok_or_else(|| "too few parameters".to_owned()),
            "to_date" => {
                self.expect("(")?;
                let Side::Text(text) = self.side()? else { return Err("TO_DATE takes a text".to_owned()) };
                self.expect(",")?;
                self.next();
                self.expect(")")?;
                Ok(Side::Instant(text))
            }
            column => Ok(Side::Column(column.to_owned())),
        }
    }

    fn any(&mut self) -> Parsed<Condition> {
        let mut any = vec![self.all()?];
        while self.is("OR") {
            any.push(self.all()?);
        }
        Ok(Condition::Any(any))
    }

    fn all(&mut self) -> Parsed<Condition> {
        let mut all = vec![self.one()?];
        while self.is("AND") {
            all.push(self.one()?);
        }
        Ok(Condition::All(all))
    }

    fn one(&mut self) -> Parsed<Condition> {
        if self.is("(") {
            let condition = self.any()?;
            self.expect(")")?;
            return Ok(condition);
        }
        let side = self.side()?;
        if self.is("IN") {
            self.expect("(")?;
            if self.is("SELECT") {
                let column = self.column()?.column;
                self.expect("FROM")?;
                let table = self.next().to_lowercase();
                let condition = if self.is("WHERE") { self.any()? } else { Condition::All(Vec::new()) };
                self.expect(")")?;
                return Ok(Condition::Among(side, column, table, Box::new(condition)));
            }
            let mut of = vec![self.side()?];
            while self.is(",") {
                of.push(self.side()?);
            }
            self.expect(")")?;
            return Ok(Condition::In(side, of));
        }
        let sign = self.next();
        if !matches!(sign.as_str(), "=" | "<" | ">" | "<=" | ">=") {
            return Err(format!("no such comparison: {sign}"));
        }
        Ok(Condition::Compare(side, sign, self.side()?))
    }
}

/// A row as conditions see it: what it keeps, and what is said of it. Instants are milliseconds, as text.
struct Shown<'r> {
    own: Vec<(&'static str, String)>,
    kept: Option<&'r BTreeMap<String, String>>,
}

impl Shown<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let own = self.own.iter().find(|(of, _)| *of == name).map(|(_, value)| value.as_str());
        own.or_else(|| self.kept?.get(name).map(String::as_str))
    }
}

impl Inside {
    /// A page of a query's answer.
    pub(super) fn suiteql(&self, request: &Request<Bytes>, now: i64) -> Response<Bytes> {
        let transient = request.headers().get("prefer").is_some_and(|prefer| prefer == "transient");
        if !transient {
            return refusal(StatusCode::BAD_REQUEST, "INVALID_HEADER", "the Prefer header must be transient");
        }
        let number = |name: &str, otherwise: usize| {
            let query = json::query(request);
            let given = query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
            given.map_or(Some(otherwise), |given| given.parse().ok())
        };
        let (Some(limit), Some(offset)) = (number("limit", LARGEST_PAGE), number("offset", 0)) else {
            return refusal(StatusCode::BAD_REQUEST, "INVALID_PARAMETER", "limit and offset are numbers");
        };
        if limit == 0 || limit > LARGEST_PAGE || !offset.is_multiple_of(limit) || offset >= FARTHEST {
            return refusal(StatusCode::BAD_REQUEST, "INVALID_PARAMETER", "no such page");
        }
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let params = body["params"].as_array().into_iter().flatten().filter_map(json::text).collect();
        match self.run(body["q"].as_str().unwrap_or_default(), params, now) {
            Ok(rows) => {
                let total = rows.len();
                let items: Vec<Value> = rows.into_iter().skip(offset).take(limit).collect();
                let more = offset + items.len() < total;
                json::answer(StatusCode::OK, &page(items, offset, total, more))
            }
            Err(why) => refusal(StatusCode::BAD_REQUEST, "INVALID_PARAMETER", &format!("Invalid search query: {why}")),
        }
    }

    fn run(&self, query: &str, params: Vec<String>, now: i64) -> Parsed<Vec<Value>> {
        let mut parser = Parser::new(query, params);
        parser.expect("SELECT")?;
        let mut columns = vec![parser.column()?];
        while parser.is(",") {
            columns.push(parser.column()?);
        }
        parser.expect("FROM")?;
        let table = parser.next().to_lowercase();
        if let Some(why) = self.unknown(&table, columns.iter().map(|column| column.column.as_str())) {
            return Err(why);
        }
        let condition = if parser.is("WHERE") { parser.any()? } else { Condition::All(Vec::new()) };
        let mut order = Vec::new();
        if parser.is("ORDER") {
            parser.expect("BY")?;
            order.push(parser.next().to_lowercase());
            while parser.is(",") {
                order.push(parser.next().to_lowercase());
            }
        }
        if !parser.peek().is_empty() || parser.params.next().is_some() {
            return Err(format!("more than a query: {}", parser.peek()));
        }
        let condition = self.looked_up(condition, now)?;
        let mut rows = self.rows(&table, now);
        let mut failed = None;
        rows.retain(|row| match self.holds(&condition, row) {
            Ok(holds) => holds,
            Err(why) => {
                failed = Some(why);
                false
            }
        });
        if let Some(why) = failed {
            return Err(why);
        }
        rows.sort_by(|one, other| {
            let by = order.iter().map(|name| compare(one.get(name), other.get(name)));
            by.fold(Ordering::Equal, Ordering::then)
        });
        let shown = |row: &Shown<'_>| {
            let mut shown = Map::new();
            for column in &columns {
                // What has no value is left out.
                if let Some(value) = row.get(&column.column) {
                    let value = if column.instant { self.local(value.parse().unwrap_or(0)) } else { value.to_owned() };
                    shown.insert(column.name.clone(), value.into());
                }
            }
            shown.insert("links".into(), Value::Array(Vec::new()));
            Value::Object(shown)
        };
        Ok(rows.iter().map(shown).collect())
    }

    /// A condition with the answers of the queries within it.
    fn looked_up(&self, condition: Condition, now: i64) -> Parsed<Condition> {
        let each =
            |all: Vec<Condition>| all.into_iter().map(|one| self.looked_up(one, now)).collect::<Parsed<Vec<_>>>();
        Ok(match condition {
            Condition::All(all) => Condition::All(each(all)?),
            Condition::Any(any) => Condition::Any(each(any)?),
            Condition::Among(side, column, table, condition) => {
                let condition = self.looked_up(*condition, now)?;
                let mut of = Vec::new();
                for row in self.rows(&table, now) {
                    if self.holds(&condition, &row)? {
                        of.extend(row.get(&column).map(|value| Side::Text(value.to_owned())));
                    }
                }
                Condition::In(side, of)
            }
            other => other,
        })
    }

    /// The rows of a table that are seen now.
    fn rows(&self, table: &str, now: i64) -> Vec<Shown<'_>> {
        if table == "deletedrecord" {
            let row = |(kind, id, at): &(String, u64, i64)| {
                let own = [
                    ("recordtypeid", kind.clone()),
                    ("recordid", id.to_string()),
                    ("deleteddate", (at - at.rem_euclid(1_000)).to_string()),
                ];
                Shown { own: own.into(), kept: None }
            };
            return self.deleted.iter().map(row).collect();
        }
        let rows = self.tables.get(table).into_iter().flat_map(BTreeMap::values);
        rows.filter_map(|row| row.seen.iter().rev().find(|(from, _)| *from <= now))
            .map(|(_, Seen { values, modified })| {
                let at = (modified - modified.rem_euclid(1_000)).to_string();
                let own = match table {
                    "transactionline" => {
                        let key = values.get("id").cloned().unwrap_or_default();
                        vec![("linelastmodifieddate", at), ("uniquekey", key)]
                    }
                    _ => vec![("lastmodifieddate", at)],
                };
                Shown { own, kept: Some(values) }
            })
            .collect()
    }

    fn holds(&self, condition: &Condition, row: &Shown<'_>) -> Parsed<bool> {
        let value = |side: &'_ Side| match side {
            Side::Column(name) => Ok(row.get(name).map(str::to_owned)),
            Side::Text(text) => Ok(Some(text.clone())),
            Side::Instant(text) => {
                self.instant(text).map(|at| Some(at.to_string())).ok_or_else(|| format!("no instant: {text}"))
            }
        };
        match condition {
            Condition::All(all) => all.iter().try_fold(true, |holds, one| Ok(self.holds(one, row)? && holds)),
            Condition::Any(any) => any.iter().try_fold(false, |holds, one| Ok(self.holds(one, row)? || holds)),
            Condition::In(side, of) => {
                let held = value(side)?;
                of.iter().try_fold(false, |holds, one| Ok((held.is_some() && value(one)? == held) || holds))
            }
            Condition::Among(..) => Err("a query within a query that was not looked up".into()),
            Condition::Compare(one, sign, other) => {
                let (one, other) = (value(one)?, value(other)?);
                if one.is_none() || other.is_none() {
                    return Ok(false);
                }
                let order = compare(one.as_deref(), other.as_deref());
                Ok(match sign.as_str() {
                    "=" => order.is_eq(),
                    "<" => order.is_lt(),
                    ">" => order.is_gt(),
                    "<=" => order.is_le(),
                    _ => order.is_ge(),
                })
            }
        }
    }
}

/// Whole numbers by their size, all else by its letters.
fn compare(one: Option<&str>, other: Option<&str>) -> Ordering {
    let size = |text: Option<&str>| text.and_then(|text| text.parse::<i64>().ok());
    match (size(one), size(other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => one.cmp(&other),
    }
}
