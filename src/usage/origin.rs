//! Where calls came from: the Region they were made in, the kind of network, the service that forwarded them.

use std::collections::BTreeSet;
use std::fmt;

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::cloudtrail::event::Event;
use crate::usage::keys;

/// The most Regions that are kept for one fact, the first in order. AWS has fewer.
const MAX_REGIONS: usize = 64;

/// The most services that are kept for one fact as those that forwarded its calls, likewise.
pub(crate) const MAX_VIA: usize = 32;

/// The name of a Region, held in place. Of a longer text than any Region has, its beginning.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region {
    bytes: [u8; Region::MAX],
    length: u8,
}

impl Region {
    /// The longest name that is held whole, in bytes. Those of today's Regions have 15 at most.
    pub const MAX: usize = 23;

    /// The name; empty where a record tells none.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // What is held in place was a text.
        std::str::from_utf8(&self.bytes[..self.length.into()]).unwrap_or_default()
    }
}

impl From<&str> for Region {
    fn from(name: &str) -> Self {
        let mut length = name.len().min(Self::MAX);
        while !name.is_char_boundary(length) {
            length -= 1;
        }
        let mut bytes = [0; Self::MAX];
        bytes[..length].copy_from_slice(&name.as_bytes()[..length]);
        Self {
            bytes,
            length: length as u8,
        }
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// The Regions that calls were made in, and how many in each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Regions(Vec<(Region, u64)>);

impl Regions {
    /// Counts calls in `region`; those without one in none.
    pub fn count(&mut self, region: Region, calls: u64) {
        if region.length == 0 {
            return;
        }
        match self.0.binary_search_by_key(&region, |(region, _)| *region) {
            Ok(at) => self.0[at].1 += calls,
            Err(at) => {
                // Most facts have one, so that no room is held for more.
                self.0.reserve_exact(1);
                self.0.insert(at, (region, calls));
                self.0.truncate(MAX_REGIONS);
            }
        }
    }

    /// Adds `other`'s calls. Commutative and associative.
    pub fn absorb(&mut self, other: Self) {
        if self.0.is_empty() {
            *self = other;
            return;
        }
        for (region, calls) in other.0 {
            self.count(region, calls);
        }
    }

    /// The Regions, sorted, with the number of calls in each.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0
            .iter()
            .map(|(region, calls)| (region.as_str(), *calls))
    }
}

/// The kind of network that a call came from, by `sourceIPAddress` and `vpcEndpointId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Network {
    /// A service of AWS: its DNS name stands in the place of the address, or `AWS Internal`.
    AwsService,
    /// A VPC endpoint.
    VpcEndpoint,
    /// An address that is not routed in the internet: of a private or shared network, link-local, loopback.
    Private,
    /// Any other address.
    Public,
    /// The record tells none.
    Unknown,
}

impl Network {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::AwsService,
        Self::VpcEndpoint,
        Self::Private,
        Self::Public,
        Self::Unknown,
    ];

    /// The name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AwsService => "aws-service",
            Self::VpcEndpoint => "vpc-endpoint",
            Self::Private => "private",
            Self::Public => "public",
            Self::Unknown => "unknown",
        }
    }

    /// The network of a call with this `sourceIPAddress`, through a VPC endpoint or not. Looks at the address' first bytes
    /// only: what begins like an address is taken for one.
    #[must_use]
    pub fn of(address: Option<&str>, through_endpoint: bool) -> Self {
        if through_endpoint {
            return Self::VpcEndpoint;
        }
        let bytes = address.unwrap_or_default().as_bytes();
        match bytes {
            [b'0'..=b'9', ..] => match is_private_v4(bytes) {
                true => Self::Private,
                false => Self::Public,
            },
            [] => Self::Unknown,
            _ if bytes.iter().take(5).any(|&byte| byte == b':') => match is_private_v6(bytes) {
                true => Self::Private,
                false => Self::Public,
            },
            // Source: CloudTrail User Guide, "CloudTrail record contents", `sourceIPAddress`.
            b"AWS Internal" => Self::AwsService,
            _ if bytes.ends_with(b".amazonaws.com") || bytes.ends_with(b".amazonaws.com.cn") => {
                Self::AwsService
            }
            _ => Self::Unknown,
        }
    }

    /// The network of `event`.
    #[must_use]
    pub fn of_event(event: &Event<'_, '_>) -> Self {
        let endpoint = event.vpc_endpoint_id.is_some_and(|id| !id.is_empty());
        Self::of(event.source_ip_address, endpoint)
    }

    /// `hash`, of something else of an event, with the network as part of what it tells.
    #[must_use]
    pub fn mixed_into(self, hash: u64) -> u64 {
        hash ^ self as u64
    }
}

