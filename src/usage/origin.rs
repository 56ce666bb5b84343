//! Where calls came from: the Region they were made in, the kind of network, the service that forwarded them.

use std::collections::BTreeSet;
use std::fmt;

use smallvec::SmallVec;
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

    /// A hash of the name.
    fn hash(self) -> u64 {
        match self.length {
            0 => 0,
            _ => xxh3_64(&self.bytes),
        }
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

/// The Region of one record after the other. Mostly it is the one of the record before.
#[derive(Debug, Default)]
pub struct LastRegion {
    text: String,
    region: Region,
    hash: u64,
}

impl LastRegion {
    /// The Region with this name, and its hash as [`mix_place`] takes it.
    #[inline]
    pub fn turn_to(&mut self, name: &str) -> (&Region, u64) {
        if !same(name, &self.text) {
            name.clone_into(&mut self.text);
            self.region = name.into();
            self.hash = self.region.hash();
        }
        (&self.region, self.hash)
    }
}

/// Whether two short texts are the same, in less than a call takes.
#[inline]
pub(crate) fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    match (8..=16).contains(&a.len()) && a.len() == b.len() {
        true => a.first_chunk::<8>() == b.first_chunk() && a.last_chunk::<8>() == b.last_chunk(),
        false => a == b,
    }
}

/// The Regions that calls were made in, and how many in each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Regions {
    /// The first one in order, in place, as most facts have no other; with an empty name where there is none.
    first: (Region, u64),
    /// The others, in order.
    others: SmallVec<[(Region, u64); 1]>,
}

impl Regions {
    /// Counts calls in `region`; those without one in none.
    #[inline]
    pub fn count(&mut self, region: &Region, calls: u64) {
        if region.length == 0 {
        } else if self.first.0 == *region {
            self.first.1 += calls;
        } else {
            self.count_other(*region, calls);
        }
    }

    fn count_other(&mut self, region: Region, calls: u64) {
        if let Some((_, counted)) = self.others.iter_mut().find(|(other, _)| *other == region) {
            *counted += calls;
            return;
        }
        let mut counted = (region, calls);
        if self.first.0.length == 0 {
            self.first = counted;
            return;
        }
        if region < self.first.0 {
            std::mem::swap(&mut self.first, &mut counted);
        }
        // Neither `region` nor what was first is among them.
        let at = self.others.partition_point(|other| other.0 < counted.0);
        self.others.insert(at, counted);
        self.others.truncate(MAX_REGIONS - 1);
    }

    /// Adds `other`'s calls. Commutative and associative.
    pub fn absorb(&mut self, other: &Self) {
        self.count(&other.first.0, other.first.1);
        for (region, calls) in &other.others {
            self.count(region, *calls);
        }
    }

    /// The first one in order; without a name where there is none.
    #[must_use]
    pub fn first(&self) -> Region {
        self.first.0
    }

    /// The Regions, sorted, with the number of calls in each.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        let all = [&self.first].into_iter().chain(&self.others);
        let named = all.filter(|(region, _)| region.length > 0);
        named.map(|(region, calls)| (region.as_str(), *calls))
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
    /// Any other address; one of IPv4 that is written as one of IPv6 (`::ffff:10.0.0.1`) too, whatever it is. So it stays, as
    /// ledgers hold it.
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

/// Where one call came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// `awsRegion`
    pub region: Region,
    /// The kind of network.
    pub network: Network,
    /// The service that forwarded the call for its caller, if one did, see [`keys::service_of`].
    pub via: Option<&'a str>,
}

impl<'a> Origin<'a> {
    /// That of `event`.
    #[must_use]
    pub fn of(event: &Event<'_, 'a>) -> Self {
        let endpoint = event.vpc_endpoint_id.is_some_and(|id| !id.is_empty());
        Self {
            region: event.aws_region.unwrap_or_default().into(),
            network: Network::of(event.source_ip_address, endpoint),
            via: keys::service_of(event.event_source, event.user_identity.invoked_by),
        }
    }

    /// What [`Seen::print`](crate::usage::seen::Seen::print) tells an event by, its session and its digest, with all of this
    /// as part of it.
    #[must_use]
    pub fn mix(&self, session: u64, digest: u128) -> (u64, u128) {
        let session = mix_place(session, self.region.hash(), self.network);
        (session, mix_via(digest, self.via))
    }
}

/// A hash of an event's session, with the Region and the network as part of what it tells.
#[must_use]
pub fn mix_place(session: u64, region: u64, network: Network) -> u64 {
    session ^ region.rotate_left(8) ^ network as u64
}

/// A digest of what a call means, with the service that forwarded it as part of what it tells.
#[must_use]
pub fn mix_via(digest: u128, via: Option<&str>) -> u128 {
    digest ^ via.map_or(0, |via| xxh3_128(via.as_bytes()))
}

/// A digest of what a call means, with the Region as part of what it tells; without one it stays as it is.
#[must_use]
pub fn mix_region(digest: u128, region: Region) -> u128 {
    digest ^ u128::from(region.hash()).rotate_left(64)
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

    use crate::cloudtrail::event::Event;

    use super::{
        LastRegion, MAX_REGIONS, Network, Networks, Origin, Region, Regions, mix_place, mix_via,
    };

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
                one.count(&name.into(), 2);
                two.count(&name.into(), 3);
            }
            one.count(&"".into(), 1);
            one.absorb(&two);
            let kept: Vec<(String, u64)> =
                one.iter().map(|(name, n)| (name.to_owned(), n)).collect();
            results.insert(kept);
        }
        let first = names.iter().take(MAX_REGIONS).map(|name| (name.clone(), 5));
        assert_eq!(results, BTreeSet::from([first.collect()]));
    }

    #[test]
    fn what_forwards_nothing_is_no_origin() {
        let endless = format!("{}.amazonaws.com", "x".repeat(300));
        for (invoked_by, expected) in [
            (Some("athena.amazonaws.com"), Some("athena.amazonaws.com")),
            (Some("s3.amazonaws.com"), None),
            (Some("signin.amazonaws.com"), None),
            (Some("AWS Internal"), None),
            (Some(endless.as_str()), None),
            (None, None),
        ] {
            let mut event = Event {
                event_source: Some("s3.amazonaws.com"),
                ..Event::default()
            };
            event.user_identity.invoked_by = invoked_by;
            assert_eq!(Origin::of(&event).via, expected);
        }
    }

    #[test]
    fn origins_are_told_apart() {
        let stack = Some("cloudformation.amazonaws.com");
        let mut prints = BTreeSet::new();
        let mut last = LastRegion::default();
        for region in ["", "eu-west-1", "eu-west-2", "a-rather-long-region-name"] {
            for network in Network::ALL {
                for via in [None, stack, Some("athena.amazonaws.com")] {
                    let origin = Origin {
                        region: region.into(),
                        network,
                        via,
                    };
                    let print = origin.mix(1, 2);
                    prints.insert(print);
                    let (known, hash) = last.turn_to(region);
                    assert_eq!(*known, origin.region);
                    assert_eq!((mix_place(1, hash, network), mix_via(2, via)), print);
                }
            }
        }
        assert_eq!(prints.len(), 4 * 5 * 3);
    }
}
