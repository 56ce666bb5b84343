//! Policy text with wildcards and variables, and actions.

use crate::verify::context::{Context, Key};
use crate::verify::glob::{Glob, Token};

/// An answer that may have to be left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Answer {
    /// No.
    No,
    /// It depends on what is not known.
    Unknown,
    /// Yes.
    Yes,
}

impl Answer {
    /// Yes or no.
    pub(crate) fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }

    /// Yes where all are; of none, yes.
    pub(crate) fn all(answers: impl IntoIterator<Item = Self>) -> Self {
        let mut least = Self::Yes;
        for answer in answers {
            least = least.min(answer);
            if least == Self::No {
                break;
            }
        }
        least
    }

    /// Yes where one is; of none, no.
    pub(crate) fn any(answers: impl IntoIterator<Item = Self>) -> Self {
        let mut most = Self::No;
        for answer in answers {
            most = most.max(answer);
            if most == Self::Yes {
                break;
            }
        }
        most
    }
}

impl std::ops::Not for Answer {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }
}

/// How policy text is to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Syntax {
    /// `*` and `?` are wildcards.
    pub(crate) wildcards: bool,
    pub(crate) variables: Variables,
}

/// What `${…}` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variables {
    /// Nothing: literal text, as in documents of Version 2008-10-17.
    /// Source: IAM User Guide, "IAM policy elements: Variables and tags".
    No,
    /// `${*}`, `${?}` and `${$}` are characters, all else is literal: the resource of a request.
    Escapes,
    /// Escaped characters, and the keys of the request's context.
    All,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Piece {
    Is(Token),
    Variable {
        /// In lower case.
        key: Box<str>,
        default: Option<Box<str>>,
    },
}

/// Text of a policy, compiled as far as it can be without a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// No variables in it.
    Fixed(Glob),
    /// Some of it comes from the request's context.
    Varying {
        /// In order.
        pieces: Box<[Piece]>,
        /// Values are put in in lower case.
        fold: bool,
    },
}

/// A [`Pattern`] with its variables filled in.
pub(crate) enum Filled {
    /// The strings it stands for.
    Exactly(Glob),
    /// It stands for some of these strings; which, hangs on keys that are not known.
    Among(Glob),
    /// A variable has no value and no default, so it stands for nothing.
    /// Source: IAM User Guide, "IAM policy elements: Variables and tags", "not present".
    Nothing,
}

impl Pattern {
    /// The pattern; in lower case where `fold` says so.
    pub(crate) fn compile(text: &str, syntax: Syntax, fold: bool) -> Self {
        if fold {
            Self::from_pieces(pieces(&fold_text(text), syntax), fold)
        } else {
            Self::from_pieces(pieces(text, syntax), fold)
        }
    }

