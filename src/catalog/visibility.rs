//! How CloudTrail logs an action: what a trail can not show must not be taken for unused.

use crate::catalog::action::ActionFacts;
use crate::catalog::operation::same_text;
use crate::catalog::table::{Key, Table, columns};

/// By hand: CloudTrail's event types by action, with AWS's page that says so.
const VISIBILITY: Table = Table(include_str!("../../mappings/overrides/visibility.tsv"));

/// What a trail can show of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visibility {
    /// The event of the calls that need the action.
    pub logged: Logged,
    /// Whether calls through a VPC endpoint are network activity events as well, where a trail asks for them. `false`
    /// where this is not known.
    pub network_activity: bool,
    /// Where AWS says so; for [`Logged::Unknown`] what is missing.
    pub reason: &'static str,
}

/// The event of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logged {
    /// A management event, which every trail logs unless it is told not to.
    Management,
    /// A data event only, which a trail logs where an event selector asks for its resource type.
    Data {
        /// The values of `resources.type` that switch it on, comma-separated; each stands for other resources.
        resource_types: &'static str,
    },
    /// No event of its own: the action is checked beside another call, or CloudTrail does not see it.
    Never,
    /// No source says, so far as anyone has looked.
    Unknown,
}

impl ActionFacts {
    /// How CloudTrail logs the calls that need the action. The row with the most text before its `*` answers.
    #[must_use]
    pub fn visibility(self) -> Visibility {
        let rows = || {
            VISIBILITY
                .from(Key::Pair(self.prefix(), ""))
                .map(columns::<4>)
                .take_while(|[pattern, ..]| prefix(pattern).eq_ignore_ascii_case(self.prefix()))
                .filter(|[pattern, ..]| same_text(pattern, self.action))
        };
        let network_activity = rows().any(|[_, logged, ..]| logged == "network");
        let closest = rows()
            .filter(|[_, logged, ..]| *logged != "network")
            .max_by_key(|[pattern, ..]| (!pattern.contains('*'), pattern.len()));
        let unknown = |reason| (Logged::Unknown, reason);
        let (logged, reason) = match closest {
            // What is true of a service's calls is not said of an action that no call of its API is known to need.
            Some([pattern, "management", ..]) if pattern.contains('*') && !self.is_called() => {
                unknown("no operation of the service's API is known to need it")
            }
            Some([_, "management" | "management!", _, reason]) => (Logged::Management, reason),
            Some([_, "data", resource_types, reason]) => (Logged::Data { resource_types }, reason),
            Some([_, "never", _, reason]) => (Logged::Never, reason),
            Some([.., reason]) => unknown(reason),
            None => unknown("not looked up"),
        };
        Visibility {
            logged,
            network_activity,
            reason,
        }
    }
}

fn prefix(pattern: &str) -> &str {
    pattern.split_once(':').map_or("", |(prefix, _)| prefix)
}

#[cfg(test)]
mod tests {
    use super::{Logged, VISIBILITY, prefix};
    use crate::catalog::action::{all_of, find};
    use crate::catalog::operation::same_text;
    use crate::catalog::table::columns;

    #[test]
    fn actions_are_logged_as_aws_documents() {
        let data = |resource_types| Logged::Data { resource_types };
        for (action, logged) in [
            ("s3:GetObject", data("AWS::S3::Object,AWS::S3::AccessPoint")),
            (
                "s3:ListBucket",
                data("AWS::S3::Object,AWS::S3::AccessPoint"),
            ),
            ("s3:PutBucketPolicy", Logged::Management),
            ("s3:ReplicateObject", Logged::Never),
            ("lambda:InvokeFunction", data("AWS::Lambda::Function")),
            ("lambda:CreateFunction", Logged::Management),
            ("dynamodb:GetItem", data("AWS::DynamoDB::Table")),
            ("dynamodb:GetRecords", data("AWS::DynamoDB::Stream")),
            ("dynamodb:CreateTable", Logged::Management),
            ("sqs:ReceiveMessage", data("AWS::SQS::Queue")),
            ("sqs:GetQueueUrl", data("AWS::SQS::Queue")),
            // A zonal call that is no data event.
            ("s3:ListBucketMultipartUploads", Logged::Management),
            // Declared by its page, though no operation is known to need it.
            ("codecommit:GitPush", Logged::Management),
            // A retired service.
            ("opsworks:CreateStack", Logged::Management),
            ("cloudwatch:ListMetrics", data("AWS::CloudWatch::Metric")),
            ("iot:Publish", Logged::Never),
            ("events:PutEvents", Logged::Unknown),
            ("kms:Decrypt", Logged::Management),
            ("iam:PassRole", Logged::Never),
            ("iam:CreateRole", Logged::Management),
            ("sts:TagSession", Logged::Never),
            ("execute-api:Invoke", Logged::Never),
            ("bedrock:InvokeModel", Logged::Management),
            ("geo-maps:GetTile", data("AWS::GeoMaps::Provider")),
            // No call needs it.
            ("eks:AccessKubernetesApi", Logged::Unknown),
            ("mobiletargeting:SendMessages", Logged::Unknown),
            ("glue:UseGlueStudio", Logged::Unknown),
        ] {
            let found = find(action).unwrap().visibility();
            assert_eq!(found.logged, logged, "{action}");
            assert!(!found.reason.is_empty(), "{action}");
        }
        assert!(find("kms:Decrypt").unwrap().visibility().network_activity);
        assert!(
            !find("iam:CreateRole")
                .unwrap()
                .visibility()
                .network_activity
        );
    }

    #[test]
    fn every_row_is_complete_and_names_what_exists() {
        let event_types = include_str!("../../mappings/event_types.txt");
        for line in VISIBILITY.all() {
            let [pattern, logged, types, reason] = columns(line);
            let mut actions = all_of(prefix(pattern));
            assert!(
                actions.any(|facts| same_text(pattern, facts.action)),
                "{line}"
            );
            assert!(
                [
                    "management",
                    "management!",
                    "data",
                    "never",
                    "unknown",
                    "network"
                ]
                .contains(&logged),
                "{line}"
            );
            assert_eq!(logged == "data", !types.is_empty(), "{line}");
            for named in types.split(',').filter(|named| !named.is_empty()) {
                assert!(event_types.lines().any(|known| known == named), "{line}");
            }
            assert!(!reason.is_empty(), "{line}");
        }
    }
}
