//! Services that call others with the credentials of whoever called them: which condition keys such calls carry.

use crate::catalog::service;
use crate::catalog::table::{Key, Table, columns};

/// By hand, from AWS's lists of the services that support each key.
const FORWARDING: Table = Table(include_str!("../../mappings/overrides/forwarding.tsv"));

/// What the forwarded calls of a service carry, beside `aws:ViaAWSService`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forwarding {
    /// Whether they carry `aws:CalledVia`.
    pub called_via: bool,
    /// The service's name in `kms:ViaService`, before `.REGION.amazonaws.com`; empty where it is not known to have one.
    pub kms_name: &'static str,
}

/// What calls carry that `service` (`dynamodb.amazonaws.com`) forwarded.
#[must_use]
pub fn find(service: &str) -> Forwarding {
    let row = FORWARDING.row(Key::Whole(service::label(service)));
    row.map_or_else(Forwarding::default, |line| {
        let [_, called_via, kms_name] = columns(line);
        Forwarding {
            called_via: !called_via.is_empty(),
            kms_name,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{FORWARDING, Forwarding, find};
    use crate::catalog::table::columns;

    #[test]
    fn services_carry_what_aws_lists() {
        for (service, called_via, kms_name) in [
            ("dynamodb.amazonaws.com", true, "dynamodb"),
            ("cloudformation.amazonaws.com", true, ""),
            ("secretsmanager.amazonaws.com", false, "secretsmanager"),
            ("signin.amazonaws.com", false, ""),
            ("", false, ""),
        ] {
            let expected = Forwarding {
                called_via,
                kms_name,
            };
            assert_eq!(find(service), expected, "{service}");
        }
    }

    #[test]
    fn every_row_says_something_and_why() {
        for line in FORWARDING.all() {
            let [_, called_via, kms_name, reason] = columns(line);
            let says = !called_via.is_empty() || !kms_name.is_empty();
            assert!(says && reason.len() > 20, "{line}");
        }
    }
}
