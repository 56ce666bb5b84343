//! Resources: the ARN patterns of a policy against what a request asks for.

use crate::verify::context::Context;
use crate::verify::glob::{Glob, Token};
use crate::verify::matcher::{Answer, Pattern, Piece, Syntax, Variables, pieces, tokens};

/// The resource of a request.
///
/// `*` is what IAM is asked about an action that knows no resources: it is a name like any other, which `*` in a policy
/// matches and an ARN does not. Everything else is a pattern in policy syntax and stands for every string that it
/// describes.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    any: bool,
    glob: Glob,
    /// The names among `glob` whose resource part takes no further colons; `None` where it has no wildcard.
    plain: Option<Glob>,
}

impl Subject {
    pub(crate) fn new(resource: &str) -> Self {
        if first_special(resource).is_none() {
            return Self::literal(resource);
        }
        let syntax = Syntax {
            wildcards: true,
            variables: Variables::Escapes,
        };
        if let Some((prefix, rest)) = behind_fields(resource, syntax) {
            let plain: Vec<Token> = rest.iter().map(|token| token.in_field()).collect();
            return Self {
                any: false,
                plain: (plain != rest).then(|| Glob::behind(prefix, &plain)),
                glob: Glob::behind(prefix, &rest),
            };
        }
        let mut pieces = pieces(resource, syntax);
        keep_fields(&mut pieces, Crossing::Never);
        let tokens = tokens(pieces);
        let plain: Vec<Token> = tokens.iter().map(|token| token.in_field()).collect();
        Self {
            any: resource == "*",
            plain: (plain != tokens).then(|| Glob::new(plain)),
            glob: Glob::new(tokens),
        }
    }
}

impl Subject {
    /// Whether it stands for more than one resource.
    pub(crate) fn is_family(&self) -> bool {
        self.plain.is_some() && !self.any
    }

    /// What all that it stands for begins with.
    pub(crate) fn prefix(&self) -> &str {
        self.glob.prefix()
    }

    /// The one string `value`.
    pub(crate) fn literal(value: &str) -> Self {
        Self {
            any: false,
            glob: Glob::literal(value),
            plain: None,
        }
    }
}

/// How an ARN pattern's wildcards treat the colons between the first six fields.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Crossing {
    /// No wildcard takes a colon.
    Never,
    /// A star that ends its field takes what it likes.
    AtEnd,
}

/// Ties the wildcards before the fifth colon to their fields.
fn keep_fields(pieces: &mut [Piece], crossing: Crossing) {
    let mut colons = 0;
    for at in 0..pieces.len() {
        let ends = matches!(pieces.get(at + 1), None | Some(Piece::Is(Token::Char(':'))));
        if let Piece::Is(token) = &mut pieces[at] {
            match token {
                Token::Char(':') => colons += 1,
                Token::Star if ends && crossing == Crossing::AtEnd => {}
                _ => *token = token.in_field(),
            }
        }
        if colons == 5 {
            break;
        }
    }
}

/// A format such as `role/${RoleNameWithPath}`, each variable of which is some text.
pub(crate) fn format_tokens(format: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(format.len());
    let mut rest = format;
    while let Some((before, after)) = rest.split_once("${") {
        tokens.extend(before.chars().map(Token::Char));
        tokens.extend([Token::One, Token::Star]);
        rest = after.split_once('}').map_or("", |(_, behind)| behind);
    }
    tokens.extend(rest.chars().map(Token::Char));
    tokens
}

/// Where the first wildcard or variable of `text` begins.
fn first_special(text: &str) -> Option<usize> {
    memchr::memchr3_iter(b'*', b'?', b'$', text.as_bytes())
        .find(|&at| !text[at..].starts_with('$') || text[at..].starts_with("${"))
}

/// `text` up to its first wildcard, and the tokens of the rest, where no variable and no wildcard stands in its first five
/// fields and no variable behind them: most are like that, and then no field has to be kept.
fn behind_fields(text: &str, syntax: Syntax) -> Option<(&str, Vec<Token>)> {
    let first = first_special(text).unwrap_or(text.len());
    let (prefix, rest) = text.split_at(first);
    let fields = prefix.bytes().filter(|b| *b == b':').count();
    (fields >= 5 && !rest.contains("${")).then(|| (prefix, tokens(pieces(rest, syntax))))
}

