//! A scanner over the text of one JSON value: finds where strings and numbers begin and end, and skips the rest.
//!
//! It accepts exactly what `serde_json` accepts into `IgnoredAny`; `tests/decode` compares the two over arbitrary
//! text. It is not `serde_json` because a number must keep its text whatever features another crate enables there, and
//! because what is skipped, most of every payload, is then read once.

/// Why scanning stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bad {
    /// The text ended inside a value.
    Truncated,
    /// What stands here is not JSON.
    Syntax,
    /// A mapped path leads deeper than the decoder goes.
    TooDeep,
}

/// The inside of a string, without its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quoted {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) escaped: bool,
}

/// Whether each open container is an object: one bit a level, so that deep nesting costs no stack and little memory.
#[derive(Debug, Default)]
pub(super) struct Levels {
    bits: Vec<u64>,
    depth: usize,
}

impl Levels {
    fn clear(&mut self) {
        self.depth = 0;
    }

    fn push(&mut self, object: bool) {
        let (word, bit) = (self.depth / 64, self.depth % 64);
        if word == self.bits.len() {
            self.bits.push(0);
        }
        if let Some(bits) = self.bits.get_mut(word) {
            *bits = (*bits & !(1 << bit)) | (u64::from(object) << bit);
        }
        self.depth += 1;
    }

    fn top(&self) -> Option<bool> {
        let last = self.depth.checked_sub(1)?;
        Some(self.bits.get(last / 64).is_some_and(|bits| bits >> (last % 64) & 1 == 1))
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }
}

/// A place in a text.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The high bit of the first byte of `word` that is a quote, a backslash or a control character, and perhaps of later
/// ones: only the lowest set bit means anything.
const fn special(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    ((quote.wrapping_sub(ONES) & !quote)
        | (backslash.wrapping_sub(ONES) & !backslash)
        | (word.wrapping_sub(ONES * 0x20) & !word))
        & HIGH
}

/// Whether two texts of one length are equal, by words: keys are too short for a call to `memcmp` to pay.
#[inline]
pub(super) fn same(left: &[u8], right: &[u8]) -> bool {
    let equal = |(word, other): (&[u8; 8], &[u8; 8])| u64::from_ne_bytes(*word) == u64::from_ne_bytes(*other);
    // The last eight bytes overlap the words before them, so no remainder is left.
    match left.last_chunk::<8>().zip(right.last_chunk::<8>()) {
        Some(ends) => equal(ends) && left.as_chunks().0.iter().zip(right.as_chunks().0).all(equal),
        None => left.iter().eq(right),
    }
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), at: 0 }
    }

    /// How many bytes were read.
    pub(super) const fn offset(&self) -> usize {
        self.at
    }

    /// The bytes between two places.
    #[inline]
    pub(super) fn between(&self, start: usize, end: usize) -> &'a [u8] {
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// The next byte that is not white space, left where it is.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<u8, Bad> {
        match self.bytes.get(self.at) {
            Some(&byte) if byte > b' ' => Ok(byte),
            _ => self.peek_behind_space(),
        }
    }

    fn peek_behind_space(&mut self) -> Result<u8, Bad> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(&byte) => return Ok(byte),
                None => return Err(Bad::Truncated),
            }
        }
    }

    /// Steps over the byte that `peek` showed.
    #[inline]
    pub(super) const fn step(&mut self) {
        self.at += 1;
    }

    /// Steps over `text` if it stands here.
    #[inline]
    pub(super) fn follows(&mut self, text: &[u8]) -> bool {
        let follows = self.bytes.get(self.at..self.at + text.len()).is_some_and(|here| same(here, text));
        if follows {
            self.at += text.len();
        }
        follows
    }

    /// That nothing but white space follows.
    pub(super) fn end(&mut self) -> Result<(), Bad> {
        match self.peek() {
            Err(_) => Ok(()),
            Ok(_) => Err(Bad::Syntax),
        }
    }

    /// A key and the colon behind it.
    #[inline]
    pub(super) fn key(&mut self) -> Result<Quoted, Bad> {
        if self.peek()? != b'"' {
            return Err(Bad::Syntax);
        }
        let key = self.string()?;
        if self.peek()? != b':' {
            return Err(Bad::Syntax);
        }
        self.step();
        Ok(key)
    }

    /// The string whose opening quote stands here.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Quoted, Bad> {
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            while let Some(word) = self.bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
                let found = special(u64::from_le_bytes(*word));
                if found != 0 {
                    at += found.trailing_zeros() as usize / 8;
                    break;
                }
                at += 8;
            }
            match self.bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(Quoted { start, end: at, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.at = at;
                    self.escape()?;
                    at = self.at;
                }
                Some(0..0x20) => {
                    self.at = at;
                    return Err(Bad::Syntax);
                }
                Some(_) => at += 1,
                None => {
                    self.at = at;
                    return Err(Bad::Truncated);
                }
            }
        }
    }

    /// The escape whose backslash stands here.
    fn escape(&mut self) -> Result<(), Bad> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 2..self.at + 6).ok_or(Bad::Truncated)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(Bad::Syntax);
                }
                self.at += 6;
            }
            Some(_) => return Err(Bad::Syntax),
            None => return Err(Bad::Truncated),
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Bad> {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        match self.at > start {
            true => Ok(()),
            false if start < self.bytes.len() => Err(Bad::Syntax),
            false => Err(Bad::Truncated),
        }
    }

    /// The number that begins here, exactly as written.
    pub(super) fn number(&mut self) -> Result<(usize, usize), Bad> {
        let start = self.at;
        if self.bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        if self.bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
            if self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
                return Err(Bad::Syntax);
            }
        } else {
            self.digits()?;
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok((start, self.at))
    }

    /// The word `true`, `false` or `null` that begins here.
    #[inline]
    pub(super) fn word<const N: usize>(&mut self, word: &'static [u8; N]) -> Result<(), Bad> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if rest.first_chunk::<N>() == Some(word) {
            self.at += N;
            return Ok(());
        }
        Err(if word.starts_with(rest) { Bad::Truncated } else { Bad::Syntax })
    }

    /// Steps over one value of any depth, checking it.
    #[inline]
    pub(super) fn skip(&mut self, levels: &mut Levels) -> Result<(), Bad> {
        match self.peek()? {
            b'{' | b'[' => self.skip_nested(levels),
            first => self.skip_scalar(first),
        }
    }

    #[inline]
    fn skip_scalar(&mut self, first: u8) -> Result<(), Bad> {
        match first {
            b'"' => self.string().map(drop),
            b'-' | b'0'..=b'9' => self.number().map(drop),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => Err(Bad::Syntax),
        }
    }

    fn skip_nested(&mut self, levels: &mut Levels) -> Result<(), Bad> {
        levels.clear();
        loop {
            match self.peek()? {
                open @ (b'{' | b'[') => {
                    self.step();
                    let object = open == b'{';
                    if self.peek()? == if object { b'}' } else { b']' } {
                        self.step();
                    } else {
                        levels.push(object);
                        if object {
                            self.key()?;
                        }
                        continue;
                    }
                }
                first => self.skip_scalar(first)?,
            }
            // A value ended here: so do the containers that close behind it.
            loop {
                let Some(object) = levels.top() else { return Ok(()) };
                match (self.peek()?, object) {
                    (b',', _) => {
                        self.step();
                        if object {
                            self.key()?;
                        }
                        break;
                    }
                    (b'}', true) | (b']', false) => {
                        self.step();
                        levels.pop();
                    }
                    _ => return Err(Bad::Syntax),
                }
            }
        }
    }
}
