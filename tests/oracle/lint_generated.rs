//! Random policies out of the whole catalog, from a seed; three in four have a defect.

use serde_json::{Map, Value, json};
use trailfit::catalog::action::{self, ActionFacts};
use trailfit::catalog::condition_key::{self, DataType};
use trailfit::catalog::resource;

use crate::lint::Policy;
use crate::pairs::Random;

/// Services that the other linters know as well.
const SERVICES: &[&str] = &[
    "s3",
    "ec2",
    "iam",
    "sqs",
    "sns",
    "dynamodb",
    "lambda",
    "logs",
    "kms",
    "secretsmanager",
    "ssm",
    "ecr",
    "ecs",
    "rds",
    "sts",
    "states",
    "cloudformation",
    "codebuild",
    "kinesis",
    "events",
];

/// `count` policies.
pub(crate) fn policies(seed: u64, count: usize) -> impl Iterator<Item = Policy> {
    let mut random = Random(seed ^ 0x6c69_6e74);
    (0..count).map(move |index| Policy {
        source: format!("seed {seed}, policy {index}"),
        text: document(&mut random).to_string(),
    })
}

fn document(random: &mut Random) -> Value {
    let mut statements: Vec<Value> = (0..1 + random.below(3))
        .map(|_| statement(random))
        .collect();
    let mut document = json!({"Version": "2012-10-17"});
    match random.below(20) {
        0 => drop(document.as_object_mut().unwrap().remove("Version")),
        1 => document["Version"] = "2012-10-07".into(),
        2 => document["Comment"] = "made up".into(),
        3..15 => {
            let spoilt = random.below(statements.len());
            spoil(random, &mut statements[spoilt]);
        }
        _ => {}
    }
    document["Statement"] = statements.into();
    document
}

fn statement(random: &mut Random) -> Value {
    let all: Vec<ActionFacts> = action::all_of(random.pick(SERVICES)).collect();
    let facts: Vec<ActionFacts> = (0..1 + random.below(2))
        .map(|_| random.pick(&all))
        .collect();
    let actions: Vec<&str> = facts.iter().map(|facts| facts.action).collect();
    let resources: Vec<String> = facts.iter().map(|facts| resource(random, *facts)).collect();
    let mut statement = json!({
        "Effect": random.pick(&["Allow", "Allow", "Deny"]),
        "Action": actions,
        "Resource": resources,
    });
    let keys: Vec<&str> = facts[0]
        .condition_keys()
        .chain(["aws:SourceIp", "aws:PrincipalTag/team"])
        .collect();
    if random.chance(50) {
        statement["Condition"] = condition(random.pick(&keys));
    }
    statement
}

/// A resource that the action takes.
fn resource(random: &mut Random, facts: ActionFacts) -> String {
    let types: Vec<_> = facts.resource_types().collect();
    if types.is_empty() {
        return "*".to_owned();
    }
    let (name, _) = random.pick(&types);
    let kind = resource::find(facts.prefix(), name).unwrap();
    let formats: Vec<&str> = kind.formats().collect();
    filled(random.pick(&formats))
}

/// With a text in the place of each variable.
fn filled(format: &str) -> String {
    let mut out = String::new();
    for (index, part) in format.split("${").enumerate() {
        let (variable, rest) = match index {
            0 => ("", part),
            _ => part.split_once('}').unwrap(),
        };
        out += match variable {
            "" => "",
            "Partition" => "aws",
            "Region" => "eu-central-1",
            "Account" => "111122223333",
            _ => "0a1b",
        };
        out += rest;
    }
    out
}

/// A condition that fits the key.
fn condition(key: &str) -> Value {
    let known = condition_key::find(key);
    let kind = known.and_then(|known| known.data_types().next());
    let (operator, value) = match kind.unwrap_or(DataType::String) {
        DataType::String => ("StringEquals", "blue"),
        DataType::Arn => ("ArnEquals", "arn:aws:sns:eu-central-1:111122223333:jobs"),
        DataType::Numeric => ("NumericLessThan", "7"),
        DataType::Date => ("DateLessThan", "2026-11-01T00:00:00Z"),
        DataType::Bool => ("Bool", "true"),
        DataType::IpAddress => ("IpAddress", "203.0.113.0/24"),
    };
    let operator = match known.is_some_and(|known| known.multivalued) {
        true => format!("ForAnyValue:{operator}"),
        false => operator.to_owned(),
    };
    json!({operator: {filled(key).replace("<key>", "team"): value}})
}

/// One defect.
fn spoil(random: &mut Random, statement: &mut Value) {
    let statement = statement.as_object_mut().unwrap();
    let element = random.pick(&["Effect", "Action", "Resource"]);
    match random.below(14) {
        0 => drop(statement.remove(element)),
        1 => drop(statement.insert("Effect".into(), "permit".into())),
        2 => drop(statement.insert("Sid".into(), "made-up".into())),
        3 => drop(statement.insert("Recource".into(), "*".into())),
        4 => drop(statement.insert("NotAction".into(), "sts:*".into())),
        5 => drop(statement.insert("Principal".into(), json!({"AWS": "111122223333"}))),
        6 => each(statement, "Action", |action| format!("{action}z")),
        7 => each(statement, "Action", |action| format!("x{action}")),
        8 => each(statement, "Resource", |arn| {
            arn.replacen("arn:aws:", "arn:aws-xx:", 1)
        }),
        9 => each(statement, "Resource", |arn| {
            arn.replacen("111122223333", "11112222333", 1)
        }),
        10 => each(statement, "Resource", |_| {
            "arn:aws:iotanalytics:eu-central-1:111122223333:dataset/d".to_owned()
        }),
        11 => drop(statement.insert(
            "Condition".into(),
            json!({"StringSame": {"aws:username": "ann"}}),
        )),
        12 => drop(statement.insert(
            "Condition".into(),
            json!({"StringEquals": {"aws:UserNames": "ann"}}),
        )),
        _ => drop(statement.insert(
            "Condition".into(),
            json!({"Bool": {"aws:SecureTransport": "yes"}}),
        )),
    }
}

fn each(statement: &mut Map<String, Value>, element: &str, change: impl Fn(&str) -> String) {
    for text in statement[element].as_array_mut().unwrap() {
        *text = change(text.as_str().unwrap()).into();
    }
}
