//! ARN formats such as `arn:${Partition}:s3:::${BucketName}/${ObjectName}`: filling and recognising them.

use std::borrow::Cow;

/// A format in its pieces.
#[derive(Debug)]
pub struct Format<'f> {
    pieces: Vec<Piece<'f>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'f> {
    Literal(&'f str),
    Variable(&'f str),
}

impl<'f> Format<'f> {
    /// The pieces of `text`. A `${` that is never closed is literal text.
    #[must_use]
    pub fn parse(text: &'f str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let Some(end) = rest[start..].find('}') else {
                break;
            };
            if start > 0 {
                pieces.push(Piece::Literal(&rest[..start]));
            }
            pieces.push(Piece::Variable(&rest[start + 2..start + end]));
            rest = &rest[start + end + 1..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest));
        }
        Self { pieces }
    }

    /// The variables other than partition, Region and account, in order.
    pub fn variables(&self) -> impl Iterator<Item = &'f str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Variable("Partition" | "Region" | "Account") | Piece::Literal(_) => None,
            Piece::Variable(name) => Some(*name),
        })
    }

    /// The format with each variable replaced by what `value` gives for its name.
    pub fn fill<'v>(&self, value: impl Fn(&'f str) -> Cow<'v, str>) -> String {
        // Most ARNs are shorter.
        let mut out = String::with_capacity(128);
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Variable(name) => out.push_str(&value(name)),
            }
        }
        out
    }

    /// Whether `arn` has this format, and how closely: the number of literal characters it shares with it.
    ///
    /// A variable ends at the character that follows it in the format. The last one may hold slashes and colons (an
    /// object's key, a role with its path) unless it is the first component of the resource part (a bucket, a topic).
    #[must_use]
    pub fn fits(&self, arn: &str) -> Option<usize> {
        let mut rest = arn;
        let mut literals = 0;
        let mut pieces = self.pieces.iter().peekable();
        let mut before = "";
        while let Some(piece) = pieces.next() {
            match piece {
                Piece::Literal(text) => {
                    rest = rest.strip_prefix(text)?;
                    literals += text.len();
                    before = text;
                }
                Piece::Variable(name) => {
                    let end = match pieces.peek() {
                        Some(Piece::Literal(next)) => {
                            let stop = next.chars().next()?;
                            rest.find(stop)?
                        }
                        Some(Piece::Variable(_)) => return None,
                        None if before.ends_with(':')
                            && rest.contains(['/', ':'])
                            && self.first_component() =>
                        {
                            return None;
                        }
                        None => rest.len(),
                    };
                    let may_be_empty = matches!(*name, "Region" | "Account");
                    if end == 0 && !may_be_empty {
                        return None;
                    }
                    rest = &rest[end..];
                }
            }
        }
        rest.is_empty().then_some(literals)
    }

    /// Whether the resource part is one variable alone, as in `arn:${Partition}:s3:::${BucketName}`.
    fn first_component(&self) -> bool {
        let colons = |piece: &Piece<'_>| match piece {
            Piece::Literal(text) => text.matches(':').count(),
            Piece::Variable(_) => 0,
        };
        self.pieces.iter().map(colons).sum::<usize>() == 5
    }
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn an_arn_fits_the_format_that_it_is_written_in() {
        let bucket = "arn:${Partition}:s3:::${BucketName}";
        let object = "arn:${Partition}:s3:::${BucketName}/${ObjectName}";
        let table = "arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}";
        let index =
            "arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}/index/${IndexName}";
        let role = "arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}";
        for (format, arn, fits) in [
            (bucket, "arn:aws:s3:::b", true),
            (bucket, "arn:aws:s3:::b/", false),
            (bucket, "arn:aws:s3:::b/k", false),
            (object, "arn:aws-cn:s3:::b/k/l", true),
            (object, "arn:aws:s3:::b/", false),
            (
                table,
                "arn:aws:dynamodb:eu-west-1:111122223333:table/t",
                true,
            ),
            (
                index,
                "arn:aws:dynamodb:eu-west-1:111122223333:table/t/index/i",
                true,
            ),
            (
                index,
                "arn:aws:dynamodb:eu-west-1:111122223333:table/t",
                false,
            ),
            (role, "arn:aws:iam::111122223333:role/a/b/c", true),
            (role, "arn:aws:iam::111122223333:user/c", false),
            (role, "not an arn", false),
            ("arn:${A}${B}", "arn:x", false),
        ] {
            assert_eq!(
                Format::parse(format).fits(arn).is_some(),
                fits,
                "{format} {arn}"
            );
        }
        // An index's ARN has the table's format too, but the index's more closely.
        let arn = "arn:aws:dynamodb:eu-west-1:111122223333:table/t/index/i";
        assert!(Format::parse(index).fits(arn) > Format::parse(table).fits(arn));
    }
}
