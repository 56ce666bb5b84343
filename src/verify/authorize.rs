//! The decision on one request, as IAM takes it over policies of all types.
//!
//! Source: IAM User Guide, "How AWS enforcement code logic evaluates requests to allow or deny access", "Policy
//! evaluation for requests within a single account", "Cross-account policy evaluation logic" and "Permissions boundaries
//! for IAM entities"; AWS Organizations User Guide, "SCP evaluation" and "RCP evaluation".

use std::ptr;

use crate::verify::caller::{Kind, Named};
use crate::verify::evaluate::{Attached, Judgement, Request};
use crate::verify::layer::{Lack, Lacking, Layer, conclude};
use crate::verify::matcher::Answer;

/// All policies that have a say in a request. Where a list is empty there is no such policy.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policies<'p> {
    /// Identity policies: those of the user or role, and of the user's groups.
    pub identity: &'p [Attached<'p>],
    /// The permissions boundary of the user or role.
    pub boundary: &'p [Attached<'p>],
    /// The session policies.
    pub session: &'p [Attached<'p>],
    /// The SCPs of the principal's account, one list for each level from the organization's root to the account. Each
    /// level must allow.
    pub scps: &'p [Vec<Attached<'p>>],
    /// The RCPs of the resource's account. They only deny: `RCPFullAWSAccess` allows everything at every level, and can
    /// not be detached.
    pub rcps: &'p [Attached<'p>],
    /// The resource policy: a bucket policy, a key policy, a role's trust policy. Without one a key or a role is taken
    /// to hand itself over to its account, as the default key policy does.
    pub resource: &'p [Attached<'p>],
}

/// Judges `request` by `policies`, as IAM does.
///
/// The resource's account is the key `aws:ResourceAccount`, else the account in the resource's ARN, else the principal's
/// own. Where it is not the principal's own, both sides must allow the request.
#[must_use]
pub fn authorize<'p>(request: &Request<'_>, policies: &Policies<'p>) -> Judgement<'p> {
    let layers = Layers::read(request, policies);
    let scps = layers.scps.iter().zip(policies.scps);
    let scps: Vec<Need<'_, 'p>> = scps
        .map(|(layer, level)| Need {
            of: Lacking::ServiceControl(level.first().map_or("", |attached| attached.name)),
            layer,
            closely: Named::No,
        })
        .collect();
    let ways = layers.ways(request, policies);
    let granted = Answer::any(ways.iter().map(|way| all_of(way)));
    let allow = all_of(&scps).min(granted);
    let open = ways.iter().filter(|way| all_of(way) == Answer::Yes);
    let mut grounds: Vec<(&Layer<'p>, Named)> = Vec::new();
    for need in open.flatten().chain(&scps) {
        match grounds
            .iter_mut()
            .find(|(layer, _)| ptr::eq(*layer, need.layer))
        {
            Some((_, closely)) => *closely = need.closely.min(*closely),
            None => grounds.push((need.layer, need.closely)),
        }
    }
    let lack = || {
        let needs = scps.iter().chain(&ways[0]);
        let missing = needs.into_iter().find(|need| need.answer() == Answer::No);
        missing.map(|need| Lack::of(need.of, need.layer))
    };
    conclude(request, allow, &layers.all(), &grounds, lack)
}

/// What each type of policy says.
struct Layers<'p> {
    identity: Layer<'p>,
    boundary: Layer<'p>,
    session: Layer<'p>,
    scps: Vec<Layer<'p>>,
    rcps: Layer<'p>,
    resource: Layer<'p>,
}

/// That a layer allows the request, by a statement that names the caller this closely.
struct Need<'l, 'p> {
    of: Lacking<'p>,
    layer: &'l Layer<'p>,
    closely: Named,
}

impl Need<'_, '_> {
    fn answer(&self) -> Answer {
        self.layer.allows(self.closely)
    }
}

fn all_of(needs: &[Need<'_, '_>]) -> Answer {
    Answer::all(needs.iter().map(Need::answer))
}

