//! How small and how readable policies become, and what they fit: judged by the comparison of `verify`, which shares no code with
//! what writes them.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use proptest::prelude::{Just, ProptestConfig, Strategy, prop, prop_oneof, proptest};
use serde_json::{Value, json};
use trailfit::catalog::action::{self, AccessLevel};
use trailfit::generate::options::{ActionWildcards, Conditions, OneOff, Options, Resources};
use trailfit::generate::quota::{Quota, Target};
use trailfit::generate::{Plan, plan};
use trailfit::iam::action::Action;
use trailfit::iam::arn::ResourceArn;
use trailfit::iam::policy::PolicyDocument;
use trailfit::pipeline::{Progress, collect};
use trailfit::source::files;
use trailfit::source::layout::Scope;
use trailfit::usage::filter::Filter;
use trailfit::usage::ledger::{PrincipalUsage, Tally};
use trailfit::verify::compare::{Answer, Side, compare};
use trailfit::verify::evaluate::Attached;
use trailfit::verify::policy::{Policy, parse};

use crate::program::{Run, project};

const EXACT: Options = Options {
    resources: Resources::Exact,
    one_off: OneOff::Keep,
    lifecycle: false,
    conditions: Conditions::Passed,
    action_wildcards: ActionWildcards::Never,
    quota: None,
};

fn usage<'f>(facts: impl IntoIterator<Item = (&'f str, &'f str)>) -> PrincipalUsage {
    let mut usage = PrincipalUsage::default();
    for (action, resource) in facts {
        let resources = usage
            .facts
            .entry(Action::parse(action).unwrap())
            .or_default();
        let tally = Tally {
            used: 1,
            ..Tally::default()
        };
        resources.insert(ResourceArn::from_pattern(resource), Box::new(tally));
    }
    usage
}

fn facts(usage: &PrincipalUsage) -> Vec<(&str, &str)> {
    let used = usage.used();
    used.map(|(action, resource, _)| (action.as_str(), resource.as_str()))
        .collect()
}

/// One statement for each fact.
fn naive(usage: &PrincipalUsage) -> Vec<Policy> {
    let statement =
        |(action, resource)| json!({"Effect": "Allow", "Action": action, "Resource": resource});
    let statements: Vec<Value> = facts(usage).into_iter().map(statement).collect();
    parse(&json!({"Version": "2012-10-17", "Statement": statements}).to_string()).unwrap()
}

fn policies(plan: &Plan) -> Vec<Policy> {
    let documents = plan.documents.iter().map(PolicyDocument::to_json);
    documents.flat_map(|text| parse(&text).unwrap()).collect()
}

/// Whether `new` allows no more than `old`.
fn no_wider(old: &[Policy], new: &[Policy]) -> Result<(), String> {
    fn attached(policies: &[Policy]) -> Vec<Attached<'_>> {
        let attached = policies.iter().map(|policy| Attached {
            principal: None,
            name: "policy",
            policy,
        });
        attached.collect()
    }
    let (old, new) = (attached(old), attached(new));
    fn side<'p>(identity: &'p [Attached<'p>]) -> Side<'p> {
        Side {
            identity,
            ..Side::default()
        }
    }
    let found = compare(&side(&old), &side(&new));
    match found.answer {
        Answer::No => Ok(()),
        Answer::Yes(witness) => Err(format!("{witness:?}")),
        Answer::Undecided => Err(found.undecided.join("; ")),
    }
}

#[track_caller]
fn means_the_same(usage: &PrincipalUsage, plan: &Plan) {
    let (naive, written) = (naive(usage), policies(plan));
    assert_eq!(no_wider(&naive, &written), Ok(()), "the plan allows more");
    assert_eq!(no_wider(&written, &naive), Ok(()), "the plan allows less");
}

