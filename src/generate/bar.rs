//! How much evidence a wildcard takes, by what the actions may do with it and by how far resources are to be generalised.

use crate::generate::access::Access;
use crate::generate::facts;
use crate::generate::options::Resources;
use crate::generate::turnover::{SHORTEST, Span, turnover};
use crate::iam::action::Action;

/// Whether `action` reads what can be a step to more permissions: secrets, credentials.
pub(super) fn reads_secrets(action: &Action) -> bool {
    Access::of(action) == Access::Read
        && facts::of(action).is_some_and(|facts| facts.escalates().is_some())
}

/// How much evidence a wildcard takes. All numbers are the least that is enough.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bar {
    /// Names with a common stem, of which new ones keep coming.
    names: usize,
    /// The same where they look made up by a machine, or the principal itself creates what has them.
    own: usize,
    /// What is left below one folder, of which new ones keep coming.
    crowd: usize,
    /// Names that share nothing but the type or the bucket; `None` where no number is enough.
    bare: Option<usize>,
    /// As `names`, `own` and `crowd`, where the time is too short to tell whether new ones come.
    untimed: [usize; 3],
    /// The days of the second half on which new ones came …
    days: usize,
    /// … and one in how many of the values used then was new.
    one_in: usize,
    /// Of how many values of a place an action must have been used on itself to get their wildcard.
    pub(super) each: usize,
    /// Values of a part that looks like an identifier, and like a number.
    pub(super) identifiers: usize,
    pub(super) numbers: usize,
    /// Whether it is asked of who may do what: then new ones must keep coming of what the principal creates itself, too.
    authority: bool,
}

/// What is left below a bucket or a type, where the time is too short to tell whether new ones come or nothing less is enough.
const CROWD: usize = 101;

/// One value in a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    /// When it was used.
    pub(super) span: Option<Span>,
    /// Whether the principal creates it itself.
    pub(super) created: bool,
    /// Whether what varies looks made up by a machine.
    pub(super) made_up: bool,
}

/// What kind of evidence there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// New values keep coming.
    Renewed,
    /// The same, of what the principal itself creates.
    Own,
    /// There are many, and no times to tell more.
    Many,
}

/// What a wildcard would leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// A stem of names.
    Stem,
    /// A folder.
    Folder,
    /// The bucket alone.
    Bucket,
    /// The resource's type alone.
    Type,
}

impl Bar {
    /// For actions of this access.
    pub(super) fn of(access: Access, resources: Resources) -> Self {
        match (access, resources) {
            (Access::Read, Resources::Exact | Resources::Balanced) => Self {
                names: 4,
                own: 2,
                crowd: 10,
                bare: None,
                untimed: [21, 5, 101],
                days: 2,
                one_in: 8,
                each: 2,
                identifiers: 2,
                numbers: 5,
                authority: false,
            },
            (Access::Read, Resources::Broad) => Self {
                names: 3,
                own: 2,
                crowd: 5,
                bare: Some(8),
                untimed: [11, 3, 51],
                days: 1,
                one_in: 20,
                each: 1,
                identifiers: 1,
                numbers: 3,
                authority: false,
            },
            (_, Resources::Exact | Resources::Balanced) => Self {
                names: 6,
                own: 3,
                crowd: 20,
                bare: None,
                untimed: [21, 5, 101],
                days: 3,
                one_in: 4,
                each: 2,
                identifiers: 2,
                numbers: 5,
                authority: false,
            },
            (_, Resources::Broad) => Self {
                names: 4,
                own: 2,
                crowd: 10,
                bare: None,
                untimed: [15, 3, 101],
                days: 2,
                one_in: 8,
                each: 1,
                identifiers: 1,
                numbers: 3,
                authority: false,
            },
        }
    }

    /// For actions that change who may do what, with what the principal creates itself, where new ones keep coming. Nothing else
    /// is enough for these.
    pub(super) fn of_authority(resources: Resources) -> Self {
        let (own, untimed) = match resources {
            Resources::Exact | Resources::Balanced => (6, usize::MAX),
            Resources::Broad => (2, 3),
        };
        let never = usize::MAX;
        Self {
            names: never,
            own,
            crowd: never,
            bare: None,
            untimed: [never, untimed, never],
            authority: true,
            ..Self::of(Access::Permissions, resources)
        }
    }

    /// Whether values used in these spans keep being joined by new ones; `None` where the times do not tell.
    pub(super) fn keeps_coming(
        self,
        spans: impl Iterator<Item = Option<Span>> + Clone,
        end: Option<u16>,
    ) -> Option<bool> {
        let found = turnover(spans, end)?;
        Some(found.days >= self.days && found.new * self.one_in >= found.used)
    }

    /// What proves that `values` will be joined by others, where a wildcard for all of them would leave `left`. `end` is the
    /// day on which the principal was last seen.
    pub(super) fn proof(self, values: &[Value], left: Left, end: Option<u16>) -> Option<Proof> {
        let created = values.iter().all(|value| value.created);
        let made_up = values.iter().all(|value| value.made_up);
        let spans = values.iter().map(|value| value.span);
        let Some(found) = turnover(spans, end) else {
            let [names, own, crowd] = self.untimed;
            let enough = match left {
                Left::Type if created && made_up => own,
                Left::Type => self.bare?.max(CROWD),
                Left::Stem if created || made_up => own,
                Left::Stem => names,
                Left::Folder => crowd,
                Left::Bucket => CROWD,
            };
            let proof = if created { Proof::Own } else { Proof::Many };
            return (values.len() >= enough).then_some(proof);
        };
        let enough = match left {
            Left::Stem if created || made_up => self.own,
            Left::Stem => self.names,
            Left::Folder => self.crowd,
            Left::Bucket => self.bare.unwrap_or(CROWD),
            Left::Type if made_up && (created || self.bare.is_some()) => self.own,
            Left::Type => self.bare?,
        };
        // Of what it creates itself it is known that others come, unless all came in the beginning, to set something up.
        let renewed = match created && !self.authority {
            true => found.coming >= SHORTEST && found.new > 0,
            false => found.days >= self.days && found.new * self.one_in >= found.used,
        };
        let proof = if created { Proof::Own } else { Proof::Renewed };
        (values.len() >= enough && renewed).then_some(proof)
    }
}
