//! What belongs to the life of what an action makes: reading it back, changing, tagging and destroying it.

use crate::catalog::action::{self, ActionFacts};
use crate::catalog::table::{Key, Table, columns};

/// Written by `mappings/generate.py` from the handlers of CloudFormation's public resource types, as packaged by Cloud
/// Custodian, from the names of actions and from `overrides/lifecycle.tsv`.
const LIVES: Table = Table(include_str!("../../mappings/generated/lifecycle.tsv"));

/// What an action does in a life. The order is that in which a reviewer wants to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Destroys it, or takes a part of it away.
    Destroy,
    /// As `Destroy`, and IAM knows no resources of the action: it is allowed on everything or not at all.
    DestroyAnything,
    /// Reads what has to be known before it is destroyed.
    Look,
    /// Changes it.
    Update,
    /// Adds or takes away its tags.
    Tag,
    /// Reads it back: its properties, not the data in it.
    ReadBack,
}

impl Step {
    /// Whether it only reads.
    #[must_use]
    pub fn reads(self) -> bool {
        matches!(self, Self::Look | Self::ReadBack)
    }
}

/// The life of what one action makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// The type of what it makes, or, where it makes a part or a setting (a route, an attached policy), of what that
    /// belongs to; `None` where the actions take no resources.
    pub resource_type: Option<&'static str>,
    prefix: &'static str,
    steps: &'static str,
}

impl Life {
    /// The actions of the life, each once, but the one that begins it.
    pub fn steps(self) -> impl Iterator<Item = (Step, ActionFacts)> {
        self.steps.split(' ').filter_map(move |text| {
            let (letter, name) = text.split_once(':')?;
            Some((step(letter)?, action::find_in(self.prefix, name)?))
        })
    }
}

fn step(letter: &str) -> Option<Step> {
    Some(match letter {
        "d" => Step::Destroy,
        "e" => Step::DestroyAnything,
        "l" => Step::Look,
        "r" => Step::ReadBack,
        "t" => Step::Tag,
        "u" => Step::Update,
        _ => return None,
    })
}

