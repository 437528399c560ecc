//! Reads TOML with its places: every question says what it expects, and every mistake is collected with line and key.

use std::cell::RefCell;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::model::OverlayMistake;
use crate::policy::suggest::nearest;
use crate::value::Decimal;

/// Where mistakes go.
struct Sink<'d> {
    text: &'d str,
    mistakes: RefCell<Vec<OverlayMistake>>,
}

/// Parses a document, hands its root to `read`, and answers with everything that was wrong.
pub(super) fn document(text: &str, read: impl FnOnce(Fields<'_, '_>)) -> Vec<OverlayMistake> {
    let sink = Sink { text, mistakes: RefCell::default() };
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        sink.push(error.span().map_or(0, |span| span.start), String::new(), error.message().to_owned(), &[], "");
    }
    // What follows a syntax error may be misread, so nothing more is said of such a file.
    if sink.mistakes.borrow().is_empty() {
        read(Fields { sink: &sink, key: String::new(), at: 0, table: root.get_ref(), asked: RefCell::default() });
    }
    sink.mistakes.into_inner()
}

impl Sink<'_> {
    fn push(&self, at: usize, key: String, problem: String, known: &[&str], found: &str) {
        let line = self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
        let suggestion = nearest(found, known.iter().copied()).map(ToOwned::to_owned);
        let known = known.iter().map(|name| (*name).to_owned()).collect();
        self.mistakes.borrow_mut().push(OverlayMistake { line, key, problem, known, suggestion });
    }
}

/// A value and its place.
#[derive(Clone)]
pub(super) struct Node<'s, 'd> {
    sink: &'s Sink<'d>,
    key: String,
    at: usize,
    value: &'s DeValue<'d>,
}

impl<'s, 'd> Node<'s, 'd> {
    /// Reports a mistake here.
    pub(super) fn refuse(&self, problem: impl Into<String>) {
        self.sink.push(self.at, self.key.clone(), problem.into(), &[], "");
    }

    /// Reports that `found` is none of `known`.
    pub(super) fn unknown(&self, found: &str, problem: impl Into<String>, known: &[&str]) {
        self.sink.push(self.at, self.key.clone(), problem.into(), known, found);
    }

