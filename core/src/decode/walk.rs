//! The walk through one payload: every leaf that a table looks for is captured by its place, everything else skipped.
//!
//! Where an object has a key twice the last one counts, with all that is below it, as in `JSON.parse` and as in
//! `serde_json::Value`.

use super::escape::unescape;
use super::order::{Identity, Orders};
use super::scan::{Bad, Levels, Scanner};
use super::trie::{Node, Trie, number};

/// Elements of one array that are captured; an array of more is a fault of the attributes that read it.
pub(super) const MAX_ELEMENTS: u32 = 1 << 16;
/// How deep mapped paths may lead.
const MAX_DEPTH: u32 = 128;

/// What stood at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Absent,
    Null,
    True,
    False,
    /// A string without escapes: a range of the body.
    Text,
    /// A string whose escapes were undone: a range of [`Scratch::text`].
    Unescaped,
    /// A number as written: a range of the body.
    Number,
    Object,
    /// An array: its first element's place in [`Scratch::captured`], and how many there are.
    Array,
    /// A string with half a surrogate pair.
    BrokenText,
    /// Below a value that should have been an object.
    NoObject,
    /// An array of more than [`MAX_ELEMENTS`].
    TooMany,
    /// Named, but without a value.
    Withheld,
}

/// What stood at one place, and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Captured {
    pub(super) kind: Kind,
    pub(super) at: u32,
    pub(super) len: u32,
}

impl Captured {
    pub(super) const ABSENT: Self = Self { kind: Kind::Absent, at: 0, len: 0 };

    const fn plain(kind: Kind) -> Self {
        Self { kind, at: 0, len: 0 }
    }

    fn range(kind: Kind, start: usize, end: usize) -> Self {
        Self { kind, at: number(start), len: number(end - start) }
    }
}

/// What one walk needs and the next one uses again.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// By node of the table's trie; behind them the elements of arrays, each by node of its own trie.
    pub(super) captured: Vec<Captured>,
    /// Strings whose escapes were undone.
    pub(super) text: String,
    key: String,
    levels: Levels,
    orders: Orders,
}

/// Scratch space beyond this is given back, so that one huge payload is not paid for ever after.
const KEEP: usize = 1 << 20;

impl Scratch {
    /// Prepares for a walk that captures `places` places.
    fn reset(&mut self, places: usize) {
        if self.text.capacity() > KEEP || self.captured.capacity() > KEEP {
            *self = Self::default();
        }
        self.text.clear();
        self.captured.clear();
        self.captured.resize(places, Captured::ABSENT);
    }
}

/// Walks `body`, filling the first `places` captures by node of `trie`.
///
/// # Errors
///
/// What is wrong, and at which byte.
pub(super) fn walk(
    body: &str,
    trie: &Trie,
    identity: &Identity,
    places: usize,
    scratch: &mut Scratch,
) -> Result<(), (Bad, usize)> {
    scratch.reset(places);
    scratch.orders.turn_to(identity);
    let mut walk = Walk { scan: Scanner::new(body), body, scratch };
    let walked = walk.value(trie, 0, 0, 0).and_then(|()| walk.scan.end());
    walked.map_err(|bad| (bad, walk.scan.offset()))
}

struct Walk<'a, 's> {
    scan: Scanner<'a>,
    body: &'a str,
    scratch: &'s mut Scratch,
}

impl Walk<'_, '_> {
    /// Captures the value that stands here, and what is looked for below it.
    #[inline]
    fn value(&mut self, trie: &Trie, node: u32, base: usize, depth: u32) -> Result<(), Bad> {
        let first = self.scan.peek()?;
        let place = base + node as usize;
        let Some(plan) = trie.nodes.get(node as usize) else { return self.scan.skip(&mut self.scratch.levels) };
        let below = place + 1..base + plan.end as usize;
        if self.scratch.captured.get(place).is_some_and(|before| before.kind != Kind::Absent) {
            self.fill(below.clone(), Kind::Absent);
        }
        let captured = match first {
            b'{' => {
                if plan.keys.is_empty() {
                    self.scan.skip(&mut self.scratch.levels)?;
                } else {
                    self.object(trie, node, base, depth)?;
                }
                Captured::plain(Kind::Object)
            }
            b'[' => {
                self.fill(below, Kind::NoObject);
                match &plan.each {
                    Some(each) => self.array(each, depth)?,
                    None => {
                        self.scan.skip(&mut self.scratch.levels)?;
                        Captured::plain(Kind::Array)
                    }
                }
            }
            _ => {
                let captured = self.scalar(first)?;
                if !below.is_empty() {
                    let kind = if captured.kind == Kind::Null { Kind::Null } else { Kind::NoObject };
                    self.fill(below, kind);
                }
                captured
            }
        };
        if let Some(cell) = self.scratch.captured.get_mut(place) {
            *cell = captured;
        }
        Ok(())
    }