/// The lives that `action` (`sqs:CreateQueue`, in any letter case) begins, one for each type that it makes; none where it
/// makes nothing, or nothing whose end is known.
pub fn begun_by(action: &str) -> impl Iterator<Item = Life> {
    LIVES.rows(Key::Whole(action)).map(|line| {
        let [creator, resource_type, steps] = columns(line);
        Life {
            resource_type: (!resource_type.is_empty()).then_some(resource_type),
            prefix: creator.split_once(':').map_or("", |(prefix, _)| prefix),
            steps,
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{LIVES, Life, Step, begun_by};
    use crate::catalog::action::{self, AccessLevel};
    use crate::catalog::resource;
    use crate::catalog::table::{Key, columns};
    use crate::catalog::visibility::Logged;

    /// The names of the one life that an action begins, by step.
    fn life(action: &str) -> BTreeMap<Step, Vec<&'static str>> {
        let lives: Vec<Life> = begun_by(action).collect();
        assert_eq!(lives.len(), 1, "{action}");
        let mut found: BTreeMap<Step, Vec<&str>> = BTreeMap::new();
        for (step, facts) in lives[0].steps() {
            let name = facts.action.split_once(':').unwrap().1;
            found.entry(step).or_default().push(name);
        }
        found
    }

    #[test]
    fn a_queue_lives_as_aws_documents() {
        // Amazon SQS API Reference; Service Authorization Reference, Amazon SQS: SetQueueAttributes manages permissions.
        assert_eq!(
            life("SQS:createqueue"),
            BTreeMap::from([
                (Step::Destroy, vec!["DeleteQueue"]),
                (Step::Look, vec!["GetQueueAttributes"]),
                (Step::Tag, vec!["TagQueue", "UntagQueue"]),
                (
                    Step::ReadBack,
                    vec!["GetQueueUrl", "ListQueueTags", "ListQueues"]
                ),
            ])
        );
    }

    #[test]
    fn lives_end_as_aws_documents() {
        for (action, ends) in [
            ("ec2:RunInstances", &["TerminateInstances"][..]),
            (
                "ec2:AuthorizeSecurityGroupIngress",
                &["RevokeSecurityGroupIngress"],
            ),
            ("iam:CreateRole", &["DeleteRole"]),
            ("iam:AttachRolePolicy", &["DetachRolePolicy"]),
            ("iam:PutRolePolicy", &["DeleteRolePolicy"]),
            (
                "iam:AddRoleToInstanceProfile",
                &["RemoveRoleFromInstanceProfile"],
            ),
            ("kms:CreateKey", &["ScheduleKeyDeletion"]),
            ("lambda:CreateFunction", &["DeleteFunction"]),
            ("lambda:AddPermission", &["RemovePermission"]),
            ("logs:CreateLogGroup", &["DeleteLogGroup"]),
            ("s3:CreateBucket", &["DeleteBucket"]),
            ("s3:PutBucketPolicy", &["DeleteBucketPolicy"]),
            ("sns:Subscribe", &["Unsubscribe"]),
        ] {
            assert_eq!(life(action)[&Step::Destroy], ends, "{action}");
        }
        assert_eq!(
            life("ecs:RegisterTaskDefinition")[&Step::DestroyAnything],
            ["DeregisterTaskDefinition"]
        );
    }

    #[test]
    fn what_makes_nothing_or_data_begins_no_life() {
        for action in [
            "",
            "s3:GetObject",
            "s3:PutObject",
            "dynamodb:PutItem",
            "sqs:SendMessage",
            "logs:PutLogEvents",
            "logs:CreateLogStream",
            "lambda:InvokeFunction",
            "iam:PassRole",
            "iam:PutRolePermissionsBoundary",
            "sts:AssumeRole",
            "nope:CreateThing",
        ] {
            assert_eq!(begun_by(action).count(), 0, "{action}");
        }
    }

    #[test]
    fn every_life_is_of_one_type_and_of_actions_that_take_it() {
        let mut lives = 0;
        for line in LIVES.all() {
            let [creator, kind, steps] = columns(line);
            lives += 1;
            assert!(action::find(creator).is_some(), "{line}");
            let listed = begun_by(creator).find(|life| life.resource_type.unwrap_or("") == kind);
            let listed: Vec<_> = listed.unwrap().steps().collect();
            assert_eq!(listed.len(), steps.split(' ').count(), "{line}");
            let ends = |(step, _): &(Step, _)| *step <= Step::DestroyAnything;
            assert!(listed.iter().any(ends), "{line}");
            for (step, facts) in listed {
                assert_ne!(facts.action, creator, "{line}");
                let types: Vec<&str> = facts.resource_types().map(|(name, _)| name).collect();
                let bare = matches!(step, Step::ReadBack | Step::Look | Step::DestroyAnything)
                    || kind.is_empty();
                assert!(
                    types.contains(&kind) || types.is_empty() && bare,
                    "{line}: {}",
                    facts.action
                );
                let prefix = creator.split_once(':').unwrap().0;
                assert!(
                    kind.is_empty() || resource::find(prefix, kind).is_some(),
                    "{line}"
                );
            }
        }
        assert!(lives > 2_000);
    }

    #[test]
    fn no_step_grants_uses_data_or_reads_secrets() {
        for line in LIVES.all() {
            for (step, facts) in begun_by(columns::<1>(line)[0]).flat_map(Life::steps) {
                let name = facts.action;
                match step {
                    // To lift a permissions boundary grants.
                    Step::Destroy | Step::DestroyAnything => {
                        assert!(!name.ends_with("PermissionsBoundary"), "{name}");
                    }
                    Step::Update => assert!(!facts.permissions_management(), "{name}"),
                    Step::Tag => assert!(facts.tagging(), "{name}"),
                    Step::ReadBack | Step::Look => {
                        let reads = [AccessLevel::List, AccessLevel::Read];
                        assert!(reads.contains(&facts.level()), "{name}");
                    }
                }
                let data = matches!(facts.visibility().logged, Logged::Data { .. });
                let reads = matches!(step, Step::ReadBack | Step::Look);
                assert!(!data || reads, "{name}");
                assert!(!["iam:PassRole", "kms:Decrypt"].contains(&name), "{name}");
            }
        }
        for secret in ["secretsmanager:GetSecretValue", "ssm:GetParameter"] {
            let name = secret.split_once(':').unwrap().1;
            let has = |line: &str| line.split([' ', '\t']).any(|s| s == format!("r:{name}"));
            let prefix = Key::Pair(secret.split_once(':').unwrap().0, "");
            assert!(!LIVES.from(prefix).take(200).any(has), "{secret}");
        }
    }
}
