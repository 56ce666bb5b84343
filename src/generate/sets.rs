//! One policy for a permission set of IAM Identity Center, out of what its role used in each account.
//!
//! The text is the same in all accounts that the set is assigned to, so each fact of one account is a question: for which
//! accounts is it meant?
//!
//! | used in | by default | `--resources exact` |
//! |---|---|---|
//! | one account | stays there: its id stands in the ARN, or the condition `aws:PrincipalAccount` holds it. What lists or reads `*` is granted in every account | stays there |
//! | several, each its own resource of this name | in every account its own: `*` in the place of the id and the condition `aws:ResourceAccount`, or `${aws:PrincipalAccount}` inside a name | stays there, each id written out |
//! | several, the same resource | granted in every account | stays there |
//!
//! `${aws:PrincipalAccount}` may not stand in the field of the account. Source: IAM User Guide, "IAM policy elements: Variables
//! and tags", "Resource element": behind the fifth colon only. What is granted in an account that did not use it is listed
//! as a widening. An ARN with another account's id is not: it grants nothing unless that account agrees.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::generate::access::Access;
use crate::generate::generalise::Made;
use crate::generate::one_off::SetUp;
use crate::generate::options::{Options, Resources};
use crate::generate::quota::Target;
use crate::generate::widening::{EXAMPLES, Widening};
use crate::generate::{Allowed, Part, Plan, Tailored, documents, tailored};
use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;
use crate::iam::condition::Condition;
use crate::iam::pattern::covers;
use crate::usage::ledger::PrincipalUsage;

/// What stands for the caller's account behind the fifth colon.
const VARIABLE: &str = "${aws:PrincipalAccount}";

/// The name of what grants in one account what was used in another.
pub const RULE: &str = "every-account";

/// The policy of a permission set, whose roles in these accounts used this, each account once. It allows each role all that
/// [`plan`](crate::generate::plan) allows it by itself. With each account's own one-off facts, as
/// [`Plan::one_off`] has those of all.
#[must_use]
pub fn plan<'a>(
    accounts: &Usages<'a, '_>,
    options: &Options,
) -> (Plan, BTreeMap<&'a str, Vec<SetUp>>) {
    let options = Options {
        quota: Some(Target::PermissionSet.quota()),
        ..*options
    };
    let tailored: BTreeMap<&'a str, Tailored<'_>> = accounts
        .iter()
        .map(|(account, usage)| (*account, tailored(usage, &options)))
        .collect();
    let uses = uses(&tailored);
    let mut sewn = Sewn::default();
    let mut forms: BTreeMap<(&Action, &Form), usize> = BTreeMap::new();
    for fact in uses.keys() {
        *forms.entry((fact.action, &fact.form)).or_default() += 1;
    }
    for (fact, used) in &uses {
        // Where some accounts used the same under other conditions, each keeps its own.
        let alike = forms.get(&(fact.action, &fact.form)) == Some(&1);
        sewn.add(fact, used, alike, &options);
    }
    let mut notes: Vec<String> = Vec::new();
    for (account, tailored) in &tailored {
        for widening in &tailored.widened {
            sewn.widen(account, &accounts[account], widening);
        }
        notes.extend(tailored.notes.iter().cloned());
    }
    notes.sort();
    notes.dedup();
    let mut one_off: Vec<SetUp> = tailored
        .values()
        .flat_map(|tailored| &tailored.one_off)
        .cloned()
        .collect();
    one_off.sort_by(|a, b| (&a.action, &a.resource, a.day).cmp(&(&b.action, &b.resource, b.day)));
    let plan = documents(sewn.tailored(accounts, one_off, notes), &options);
    let one_off = tailored
        .into_iter()
        .map(|(account, tailored)| (account, tailored.one_off));
    (plan, one_off.collect())
}

/// What a permission set's roles used in each account.
type Usages<'a, 'u> = BTreeMap<&'a str, Cow<'u, PrincipalUsage>>;

/// An action on a resource under conditions, the same for all accounts in which the caller's own id alone differs.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Fact<'t> {
    action: &'t Action,
    form: Form,
    conditions: &'t [Condition],
}

