//! A permission set in `index.json`.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::generate::Plan;
use crate::generate::quota::Target;
use crate::iam::policy::PolicyDocument;
use crate::iam::principal::Principal;
use crate::report::index::{SetUpEntry, WideningEntry};
use crate::report::people::People;
use crate::usage::ledger::PrincipalUsage;

/// One permission set, over all accounts.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SetEntry {
    /// Its name.
    pub permission_set: String,
    /// The accounts that it was used in, sorted.
    pub accounts: Vec<String>,
    /// The ARNs of its roles, sorted as the principals are. Two of one account are those of a set that was made anew.
    pub principals: Vec<String>,
    /// All events of its roles, whatever their outcome.
    pub events: u64,
    /// The number of distinct actions that its policy grants.
    pub actions: usize,
    /// The number of distinct resources that its roles used, before anything was generalised.
    pub resources: usize,
    /// What its policy is for: `permission-set`.
    pub target: &'static str,
    /// How many documents that takes.
    pub documents_allowed: usize,
    /// Whether they are no more, and of a size that is taken.
    pub fits: bool,
    /// Why there are no documents, where they could not be proved to allow what was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unproved: Option<String>,
    /// The policy documents, relative to the folder of the index.
    pub files: Vec<String>,
    /// The characters of each without white space, as IAM counts them.
    pub sizes: Vec<usize>,
    /// Everything that the policy grants beyond the calls seen.
    pub widened: Vec<WideningEntry>,
    /// What was used to set something up once, it seems, in any account.
    pub one_off: Vec<SetUpEntry>,
    /// What a reader must know.
    pub notes: Vec<String>,
    /// Who used what, where that was asked for.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub people: Option<People>,
}

impl SetEntry {
    /// The entry of the set called `name`, whose roles these are; without its files.
    #[must_use]
    pub fn of(name: &str, roles: &[(&Principal, &PrincipalUsage)], plan: &Plan) -> Self {
        let accounts: BTreeSet<&str> = roles.iter().map(|(role, _)| &*role.account).collect();
        let used = || roles.iter().flat_map(|(_, usage)| usage.used());
        let actions: BTreeSet<_> = used().map(|(action, _, _)| action).collect();
        let resources: BTreeSet<_> = used().map(|(_, resource, _)| resource).collect();
        Self {
            permission_set: name.to_owned(),
            accounts: accounts.into_iter().map(str::to_owned).collect(),
            principals: roles.iter().map(|(role, _)| role.arn.clone()).collect(),
            events: roles.iter().map(|(_, usage)| usage.total_events()).sum(),
            actions: actions.len(),
            resources: resources.len(),
            target: Target::PermissionSet.as_str(),
            documents_allowed: Target::PermissionSet.quota().documents,
            fits: plan.excess == 0,
            unproved: None,
            files: Vec::new(),
            sizes: plan.documents.iter().map(PolicyDocument::size).collect(),
            widened: plan.widened.iter().map(WideningEntry::of).collect(),
            one_off: plan.one_off.iter().map(SetUpEntry::of).collect(),
            notes: plan.notes.clone(),
            people: None,
        }
    }
}
