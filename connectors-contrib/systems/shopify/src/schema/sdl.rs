//! The schema definition language of GraphQL, as far as types, inputs and enumerations go.

use std::collections::{BTreeMap, BTreeSet};

use accordant::text::Text;

use super::{TypeRef, Types};

/// The types, if the text is such a document.
pub(super) fn parse(text: &str) -> Option<Types> {
    let mut reader = Reader { tokens: tokens(text)?, at: 0 };
    let mut types = Types::default();
    while let Some(token) = reader.next() {
        // `extend type` adds to a type; whatever else may begin a definition is passed over.
        match token {
            Token::Name("type" | "interface") => {
                let name = reader.name()?.to_owned();
                if reader.seek_block() {
                    let fields = reader.fields()?;
                    types.objects.entry(name).or_default().extend(fields);
                }
            }
            Token::Name("input") => {
                let name = reader.name()?.to_owned();
                if reader.seek_block() {
                    let fields = reader.fields()?;
                    types.inputs.entry(name).or_default().extend(fields);
                }
            }
            Token::Name("enum") => {
                let name = reader.name()?.to_owned();
                if reader.seek_block() {
                    let values = reader.values()?;
                    types.enums.entry(name).or_default().extend(values);
                }
            }
            Token::Mark('{') => reader.pass('{', '}')?,
            Token::Mark('(') => reader.pass('(', ')')?,
            Token::Name(_) | Token::Mark(_) | Token::Value => {}
        }
    }
    (!types.objects.is_empty()).then_some(types)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Name(&'a str),
    Mark(char),
    /// A text or a number.
    Value,
}

/// The tokens of a document, without comments; `None`: a text without an end.
fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if first == '#' {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(block) = rest.strip_prefix("\"\"\"") {
            tokens.push(Token::Value);
            6 + end_of_block(block)?
        } else if first == '"' {
            tokens.push(Token::Value);
            end_of_text(rest)?
        } else if first == '_' || first.is_ascii_alphabetic() {
            let outside = |letter: char| letter != '_' && !letter.is_ascii_alphanumeric();
            let length = rest.find(outside).unwrap_or(rest.len());
            tokens.push(Token::Name(rest.get(..length)?));
            length
        } else if first == '-' || first.is_ascii_digit() {
            tokens.push(Token::Value);
            let outside = |letter: char| !matches!(letter, '0'..='9' | '.' | 'e' | 'E' | '+' | '-');
            rest.find(outside).unwrap_or(rest.len())
        } else {
            if !first.is_whitespace() && first != ',' && first != '\u{feff}' {
                tokens.push(Token::Mark(first));
            }
            first.len_utf8()
        };
        rest = rest.get(length..)?;
    }
    Some(tokens)
}

/// The length of a block text, without its marks. One within it stands behind a backslash.
fn end_of_block(block: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let end = from + block.get(from..)?.find("\"\"\"")?;
        if !block.get(..end)?.ends_with('\\') {
            return Some(end);
        }
        from = end + 3;
    }
}

/// The length of a text, with its marks.
fn end_of_text(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            '\n' => return None,
            '"' if !escaped => return Some(at + 1),
            _ => escaped = letter == '\\' && !escaped,
        }
    }
    None
}

