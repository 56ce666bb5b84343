//! When roles and users were made, as far as the trail shows it: before that, nothing could be seen of them.

use std::collections::BTreeMap;

use crate::iam::arn::{ResourceArn, escape};
use crate::iam::principal::{Principal, PrincipalKind};
use crate::usage::resolve::{Meaning, Outcome};
use crate::usage::times::Times;

/// The most roles and users whose making is remembered, the first in order.
const MAX: usize = 100_000;

/// The actions that make a principal which policies can be attached to.
const MAKES: [&str; 2] = ["iam:CreateRole", "iam:CreateUser"];

/// When roles and users were last made, by ARN, in seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Created(BTreeMap<ResourceArn, i64>);

impl Created {
    /// Notes what calls made, if they did. One that failed (the name is taken) was authorised too, and made nothing.
    pub(crate) fn learn(&mut self, meaning: &Meaning, times: &Times) {
        let Some((_, last)) = times.seen.filter(|_| succeeded(meaning)) else {
            return;
        };
        for need in &meaning.needs {
            if MAKES.contains(&need.action.as_str()) && need.told {
                let made = need.resources.iter().cloned();
                made.for_each(|arn| self.add(arn, last));
            }
        }
    }

    /// Notes that `arn` was made at `time`.
    pub fn add(&mut self, arn: ResourceArn, time: i64) {
        let known = self.0.entry(arn).or_insert(time);
        *known = time.max(*known);
        while self.0.len() > MAX {
            self.0.pop_last();
        }
    }

    /// Adds what `other` knows. Commutative and associative.
    pub fn absorb(&mut self, other: Self) {
        for (arn, time) in other.0 {
            self.add(arn, time);
        }
    }

    /// What was made and when, by ARN.
    pub fn iter(&self) -> impl Iterator<Item = (&ResourceArn, i64)> {
        self.0.iter().map(|(arn, time)| (arn, *time))
    }

    /// When `principal` was last made, if the trail shows it.
    #[must_use]
    pub fn of(&self, principal: &Principal) -> Option<i64> {
        use PrincipalKind::{PermissionSet, Role, User};
        let arn = ResourceArn::from_pattern(escape(&principal.arn));
        let made = matches!(principal.kind, Role | PermissionSet | User);
        self.0.get(&arn).filter(|_| made).copied()
    }
}

/// Whether the calls ended without an error: a used one's reason is its error code.
fn succeeded(meaning: &Meaning) -> bool {
    meaning.outcome == Outcome::Used && meaning.reason.is_empty()
}

#[cfg(test)]
mod tests {
    use super::Created;
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;
    use crate::iam::principal::{Principal, PrincipalKind};
    use crate::usage::context::ContextKeys;
    use crate::usage::resolve::{Basis, Meaning, Need, Outcome};
    use crate::usage::times::Times;

    const ARN: &str = "arn:aws:iam::111122223333:role/ci/deploy";

    fn call(action: &'static str, outcome: Outcome, reason: &'static str) -> Meaning {
        Meaning {
            outcome,
            reason: reason.into(),
            needs: [Need {
                action: Action::known(action),
                resources: [ResourceArn::from_pattern(ARN)].into(),
                basis: Basis::Event,
                context: ContextKeys::default(),
                told: true,
            }]
            .into(),
            loaded: None,
            message: None,
            notes: Vec::new(),
        }
    }

    #[test]
    fn only_a_call_that_succeeded_made_anything_and_the_last_one_counts() {
        let role = Principal {
            account: "111122223333".into(),
            kind: PrincipalKind::Role,
            name: "deploy".into(),
            arn: ARN.into(),
        };
        let (mut one, mut two) = (Created::default(), Created::default());
        let made = call("iam:CreateRole", Outcome::Used, "");
        one.learn(&made, &Times::once(Some(5), None));
        two.learn(&made, &Times::once(Some(7), None));
        two.learn(&made, &Times::once(None, None));
        for (other, at) in [
            (
                call(
                    "iam:CreateRole",
                    Outcome::Used,
                    "EntityAlreadyExistsException",
                ),
                9,
            ),
            (call("iam:CreateRole", Outcome::Denied, ""), 10),
            (call("iam:UpdateRole", Outcome::Used, ""), 11),
        ] {
            one.learn(&other, &Times::once(Some(at), None));
        }
        assert_eq!(one.of(&role), Some(5));
        let mut other_way = two.clone();
        other_way.absorb(one.clone());
        one.absorb(two);
        assert_eq!(one, other_way);
        assert_eq!(one.of(&role), Some(7));
        let group = Principal {
            kind: PrincipalKind::Unknown,
            ..role
        };
        assert_eq!(one.of(&group), None);
    }
}