/// Whether an IPv4 address is private (RFC 1918), shared (RFC 6598), link-local or loopback. One of IPv6 that begins with
/// a digit is not.
fn is_private_v4(bytes: &[u8]) -> bool {
    let two_digits = |range: std::ops::RangeInclusive<u8>, tens: u8, ones: u8| {
        tens.is_ascii_digit()
            && ones.is_ascii_digit()
            && range.contains(&((tens - b'0') * 10 + (ones - b'0')))
    };
    match bytes {
        [b'1', b'0', b'.', ..]
        | [b'1', b'2', b'7', b'.', ..]
        | [b'1', b'9', b'2', b'.', b'1', b'6', b'8', b'.', ..]
        | [b'1', b'6', b'9', b'.', b'2', b'5', b'4', b'.', ..] => true,
        [b'1', b'7', b'2', b'.', tens, ones, b'.', ..] => two_digits(16..=31, *tens, *ones),
        [b'1', b'0', b'0', b'.', tens, ones, b'.', ..] => two_digits(64..=99, *tens, *ones),
        [b'1', b'0', b'0', b'.', b'1', tens, ones, b'.', ..] => two_digits(0..=27, *tens, *ones),
        _ => false,
    }
}

/// Whether an IPv6 address is unique local (RFC 4193), link-local or loopback.
fn is_private_v6(bytes: &[u8]) -> bool {
    let start = [0, 1].map(|at| bytes.get(at).map_or(0, u8::to_ascii_lowercase));
    let link_local = bytes
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"fe80"));
    bytes == b"::1" || link_local || matches!(start, [b'f', b'c' | b'd'])
}

/// A set of kinds of networks.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Networks(u8);

impl Networks {
    /// Adds one.
    #[inline]
    pub fn insert(&mut self, network: Network) {
        self.0 |= 1 << network as u8;
    }

    /// Adds those of `other`.
    pub fn absorb(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Those that are in the set, in their order.
    pub fn iter(self) -> impl Iterator<Item = Network> {
        let all = Network::ALL.into_iter();
        all.filter(move |network| self.0 >> *network as u8 & 1 == 1)
    }
}

impl FromIterator<Network> for Networks {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        let mut set = Self::default();
        networks.into_iter().for_each(|network| set.insert(network));
        set
    }
}

impl fmt::Debug for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Where calls that mean the same came from, as far as that is the same for all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// `awsRegion`
    pub region: Region,
    /// The service that forwarded the call for its caller, if one did, see [`keys::service_of`].
    pub via: Option<Box<str>>,
}

impl Origin {
    /// That of a call of `source` in `region` that is made for `invoked_by`.
    #[must_use]
    pub fn new(region: Option<&str>, source: Option<&str>, invoked_by: Option<&str>) -> Self {
        Self {
            region: region.unwrap_or_default().into(),
            via: keys::service_of(source, invoked_by).map(Box::from),
        }
    }

    /// That of `event`.
    #[must_use]
    pub fn of(event: &Event<'_, '_>) -> Self {
        let invoked_by = event.user_identity.invoked_by;
        Self::new(event.aws_region, event.event_source, invoked_by)
    }

    /// `digest`, of all else that the ledger takes from an event, with this as part of what it tells.
    #[must_use]
    pub fn mixed_into(&self, digest: u128) -> u128 {
        let via = self.via.as_ref().map_or(0, |via| xxh3_64(via.as_bytes()));
        digest ^ xxh3_128(self.region.as_str().as_bytes()) ^ u128::from(via).rotate_left(32)
    }
}