/// A resource with the caller's own account left open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Form {
    /// `*` in the field of the account and [`VARIABLE`] behind it, each in the place of the caller's id.
    text: String,
    /// Whether the id stands in the field of the account.
    owned: bool,
}

/// Where a fact was used, and how each account's policy has the resource.
struct Used<'t> {
    part: Part,
    accounts: Accounts<'t>,
}

/// How the policies of some accounts have a resource.
type Accounts<'t> = BTreeMap<&'t str, &'t ResourceArn>;

/// All that the accounts' own policies grant.
fn uses<'t>(tailored: &'t BTreeMap<&'t str, Tailored<'t>>) -> BTreeMap<Fact<'t>, Used<'t>> {
    let mut uses: BTreeMap<Fact<'t>, Used<'t>> = BTreeMap::new();
    for (account, tailored) in tailored {
        let mut add = |part, action, resource, conditions| {
            let fact = Fact {
                action,
                form: Form::of(resource, account),
                conditions,
            };
            let used = uses.entry(fact).or_insert(Used {
                part,
                accounts: BTreeMap::new(),
            });
            used.part = used.part.min(part);
            used.accounts.insert(account, resource);
        };
        for allowed in &tailored.allowed {
            for (action, granted) in &allowed.patterns {
                for (resource, _) in granted {
                    add(allowed.part, *action, &**resource, &*allowed.conditions);
                }
            }
        }
        for grant in &tailored.inferred {
            for action in &grant.actions {
                for resource in &grant.resources {
                    add(grant.part, action, resource, &*grant.conditions);
                }
            }
        }
    }
    uses
}

impl Form {
    fn of(resource: &ResourceArn, account: &str) -> Self {
        let text = resource.as_str();
        let plain = || Self {
            text: text.to_owned(),
            owned: false,
        };
        let Some(parts) = resource.parts().filter(|_| !account.is_empty()) else {
            return plain();
        };
        let owned = parts.account == account;
        let name = with_variable(parts.resource, account);
        if !owned && matches!(name, Cow::Borrowed(_)) {
            return plain();
        }
        let field = if owned { "*" } else { parts.account };
        Self {
            text: format!(
                "arn:{}:{}:{}:{field}:{name}",
                parts.partition, parts.service, parts.region
            ),
            owned,
        }
    }
}

/// `name` with [`VARIABLE`] in the place of `account`, where that is not part of a longer number.
fn with_variable<'n>(name: &'n str, account: &str) -> Cow<'n, str> {
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let mut out = String::new();
    let mut written = 0;
    for (at, _) in name.match_indices(account) {
        let before = at.checked_sub(1).and_then(|at| name.as_bytes().get(at));
        if !is_digit(before) && !is_digit(name.as_bytes().get(at + account.len())) {
            out.push_str(&name[written..at]);
            out.push_str(VARIABLE);
            written = at + account.len();
        }
    }
    match written {
        0 => Cow::Borrowed(name),
        _ => Cow::Owned(out + &name[written..]),
    }
}

/// What each action is granted on.
type Granted<'t> = BTreeMap<&'t Action, BTreeSet<ResourceArn>>;

