//! An event → who needed what, or the reason why nobody needed anything.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::catalog::errors::{self, ErrorClass};
use crate::catalog::operation::Operation;
use crate::cloudtrail::event::Event;
use crate::cloudtrail::user_identity::UserIdentity;
use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;
use crate::iam::principal::{Principal, PrincipalKind};
use crate::usage::carriers::Loaded;
use crate::usage::context::ContextKeys;
use crate::usage::denial::{self, Said};
use crate::usage::identity::{self, Caller};
use crate::usage::keys;
use crate::usage::like::Marks;
use crate::usage::memo::{Call, Memo, Touched};
use crate::usage::passrole;
use crate::usage::resource::Request;

/// What became of an event. Every event read has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Authorisation was passed: no error, or an error that comes after it.
    Used,
    /// Authorisation was refused.
    Denied,
    /// The call failed before authorisation, or without telling whether it was passed.
    Inconclusive,
    /// No permission of the caller is involved.
    Ignored,
    /// A call that the catalog does not know.
    Unmapped,
    /// A record that could not be read.
    Malformed,
    /// The same event again.
    Duplicate,
}

impl Outcome {
    /// All outcomes, in the order of the accounts.
    pub const ALL: [Self; 7] = [
        Self::Used,
        Self::Denied,
        Self::Inconclusive,
        Self::Ignored,
        Self::Unmapped,
        Self::Malformed,
        Self::Duplicate,
    ];

    /// The name in JSON and in the summary.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Denied => "denied",
            Self::Inconclusive => "inconclusive",
            Self::Ignored => "ignored",
            Self::Unmapped => "unmapped",
            Self::Malformed => "malformed",
            Self::Duplicate => "duplicate",
        }
    }
}

/// Where a need was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// The event's source and name.
    Event,
    /// A parameter of the request made it necessary (`versionId`, tags on create).
    Parameter,
    /// A role in the request, which the caller must be allowed to pass.
    PassedRole,
    /// The call needs an action of another service besides its own.
    Dependent,
    /// The message of the refused call names it.
    DeniedMessage,
    /// The record's `resources[]` names the resource.
    ResourcesField,
}

impl Basis {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Event,
        Self::Parameter,
        Self::PassedRole,
        Self::Dependent,
        Self::DeniedMessage,
        Self::ResourcesField,
    ];

    /// The name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Parameter => "parameter",
            Self::PassedRole => "passed-role",
            Self::Dependent => "dependent",
            Self::DeniedMessage => "denied-message",
            Self::ResourcesField => "resources-field",
        }
    }
}

/// The resources of one action of a call. Most have one, which is held in place.
pub type Resources = SmallVec<[ResourceArn; 1]>;

/// What a call needed. Most needed one thing, which is held in place.
pub type Needs = SmallVec<[Need; 1]>;

/// One action that the call needed, on each of `resources`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// The action.
    pub action: Action,
    /// Sorted and distinct; `*` alone where the action takes no resource.
    pub resources: Resources,
    /// Where this was read from.
    pub basis: Basis,
    /// The condition keys that IAM saw with it, as far as the record tells.
    pub context: ContextKeys,
    /// Whether the record tells the resources; not where a `*` stands in an ARN for what the request left out or the
    /// record does.
    pub told: bool,
}

impl Need {
    /// About how many bytes of memory it takes.
    #[must_use]
    pub fn size(&self) -> usize {
        let resources = self.resources.iter().map(|each| 32 + each.as_str().len());
        let context = self.context.iter().map(|(_, value)| 64 + value.len());
        size_of::<Self>() + resources.sum::<usize>() + context.sum::<usize>()
    }
}

/// What one event means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Who called.
    pub caller: Caller,
    /// What that means for the caller.
    pub meaning: Meaning,
}

/// What a call means, whoever's it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// What became of it.
    pub outcome: Outcome,
    /// Why that outcome: a short fixed name such as `service-event`, the error code, or the call that is unmapped.
    pub reason: Cow<'static, str>,
    /// What the call needed; given for denied and inconclusive calls too. Sorted by action.
    pub needs: Needs,
    /// The roles that the call put into an instance profile or a task definition.
    pub loaded: Option<Loaded>,
    /// How the message of a refused call compares with the tables, where it names an action.
    pub message: Option<Said>,
    /// What the record does not show, in words for a person.
    pub notes: Vec<String>,
}

/// What of an event its meaning may depend on, besides the principal: what a key of [`crate::usage::calls`] is made of, and nothing else.
#[must_use]
pub fn telling<'t, 'a>(event: &Event<'t, 'a>) -> Event<'t, 'a> {
    Event {
        event_source: event.event_source,
        event_name: event.event_name,
        event_type: event.event_type,
        event_category: event.event_category,
        aws_region: event.aws_region,
        error_code: event.error_code,
        error_message: event.error_message,
        recipient_account_id: event.recipient_account_id,
        user_identity: UserIdentity {
            invoked_by: event.user_identity.invoked_by,
            ..UserIdentity::default()
        },
        request_parameters: event.request_parameters,
        response_elements: event.response_elements,
        resources: event.resources.clone(),
        ..Event::default()
    }
}

