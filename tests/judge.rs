//! What must hold of every decision and every comparison, over a universe small enough to ask about all of it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use serde_json::{Value, json};

use trailfit::iam::action::Action;
use trailfit::iam::arn::ResourceArn;
use trailfit::iam::condition::Condition;
use trailfit::iam::policy::{Effect, PolicyDocument, Statement};
use trailfit::verify::compare::{Answer, Comparison, Side, compare};
use trailfit::verify::context::{Context, Key};
use trailfit::verify::evaluate::{Attached, Decision, Request, evaluate};
use trailfit::verify::policy::{Policy, parse};

const PRINCIPAL: &str = "arn:aws:iam::111122223333:user/ann";

const ACTIONS: [&str; 4] = ["s3:GetObject", "s3:PutObject", "s3:Get", "sqs:GetObject"];

const RESOURCES: [&str; 8] = [
    "*",
    "arn:aws:s3:::",
    "arn:aws:s3:::a",
    "arn:aws:s3:::b",
    "arn:aws:s3:::ab",
    "arn:aws:s3:::a/b",
    "arn:aws:s3:r:1:a",
    "arn:x:s3:::b/a",
];

/// What a condition may ask. Keys of one value and those of several are kept apart, as AWS wants it.
const CONDITIONS: [(&str, &str, &[&str]); 18] = [
    ("StringEquals", "aws:username", &["a"]),
    ("StringEquals", "aws:username", &["a", "b"]),
    ("StringNotEquals", "aws:username", &["a"]),
    ("StringLike", "aws:username", &["?", "a*"]),
    ("StringNotLike", "aws:username", &["*b"]),
    ("StringEqualsIfExists", "aws:username", &["b"]),
    ("StringEqualsIgnoreCase", "aws:username", &["A"]),
    ("Null", "aws:username", &["true"]),
    ("Null", "aws:username", &["false"]),
    ("ForAllValues:StringEquals", "aws:TagKeys", &["a"]),
    ("ForAllValues:StringLike", "aws:TagKeys", &["a*", "c"]),
    ("ForAllValues:StringNotEquals", "aws:TagKeys", &["a"]),
    ("ForAnyValue:StringEquals", "aws:TagKeys", &["a", "c"]),
    ("ForAnyValue:StringNotEquals", "aws:TagKeys", &["a"]),
    ("Null", "aws:TagKeys", &["true"]),
    ("NumericLessThan", "aws:MultiFactorAuthAge", &["2"]),
    ("NumericGreaterThanEquals", "aws:MultiFactorAuthAge", &["2"]),
    ("NumericNotEquals", "aws:MultiFactorAuthAge", &["1", "3"]),
];

/// Each key's values that the universe knows.
const KEYS: [(&str, &[&[&str]]); 3] = [
    ("aws:username", &[&[], &["a"], &["b"], &["ab"]]),
    (
        "aws:TagKeys",
        &[&[], &["a"], &["b"], &["c", "a"], &["a", "b"]],
    ),
    ("aws:MultiFactorAuthAge", &[&[], &["1"], &["2"]]),
];

