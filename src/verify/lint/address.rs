//! Addresses and ranges of addresses in conditions.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::verify::condition::Network;
use crate::verify::lint::Findings;
use crate::verify::lint::checks;
use crate::verify::lint::grammar::Condition;
use crate::verify::lint::pattern::has_variable;
use crate::verify::operator::{Operator, Test};

/// Sections "Type mismatch IP range", which was a general warning in 2023 and is an error now, and "Improve IP range".
pub(crate) fn check(operator: Operator, condition: &Condition<'_>, found: &mut Findings) {
    if operator.test != Test::IpAddress {
        return;
    }
    let mut networks = Vec::new();
    for value in &condition.values {
        let text = value.text;
        if has_variable(text) {
            continue;
        }
        let Some(network) = Network::parse(text) else {
            found.add(
                checks::TYPE_MISMATCH_IP_RANGE,
                &value.spot,
                format!(
                    "`{text}` under `{}` is no address and no range",
                    condition.operator
                ),
                "Write it like `203.0.113.0/24`.",
            );
            continue;
        };
        let first = first(network);
        if first != network.address {
            found.add(
                checks::IMPROVE_IP_RANGE,
                &value.spot,
                format!("only the first {} bits of `{text}` count", network.bits),
                format!("Write `{first}/{}`.", network.bits),
            );
        }
        networks.push((network, value));
    }
    if condition.key.eq_ignore_ascii_case("aws:SourceIp") {
        let networks: Vec<Network> = networks.into_iter().map(|(network, _)| network).collect();
        private(operator, condition, &networks, found);
    }
}

/// Sections "Private IP address", "Private NotIpAddress" and their subsets.
fn private(
    operator: Operator,
    condition: &Condition<'_>,
    networks: &[Network],
    found: &mut Findings,
) {
    let count = networks
        .iter()
        .filter(|network| is_private(**network))
        .count();
    if count == 0 {
        return;
    }
    let all = count == networks.len();
    let check = match (all, operator.negated) {
        (true, false) => checks::PRIVATE_IP_ADDRESS,
        (true, true) => checks::PRIVATE_NOT_IP_ADDRESS,
        (false, false) => checks::PRIVATE_IP_ADDRESS_SUBSET,
        (false, true) => checks::PRIVATE_NOT_IP_ADDRESS_SUBSET,
    };
    let which = match all {
        true => "all addresses are private".to_owned(),
        false => format!("{count} of {} addresses are private", networks.len()),
    };
    found.add(
        check,
        &condition.spot,
        format!("{which}, and `aws:SourceIp` is a public address or missing"),
        "Write public addresses; for requests through a VPC endpoint, use `aws:VpcSourceIp`.",
    );
}

/// Whether no request comes from outside with such an address.
/// Source: RFC 6890, section 2.2: private use, loopback, link-local, unique-local.
fn is_private(network: Network) -> bool {
    let blocks = [
        (IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)), 8),
        (IpAddr::V4(Ipv4Addr::new(172, 16, 0, 0)), 12),
        (IpAddr::V4(Ipv4Addr::new(192, 168, 0, 0)), 16),
        (IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8),
        (IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), 16),
        (IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
        (IpAddr::V6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0)), 7),
        (IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), 10),
    ];
    let within = |(address, bits)| {
        network.bits >= bits && Network { address, bits }.contains(network.address)
    };
    blocks.into_iter().any(within)
}

/// The first address of the range.
fn first(network: Network) -> IpAddr {
    match network.address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - network.bits).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - network.bits).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}