/// What `event` means for its caller. `memo` only saves time.
#[must_use]
pub fn resolve(event: &Event<'_, '_>, memo: &mut Memo) -> Resolved {
    let caller = identity::caller(&event.user_identity);
    let meaning = meaning(&telling(event), &caller.principal, memo, None);
    Resolved { caller, meaning }
}

/// What `event`, of which no more is looked at than [`telling`] leaves, means for `caller`. `memo` only
/// saves time, and is told what else was looked into. Where there are `marks`, they stand in the place of texts.
#[must_use]
pub fn meaning<'a>(
    event: &Event<'_, 'a>,
    caller: &Principal,
    memo: &mut Memo,
    marks: Option<&'a Marks>,
) -> Meaning {
    memo.touched = Touched::default();
    if let Some(reason) = not_an_api_call(event) {
        return Meaning::without_needs(Outcome::Ignored, reason);
    }
    // It tells how many calls there were, by who made them or what they were or what they were made on, but not which
    // of these go together. Source: CloudTrail User Guide, "Aggregating data events", its examples.
    if event.event_type == Some("AwsAggregatedEvent") {
        return Meaning::without_needs(Outcome::Inconclusive, "aggregated-event");
    }
    let (Some(source), Some(name)) = (event.event_source, event.event_name) else {
        return Meaning::without_needs(Outcome::Malformed, "no eventSource or eventName");
    };
    if let Some(reason) = not_for_identity_policies(caller) {
        return Meaning::without_needs(Outcome::Ignored, reason);
    }

    let call = memo.call(source, name);
    if let Operation::NoPermission { reason } = call.operation {
        return Meaning::without_needs(Outcome::Ignored, reason);
    }
    meaning_of_call(event, caller, &call, memo, marks)
}

/// What an API call means that takes permissions, or that the catalog does not know.
fn meaning_of_call<'a>(
    event: &Event<'_, 'a>,
    caller: &Principal,
    call: &Call,
    memo: &mut Memo,
    marks: Option<&'a Marks>,
) -> Meaning {
    let error = event.error_code.map(|code| memo.error(code));
    let denial = denial::read(event, error);
    let request = Request::of(event, caller, marks);
    let (mut needs, mut loaded) = (Needs::new(), None);
    if !call.needs.is_empty() {
        needs = request.needs(&call.needs);
        loaded = passrole::infer(call.pass_role, &request, &call.needs, &mut needs);
    }
    let message = denial
        .as_ref()
        .and_then(|denial| denial.correct(&mut needs));
    keys::add(event, &request, &mut needs);
    tidy(&mut needs);
    let denied = denial.is_some();
    let (outcome, reason) = match denial {
        Some(denial) => (Outcome::Denied, denial.reason),
        None => not_denied(event, caller, error, &needs),
    };
    let notes = match outcome {
        Outcome::Used => notes(event, &request, &needs),
        _ => Vec::new(),
    };
    let copied = request.parameters.copied();
    memo.touched = Touched {
        // The resources of a refused call are compared with those in the message.
        parameters: request.parameters.touched() | if denied { copied } else { 0 },
        copied,
        below: request.parameters.sought_below(),
        response: request.response.touched() != 0,
        resources: request.looked_at_resources(),
    };
    Meaning {
        outcome,
        reason,
        needs,
        // A call that failed after it was authorised put nothing anywhere.
        loaded: loaded.filter(|_| outcome == Outcome::Used && event.error_code.is_none()),
        message,
        notes,
    }
}

impl Meaning {
    fn without_needs(outcome: Outcome, reason: &'static str) -> Self {
        Self {
            outcome,
            reason: reason.into(),
            needs: Needs::new(),
            loaded: None,
            message: None,
            notes: Vec::new(),
        }
    }
}

/// What the record of a used call does not show.
fn notes(event: &Event<'_, '_>, request: &Request<'_, '_, '_>, needs: &[Need]) -> Vec<String> {
    let mut notes = Vec::new();
    let starts = request.call == "RunInstances" && request.response.is_absent();
    if starts && request.parameters.has("launchTemplate") {
        notes.push(UNSEEN_TEMPLATE.to_owned());
    }
    if event.request_parameters.is_none() {
        notes.extend(needs.iter().filter(|need| !need.told).map(untold));
    }
    notes
}

/// What a reader must know of an instance that was started of a launch template, where the response does not show it.
const UNSEEN_TEMPLATE: &str = "started instances of a launch template, and the record does not show what was started: the image, subnet and security groups are granted as wildcards, and iam:PassRole on the role of its instance profile, if it has one, is not in the policy";

