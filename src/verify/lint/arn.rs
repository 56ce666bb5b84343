//! `Resource` and `NotResource`: can there be such an ARN?

use crate::catalog::arn;
use crate::iam::arn::ArnParts;
use crate::verify::lint::checks::{self, Check};
use crate::verify::lint::grammar::{Entry, Policy};
use crate::verify::lint::lookup::Lookup;
use crate::verify::lint::pattern::{self, has_wildcard, is_plain};
use crate::verify::lint::{Findings, action};

pub(crate) fn check<'n>(policy: &Policy<'n>, lookup: &mut Lookup<'n>, found: &mut Findings) {
    let lists = policy.statements.iter().flat_map(|s| &s.resources);
    for entry in lists.flat_map(|list| &list.entries) {
        check_entry(entry, lookup, found);
    }
}

/// Sections "Invalid ARN prefix", "Missing ARN field", and those of the fields.
fn check_entry<'n>(entry: &Entry<'n>, lookup: &mut Lookup<'n>, found: &mut Findings) {
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
    let formats = lookup.arns(service);
    if formats.is_empty() && !pattern::is_service(service) {
        let message = format!("no service has ARNs with `{service}`");
        let fix = "Write the ARN as the Service Authorization Reference has it.";
        say(checks::INVALID_SERVICE, message, fix);
    }
    let glob = pattern::glob(resource);
    let mut fits = |format: &'static str| lookup.fits(format, resource, &glob);
    let is_other = more_formats(service).any(&mut fits);
    let fitting: Vec<_> = match is_other {
        true => Vec::new(),
        false => {
            let each = formats.iter().copied();
            each.filter(|format| fits(format.resource)).collect()
        }
    };
    if lookup.is_spent() {
        return;
    }
    if fitting.is_empty() && !is_other && !formats.is_empty() {
        unknown_resource(own, &formats, entry, found);
    }
    check_region(own, &fitting, entry, found);
    check_account(own, &fitting, entry, found);
}

/// ARNs that the Service Authorization Reference has no resource type for, or of another form, by the service in them.
fn more_formats(service: &str) -> impl Iterator<Item = &'static str> {
    let of_service =
        move |(of, _, format): (&str, &str, &'static str)| (of == service).then_some(format);
    FORMATS.into_iter().filter_map(of_service)
}

/// Those of them that are of this resource type of the service.
pub(crate) fn more_formats_of(service: &str, kind: &str) -> impl Iterator<Item = &'static str> {
    let of_type = move |(of, own, format)| (of == service && own == kind).then_some(format);
    FORMATS.into_iter().filter_map(of_type)
}

/// Service, resource type (none, where it is of no type of the service) and format; each with the managed policy of AWS's that
/// has such an ARN, or the page.
const FORMATS: [(&str, &str, &str); 5] = [
    // AWSConfigServiceRolePolicy: any path of the control plane.
    ("apigateway", "", "/${Path}"),
    // AWSBackupSearchOperatorAccess; the reference names it by the service that was backed up.
    ("backup", "", "recovery-point:${Id}"),
    // AWSCodeStarServiceRole.
    ("cloudformation", "", "transform/${Name}"),
    // The reference; our tables have `:*` behind the name, as most calls are checked so.
    ("logs", "log-group", "log-group:${Name}"),
    // AmazonCloudWatchRUMFullAccess: all groups, by none of their names.
    ("logs", "", "log-group::log-stream:${Name}"),
];

/// Section "Invalid ARN resource", where the type is known but for its spelling. The tables have not all ARNs that IAM asks
/// for: AmazonSageMakerHyperPodObservabilityAdminAccess has `/workspaces` of two services, say. So what is not known is no error.
fn unknown_resource(
    own: ArnParts<'_>,
    formats: &[ArnParts<'_>],
    entry: &Entry<'_>,
    found: &mut Findings,
) {
    let ArnParts {
        service, resource, ..
    } = own;
    let word = |text: &str| {
        let end = text.find([':', '/', '*', '?', '$']).unwrap_or(text.len());
        let letters = text[..end].chars().filter(char::is_ascii_alphanumeric);
        letters.collect::<String>().to_ascii_lowercase()
    };
    let head = |text: &str| text.split([':', '/']).next().unwrap_or("").to_owned();
    let (own_word, own_head) = (word(resource), head(resource));
    let alike = |format: &&ArnParts<'_>| !own_word.is_empty() && word(format.resource) == own_word;
    let spelt = formats
        .iter()
        .any(|format| head(format.resource) == own_head);
    match formats.iter().find(alike).filter(|_| !spelt && resource.contains([':', '/'])) {
        Some(format) => found.add(
            checks::INVALID_ARN_RESOURCE,
            &entry.spot,
            format!("no ARN of `{service}` ends in `{resource}`"),
            format!("Write it like `{}`.", format.resource),
        ),
        None => found.add(
            checks::UNKNOWN_ARN_RESOURCE,
            &entry.spot,
            format!("no resource type of `{service}` is known to have an ARN that ends in `{resource}`"),
            "Write it like one of the service's ARN formats in the Service Authorization Reference.",
        ),
    }
}

/// Whether there are formats, and it is so of each. Without one, an ARN is judged by itself.
fn all(formats: &[ArnParts<'_>], is_so: impl Fn(&ArnParts<'_>) -> bool) -> bool {
    !formats.is_empty() && formats.iter().all(is_so)
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
        if all(formats, |format| !format.region.is_empty()) {
            let message = format!("the ARN names no Region, and all of `{service}` like it do");
            say(
                checks::MISSING_ARN_REGION,
                message,
                "Write the Region, or `*`.",
            );
        }
    } else if !is_plain(region) {
        // A star takes an empty Region too.
    } else if all(formats, |format| format.region.is_empty()) {
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
    // What belongs to AWS has `aws` in the place of the account or, of these services, nothing; formats do not tell. So it
    // is in AWS's managed policies (AmazonBedrockFullAccess, AWSElasticDisasterRecoveryLaunchActionsPolicy, CloudWatchFullAccessV2).
    let shared = ["ssm", "resource-explorer-2"].contains(&service);
    if account.is_empty() {
        if !shared && all(formats, |format| !format.account.is_empty()) {
            let message = format!("the ARN names no account, and all of `{service}` like it do");
            say(
                checks::MISSING_ARN_ACCOUNT,
                message,
                "Write the account, or `*`.",
            );
        }
    } else if !is_plain(account) || account == "aws" || formats.iter().any(|f| f.account == account)
    {
        // A star takes an empty account too.
    } else if all(formats, |format| format.account.is_empty()) {
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
