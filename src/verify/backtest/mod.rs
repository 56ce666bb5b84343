//! How well policies fit what came later: what they would have refused, and what they grant that was not used.
//!
//! ```
//! use trailfit::iam::action::Action;
//! use trailfit::iam::arn::ResourceArn;
//! use trailfit::iam::principal::{Principal, PrincipalKind};
//! use trailfit::usage::ledger::{PrincipalUsage, Tally};
//! use trailfit::verify::backtest::{score, universe::Universe};
//! use trailfit::verify::evaluate::Attached;
//! use trailfit::verify::policy;
//!
//! let mut later = PrincipalUsage::default();
//! for (action, key, calls) in [("s3:GetObject", "may.csv", 9), ("s3:PutObject", "may.csv", 1)] {
//!     let resource = ResourceArn::from_pattern(format!("arn:aws:s3:::reports/{key}"));
//!     let tally = Tally { used: calls, ..Tally::default() };
//!     later.facts.entry(Action::known(action)).or_default().insert(resource, Box::new(tally));
//! }
//! let role = Principal {
//!     account: "111122223333".to_owned(),
//!     kind: PrincipalKind::Role,
//!     name: "reader".to_owned(),
//!     arn: "arn:aws:iam::111122223333:role/reader".to_owned(),
//! };
//! let policies = policy::parse(
//!     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
//!         "Action": ["s3:GetObject", "s3:GetObjectAcl"], "Resource": "arn:aws:s3:::reports/*"}}"#,
//! )?;
//! let attached = [Attached { principal: None, name: "reader.json", policy: &policies[0] }];
//! let score = score(&role, &attached, &later, &Universe::new([&later]));
//! assert_eq!((score.calls, score.calls_denied), (10, 1));
//! assert_eq!((score.needs, score.needs_denied), (2, 1));
//! // Both actions on the one object that was seen, of which one was used.
//! assert_eq!((score.granted.pairs, score.used.pairs), (2, 1));
//! assert_eq!((score.precision(), score.recall()), (Some(0.5), Some(0.5)));
//! # Ok::<(), trailfit::verify::policy::ParseError>(())
//! ```

pub mod baseline;
pub mod cuts;
mod granted;
pub mod universe;

use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;
use crate::iam::principal::Principal;
use crate::usage::ledger::PrincipalUsage;
use crate::verify::backtest::granted::granted;
use crate::verify::backtest::universe::{Amount, Universe};
use crate::verify::evaluate::{Attached, Decision, evaluate};
use crate::verify::replay::each_fact;

/// How well policies fit what was used later. Scores of several principals, and of several times, add up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// The later calls; a call that needed several things counts once for each.
    pub calls: u64,
    /// Those of them that the policies do not surely allow.
    pub calls_denied: u64,
    /// The distinct pairs of an action and a resource that were used later.
    pub needs: u64,
    /// Those of them of which a call is not surely allowed.
    pub needs_denied: u64,
    /// Those of the denied ones that hang on condition keys of which the log does not tell the value.
    pub needs_undecided: u64,
    /// When the first call that is not surely allowed was made, in seconds since 1970.
    pub first_denial: Option<i64>,
    /// The pairs of the universe that the policies grant.
    pub granted: Amount,
    /// Those of them that were used later.
    pub used: Amount,
    /// The pairs of the universe.
    pub universe: Amount,
}

impl Score {
    /// Adds `other`'s numbers; of the first denials the earlier one is kept.
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.calls_denied += other.calls_denied;
        self.needs += other.needs;
        self.needs_denied += other.needs_denied;
        self.needs_undecided += other.needs_undecided;
        self.first_denial = match (self.first_denial, other.first_denial) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.granted.add(other.granted);
        self.used.add(other.used);
        self.universe.add(other.universe);
    }

    /// What was granted and not used later.
    #[must_use]
    pub fn unused(&self) -> Amount {
        Amount {
            pairs: self.granted.pairs.saturating_sub(self.used.pairs),
            weighted: self.granted.weighted.saturating_sub(self.used.weighted),
        }
    }

    /// The share of the granted pairs that were used; `None` where nothing was granted.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        share(self.used.pairs, self.granted.pairs)
    }

    /// The share of the needs that the policies surely allow; `None` where there were none.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        share(self.needs - self.needs_denied.min(self.needs), self.needs)
    }

    /// The weighted harmonic mean of precision and recall, in which recall counts `beta` times as much as precision
    /// (van Rijsbergen, "Information Retrieval", 1979); `None` where one of them is.
    #[must_use]
    pub fn f_beta(&self, beta: f64) -> Option<f64> {
        let (precision, recall) = (self.precision()?, self.recall()?);
        let square = beta * beta;
        let below = square * precision + recall;
        Some(match below > 0.0 {
            true => (1.0 + square) * precision * recall / below,
            false => 0.0,
        })
    }
}

