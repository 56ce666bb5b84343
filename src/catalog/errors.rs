//! What an error code says about authorisation.

use crate::catalog::table::{Key, Table, columns};

/// Kept by hand; every row has its reason. Sorted, so that an exact code is a binary search; the few globs are tried in
/// turn.
const ERRORS: Table = Table(include_str!("../../mappings/overrides/errors.tsv"));

/// Whether a call that failed had passed authorisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorClass {
    /// Authorisation refused it.
    Denied,
    /// It failed before authorisation, or the code does not tell.
    Inconclusive,
    /// Authorisation was passed, and something else failed.
    Used,
    /// No row names the code. Most errors of a service come after authorisation, so such a call counts as used, unless its
    /// message says that it was refused.
    Unlisted,
}

/// The class of a non-empty `errorCode`, and why.
#[must_use]
pub fn class(code: &str) -> (ErrorClass, &'static str) {
    // EC2 and a few others say whose fault it was first. Source: EC2 API Reference, "Error codes".
    let plain = ["Client.", "Server."]
        .iter()
        .find_map(|side| code.strip_prefix(side))
        .unwrap_or(code);
    let exact = ERRORS.row(Key::Whole(plain)).map(columns);
    let row = exact.or_else(|| {
        ERRORS
            .all()
            .map(columns::<3>)
            .filter(|[glob, ..]| matches(glob, plain))
            .max_by_key(|[glob, ..]| glob.len())
    });
    match row {
        Some([_, "denied", reason]) => (ErrorClass::Denied, reason),
        Some([_, "inconclusive", reason]) => (ErrorClass::Inconclusive, reason),
        Some([_, _, reason]) => (ErrorClass::Used, reason),
        None => (
            ErrorClass::Unlisted,
            "an error of the service itself, which comes after authorisation",
        ),
    }
}

/// Whether the message of an error that speaks of the request's form really speaks of the state of things, which is looked
/// at after authorisation. CloudFormation answers `ValidationException` (`ValidationError` to the caller) for a stack that
/// does not exist and for an update without changes.
/// Source: CloudFormation API Reference, DescribeStacks and UpdateStack, "Errors".
#[must_use]
pub fn tells_state(code: &str, message: &str) -> bool {
    matches!(code, "ValidationException" | "ValidationError")
        && [
            "does not exist",
            "already exists",
            "No updates are to be performed",
        ]
        .iter()
        .any(|words| message.contains(words))
}

/// Whether `glob`, with a `*` at its start, its end or both, matches `code` in any letter case. Without a `*` it is no
/// glob and matches nothing here.
fn matches(glob: &str, code: &str) -> bool {
    let (open_start, open_end) = (glob.starts_with('*'), glob.ends_with('*'));
    let word = glob.trim_matches('*').as_bytes();
    let code = code.as_bytes();
    let same = |part: &[u8]| part.eq_ignore_ascii_case(word);
    match (open_start, open_end) {
        (true, true) => code.windows(word.len().max(1)).any(same),
        (true, false) => code.len() >= word.len() && same(&code[code.len() - word.len()..]),
        (false, true) => code.len() >= word.len() && same(&code[..word.len()]),
        (false, false) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{ERRORS, ErrorClass, class, matches};
    use crate::catalog::table::columns;

    #[test]
    fn class_of_the_codes_that_logs_have() {
        for (code, expected) in [
            ("AccessDenied", ErrorClass::Denied),
            ("AccessDeniedException", ErrorClass::Denied),
            ("Client.UnauthorizedOperation", ErrorClass::Denied),
            ("UnauthorizedAccess", ErrorClass::Denied),
            ("NotAuthorized", ErrorClass::Denied),
            ("ForbiddenException", ErrorClass::Denied),
            ("AuthorizationError", ErrorClass::Denied),
            ("VpceAccessDenied", ErrorClass::Denied),
            ("403", ErrorClass::Denied),
            ("AccessForbidden", ErrorClass::Denied),
            ("NoSuchBucket", ErrorClass::Inconclusive),
            ("301", ErrorClass::Inconclusive),
            ("307", ErrorClass::Inconclusive),
            ("BlockedException", ErrorClass::Inconclusive),
            ("RequestTimeout", ErrorClass::Inconclusive),
            ("InvalidHostHeader", ErrorClass::Inconclusive),
            (
                "AuthorizationQueryParametersError",
                ErrorClass::Inconclusive,
            ),
            ("XAmzContentSHA256Mismatch", ErrorClass::Inconclusive),
            (
                "IllegalLocationConstraintException",
                ErrorClass::Inconclusive,
            ),
            (
                "Client.InvalidInstanceID.Malformed",
                ErrorClass::Inconclusive,
            ),
            ("Client.InvalidInstanceID.NotFound", ErrorClass::Used),
            ("ValidationException", ErrorClass::Inconclusive),
            ("MalformedPolicyDocument", ErrorClass::Inconclusive),
            (
                "Client.InvalidSnapshotID.Malformed",
                ErrorClass::Inconclusive,
            ),
            ("Client.InvalidParameterValue", ErrorClass::Inconclusive),
            ("ExpiredTokenException", ErrorClass::Inconclusive),
            ("Client.AuthFailure", ErrorClass::Inconclusive),
            ("Server.InternalError", ErrorClass::Inconclusive),
            ("ThrottlingException", ErrorClass::Used),
            ("Client.RequestLimitExceeded", ErrorClass::Used),
            ("Client.DryRunOperation", ErrorClass::Used),
            ("NoSuchBucketPolicy", ErrorClass::Used),
            ("NoSuchEntityException", ErrorClass::Used),
            ("Client.InvalidVpcID.NotFound", ErrorClass::Used),
            ("ReplicationConfigurationNotFoundError", ErrorClass::Used),
            ("ResourceNotFoundException", ErrorClass::Used),
            ("Client.VpcLimitExceeded", ErrorClass::Used),
            ("BucketNotEmpty", ErrorClass::Used),
            ("EntityAlreadyExistsException", ErrorClass::Used),
            ("SomethingOfTheService", ErrorClass::Unlisted),
        ] {
            let (found, reason) = class(code);
            assert_eq!(found, expected, "{code}: {reason}");
            assert!(!reason.is_empty());
        }
    }

    #[test]
    fn matches_takes_stars_at_the_ends() {
        for (glob, code, expected) in [
            ("*Throttl*", "RequestThrottled", true),
            ("Throttl*", "RequestThrottled", false),
            ("*Found", "NotFound", true),
            ("*Found", "NotFoundException", false),
            ("NotFound", "NotFound", false),
        ] {
            assert_eq!(matches(glob, code), expected, "{glob} {code}");
        }
    }

    #[test]
    fn every_row_is_sorted_complete_and_of_a_class() {
        let keys: Vec<_> = ERRORS
            .all()
            .map(|line| columns::<1>(line)[0].to_ascii_lowercase())
            .collect();
        assert!(
            keys.windows(2).all(|pair| pair[0] < pair[1]),
            "sorted, each code once"
        );
        for line in ERRORS.all() {
            let [_, class, reason] = columns(line);
            assert!(
                ["denied", "inconclusive", "used"].contains(&class) && !reason.is_empty(),
                "{line}"
            );
        }
    }
}
