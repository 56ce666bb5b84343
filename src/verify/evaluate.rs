//! The decision on one request, as IAM takes it over identity policies.
//!
//! Source: IAM User Guide, "Policy evaluation logic": an explicit deny wins, then an allow, else the request is denied
//! implicitly.

use std::collections::BTreeSet;
use std::fmt;

use crate::iam::arn::ArnParts;
use crate::iam::policy::Effect;
use crate::verify::context::Context;
use crate::verify::glob::Glob;
use crate::verify::matcher::Answer;
use crate::verify::policy::{Policy, PrincipalPattern, Statement};
use crate::verify::resource::Subject;

/// What is asked: may this principal do this action on this resource?
#[derive(Clone, Debug)]
pub struct Request<'a> {
    principal: &'a str,
    action: &'a str,
    resource: &'a str,
    context: &'a Context,
    action_glob: Glob,
    subject: Subject,
}

impl<'a> Request<'a> {
    /// A request by `principal` (the ARN of a user or a role) for `action` (`s3:GetObject`) on `resource`.
    ///
    /// `resource` is in the syntax of [`crate::iam::arn::ResourceArn`]. `*` alone is what IAM is asked about an action
    /// that knows no resources; an ARN with wildcards stands for each resource that it describes: it is allowed where a
    /// policy allows all of them, and denied where one may be denied.
    #[must_use]
    pub fn new(
        principal: &'a str,
        action: &'a str,
        resource: &'a str,
        context: &'a Context,
    ) -> Self {
        Self {
            principal,
            action,
            resource,
            context,
            action_glob: Glob::literal(&action.to_ascii_lowercase()),
            subject: Subject::new(resource),
        }
    }
}

/// A policy and whom it is attached to.
#[derive(Clone, Copy, Debug)]
pub struct Attached<'p> {
    /// The ARN of the one principal that it is attached to; `None` for all.
    pub principal: Option<&'p str>,
    /// What to call the policy in answers: its file.
    pub name: &'p str,
    /// The policy.
    pub policy: &'p Policy,
}

/// What IAM would say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it and none denies it.
    Allowed,
    /// No statement allows it. A deny that hangs on a key that is not known may refuse it besides.
    ImplicitlyDenied,
    /// A statement denies it.
    ExplicitlyDenied,
    /// It hangs on condition keys that are not known, or on a rule that AWS does not document.
    Undecided {
        /// The keys, in lower case, sorted.
        keys: Vec<String>,
    },
}

impl Decision {
    /// The name in JSON: `implicitlyDenied`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::ImplicitlyDenied => "implicitlyDenied",
            Self::ExplicitlyDenied => "explicitlyDenied",
            Self::Undecided { .. } => "undecided",
        }
    }
}

/// A statement that had a part in a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matched<'p> {
    /// [`Attached::name`].
    pub policy: &'p str,
    /// The statement's `Sid`, or `#` and its place in the document, counted from 1.
    pub statement: &'p str,
}

impl fmt::Display for Matched<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "statement `{}` of `{}`", self.statement, self.policy)
    }
}

/// A decision and the statements that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement<'p> {
    /// What IAM would say.
    pub decision: Decision,
    /// The statements that allow, or deny, or leave it open; empty where nothing does.
    pub matched: Vec<Matched<'p>>,
    /// What came closest to allowing a request that is implicitly denied.
    near: Option<Near<'p>>,
}

/// How an allowing statement failed to apply.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Near<'p> {
    Resource,
    Part(Matched<'p>),
    Condition(Matched<'p>, &'p str),
}

/// How far a statement reaches a request.
enum Reach<'p> {
    /// It says nothing of it.
    None,
    /// Its action fits, its resource does not.
    Action,
    /// Its action fits, its resource fits some of the family that is asked about.
    Part,
    /// All fits but the condition on this key.
    Unmet(&'p str),
    /// That is not known.
    Open,
    /// It applies.
    Full,
}

