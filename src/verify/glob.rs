//! Languages of strings written with `*` and `?`: does one contain another, do two meet.

use std::collections::HashSet;

/// One element of a [`Glob`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Token {
    /// This character.
    Char(char),
    /// Any one character.
    One,
    /// Any run of characters.
    Star,
    /// Any one character but a colon.
    OneInField,
    /// Any run of characters without a colon.
    StarInField,
}

/// How many steps from a place by a character [`Glob::covers`] takes before it gives up and says no.
const INCLUSION_BUDGET: usize = 1 << 20;

/// How many pairs of positions [`Glob::meets`] looks at before it gives up and says yes.
const MEETING_BUDGET: usize = 1 << 24;

/// A set of strings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Glob {
    /// What every string of the set begins with: the characters before the first wildcard. Most patterns of a policy
    /// differ from a request here already, and comparing text is quicker than comparing tokens.
    prefix: Box<str>,
    /// The first wildcard and all behind it.
    rest: Box<[Token]>,
    /// No field-bound wildcard stands behind an unbound one, as in an ARN read narrowly. (A `?` that may stand for a colon
    /// lets a star before it choose where a field-bound star behind it begins, and the first place need not be the right
    /// one.)
    ordered: bool,
}

impl Token {
    pub(crate) fn is_star(self) -> bool {
        matches!(self, Self::Star | Self::StarInField)
    }

    /// The same without colons, if it is a wildcard.
    pub(crate) fn in_field(self) -> Self {
        match self {
            Self::One => Self::OneInField,
            Self::Star => Self::StarInField,
            other => other,
        }
    }

    /// Whether the token can stand for `c`, be it alone or as a part of a star's run. `None` is a character that no
    /// pattern at hand names.
    pub(crate) fn takes(self, c: Option<char>) -> bool {
        match self {
            Self::Char(own) => c == Some(own),
            Self::One | Self::Star => true,
            Self::OneInField | Self::StarInField => c != Some(':'),
        }
    }

    /// Whether each character that `other` can stand for is one that `self` can stand for.
    fn takes_all_of(self, other: Self) -> bool {
        match (self, other) {
            (Self::One | Self::Star, _) => true,
            (_, Self::Char(c)) => self.takes(Some(c)),
            (_, Self::One | Self::Star) => false,
            (Self::Char(_), _) => false,
            (Self::OneInField | Self::StarInField, _) => true,
        }
    }

    /// Whether some character is one that both can stand for.
    fn meets(self, other: Self) -> bool {
        match (self, other) {
            (Self::Char(c), other) | (other, Self::Char(c)) => other.takes(Some(c)),
            _ => true,
        }
    }
}

/// What is left of a glob's tokens.
#[derive(Clone, Copy)]
struct Tokens<'g> {
    text: &'g str,
    rest: &'g [Token],
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let mut characters = self.text.chars();
        if let Some(c) = characters.next() {
            self.text = characters.as_str();
            return Some(Token::Char(c));
        }
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }
}

impl Glob {
    /// The strings that `tokens` describe.
    pub(crate) fn new(tokens: Vec<Token>) -> Self {
        let characters = tokens.iter().map_while(|token| match token {
            Token::Char(c) => Some(*c),
            _ => None,
        });
        let prefix: String = characters.collect();
        let literal = prefix.chars().count();
        Self::behind(prefix, &tokens[literal..])
    }

    /// The strings that begin with `prefix`, behind which `rest` describes them; it begins with a wildcard if there is any.
    pub(crate) fn behind(prefix: impl Into<Box<str>>, rest: &[Token]) -> Self {
        let is_unbound = |t: &Token| matches!(t, Token::Star | Token::One);
        let mut unbound = rest.iter().skip_while(|t| !is_unbound(t));
        let bound = |t: &Token| matches!(t, Token::OneInField | Token::StarInField);
        Self {
            prefix: prefix.into(),
            ordered: !unbound.any(bound),
            rest: rest.into(),
        }
    }

    /// The one string `text`.
    pub(crate) fn literal(text: impl Into<Box<str>>) -> Self {
        Self::behind(text, &[])
    }