/// What a reader must know of a need whose resource the record does not tell.
fn untold(need: &Need) -> String {
    let resources: Vec<&str> = need.resources.iter().map(ResourceArn::as_str).collect();
    let (action, resources) = (&need.action, resources.join(", "));
    format!(
        "{action} was used in a call whose record has no parameters to tell on what, so it is granted on {resources}"
    )
}

/// Whether a call that ended in this error may have failed before it was authorised.
fn proves_nothing(code: &str, class: Option<ErrorClass>, message: Option<&str>) -> bool {
    class == Some(ErrorClass::Inconclusive)
        && !errors::tells_state(code, message.unwrap_or_default())
}

/// The outcome of a call that was not refused, with its reason.
fn not_denied(
    event: &Event<'_, '_>,
    caller: &Principal,
    error: Option<ErrorClass>,
    needs: &[Need],
) -> (Outcome, Cow<'static, str>) {
    match event.error_code {
        // An action is never invented for a call that the catalog does not know.
        _ if needs.is_empty() => {
            let (source, name) = (event.event_source, event.event_name);
            let call = format!(
                "{}:{}",
                source.unwrap_or_default(),
                name.unwrap_or_default()
            );
            (Outcome::Unmapped, call.into())
        }
        Some(code) if proves_nothing(code, error, event.error_message) => {
            (Outcome::Inconclusive, code.to_owned().into())
        }
        // The parameters of a call that was cut short, by throttling say, are often left out of the record. What it was
        // meant for is then anybody's guess, and a guess is not granted.
        Some(code) if event.request_parameters.is_none() && needs.iter().any(|need| !need.told) => {
            let reason = format!("{code}, and the record does not tell the resource");
            (Outcome::Inconclusive, reason.into())
        }
        _ if caller.kind == PrincipalKind::Unknown => (Outcome::Inconclusive, "no identity".into()),
        code => (Outcome::Used, code.unwrap_or_default().to_owned().into()),
    }
}

/// Why a record is no API call of somebody's, where it is none.
/// Source: CloudTrail User Guide, "CloudTrail record contents", `eventType` and `eventCategory`.
fn not_an_api_call(event: &Event<'_, '_>) -> Option<&'static str> {
    match (event.event_category, event.event_type) {
        (Some("Insight"), _) | (_, Some("AwsCloudTrailInsight")) => Some("insight"),
        // The VPC endpoint's view of a call that has a record of its own.
        (Some("NetworkActivity"), _) | (_, Some("AwsVpceEvent" | "AwsVpcEvent")) => {
            Some("network-activity")
        }
        (_, Some("AwsServiceEvent")) => Some("service-event"),
        (_, Some("AwsConsoleSignIn")) => Some("sign-in"),
        _ => None,
    }
}

/// Why no identity policy that the account could change decides for such a caller, where none does.
fn not_for_identity_policies(caller: &Principal) -> Option<&'static str> {
    // A service-linked role is a service's own identity: nobody else may use it, and its policy is AWS's.
    // Source: IAM User Guide, "Using service-linked roles".
    if caller.is_service_linked() {
        return Some("service-linked-role");
    }
    match caller.kind {
        PrincipalKind::AwsService => Some("service-identity"),
        PrincipalKind::AwsAccount => Some("other-account"),
        PrincipalKind::SamlUser | PrincipalKind::WebIdentityUser => Some("federation-token"),
        PrincipalKind::IdentityCenterUser => Some("identity-center-token"),
        PrincipalKind::User
        | PrincipalKind::Role
        | PrincipalKind::PermissionSet
        | PrincipalKind::Root
        | PrincipalKind::FederatedUser
        | PrincipalKind::Unknown => None,
    }
}

/// Sorts, and joins the needs of one action that rest on the same thing.
pub(crate) fn tidy(needs: &mut Needs) {
    needs.sort();
    needs.dedup_by(|next, kept| {
        let same =
            next.action == kept.action && next.basis == kept.basis && next.context == kept.context;
        if same {
            kept.resources.append(&mut next.resources);
            kept.told &= next.told;
        }
        same
    });
    for need in needs {
        need.resources.sort();
        need.resources.dedup();
        // `*` beside real ARNs of the same action says no more than the event did: one row of the catalog could not
        // be filled while another was.
        if need.resources.len() > 1 {
            need.resources.retain(|resource| !resource.is_any());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Basis, Need};
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;
    use crate::usage::context::{ContextKey, ContextKeys};

    #[test]
    fn what_a_log_may_make_long_is_counted() {
        let long = "x".repeat(10_000);
        let need = Need {
            action: Action::known("kms:Decrypt"),
            resources: [ResourceArn::from_pattern(long.as_str())].into(),
            basis: Basis::Event,
            context: ContextKeys::default().with(ContextKey::ViaService, long.as_str()),
            told: true,
        };
        assert!(need.size() > 2 * long.len());
    }
}
