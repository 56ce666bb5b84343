//! Random policies of all types around one request: boundary, session policy, SCPs, RCPs and a resource policy, within
//! an account and across accounts.

use serde_json::{Map, Value, json};

use crate::pairs::{ACTIONS, Random, context, policy, statement};
use crate::{Expected, Question, trailfit};

const USER: &str = "arn:aws:iam::111122223333:user/team/ann";
const ROLE: &str = "arn:aws:iam::111122223333:role/team/ci";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/ci/build";
const FEDERATED: &str = "arn:aws:sts::111122223333:federated-user/ben";
const SERVICE: &str = "events.amazonaws.com";
const OWN: &str = "111122223333";
const OTHER: &str = "444455556666";

/// `count` requests, each among policies of several types.
pub(crate) fn questions(seed: u64, count: usize) -> Vec<Question> {
    let mut random = Random(seed ^ 0x5eed);
    (0..count)
        .map(|index| {
            let line = line(&mut random);
            Question {
                source: format!("seed {seed}, layers {index}"),
                expected: Expected::Exactly(trailfit(&line)),
                line,
            }
        })
        .collect()
}

fn line(random: &mut Random) -> Value {
    let (action, resources) = random.pick(ACTIONS);
    let owner = if random.chance(65) { OWN } else { OTHER };
    let resource = random.pick(resources).replace(OWN, owner);
    // What belongs to no account is asked about in one's own.
    let owner = if resource == "*" { OWN } else { owner };
    let principal = random.pick(&[USER, ROLE, SESSION, SESSION, FEDERATED, SERVICE]);
    let mut context = context(random);
    context["aws:ResourceAccount"] = json!([owner]);
    let limit = |random: &mut Random, percent| {
        random
            .chance(percent)
            .then(|| generous(random, action, &resource))
    };
    let mut out = json!({
        "policies": [policy(random, action, &resource)],
        "request": {"principal": principal, "action": action, "resource": resource, "context": context},
    });
    let entity = principal != SERVICE;
    if entity && let Some(boundary) = limit(random, 40) {
        out["boundary"] = boundary;
    }
    if (principal == SESSION || principal == FEDERATED)
        && let Some(session) = limit(random, 40)
    {
        out["session"] = session;
    }
    if random.chance(35) {
        let levels = 1 + random.below(2);
        let levels: Vec<Value> = (0..levels)
            .map(|_| json!([complete(generous(random, action, &resource))]))
            .collect();
        out["scps"] = levels.into();
    }
    if random.chance(15) {
        // Neither `NotAction` nor `*` alone is accepted in an RCP.
        let mut deny = statement(random, action, &resource);
        let fields = deny.as_object_mut().unwrap();
        fields.remove("NotAction");
        let (service, _) = action.split_once(':').unwrap();
        let actions = random.pick(&[action, &format!("{service}:*")]).to_owned();
        fields.insert("Action".into(), json!(actions));
        fields.insert("Effect".into(), "Deny".into());
        fields.insert("Principal".into(), "*".into());
        let policy = json!({"Version": "2012-10-17", "Statement": [deny]});
        out["rcps"] = json!([complete(policy)]);
    }
    if random.chance(70) {
        out["resource"] = complete(resource_policy(random, principal, action, &resource));
    }
    out
}

/// `policy` without short ARNs, of which the judges differ outside identity policies.
fn complete(mut policy: Value) -> Value {
    for statement in policy["Statement"].as_array_mut().unwrap() {
        for element in ["Resource", "NotResource"] {
            let Some(list) = statement.get_mut(element).and_then(Value::as_array_mut) else {
                continue;
            };
            for arn in list {
                if arn.as_str().unwrap().split(':').count() < 6 {
                    *arn = "*".into();
                }
            }
        }
    }
    policy
}

/// A policy that allows everything, or one like any other.
fn generous(random: &mut Random, action: &str, resource: &str) -> Value {
    if random.chance(50) {
        return policy(random, action, resource);
    }
    let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    json!({"Version": "2012-10-17", "Statement": [all]})
}

fn resource_policy(random: &mut Random, principal: &str, action: &str, resource: &str) -> Value {
    let statements: Vec<Value> = (0..1 + random.below(2))
        .map(|_| {
            let mut out = statement(random, action, resource);
            let (element, value) = principals(random, principal, out["Effect"] == "Deny");
            out[element] = value;
            out
        })
        .collect();
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// A `Principal` with a good chance to name `principal`; or a `NotPrincipal` that names it, or somebody else, in full.
fn principals(random: &mut Random, principal: &str, deny: bool) -> (&'static str, Value) {
    if deny && random.chance(25) {
        let full = match principal {
            _ if random.chance(50) => json!([format!("arn:aws:iam::{OTHER}:user/bob"), OTHER]),
            SERVICE => return ("NotPrincipal", json!({"Service": SERVICE})),
            SESSION => json!([SESSION, ROLE, format!("arn:aws:iam::{OWN}:root")]),
            other => json!([other, OWN]),
        };
        return ("NotPrincipal", json!({ "AWS": full }));
    }
    if principal == SERVICE {
        let service = random.pick(&[SERVICE, SERVICE, "s3.amazonaws.com"]);
        return ("Principal", json!({ "Service": service }));
    }
    let mut aws = Vec::new();
    for _ in 0..1 + random.below(2) {
        aws.push(match random.below(9) {
            0..=2 => principal.to_owned(),
            3 if principal == SESSION => ROLE.to_owned(),
            4 if principal == SESSION => format!("arn:aws:iam::{OWN}:role/ci"),
            3 if principal == FEDERATED => format!("arn:aws:iam::{OWN}:user/ben"),
            5 => OWN.to_owned(),
            6 => format!("arn:aws:iam::{OWN}:root"),
            7 => random.pick(&[OTHER, USER, ROLE, SESSION]).to_owned(),
            _ => {
                return (
                    "Principal",
                    random.pick(&[&json!("*"), &json!({"AWS": "*"})]).clone(),
                );
            }
        });
    }
    let mut out = Map::new();
    out.insert("AWS".to_owned(), json!(aws));
    if random.chance(10) {
        out.insert("Service".to_owned(), json!(SERVICE));
    }
    ("Principal", out.into())
}
