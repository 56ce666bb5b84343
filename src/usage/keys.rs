//! The condition keys that a record tells of its needs.
//!
//! Most tell of forwarded calls: what a service did with the credentials of whoever called it. They are the caller's needs,
//! and a condition would hold them to that service.

use crate::catalog::forwarding;
use crate::catalog::service;
use crate::cloudtrail::event::Event;
use crate::usage::context::ContextKey;
use crate::usage::resolve::Need;
use crate::usage::resource::Request;

/// Adds to each of `needs` the condition keys that tell of the service that forwarded the call, if one did, and of the one
/// that a service-linked role is for.
///
/// The record does not tell a forwarded call from one that the service made as a role it was given (a service role),
/// which carries `invokedBy` too and none of the keys; see [`crate::generate::conditions::offers`].
pub fn add(event: &Event<'_, '_>, request: &Request<'_, '_, '_>, needs: &mut [Need]) {
    let links = |need: &Need| need.action.as_str() == "iam:CreateServiceLinkedRole";
    if needs.iter().any(links) {
        let named = request.parameters.at("aWSServiceName");
        let linked = needs.iter_mut().filter(|need| links(need));
        for (need, service) in linked.zip(named) {
            let keys = std::mem::take(&mut need.context);
            need.context = keys.with(ContextKey::AwsServiceName, service);
        }
    }
    let Some(via) = service_of(event.event_source, event.user_identity.invoked_by) else {
        return;
    };
    let forwarding = forwarding::find(via);
    for need in needs {
        let mut keys = std::mem::take(&mut need.context);
        keys = keys.with(ContextKey::ViaAwsService, "true");
        if forwarding.called_via {
            keys = keys.with(ContextKey::CalledVia, via);
        }
        if need.action.service() == "kms"
            && let (false, Some(region)) = (forwarding.kms_name.is_empty(), event.aws_region)
        {
            let name = format!("{}.{region}.amazonaws.com", forwarding.kms_name);
            keys = keys.with(ContextKey::ViaService, name);
        }
        need.context = keys;
    }
}

/// The longest name that DNS has (RFC 1035). What a ledger keeps for each fact must not be of any length.
const MAX_NAME: usize = 253;

/// The service that forwarded a call to `source`. `signin.amazonaws.com` is the console, which forwards nothing, `AWS Internal`
/// names nobody, and a service that calls itself has only taken a request in two steps.
#[must_use]
pub fn service_of<'a>(source: Option<&str>, invoked_by: Option<&'a str>) -> Option<&'a str> {
    let via = invoked_by.filter(|via| via.len() <= MAX_NAME)?;
    let named = via.ends_with(".amazonaws.com") && via != "signin.amazonaws.com";
    let own = service::label(source?) == service::label(via);
    (named && !own).then_some(via)
}