struct Reader<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    fn next(&mut self) -> Option<Token<'a>> {
        let token = self.peek();
        self.at += usize::from(token.is_some());
        token
    }

    fn eat(&mut self, mark: char) -> bool {
        let is_there = self.peek() == Some(Token::Mark(mark));
        self.at += usize::from(is_there);
        is_there
    }

    fn name(&mut self) -> Option<&'a str> {
        match self.next()? {
            Token::Name(name) => Some(name),
            _ => None,
        }
    }

    /// Goes behind the brace that opens the body of the definition; `false`: it has none.
    fn seek_block(&mut self) -> bool {
        loop {
            match self.peek() {
                Some(Token::Mark('{')) => {
                    self.at += 1;
                    return true;
                }
                // What it implements, and its directives.
                Some(Token::Name("implements") | Token::Mark('&' | '@')) => {
                    self.at += 1;
                    if matches!(self.peek(), Some(Token::Name(_))) {
                        self.at += 1;
                    }
                }
                Some(Token::Mark('(')) => {
                    self.at += 1;
                    if self.pass('(', ')').is_none() {
                        return false;
                    }
                }
                _ => return false,
            }
        }
    }

    /// Goes behind the mark that closes what was opened just before.
    fn pass(&mut self, open: char, close: char) -> Option<()> {
        let mut depth = 1;
        while depth > 0 {
            match self.next()? {
                Token::Mark(mark) if mark == open => depth += 1,
                Token::Mark(mark) if mark == close => depth -= 1,
                _ => {}
            }
        }
        Some(())
    }

    /// Goes past directives.
    fn directives(&mut self) -> Option<()> {
        while self.eat('@') {
            self.name()?;
            if self.eat('(') {
                self.pass('(', ')')?;
            }
        }
        Some(())
    }

    fn fields(&mut self) -> Option<BTreeMap<String, TypeRef>> {
        let mut fields = BTreeMap::new();
        while !self.eat('}') {
            let name = match self.next()? {
                Token::Name(name) => name,
                // A description.
                Token::Value => continue,
                Token::Mark(_) => return None,
            };
            if self.eat('(') {
                self.pass('(', ')')?;
            }
            if !self.eat(':') {
                return None;
            }
            let mut of = self.reference()?;
            if self.eat('=') {
                of.required = false;
                self.value()?;
            }
            self.directives()?;
            fields.insert(name.to_owned(), of);
        }
        Some(fields)
    }

    fn reference(&mut self) -> Option<TypeRef> {
        let inner = if self.eat('[') {
            let inner = self.reference()?;
            if !self.eat(']') {
                return None;
            }
            TypeRef { list: true, ..inner }
        } else {
            TypeRef { name: self.name()?.to_owned(), list: false, required: false }
        };
        Some(TypeRef { required: self.eat('!'), ..inner })
    }

    /// Goes past a default.
    fn value(&mut self) -> Option<()> {
        match self.next()? {
            Token::Mark('[') => self.pass('[', ']'),
            Token::Mark('{') => self.pass('{', '}'),
            Token::Name(_) | Token::Value => Some(()),
            Token::Mark(_) => None,
        }
    }

    fn values(&mut self) -> Option<BTreeSet<Text>> {
        let mut values = BTreeSet::new();
        while !self.eat('}') {
            match self.next()? {
                Token::Name(name) => drop(values.insert(Text::from(name))),
                Token::Value => {}
                Token::Mark(_) => return None,
            }
            self.directives()?;
        }
        Some(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_surrounds_types_is_passed_over() {
        let text = r#"
            "a directive" directive @access(scopes: [String!] = ["a{"]) on OBJECT
            scalar Decimal @specifiedBy(url: "https://x.test/{")
            """ A block with \""" a mark and a { brace """
            type Customer implements Node & HasTags @access(scopes: ["read"]) {
              # a comment with }
              "its name" firstName(format: Style = { short: true }, n: Int = -1.5e3): String @deprecated(reason: "no } more")
              tags: [String!]!
              "state" state: State!
            }
            union Any = Customer | Order
            enum State @x { "on" ENABLED DISABLED @deprecated }
            input CustomerInput { email: String! note: String! = "none" tags: [String!] = [] }
            extend type Customer { late: Int }
            schema { query: Customer }
        "#;
        let types = parse(text).expect("a document");
        let of = |name: &str, list, required| TypeRef { name: name.into(), list, required };
        let customer = &types.objects["Customer"];
        assert_eq!(customer["firstName"], of("String", false, false));
        assert_eq!(customer["tags"], of("String", true, true));
        assert_eq!(customer["state"], of("State", false, true));
        assert_eq!(customer["late"], of("Int", false, false));
        assert_eq!(types.inputs["CustomerInput"]["email"], of("String", false, true));
        assert_eq!(types.inputs["CustomerInput"]["note"], of("String", false, false));
        assert_eq!(types.enums["State"].iter().map(Text::as_str).collect::<Vec<_>>(), ["DISABLED", "ENABLED"]);
    }

    #[test]
    fn what_is_no_document_is_none() {
        for text in [
            "",
            "type",
            "type A {",
            "type A { b }",
            "type A { b: }",
            "type A { b: [C }",
            "enum E { ( }",
            "\"",
            "<html>",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