/// Judges `request` by those of `policies` that are attached to its principal.
#[must_use]
pub fn evaluate<'p>(request: &Request<'_>, policies: &[Attached<'p>]) -> Judgement<'p> {
    let mut allow = Vec::new();
    let mut deny = Vec::new();
    let mut open_allow = Vec::new();
    let mut open_deny = Vec::new();
    let mut near = None;
    for attached in policies {
        if attached.principal.is_some_and(|p| p != request.principal) {
            continue;
        }
        for statement in &attached.policy.statements {
            let matched = Matched {
                policy: attached.name,
                statement: &statement.label,
            };
            match (reach(statement, request), statement.effect) {
                (Reach::Full, Effect::Deny) => deny.push(matched),
                (Reach::Full, Effect::Allow) => allow.push(matched),
                (Reach::Open, Effect::Deny) => open_deny.push((matched, statement)),
                (Reach::Open, Effect::Allow) => open_allow.push((matched, statement)),
                (Reach::Unmet(key), Effect::Allow) => near = Some(Near::Condition(matched, key)),
                (Reach::Part, Effect::Allow) if !matches!(near, Some(Near::Condition(..))) => {
                    near = Some(Near::Part(matched));
                }
                (Reach::Action, Effect::Allow) if near.is_none() => near = Some(Near::Resource),
                _ => {}
            }
        }
    }
    let (decision, matched) = if !deny.is_empty() {
        (Decision::ExplicitlyDenied, deny)
    } else if allow.is_empty() && open_allow.is_empty() {
        (Decision::ImplicitlyDenied, Vec::new())
    } else if !allow.is_empty() && open_deny.is_empty() {
        (Decision::Allowed, allow)
    } else {
        let mut open = open_deny;
        if allow.is_empty() {
            open.extend(open_allow);
        }
        undecided(&open, request)
    };
    Judgement {
        decision,
        matched,
        near,
    }
}

fn undecided<'p>(
    open: &[(Matched<'p>, &'p Statement)],
    request: &Request<'_>,
) -> (Decision, Vec<Matched<'p>>) {
    let keys: BTreeSet<String> = open
        .iter()
        .flat_map(|(_, statement)| open_keys(statement, request.context))
        .collect();
    let keys = keys.into_iter().collect();
    let matched = open.iter().map(|(matched, _)| *matched).collect();
    (Decision::Undecided { keys }, matched)
}

/// The keys that keep `statement` from being decided.
fn open_keys(statement: &Statement, context: &Context) -> Vec<String> {
    let resources = statement.resources.iter().flat_map(|r| &r.items);
    let variables = resources.flat_map(|r| r.open_variables(context));
    let conditions = statement
        .conditions
        .iter()
        .filter(|c| c.holds(context) == Answer::Unknown)
        .flat_map(|c| c.open_keys(context));
    variables.chain(conditions).map(str::to_owned).collect()
}

fn reach<'p>(statement: &'p Statement, request: &Request<'_>) -> Reach<'p> {
    if !fits_action(statement, request) || !fits_principal(statement, request.principal) {
        return Reach::None;
    }
    let resource = fits_resource(statement, request);
    if resource == Answer::No {
        let part = request.subject.is_family() && meets_resource(statement, request);
        return if part { Reach::Part } else { Reach::Action };
    }
    let mut open = resource == Answer::Unknown;
    for condition in &statement.conditions {
        match condition.holds(request.context) {
            Answer::No => return Reach::Unmet(&condition.key),
            Answer::Unknown => open = true,
            Answer::Yes => {}
        }
    }
    if open { Reach::Open } else { Reach::Full }
}

pub(crate) fn fits_action(statement: &Statement, request: &Request<'_>) -> bool {
    let listed = &statement.actions;
    let any = listed.items.iter().any(|a| a.matches(&request.action_glob));
    any != listed.negated
}

