//! What a request is about: how lists of resources relate to it, and a resource that is in some and not in others.

use crate::verify::compare::rules::{Resources, Varying};
use crate::verify::compare::words::{Tape, Word, shortest};
use crate::verify::glob::{Glob, Token};

/// What a search is about at the moment.
#[derive(Clone, Copy)]
pub(super) enum Subject<'g> {
    /// `*`.
    Star,
    /// All ARNs.
    Any,
    /// Those that this glob matches.
    Of(&'g Glob),
    /// Those that this pattern matches, whatever its variables are.
    Varying(&'g Varying),
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
    /// What all that it is about matches.
    fn glob(&self) -> Option<&Glob> {
        match self {
            Self::Star | Self::Any => None,
            Self::Of(glob) => Some(glob),
            Self::Varying(pattern) => Some(&pattern.glob),
        }
    }

    /// How `list` relates to it.
    pub(super) fn relation(self, list: &Resources) -> Relation {
        if list.any {
            return Relation::Within;
        }
        let mut globs = list
            .sure
            .iter()
            .chain(list.possible.iter().map(|other| &other.glob));
        let within = match self {
            Self::Star => return Relation::Apart,
            Self::Any => false,
            Self::Of(glob) => list.sure.iter().any(|other| other.covers(glob)),
            Self::Varying(pattern) => {
                list.sure.iter().any(|other| other.covers(&pattern.glob))
                    || list.possible.iter().any(|other| pattern.implies(other))
            }
        };
        match self.glob() {
            _ if within => Relation::Within,
            Some(glob) if !globs.any(|other| other.meets(glob)) => Relation::Apart,
            None if globs.next().is_none() => Relation::Apart,
            _ => Relation::Across,
        }
    }

    /// A shortest resource that is in each list of `inside` and in none of `outside`; one of `formats`, where there is one.
    pub(super) fn resource(
        self,
        inside: &[&Resources],
        outside: &[&Resources],
        formats: &[Tape],
        steps: &mut u64,
    ) -> Place {
        if let Self::Star = self {
            return Place::Star;
        }
        let first = self.glob();
        let tape = |glob: &Glob| Tape::new(glob, false);
        let near = |glob: &&Glob| first.is_none_or(|first| glob.meets(first));
        let unwanted = outside.iter().flat_map(|list| &list.sure);
        let unwanted: Vec<Tape> = unwanted.filter(near).map(tape).collect();
        let refused = || outside.iter().flat_map(|list| &list.possible);
        let mut wanted = vec![vec![any_arn()]];
        wanted.extend(first.map(|glob| vec![tape(glob)]));
        for list in inside {
            // What a pattern with a variable refuses, one that implies it does not match.
            let possible = list.possible.iter();
            let possible =
                possible.filter(|pattern| !refused().any(|other| pattern.implies(other)));
            let globs = list
                .sure
                .iter()
                .chain(possible.map(|pattern| &pattern.glob));
            wanted.push(globs.filter(near).map(tape).collect());
        }
        let mut best: Option<String> = None;
        for format in formats {
            let format = [vec![format.clone()]];
            let of_format = [&wanted[..], &format].concat();
            match shortest(&of_format, &unwanted, steps) {
                Word::Found(found) if best.as_ref().is_none_or(|best| found.len() < best.len()) => {
                    best = Some(found);
                }
                // What is too much with a format is so without.
                Word::TooMany => break,
                Word::Found(_) | Word::None => {}
            }
        }
        match best {
            Some(resource) => Place::Arn(Word::Found(resource), true),
            None => Place::Arn(shortest(&wanted, &unwanted, steps), false),
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