fn some_facts() -> impl Strategy<Value = BTreeSet<(&'static str, String)>> {
    let action = prop_oneof![
        Just("s3:GetObject"),
        Just("s3:GetObjectTagging"),
        Just("s3:GetObjectAcl"),
        Just("s3:PutObject"),
        Just("s3:DeleteObject"),
        Just("s3:PutObjectAcl"),
        Just("sqs:SendMessage"),
        Just("sqs:ReceiveMessage"),
        Just("sqs:DeleteMessage"),
    ];
    let resource = prop_oneof![
        8 => "[a-d]".prop_map(|name| format!("arn:aws:s3:::bucket-{name}/key")),
        1 => "[a-d]".prop_map(|name| format!("arn:aws:s3:::bucket-{name}/*")),
        4 => "[a-d]".prop_map(|name| format!("arn:aws:sqs:eu-west-1:111122223333:{name}")),
        1 => Just("*".to_owned()),
    ];
    prop::collection::btree_set((action, resource), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn minimised_statements_mean_what_the_facts_do(facts in some_facts()) {
        let usage = usage(facts.iter().map(|(action, resource)| (*action, resource.as_str())));
        means_the_same(&usage, &plan(&usage, &EXACT));
    }

    #[test]
    fn what_a_quota_forces_means_the_same_but_for_what_is_listed(
        facts in some_facts(),
        characters in 400_usize..2_000,
        documents in 1_usize..4,
    ) {
        let usage = usage(facts.iter().map(|(action, resource)| (*action, resource.as_str())));
        let quota = Quota { characters, documents, ..Target::Role.quota() };
        let never = plan(&usage, &Options { quota: Some(quota), ..EXACT });
        means_the_same(&usage, &never);
        let fit = Options {
            quota: Some(quota),
            action_wildcards: ActionWildcards::Fit,
            ..EXACT
        };
        let fitted = plan(&usage, &fit);
        assert_eq!(no_wider(&policies(&fitted), &naive(&usage)), Ok(()));
        for plan in [&never, &fitted] {
            assert!(plan.documents.iter().all(|document| document.size() <= characters));
            assert_eq!(plan.excess, plan.documents.len().saturating_sub(documents));
            assert_eq!(plan.notes.iter().any(|note| note.starts_with("does not fit")), plan.excess > 0);
        }
        assert!(fitted.excess <= never.excess);
        let always = Options { action_wildcards: ActionWildcards::Always, ..fit };
        assert!(plan(&usage, &always).excess <= fitted.excess);
        // With what is listed the facts are all that is allowed, today.
        let mut with: BTreeSet<(String, String)> = facts
            .iter()
            .map(|(action, resource)| ((*action).to_owned(), resource.clone()))
            .collect();
        for widening in &fitted.widened {
            assert_eq!(widening.rule, "action-wildcard");
            let more = widening.actions.iter();
            with.extend(more.map(|more| (more.to_string(), widening.resource.to_string())));
        }
        let all = self::usage(with.iter().map(|(action, resource)| (action.as_str(), resource.as_str())));
        if let Err(more) = no_wider(&naive(&all), &policies(&fitted)) {
            assert!(more.contains("future_action: true"), "{more}");
        }
    }
}

#[test]
fn no_statement_mixes_reading_with_writing_unless_a_quota_forces_it() {
    let (_, principals) = sample();
    let mut statements = 0;
    for usage in &principals {
        for statement in plan(usage, &Options::default())
            .documents
            .iter()
            .flat_map(|d| &d.statements)
        {
            let kind = |action: &Action| match action::find(action.as_str()).unwrap().level() {
                AccessLevel::List | AccessLevel::Read => "read",
                AccessLevel::Write | AccessLevel::Tagging => "write",
                AccessLevel::PermissionsManagement => "permissions",
            };
            let kinds: BTreeSet<_> = statement
                .actions
                .iter()
                .map(|a| (a.service(), kind(a)))
                .collect();
            assert_eq!(kinds.len(), 1, "{statement:?}");
            statements += 1;
        }
    }
    assert!(statements > 40);
}

#[test]
fn the_sample_months_exact_policies_mean_what_was_used() {
    let (names, principals) = sample();
    assert!(names.len() > 5);
    for usage in &principals {
        means_the_same(usage, &plan(usage, &EXACT));
    }
}

/// What the principals of the sample month used, without the conditions that it was used under.
fn sample() -> (Vec<String>, Vec<PrincipalUsage>) {
    let logs = project("samples/AWSLogs").to_str().unwrap().to_owned();
    let objects = files::list(&[logs], &Scope::default()).unwrap();
    let sum = collect(
        &objects,
        &Filter::default(),
        true,
        NonZeroUsize::MIN,
        &Progress::default(),
    );
    let found = sum.ledger.principals.iter();
    found
        .filter(|(_, found)| found.used().next().is_some())
        .map(|(principal, found)| (principal.arn.clone(), usage(facts(found))))
        .unzip()
}

#[test]
fn a_change_in_one_group_leaves_the_others_as_they_are() {
    let (_, principals) = sample();
    let all = plan(&principals[1], &EXACT);
    let mut more = principals[1].clone();
    let added = usage([("s3:PutObject", "arn:aws:s3:::another/key")]);
    more.facts
        .entry(Action::known("s3:PutObject"))
        .or_default()
        .extend(added.facts[&Action::known("s3:PutObject")].clone());
    let changed = plan(&more, &EXACT);
    let texts = |plan: &Plan| -> BTreeSet<String> {
        let statements = plan.documents.iter().flat_map(|d| &d.statements);
        statements
            .map(|s| serde_json::to_string(s).unwrap())
            .collect()
    };
    let (before, after) = (texts(&all), texts(&changed));
    let gone: Vec<_> = before.difference(&after).collect();
    assert!(!before.is_empty() && before.len() > 10);
    assert!(
        gone.iter().all(|text| text.contains("s3:PutObject")),
        "{gone:?}"
    );
}

/// A delivery of calls that describe what EC2 has, each of another kind, by one role.
fn describing(calls: usize) -> String {
    let names = action::all_of("ec2").filter(|facts| facts.is_called());
    let names = names.filter_map(|facts| facts.action.strip_prefix("ec2:"));
    let names = names.filter(|name| name.starts_with("Describe"));
    let records: Vec<Value> = names
        .take(calls)
        .enumerate()
        .map(|(number, name)| {
            json!({
                "eventVersion": "1.11",
                "userIdentity": {
                    "type": "AssumedRole",
                    "arn": "arn:aws:sts::111122223333:assumed-role/scanner/run",
                    "accountId": "111122223333",
                    "sessionContext": {"sessionIssuer": {
                        "type": "Role", "arn": "arn:aws:iam::111122223333:role/scanner",
                        "accountId": "111122223333", "userName": "scanner",
                    }},
                },
                "eventTime": "2026-09-01T10:00:00Z",
                "eventSource": "ec2.amazonaws.com",
                "eventName": name,
                "awsRegion": "eu-central-1",
                "requestParameters": {},
                "eventID": format!("e-{number}"),
                "eventType": "AwsApiCall",
                "recipientAccountId": "111122223333",
            })
        })
        .collect();
    assert_eq!(records.len(), calls);
    json!({ "Records": records }).to_string()
}

/// The one principal of the index of what the role of [`describing`] needs.
fn index(calls: usize, args: &str) -> Value {
    let said = Run::new()
        .file("log.json", describing(calls))
        .args(["generate", "log.json", "--out", "out", "--quiet"])
        .args(args.split_whitespace())
        .code(0);
    said.written("out/index.json")["principals"][0].clone()
}

#[test]
fn the_index_says_what_a_policy_is_for_and_whether_it_fits() {
    for (calls, args, expected) in [
        (3, "", ("role", 10, true, 1)),
        (3, "--for user", ("user", 10, true, 1)),
        (3, "--for group", ("group", 10, true, 1)),
        (3, "--for boundary", ("boundary", 1, true, 1)),
        (3, "--for permission-set", ("permission-set", 1, true, 1)),
        (3, "--for scp", ("scp", 10, true, 1)),
        (195, "--for boundary", ("boundary", 1, true, 1)),
        (
            195,
            "--for boundary --action-wildcards never",
            ("boundary", 1, false, 2),
        ),
        (
            195,
            "--for permission-set --action-wildcards never",
            ("permission-set", 1, true, 1),
        ),
        (195, "--action-wildcards never", ("role", 10, true, 2)),
    ] {
        let index = index(calls, args);
        let (target, allowed, fits, files) = expected;
        assert_eq!(index["target"], target, "{args}");
        assert_eq!(index["documentsAllowed"], allowed, "{args}");
        assert_eq!(index["fits"], fits, "{args}");
        assert_eq!(index["files"].as_array().unwrap().len(), files, "{args}");
        let notes = index["notes"].to_string();
        assert_eq!(notes.contains("does not fit"), !fits, "{args}: {notes}");
    }
}

#[test]
fn a_wildcard_comes_only_where_it_makes_a_policy_fit_and_says_what_it_admits() {
    let wide = index(195, "");
    assert_eq!(wide["widened"], json!([]));
    let narrow = index(195, "--for boundary");
    let widened = narrow["widened"].as_array().unwrap();
    assert!(!widened.is_empty());
    for widening in widened {
        assert_eq!(widening["rule"], "action-wildcard");
        assert_eq!(widening["resource"], "*");
        let pattern = widening["pattern"]
            .as_str()
            .unwrap()
            .strip_suffix('*')
            .unwrap();
        assert!(pattern.starts_with("ec2:Describe"));
        let admitted = action::all_of("ec2").filter(|facts| facts.action.starts_with(pattern));
        let listed = widening["actions"].as_array().unwrap().len();
        assert_eq!(
            listed + widening["values"].as_u64().unwrap() as usize,
            admitted.count()
        );
    }
    // No more than it takes, by many narrow patterns and not by the one broad one.
    assert!(widened.len() > 3, "{widened:?}");
    let broad = |widening: &Value| widening["pattern"] == "ec2:Describe*";
    assert!(!widened.iter().any(broad));
    let size = narrow["sizes"][0].as_u64().unwrap();
    assert!((5_900..=6_144).contains(&size), "{size}");
}

#[test]
fn wildcards_wherever_they_are_worth_it_are_told_in_a_line_each() {
    let said = Run::new()
        .file("log.json", describing(195))
        .args(["generate", "log.json", "--action-wildcards", "always"])
        .code(0);
    let policy = said.json();
    let statements = policy["Statement"].as_array().unwrap().iter();
    let wild = statements
        .filter(|statement| statement["Action"] == "ec2:Describe*")
        .count();
    assert_eq!(wild, 1);
    let expected = "widened by action-wildcard: ec2:Describe* on * stands for ";
    let lines = said
        .stderr
        .lines()
        .filter(|line| line.starts_with(expected));
    assert_eq!(lines.count(), 1, "{}", said.stderr);
}

#[test]
fn a_service_control_policy_has_no_white_space_and_a_warning() {
    let said = Run::new()
        .file("log.json", describing(150))
        .args(["generate", "log.json", "--for", "scp"])
        .code(0);
    assert_eq!(said.stdout.lines().count(), 1);
    assert!(!said.stdout.contains(": ") && said.stdout.len() <= 10_240);
    assert!(
        said.stderr.contains("note: an SCP grants nothing"),
        "{}",
        said.stderr
    );
}

/// A quadratic step would take minutes.
#[test]
fn many_resources_and_tangled_sets_of_actions_are_no_burden() {
    let actions = [
        "s3:GetObject",
        "s3:GetObjectAcl",
        "s3:GetObjectAttributes",
        "s3:GetObjectTagging",
        "s3:GetObjectVersion",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:PutObjectTagging",
    ];
    // Each object with other actions, by the digits of its number.
    let object = |number: usize| {
        format!(
            "arn:aws:s3:::bucket/{:08x}",
            number.wrapping_mul(0x9e37_79b9)
        )
    };
    let objects: Vec<String> = (1..20_000).map(object).collect();
    let facts = objects.iter().enumerate().flat_map(|(at, object)| {
        let used = actions
            .iter()
            .enumerate()
            .filter(move |(bit, _)| at >> bit & 1 == 1);
        used.map(move |(_, action)| (*action, object.as_str()))
    });
    let usage = usage(facts);
    let fit = Options {
        action_wildcards: ActionWildcards::Fit,
        ..EXACT
    };
    let found = plan(&usage, &fit);
    assert!(found.excess > 100 && found.widened.is_empty());
}