    /// What every string of the set begins with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The tokens behind the first `bytes` of the prefix.
    fn tokens(&self, bytes: usize) -> Tokens<'_> {
        Tokens {
            text: &self.prefix[bytes..],
            rest: &self.rest,
        }
    }

    /// All its tokens, those of the prefix too.
    pub(crate) fn all_tokens(&self) -> impl Iterator<Item = Token> {
        self.tokens(0)
    }

    /// Whether it has no wildcard.
    pub(crate) fn is_literal(&self) -> bool {
        self.rest.is_empty()
    }

    /// Whether `text` is one of the strings.
    pub(crate) fn matches(&self, text: &str) -> bool {
        if self.is_literal() {
            return *self.prefix == *text;
        }
        text.starts_with(&*self.prefix) && self.covers(&Self::literal(text))
    }

    /// Whether every string of `other` is one of `self`.
    ///
    /// Exact, save that it answers no where the search outgrows its budget, which takes patterns with many stars that
    /// repeat each other's text.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        // Where `other` has a wildcard within the prefix, it has strings that begin otherwise.
        other.prefix.starts_with(&*self.prefix)
            && (self.covers_greedily(other)
                || !(self.ordered && other.is_literal())
                    && self.may_cover(other)
                    && self.covers_thoroughly(other))
    }

    /// Whether it matches one of the shortest strings of `other`, which most pairs that begin alike can be told apart by.
    /// No is right; yes says nothing.
    fn may_cover(&self, other: &Self) -> bool {
        let one = |token: Token| match token {
            Token::Char(c) => c,
            _ => '\u{1}',
        };
        let tokens = other.all_tokens().filter(|token| !token.is_star());
        let shortest: String = tokens.map(one).collect();
        !self.ordered
            || shortest.starts_with(&*self.prefix) && self.covers_greedily(&Self::literal(shortest))
    }

    /// The two-pointer match behind the prefix: on a mismatch, let the last star take one token more. A yes is right; a
    /// no is, where `self` is ordered and `other` is one string.
    fn covers_greedily(&self, other: &Self) -> bool {
        if !other.is_literal() {
            return cover_greedily(&self.rest, other.tokens(self.prefix.len()));
        }
        // What ends both goes first: then a last star takes all that is left, unread.
        let mut outer = &*self.rest;
        let mut text = other.prefix[self.prefix.len()..].chars();
        while let Some((Token::Char(last), before)) = outer.split_last() {
            if text.next_back() != Some(*last) {
                return false;
            }
            outer = before;
        }
        cover_greedily(outer, text.map(Token::Char))
    }

    /// Inclusion of regular languages: walk `other`, and with it the set of places where `self` can be.
    fn covers_thoroughly(&self, other: &Self) -> bool {
        let mut alphabet: Vec<Option<char>> = vec![None, Some(':')];
        for token in &self.rest {
            if let Token::Char(c) = token
                && !alphabet.contains(&Some(*c))
            {
                alphabet.push(Some(*c));
            }
        }
        let inner: Vec<Token> = other.tokens(self.prefix.len()).collect();
        let start = (0, self.start());
        let mut seen = HashSet::from([start.clone()]);
        let mut open = vec![start];
        let mut steps_left = INCLUSION_BUDGET;
        while let Some((at, places)) = open.pop() {
            if places.is_empty() {
                return false;
            }
            let Some(token) = inner.get(at) else {
                if places.last() == Some(&self.rest.len()) {
                    continue;
                }
                return false;
            };
            let next = if token.is_star() { at } else { at + 1 };
            let letters: &[Option<char>] = match token {
                Token::Char(c) => &[Some(*c)],
                _ => &alphabet,
            };
            match steps_left.checked_sub(places.len() * letters.len()) {
                Some(left) => steps_left = left,
                None => return false,
            }
            let steps = letters
                .iter()
                .filter(|c| token.takes(**c))
                .map(|c| (next, self.step(&places, *c)));
            let skip = token.is_star().then(|| (at + 1, places.clone()));
            for state in steps.chain(skip) {
                if seen.insert(state.clone()) {
                    open.push(state);
                }
            }
        }
        true
    }

    /// The places behind the prefix, sorted. A place is the index in `rest` of the token that comes next.
    fn start(&self) -> Vec<usize> {
        let mut places = Vec::new();
        self.arrive(0, &mut places);
        places
    }

    /// The places after `c`, sorted.
    fn step(&self, places: &[usize], c: Option<char>) -> Vec<usize> {
        let mut out = Vec::new();
        for &place in places {
            if let Some(token) = self.rest.get(place)
                && token.takes(c)
            {
                self.arrive(if token.is_star() { place } else { place + 1 }, &mut out);
            }
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    /// Adds `place` and those that its stars lead to by taking nothing.
    fn arrive(&self, mut place: usize, out: &mut Vec<usize>) {
        out.push(place);
        while self.rest.get(place).is_some_and(|t| t.is_star()) {
            place += 1;
            out.push(place);
        }
    }

    /// Whether some string is in both.
    ///
    /// Exact, save that it answers yes where the two are so long that their product outgrows the budget.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        let shared = self.prefix.len().min(other.prefix.len());
        if self.prefix.as_bytes()[..shared] != other.prefix.as_bytes()[..shared] {
            return false;
        }
        if self.ordered && other.is_literal() {
            return shared == self.prefix.len() && self.covers_greedily(other);
        }
        let (a, b): (Vec<Token>, Vec<Token>) = (
            self.tokens(shared).collect(),
            other.tokens(shared).collect(),
        );
        if a.len().saturating_mul(b.len()) > MEETING_BUDGET {
            return true;
        }
        // row[j]: the tokens of `a` so far and the first j of `b` describe a common string.
        let mut row = vec![false; b.len() + 1];
        row[0] = true;
        for token in a {
            let mut below = vec![false; b.len() + 1];
            for j in 0..=b.len() {
                if !row[j] {
                    continue;
                }
                if token.is_star() {
                    below[j] = true;
                }
                let Some(other) = b.get(j) else { continue };
                match (token.is_star(), other.is_star()) {
                    (false, false) => below[j + 1] |= token.meets(*other),
                    (true, false) => row[j + 1] |= token.meets(*other),
                    (false, true) => {
                        row[j + 1] = true;
                        below[j] |= token.meets(*other);
                    }
                    (true, true) => row[j + 1] = true,
                }
            }
            row = below;
        }
        // What is left of `b` must be able to be empty.
        (0..=b.len()).any(|j| row[j] && b[j..].iter().all(|t| t.is_star()))
    }
}