/// `part` of `whole`; `None` of nothing.
#[must_use]
pub fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Holds `policies`, all of which are attached to `principal`, against what it used `later`. A pair that is granted under a
/// condition counts as granted; a call that may hang on one counts as denied.
///
/// `universe` should have all that was used later: what it has not is a need, and no use of what was granted.
#[must_use]
pub fn score(
    principal: &Principal,
    policies: &[Attached<'_>],
    later: &PrincipalUsage,
    universe: &Universe,
) -> Score {
    let mut score = Score {
        universe: universe.size(),
        granted: granted(principal, policies, universe),
        ..Score::default()
    };
    // The judgements on one pair come one after the other.
    let mut last: Option<Need> = None;
    each_fact(principal, later, policies, |fact, allowed| {
        let same = |need: &Need| need.action == *fact.action && need.resource == *fact.resource;
        if !last.as_ref().is_some_and(same) {
            if let Some(need) = last.take() {
                need.count(&mut score, universe);
            }
            last = Some(Need {
                action: fact.action.clone(),
                resource: fact.resource.clone(),
                denied: false,
                undecided: false,
                usable: false,
            });
        }
        let Some(need) = &mut last else { return };
        score.calls += fact.events;
        if allowed {
            need.usable = true;
            return;
        }
        score.calls_denied += fact.events;
        let decision = evaluate(&fact.request(), policies).decision;
        let undecided = matches!(decision, Decision::Undecided { .. });
        need.denied = true;
        need.undecided |= undecided;
        need.usable |= undecided;
        if let Some((first, _)) = fact.tally.seen {
            score.first_denial = Some(score.first_denial.map_or(first, |old| old.min(first)));
        }
    });
    if let Some(need) = last {
        need.count(&mut score, universe);
    }
    score
}

/// What is known of a pair that was used later.
struct Need {
    action: Action,
    resource: ResourceArn,
    /// Whether a call is not surely allowed.
    denied: bool,
    /// Whether that hangs on what is not known.
    undecided: bool,
    /// Whether a call is allowed, or may be.
    usable: bool,
}

impl Need {
    fn count(&self, score: &mut Score, universe: &Universe) {
        score.needs += 1;
        score.needs_denied += u64::from(self.denied);
        score.needs_undecided += u64::from(self.denied && self.undecided);
        if self.usable
            && let Some(level) = universe.level_of(&self.action, &self.resource)
        {
            score.used.count(level, 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::universe::{ACTIONS, Amount, Universe, weight};
    use super::{Score, granted, score};
    use crate::catalog::action::{self, AccessLevel};
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;
    use crate::iam::principal::{Principal, PrincipalKind};
    use crate::usage::ledger::{PrincipalUsage, Tally};
    use crate::verify::evaluate::{Attached, Decision, Request, evaluate};
    use crate::verify::policy::{Policy, parse};
    use crate::verify::replay::known_keys;

    fn role() -> Principal {
        Principal {
            account: "111122223333".to_owned(),
            kind: PrincipalKind::Role,
            name: "ci".to_owned(),
            arn: "arn:aws:iam::111122223333:role/ci".to_owned(),
        }
    }

    /// `(action, resource, calls, time of the first)`
    fn usage(facts: &[(&'static str, &str, u64, i64)]) -> PrincipalUsage {
        let mut usage = PrincipalUsage::default();
        for (action, resource, calls, time) in facts {
            let tally = Tally {
                used: *calls,
                seen: Some((*time, *time)),
                ..Tally::default()
            };
            let resources = usage.facts.entry(Action::known(action)).or_default();
            resources.insert(ResourceArn::from_pattern(*resource), Box::new(tally));
        }
        usage
    }

    fn policy(statements: &str) -> Policy {
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
        parse(&text).unwrap().remove(0)
    }

    fn attach(policy: &Policy) -> [Attached<'_>; 1] {
        [Attached {
            principal: None,
            name: "p",
            policy,
        }]
    }

    const TABLE: &str = "arn:aws:dynamodb:eu-west-1:111122223333:table/t";
    const INDEX: &str = "arn:aws:dynamodb:eu-west-1:111122223333:table/t/index/i";
    const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:alarms";

    fn level(action: &'static str, resource: &str, universe: &Universe) -> Option<AccessLevel> {
        let resource = ResourceArn::from_pattern(resource);
        universe.level_of(&Action::known(action), &resource)
    }

    #[test]
    fn a_universe_has_the_pairs_that_fit_and_whatever_was_used() {
        let universe = Universe::new([&usage(&[
            ("dynamodb:GetItem", TABLE, 1, 0),
            ("dynamodb:Query", INDEX, 1, 0),
            ("sns:Publish", "*", 1, 0),
        ])]);
        for (action, resource, expected) in [
            ("dynamodb:GetItem", TABLE, Some(AccessLevel::Read)),
            ("dynamodb:DeleteTable", TABLE, Some(AccessLevel::Write)),
            // An index has the format of a table too, and is none.
            ("dynamodb:DeleteTable", INDEX, None),
            ("dynamodb:Query", INDEX, Some(AccessLevel::Read)),
            ("dynamodb:ListTables", "*", Some(AccessLevel::List)),
            ("dynamodb:ListTables", TABLE, None),
            ("dynamodb:GetItem", "*", None),
            // Not as the catalog has it, but used.
            ("sns:Publish", "*", Some(AccessLevel::Write)),
            ("sns:Subscribe", "*", None),
            ("sns:Publish", TOPIC, None),
            ("s3:ListAllMyBuckets", "*", Some(AccessLevel::List)),
            ("s3:NoSuchAction", "*", None),
        ] {
            assert_eq!(
                level(action, resource, &universe),
                expected,
                "{action} {resource}"
            );
        }
        let whole = action::all().filter(|facts| facts.resource_types().next().is_none());
        let of = |name| {
            let types =
                |facts: &action::ActionFacts| facts.resource_types().any(|(own, _)| own == name);
            action::all_of("dynamodb").filter(types).count() as u64
        };
        let expected = whole.count() as u64 + of("table") + of("index") + 1;
        assert_eq!(universe.size().pairs, expected);
    }

    #[test]
    fn what_is_denied_later_is_counted_with_the_time_of_the_first() {
        let later = usage(&[
            ("dynamodb:GetItem", TABLE, 90, 1_000),
            ("dynamodb:Query", INDEX, 7, 9_000),
            ("sns:Publish", TOPIC, 3, 5_000),
        ]);
        let universe = Universe::new([&later]);
        let found = |statements: &str| {
            let policy = policy(statements);
            score(&role(), &attach(&policy), &later, &universe)
        };
        let table = found(&format!(
            r#"{{"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"], "Resource": "{TABLE}"}}"#
        ));
        let expected = Score {
            calls: 100,
            calls_denied: 10,
            needs: 3,
            needs_denied: 2,
            needs_undecided: 0,
            first_denial: Some(5_000),
            granted: Amount {
                pairs: 2,
                weighted: weight(AccessLevel::Read) + weight(AccessLevel::Write),
            },
            used: Amount {
                pairs: 1,
                weighted: weight(AccessLevel::Read),
            },
            universe: universe.size(),
        };
        assert_eq!(table, expected);
        assert_eq!(table.recall(), Some(1.0 / 3.0));
        // 5/(4/R + 1/P) for a beta of 2, with R = 1/3 and P = 1/2.
        assert!((table.f_beta(2.0).unwrap() - 5.0 / 14.0).abs() < 1e-12);
        let all = found(r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#);
        assert_eq!((all.needs_denied, all.first_denial), (0, None));
        assert_eq!((all.granted, all.used.pairs), (universe.size(), 3));
        // A condition on what the log does not tell: it may be granted, and a call may be denied.
        let open = found(
            r#"{"Effect": "Allow", "Action": "sns:Publish", "Resource": "*",
                "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}"#,
        );
        assert_eq!((open.needs_denied, open.needs_undecided), (3, 1));
        assert_eq!((open.granted.pairs, open.used.pairs), (1, 1));
        let none = found(r#"{"Effect": "Deny", "Action": "*", "Resource": "*"}"#);
        assert_eq!((none.granted.pairs, none.precision()), (0, None));
        let mut sum = table.clone();
        sum.add(&all);
        assert_eq!(
            (sum.needs, sum.needs_denied, sum.first_denial),
            (6, 2, Some(5_000))
        );
    }

    const RESOURCES: [&str; 9] = [
        TABLE,
        INDEX,
        TOPIC,
        "arn:aws:s3:::b",
        "arn:aws:s3:::b/x",
        "arn:aws:s3:::b/${*}y",
        "arn:aws:s3:::b/*",
        "arn:aws:s3:::c/x/${$}{z}",
        "*",
    ];

    fn statement() -> impl Strategy<Value = String> {
        let one = |texts: &'static [&'static str]| prop::sample::select(texts);
        let effect = one(&["Allow", "Allow", "Allow", "Deny"]);
        let actions = one(&[
            r#""Action": "s3:*""#,
            r#""Action": ["s3:GetObject", "s3:ListAllMyBuckets"]"#,
            r#""Action": ["dynamodb:*Item", "SNS:publish"]"#,
            r#""NotAction": ["s3:*", "ec2:*", "iam:*"]"#,
            r#""Action": "*""#,
        ]);
        let resources = one(&[
            r#""Resource": "*""#,
            r#""Resource": ["arn:aws:s3:::b/*", "arn:aws:s3:::b"]"#,
            r#""Resource": ["arn:aws:s3:::b/${*}*", "arn:aws:s3:::c/*${$}{z}"]"#,
            r#""Resource": "arn:aws:s3:::b/x""#,
            r#""Resource": "arn:aws:dynamodb:*:*:table/${aws:username}*""#,
            r#""Resource": ["arn:aws:dynamodb:*:*:table/t*", "arn:aws:sns:*:111122223333:${aws:userid}"]"#,
            r#""NotResource": ["arn:aws:s3:::b/x", "arn:aws:sns:*:*:*"]"#,
        ]);
        let condition = one(&[
            "",
            "",
            r#", "Condition": {"StringEquals": {"aws:PrincipalAccount": "111122223333"}}"#,
            r#", "Condition": {"StringEquals": {"aws:PrincipalAccount": "444455556666"}}"#,
            r#", "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}"#,
        ]);
        (effect, actions, resources, condition).prop_map(
            |(effect, actions, resources, condition)| {
                format!(r#"{{"Effect": "{effect}", {actions}, {resources}{condition}}}"#)
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// Counting by kinds is asking of each pair by itself.
        #[test]
        fn what_is_granted_is_what_the_evaluator_grants_pair_by_pair(
            statements in prop::collection::vec(statement(), 1..5),
        ) {
            let mut used: Vec<_> = RESOURCES.iter().map(|r| ("s3:GetObject", *r, 1, 0)).collect();
            used.push(("s3:ListBucket", "*", 1, 0));
            let universe = Universe::new([&usage(&used)]);
            let policy = policy(&statements.join(", "));
            let attached = attach(&policy);
            let (role, mut expected) = (role(), Amount::default());
            let context = known_keys(&role);
            for action in &ACTIONS.spelt {
                for resource in RESOURCES {
                    if let Some(level) = level(action, resource, &universe) {
                        let request = Request::new(&role.arn, action, resource, &context);
                        let decision = evaluate(&request, &attached).decision;
                        if matches!(decision, Decision::Allowed | Decision::Undecided { .. }) {
                            expected.count(level, 1);
                        }
                    }
                }
            }
            prop_assert_eq!(granted(&role, &attached, &universe), expected);
        }
    }
}