/// A resource of a policy, or a value of an ARN condition.
///
/// AWS says two things of a star in the first five fields of an ARN: wildcards stand for characters *within* a field,
/// and a star that ends a field "can expand to match beyond the colon boundaries". So a pattern is compiled twice, and
/// what grants is held to the narrow reading, what refuses to the wide one.
/// Source: IAM User Guide, "IAM JSON policy elements: Resource", "Using wildcards in resource ARNs".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ArnPattern {
    pub(crate) text: Box<str>,
    /// Matches everything, `*` too.
    pub(crate) any: bool,
    pub(crate) narrow: Pattern,
    /// `None` where it is the same as `narrow`.
    wide: Option<Pattern>,
}

impl ArnPattern {
    /// The pattern, or why `text` is none. Missing fields at the end are filled with `*`.
    /// Source: IAM User Guide, "IAM identifiers", "IAM ARNs".
    pub(crate) fn compile(text: &str, variables: Variables) -> Result<Self, String> {
        let any = !text.is_empty() && text.bytes().all(|b| b == b'*');
        if !any && !text.starts_with("arn:") {
            return Err(format!("resource `{text}` is neither an ARN nor `*`"));
        }
        let syntax = Syntax {
            wildcards: true,
            variables,
        };
        if let Some((prefix, rest)) = behind_fields(text, syntax) {
            return Ok(Self {
                text: text.into(),
                any,
                narrow: Pattern::Fixed(Glob::behind(prefix, &rest)),
                wide: None,
            });
        }
        let mut narrow = pieces(text, syntax);
        let colons = narrow
            .iter()
            .filter(|piece| matches!(piece, Piece::Is(Token::Char(':'))))
            .count();
        if !any {
            for _ in colons..5 {
                narrow.extend([Piece::Is(Token::Char(':')), Piece::Is(Token::Star)]);
            }
        }
        let mut wide = narrow.clone();
        if !any {
            keep_fields(&mut narrow, Crossing::Never);
            keep_fields(&mut wide, Crossing::AtEnd);
        }
        let star = |piece: &Piece| matches!(piece, Piece::Is(Token::Star));
        let same = narrow.iter().zip(&wide).all(|(n, w)| star(n) == star(w));
        Ok(Self {
            text: text.into(),
            any,
            narrow: Pattern::from_pieces(narrow, false),
            wide: (!same).then(|| Pattern::from_pieces(wide, false)),
        })
    }

    /// The pattern for an ARN condition, which compares field by field: `None` where `text` is neither `*` nor has six
    /// fields, of which no page says what it matches.
    pub(crate) fn compile_condition(text: &str, variables: Variables) -> Option<Self> {
        let pattern = Self::compile(text, variables).ok()?;
        (pattern.any || text.split(':').count() >= 6).then_some(pattern)
    }

    /// What all that it matches begins with, as far as that is plain.
    pub(crate) fn prefix(&self) -> &str {
        match &self.narrow {
            Pattern::Fixed(glob) => glob.prefix(),
            Pattern::Varying { .. } => "",
        }
    }

    /// Its readings: the narrow one, and where `widely` asks for it the wide one, if that is another.
    pub(crate) fn readings(&self, widely: bool) -> impl Iterator<Item = &Pattern> {
        let wide = self.wide.as_ref().filter(|_| widely);
        std::iter::once(&self.narrow).chain(wide)
    }

    /// Whether it surely matches all of `subject`.
    pub(crate) fn covers(&self, subject: &Subject, context: &Context, unfilled: Answer) -> Answer {
        if self.any || subject.any {
            return Answer::from(self.any);
        }
        self.narrow.covers(&subject.glob, context, unfilled)
    }

    /// Whether it may match some of `subject`.
    pub(crate) fn meets(&self, subject: &Subject, context: &Context, unfilled: Answer) -> Answer {
        if self.any || subject.any {
            return Answer::from(self.any);
        }
        let narrow = self.narrow.meets(&subject.glob, context, unfilled);
        let Some(wide) = self.wide.as_ref().filter(|_| narrow != Answer::Yes) else {
            return narrow;
        };
        // Of a request that stands for many names, those with colons of their own are left out: by them, a pattern
        // for `instance/*` could refuse `volume/*`, which may be `volume/x:instance/y`.
        let subject = subject.plain.as_ref().unwrap_or(&subject.glob);
        narrow.max(wide.meets(subject, context, unfilled))
    }

