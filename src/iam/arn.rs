//! Resources as a policy writes them.

use std::borrow::Cow;
use std::fmt;

/// A resource in the syntax of an IAM policy: `*`, or an ARN in which `*` and `?` are wildcards and the literal
/// characters `*` and `?`, and `$` before `{`, are written `${*}`, `${?}` and `${$}` (policy variables of Version
/// 2012-10-17).
///
/// A fact of the ledger may hold wildcards too: `arn:aws:ec2:eu-west-1:111122223333:volume/*` is what `CreateVolume`
/// needs, because IAM decides before the volume has an id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceArn(Box<str>);

/// The six fields of an ARN, borrowed from its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArnParts<'a> {
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: &'a str,
    /// `s3`
    pub service: &'a str,
    /// `eu-west-1`, or empty for a global resource.
    pub region: &'a str,
    /// The account's twelve digits, or empty.
    pub account: &'a str,
    /// All the rest, colons and slashes included.
    pub resource: &'a str,
}

impl<'a> ArnParts<'a> {
    /// The fields of `text`, or `None` where it does not start with `arn:` or has fewer than six fields.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix("arn:")?;
        // One pass over fields that are too short for a search of each.
        let mut ends = [0; 4];
        let mut found = 0;
        for (at, byte) in rest.bytes().enumerate() {
            if byte == b':' {
                ends[found] = at;
                found += 1;
                if found == ends.len() {
                    break;
                }
            }
        }
        let [partition, service, region, account] = ends;
        (found == ends.len()).then(|| Self {
            partition: &rest[..partition],
            service: &rest[partition + 1..service],
            region: &rest[service + 1..region],
            account: &rest[region + 1..account],
            resource: &rest[account + 1..],
        })
    }
}

impl ResourceArn {
    /// `*`: what an action needs that cannot be limited to a resource.
    #[must_use]
    pub fn any() -> Self {
        Self("*".into())
    }

    /// A resource whose text is in policy syntax already: literals went through [`escape`], wildcards are meant.
    #[must_use]
    pub fn from_pattern(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text in policy syntax.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is `*` alone.
    #[must_use]
    pub fn is_any(&self) -> bool {
        &*self.0 == "*"
    }

    /// The fields, or `None` for `*`.
    #[must_use]
    pub fn parts(&self) -> Option<ArnParts<'_>> {
        ArnParts::parse(&self.0)
    }
}

impl fmt::Display for ResourceArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What stands behind the last `/` of an ARN or path: a name without its path.
#[must_use]
pub fn last_component(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// `literal` in policy syntax: each `*` and `?`, and a `$` before `{`, written as `${*}`, `${?}`, `${$}`, so that an
/// object key with a star in its name grants that one key and not a family.
#[must_use]
pub fn escape(literal: &str) -> Cow<'_, str> {
    let special = memchr::memchr3(b'*', b'?', b'$', literal.as_bytes());
    if special.is_none() || !literal.contains(['*', '?']) && !literal.contains("${") {
        return Cow::Borrowed(literal);
    }
    let mut out = String::with_capacity(literal.len() + 9);
    for (at, c) in literal.char_indices() {
        let variable = c == '$' && literal[at + 1..].starts_with('{');
        match c {
            '*' | '?' => out.extend(['$', '{', c, '}']),
            '$' if variable => out.push_str("${$}"),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::{ArnParts, ResourceArn, escape};

    #[test]
    fn parts_keep_every_colon_of_the_resource() {
        let arn = ResourceArn::from_pattern("arn:aws:logs:eu-west-1:111122223333:log-group:/a:*");
        let parts = arn.parts().unwrap();
        assert_eq!(parts.service, "logs");
        assert_eq!(parts.resource, "log-group:/a:*");
        assert_eq!(ResourceArn::any().parts(), None);
        assert_eq!(ArnParts::parse("arn:aws:s3::bucket"), None);
    }

    #[test]
    fn escape_writes_wildcards_as_policy_variables() {
        assert_eq!(escape("a/b.txt"), "a/b.txt");
        assert_eq!(escape("a*b?c"), "a${*}b${?}c");
        assert_eq!(escape("[$LATEST]"), "[$LATEST]");
        assert_eq!(escape("${aws:username}"), "${$}{aws:username}");
    }
}