    fn fill(&mut self, range: std::ops::Range<usize>, kind: Kind) {
        if let Some(cells) = self.scratch.captured.get_mut(range) {
            cells.fill(Captured::plain(kind));
        }
    }

    fn object(&mut self, trie: &Trie, node: u32, base: usize, depth: u32) -> Result<(), Bad> {
        if depth == MAX_DEPTH {
            return Err(Bad::TooDeep);
        }
        let Some(plan) = trie.nodes.get(node as usize) else { return Err(Bad::TooDeep) };
        self.scan.step();
        if self.scan.peek()? == b'}' {
            self.scan.step();
            return Ok(());
        }
        let order = (trie.first + node) as usize;
        let mut position = 0;
        loop {
            self.scan.peek()?;
            let child = match self.scratch.orders.expected(order, &mut position, &mut self.scan) {
                Some(child) => child,
                None => {
                    let start = self.scan.offset();
                    let child = self.key(plan)?;
                    let written = self.scan.between(start, self.scan.offset());
                    self.scratch.orders.learn(order, &mut position, written, child);
                    child
                }
            };
            match child {
                Some(child) => self.value(trie, child, base, depth + 1)?,
                None => self.scan.skip(&mut self.scratch.levels)?,
            }
            match self.scan.peek()? {
                b',' => self.scan.step(),
                b'}' => {
                    self.scan.step();
                    return Ok(());
                }
                _ => return Err(Bad::Syntax),
            }
        }
    }

    /// Reads a key, and says which node it leads to.
    fn key(&mut self, plan: &Node) -> Result<Option<u32>, Bad> {
        let key = self.scan.key()?;
        if !key.escaped {
            return Ok(plan.keys.get(self.scan.between(key.start, key.end)));
        }
        self.scratch.key.clear();
        let raw = self.body.get(key.start..key.end).unwrap_or_default();
        // A key that is no text is no key of ours.
        let text = unescape(raw, &mut self.scratch.key);
        Ok(text.then(|| plan.keys.get(self.scratch.key.as_bytes())).flatten())
    }

    fn array(&mut self, each: &Trie, depth: u32) -> Result<Captured, Bad> {
        let first = self.scratch.captured.len();
        let mut count = 0;
        self.scan.step();
        if self.scan.peek()? == b']' {
            self.scan.step();
            return Ok(Captured { kind: Kind::Array, at: number(first), len: 0 });
        }
        loop {
            if count < MAX_ELEMENTS {
                let base = self.scratch.captured.len();
                self.scratch.captured.resize(base + each.nodes.len(), Captured::ABSENT);
                self.value(each, 0, base, depth + 1)?;
            } else {
                self.scan.skip(&mut self.scratch.levels)?;
            }
            count += 1;
            match self.scan.peek()? {
                b',' => self.scan.step(),
                b']' => {
                    self.scan.step();
                    break;
                }
                _ => return Err(Bad::Syntax),
            }
        }
        if count > MAX_ELEMENTS {
            self.scratch.captured.truncate(first);
            return Ok(Captured::plain(Kind::TooMany));
        }
        Ok(Captured { kind: Kind::Array, at: number(first), len: count })
    }

    #[inline]
    fn scalar(&mut self, first: u8) -> Result<Captured, Bad> {
        Ok(match first {
            b'"' => {
                let text = self.scan.string()?;
                if text.escaped {
                    let start = self.scratch.text.len();
                    let raw = self.body.get(text.start..text.end).unwrap_or_default();
                    if unescape(raw, &mut self.scratch.text) {
                        Captured::range(Kind::Unescaped, start, self.scratch.text.len())
                    } else {
                        self.scratch.text.truncate(start);
                        Captured::plain(Kind::BrokenText)
                    }
                } else {
                    Captured::range(Kind::Text, text.start, text.end)
                }
            }
            b'-' | b'0'..=b'9' => {
                let (start, end) = self.scan.number()?;
                Captured::range(Kind::Number, start, end)
            }
            b't' => {
                self.scan.word(b"true")?;
                Captured::plain(Kind::True)
            }
            b'f' => {
                self.scan.word(b"false")?;
                Captured::plain(Kind::False)
            }
            b'n' => {
                self.scan.word(b"null")?;
                Captured::plain(Kind::Null)
            }
            _ => return Err(Bad::Syntax),
        })
    }
}
