//! An event → who needed what, or the reason why nobody needed anything.

use std::borrow::Cow;

use crate::catalog::errors::{self, ErrorClass};
use crate::catalog::operation::Operation;
use crate::cloudtrail::event::Event;
use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;
use crate::iam::principal::PrincipalKind;
use crate::usage::denial::{self, Denial};
use crate::usage::identity::{self, Caller};
use crate::usage::memo::Memo;
use crate::usage::passrole::{self, Passed};
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

/// One action that the call needed, on each of `resources`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// The action.
    pub action: Action,
    /// Sorted and distinct; `*` alone where the action takes no resource.
    pub resources: Vec<ResourceArn>,
    /// Where this was read from.
    pub basis: Basis,
    /// Whether the record tells the resources; not where a `*` stands in an ARN for what the request left out or the
    /// record does.
    pub told: bool,
}

/// What one event means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Who called.
    pub caller: Caller,
    /// What became of it.
    pub outcome: Outcome,
    /// Why that outcome: a short fixed name such as `service-event`, the error code, or the call that is unmapped.
    pub reason: Cow<'static, str>,
    /// What the call needed; given for denied and inconclusive calls too. Sorted by action.
    pub needs: Vec<Need>,
    /// The instance profiles that were handed over, by name. The role in each is for the ledger to find.
    pub profiles: Vec<String>,
    /// What the record does not show, in words for a person.
    pub notes: Vec<String>,
}

/// What `event` means for its caller. `memo` only saves time.
#[must_use]
pub fn resolve(event: &Event<'_, '_>, memo: &mut Memo) -> Resolved {
    let caller = identity::caller(&event.user_identity);
    let (outcome, reason, needs, passed) = decide(event, &caller, memo);
    let Passed {
        profiles,
        mut notes,
    } = passed;
    if outcome == Outcome::Used && event.request_parameters.is_none() {
        notes.extend(needs.iter().filter(|need| !need.told).map(untold));
    }
    Resolved {
        profiles,
        caller,
        outcome,
        reason,
        needs,
        notes,
    }
}

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

type Decided = (Outcome, Cow<'static, str>, Vec<Need>, Passed);

fn decide(event: &Event<'_, '_>, caller: &Caller, memo: &mut Memo) -> Decided {
    let without =
        |outcome, reason: Cow<'static, str>| (outcome, reason, Vec::new(), Passed::default());
    if let Some(reason) = not_an_api_call(event) {
        return without(Outcome::Ignored, reason.into());
    }
    let (Some(source), Some(name)) = (event.event_source, event.event_name) else {
        return without(Outcome::Malformed, "no eventSource or eventName".into());
    };
    if let Some(reason) = not_for_identity_policies(caller.principal.kind) {
        return without(Outcome::Ignored, reason.into());
    }

    let call = memo.call(source, name);
    if let Operation::NoPermission { reason } = call.operation {
        return without(Outcome::Ignored, reason.into());
    }
    let error = event.error_code.map(|code| memo.error(code));
    let denial = denial::read(event, error);
    let request = Request::of(event, &caller.principal);
    let mut passed = Passed::default();
    let mut needs = match &call.operation {
        Operation::Needs(rows) => {
            let mut needs = request.needs(rows);
            passrole::infer(call.pass_role, &request, rows, &mut needs, &mut passed);
            needs
        }
        Operation::Unknown | Operation::NoPermission { .. } => Vec::new(),
    };
    if let Some(denial) = &denial {
        denial.correct(&mut needs);
    }
    tidy(&mut needs);

    match (denial, event.error_code) {
        (Some(denial), _) => (Outcome::Denied, denial.reason, needs, passed),
        // An action is never invented for a call that the catalog does not know.
        (None, _) if needs.is_empty() => (
            Outcome::Unmapped,
            format!("{source}:{name}").into(),
            needs,
            passed,
        ),
        (None, Some(code)) if proves_nothing(code, error, event.error_message) => {
            (Outcome::Inconclusive, code.to_owned().into(), needs, passed)
        }
        // The parameters of a call that was cut short, by throttling say, are often left out of the record. What it was
        // meant for is then anybody's guess, and a guess is not granted.
        (None, Some(code))
            if event.request_parameters.is_none() && needs.iter().any(|need| !need.told) =>
        {
            let reason = format!("{code}, and the record does not tell the resource");
            (Outcome::Inconclusive, reason.into(), needs, passed)
        }
        (None, _) if caller.principal.kind == PrincipalKind::Unknown => {
            (Outcome::Inconclusive, "no identity".into(), needs, passed)
        }
        (None, Some(code)) => (Outcome::Used, code.to_owned().into(), needs, passed),
        (None, None) => (Outcome::Used, "".into(), needs, passed),
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

/// Why no identity policy of the account decides for such a caller, where none does.
fn not_for_identity_policies(kind: PrincipalKind) -> Option<&'static str> {
    match kind {
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
fn tidy(needs: &mut Vec<Need>) {
    needs.sort();
    needs.dedup_by(|next, kept| {
        let same = next.action == kept.action && next.basis == kept.basis;
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

impl Denial {
    /// Puts what the message says in the place of what the tables say: AWS knows best what it refused.
    fn correct(&self, needs: &mut Vec<Need>) {
        let Some(action) = &self.action else { return };
        let by_tables = needs.iter().filter(|need| need.action == *action);
        let resources: Vec<ResourceArn> = match &self.resource {
            Some(resource) => vec![resource.clone()],
            None => by_tables.flat_map(|need| need.resources.clone()).collect(),
        };
        let resources = match resources.is_empty() {
            true => vec![ResourceArn::any()],
            false => resources,
        };
        needs.retain(|need| need.action != *action);
        needs.push(Need {
            action: action.clone(),
            resources,
            basis: Basis::DeniedMessage,
            told: self.resource.is_some(),
        });
    }
}
