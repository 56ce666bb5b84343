//! A request, the decision on it and the reason; and the decision by identity policies alone.
//!
//! Source: IAM User Guide, "Policy evaluation logic": an explicit deny wins, then an allow, else the request is denied
//! implicitly. What the other types of policies have to say is the matter of [`crate::verify::authorize`].

use std::fmt;

use serde::Serialize;

use crate::iam::arn::ArnParts;
use crate::verify::caller::{Caller, Named};
use crate::verify::context::{Context, Key};
use crate::verify::glob::Glob;
use crate::verify::layer::{Lack, Lacking, Layer, conclude};
use crate::verify::policy::Policy;
use crate::verify::resource::Subject;

/// What is asked: may this principal do this action on this resource?
#[derive(Clone, Debug)]
pub struct Request<'a> {
    pub(crate) caller: Caller<'a>,
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) context: &'a Context,
    pub(crate) action_glob: Glob,
    pub(crate) subject: Subject,
}

impl<'a> Request<'a> {
    /// A request by `principal` for `action` (`s3:GetObject`) on `resource`.
    ///
    /// `principal` is the ARN of a user, a role, a session (`arn:aws:sts::111122223333:assumed-role/ci/build`), an
    /// account's root user or an identity provider, the name of a service (`ec2.amazonaws.com`), or `*` for somebody
    /// without credentials. A role's ARN stands for a session of it that no policy names.
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
            caller: Caller::new(principal),
            action,
            resource,
            context,
            action_glob: Glob::literal(action.to_ascii_lowercase()),
            subject: Subject::new(resource),
        }
    }

    /// The account that owns the resource: by the key `aws:ResourceAccount`, else by the resource's ARN, else the
    /// principal's own.
    pub(crate) fn owner(&self) -> &str {
        if let Key::Known(values) = self.context.get("aws:resourceaccount")
            && let [account] = &values[..]
        {
            return account;
        }
        let parts = ArnParts::parse(self.resource);
        parts
            .map(|parts| parts.account)
            .filter(|account| !account.is_empty() && account.bytes().all(|b| b.is_ascii_digit()))
            .unwrap_or(self.caller.account)
    }
}

/// A policy and whom it is attached to.
#[derive(Clone, Copy, Debug)]
pub struct Attached<'p> {
    /// The ARN of the one principal that it is attached to; `None` for all, and for policies that are not attached to
    /// principals.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
    /// What a request that is implicitly denied lacks.
    pub(crate) lack: Option<Lack<'p>>,
    /// Whether an undecided request may turn out to be denied explicitly.
    pub(crate) may_be_denied: bool,
}

/// Judges `request` by the identity policies among `policies` that are attached to its principal, and by nothing else.
#[must_use]
pub fn evaluate<'p>(request: &Request<'_>, policies: &[Attached<'p>]) -> Judgement<'p> {
    let identity = Layer::of_identity(request, policies);
    let lack = || Some(Lack::of(Lacking::Identity, &identity));
    let allow = identity.allows(Named::No);
    conclude(
        request,
        allow,
        &[&identity],
        &[(&identity, Named::No)],
        lack,
    )
}

impl Judgement<'_> {
    /// The decision, or of one that is not taken the one that grants less: a statement that may apply is taken to apply
    /// where it denies, and not to where it allows.
    #[must_use]
    pub fn cautious(&self) -> Decision {
        match self.decision {
            Decision::Undecided { .. } if self.may_be_denied => Decision::ExplicitlyDenied,
            Decision::Undecided { .. } => Decision::ImplicitlyDenied,
            ref decided => decided.clone(),
        }
    }

    /// Why, in one line. `request` is the one that was judged.
    #[must_use]
    pub fn reason(&self, request: &Request<'_>) -> String {
        let first = self.matched.first().map(ToString::to_string);
        match (&self.decision, first, &self.lack) {
            (Decision::Allowed, Some(by), _) => format!("allowed by {by}"),
            (Decision::Allowed, None, _) => {
                "the root user may do in its account what no policy denies".to_owned()
            }
            (Decision::ExplicitlyDenied, Some(by), _) => format!("denied by {by}"),
            (Decision::Undecided { keys }, Some(by), _) if keys.is_empty() => {
                format!("{by} depends on its `NotPrincipal`")
            }
            (Decision::Undecided { keys }, Some(by), _) => {
                format!("{by} depends on `{}`", keys.join("`, `"))
            }
            (_, _, Some(lack)) => lack.reason(request),
            _ => format!("no statement allows `{}`", request.action),
        }
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
