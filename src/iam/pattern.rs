//! `*` and `?` in policy text.

/// Whether every string that `inner` matches is matched by `outer` too. Both are in policy syntax (see
/// [`crate::iam::arn::ResourceArn`]): `*` is any run of characters, `?` any one, `${*}` a literal star.
///
/// Never wrongly `true`. `false` where `outer` covers `inner` only by reading it in several ways at once, which takes
/// a `*` in `inner` that stands for text which `outer` spells out; no ARN is written like that.
#[must_use]
pub fn covers(outer: &str, inner: &str) -> bool {
    let outer = tokens(outer);
    let inner = tokens(inner);
    // The classic two-pointer glob match, over tokens: on a mismatch, let the last star of `outer` take one more.
    let (mut o, mut i) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while i < inner.len() {
        let fits = match outer.get(o) {
            Some(Token::Star) => {
                retry = Some((o, i));
                o += 1;
                continue;
            }
            Some(Token::One) => inner[i] != Token::Star,
            Some(literal) => *literal == inner[i],
            None => false,
        };
        if fits {
            o += 1;
            i += 1;
        } else if let Some((star, taken)) = retry {
            retry = Some((star, taken + 1));
            o = star + 1;
            i = taken + 1;
        } else {
            return false;
        }
    }
    outer[o..].iter().all(|t| *t == Token::Star)
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Token {
    Char(char),
    One,
    Star,
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut out = Vec::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let literal = ["${*}", "${?}", "${$}"]
            .into_iter()
            .find(|v| rest.starts_with(v));
        if let Some(variable) = literal {
            out.push(Token::Char(char::from(variable.as_bytes()[2])));
            rest = &rest[variable.len()..];
            continue;
        }
        out.push(match c {
            '*' => Token::Star,
            '?' => Token::One,
            c => Token::Char(c),
        });
        rest = &rest[c.len_utf8()..];
    }
    // `*?` and `?*` mean the same: in each run of wildcards the `?` go first, and one `*` is enough.
    for run in out.chunk_by_mut(|a, b| is_wildcard(*a) && is_wildcard(*b)) {
        run.sort();
    }
    out.dedup_by(|a, b| *a == Token::Star && *b == Token::Star);
    out
}

fn is_wildcard(token: Token) -> bool {
    !matches!(token, Token::Char(_))
}

#[cfg(test)]
mod tests {
    use super::covers;

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