/// The condition keys of a request.
type Keys = BTreeMap<&'static str, &'static [&'static str]>;

/// All condition keys that a request of the universe may carry.
fn every_keys() -> Vec<Keys> {
    let mut out = vec![Keys::new()];
    for (key, choices) in KEYS {
        let each = out.iter().flat_map(|keys| {
            choices.iter().map(|&values| {
                let mut keys = keys.clone();
                keys.insert(key, values);
                keys
            })
        });
        out = each.collect();
    }
    out
}

fn context(keys: &Keys) -> Context {
    keys.iter()
        .fold(Context::complete(), |context, (key, values)| {
            let values = values.iter().map(|&value| value.to_owned()).collect();
            context.with(key, Key::Known(values))
        })
}

/// Calls `ask` with every request of the universe.
fn for_each_request(mut ask: impl FnMut(&Request<'_>)) {
    for keys in &every_keys() {
        let context = context(keys);
        for action in ACTIONS {
            for resource in RESOURCES {
                ask(&Request::new(PRINCIPAL, action, resource, &context));
            }
        }
    }
}

fn actions() -> impl Strategy<Value = Value> {
    let patterns: &[&str] = &[
        "*",
        "s3:*",
        "s3:Get*",
        "s3:GetObject",
        "S3:getobject",
        "s3:*Object",
        "s3:?utObject",
        "*:Get*",
        "s3:Get?*",
        "sqs:*",
    ];
    proptest::collection::vec(select(patterns), 1..3).prop_map(|list| json!(list))
}

/// No star here ends one of the first five fields of an ARN, which AWS describes in two ways.
fn resources(variables: bool) -> impl Strategy<Value = Value> {
    let patterns: &[&str] = &[
        "*",
        "arn:aws:s3:::*",
        "arn:aws:s3:::a",
        "arn:aws:s3:::a*",
        "arn:aws:s3:::*b",
        "arn:aws:s3:::?",
        "arn:aws:s3:::a/?",
        "arn:?:s3:::*",
        "arn:aws:s3:r:1:a",
        "arn:aws:s3",
        "arn:aws:s3:::${aws:username}",
        "arn:aws:s3:::${aws:username, 'b'}*",
    ];
    // A variable without a value under `NotResource` is not documented.
    let patterns = if variables { patterns } else { &patterns[..10] };
    proptest::collection::vec(select(patterns), 1..3).prop_map(|list| json!(list))
}

/// A statement that allows, denies, or either.
fn statement(effects: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let actions = (
        select(&["Action", "Action", "Action", "NotAction"][..]),
        actions(),
    );
    let resources = prop_oneof![
        3 => (Just("Resource"), resources(true)),
        1 => (Just("NotResource"), resources(false)),
    ];
    let conditions = prop_oneof![
        1 => Just(Vec::new()),
        1 => subsequence(CONDITIONS.to_vec(), 1..3),
    ];
    (select(effects), actions, resources, conditions).prop_map(
        |(effect, (action, actions), (resource, resources), conditions)| {
            let mut out = json!({"Effect": effect, (action): actions, (resource): resources});
            for (operator, key, values) in conditions {
                out["Condition"][operator][key] = json!(values);
            }
            out
        },
    )
}

const EITHER: &[&str] = &["Allow", "Allow", "Deny"];

fn statements() -> impl Strategy<Value = Vec<Value>> {
    proptest::collection::vec(statement(EITHER), 1..4)
}

fn document(statements: &[Value]) -> Policy {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    parse(&text).unwrap().remove(0)
}

fn attach(policy: &Policy) -> Attached<'_> {
    Attached {
        principal: None,
        name: "policy.json",
        policy,
    }
}

fn decide(request: &Request<'_>, policies: &[&Policy]) -> Decision {
    let attached: Vec<Attached<'_>> = policies.iter().map(|policy| attach(policy)).collect();
    evaluate(request, &attached).decision
}

/// Asserts that `may` every decision become what it is with `more` among `statements`.
fn one_more(
    statements: &[Value],
    more: Value,
    at: Index,
    may: impl Fn(&Decision, &Decision) -> bool,
) {
    let before = document(statements);
    let mut longer = statements.to_vec();
    longer.insert(at.index(statements.len() + 1), more);
    let after = document(&longer);
    for_each_request(|request| {
        let (was, is) = (decide(request, &[&before]), decide(request, &[&after]));
        assert!(may(&was, &is), "{request:?}: {was:?}, then {is:?}");
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// An `Allow` more: what was allowed stays so, and nothing is denied that was not.
    #[test]
    fn another_allow_takes_nothing_away(
        statements in statements(),
        more in statement(&["Allow"]),
        at in any::<Index>(),
    ) {
        one_more(&statements, more, at, |was, is| {
            is == was || *is == Decision::Allowed && *was == Decision::ImplicitlyDenied
        });
    }

    /// A `Deny` more: whatever it changes it denies.
    #[test]
    fn another_deny_gives_nothing(
        statements in statements(),
        more in statement(&["Deny"]),
        at in any::<Index>(),
    ) {
        one_more(&statements, more, at, |was, is| is == was || *is == Decision::ExplicitlyDenied);
    }

    /// Neither the order of statements nor how they are spread over documents means anything.
    #[test]
    fn statements_are_a_set(statements in statements(), more in statements()) {
        let mut backwards: Vec<Value> = statements.iter().chain(&more).cloned().collect();
        backwards.reverse();
        let (first, second) = (document(&statements), document(&more));
        let whole = document(&backwards);
        for_each_request(|request| {
            assert_eq!(decide(request, &[&first, &second]), decide(request, &[&whole]), "{request:?}");
        });
    }

    /// What is written of a document is read as what it says.
    #[test]
    fn printing_and_reading_keep_the_meaning(written in proptest::collection::vec(written(), 1..4)) {
        let statements: Vec<Statement> = written
            .into_iter()
            .enumerate()
            .map(|(index, statement)| Statement { sid: format!("S{index}"), ..statement })
            .collect();
        let printed = PolicyDocument { statements: statements.clone() }.to_json();
        let read = parse(&printed).unwrap().remove(0);
        for keys in &every_keys() {
            let context = context(keys);
            for action in ACTIONS {
                for resource in RESOURCES {
                    let request = Request::new(PRINCIPAL, action, resource, &context);
                    let said = decide(&request, &[&read]);
                    let meant = meant(&statements, action, resource, keys);
                    assert_eq!(said, meant, "{action} {resource} {keys:?}\n{printed}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Nothing allows more than itself, in whatever order.
    #[test]
    fn a_policy_allows_nothing_new_against_itself(statements in statements(), limit in statements()) {
        let (policy, limit) = (document(&statements), document(&limit));
        let mut backwards = statements.clone();
        backwards.reverse();
        let reversed = document(&backwards);
        compared((&[&policy], Some(&limit)), (&[&reversed, &policy], Some(&limit)), |comparison| {
            assert_eq!(comparison.answer, Answer::No, "{:?}", comparison.undecided);
        });
    }

    /// One statement fewer that allows, or one more that denies, allows nothing new.
    #[test]
    fn less_allows_nothing_new(statements in statements(), allow in statement(&["Allow"]), deny in statement(&["Deny"])) {
        let mut more = statements.clone();
        more.push(allow);
        let mut less = statements;
        less.push(deny);
        let (more, less) = (document(&more), document(&less));
        compared((&[&more], None), (&[&less], None), |comparison| {
            assert_eq!(comparison.answer, Answer::No, "{:?}", comparison.undecided);
        });
    }

    /// A comparison knows of every request of the universe, and its witness is one.
    #[test]
    fn comparing_is_asking_about_every_request(
        common in proptest::collection::vec(statement(EITHER), 1..3),
        old in proptest::collection::vec(statement(EITHER), 0..3),
        new in proptest::collection::vec(statement(EITHER), 0..3),
        limits in (proptest::option::weighted(0.3, statements()), proptest::option::weighted(0.3, statements())),
    ) {
        let variables = format!("{common:?}{old:?}{new:?}{limits:?}").contains("${");
        let both = |own: &[Value]| document(&[&common[..], own].concat());
        let (old, new) = (both(&old), both(&new));
        let limits = (limits.0.map(|l| document(&l)), limits.1.map(|l| document(&l)));
        let (old_limit, new_limit) = (limits.0.as_ref(), limits.1.as_ref());
        let allows = |request: &Request<'_>, policy: &Policy, limit: Option<&Policy>| {
            let yes = |policy| decide(request, &[policy]) == Decision::Allowed;
            yes(policy) && limit.is_none_or(yes)
        };
        let is_new = |request: &Request<'_>| {
            allows(request, &new, new_limit) && !allows(request, &old, old_limit)
        };
        let mut found = None;
        for_each_request(|request| {
            if found.is_none() && is_new(request) {
                found = Some(format!("{request:?}"));
            }
        });
        compared((&[&old], old_limit), (&[&new], new_limit), |comparison| match &comparison.answer {
            Answer::No => assert_eq!(found, None),
            Answer::Yes(witness) => {
                let keys = witness.context.iter();
                let context = keys.fold(Context::complete(), |context, (key, values)| {
                    context.with(key, Key::Known(values.clone()))
                });
                let request = Request::new(PRINCIPAL, &witness.action, &witness.resource, &context);
                assert!(is_new(&request), "{witness:?}");
            }
            // What a variable has to stand for may not be found.
            Answer::Undecided => assert!(variables, "{:?}", comparison.undecided),
        });
    }
}

/// The policies of one side: identity policies, and perhaps a permissions boundary.
type Given<'p> = (&'p [&'p Policy], Option<&'p Policy>);

/// What the comparison of two sides says.
fn compared<'p>(old: Given<'p>, new: Given<'p>, check: impl FnOnce(&Comparison<'_>)) {
    let attach = |(identity, limit): Given<'p>| {
        let identity: Vec<Attached<'p>> = identity.iter().map(|policy| attach(policy)).collect();
        let limit: Vec<Attached<'p>> = limit.into_iter().map(attach).collect();
        (identity, limit)
    };
    let (old, new) = (attach(old), attach(new));
    let side = |(identity, boundary)| Side {
        identity,
        boundary,
        scps: &[],
    };
    check(&compare(&side((&old.0, &old.1)), &side((&new.0, &new.1))));
}

/// The decision of `statements`, which have no more to them than those of [`written`].
fn meant(statements: &[Statement], action: &str, resource: &str, keys: &Keys) -> Decision {
    let applies = |statement: &&Statement| {
        statement.actions.iter().any(|one| one.as_str() == action)
            && statement
                .resources
                .iter()
                .any(|one| names(one.as_str(), resource))
            && statement
                .conditions
                .iter()
                .all(|one| holds(one, keys[&*one.key]))
    };
    let effects: Vec<Effect> = statements
        .iter()
        .filter(applies)
        .map(|s| s.effect)
        .collect();
    if effects.contains(&Effect::Deny) {
        Decision::ExplicitlyDenied
    } else if effects.contains(&Effect::Allow) {
        Decision::Allowed
    } else {
        Decision::ImplicitlyDenied
    }
}

/// Whether a resource of a policy names `resource`, field by field.
fn names(pattern: &str, resource: &str) -> bool {
    if pattern == "*" || resource == "*" {
        return pattern == "*";
    }
    let (wanted, fields) = (pattern.splitn(6, ':'), resource.splitn(6, ':'));
    // `${*}` is a star that no resource of the universe has.
    !pattern.contains("${*}")
        && wanted
            .zip(fields)
            .all(|(wanted, field)| like(wanted, field))
}

fn like(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => (0..=text.len()).any(|at| like(&pattern[1..], &text[at..])),
        Some(c) => {
            text.chars().next().is_some_and(|own| c == '?' || c == own)
                && like(&pattern[1..], &text[1..])
        }
    }
}

fn holds(condition: &Condition, values: &[&str]) -> bool {
    let Some(value) = values.first() else {
        return condition.operator.ends_with("IfExists");
    };
    condition
        .values
        .iter()
        .any(|wanted| match condition.operator {
            "StringLike" => like(wanted, value),
            _ => wanted == value,
        })
}

/// A statement as `generate` makes them: whole actions, patterns of resources, conditions.
fn written() -> impl Strategy<Value = Statement> {
    let resources: &[&str] = &[
        "*",
        "arn:aws:s3:::a",
        "arn:aws:s3:::a*",
        "arn:aws:s3:::?",
        "arn:aws:s3:*:*:*b",
        "arn:?:s3:::*",
        "arn:aws:s3:::${*}",
    ];
    let conditions = prop_oneof![
        2 => Just(Vec::new()),
        1 => subsequence(vec![
            ("StringEquals", "aws:username", vec!["a", "b"]),
            ("StringEqualsIfExists", "aws:username", vec!["b"]),
            ("StringLike", "aws:username", vec!["a*"]),
        ], 1..3),
    ];
    (
        select(&[Effect::Allow, Effect::Allow, Effect::Deny][..]),
        subsequence(ACTIONS.to_vec(), 1..3),
        subsequence(resources.to_vec(), 1..3),
        conditions,
    )
        .prop_map(|(effect, actions, resources, conditions)| Statement {
            sid: String::new(),
            effect,
            actions: actions.into_iter().map(Action::known).collect(),
            resources: resources
                .into_iter()
                .map(ResourceArn::from_pattern)
                .collect(),
            conditions: conditions
                .into_iter()
                .map(|(operator, key, values)| Condition {
                    operator,
                    key: key.into(),
                    values: values.into_iter().map(str::to_owned).collect(),
                })
                .collect(),
        })
}
