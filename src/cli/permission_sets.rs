//! The policies of whole permission sets, beside those of their roles.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use clap::ValueEnum;

use crate::cli::parallel;
use crate::cli::proved::{or_without, provable, prove};
use crate::error::Result;
use crate::generate::options::Options;
use crate::generate::{Plan, one_off, sets};
use crate::iam::arn::ArnParts;
use crate::iam::policy::PolicyDocument;
use crate::iam::principal::{Principal, PrincipalKind};
use crate::report::people;
use crate::report::permission_set::SetEntry;
use crate::usage::ledger::PrincipalUsage;

/// What is made of the roles of one permission set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PermissionSets {
    /// Each role has its own policy, and no more.
    Apart,
    /// One policy for the permission set in all accounts; with --out each role's own besides.
    Merge,
}

/// A role and what it used.
type Role<'l> = (&'l Principal, &'l PrincipalUsage);

/// A permission set's policy, which allows each of its roles what that used; or none, where [`SetEntry::unproved`] says why.
pub(crate) struct ProvedSet {
    partition: String,
    pub(crate) name: String,
    pub(crate) plan: Plan,
    /// The documents as they are written.
    pub(crate) texts: Vec<String>,
    /// All but the names of the files.
    pub(crate) entry: SetEntry,
}

/// The roles of each permission set, by partition and name. A set that was made anew has two in one account.
pub(crate) fn roles<'l>(used: &[Role<'l>]) -> BTreeMap<(&'l str, &'l str), Vec<Role<'l>>> {
    let mut sets: BTreeMap<_, Vec<Role<'l>>> = BTreeMap::new();
    for (principal, usage) in used {
        if principal.kind == PrincipalKind::PermissionSet {
            let partition = ArnParts::parse(&principal.arn).map_or("", |arn| arn.partition);
            let set = sets.entry((partition, &*principal.name)).or_default();
            set.push((principal, usage));
        }
    }
    sets
}

/// Whether all of `used` are roles of one permission set.
pub(crate) fn is_one(used: &[Role<'_>]) -> bool {
    let sets = roles(used);
    sets.len() == 1 && sets.values().all(|roles| roles.len() == used.len())
}

/// The policy of each permission set in `used`, in the order of their names.
///
/// # Errors
/// Where one does not allow what a role used, unless it `goes_on` without that one.
pub(crate) fn proved(
    used: &[Role<'_>],
    options: &Options,
    threads: NonZeroUsize,
    goes_on: bool,
) -> Result<Vec<ProvedSet>> {
    let mut sets: Vec<_> = roles(used).into_iter().collect();
    sets.sort_by_key(|((partition, name), _)| (*name, *partition));
    let proved = parallel::map(&sets, threads, |(set, roles)| {
        let proved = provable(options, |options| ProvedSet::of(*set, roles, options));
        let proved = proved.map(|(mut proved, note)| {
            proved.entry.notes.extend(note);
            proved
        });
        or_without(proved, goes_on, |reason| {
            ProvedSet::without(*set, roles, reason)
        })
    });
    proved.into_iter().collect()
}

/// Adds who used what to each of `sets`, which are those of `used`.
pub(crate) fn tell_people(sets: &mut [ProvedSet], used: &[Role<'_>]) {
    let roles = roles(used);
    for set in sets {
        let key = (&*set.partition, &*set.name);
        set.entry.people = roles.get(&key).map(|roles| people::people(roles));
    }
}

impl ProvedSet {
    fn of((partition, name): (&str, &str), roles: &[Role<'_>], options: &Options) -> Result<Self> {
        let mut accounts: BTreeMap<&str, Cow<'_, PrincipalUsage>> = BTreeMap::new();
        for (role, usage) in roles {
            match accounts.get_mut(&*role.account) {
                Some(known) => known.to_mut().join((*usage).clone()),
                None => {
                    accounts.insert(&role.account, Cow::Borrowed(usage));
                }
            }
        }
        let (plan, mut one_off) = sets::plan(&accounts, options);
        let texts: Vec<String> = plan.documents.iter().map(PolicyDocument::to_json).collect();
        for (role, usage) in roles {
            let own = Plan {
                one_off: one_off.remove(&*role.account).unwrap_or_default(),
                ..Plan::default()
            };
            prove(role, &one_off::granted(usage, &own), &texts)?;
            one_off.insert(&role.account, own.one_off);
        }
        Ok(Self {
            partition: partition.to_owned(),
            name: name.to_owned(),
            entry: SetEntry::of(name, roles, &plan),
            plan,
            texts,
        })
    }

    /// No policy, for this reason.
    fn without((partition, name): (&str, &str), roles: &[Role<'_>], reason: String) -> Self {
        let plan = Plan::default();
        let mut entry = SetEntry::of(name, roles, &plan);
        entry.fits = false;
        entry.unproved = Some(reason);
        Self {
            partition: partition.to_owned(),
            name: name.to_owned(),
            plan,
            texts: Vec::new(),
            entry,
        }
    }
}