impl<'p> Layers<'p> {
    /// What the policies say, of each type that has a say over this caller and action.
    fn read(request: &Request<'_>, policies: &Policies<'p>) -> Self {
        let caller = &request.caller;
        let entity = !matches!(caller.kind, Kind::Root | Kind::Outsider);
        let own = |policies: &'p [Attached<'p>]| {
            Layer::of_identity(request, if entity { policies } else { &[] })
        };
        // Source: AWS Organizations User Guide, "Service control policies (SCPs)": they affect users and roles that the
        // account manages, its root user too, and no service-linked role.
        let controlled = !caller.account.is_empty() && !caller.is_service_linked();
        let scps = if controlled { policies.scps } else { &[] };
        // Source: AWS Organizations User Guide, "Resource control policies (RCPs)"; AWS KMS Developer Guide, "Resource
        // control policies in AWS KMS", on `kms:RetireGrant`.
        let exempt =
            caller.is_service_linked() || request.action.eq_ignore_ascii_case("kms:RetireGrant");
        let rcps = if exempt { &[] } else { policies.rcps };
        let bounded = entity && !policies.boundary.is_empty();
        Self {
            identity: own(policies.identity),
            boundary: own(policies.boundary),
            session: own(policies.session),
            scps: scps
                .iter()
                .map(|level| Layer::of_identity(request, level))
                .collect(),
            rcps: Layer::of_resource(request, rcps, false),
            resource: Layer::of_resource(request, policies.resource, bounded),
        }
    }

    /// The ways to be allowed, SCPs aside; each is a list of needs that must all be met. The first is the usual one.
    fn ways(&self, request: &Request<'_>, policies: &Policies<'p>) -> Vec<Vec<Need<'_, 'p>>> {
        let need = |of, layer, closely| Need { of, layer, closely };
        let given = !policies.resource.is_empty();
        let lacking = if given {
            Lacking::Resource
        } else {
            Lacking::NoResourcePolicy
        };
        let resource = |closely| need(lacking, &self.resource, closely);
        let limits = || {
            let boundary = need(Lacking::Boundary, &self.boundary, Named::No);
            let session = need(Lacking::Session, &self.session, Named::No);
            [(boundary, policies.boundary), (session, policies.session)]
                .into_iter()
                .filter_map(|(need, policies)| (!policies.is_empty()).then_some(need))
        };
        let identity = || need(Lacking::Identity, &self.identity, Named::No);
        let own_account = request.owner() == request.caller.account;
        let hands_over = !(given && needs_resource_policy(request));
        match (request.caller.kind, own_account) {
            (Kind::Outsider, _) => vec![vec![resource(Named::Account)]],
            // "... with the exception of the AWS account root user, which has full access."
            (Kind::Root, true) if hands_over => vec![Vec::new()],
            (Kind::Root, _) => vec![vec![resource(Named::Account)]],
            (_, false) => {
                let both = [identity(), resource(Named::Account)];
                vec![both.into_iter().chain(limits()).collect()]
            }
            (_, true) => {
                let handed = (!hands_over).then(|| resource(Named::Account));
                let usual = [identity()].into_iter().chain(handed).chain(limits());
                let entity = [resource(Named::Entity)].into_iter().chain(limits());
                // Not limited by an implicit deny of the boundary or the session policy.
                let direct = vec![resource(Named::Directly)];
                vec![usual.collect(), entity.collect(), direct]
            }
        }
    }

    /// All layers, those that grant first.
    fn all(&self) -> Vec<&Layer<'p>> {
        let mut all = vec![
            &self.identity,
            &self.resource,
            &self.boundary,
            &self.session,
            &self.rcps,
        ];
        all.extend(&self.scps);
        all
    }
}