    pub(crate) fn from_pieces(pieces: Vec<Piece>, fold: bool) -> Self {
        let fixed: Option<Vec<Token>> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Is(token) => Some(*token),
                Piece::Variable { .. } => None,
            })
            .collect();
        fixed.map_or_else(
            || Self::Varying {
                pieces: pieces.into(),
                fold,
            },
            |tokens| Self::Fixed(Glob::new(tokens)),
        )
    }

    /// Puts the values of the variables in, as literal text: a star in a value is not a wildcard.
    fn fill(pieces: &[Piece], fold: bool, context: &Context) -> Filled {
        let mut tokens = Vec::with_capacity(pieces.len());
        let mut open = false;
        for piece in pieces {
            let (key, default) = match piece {
                Piece::Is(token) => {
                    tokens.push(*token);
                    continue;
                }
                Piece::Variable { key, default } => (key, default.as_deref()),
            };
            let value = match context.get(key) {
                Key::Known(values) => match &values[..] {
                    [value] => Some(value.as_str()),
                    // A key with several values can not be used as a variable.
                    // Source: IAM User Guide, "Single-valued vs. multivalued context keys".
                    _ => None,
                },
                Key::Absent => default,
                Key::Unknown | Key::Holding(_) => {
                    open = true;
                    tokens.push(Token::Star);
                    continue;
                }
            };
            match value {
                Some(value) if fold => tokens.extend(fold_text(value).chars().map(Token::Char)),
                Some(value) => tokens.extend(value.chars().map(Token::Char)),
                None => return Filled::Nothing,
            }
        }
        let glob = Glob::new(tokens);
        if open {
            Filled::Among(glob)
        } else {
            Filled::Exactly(glob)
        }
    }

    /// The strings that the pattern stands for, given `context`.
    pub(crate) fn filled(&self, context: &Context) -> Filled {
        match self {
            Self::Fixed(glob) => Filled::Exactly(glob.clone()),
            Self::Varying { pieces, fold } => Self::fill(pieces, *fold, context),
        }
    }

    /// The keys that its variables name, in lower case, in order.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.pieces().iter().filter_map(|piece| match piece {
            Piece::Variable { key, .. } => Some(&**key),
            Piece::Is(_) => None,
        })
    }

    /// Its pieces, where there is a variable among them.
    pub(crate) fn pieces(&self) -> &[Piece] {
        match self {
            Self::Fixed(_) => &[],
            Self::Varying { pieces, .. } => pieces,
        }
    }

    /// `test` on the strings that the pattern stands for, given `context`; `unfilled` where a variable has no value.
    fn ask(
        &self,
        subject: &Glob,
        context: &Context,
        unfilled: Answer,
        test: fn(&Glob, &Glob) -> bool,
    ) -> Answer {
        let filled = match self {
            Self::Fixed(glob) => return Answer::from(test(glob, subject)),
            Self::Varying { pieces, fold } => Self::fill(pieces, *fold, context),
        };
        match filled {
            Filled::Exactly(glob) => Answer::from(test(&glob, subject)),
            Filled::Among(glob) if glob.meets(subject) => Answer::Unknown,
            Filled::Among(_) => Answer::No,
            Filled::Nothing => unfilled,
        }
    }

    /// Whether the pattern matches all of `subject`; `unfilled` where a variable of it has no value.
    pub(crate) fn covers(&self, subject: &Glob, context: &Context, unfilled: Answer) -> Answer {
        self.ask(subject, context, unfilled, Glob::covers)
    }

    /// Whether the pattern matches the one string `text`; `unfilled` where a variable of it has no value.
    pub(crate) fn matches(&self, text: &str, context: &Context, unfilled: Answer) -> Answer {
        match self {
            Self::Fixed(glob) => Answer::from(glob.matches(text)),
            Self::Varying { .. } => self.covers(&Glob::literal(text), context, unfilled),
        }
    }

    /// Whether the pattern matches some of `subject`; `unfilled` where a variable of it has no value.
    pub(crate) fn meets(&self, subject: &Glob, context: &Context, unfilled: Answer) -> Answer {
        self.ask(subject, context, unfilled, Glob::meets)
    }

    /// The variables in it whose value is not known or missing, in lower case.
    pub(crate) fn open_variables<'a>(
        &'a self,
        context: &'a Context,
    ) -> impl Iterator<Item = &'a str> {
        self.pieces().iter().filter_map(|piece| match piece {
            Piece::Variable { key, default } => match context.get(key) {
                Key::Known(values) if values.len() == 1 => None,
                Key::Absent if default.is_some() => None,
                _ => Some(&**key),
            },
            Piece::Is(_) => None,
        })
    }
}

/// A character in lower case, where that is one character: what is compared where the case of letters does not count.
/// AWS's pages do not say how it treats letters beyond ASCII.
pub(crate) fn fold_char(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ => c,
    }
}

/// A text, each character by [`fold_char`].
pub(crate) fn fold_text(text: &str) -> String {
    text.chars().map(fold_char).collect()
}

/// Cuts `text` into pieces. A `${` that is not closed, or holds nothing, or another `${`, is literal.
pub(crate) fn pieces(text: &str, syntax: Syntax) -> Vec<Piece> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if syntax.variables != Variables::No
            && let Some(inside) = rest.strip_prefix("${")
            && let Some((inside, behind)) = closed(inside)
            && let Some(piece) = variable(inside)
            && (syntax.variables == Variables::All || matches!(piece, Piece::Is(_)))
        {
            out.push(piece);
            rest = behind;
            continue;
        }
        out.push(Piece::Is(match c {
            '*' if syntax.wildcards => Token::Star,
            '?' if syntax.wildcards => Token::One,
            c => Token::Char(c),
        }));
        rest = &rest[c.len_utf8()..];
    }
    out
}

