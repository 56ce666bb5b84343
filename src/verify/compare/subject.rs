//! What a request is about: how lists of resources relate to it, and a resource that is in some and not in others.

use crate::verify::compare::rules::Resources;
use crate::verify::compare::words::{Tape, Word, shortest};
use crate::verify::glob::{Glob, Token};

/// What a search is about at the moment: `*`, or ARNs, where a glob is given those that it matches. The number is that of its
/// pattern, where the glob only stands for what a pattern with an unknown variable may match.
#[derive(Clone, Copy)]
pub(super) enum Subject<'g> {
    Star,
    Arn(Option<(&'g Glob, Option<usize>)>),
}

/// How a list relates to all of the subject.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// It holds all of it.
    Within,
    /// It holds none of it.
    Apart,
    /// Some, or that is not known.
    Across,
}

/// A resource that was looked for.
pub(super) enum Place {
    Star,
    /// And whether it is of a format that the action takes.
    Arn(Word, bool),
}

impl Subject<'_> {
    /// How `list` relates to it.
    pub(super) fn relation(self, list: &Resources) -> Relation {
        match self {
            _ if list.any => Relation::Within,
            Subject::Star => Relation::Apart,
            Subject::Arn(None) if list.sure.is_empty() && list.possible.is_empty() => {
                Relation::Apart
            }
            Subject::Arn(None) => Relation::Across,
            Subject::Arn(Some((glob, pattern))) => {
                let possible = list.possible.iter();
                if list.sure.iter().any(|other| other.covers(glob))
                    || pattern
                        .is_some_and(|pattern| possible.clone().any(|(other, _)| *other == pattern))
                {
                    return Relation::Within;
                }
                let mut all = list.sure.iter().chain(possible.map(|(_, other)| other));
                match all.any(|other| other.meets(glob)) {
                    true => Relation::Across,
                    false => Relation::Apart,
                }
            }
        }
    }

    /// A shortest resource that is in each list of `inside` and in none of `outside`; one of `formats`, where there is one.
    pub(super) fn resource(
        self,
        inside: &[&Resources],
        outside: &[&Resources],
        formats: &[Tape],
    ) -> Place {
        let Self::Arn(first) = self else {
            return Place::Star;
        };
        let tape = |glob: &Glob| Tape::new(glob, false);
        let near = |glob: &&Glob| first.is_none_or(|(first, _)| glob.meets(first));
        let unwanted = outside.iter().flat_map(|list| &list.sure);
        let unwanted: Vec<Tape> = unwanted.filter(near).map(tape).collect();
        // A pattern with a variable that does not match here matches nowhere else.
        let refused = outside.iter().flat_map(|list| &list.possible);
        let refused: Vec<usize> = refused.map(|(pattern, _)| *pattern).collect();
        let mut wanted = vec![vec![any_arn()]];
        wanted.extend(first.map(|(glob, _)| vec![tape(glob)]));
        for list in inside {
            let mut possible = list.possible.clone();
            possible.retain(|(pattern, _)| !refused.contains(pattern));
            let globs = list
                .sure
                .iter()
                .chain(possible.iter().map(|(_, glob)| glob));
            wanted.push(globs.filter(near).map(tape).collect());
        }
        let of_formats = formats.iter().filter_map(|format| {
            let format = [vec![format.clone()]];
            match shortest(&[&wanted[..], &format].concat(), &unwanted) {
                Word::Found(resource) => Some(resource),
                Word::None | Word::TooMany => None,
            }
        });
        match of_formats.min_by_key(String::len) {
            Some(resource) => Place::Arn(Word::Found(resource), true),
            None => Place::Arn(shortest(&wanted, &unwanted), false),
        }
    }
}

/// Every ARN: `arn`, partition, service, Region, account and resource, of which Region, account and resource may be empty.
/// Source: IAM User Guide, "IAM identifiers", "IAM ARNs".
fn any_arn() -> Tape {
    use Token::{Char, OneInField, Star, StarInField};
    Tape::of(&[
        Char('a'),
        Char('r'),
        Char('n'),
        Char(':'),
        OneInField,
        StarInField,
        Char(':'),
        OneInField,
        StarInField,
        Char(':'),
        StarInField,
        Char(':'),
        StarInField,
        Char(':'),
        Star,
    ])
}