/// The policy in the making.
#[derive(Default)]
struct Sewn<'t> {
    grants: BTreeMap<(Part, Vec<Condition>), Granted<'t>>,
    /// What an account's own policy grants, and what that became.
    became: BTreeMap<(&'t str, &'t Action, &'t ResourceArn), BTreeSet<ResourceArn>>,
    /// What is granted in every account, whether each its own, by who used it, and the actions.
    every: BTreeMap<(ResourceArn, bool, Accounts<'t>), BTreeSet<&'t Action>>,
    /// What the accounts' own policies grant beyond what was used, by resource and rule.
    widened: BTreeMap<(ResourceArn, &'static str), Widened>,
}

impl<'t> Sewn<'t> {
    /// Adds a fact of some accounts, which all accounts used under the same conditions, if they are `alike`. The set may be
    /// assigned to more accounts than the logs show.
    fn add(&mut self, fact: &Fact<'t>, used: &Used<'t>, alike: bool, options: &Options) {
        let seen: Vec<&str> = used.accounts.keys().copied().collect();
        let form = &fact.form;
        let own = used
            .accounts
            .values()
            .any(|resource| resource.as_str() != form.text);
        let widens = options.resources != Resources::Exact;
        let shared = widens && alike && (seen.len() > 1 || reads_any(fact));
        if own && shared && (!form.owned || sends_owner(fact.action)) {
            let resource = ResourceArn::from_pattern(form.text.as_str());
            let owner = form.owned.then(own_account);
            self.grant(fact, used, resource.clone(), owner);
            let under = (resource, true, used.accounts.clone());
            let actions = self.every.entry(under).or_default();
            actions.insert(fact.action);
            return;
        }
        if own {
            // The id in the field of the account holds it there. One inside a name alone does not.
            for (account, resource) in &used.accounts {
                let held = (!form.owned).then(|| held_to(&[account]));
                self.grant(fact, used, (*resource).clone(), held);
            }
            return;
        }
        let resource = ResourceArn::from_pattern(form.text.as_str());
        let held = (!shared).then(|| held_to(&seen));
        if shared {
            let under = (resource.clone(), false, used.accounts.clone());
            let actions = self.every.entry(under).or_default();
            actions.insert(fact.action);
        }
        self.grant(fact, used, resource, held);
    }

    fn grant(
        &mut self,
        fact: &Fact<'t>,
        used: &Used<'t>,
        resource: ResourceArn,
        more: Option<Condition>,
    ) {
        for (account, own) in &used.accounts {
            let became = self.became.entry((account, fact.action, own)).or_default();
            became.insert(resource.clone());
        }
        let mut conditions = fact.conditions.to_vec();
        conditions.extend(more);
        conditions.sort();
        let actions = self.grants.entry((used.part, conditions)).or_default();
        actions.entry(fact.action).or_default().insert(resource);
    }

    /// Adds what the account's own policy grants beyond what `usage` tells was used, for what that became.
    fn widen(&mut self, account: &str, usage: &PrincipalUsage, widening: &Widening) {
        let mut by_resource: BTreeMap<&ResourceArn, Vec<Action>> = BTreeMap::new();
        for action in &widening.actions {
            let became = self.became.get(&(account, action, &widening.resource));
            match became {
                Some(resources) => resources.iter().for_each(|resource| {
                    let actions = by_resource.entry(resource).or_default();
                    actions.push(action.clone());
                }),
                None => {
                    let actions = by_resource.entry(&widening.resource).or_default();
                    actions.push(action.clone());
                }
            }
        }
        for (resource, actions) in by_resource {
            let whole = actions.len() == widening.actions.len();
            let stands = Stands::of(usage, &actions, &widening.resource);
            let key = (resource.clone(), widening.rule);
            match self.widened.get_mut(&key) {
                Some(known) => known.join(actions, stands),
                None => {
                    let widening = Widening {
                        actions,
                        resource: resource.clone(),
                        ..widening.clone()
                    };
                    let mut widened = Widened {
                        widening,
                        stands: Stands::default(),
                    };
                    // What is told of all its actions in one account is told already.
                    match whole {
                        true => widened.stands = stands,
                        false => widened.join(Vec::new(), stands),
                    }
                    self.widened.insert(key, widened);
                }
            }
        }
    }

    fn tailored(
        self,
        usages: &Usages<'_, '_>,
        one_off: Vec<SetUp>,
        notes: Vec<String>,
    ) -> Tailored<'t> {
        let granted = |resources: BTreeSet<ResourceArn>| {
            let granted = resources.into_iter();
            granted.map(|r| (Cow::Owned(r), Made::default())).collect()
        };
        let allowed = self.grants.into_iter();
        let allowed = allowed.map(|((part, conditions), actions)| Allowed {
            part,
            conditions,
            patterns: actions
                .into_iter()
                .map(|(action, resources)| (action, granted(resources)))
                .collect(),
        });
        let allowed = allowed.collect();
        let every = self.every.iter();
        let mut widened: Vec<Widening> = every
            .map(|((resource, own, used_in), actions)| Widening {
                rule: RULE,
                pattern: None,
                actions: actions.iter().map(|action| (*action).clone()).collect(),
                resource: resource.clone(),
                values: used_in.len(),
                days: days(usages, used_in, actions),
                examples: used_in
                    .keys()
                    .take(EXAMPLES)
                    .map(|account| (*account).to_owned())
                    .collect(),
                admits: match own {
                    true => "the same in each account that the permission set is assigned to, for its role there",
                    false => "the same to the permission set's roles in all other accounts",
                }
                .to_owned(),
            })
            .collect();
        widened.extend(self.widened.into_values().map(|widened| widened.widening));
        widened.sort_by(|a, b| (&a.resource, a.rule).cmp(&(&b.resource, b.rule)));
        Tailored {
            allowed,
            inferred: Vec::new(),
            widened,
            one_off,
            // Of each account they are told with its role.
            supports: Vec::new(),
            notes,
        }
    }
}

/// On how many days the accounts used one of `actions` on their resources.
fn days(usages: &Usages<'_, '_>, accounts: &Accounts<'_>, actions: &BTreeSet<&Action>) -> usize {
    let mut days = BTreeSet::new();
    for (account, resource) in accounts {
        let used = actions.iter().filter_map(|action| {
            let usage = usages.get(account)?;
            Some(Stands::of(usage, std::slice::from_ref(*action), resource))
        });
        days.extend(used.flat_map(|stands| stands.days));
    }
    days.len()
}

/// What the policies of some accounts grant beyond what was used, by one rule.
struct Widened {
    widening: Widening,
    stands: Stands,
}

/// What a pattern stands for.
#[derive(Default)]
struct Stands {
    values: BTreeSet<String>,
    days: BTreeSet<u16>,
}

impl Widened {
    fn join(&mut self, actions: Vec<Action>, more: Stands) {
        let Self { widening, stands } = self;
        stands.values.extend(more.values);
        stands.days.extend(more.days);
        widening.values = stands.values.len();
        widening.days = stands.days.len();
        widening.examples = stands.values.iter().take(EXAMPLES).cloned().collect();
        widening.actions.extend(actions);
        widening.actions.sort();
        widening.actions.dedup();
    }
}

impl Stands {
    /// The resources used by `actions` that `pattern` stands for, and the days.
    fn of(usage: &PrincipalUsage, actions: &[Action], pattern: &ResourceArn) -> Self {
        let mut stands = Self::default();
        let resources = actions
            .iter()
            .filter_map(|action| usage.facts.get(action))
            .flatten();
        for (resource, tally) in resources {
            if tally.used > 0 && covers(pattern.as_str(), resource.as_str()) {
                stands.values.insert(resource.to_string());
                stands.days.extend(&tally.days);
            }
        }
        stands
    }
}

/// Whether it lists or reads, and IAM is not told what.
fn reads_any(fact: &Fact<'_>) -> bool {
    fact.form.text == "*" && Access::of(fact.action) == Access::Read
}

/// The caller is in one of these accounts.
fn held_to(accounts: &[&str]) -> Condition {
    Condition {
        operator: "StringEquals",
        key: "aws:PrincipalAccount".into(),
        values: accounts
            .iter()
            .map(|account| (*account).to_owned())
            .collect(),
    }
}

/// The resource is the caller's account's own. `IfExists`, because not every action sends the key, and AWS does not say which
/// when IAM is asked on behalf of another service, as for `iam:PassRole`.
fn own_account() -> Condition {
    Condition {
        operator: "StringEqualsIfExists",
        key: "aws:ResourceAccount".into(),
        values: vec![VARIABLE.to_owned()],
    }
}

/// Whether requests for `action` tell whose the resource is. Of the others the ids are written out, as no condition could hold
/// them.
/// Source: IAM User Guide, "AWS global condition context keys", aws:ResourceAccount, "Availability".
fn sends_owner(action: &Action) -> bool {
    const SILENT: [&str; 8] = [
        "ec2:CopyFpgaImage",
        "ec2:CopyImage",
        "ec2:CopySnapshot",
        "ec2:CreateTransitGatewayPeeringAttachment",
        "ec2:CreateVolume",
        "ec2:CreateVpcPeeringConnection",
        "workspaces:CopyWorkspaceImage",
        "workspaces:DescribeWorkspaceImages",
    ];
    !SILENT.contains(&action.as_str()) && !matches!(action.service(), "ebs" | "events")
}
