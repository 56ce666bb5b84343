//! The catalog as the hot path asks it.

use std::hint::black_box;

use trailfit::catalog::action::{self, ActionFacts};
use trailfit::catalog::arn;
use trailfit::catalog::condition_key;
use trailfit::catalog::errors;
use trailfit::catalog::forwarding;
use trailfit::catalog::operation::{self, Operation};
use trailfit::catalog::resource;

fn read(facts: ActionFacts) {
    black_box((
        facts.level(),
        facts.permissions_management(),
        facts.tagging(),
    ));
    black_box(facts.visibility());
    for key in facts.condition_keys() {
        let known = condition_key::find(key).map(|key| (key.supported_by(facts), key.data_types()));
        black_box(known);
    }
    for (name, _) in facts.resource_types() {
        let Some(kind) = resource::find(facts.prefix(), name) else {
            continue;
        };
        black_box((kind.formats().count(), kind.sources("Account").count()));
        black_box(facts.untold(name));
    }
}

#[test]
fn lookups_do_not_allocate() {
    let calls = [
        ("s3.amazonaws.com", "CopyObject"),
        ("S3.AMAZONAWS.COM", "getobject"),
        ("lambda.amazonaws.com", "CreateFunction20150331"),
        ("apigateway.amazonaws.com", "CreateRestApi"),
        ("monitoring.amazonaws.com", "PutMetricData"),
        ("signin.amazonaws.com", "ConsoleLogin"),
        ("dynamodb.amazonaws.com", "ExecuteTransaction"),
        ("nowhere.amazonaws.com", "DoNothing"),
        ("", ""),
    ];
    let mut found = 0;
    let counted = allocation_counter::measure(|| {
        for (source, name) in calls {
            black_box(operation::pass_role(source, name));
            if let Operation::Needs(needs) = operation::find(source, name) {
                for need in needs.iter() {
                    found += 1;
                    read(need.action);
                }
            }
        }
        for prefix in ["ec2", "iam", "kms", "s3"] {
            action::all_of(prefix).for_each(read);
        }
        for code in [
            "AccessDenied",
            "Client.UnauthorizedOperation",
            "NoSuchThing",
        ] {
            black_box(errors::class(code));
        }
        for key in ["aws:RequestTag/team", "aws:CalledVia", "nope:a/b.c-d:e"] {
            black_box(condition_key::find(key));
        }
        black_box((arn::partition("cn-north-1"), arn::is_partition("aws-cn")));
        black_box(arn::formats("ec2").count());
        black_box(forwarding::find("dynamodb.amazonaws.com"));
        black_box(resource::ec2_type("vol-0123456789abcdef0"));
    });
    assert!(found > 12, "{found}");
    assert_eq!(counted.count_total, 0);
}
