//! Which resources last from the beginning to the end of what was seen.

use std::collections::{BTreeMap, BTreeSet};

use crate::iam::arn::ResourceArn;
use crate::usage::ledger::PrincipalUsage;

/// The fewest days that tell what lasts from what comes and goes.
const LASTING_DAYS: u16 = 7;

/// The resources in use from beginning to end: where the principal was active over [`LASTING_DAYS`] at least, those seen
/// both in the first and in the last quarter of that time, on three days or more. An identifier that lasts is as good as
/// a name. `active` as [`PrincipalUsage::active`] gives it.
pub(super) fn lasting(
    usage: &PrincipalUsage,
    active: Option<(u16, u16)>,
) -> BTreeSet<&ResourceArn> {
    let Some((first, last)) = active else {
        return BTreeSet::new();
    };
    let quarter = (last - first) / 4;
    if last - first < LASTING_DAYS - 1 {
        return BTreeSet::new();
    }
    let mut days: BTreeMap<&ResourceArn, BTreeSet<u16>> = BTreeMap::new();
    for (_, resource, tally) in usage.used() {
        days.entry(resource).or_default().extend(&tally.days);
    }
    let lasts = |days: &BTreeSet<u16>| {
        days.len() >= 3
            && days.first().is_some_and(|day| *day <= first + quarter)
            && days.last().is_some_and(|day| *day >= last - quarter)
    };
    let lasting = days.iter().filter(|(_, days)| lasts(days));
    lasting.map(|(resource, _)| *resource).collect()
}
