//! `*` and `?` in policy text.

/// Whether every string that `inner` matches is matched by `outer` too. Both are in policy syntax (see
/// [`crate::iam::arn::ResourceArn`]): `*` is any run of characters, `?` any one, `${*}` a literal star.
///
/// Never wrongly `true`. `false` where `outer` covers `inner` only by reading it in several ways at once, which takes
/// a `*` in `inner` that stands for text which `outer` spells out; no ARN is written like that.
#[must_use]
pub fn covers(outer: &str, inner: &str) -> bool {
    // What both begin with goes first: most of an ARN, compared as text.
    let same = same_literals(outer, inner);
    let (outer, inner) = (&outer[same..], &inner[same..]);
    // Most patterns end with a star.
    if outer == "*" {
        return true;
    }
    // Most others have stars and text only. No text of theirs is a wildcard of `inner`, so that can be compared as text too.
    if !outer.contains('?') && !has_escape(outer) && !has_escape(inner) {
        return stars_cover(outer, inner);
    }
    // The classic two-pointer glob match, over tokens: on a mismatch, let the last star of `outer` take one more.
    let (mut outer, mut inner) = (Tokens::of(outer), Tokens::of(inner));
    let mut retry: Option<(Tokens<'_>, Tokens<'_>)> = None;
    loop {
        let (mut next_outer, mut next_inner) = (outer, inner);
        let Some(covered) = next_inner.next() else {
            return outer.all(|token| token == Token::Star);
        };
        let fits = match next_outer.next() {
            Some(Token::Star) => {
                retry = Some((next_outer, inner));
                outer = next_outer;
                continue;
            }
            Some(Token::One) => covered != Token::Star,
            Some(literal) => literal == covered,
            None => false,
        };
        if fits {
            (outer, inner) = (next_outer, next_inner);
        } else if let Some((behind_star, taken)) = &mut retry {
            taken.next();
            (outer, inner) = (*behind_star, *taken);
        } else {
            return false;
        }
    }
}

/// The length of what both patterns begin with, before the first wildcard and the first `$` of either.
fn same_literals(a: &str, b: &str) -> usize {
    let pairs = a.bytes().zip(b.bytes());
    let mut same = pairs
        .take_while(|(a, b)| a == b && !matches!(a, b'*' | b'?' | b'$'))
        .count();
    while !a.is_char_boundary(same) {
        same -= 1;
    }
    same
}

/// Whether some `$` stands before a `{`.
fn has_escape(pattern: &str) -> bool {
    let bytes = pattern.as_bytes();
    memchr::memchr_iter(b'$', bytes).any(|at| bytes.get(at + 1) == Some(&b'{'))
}

/// Whether `outer`, all of which but its stars means itself, covers `text`: each part in the first place that has it, which leaves
/// most to those behind it.
fn stars_cover(outer: &str, text: &str) -> bool {
    let Some((head, rest)) = outer.split_once('*') else {
        return outer == text;
    };
    let (parts, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    let ends = text.strip_prefix(head).and_then(|t| t.strip_suffix(tail));
    let Some(mut text) = ends.map(str::as_bytes) else {
        return false;
    };
    for part in parts.split('*').map(str::as_bytes) {
        let Some(first) = part.first() else {
            continue;
        };
        let mut places = memchr::memchr_iter(*first, text);
        let Some(at) = places.find(|&at| text[at..].starts_with(part)) else {
            return false;
        };
        text = &text[at + part.len()..];
    }
    true
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Char(char),
    One,
    Star,
}

/// The tokens of a pattern. `*?` and `?*` mean the same: of each run of wildcards the `?` come first, and one `*` is
/// enough.
#[derive(Clone, Copy)]
struct Tokens<'a> {
    rest: &'a str,
    /// What is left of the run of wildcards before `rest`.
    ones: usize,
    star: bool,
}

impl<'a> Tokens<'a> {
    fn of(rest: &'a str) -> Self {
        Self {
            rest,
            ones: 0,
            star: false,
        }
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        while let Some(wildcard @ (b'*' | b'?')) = self.rest.as_bytes().first() {
            match wildcard {
                b'?' => self.ones += 1,
                _ => self.star = true,
            }
            self.rest = &self.rest[1..];
        }
        if self.ones > 0 {
            self.ones -= 1;
            return Some(Token::One);
        }
        if std::mem::take(&mut self.star) {
            return Some(Token::Star);
        }
        if let [b'$', b'{', c @ (b'*' | b'?' | b'$'), b'}', ..] = self.rest.as_bytes() {
            self.rest = &self.rest[4..];
            return Some(Token::Char(char::from(*c)));
        }
        let mut characters = self.rest.chars();
        let c = characters.next()?;
        self.rest = characters.as_str();
        Some(Token::Char(c))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::{Token, Tokens, covers};

    /// The same over lists of tokens, with no short cut.
    fn covers_slowly(outer: &[Token], inner: &[Token]) -> bool {
        match (outer.first(), inner.first()) {
            (None, None) => true,
            (Some(Token::Star), _) => {
                covers_slowly(&outer[1..], inner)
                    || !inner.is_empty() && covers_slowly(outer, &inner[1..])
            }
            (Some(o), Some(i)) if o == i || *o == Token::One && *i != Token::Star => {
                covers_slowly(&outer[1..], &inner[1..])
            }
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn short_cuts_lead_to_the_same_answer(outer in r"(a|b|é|\*|\?|\$|\$\{\*\}|\$\{\$\}|\}){0,6}", inner in r"(a|b|é|\*|\?|\$|\$\{\*\}|\$\{\$\}|\}){0,8}") {
            let tokens = |text| Tokens::of(text).collect::<Vec<_>>();
            prop_assert_eq!(covers(&outer, &inner), covers_slowly(&tokens(&outer), &tokens(&inner)));
        }
    }

    #[test]
    fn covers_is_inclusion_of_languages() {
        for (outer, inner, expected) in [
            ("*", "*", true),
            ("*", "", true),
            ("a*", "a", true),
            ("a*", "ab*c", true),
            ("a?", "a*", false),
            ("a?", "ab", true),
            ("a*c", "abcbc", true),
            ("a*c", "abd", false),
            ("a", "a*", false),
            ("${*}", "*", false),
            ("*", "${*}", true),
            ("a${?}", "a${?}", true),
            ("a${?}", "ab", false),
            ("??*", "?*?", true),
        ] {
            assert_eq!(covers(outer, inner), expected, "{outer} covers {inner}");
        }
    }
}
