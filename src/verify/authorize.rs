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
