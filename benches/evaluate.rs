//! How long one decision takes: `cargo bench --bench evaluate`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot go on has failed"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use trailfit::verify::authorize::{Policies, authorize};
use trailfit::verify::context::{Context, Key};
use trailfit::verify::evaluate::{Attached, Request, evaluate};
use trailfit::verify::policy::{Policy, parse};

const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/ci/build";

/// Twenty statements: four actions and two resources each, every fourth with two conditions.
fn ordinary() -> Policy {
    let services = [
        "s3", "sqs", "sns", "ec2", "dynamodb", "lambda", "logs", "kms", "ecr", "ssm",
    ];
    let statements: Vec<String> = (0..20)
        .map(|n| {
            let service = services[n % services.len()];
            let condition = if n % 4 == 0 {
                r#", "Condition": {"StringEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-west-2"]},
                    "Bool": {"aws:SecureTransport": "true"}}"#
            } else {
                ""
            };
            format!(
                r#"{{"Sid": "S{n}", "Effect": "Allow",
                    "Action": ["{service}:Get*", "{service}:List*", "{service}:Describe*", "{service}:Put{n}Thing"],
                    "Resource": ["arn:aws:{service}:eu-west-1:111122223333:thing{n}/*",
                        "arn:aws:{service}:*:*:other{n}/${{aws:PrincipalTag/team}}/*"]{condition}}}"#
            )
        })
        .collect();
    one(&statements.join(", "))
}

fn one(statements: &str) -> Policy {
    let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
    parse(&text).unwrap().remove(0)
}

fn attach(policy: &Policy) -> [Attached<'_>; 1] {
    [Attached {
        principal: None,
        name: "policy",
        policy,
    }]
}

/// The shortest of many rounds, for one call of `work`.
fn measure(name: &str, mut work: impl FnMut()) {
    const CALLS: u32 = 500;
    let round = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..CALLS).for_each(|_| work());
        start.elapsed() / CALLS
    };
    let best = (0..400).map(|_| round(&mut work)).min();
    println!("{name}: {:?}", best.unwrap_or(Duration::ZERO));
}

fn main() {
    let identity = ordinary();
    let all = one(r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#);
    let guard = one(r#"{"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "NotAction": ["iam:*", "sts:*", "cloudfront:*"], "Resource": "*",
                "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}}}"#);
    let own = one(
        r#"{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "ssm:*", "Resource": "*"}"#,
    );
    let known = |value: &str| Key::Known(vec![value.to_owned()]);
    let context = Context::complete()
        .with("aws:RequestedRegion", known("eu-west-1"))
        .with("aws:SecureTransport", known("true"))
        .with("aws:PrincipalTag/team", known("blue"));
    let first = ("s3:GetObject", "arn:aws:s3:eu-west-1:111122223333:thing0/x");
    let last = ("ssm:GetParameter", "arn:aws:ssm:eu-west-1:1:other19/blue/x");
    let none = (
        "s3:DeleteObject",
        "arn:aws:s3:eu-west-1:111122223333:thing0/x",
    );
    let scps = [attach(&all).to_vec(), attach(&guard).to_vec()];
    measure("to make a request", || {
        black_box(Request::new(SESSION, first.0, first.1, &context));
    });
    for (what, (action, resource)) in [("first", first), ("last", last), ("none", none)] {
        measure(&format!("identity policy, {what} statement allows"), || {
            let request = Request::new(SESSION, action, resource, &context);
            black_box(evaluate(black_box(&request), &attach(&identity)));
        });
        measure(
            &format!("all types of policies, {what} statement allows"),
            || {
                let request = Request::new(SESSION, action, resource, &context);
                let policies = Policies {
                    identity: &attach(&identity),
                    boundary: &attach(&guard),
                    session: &attach(&all),
                    scps: &scps,
                    rcps: &[],
                    resource: &attach(&own),
                };
                black_box(authorize(black_box(&request), &policies));
            },
        );
    }
}