/// Whether the statement speaks of the request's resource.
///
/// What grants must surely match all of it, what refuses need only be able to match some of it. So `Allow` with
/// `Resource` and `Deny` with `NotResource` ask whether a pattern covers it; `Deny` with `Resource` and `Allow` with
/// `NotResource` ask whether a pattern can meet it.
fn fits_resource(statement: &Statement, request: &Request<'_>) -> Answer {
    let Some(listed) = &statement.resources else {
        return Answer::Yes;
    };
    // A pattern with a variable that has no value names no resource; whether its negation names all is not documented.
    let unfilled = if listed.negated {
        Answer::Unknown
    } else {
        Answer::No
    };
    let (subject, context) = (&request.subject, request.context);
    let covering = (statement.effect == Effect::Allow) != listed.negated;
    let matched = Answer::any(listed.items.iter().map(|pattern| {
        if covering {
            pattern.covers(subject, context, unfilled)
        } else {
            pattern.meets(subject, context, unfilled)
        }
    }));
    if listed.negated { !matched } else { matched }
}

/// Whether one of the statement's resources can match some of the request's.
fn meets_resource(statement: &Statement, request: &Request<'_>) -> bool {
    let listed = statement.resources.iter().filter(|listed| !listed.negated);
    let (subject, context) = (&request.subject, request.context);
    listed
        .flat_map(|listed| &listed.items)
        .any(|pattern| pattern.meets(subject, context, Answer::No) != Answer::No)
}

/// Whether the statement's `Principal`, if it has one, names the ARN `principal`.
/// Source: IAM User Guide, "AWS JSON policy elements: Principal": an ARN, or an account by its id or its root's ARN.
fn fits_principal(statement: &Statement, principal: &str) -> bool {
    let Some(listed) = &statement.principals else {
        return true;
    };
    let account = ArnParts::parse(principal).map_or("", |parts| parts.account);
    let named = listed.items.iter().any(|item| match item {
        PrincipalPattern::Anyone => true,
        PrincipalPattern::Aws(text) if **text == *principal => true,
        PrincipalPattern::Aws(text) if !account.is_empty() => {
            **text == *account
                || ArnParts::parse(text).is_some_and(|parts| {
                    parts.service == "iam" && parts.account == account && parts.resource == "root"
                })
        }
        PrincipalPattern::Aws(_) | PrincipalPattern::Other(_) => false,
    });
    named != listed.negated
}

impl Judgement<'_> {
    /// Why, in one line. `request` is the one that was judged.
    #[must_use]
    pub fn reason(&self, request: &Request<'_>) -> String {
        let (action, resource) = (request.action, request.resource);
        let first = self.matched.first().map(ToString::to_string);
        match (&self.decision, first, &self.near) {
            (Decision::Allowed, Some(by), _) => format!("allowed by {by}"),
            (Decision::ExplicitlyDenied, Some(by), _) => format!("denied by {by}"),
            (Decision::Undecided { keys }, Some(by), _) => {
                format!("{by} depends on `{}`", keys.join("`, `"))
            }
            (_, _, Some(Near::Condition(by, key))) => {
                format!("{by} allows it only under a condition on `{key}`, which is not met")
            }
            (_, _, Some(Near::Part(by))) => {
                format!("{by} allows it on a part of `{resource}` only")
            }
            (_, _, Some(Near::Resource)) => {
                format!("`{action}` is not allowed on `{resource}`, only elsewhere")
            }
            _ => format!("no statement allows `{action}`"),
        }
    }
}

/// Calls `mark` with each pair of an action and a resource of `statement` (their places in its lists; a negated list
/// has the one place 0) that together match some of `request`, conditions aside.
pub(crate) fn touch(
    statement: &Statement,
    request: &Request<'_>,
    mut mark: impl FnMut(usize, usize),
) {
    if !fits_action(statement, request) {
        return;
    }
    let meets = |place: usize| match &statement.resources {
        Some(listed) if !listed.negated => {
            let pattern = &listed.items[place];
            pattern.meets(&request.subject, request.context, Answer::No) != Answer::No
        }
        _ => fits_resource(statement, request) != Answer::No,
    };
    let resources: Vec<usize> = (0..resource_places(statement))
        .filter(|r| meets(*r))
        .collect();
    let actions = &statement.actions;
    for action in 0..action_places(statement) {
        if actions.negated || actions.items[action].matches(&request.action_glob) {
            resources.iter().for_each(|r| mark(action, *r));
        }
    }
}

