//! What keeps the facts of one principal few: the resources of an action that has too many are cut to a common depth, and
//! how many there were is kept as a sketch.

use std::collections::{BTreeMap, BTreeSet};

use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;
use crate::usage::ledger::{Facts, Tallies, add_tally};
use crate::usage::sketch::Sketch;

/// The most distinct resources that are kept apart for one action of one principal, but for the services whose resources
/// say who may do what: those are never cut. Beyond it, resources are cut to a
/// common depth: `bucket/a/b/c` becomes `bucket/a/*`, at the greatest depth that leaves no more than this many.
pub const MAX_RESOURCES: usize = 10_000;

/// How the resources of an action were cut, as there were more than [`MAX_RESOURCES`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// To how many components of the ARN's resource part.
    pub depth: usize,
    /// All that there were, whole.
    pub resources: Sketch,
}

/// The actions whose resources were cut.
pub type Cuts = BTreeMap<Action, Cut>;

/// The services whose resources say who may do what. Their used resources are never cut.
const AUTHORITY: [&str; 5] = ["iam", "identitystore", "organizations", "sso", "sts"];

/// The number of components below which used resources of `action` are not cut: a bucket, a type.
pub(crate) fn floor(action: &Action) -> usize {
    if AUTHORITY.contains(&action.service()) {
        usize::MAX
    } else {
        1
    }
}

/// The resource that `resource` is counted under.
pub(crate) fn kept(cuts: &Cuts, action: &Action, resource: &ResourceArn) -> ResourceArn {
    match cuts.get(action) {
        Some(known) => cut(resource, known.depth),
        None => resource.clone(),
    }
}

/// Cuts the resources of `action` until there are no more than `max`, but not below `floor` components.
///
/// The depth arrived at is the greatest at which the whole set fits, because the number of distinct resources at a depth
/// only grows with the set: so it does not depend on the order in which they came.
pub(crate) fn bound(facts: &mut Facts, cuts: &mut Cuts, action: &Action, floor: usize, max: usize) {
    let Some(resources) = facts.get_mut(action) else {
        return;
    };
    let now = cuts.get(action).map(|known| known.depth);
    let depth = fitting(resources.keys(), now, floor, max);
    if let Some(depth) = depth.filter(|_| depth != now) {
        let known = cuts.entry(action.clone()).or_insert_with(|| Cut {
            depth,
            resources: sketch(resources),
        });
        known.depth = depth;
        cut_all(resources, depth);
    }
}

/// The depth to which `resources`, which are cut to `now`, are to be cut so that no more than `max` are left, or as few as
/// there can be with `floor` components.
pub(crate) fn fitting<'r>(
    resources: impl ExactSizeIterator<Item = &'r ResourceArn>,
    now: Option<usize>,
    floor: usize,
    max: usize,
) -> Option<usize> {
    let mut fits = now;
    if resources.len() <= max || floor == usize::MAX {
        return fits;
    }
    let mut left: BTreeSet<ResourceArn> = resources.cloned().collect();
    while left.len() > max && fits != Some(floor) {
        let deepest = left.iter().map(depth).max().unwrap_or(0);
        let next = fits.unwrap_or(usize::MAX).min(deepest);
        let next = next.saturating_sub(1).max(floor);
        left = left.iter().map(|resource| cut(resource, next)).collect();
        fits = Some(next);
    }
    fits
}

/// The sketch of resources that were not cut yet.
fn sketch(resources: &Tallies) -> Sketch {
    let mut sketch = Sketch::default();
    resources
        .keys()
        .for_each(|each| sketch.insert(each.as_str()));
    sketch
}

fn cut_all(resources: &mut Tallies, depth: usize) {
    for (resource, tally) in std::mem::take(resources) {
        add_tally(resources, cut(&resource, depth), tally);
    }
}

/// Adds the facts and cuts of another. Commutative and associative.
pub(crate) fn absorb(
    mine: &mut Facts,
    cuts: &mut Cuts,
    (theirs, their_cuts): (Facts, Cuts),
    floor: impl Fn(&Action) -> usize,
    max: usize,
) {
    let mut cut_there = BTreeSet::new();
    for (action, their_cut) in their_cuts {
        let resources = mine.entry(action.clone()).or_default();
        let known = cuts.entry(action.clone()).or_insert_with(|| Cut {
            depth: usize::MAX,
            resources: sketch(resources),
        });
        known.resources.merge(&their_cut.resources);
        known.depth = known.depth.min(their_cut.depth);
        cut_all(resources, known.depth);
        cut_there.insert(action);
    }
    for (action, resources) in theirs {
        if let Some(known) = cuts
            .get_mut(&action)
            .filter(|_| !cut_there.contains(&action))
        {
            known.resources.merge(&sketch(&resources));
        }
        if !cuts.contains_key(&action) && !mine.contains_key(&action) {
            mine.insert(action.clone(), resources);
            bound(mine, cuts, &action, floor(&action), max);
            continue;
        }
        let own = mine.entry(action.clone()).or_default();
        for (resource, tally) in resources {
            add_tally(own, kept(cuts, &action, &resource), tally);
        }
        bound(mine, cuts, &action, floor(&action), max);
    }
}

/// The number of components of the ARN's resource part, which `/` and `:` separate.
fn depth(resource: &ResourceArn) -> usize {
    resource
        .parts()
        .map_or(0, |parts| parts.resource.split(['/', ':']).count())
}

/// `resource` with all but its first `depth` components replaced by one `*`.
pub(crate) fn cut(resource: &ResourceArn, depth: usize) -> ResourceArn {
    let Some(parts) = resource.parts() else {
        return resource.clone();
    };
    let whole = resource.as_str();
    let start = whole.len() - parts.resource.len();
    let end = match depth {
        0 => Some(0),
        depth => parts
            .resource
            .match_indices(['/', ':'])
            .nth(depth - 1)
            .map(|(at, _)| at + 1),
    };
    match end {
        Some(end) => ResourceArn::from_pattern(format!("{}*", &whole[..start + end])),
        None => resource.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::{cut, depth};
    use crate::iam::arn::ResourceArn;

    fn arn(resource: &str) -> ResourceArn {
        ResourceArn::from_pattern(format!("arn:aws:s3:::{resource}"))
    }

    #[test]
    fn a_cut_keeps_so_many_components() {
        for (resource, components, expected) in [
            ("b/x/y/z", 4, "b/x/y/z"),
            ("b/x/y/z", 3, "b/x/y/*"),
            ("b/x/y/z", 1, "b/*"),
            ("b/x/y/z", 0, "*"),
            ("b", 1, "b"),
        ] {
            assert_eq!(cut(&arn(resource), components), arn(expected));
        }
        assert_eq!(depth(&arn("b/x/y")), 3);
        assert_eq!(cut(&ResourceArn::any(), 0), ResourceArn::any());
    }
}
