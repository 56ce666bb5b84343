//! Where something stands in a text, and how much of the text a finding quotes.

use std::borrow::Cow;
use std::rc::Rc;

use crate::verify::document::{Document, Node, Place};

/// Where something stands. Its pointer is written only where something is found: a document of 1 MB has many places, and a
/// key above them may be as long as the document.
#[derive(Clone, Debug)]
pub(crate) struct Spot {
    pub(crate) place: Place,
    way: Option<Rc<Step>>,
}

/// The last step to a value, and those before it.
#[derive(Debug)]
struct Step {
    before: Option<Rc<Step>>,
    token: Token,
}

#[derive(Debug)]
enum Token {
    /// Of an object, cut to [`MAX_KEY`] and escaped.
    Key(Box<str>),
    /// Of an array.
    At(usize),
    /// A whole pointer.
    Pointer(Box<str>),
}

/// So many characters of a key stand in a pointer. The longest that AWS allows, of a tag, have fewer.
const MAX_KEY: usize = 200;

impl Spot {
    /// Of the whole text, but at `place`.
    pub(crate) fn root(place: Place) -> Self {
        Self { place, way: None }
    }

    pub(crate) fn of_document(document: &Document) -> Self {
        let pointer = Token::Pointer(document.pointer.as_str().into());
        Self::root(document.node.place).step(pointer, document.node.place)
    }

    /// Of what stands under `key`.
    pub(crate) fn below(&self, key: &str, node: &Node) -> Self {
        let key = cut(key, MAX_KEY).replace('~', "~0").replace('/', "~1");
        self.step(Token::Key(key.into()), node.place)
    }

    /// Of the entry of an array with this index.
    pub(crate) fn entry(&self, index: usize, node: &Node) -> Self {
        self.step(Token::At(index), node.place)
    }

    fn step(&self, token: Token, place: Place) -> Self {
        let before = self.way.clone();
        let way = Some(Rc::new(Step { before, token }));
        Self { place, way }
    }

    /// The same, but where the key stands.
    pub(crate) fn at(&self, place: Place) -> Self {
        let way = self.way.clone();
        Self { place, way }
    }

    /// As a JSON Pointer.
    pub(crate) fn pointer(&self) -> String {
        let mut steps = Vec::new();
        let mut next = self.way.as_ref();
        while let Some(step) = next {
            steps.push(step);
            next = step.before.as_ref();
        }
        let write = |step: &Rc<Step>| match &step.token {
            Token::Key(key) => format!("/{key}"),
            Token::At(index) => format!("/{index}"),
            Token::Pointer(pointer) => pointer.to_string(),
        };
        steps.into_iter().rev().map(write).collect()
    }
}

/// So many characters of a text are quoted.
const MAX_QUOTED: usize = 100;

/// So many characters has a message, whatever it quotes.
const MAX_MESSAGE: usize = 600;

/// `text` as a message quotes it.
pub(crate) fn short(text: &str) -> Cow<'_, str> {
    cut(text, MAX_QUOTED)
}

/// `message` with what stands between backticks cut.
pub(crate) fn shortened(message: String) -> String {
    if message.len() <= MAX_QUOTED {
        return message;
    }
    let part = |(at, part)| match at % 2 {
        0 => Cow::Borrowed(part),
        _ => short(part),
    };
    let parts: Vec<_> = message.split('`').enumerate().map(part).collect();
    cut(&parts.join("`"), MAX_MESSAGE).into_owned()
}

/// The first `most` characters of `text`, and `…` where there are more.
fn cut(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn quotations_are_cut_and_the_words_around_them_are_not() {
        let long = "é".repeat(200);
        let cut = format!("{}…", "é".repeat(100));
        assert_eq!(
            shortened(format!("{long} `{long}` is `a`")),
            format!("{long} `{cut}` is `a`")
        );
        assert_eq!(shortened("`a`".to_owned()), "`a`");
        let quotes = shortened("`a".repeat(10_000));
        assert_eq!(quotes.chars().count(), 601);
    }
}