/// How many places [`touch`] tells apart among the actions.
pub(crate) fn action_places(statement: &Statement) -> usize {
    if statement.actions.negated {
        1
    } else {
        statement.actions.items.len()
    }
}

/// How many places [`touch`] tells apart among the resources.
pub(crate) fn resource_places(statement: &Statement) -> usize {
    match &statement.resources {
        Some(listed) if !listed.negated => listed.items.len(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Attached, Decision, Request, evaluate};
    use crate::verify::context::{Context, Key};
    use crate::verify::policy::{Policy, parse};

    const ROLE: &str = "arn:aws:iam::111122223333:role/ci";

    fn policy(statements: &str) -> Policy {
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
        parse(&text).unwrap().remove(0)
    }

    fn attach(policy: &Policy) -> Attached<'_> {
        Attached {
            principal: None,
            name: "p.json",
            policy,
        }
    }

    fn decide_in(
        context: &Context,
        statements: &str,
        action: &str,
        resource: &str,
    ) -> (Decision, String) {
        let policy = policy(statements);
        let request = Request::new(ROLE, action, resource, context);
        let judgement = evaluate(&request, &[attach(&policy)]);
        let reason = judgement.reason(&request);
        (judgement.decision, reason)
    }

    fn decide(statements: &str, action: &str, resource: &str) -> Decision {
        decide_in(&Context::complete(), statements, action, resource).0
    }

    const READ: &str = r#"{"Sid": "Read", "Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::b/*"}"#;

    /// IAM User Guide, "Policy evaluation logic": deny by default, an allow overrides it, an explicit deny overrides
    /// every allow, in whatever order the statements stand.
    #[test]
    fn an_explicit_deny_wins() {
        let deny = r#"{"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/secret/*"}"#;
        let both = [format!("{READ}, {deny}"), format!("{deny}, {READ}")];
        for statements in &both {
            for (resource, expected) in [
                ("arn:aws:s3:::b/x", Decision::Allowed),
                ("arn:aws:s3:::b/secret/x", Decision::ExplicitlyDenied),
                // One of the names it stands for is denied.
                ("arn:aws:s3:::b/*", Decision::ExplicitlyDenied),
                ("arn:aws:s3:::b/public/*", Decision::Allowed),
                ("arn:aws:s3:::other/x", Decision::ImplicitlyDenied),
            ] {
                assert_eq!(
                    decide(statements, "s3:GetObject", resource),
                    expected,
                    "{resource}"
                );
            }
            assert_eq!(
                decide(statements, "s3:PutObject", "arn:aws:s3:::b/x"),
                Decision::ImplicitlyDenied
            );
        }
        assert_eq!(
            decide(deny, "s3:GetObject", "arn:aws:s3:::b/secret/x"),
            Decision::ExplicitlyDenied
        );
    }

    /// IAM User Guide, "IAM JSON policy elements: NotAction" and "NotResource".
    #[test]
    fn negated_elements_take_everything_else() {
        let not_iam = r#"{"Effect": "Allow", "NotAction": ["iam:*", "sts:*"], "Resource": "*"}"#;
        assert_eq!(
            decide(not_iam, "s3:GetObject", "arn:aws:s3:::b/x"),
            Decision::Allowed
        );
        assert_eq!(
            decide(not_iam, "iam:GetUser", "*"),
            Decision::ImplicitlyDenied
        );
        assert_eq!(
            decide(not_iam, "STS:AssumeRole", "*"),
            Decision::ImplicitlyDenied
        );

        let allow_rest =
            r#"{"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::b/*"}"#;
        for (resource, expected) in [
            ("arn:aws:s3:::c/x", Decision::Allowed),
            ("arn:aws:s3:::b/x", Decision::ImplicitlyDenied),
            // Part of what it stands for is left out.
            ("arn:aws:s3:::*", Decision::ImplicitlyDenied),
            ("*", Decision::Allowed),
        ] {
            assert_eq!(
                decide(allow_rest, "s3:GetObject", resource),
                expected,
                "{resource}"
            );
        }
        let deny_rest = r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
            {"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::b/*"}"#;
        for (resource, expected) in [
            ("arn:aws:s3:::b/x", Decision::Allowed),
            ("arn:aws:s3:::b/y*", Decision::Allowed),
            ("arn:aws:s3:::c/x", Decision::ExplicitlyDenied),
            ("arn:aws:s3:::*", Decision::ExplicitlyDenied),
        ] {
            assert_eq!(
                decide(deny_rest, "s3:GetObject", resource),
                expected,
                "{resource}"
            );
        }
    }

    #[test]
    fn conditions_all_have_to_hold() {
        let statements = r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {
            "StringEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-west-2"]},
            "Bool": {"aws:MultiFactorAuthPresent": "true"}}}"#;
        let context = |region: &str, mfa: &str| {
            Context::complete()
                .with("aws:RequestedRegion", Key::Known(vec![region.into()]))
                .with("aws:MultiFactorAuthPresent", Key::Known(vec![mfa.into()]))
        };
        for (region, mfa, expected, reason) in [
            (
                "eu-west-2",
                "true",
                Decision::Allowed,
                "allowed by statement `#1` of `p.json`",
            ),
            (
                "us-east-1",
                "true",
                Decision::ImplicitlyDenied,
                "statement `#1` of `p.json` allows it only under a condition on `aws:RequestedRegion`, which is not met",
            ),
            (
                "eu-west-1",
                "false",
                Decision::ImplicitlyDenied,
                "statement `#1` of `p.json` allows it only under a condition on `aws:MultiFactorAuthPresent`, \
                 which is not met",
            ),
        ] {
            let decided = decide_in(
                &context(region, mfa),
                statements,
                "s3:GetObject",
                "arn:aws:s3:::b/x",
            );
            assert_eq!(decided, (expected, reason.to_owned()));
        }
    }

    #[test]
    fn what_hangs_on_unknown_keys_is_undecided() {
        let from_office = r#"{"Sid": "Office", "Effect": "Allow", "Action": "s3:*", "Resource": "*",
            "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}"#;
        let deny_outside = r#"{"Sid": "Outside", "Effect": "Deny", "Action": "s3:*", "Resource": "*",
            "Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}"#;
        let home = r#"{"Sid": "Home", "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/${aws:userid}/*"}"#;
        let undecided = |key: &str| Decision::Undecided {
            keys: vec![key.to_owned()],
        };
        let unknown = Context::partial();
        for (statements, resource, expected, reason) in [
            (
                from_office.to_owned(),
                "arn:aws:s3:::b/x",
                undecided("aws:sourceip"),
                "statement `Office` of `p.json` depends on `aws:sourceip`",
            ),
            (
                format!("{READ}, {deny_outside}"),
                "arn:aws:s3:::b/x",
                undecided("aws:sourceip"),
                "statement `Outside` of `p.json` depends on `aws:sourceip`",
            ),
            // The other statement allows it whatever the key is.
            (
                format!("{READ}, {from_office}"),
                "arn:aws:s3:::b/x",
                Decision::Allowed,
                "allowed by statement `Read` of `p.json`",
            ),
            // Nothing allows it, so an open deny changes nothing.
            (
                deny_outside.to_owned(),
                "arn:aws:s3:::b/x",
                Decision::ImplicitlyDenied,
                "no statement allows `s3:GetObject`",
            ),
            (
                home.to_owned(),
                "arn:aws:s3:::b/AIDA/x",
                undecided("aws:userid"),
                "statement `Home` of `p.json` depends on `aws:userid`",
            ),
            (
                READ.to_owned(),
                "arn:aws:s3:::*",
                Decision::ImplicitlyDenied,
                "statement `Read` of `p.json` allows it on a part of `arn:aws:s3:::*` only",
            ),
            (
                home.to_owned(),
                "arn:aws:s3:::c/AIDA/x",
                Decision::ImplicitlyDenied,
                "`s3:GetObject` is not allowed on `arn:aws:s3:::c/AIDA/x`, only elsewhere",
            ),
        ] {
            let decided = decide_in(&unknown, &statements, "s3:GetObject", resource);
            assert_eq!(decided, (expected, reason.to_owned()), "{statements}");
        }
    }

    #[test]
    fn a_policy_speaks_for_whom_it_is_attached_to() {
        let policy = policy(READ);
        let context = Context::complete();
        let request = Request::new(ROLE, "s3:GetObject", "arn:aws:s3:::b/x", &context);
        for (principal, expected) in [
            (None, Decision::Allowed),
            (Some(ROLE), Decision::Allowed),
            (
                Some("arn:aws:iam::111122223333:role/other"),
                Decision::ImplicitlyDenied,
            ),
        ] {
            let attached = Attached {
                principal,
                ..attach(&policy)
            };
            assert_eq!(
                evaluate(&request, &[attached]).decision,
                expected,
                "{principal:?}"
            );
        }
    }

    /// IAM User Guide, "AWS JSON policy elements: Principal".
    #[test]
    fn a_principal_element_limits_its_statement() {
        for (element, expected) in [
            (r#""Principal": "*""#, Decision::Allowed),
            (r#""Principal": {"AWS": "*"}"#, Decision::Allowed),
            (r#""Principal": {"AWS": "111122223333"}"#, Decision::Allowed),
            (
                r#""Principal": {"AWS": ["arn:aws:iam::111122223333:root"]}"#,
                Decision::Allowed,
            ),
            (
                r#""Principal": {"AWS": "arn:aws:iam::111122223333:role/ci"}"#,
                Decision::Allowed,
            ),
            (
                r#""Principal": {"AWS": "arn:aws:iam::999999999999:root"}"#,
                Decision::ImplicitlyDenied,
            ),
            (
                r#""Principal": {"Service": "ec2.amazonaws.com"}"#,
                Decision::ImplicitlyDenied,
            ),
            (
                r#""NotPrincipal": {"AWS": "111122223333"}"#,
                Decision::ImplicitlyDenied,
            ),
        ] {
            let statement =
                format!(r#"{{"Effect": "Allow", {element}, "Action": "sts:AssumeRole"}}"#);
            assert_eq!(
                decide(&statement, "sts:AssumeRole", "*"),
                expected,
                "{element}"
            );
        }
    }

    /// A random statement over a small universe.
    fn statement(effect: &'static str) -> impl Strategy<Value = String> {
        let action = prop::sample::select(vec![
            "s3:GetObject",
            "s3:*",
            "s3:Put*",
            "*",
            "sqs:SendMessage",
        ]);
        let resource = prop::sample::select(vec![
            "*",
            "arn:aws:s3:::a/*",
            "arn:aws:s3:::a/x",
            "arn:aws:s3:::*x",
            "arn:aws:s3:*:*:${aws:username}/*",
            "arn:aws:sqs:*:q",
        ]);
        let condition = prop::sample::select(vec![
            "",
            r#", "Condition": {"StringEquals": {"aws:username": "a"}}"#,
            r#", "Condition": {"StringNotEquals": {"aws:userid": "a"}}"#,
            r#", "Condition": {"Null": {"aws:userid": "true"}}"#,
        ]);
        let names = prop::sample::select(vec![
            ("Action", "Resource"),
            ("NotAction", "Resource"),
            ("Action", "NotResource"),
        ]);
        (action, resource, condition, names).prop_map(
            move |(action, resource, condition, (a, r))| {
                format!(
                    r#"{{"Effect": "{effect}", "{a}": "{action}", "{r}": "{resource}"{condition}}}"#
                )
            },
        )
    }

    fn rank(decision: &Decision) -> u8 {
        match decision {
            Decision::ExplicitlyDenied => 0,
            Decision::ImplicitlyDenied => 1,
            Decision::Undecided { .. } => 2,
            Decision::Allowed => 3,
        }
    }

    proptest! {
        #[test]
        fn an_allow_never_takes_away_and_a_deny_never_gives(
            base in prop::collection::vec(prop_oneof![statement("Allow"), statement("Deny")], 1..4),
            allow in statement("Allow"),
            deny in statement("Deny"),
            action in prop::sample::select(vec!["s3:GetObject", "s3:PutObject", "sqs:SendMessage"]),
            resource in prop::sample::select(vec![
                "*", "arn:aws:s3:::a/x", "arn:aws:s3:::a/*", "arn:aws:s3:::b/x", "arn:aws:sqs:r:1:q",
            ]),
            name in prop::sample::select(vec![Key::Absent, Key::Unknown, Key::Known(vec!["a".into()])]),
        ) {
            let context = Context::partial().with("aws:username", name);
            let of = |statements: &[String]| rank(&decide_in(&context, &statements.join(", "), action, resource).0);
            let before = of(&base);
            let with_allow = of(&[base.clone(), vec![allow]].concat());
            let with_deny = of(&[base, vec![deny]].concat());
            prop_assert!(with_allow >= before);
            prop_assert!(with_deny <= before);
        }

        /// A decision that was taken without knowing a key stands, whatever the key turns out to be.
        #[test]
        fn more_knowledge_never_overturns_a_decision(
            statements in prop::collection::vec(prop_oneof![statement("Allow"), statement("Deny")], 1..5),
            resource in prop::sample::select(vec!["arn:aws:s3:::a/x", "arn:aws:s3:::a/*", "*"]),
            key in prop::sample::select(vec!["aws:username", "aws:userid"]),
            value in prop::sample::select(vec![Key::Absent, Key::Known(vec!["a".into()]), Key::Known(vec!["b".into()])]),
        ) {
            let statements = statements.join(", ");
            let (before, _) = decide_in(&Context::partial(), &statements, "s3:GetObject", resource);
            let known = Context::partial().with(key, value);
            let (after, _) = decide_in(&known, &statements, "s3:GetObject", resource);
            match before {
                Decision::Undecided { .. } => {}
                // Whether it is denied explicitly too may hang on the key.
                Decision::ImplicitlyDenied => prop_assert!(rank(&after) < 2),
                before => prop_assert_eq!(before, after),
            }
        }

        /// Deciding for a family of names decides for each of them.
        #[test]
        fn a_family_is_allowed_only_where_each_name_is(
            statements in prop::collection::vec(prop_oneof![statement("Allow"), statement("Deny")], 1..5),
            family in prop::sample::select(vec!["a/*", "*", "?/x", "*/x"]),
            name in prop::sample::select(vec!["a/x", "a/y", "b/x", "b/y", "a", "x"]),
        ) {
            let context = Context::complete().with("aws:username", Key::Known(vec!["a".into()]));
            let matches = match family {
                "a/*" => name.starts_with("a/"),
                "*/x" | "?/x" => name.ends_with("/x"),
                _ => true,
            };
            let arn = |s: &str| format!("arn:aws:s3:::{s}");
            let statements = statements.join(", ");
            let (whole, _) = decide_in(&context, &statements, "s3:GetObject", &arn(family));
            let (single, _) = decide_in(&context, &statements, "s3:GetObject", &arn(name));
            if matches && whole == Decision::Allowed {
                prop_assert_eq!(single.clone(), Decision::Allowed);
            }
            if matches && single == Decision::ExplicitlyDenied {
                prop_assert_eq!(whole, Decision::ExplicitlyDenied);
            }
        }
    }
}