    pub(super) fn value(&self) -> &'s DeValue<'d> {
        self.value
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self.value, DeValue::String(_))
    }

    pub(super) fn is_table(&self) -> bool {
        matches!(self.value, DeValue::Table(_))
    }

    fn expected(&self, what: &str) {
        let found = match self.value {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.refuse(format!("expected {what}, found {found}"));
    }

    pub(super) fn text(&self) -> Option<&'s str> {
        let DeValue::String(text) = self.value else {
            self.expected("a text");
            return None;
        };
        Some(text.as_ref())
    }

    /// A text that is not empty.
    pub(super) fn name(&self) -> Option<&'s str> {
        let text = self.text()?;
        if text.is_empty() {
            self.refuse("expected a name, found an empty text");
            return None;
        }
        Some(text)
    }

    pub(super) fn flag(&self) -> Option<bool> {
        let DeValue::Boolean(flag) = self.value else {
            self.expected("true or false");
            return None;
        };
        Some(*flag)
    }

    /// The text of a decimal number: quoted, or as TOML writes numbers. It is never read as a float.
    pub(super) fn decimal(&self) -> Option<Decimal> {
        let text = match self.value {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.to_string(),
            // Underlines part digits, and mean nothing.
            DeValue::Float(number) => number.as_str().replace('_', ""),
            _ => String::new(),
        };
        let number = Decimal::new(&text).ok();
        if number.is_none() {
            self.expected("an exact decimal number, such as \"0.01\"");
        }
        number
    }

    pub(super) fn character(&self) -> Option<char> {
        let text = self.text()?;
        let mut characters = text.chars();
        let (Some(character), None) = (characters.next(), characters.next()) else {
            self.refuse(format!("expected one character, found `{text}`"));
            return None;
        };
        Some(character)
    }

    /// One of a few words.
    pub(super) fn word<V: Copy>(&self, words: &[(&'static str, V)]) -> Option<V> {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.unknown(text, format!("`{text}` is not possible here"), &known);
        }
        found.map(|(_, value)| *value)
    }

    /// The items of a list; a single value stands for a list of one.
    pub(super) fn items(&self) -> Vec<Node<'s, 'd>> {
        let DeValue::Array(items) = self.value else { return vec![self.clone()] };
        items.iter().enumerate().map(|(index, item)| self.child(format!("{}[{index}]", self.key), item)).collect()
    }

    /// Names, each of them once.
    pub(super) fn names(&self) -> Vec<(Node<'s, 'd>, &'s str)> {
        let mut names: Vec<(Node<'s, 'd>, &'s str)> = Vec::new();
        for item in self.items() {
            let Some(name) = item.name() else { continue };
            if names.iter().any(|(_, other)| *other == name) {
                item.refuse(format!("`{name}` is named twice"));
            } else {
                names.push((item, name));
            }
        }
        names
    }

    pub(super) fn fields(&self) -> Option<Fields<'s, 'd>> {
        let DeValue::Table(table) = self.value else {
            self.expected("a table");
            return None;
        };
        Some(Fields { sink: self.sink, key: self.key.clone(), at: self.at, table, asked: RefCell::default() })
    }

    fn child(&self, key: String, value: &'s Spanned<DeValue<'d>>) -> Node<'s, 'd> {
        Node { sink: self.sink, key, at: value.span().start, value: value.get_ref() }
    }
}

/// A table and its place. [`Fields::close`], at the end, refuses the keys that nobody asked for.
pub(super) struct Fields<'s, 'd> {
    sink: &'s Sink<'d>,
    key: String,
    at: usize,
    table: &'s DeTable<'d>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'s, 'd> Fields<'s, 'd> {
    /// The value of a key, which becomes a known one.
    pub(super) fn get(&self, key: &'static str) -> Option<Node<'s, 'd>> {
        self.asked.borrow_mut().push(key);
        let (found, value) = self.table.iter().find(|(found, _)| found.get_ref() == key)?;
        Some(self.node(found, value))
    }

    /// The value of a key, or a mistake.
    pub(super) fn need(&self, key: &'static str, why: &str) -> Option<Node<'s, 'd>> {
        let found = self.get(key);
        if found.is_none() {
            self.refuse(format!("`{key}` is missing: {why}"));
        }
        found
    }

    /// A flag; absent means no.
    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        self.get(key).and_then(|node| node.flag())
    }

    /// The entries of a table of the user's own names, in the order of the file.
    pub(super) fn entries(&self) -> Vec<(&'s str, Node<'s, 'd>)> {
        let mut entries: Vec<_> = self.table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries.into_iter().map(|(key, value)| (key.get_ref().as_ref(), self.node(key, value))).collect()
    }

    /// The entries of the table under a key.
    pub(super) fn entries_of(&self, key: &'static str) -> Vec<(&'s str, Node<'s, 'd>)> {
        self.get(key).and_then(|node| node.fields()).map(|fields| fields.entries()).unwrap_or_default()
    }

    /// Reports a mistake of the table as a whole.
    pub(super) fn refuse(&self, problem: impl Into<String>) {
        self.sink.push(self.at, self.key.clone(), problem.into(), &[], "");
    }

    /// Refuses a key that could be meant seriously, with a reason of its own.
    pub(super) fn reject(&self, key: &'static str, why: &str) {
        if let Some(node) = self.get(key) {
            node.refuse(why);
        }
    }

    /// Refuses every key that nobody asked for.
    pub(super) fn close(&self) {
        let asked = self.asked.borrow();
        for (key, node) in self.entries().iter().filter(|(key, _)| !asked.contains(key)) {
            node.unknown(key, format!("there is no option `{key}` here"), &asked);
        }
    }

    fn node(&self, key: &'s Spanned<std::borrow::Cow<'d, str>>, value: &'s Spanned<DeValue<'d>>) -> Node<'s, 'd> {
        let name: &str = key.get_ref();
        let path = if self.key.is_empty() { name.to_owned() } else { format!("{}.{name}", self.key) };
        // The key's line, not the value's: that of a table begins where its first entry does.
        Node { sink: self.sink, key: path, at: key.span().start, value: value.get_ref() }
    }
}
