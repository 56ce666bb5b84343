//! How long a comparison of two policies of 500 statements takes: `cargo bench --bench comparisons`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot go on has failed"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use trailfit::verify::compare::{Answer, Side, compare};
use trailfit::verify::evaluate::Attached;
use trailfit::verify::policy::{Policy, parse};

const STATEMENTS: usize = 500;

/// What there is to write statements of: actions of a service and how its ARNs go on.
const SERVICES: [(&str, [&str; 4], &str); 8] = [
    (
        "s3",
        ["GetObject", "PutObject", "List*", "Get*Tagging"],
        "::",
    ),
    (
        "sqs",
        ["SendMessage", "Get*", "ReceiveMessage", "List*"],
        "eu-west-1:111122223333:",
    ),
    (
        "sns",
        ["Publish", "List*", "Get*", "Subscribe"],
        "eu-west-1:111122223333:",
    ),
    (
        "dynamodb",
        ["GetItem", "PutItem", "Query", "Describe*"],
        "eu-west-1:111122223333:table/",
    ),
    (
        "lambda",
        ["InvokeFunction", "Get*", "List*", "UpdateFunction*"],
        "eu-west-1:111122223333:function:",
    ),
    (
        "ec2",
        ["StartInstances", "StopInstances", "Describe*", "*Tags"],
        "eu-west-1:111122223333:instance/",
    ),
    (
        "secretsmanager",
        ["GetSecretValue", "Describe*", "List*", "PutSecretValue"],
        "eu-west-1:111122223333:secret:",
    ),
    (
        "ssm",
        ["GetParameter*", "PutParameter", "Describe*", "List*"],
        "eu-west-1:111122223333:parameter/",
    ),
];

/// The statement at `index`: three actions on two families of names; every fourth under conditions, every tenth a denial.
fn statement(index: usize) -> String {
    let (service, actions, fields) = SERVICES[index % SERVICES.len()];
    let actions: Vec<String> = (0..3)
        .map(|n| format!(r#""{service}:{}""#, actions[(index / 8 + n) % 4]))
        .collect();
    let team = index / 8 % 21;
    let condition = match index % 12 {
        0 => {
            r#", "Condition": {"StringEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-west-2"]}, "Bool": {"aws:SecureTransport": "true"}}"#
        }
        4 => r#", "Condition": {"StringLike": {"aws:PrincipalTag/team": ["blue-*", "red"]}}"#,
        8 => {
            r#", "Condition": {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32"]}}"#
        }
        _ => "",
    };
    let effect = if index % 10 == 9 { "Deny" } else { "Allow" };
    format!(
        r#"{{"Effect": "{effect}", "Action": [{}], "Resource": ["arn:aws:{service}:{fields}team{team}-app{index}-*", "arn:aws:{service}:{fields}team{team}-*-{index}"]{condition}}}"#,
        actions.join(", ")
    )
}

fn document(statements: &[String]) -> Policy {
    let text = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#,
        statements.join(", ")
    );
    parse(&text).unwrap().remove(0)
}

fn attach(policy: &Policy) -> [Attached<'_>; 1] {
    [Attached {
        principal: None,
        name: "policy",
        policy,
    }]
}

/// The shortest of five rounds.
fn measure(name: &str, old: &Policy, new: &Policy) {
    let (old, new) = (attach(old), attach(new));
    let side = |identity| Side {
        identity,
        boundary: &[],
        scps: &[],
    };
    let round = || {
        let start = Instant::now();
        let comparison = black_box(compare(black_box(&side(&old)), black_box(&side(&new))));
        let answer = match comparison.answer {
            Answer::No => "no".to_owned(),
            Answer::Undecided => format!("undecided: {:?}", comparison.undecided.first()),
            Answer::Yes(witness) => format!("yes: {} on {}", witness.action, witness.resource),
        };
        (start.elapsed(), answer)
    };
    let best = (0..5).map(|_| round()).min();
    let (time, answer) = best.unwrap_or((Duration::ZERO, String::new()));
    println!("{name}: {time:?} ({answer})");
}

fn main() {
    let statements: Vec<String> = (0..STATEMENTS).map(statement).collect();
    let old = document(&statements);
    measure("the same", &old, &old);

    let mut backwards = statements.clone();
    backwards.reverse();
    measure("in another order", &old, &document(&backwards));

    // The last but one allows, the last denies.
    let widened = |from: &str, to: &str| {
        let mut changed = statements.clone();
        let place = STATEMENTS - 2;
        changed[place] = changed[place].replacen(from, to, 1);
        document(&changed)
    };
    measure("one resource wider", &old, &widened("-app498-", "-app"));
    measure(
        "one action more",
        &old,
        &widened(r#""Action": ["#, r#""Action": ["ssm:DeleteParameter", "#),
    );

    let narrower: Vec<String> = statements
        .iter()
        .map(|text| text.replace("-*", "-x*"))
        .collect();
    measure(
        "every resource narrower, denials too",
        &old,
        &document(&narrower),
    );

    let mut denied = statements.clone();
    denied[STATEMENTS - 1] =
        r#"{"Effect": "Deny", "NotAction": "s3:*", "Resource": "*", "Condition": {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}}"#.to_owned();
    measure(
        "a denial of all but one service in other Regions",
        &old,
        &document(&denied),
    );

    let whole = document(&[r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#.to_owned()]);
    measure("all of it against everything", &whole, &old);
    measure("everything against all of it", &old, &whole);
}
