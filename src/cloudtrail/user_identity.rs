//! `userIdentity`: who called, as the record has it.

use simd_json::prelude::*;

use crate::cloudtrail::event::{Json, canonical};
use crate::cloudtrail::skip::Text;

/// `userIdentity`. All `None` where the record has no such object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserIdentity<'a> {
    /// `type`: `IAMUser`, `AssumedRole`, …
    pub kind: Option<&'a str>,
    /// `principalId`
    pub principal_id: Option<&'a str>,
    /// `arn`
    pub arn: Option<&'a str>,
    /// `accountId`
    pub account_id: Option<&'a str>,
    /// `accessKeyId`
    pub access_key_id: Option<&'a str>,
    /// `userName`
    pub user_name: Option<&'a str>,
    /// `invokedBy`
    pub invoked_by: Option<&'a str>,
    /// `identityProvider`
    pub identity_provider: Option<&'a str>,
    /// `sessionContext.sessionIssuer.type`
    pub issuer_kind: Option<&'a str>,
    /// `sessionContext.sessionIssuer.arn`
    pub issuer_arn: Option<&'a str>,
    /// `sessionContext.sessionIssuer.accountId`
    pub issuer_account_id: Option<&'a str>,
    /// `sessionContext.sessionIssuer.userName`
    pub issuer_user_name: Option<&'a str>,
    /// `sessionContext.attributes.mfaAuthenticated`, a string or a boolean in the log.
    pub mfa_authenticated: Option<bool>,
    /// `onBehalfOf.userId`: the Identity Center user behind the call.
    pub on_behalf_of_user: Option<&'a str>,
}

impl<'a> UserIdentity<'a> {
    /// Reads `userIdentity`, with the letter case of its names as it is or `folded` to the usual one; a value of another kind
    /// than an object gives nothing.
    pub(super) fn from_value(mut value: Json<'_, 'a>, folded: bool) -> Self {
        let mut identity = Self::default();
        identity.read(&mut value, folded);
        identity
    }

    /// Reads the `userIdentity` of an ordinary record as it stands in the log; `None` where it is not plain, as with an escape in
    /// a name or in a text that is looked at.
    pub(super) fn from_plain(text: &'a str) -> Option<Self> {
        let mut identity = Self::default();
        let mut plain = Plain {
            text,
            scan: Text::new(text.as_bytes()),
            at: 0,
            odd: false,
        };
        identity.read(&mut plain, false);
        (!plain.odd).then_some(identity)
    }

    fn read<P: Part<'a>>(&mut self, part: &mut P, folded: bool) {
        part.members(&mut |name, value| match canonical(name, folded) {
            "type" => self.kind = value.text(),
            "principalId" => self.principal_id = value.text(),
            "arn" => self.arn = value.text(),
            "accountId" => self.account_id = value.text(),
            "accessKeyId" => self.access_key_id = value.text(),
            "userName" => self.user_name = value.text(),
            "invokedBy" => self.invoked_by = value.text(),
            "identityProvider" => self.identity_provider = value.text(),
            "sessionContext" => self.read_session(value, folded),
            "onBehalfOf" => value.members(&mut |name, value| {
                if canonical(name, folded) == "userId" {
                    self.on_behalf_of_user = value.text();
                }
            }),
            _ => {}
        });
    }

    fn read_session<P: Part<'a>>(&mut self, session: &mut P, folded: bool) {
        session.members(&mut |name, value| match canonical(name, folded) {
            "sessionIssuer" => value.members(&mut |name, value| match canonical(name, folded) {
                "type" => self.issuer_kind = value.text(),
                "arn" => self.issuer_arn = value.text(),
                "accountId" => self.issuer_account_id = value.text(),
                "userName" => self.issuer_user_name = value.text(),
                _ => {}
            }),
            "attributes" => value.members(&mut |name, value| {
                if canonical(name, folded) == "mfaAuthenticated" {
                    self.mfa_authenticated = value.truth();
                }
            }),
            _ => {}
        });
    }
}

