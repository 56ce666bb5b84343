//! `Resource` and `NotResource`: can there be such an ARN?

use crate::catalog::arn;
use crate::iam::arn::ArnParts;
use crate::verify::lint::checks::{self, Check};
use crate::verify::lint::grammar::{Entry, Policy};
use crate::verify::lint::pattern::{self, has_wildcard, is_plain};
use crate::verify::lint::{Findings, action};

pub(crate) fn check(policy: &Policy<'_>, found: &mut Findings) {
    let lists = policy.statements.iter().flat_map(|s| &s.resources);
    for entry in lists.flat_map(|list| &list.entries) {
        check_entry(entry, found);
    }
}

/// Sections "Invalid ARN prefix", "Missing ARN field", and those of the fields.
fn check_entry(entry: &Entry<'_>, found: &mut Findings) {
    let mut say = |check: &'static Check, message: String, fix: &str| {
        found.add(check, &entry.spot, message, fix);
    };
    let text = entry.text;
    if !text.is_empty() && text.bytes().all(|b| b == b'*') {
        return;
    }
    if !text.starts_with("arn:") {
        let message = format!("`{text}` is neither `*` nor an ARN");
        return say(
            checks::INVALID_ARN_PREFIX,
            message,
            "Write `*`, or an ARN, which begins with `arn:`.",
        );
    }
    let &[_, partition, service, region, account, resource] = &pattern::fields(text)[..] else {
        let message = format!("`{text}` has fewer than six fields");
        let fix = "Write `arn:partition:service:region:account:resource`; fields may be empty.";
        return say(checks::MISSING_ARN_FIELD, message, fix);
    };
    let own = ArnParts {
        partition,
        service,
        region,
        account,
        resource,
    };
    if is_plain(partition) && !arn::is_partition(partition) {
        let message = format!("there is no partition `{partition}`");
        let fix = "Write `aws`, `aws-cn`, `aws-us-gov` or another partition.";
        say(checks::INVALID_PARTITION, message, fix);
    }
    if service.contains(|c: char| c.is_ascii_uppercase()) {
        let message = format!("the service `{service}` has capital letters");
        let fix = "Write it in small letters.";
        return say(checks::INVALID_ARN_SERVICE_CASE, message, fix);
    }
    if has_wildcard(service) {
        return action::wildcard_service(service, entry, found);
    }
    if !is_plain(service) {
        return;
    }
    let mut formats = arn::formats(service).peekable();
    if formats.peek().is_none() {
        if !pattern::is_service(service) {
            let message = format!("no service has ARNs with `{service}`");
            let fix = "Write the ARN as the Service Authorization Reference has it.";
            say(checks::INVALID_SERVICE, message, fix);
        }
        return;
    }
    let glob = pattern::glob(resource);
    let formats: Vec<_> = formats
        .filter(|format| pattern::format_glob(format.resource).meets(&glob))
        .collect();
    if formats.is_empty() {
        let message =
            format!("no resource type of `{service}` has an ARN that ends in `{resource}`");
        let fix = "Write it like one of the service's ARN formats in the Service Authorization Reference.";
        return say(checks::INVALID_ARN_RESOURCE, message, fix);
    }
    check_region(own, &formats, entry, found);
    check_account(own, &formats, entry, found);
}

/// Sections "Invalid ARN Region", "ARN Region not allowed", "Missing ARN Region".
fn check_region(
    own: ArnParts<'_>,
    formats: &[ArnParts<'_>],
    entry: &Entry<'_>,
    found: &mut Findings,
) {
    let ArnParts {
        partition,
        service,
        region,
        ..
    } = own;
    let mut say = |check, message: String, fix: &str| found.add(check, &entry.spot, message, fix);
    if region.is_empty() {
        if formats.iter().all(|format| !format.region.is_empty()) {
            let message = format!("the ARN names no Region, and all of `{service}` like it do");
            say(
                checks::MISSING_ARN_REGION,
                message,
                "Write the Region, or `*`.",
            );
        }
    } else if !is_plain(region) {
        // A star takes an empty Region too.
    } else if formats.iter().all(|format| format.region.is_empty()) {
        let message =
            format!("the ARN names the Region `{region}`, and none of `{service}` like it does");
        say(
            checks::ARN_REGION_NOT_ALLOWED,
            message,
            "Leave the Region empty.",
        );
    } else if !formats.iter().any(|format| format.region == region) {
        let message = match arn::partition(region) {
            None => format!("there is no Region `{region}`"),
            Some(of) if is_plain(partition) && of != partition => {
                format!("the Region `{region}` is of the partition `{of}`, not `{partition}`")
            }
            Some(_) => return,
        };
        say(
            checks::INVALID_ARN_REGION,
            message,
            "Write a Region of the partition.",
        );
    }
}

/// Sections "Invalid ARN account", "ARN account not allowed", "Missing ARN account".
fn check_account(
    own: ArnParts<'_>,
    formats: &[ArnParts<'_>],
    entry: &Entry<'_>,
    found: &mut Findings,
) {
    let ArnParts {
        service, account, ..
    } = own;
    let mut say = |check, message: String, fix: &str| found.add(check, &entry.spot, message, fix);
    // Managed policies of AWS have `aws` in the place of the account, which their format does not tell.
    // Source: IAM User Guide, "IAM identifiers", "IAM ARNs".
    let managed = service == "iam" && account == "aws";
    if account.is_empty() {
        if formats.iter().all(|format| !format.account.is_empty()) {
            let message = format!("the ARN names no account, and all of `{service}` like it do");
            say(
                checks::MISSING_ARN_ACCOUNT,
                message,
                "Write the account, or `*`.",
            );
        }
    } else if !is_plain(account) || managed || formats.iter().any(|f| f.account == account) {
        // A star takes an empty account too.
    } else if formats.iter().all(|format| format.account.is_empty()) {
        let message =
            format!("the ARN names the account `{account}`, and none of `{service}` like it does");
        say(
            checks::ARN_ACCOUNT_NOT_ALLOWED,
            message,
            "Leave the account empty.",
        );
    } else if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
        let message = format!("the account `{account}` is not twelve digits");
        say(
            checks::INVALID_ARN_ACCOUNT,
            message,
            "Write the account's twelve digits.",
        );
    }
}
