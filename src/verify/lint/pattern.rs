//! Text of a policy as a set of strings.

use std::borrow::Cow;

use crate::catalog::action;
use crate::verify::glob::{Glob, Token};
use crate::verify::matcher::{Piece, Syntax, Variables, pieces};

/// The strings that `text` may stand for, a policy variable being any text.
pub(crate) fn glob(text: &str) -> Glob {
    let syntax = Syntax {
        wildcards: true,
        variables: Variables::All,
    };
    let token = |piece| match piece {
        Piece::Is(token) => token,
        Piece::Variable { .. } => Token::Star,
    };
    Glob::new(pieces(text, syntax).into_iter().map(token).collect())
}

/// The actions that `text` stands for; actions do not tell case apart.
pub(crate) fn action_glob(text: &str) -> Glob {
    glob(&text.to_ascii_lowercase())
}

/// Whether `text` has a wildcard, other than in the escapes `${*}` and `${?}`.
pub(crate) fn has_wildcard(text: &str) -> bool {
    without_variables(text).contains(['*', '?'])
}

/// Whether `text` has a policy variable or an escape.
pub(crate) fn has_variable(text: &str) -> bool {
    text.contains("${")
}

/// Whether `text` is itself in every context: it has neither wildcard nor variable.
pub(crate) fn is_plain(text: &str) -> bool {
    !text.contains(['*', '?']) && !has_variable(text)
}

/// `text` without what stands between `${` and `}`.
pub(crate) fn without_variables(text: &str) -> Cow<'_, str> {
    let Some((before, mut rest)) = text.split_once("${") else {
        return Cow::Borrowed(text);
    };
    let mut out = before.to_owned();
    loop {
        rest = rest.split_once('}').map_or("", |(_, behind)| behind);
        let Some((before, after)) = rest.split_once("${") else {
            out.push_str(rest);
            return Cow::Owned(out);
        };
        out.push_str(before);
        rest = after;
    }
}

/// The first six fields of an ARN; the colons in policy variables part none.
pub(crate) fn fields(text: &str) -> Vec<&str> {
    let mut out = Vec::with_capacity(6);
    let (mut start, mut within) = (0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' if text[..at].ends_with('$') => within = true,
            b'}' => within = false,
            b':' if !within && out.len() < 5 => {
                out.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    out.push(&text[start..]);
    out
}

/// Whether AWS has a service of this prefix.
pub(crate) fn is_service(prefix: &str) -> bool {
    action::all_of(prefix).next().is_some()
}