/// A value in JSON, parsed or not. It can be taken once only, by one of these: one that is not parsed is behind it then.
trait Part<'a> {
    /// The text, of a string.
    fn text(&mut self) -> Option<&'a str>;

    /// What a boolean says, or a string that reads as one.
    fn truth(&mut self) -> Option<bool>;

    /// Hands each member of an object to `each`, in order; a value of another kind has none.
    fn members(&mut self, each: &mut dyn FnMut(&str, &mut Self));
}

impl<'a> Part<'a> for Json<'_, 'a> {
    fn text(&mut self) -> Option<&'a str> {
        self.into_string()
    }

    fn truth(&mut self) -> Option<bool> {
        match self.text() {
            Some(text) => text.parse().ok(),
            None => self.as_bool(),
        }
    }

    fn members(&mut self, each: &mut dyn FnMut(&str, &mut Self)) {
        if let Some(object) = self.as_object() {
            object
                .iter()
                .for_each(|(name, mut value)| each(name, &mut value));
        }
    }
}

/// A value as it stands in an ordinary record, walked through once. What is taken of it moves behind it.
struct Plain<'a> {
    text: &'a str,
    scan: Text<'a>,
    /// Where the value begins.
    at: usize,
    /// Something was met that only the parser can read.
    odd: bool,
}

impl<'a> Plain<'a> {
    fn first(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The string at `at`, which it moves behind.
    fn string(&mut self) -> Option<&'a str> {
        let begin = self.at + 1;
        let text = match self.scan.string(begin) {
            Some((end, false)) => {
                self.at = end;
                self.text.get(begin..end - 1)
            }
            _ => None,
        };
        self.odd |= text.is_none();
        text
    }
}