/// Whether the resource's policy must allow the request even within the account.
///
/// Source: IAM User Guide, "How AWS enforcement code logic evaluates requests to allow or deny access": "IAM role trust
/// policies and KMS key policies are exceptions".
fn needs_resource_policy(request: &Request<'_>) -> bool {
    let service = request.action.split(':').next().unwrap_or_default();
    let key_or_role = service.eq_ignore_ascii_case("kms") || service.eq_ignore_ascii_case("sts");
    key_or_role && request.resource != "*"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Policies, authorize};
    use crate::verify::context::{Context, Key};
    use crate::verify::evaluate::{Attached, Decision, Request};
    use crate::verify::policy::{Policy, parse};

    const USER: &str = "arn:aws:iam::111122223333:user/ann";
    const ROLE: &str = "arn:aws:iam::111122223333:role/team/ci";
    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/ci/build";
    const FEDERATED: &str = "arn:aws:sts::111122223333:federated-user/ann";
    const ROOT: &str = "arn:aws:iam::111122223333:root";
    const SERVICE: &str = "ec2.amazonaws.com";

    const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:jobs";
    const THEIRS: &str = "arn:aws:sqs:eu-west-1:444455556666:jobs";

    const ANY: &str = r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#;
    const OTHER: &str = r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#;
    const DENY: &str = r#"{"Effect": "Deny", "Action": "sqs:*", "Resource": "*"}"#;

    /// An allowing statement of a resource policy, for `principal`.
    fn grant(principal: &str) -> String {
        format!(
            r#"{{"Effect": "Allow", "Principal": {principal}, "Action": "*", "Resource": "*"}}"#
        )
    }

    fn aws(arn: &str) -> String {
        grant(&format!(r#"{{"AWS": "{arn}"}}"#))
    }

    /// The statements of each type of policy; an empty text is no policy.
    #[derive(Clone, Default, Debug)]
    struct Given {
        identity: String,
        boundary: String,
        session: String,
        scps: Vec<String>,
        rcp: String,
        resource: String,
    }

    impl Given {
        fn judge_in(
            &self,
            context: &Context,
            principal: &str,
            action: &str,
            resource: &str,
        ) -> (Decision, String, Vec<String>) {
            let read = |name: &'static str, statements: &str| -> Vec<(&'static str, Policy)> {
                let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
                let policy = (!statements.is_empty()).then(|| parse(&text).unwrap().remove(0));
                policy.map(|policy| (name, policy)).into_iter().collect()
            };
            fn attach<'p>(read: &'p [(&'static str, Policy)]) -> Vec<Attached<'p>> {
                let attach = |(name, policy): &'p (&'static str, Policy)| Attached {
                    principal: None,
                    name,
                    policy,
                };
                read.iter().map(attach).collect()
            }
            let identity = read("identity", &self.identity);
            let boundary = read("boundary", &self.boundary);
            let session = read("session", &self.session);
            let rcp = read("rcp", &self.rcp);
            let own = read("resource", &self.resource);
            let scps: Vec<_> = self.scps.iter().map(|scp| read("scp", scp)).collect();
            let scps: Vec<_> = scps.iter().map(|level| attach(level)).collect();
            let policies = Policies {
                identity: &attach(&identity),
                boundary: &attach(&boundary),
                session: &attach(&session),
                scps: &scps,
                rcps: &attach(&rcp),
                resource: &attach(&own),
            };
            let request = Request::new(principal, action, resource, context);
            let judgement = authorize(&request, &policies);
            let matched = judgement.matched.iter().map(|m| m.policy.to_owned());
            let matched = matched.collect();
            let reason = judgement.reason(&request);
            (judgement.cautious(), reason, matched)
        }

        fn judge(&self, principal: &str, resource: &str) -> Decision {
            let context = Context::complete();
            self.judge_in(&context, principal, "sqs:SendMessage", resource)
                .0
        }

        fn reason(&self, principal: &str, action: &str, resource: &str) -> String {
            let context = Context::complete();
            self.judge_in(&context, principal, action, resource).1
        }
    }

    use Decision::{Allowed, ExplicitlyDenied, ImplicitlyDenied};

    /// IAM User Guide, "How AWS enforcement code logic evaluates requests to allow or deny access": the table of
    /// resource policies and implicit denies in other types of policies; and "Principal", on accounts and `*`.
    #[test]
    fn what_a_resource_policy_grants_hangs_on_whom_it_names() {
        for (principal, named, alone, limited) in [
            (USER, aws(USER), Allowed, Allowed),
            (SESSION, aws(SESSION), Allowed, Allowed),
            (SESSION, aws(ROLE), Allowed, ImplicitlyDenied),
            (ROLE, aws(ROLE), Allowed, ImplicitlyDenied),
            (FEDERATED, aws(FEDERATED), Allowed, Allowed),
            (FEDERATED, aws(USER), Allowed, ImplicitlyDenied),
            (USER, grant(r#""*""#), Allowed, Allowed),
            (SESSION, grant(r#""*""#), Allowed, Allowed),
            // To name the account is to leave it to the account's own policies.
            (
                USER,
                aws("111122223333"),
                ImplicitlyDenied,
                ImplicitlyDenied,
            ),
            (SESSION, aws(ROOT), ImplicitlyDenied, ImplicitlyDenied),
            (USER, aws(SESSION), ImplicitlyDenied, ImplicitlyDenied),
        ] {
            let plain = Given {
                resource: named.clone(),
                ..Given::default()
            };
            assert_eq!(plain.judge(principal, QUEUE), alone, "{principal} {named}");
            for (boundary, session) in [(OTHER, ""), ("", OTHER), (OTHER, OTHER)] {
                let given = Given {
                    boundary: boundary.to_owned(),
                    session: session.to_owned(),
                    ..plain.clone()
                };
                assert_eq!(
                    given.judge(principal, QUEUE),
                    limited,
                    "{principal} {given:?}"
                );
                // An explicit deny there limits everybody.
                for denied in [
                    Given {
                        boundary: DENY.to_owned(),
                        ..given.clone()
                    },
                    Given {
                        session: DENY.to_owned(),
                        ..given
                    },
                ] {
                    assert_eq!(denied.judge(principal, QUEUE), ExplicitlyDenied);
                }
            }
        }
    }

    /// The same page, and "Permissions boundaries for IAM entities", "Session policies": the intersection of identity
    /// policies, boundary and session policy.
    #[test]
    fn identity_policies_are_limited_by_boundary_and_session_policy() {
        for (identity, boundary, session, expected) in [
            (ANY, "", "", Allowed),
            (ANY, ANY, "", Allowed),
            (ANY, ANY, ANY, Allowed),
            (ANY, OTHER, "", ImplicitlyDenied),
            (ANY, "", OTHER, ImplicitlyDenied),
            (ANY, ANY, OTHER, ImplicitlyDenied),
            (OTHER, ANY, ANY, ImplicitlyDenied),
            ("", ANY, ANY, ImplicitlyDenied),
            (ANY, DENY, ANY, ExplicitlyDenied),
            (ANY, ANY, DENY, ExplicitlyDenied),
            (DENY, ANY, ANY, ExplicitlyDenied),
        ] {
            let given = Given {
                identity: identity.to_owned(),
                boundary: boundary.to_owned(),
                session: session.to_owned(),
                ..Given::default()
            };
            for principal in [USER, ROLE, SESSION, FEDERATED] {
                assert_eq!(given.judge(principal, QUEUE), expected, "{given:?}");
            }
        }
    }

    /// IAM User Guide, "Cross-account policy evaluation logic": both sides must allow, and within the principal's account
    /// nothing that the resource policy grants gets round identity policy, boundary or session policy.
    #[test]
    fn across_accounts_both_sides_must_allow() {
        for (identity, resource, expected) in [
            (ANY, String::new(), ImplicitlyDenied),
            ("", aws(SESSION), ImplicitlyDenied),
            (ANY, aws(SESSION), Allowed),
            (ANY, aws(ROLE), Allowed),
            (ANY, aws("111122223333"), Allowed),
            (ANY, grant(r#""*""#), Allowed),
            (ANY, aws("444455556666"), ImplicitlyDenied),
            (OTHER, aws(SESSION), ImplicitlyDenied),
            (DENY, aws(SESSION), ExplicitlyDenied),
        ] {
            let given = Given {
                identity: identity.to_owned(),
                resource,
                ..Given::default()
            };
            assert_eq!(given.judge(SESSION, THEIRS), expected, "{given:?}");
            let bounded = Given {
                boundary: OTHER.to_owned(),
                ..given.clone()
            };
            assert_ne!(bounded.judge(SESSION, THEIRS), Allowed, "{bounded:?}");
            let limited = Given {
                session: OTHER.to_owned(),
                ..given
            };
            assert_ne!(limited.judge(SESSION, THEIRS), Allowed, "{limited:?}");
        }
        // A bucket's ARN has no account; the request's context tells it.
        let bucket = "arn:aws:s3:::b/x";
        let owner = |id: &str| {
            Context::complete().with("aws:ResourceAccount", Key::Known(vec![id.to_owned()]))
        };
        let given = Given {
            identity: ANY.to_owned(),
            ..Given::default()
        };
        for (context, expected) in [
            (Context::complete(), Allowed),
            (owner("111122223333"), Allowed),
            (owner("444455556666"), ImplicitlyDenied),
        ] {
            let judged = given.judge_in(&context, USER, "s3:GetObject", bucket);
            assert_eq!(judged.0, expected, "{}", judged.1);
        }
    }

    /// AWS Organizations User Guide, "SCP evaluation": an allow at every level, no deny at any; "Service control
    /// policies (SCPs)": whom they do not touch.
    #[test]
    fn every_level_of_scps_must_allow() {
        let scps = |levels: &[&str]| Given {
            identity: ANY.to_owned(),
            resource: grant(r#"{"AWS": "*", "Service": "ec2.amazonaws.com"}"#),
            scps: levels.iter().map(|level| (*level).to_owned()).collect(),
            ..Given::default()
        };
        let linked =
            "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
        for (levels, expected) in [
            (&[ANY][..], Allowed),
            (&[ANY, ANY], Allowed),
            (&[ANY, OTHER], ImplicitlyDenied),
            (&[OTHER, ANY], ImplicitlyDenied),
            (&[ANY, DENY], ExplicitlyDenied),
            (&[OTHER, DENY], ExplicitlyDenied),
        ] {
            for principal in [USER, ROLE, SESSION, FEDERATED, ROOT] {
                assert_eq!(
                    scps(levels).judge(principal, QUEUE),
                    expected,
                    "{principal} {levels:?}"
                );
            }
            for principal in [linked, SERVICE, "*"] {
                assert_eq!(
                    scps(levels).judge(principal, QUEUE),
                    Allowed,
                    "{principal} {levels:?}"
                );
            }
        }
    }

    /// AWS Organizations User Guide, "RCP evaluation" and "Resource control policies (RCPs)"; AWS KMS Developer Guide,
    /// "Resource control policies in AWS KMS".
    #[test]
    fn rcps_deny_and_never_grant() {
        let deny = r#"{"Effect": "Deny", "Principal": "*", "Action": ["sqs:*", "kms:*"], "Resource": "*"}"#;
        let given = |rcp: &str, identity: &str| Given {
            rcp: rcp.to_owned(),
            identity: identity.to_owned(),
            ..Given::default()
        };
        assert_eq!(given(deny, ANY).judge(USER, QUEUE), ExplicitlyDenied);
        assert_eq!(given(deny, "").judge(SERVICE, QUEUE), ExplicitlyDenied);
        assert_eq!(
            given(&grant(r#""*""#), "").judge(USER, QUEUE),
            ImplicitlyDenied
        );
        assert_eq!(given(&grant(r#""*""#), ANY).judge(USER, QUEUE), Allowed);
        let other = r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}"#;
        assert_eq!(given(other, ANY).judge(USER, QUEUE), Allowed);
        let key = "arn:aws:kms:eu-west-1:111122223333:key/k";
        for (action, expected) in [
            ("kms:Decrypt", ExplicitlyDenied),
            ("kms:retiregrant", Allowed),
        ] {
            let judged = given(deny, ANY).judge_in(&Context::complete(), USER, action, key);
            assert_eq!(judged.0, expected, "{action}");
        }
    }

    /// IAM User Guide, "How AWS enforcement code logic evaluates requests to allow or deny access": "IAM role trust
    /// policies and KMS key policies are exceptions"; AWS KMS Developer Guide, "Default key policy".
    #[test]
    fn keys_and_roles_must_be_handed_over_by_their_own_policy() {
        for (action, resource) in [
            ("kms:Decrypt", "arn:aws:kms:eu-west-1:111122223333:key/k"),
            ("sts:AssumeRole", "arn:aws:iam::111122223333:role/deploy"),
        ] {
            for (identity, policy, expected) in [
                (ANY, String::new(), Allowed),
                (ANY, aws(ROOT), Allowed),
                (
                    ANY,
                    aws("arn:aws:iam::111122223333:user/bob"),
                    ImplicitlyDenied,
                ),
                (ANY, aws(USER), Allowed),
                ("", aws(USER), Allowed),
                ("", aws(ROOT), ImplicitlyDenied),
            ] {
                let given = Given {
                    identity: identity.to_owned(),
                    resource: policy,
                    ..Given::default()
                };
                let judged = given.judge_in(&Context::complete(), USER, action, resource);
                assert_eq!(judged.0, expected, "{action} {given:?}");
            }
        }
        // Any other resource needs no policy of its own.
        let given = Given {
            identity: ANY.to_owned(),
            resource: aws("arn:aws:iam::111122223333:user/bob"),
            ..Given::default()
        };
        assert_eq!(given.judge(USER, QUEUE), Allowed);
    }

    #[test]
    fn who_has_no_identity_policies_needs_none_and_heeds_none() {
        let given = |identity: &str, resource: &str| Given {
            identity: identity.to_owned(),
            boundary: OTHER.to_owned(),
            resource: resource.to_owned(),
            ..Given::default()
        };
        let to_service = grant(r#"{"Service": "ec2.amazonaws.com"}"#);
        for (principal, resource, expected) in [
            (ROOT, "", Allowed),
            (
                ROOT,
                &*format!("{}, {}", aws(ROOT), aws(USER).replace("Allow", "Deny")),
                Allowed,
            ),
            (ROOT, &aws(ROOT).replace("Allow", "Deny"), ExplicitlyDenied),
            (SERVICE, "", ImplicitlyDenied),
            (SERVICE, &to_service, Allowed),
            (SERVICE, &aws(ROOT), ImplicitlyDenied),
            ("*", "", ImplicitlyDenied),
            ("*", &to_service, ImplicitlyDenied),
            ("*", &grant(r#"{"AWS": "*"}"#), Allowed),
        ] {
            for identity in [DENY, ANY] {
                let judged = given(identity, resource).judge(principal, QUEUE);
                assert_eq!(judged, expected, "{principal} {resource}");
            }
        }
        assert_eq!(given("", "").judge(ROOT, THEIRS), ImplicitlyDenied);
        assert_eq!(given("", &aws(ROOT)).judge(ROOT, THEIRS), Allowed);
    }

    #[test]
    fn a_decision_names_the_layers_that_made_it() {
        let given = Given {
            identity: ANY.to_owned(),
            boundary: ANY.to_owned(),
            session: ANY.to_owned(),
            scps: vec![ANY.to_owned(), ANY.to_owned()],
            ..Given::default()
        };
        let matched = |given: &Given, principal: &str, resource: &str| {
            let context = Context::complete();
            given
                .judge_in(&context, principal, "sqs:SendMessage", resource)
                .2
        };
        let all = ["identity", "boundary", "session", "scp", "scp"];
        assert_eq!(matched(&given, SESSION, QUEUE), all);
        let direct = Given {
            identity: String::new(),
            boundary: OTHER.to_owned(),
            resource: format!("{}, {}", aws(SESSION), aws(ROLE)),
            ..given.clone()
        };
        assert_eq!(matched(&direct, SESSION, QUEUE), ["resource", "scp", "scp"]);
        let both = Given {
            resource: aws(ROOT),
            ..given.clone()
        };
        let sides = ["identity", "resource", "boundary", "session", "scp", "scp"];
        assert_eq!(matched(&both, SESSION, THEIRS), sides);
        let denied = Given {
            identity: format!("{ANY}, {DENY}"),
            scps: vec![DENY.to_owned()],
            ..given
        };
        assert_eq!(matched(&denied, SESSION, QUEUE), ["identity", "scp"]);
    }

    #[test]
    fn a_reason_names_what_is_lacking() {
        let given = Given {
            identity: ANY.to_owned(),
            boundary: ANY.to_owned(),
            session: ANY.to_owned(),
            scps: vec![ANY.to_owned()],
            resource: grant(r#"{"AWS": "*", "Service": "ec2.amazonaws.com"}"#),
            ..Given::default()
        };
        let with = |change: fn(&mut Given)| {
            let mut given = given.clone();
            change(&mut given);
            given
        };
        for (given, principal, resource, expected) in [
            (
                with(|g| g.scps.push(OTHER.to_owned())),
                USER,
                QUEUE,
                "the SCPs in `scp` do not allow it: no statement allows `sqs:SendMessage`",
            ),
            (
                with(|g| {
                    g.resource.clear();
                    g.boundary = ANY.replace(r#"e": "*""#, &format!(r#"e": "{THEIRS}""#));
                }),
                USER,
                QUEUE,
                "the permissions boundary does not allow it: `sqs:SendMessage` is not allowed on \
                 `arn:aws:sqs:eu-west-1:111122223333:jobs`, only elsewhere",
            ),
            (
                with(|g| {
                    g.resource.clear();
                    g.session = OTHER.to_owned();
                }),
                SESSION,
                QUEUE,
                "the session policy does not allow it: no statement allows `sqs:SendMessage`",
            ),
            (
                with(|g| g.resource.clear()),
                USER,
                THEIRS,
                "the resource is account `444455556666`'s, so a resource policy has to allow it too, and there is none",
            ),
            (
                with(|g| g.resource = aws(ROLE)),
                USER,
                THEIRS,
                "the resource policy does not allow it: no statement allows `sqs:SendMessage` to \
                 `arn:aws:iam::111122223333:user/ann`",
            ),
            (
                with(|g| g.resource.clear()),
                SERVICE,
                QUEUE,
                "only a resource policy can allow it to `ec2.amazonaws.com`, and there is none",
            ),
            (
                with(|g| {
                    g.resource.clear();
                    g.scps.clear();
                }),
                ROOT,
                QUEUE,
                "the root user may do in its account what no policy denies",
            ),
            (
                with(|g| g.boundary.clear()),
                USER,
                QUEUE,
                "allowed by statement `#1` of `identity`",
            ),
        ] {
            let reason = given.reason(principal, "sqs:SendMessage", resource);
            assert_eq!(reason, expected, "{given:?}");
        }
        // AWS only says that such a list "might" deny Ann.
        let unsure = Given {
            identity: ANY.to_owned(),
            resource: aws(USER)
                .replace("Allow", "Deny")
                .replace("Princ", "NotPrinc"),
            ..Given::default()
        };
        let context = Context::complete();
        let (decision, reason, matched) = unsure.judge_in(&context, USER, "sqs:SendMessage", QUEUE);
        assert_eq!(decision, ExplicitlyDenied);
        assert_eq!(
            reason,
            "statement `#1` of `resource` depends on its `NotPrincipal`"
        );
        assert_eq!(matched, ["resource"]);
    }

    fn rank(decision: &Decision) -> u8 {
        match decision {
            ExplicitlyDenied => 0,
            ImplicitlyDenied => 1,
            Decision::Undecided { .. } => 2,
            Allowed => 3,
        }
    }

    fn statements() -> impl Strategy<Value = String> {
        prop::sample::select(vec!["", ANY, OTHER, DENY]).prop_map(str::to_owned)
    }

    prop_compose! {
        fn given()(
            identity in statements(),
            boundary in statements(),
            session in statements(),
            scps in prop::collection::vec(prop::sample::select(vec![ANY, OTHER, DENY]), 0..3),
            resource in prop::sample::select(vec!["", "*", USER, ROLE, SESSION, FEDERATED, ROOT]),
        ) -> Given {
            Given {
                identity,
                boundary,
                session,
                scps: scps.into_iter().map(str::to_owned).collect(),
                rcp: String::new(),
                resource: if resource.is_empty() { String::new() } else { aws(resource) },
            }
        }
    }

    proptest! {
        /// An allow more never takes away; a deny more, or a limit more, never gives.
        #[test]
        fn limits_never_give(
            given in given(),
            principal in prop::sample::select(vec![USER, ROLE, SESSION, FEDERATED, ROOT, SERVICE, "*"]),
            resource in prop::sample::select(vec![QUEUE, THEIRS]),
        ) {
            let join = |a: &str, b: &str| if a.is_empty() { b.to_owned() } else { format!("{a}, {b}") };
            let before = rank(&given.judge(principal, resource));
            let judge = |change: &dyn Fn(&mut Given)| {
                let mut given = given.clone();
                change(&mut given);
                rank(&given.judge(principal, resource))
            };
            prop_assert!(judge(&|g| g.identity = join(&g.identity, ANY)) >= before);
            prop_assert!(judge(&|g| g.identity = join(&g.identity, DENY)) <= before);
            prop_assert!(judge(&|g| g.boundary = join(&g.boundary, DENY)) <= before);
            prop_assert!(judge(&|g| g.session = join(&g.session, DENY)) <= before);
            prop_assert!(judge(&|g| g.scps.push(OTHER.to_owned())) <= before);
            prop_assert!(judge(&|g| g.resource = join(&g.resource, &aws(principal))) >= before);
            if given.boundary.is_empty() {
                prop_assert!(judge(&|g| g.boundary = ANY.to_owned()) == before);
                prop_assert!(judge(&|g| g.boundary = OTHER.to_owned()) <= before);
            }
        }
    }
}