/// Adds the services of `more`, keeping the first [`MAX_VIA`] in order.
pub(crate) fn add_via(via: &mut BTreeSet<Box<str>>, more: impl IntoIterator<Item = Box<str>>) {
    via.extend(more);
    while via.len() > MAX_VIA {
        via.pop_last();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{MAX_REGIONS, Network, Networks, Origin, Region, Regions};

    #[test]
    fn networks_are_told_by_the_address() {
        use Network::{AwsService, Private, Public, Unknown};
        for (address, expected) in [
            ("10.0.0.1", Private),
            ("100.1.2.3", Public),
            ("100.63.0.1", Public),
            ("100.64.0.1", Private),
            ("100.127.0.1", Private),
            ("100.128.0.1", Public),
            ("127.0.0.1", Private),
            ("169.254.0.1", Private),
            ("172.15.0.1", Public),
            ("172.16.0.1", Private),
            ("172.31.255.255", Private),
            ("172.32.0.1", Public),
            ("172.3.0.1", Public),
            ("192.168.1.1", Private),
            ("192.0.2.1", Public),
            ("203.0.113.9", Public),
            ("2001:db8::1", Public),
            ("fd00::1", Private),
            ("FC00::1", Private),
            ("fe80::1", Private),
            ("::1", Private),
            ("::", Public),
            ("f:", Public),
            ("ab:c::1", Public),
            ("AWS Internal", AwsService),
            ("ec2.amazonaws.com", AwsService),
            ("fd.amazonaws.com", AwsService),
            ("s3.cn-north-1.amazonaws.com.cn", AwsService),
            ("amazonaws.com.example", Unknown),
            ("***", Unknown),
            ("", Unknown),
        ] {
            assert_eq!(Network::of(Some(address), false), expected, "{address}");
        }
        assert_eq!(Network::of(None, false), Unknown);
        assert_eq!(Network::of(Some("10.0.0.1"), true), Network::VpcEndpoint);
    }

    #[test]
    fn a_set_of_networks_is_what_was_put_in() {
        for bits in 0..32u8 {
            let chosen = Network::ALL
                .into_iter()
                .filter(|each| bits >> *each as u8 & 1 == 1);
            let chosen: Vec<Network> = chosen.collect();
            let set: Networks = chosen.iter().copied().collect();
            assert_eq!(set.iter().collect::<Vec<_>>(), chosen);
        }
    }

    #[test]
    fn a_region_is_its_name_as_far_as_it_is_held() {
        for (name, held) in [
            ("", ""),
            ("eu-west-1", "eu-west-1"),
            ("abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvw"),
            ("abcdefghijklmnopqrstuvé", "abcdefghijklmnopqrstuv"),
        ] {
            assert_eq!(Region::from(name).as_str(), held);
        }
    }

    #[test]
    fn the_first_regions_are_kept_in_whatever_order_they_come() {
        let names: Vec<String> = (0..MAX_REGIONS + 9).map(|n| format!("r{n:03}")).collect();
        let mut results = BTreeSet::new();
        for start in [0, 7, 40] {
            let (mut one, mut two) = (Regions::default(), Regions::default());
            for at in 0..names.len() {
                let name = names[(start + at) % names.len()].as_str();
                one.count(name.into(), 2);
                two.count(name.into(), 3);
            }
            one.count("".into(), 1);
            one.absorb(two);
            let kept: Vec<(String, u64)> =
                one.iter().map(|(name, n)| (name.to_owned(), n)).collect();
            results.insert(kept);
        }
        let first = names.iter().take(MAX_REGIONS).map(|name| (name.clone(), 5));
        assert_eq!(results, BTreeSet::from([first.collect()]));
    }

    #[test]
    fn origins_are_told_apart() {
        let (s3, stack) = (
            Some("s3.amazonaws.com"),
            Some("cloudformation.amazonaws.com"),
        );
        let all = [
            Origin::new(None, s3, None),
            Origin::new(Some("eu-west-1"), s3, None),
            Origin::new(None, s3, stack),
            Origin::new(Some("eu-west-1"), s3, stack),
        ];
        let digests: BTreeSet<u128> = all.iter().map(|origin| origin.mixed_into(1)).collect();
        assert_eq!(digests.len(), all.len());
        // Which forward nothing.
        for nobody in [Some("signin.amazonaws.com"), Some("AWS Internal"), s3] {
            assert_eq!(Origin::new(None, s3, nobody), all[0]);
        }
    }
}