/// The two-pointer match of `inner` with `outer`, see [`Glob::covers_greedily`].
fn cover_greedily<I: Iterator<Item = Token> + Clone>(outer: &[Token], mut inner: I) -> bool {
    let mut o = 0;
    let mut retry: Option<(usize, I)> = None;
    loop {
        let mut next = inner.clone();
        let Some(token) = next.next() else {
            return outer[o..].iter().all(|t| t.is_star());
        };
        match outer.get(o) {
            // Nothing that comes can be too much for it.
            Some(Token::Star) if o + 1 == outer.len() => return true,
            Some(star) if star.is_star() => {
                retry = Some((o, inner.clone()));
                o += 1;
            }
            Some(one) if !token.is_star() && one.takes_all_of(token) => {
                o += 1;
                inner = next;
            }
            _ => {
                let Some((star, taken)) = &mut retry else {
                    return false;
                };
                if !taken.next().is_some_and(|t| outer[*star].takes_all_of(t)) {
                    return false;
                }
                o = *star + 1;
                inner = taken.clone();
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::{Glob, Token};

    /// `*` and `?` as usual; `+` and `.` are their like within a field.
    pub(crate) fn glob(text: &str) -> Glob {
        let token = |c| match c {
            '*' => Token::Star,
            '?' => Token::One,
            '+' => Token::StarInField,
            '.' => Token::OneInField,
            c => Token::Char(c),
        };
        Glob::new(text.chars().map(token).collect())
    }

    /// Whether `text` is in the language, by the definition: try every way to cut it.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        let Some((first, rest)) = pattern.split_first() else {
            return text.is_empty();
        };
        let fits = |c: &char| *first == '*' || *first == '?' || *c != ':';
        match first {
            '*' | '+' => (0..=text.len())
                .take_while(|n| text[..*n].iter().all(fits))
                .any(|n| naive(rest, &text[n..])),
            '?' | '.' => text.first().is_some_and(fits) && naive(rest, &text[1..]),
            c => text.first() == Some(c) && naive(rest, &text[1..]),
        }
    }

    fn matches(pattern: &str, text: &str) -> bool {
        let chars = |s: &str| s.chars().collect::<Vec<_>>();
        naive(&chars(pattern), &chars(text))
    }

    /// All strings over `a`, `b`, `:` of at most `longest` characters.
    fn words(longest: usize) -> Vec<String> {
        let mut out = vec![String::new()];
        let mut from = 0;
        for _ in 0..longest {
            let until = out.len();
            for at in from..until {
                for c in ['a', 'b', ':'] {
                    out.push(format!("{}{c}", out[at]));
                }
            }
            from = until;
        }
        out
    }

    #[test]
    fn covers_is_inclusion() {
        for (outer, inner, expected) in [
            ("*", "*", true),
            ("*", "", true),
            ("*", "+", true),
            ("+", "*", false),
            ("+", "a.b", true),
            ("+", "a?b", false),
            ("a*", "ab*c", true),
            ("a?", "a*", false),
            ("a*c", "abcbc", true),
            ("a*c", "abd", false),
            ("a", "a*", false),
            ("?*", "*?", true),
            ("*?*", "?", true),
            ("??*", "?*?", true),
            ("*a*", "*a*b*", true),
            ("*a*b*", "*b*a*", false),
            ("+:+", "a:+", true),
            ("+:*", "a:b:c", true),
            ("+:+", "a:b:c", false),
            ("é?", "éß", true),
            ("+?+?", "a::", true),
            ("+a?+b", "aaa:b", true),
        ] {
            assert_eq!(
                glob(outer).covers(&glob(inner)),
                expected,
                "{outer} covers {inner}"
            );
        }
    }

    #[test]
    fn meets_is_a_common_string() {
        for (a, b, expected) in [
            ("*", "abc", true),
            ("a*", "*b", true),
            ("a*b", "b*a", false),
            ("a?c", "a*", true),
            ("+a", "b:*", false),
            ("+a", "*:a", false),
            ("*a", "b:+", true),
            (".", ":", false),
            ("", "*", true),
            ("", "?", false),
            ("+?+?", "a::", true),
            ("+a?+b", "aaa:b", true),
        ] {
            assert_eq!(glob(a).meets(&glob(b)), expected, "{a} meets {b}");
            assert_eq!(glob(b).meets(&glob(a)), expected, "{b} meets {a}");
        }
    }

    #[test]
    fn huge_patterns_end_and_err_on_the_safe_side() {
        let many = "a*b*".repeat(5_000);
        assert!(
            glob(&many).meets(&glob(&many)),
            "a pattern meets itself, whatever the budget"
        );
        let twisted = glob(&"*a?b".repeat(40));
        let other = glob(&"*?".repeat(200));
        assert!(!twisted.covers(&other));
    }

    /// Patterns whose wildcards within a field come first, as in an ARN.
    fn pattern() -> impl Strategy<Value = String> {
        ("[ab:+.]{0,3}", "[ab:*?]{0,4}").prop_map(|(head, tail)| head + &tail)
    }

    proptest! {
        #[test]
        fn a_literal_is_covered_where_the_definition_matches(
            pattern in pattern(),
            text in "[ab:]{0,8}",
        ) {
            let subject = Glob::literal(text.as_str());
            prop_assert_eq!(glob(&pattern).covers(&subject), matches(&pattern, &text));
            prop_assert_eq!(glob(&pattern).meets(&subject), matches(&pattern, &text));
        }

        #[test]
        fn meets_agrees_with_the_definition_for_any_mix(
            pattern in "[ab:*?+.]{0,6}",
            text in "[ab:]{0,6}",
        ) {
            prop_assert_eq!(glob(&pattern).meets(&Glob::literal(text.as_str())), matches(&pattern, &text));
        }

        #[test]
        fn covers_and_meets_agree_with_all_short_words(outer in pattern(), inner in pattern()) {
            // Nothing here is longer than seven tokens, and what a star must take to tell two such apart is short.
            let words = words(6);
            let inside: Vec<_> = words.iter().filter(|w| matches(&inner, w)).collect();
            let shared = inside.iter().filter(|w| matches(&outer, w)).count();
            if glob(&outer).covers(&glob(&inner)) {
                prop_assert_eq!(shared, inside.len(), "covers, and yet a word is outside");
            }
            if shared > 0 {
                prop_assert!(glob(&outer).meets(&glob(&inner)));
            }
        }
    }

    #[test]
    fn covers_finds_every_inclusion_among_short_patterns() {
        // Over a third letter that no pattern names, words of five characters tell apart any two patterns of two tokens.
        let alphabet = ['a', 'x', ':'];
        let mut words = vec![String::new()];
        for at in 0.. {
            if words[at].len() == 5 {
                break;
            }
            for c in alphabet {
                words.push(format!("{}{c}", words[at]));
            }
        }
        let mut patterns = vec![String::new()];
        for first in "a:*?+.".chars() {
            patterns.push(first.to_string());
            for second in "a:*?".chars() {
                patterns.push(format!("{first}{second}"));
                for third in "a*?".chars() {
                    patterns.push(format!("{first}{second}{third}"));
                }
            }
        }
        for outer in &patterns {
            for inner in &patterns {
                let included = words
                    .iter()
                    .all(|w| !matches(inner, w) || matches(outer, w));
                let covers = glob(outer).covers(&glob(inner));
                assert_eq!(covers, included, "{outer} covers {inner}");
            }
        }
    }
}