/// `text` before its first `}`, and behind it; `None` where another `${` comes first, as variables do not nest. Thus the
/// search never passes the same place twice, however many `${` are left open.
fn closed(text: &str) -> Option<(&str, &str)> {
    let mut places = text.char_indices();
    let (end, _) = places.find(|(at, c)| *c == '}' || text[*at..].starts_with("${"))?;
    Some((&text[..end], text[end..].strip_prefix('}')?))
}

/// The tokens of `pieces` that were read without variables.
pub(crate) fn tokens(pieces: Vec<Piece>) -> Vec<Token> {
    let token = |piece| match piece {
        Piece::Is(token) => Some(token),
        Piece::Variable { .. } => None,
    };
    pieces.into_iter().filter_map(token).collect()
}

/// What stands between `${` and `}`: one of the characters `*`, `?`, `$`, a key, or a key with a default in quotes.
/// Source: IAM User Guide, "IAM policy elements: Variables and tags", "Special characters" and "Specifying default
/// values".
fn variable(inside: &str) -> Option<Piece> {
    if let "*" | "?" | "$" = inside {
        return inside.chars().next().map(|c| Piece::Is(Token::Char(c)));
    }
    let (key, default) = match inside.split_once(',') {
        Some((key, default)) => {
            let default = default.trim().strip_prefix('\'')?.strip_suffix('\'')?;
            (key, Some(default.into()))
        }
        None => (inside, None),
    };
    let key = key.trim();
    (!key.is_empty()).then(|| Piece::Variable {
        key: key.to_ascii_lowercase().into(),
        default,
    })
}

/// An action of a policy, such as `s3:Get*`. Actions are compared without regard to case.
/// Source: IAM User Guide, "IAM JSON policy elements: Action".
#[derive(Clone, Debug)]
pub(crate) struct ActionPattern {
    pub(crate) text: Box<str>,
    /// In lower case.
    pub(crate) glob: Glob,
}

impl ActionPattern {
    /// The pattern, or why `text` is none.
    pub(crate) fn compile(text: &str) -> Result<Self, String> {
        let named = text
            .split_once(':')
            .is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
        if text != "*" && !named {
            return Err(format!(
                "action `{text}` is not `service:name`, nor `*` alone"
            ));
        }
        let syntax = Syntax {
            wildcards: true,
            variables: Variables::No,
        };
        let lower = text.to_ascii_lowercase();
        Ok(Self {
            text: text.into(),
            glob: match lower.contains(['*', '?']) {
                true => Glob::new(tokens(pieces(&lower, syntax))),
                false => Glob::literal(lower),
            },
        })
    }

    /// Whether it matches `action`, which is in lower case and has no wildcards.
    pub(crate) fn matches(&self, action: &Glob) -> bool {
        self.glob.covers(action)
    }
}

#[cfg(test)]
mod tests {
    use super::ActionPattern;
    use crate::verify::glob::Glob;

    /// IAM User Guide, "IAM JSON policy elements: Action": case does not matter, `*` and `?` are wildcards.
    #[test]
    fn actions_ignore_case() {
        for (pattern, action, expected) in [
            ("s3:GetObject", "s3:GetObject", true),
            ("S3:getobject", "s3:GetObject", true),
            ("s3:Get*", "s3:GetObject", true),
            ("s3:Get*", "s3:PutObject", false),
            ("s3:*Object?", "s3:GetObjects", true),
            ("s3:*Object?", "s3:GetObject", false),
            ("*", "s3:GetObject", true),
            ("*:*", "s3:GetObject", true),
            ("s3:*", "s3express:CreateSession", false),
        ] {
            let pattern = ActionPattern::compile(pattern).unwrap();
            let action = Glob::literal(action.to_ascii_lowercase());
            assert_eq!(pattern.matches(&action), expected, "{pattern:?}");
        }
        for bad in ["", "s3", "s3:", ":GetObject", "**"] {
            assert!(ActionPattern::compile(bad).is_err(), "{bad}");
        }
    }
}