    /// The variables in it whose value is not known or missing, in lower case.
    pub(crate) fn open_variables<'a>(
        &'a self,
        context: &'a Context,
    ) -> impl Iterator<Item = &'a str> {
        self.narrow.open_variables(context)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ArnPattern, Subject};
    use crate::verify::context::{Context, Key};
    use crate::verify::matcher::{Answer, Variables};

    use Answer::{No, Unknown, Yes};

    fn covers(pattern: &str, resource: &str) -> Answer {
        let pattern = ArnPattern::compile(pattern, Variables::All).unwrap();
        pattern.covers(&Subject::new(resource), &context(), No)
    }

    fn meets(pattern: &str, resource: &str) -> Answer {
        let pattern = ArnPattern::compile(pattern, Variables::All).unwrap();
        pattern.meets(&Subject::new(resource), &context(), No)
    }

    fn context() -> Context {
        Context::complete()
            .with("aws:username", Key::Known(vec!["ann".into()]))
            .with("aws:PrincipalTag/star", Key::Known(vec!["*".into()]))
            .with("aws:TagKeys", Key::Known(vec!["a".into(), "b".into()]))
            .with("aws:SourceIp", Key::Unknown)
    }

    /// IAM User Guide, "IAM JSON policy elements: Resource", "Using wildcards in resource ARNs".
    #[test]
    fn arns_match_by_field() {
        let object = "arn:aws:s3:::bucket/a/b.txt";
        let log = "arn:aws:logs:eu-west-1:111122223333:log-group:/x:log-stream:y";
        for (pattern, resource, expected) in [
            ("*", object, Yes),
            (object, object, Yes),
            ("arn:aws:s3:::bucket/*", object, Yes),
            ("arn:aws:s3:::bucket/*/?.txt", object, Yes),
            ("arn:aws:s3:::Bucket/*", object, No),
            ("arn:aws:s3:::bucket", object, No),
            ("arn:aws:s3:*:*:bucket/*", object, Yes),
            ("arn:aws:s3:?::bucket/*", object, No),
            // A wildcard in the resource part takes colons, one before it does not.
            ("arn:aws:logs:*:*:log-group:*", log, Yes),
            ("arn:aws:logs:*:log-group:/x:*", log, No),
            ("arn:aws:logs:eu*3:log-group:*", log, No),
            ("arn:*:log-stream:y", log, No),
            // IAM User Guide, "IAM identifiers": missing fields at the end are stars.
            ("arn:aws:s3", object, Yes),
            ("arn:aws:s3:*", object, Yes),
            ("arn:aws:sqs", object, No),
            // The examples of the page itself.
            (
                "arn:aws:s3:::b/*/test/*",
                "arn:aws:s3:::b/1/2/test/3/o.jpg",
                Yes,
            ),
            ("arn:aws:s3:::b/*/test/*", "arn:aws:s3:::b//test/o.jpg", Yes),
            ("arn:aws:s3:::b/*/test/*", "arn:aws:s3:::b/1-test/o.jpg", No),
            ("arn:aws:s3:::b/*/test/*", "arn:aws:s3:::b/test/o.jpg", No),
        ] {
            assert_eq!(covers(pattern, resource), expected, "{pattern} {resource}");
        }
    }

    /// The same page: a star that ends a field "can expand to match beyond the colon boundaries". It may refuse by
    /// that, never grant.
    #[test]
    fn a_star_that_ends_a_field_may_meet_what_it_does_not_cover() {
        let log = "arn:aws:logs:eu-west-1:111122223333:log-group:/x";
        for (pattern, met) in [
            ("arn:aws:logs:*:log-group:/x", Yes),
            ("arn:aws:logs:eu*:log-group:/x", Yes),
            ("arn:aws:logs:eu*3:log-group:/x", No),
            ("arn:aws:logs:?*3:log-group:/x", No),
        ] {
            assert_eq!(covers(pattern, log), No, "{pattern}");
            assert_eq!(meets(pattern, log), met, "{pattern}");
        }
    }

    #[test]
    fn a_request_may_stand_for_many_resources() {
        let volumes = "arn:aws:ec2:eu-west-1:111122223333:volume/*";
        for (pattern, covered, met) in [
            ("*", Yes, Yes),
            (volumes, Yes, Yes),
            ("arn:aws:ec2:*:*:volume/*", Yes, Yes),
            ("arn:aws:ec2:*:*:*", Yes, Yes),
            ("arn:aws:ec2:*:*:volume/vol-1", No, Yes),
            ("arn:aws:ec2:*:*:*/vol-1", No, Yes),
            ("arn:aws:ec2:*:*:instance/*", No, No),
            ("arn:aws:ec2:us-*:*:volume/*", No, No),
        ] {
            assert_eq!(covers(pattern, volumes), covered, "{pattern}");
            assert_eq!(meets(pattern, volumes), met, "{pattern}");
        }
        // `*` is the resource of an action that knows none: no ARN names it, and it names no ARN.
        assert_eq!(covers("arn:aws:s3:::*", "*"), No);
        assert_eq!(meets("arn:aws:s3:::*", "*"), No);
        assert_eq!(covers("*", "*"), Yes);
        // An escaped star is one name, not a family.
        assert_eq!(covers("arn:aws:s3:::b/${*}", "arn:aws:s3:::b/${*}"), Yes);
        assert_eq!(covers("arn:aws:s3:::b/${*}", "arn:aws:s3:::b/x"), No);
        assert_eq!(covers("arn:aws:s3:::b/${*}", "arn:aws:s3:::b/*"), No);
    }

    /// IAM User Guide, "IAM policy elements: Variables and tags".
    #[test]
    fn variables_take_their_values_from_the_context() {
        for (pattern, resource, expected) in [
            ("${aws:username}", "ann", Yes),
            ("${AWS:UserName}/*", "ann/x", Yes),
            ("${aws:username}", "bob", No),
            // A value is text: a star in a tag grants nothing more.
            ("${aws:PrincipalTag/star}", "anything", No),
            ("${aws:PrincipalTag/star}", "${*}", Yes),
            // No value: the default, or nothing at all.
            ("${aws:PrincipalTag/team, 'none'}", "none", Yes),
            ("${aws:username, 'none'}", "none", No),
            ("${aws:PrincipalTag/team}", "${aws:PrincipalTag/team}", No),
            // Several values can not be put in.
            ("${aws:TagKeys}", "a", No),
            // A value that a log does not show.
            ("${aws:SourceIp}/x", "10.0.0.1/x", Unknown),
            ("${aws:SourceIp}/x", "10.0.0.1/y", No),
            // Not variables.
            ("${", "${$}{", Yes),
            ("${}", "${$}{}", Yes),
            ("${a${aws:username}", "${$}{aann", Yes),
            ("${${${,", "${$}{${$}{${$}{,", Yes),
            ("$x", "$x", Yes),
        ] {
            let pattern = format!("arn:aws:s3:::b/{pattern}");
            let resource = format!("arn:aws:s3:::b/{resource}");
            assert_eq!(
                covers(&pattern, &resource),
                expected,
                "{pattern} {resource}"
            );
        }
        let literal = ArnPattern::compile("arn:aws:s3:::b/${aws:username}", Variables::No).unwrap();
        let named = |name| literal.covers(&Subject::literal(name), &context(), No);
        assert_eq!(named("arn:aws:s3:::b/${aws:username}"), Yes);
        assert_eq!(named("arn:aws:s3:::b/ann"), No);
    }

    proptest! {
        /// What is surely matched is possibly matched, and a pattern surely matches itself.
        #[test]
        fn covering_implies_meeting(
            fields in "(a|\\*|a\\*|\\?|):(b|\\*|):(b|\\*|\\*b):[ab/:*?]{1,6}",
            other in "(a|\\*|a\\*|\\?|):(b|\\*|):(b|\\*|\\*b):[ab/:*?]{1,6}",
        ) {
            let (pattern, other) = (format!("arn:aws:{fields}"), format!("arn:aws:{other}"));
            if covers(&pattern, &other) == Yes {
                prop_assert_eq!(meets(&pattern, &other), Yes);
            }
            prop_assert_eq!(covers(&pattern, &pattern), Yes);
        }

        /// If a pattern covers another, it matches every name that the other's wildcards can become.
        #[test]
        fn covering_holds_for_every_expansion(
            pattern in "[ab*?]{1,6}",
            parts in prop::collection::vec(("[ab?*]", "[abc/:]{0,3}", "[abc/:]"), 1..6),
        ) {
            let text: String = parts.iter().map(|(c, _, _)| c.as_str()).collect();
            let name: String = parts
                .iter()
                .map(|(c, run, one)| match c.as_str() {
                    "*" => run.as_str(),
                    "?" => one.as_str(),
                    c => c,
                })
                .collect();
            let arn = |s: &str| format!("arn:aws:s3:::{s}");
            if covers(&arn(&pattern), &arn(&text)) == Yes {
                prop_assert_eq!(covers(&arn(&pattern), &arn(&name)), Yes);
            }
            if covers(&arn(&pattern), &arn(&name)) == Yes {
                prop_assert_eq!(meets(&arn(&pattern), &arn(&text)), Yes);
            }
        }
    }
}