impl<'a> Part<'a> for Plain<'a> {
    fn text(&mut self) -> Option<&'a str> {
        (self.first() == Some(b'"')).then(|| self.string())?
    }

    fn truth(&mut self) -> Option<bool> {
        match self.first() {
            Some(b'"') => self.string()?.parse().ok(),
            Some(b't') => Some(true),
            Some(b'f') => Some(false),
            _ => None,
        }
    }

    fn members(&mut self, each: &mut dyn FnMut(&str, &mut Self)) {
        if self.first() != Some(b'{') {
            return;
        }
        self.at += 1;
        while self.first() == Some(b'"') {
            let Some(name) = self.string() else { return };
            let value = self.at + 1; // behind the colon
            self.at = value;
            each(name, self);
            if self.odd {
                return;
            }
            if self.at == value {
                match self.scan.value(value) {
                    Some(end) => self.at = end,
                    None => return self.odd = true,
                }
            }
            let behind = self.first();
            self.at += 1;
            if behind != Some(b',') {
                return; // the end
            }
        }
        self.at += 1; // of an empty object
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::UserIdentity;

    const NAMES: [&str; 14] = [
        "type",
        "principalId",
        "arn",
        "accountId",
        "accessKeyId",
        "userName",
        "invokedBy",
        "identityProvider",
        "onBehalfOf",
        "userId",
        "mfaAuthenticated",
        "Arn",
        "x",
        "",
    ];

    fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
        let member = (prop::sample::select(NAMES.to_vec()), value);
        let object = prop::collection::vec(member, 0..4);
        object.prop_map(|members| {
            let members = members.iter();
            let members: Vec<String> = members
                .map(|(name, value)| format!(r#""{name}":{value}"#))
                .collect();
            format!("{{{}}}", members.join(","))
        })
    }

    fn value() -> impl Strategy<Value = String> {
        let plain = [
            "\"a\"",
            "\"\"",
            "\"é\"",
            "\"true\"",
            "true",
            "false",
            "null",
            "1",
            "-2.5",
            "[]",
            "{}",
            "[{\"arn\":\"b\"}]",
        ];
        prop::sample::select(plain.to_vec()).prop_map(str::to_owned)
    }

    /// A `userIdentity` of any shape.
    fn identity() -> impl Strategy<Value = String> {
        let session = object(prop_oneof![2 => value(), 1 => object(value())]);
        let names = [
            "sessionIssuer",
            "attributes",
            "onBehalfOf",
            "sessionContext",
        ];
        let names = prop::collection::vec(prop::sample::select(names.to_vec()), 3);
        let parts = prop::collection::vec(prop_oneof![object(value()), value()], 3);
        (object(value()), session, names, parts).prop_map(|(first, last, names, parts)| {
            let parts: Vec<String> = names
                .iter()
                .zip(&parts)
                .map(|(name, part)| format!(r#""{name}":{part}"#))
                .collect();
            format!(
                r#"{{"a":{first},"sessionContext":{{{}}},{},{}"#,
                parts[1..].join(","),
                parts[0],
                &last[1..]
            )
            .replace(",}", "}")
        })
    }

    fn parsed(json: &str, check: impl FnOnce(UserIdentity<'_>)) {
        let mut bytes = json.as_bytes().to_vec();
        let tape = simd_json::to_tape(&mut bytes).unwrap();
        check(UserIdentity::from_value(tape.as_value(), false));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn what_is_plain_reads_as_if_it_were_parsed(json in prop_oneof![4 => identity(), 1 => object(value()), 1 => value()]) {
            let plain = UserIdentity::from_plain(&json);
            parsed(&json, |identity| assert_eq!(plain, Some(identity), "{json}"));
        }
    }

    #[test]
    fn what_has_escapes_is_left_to_the_parser() {
        for (json, is_plain) in [
            (r#"{"x":"\n","arn":"a"}"#, true),
            (r#"{"arn":"\n"}"#, false),
            (r#"{"\u0061rn":"a"}"#, false),
            (r#"{"x":{"\u0061":1}}"#, true),
            (
                r#"{"sessionContext":{"attributes":{"mfaAuthenticated":"tru\u0065"}}}"#,
                false,
            ),
        ] {
            assert_eq!(UserIdentity::from_plain(json).is_some(), is_plain, "{json}");
        }
    }

    #[test]
    fn the_last_of_a_name_counts() {
        let session =
            |attributes: &str| format!(r#"{{"sessionContext":{{"attributes":{attributes}}}}}"#);
        let mfa = |value: &str| session(&format!(r#"{{"mfaAuthenticated":{value}}}"#));
        let cases = [
            (mfa("true"), Some(true)),
            (mfa("false"), Some(false)),
            (mfa(r#""true""#), Some(true)),
            (mfa(r#""false""#), Some(false)),
            (mfa(r#""x""#), None),
            (mfa("null"), None),
            (mfa("1"), None),
            (mfa("{}"), None),
            (
                session(r#"{"mfaAuthenticated":true,"mfaAuthenticated":null}"#),
                None,
            ),
            (
                session(r#"{"mfaAuthenticated":true},"attributes":{"mfaAuthenticated":"false"}"#),
                Some(false),
            ),
            (
                session(r#"{"mfaAuthenticated":true},"attributes":7"#),
                Some(true),
            ),
        ];
        for (json, expected) in cases {
            let plain = UserIdentity::from_plain(&json).unwrap();
            assert_eq!(plain.mfa_authenticated, expected, "{json}");
            parsed(&json, |identity| assert_eq!(plain, identity, "{json}"));
        }
        let json = r#"{"arn":"a","arn":null,"type":1,"type":"b","sessionContext":{},"sessionContext":{"sessionIssuer":{"arn":"c"}}}"#;
        let expected = UserIdentity {
            kind: Some("b"),
            issuer_arn: Some("c"),
            ..UserIdentity::default()
        };
        assert_eq!(UserIdentity::from_plain(json), Some(expected));
    }

    #[test]
    fn what_is_no_object_says_nothing() {
        for json in [
            "null",
            "7",
            "\"a\"",
            "[]",
            "{}",
            r#"{"arn":null,"sessionContext":"x"}"#,
        ] {
            assert_eq!(
                UserIdentity::from_plain(json),
                Some(UserIdentity::default()),
                "{json}"
            );
        }
    }
}
