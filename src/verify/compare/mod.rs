//! Does NEW allow a request that OLD does not?
//!
//! Decided for all requests at once: any action, AWS's of today or not; `*` or any ARN; any values of the condition keys, each
//! key for itself. What is allowed is what [`evaluate`] says, so that a request that is found is one that it
//! allows by NEW and refuses by OLD. Where the IAM User Guide leaves open what a condition means, and where a bound is
//! hit, the answer is [`Answer::Undecided`].
//!
//! `rules` numbers the statements, `actions` finds the actions that need to be asked about, `search` asks about one of them,
//! `subject` finds resources and `keys` values of condition keys, both by `words`, and `worlds` what variables may stand for.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalog::{action, condition_key, resource};
use crate::verify::compare::actions::Class;
use crate::verify::compare::keys::World;
use crate::verify::compare::rules::{Ground, Layers, Rules};
use crate::verify::compare::search::{Found, Question, search};
use crate::verify::compare::words::Tape;
use crate::verify::context::{Context, Key};
use crate::verify::evaluate::{Attached, Decision, Matched, Request, evaluate};
use crate::verify::glob::Token;
use crate::verify::resource::format_tokens;

mod actions;
mod keys;
mod rules;
mod search;
mod subject;
mod words;
mod worlds;

/// The policies of a principal that together say what it may do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Side<'p> {
    /// Its identity policies; any of them may allow.
    pub identity: &'p [Attached<'p>],
    /// Its permissions boundary; empty where it has none.
    pub boundary: &'p [Attached<'p>],
    /// The SCPs of each level of its organization, each of which must allow.
    pub scps: &'p [Vec<Attached<'p>>],
}

impl<'p> Side<'p> {
    /// What has to allow a request, each for itself.
    fn layers(&self) -> impl Iterator<Item = &'p [Attached<'p>]> + use<'p> {
        let boundary = Some(self.boundary).filter(|boundary| !boundary.is_empty());
        let scps = self.scps.iter().map(Vec::as_slice);
        std::iter::once(self.identity).chain(boundary).chain(scps)
    }
}

/// What a comparison came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison<'p> {
    /// The answer.
    pub answer: Answer<'p>,
    /// The actions of which NEW allows more, as far as the catalog knows them, sorted.
    pub actions: Vec<&'static str>,
    /// What could not be decided, and why.
    pub undecided: Vec<String>,
}

/// Whether NEW allows anything that OLD does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<'p> {
    /// It does not.
    No,
    /// It does: this, for example.
    Yes(Box<Witness<'p>>),
    /// That can not be told; [`Comparison::undecided`] says why.
    Undecided,
}

/// A request that NEW allows and OLD does not. Of those that were found the plainest: with a resource of a kind that the
/// action takes, with few keys, short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Witness<'p> {
    /// The action. In lower case and made up where [`Self::future_action`] says so.
    pub action: String,
    /// The resource: `*` or an ARN.
    pub resource: String,
    /// The condition keys that the request carries; all others are absent.
    pub context: BTreeMap<String, Vec<String>>,
    /// Whether the catalog does not know the action: nothing that AWS has today is allowed anew.
    pub future_action: bool,
    /// The statements of NEW that allow it.
    pub allowed_by: Vec<Matched<'p>>,
    /// Why OLD refuses it.
    pub refused: String,
}

/// Compares what two sides allow.
#[must_use]
pub fn compare<'p>(old: &Side<'p>, new: &Side<'p>) -> Comparison<'p> {
    let mut rules = Rules::default();
    let (old_layers, new_layers) = (rules.add(old), rules.add(new));
    let mut steps = search::MAX_STEPS;
    let mut undecided = Vec::new();
    let mut classes = actions::known(&rules);
    match actions::unknown(&rules, &mut steps) {
        Some(unknown) => classes.extend(unknown),
        None => undecided.push(
            "the policies name actions by so many patterns that those which AWS does not have yet could not be looked at"
                .to_owned(),
        ),
    }
    let mut comparing = Comparing {
        old,
        new,
        old_layers,
        new_layers,
        generous: Ground::new(&rules, worlds::generous()),
        strict: Vec::new(),
        rules: &rules,
        steps,
    };
    let mut actions = Vec::new();
    let mut best: Option<(Found, Witness<'p>)> = None;
    for class in &classes {
        match comparing.class(class) {
            Verdict::No => {}
            Verdict::Undecided(reason) => undecided.push(reason),
            Verdict::Yes(found, witness) => {
                actions.extend(&class.known);
                let rank = |(found, witness): &(Found, Witness<'_>)| {
                    let (implausible, keys, length, _) = found.rank();
                    (
                        witness.future_action,
                        implausible,
                        keys,
                        length + witness.action.len(),
                    )
                };
                let this = (found, witness);
                if best.as_ref().is_none_or(|best| rank(&this) < rank(best)) {
                    best = Some(this);
                }
            }
        }
    }
    actions.sort_unstable();
    Comparison {
        answer: match best {
            Some((_, witness)) => Answer::Yes(Box::new(witness)),
            None if undecided.is_empty() => Answer::No,
            None => Answer::Undecided,
        },
        actions,
        undecided,
    }
}

/// What was found out about one class of actions.
enum Verdict<'p> {
    No,
    Yes(Found, Witness<'p>),
    Undecided(String),
}

struct Comparing<'c, 'p> {
    old: &'c Side<'p>,
    new: &'c Side<'p>,
    old_layers: Layers,
    new_layers: Layers,
    rules: &'c Rules<'p>,
    generous: Ground<'c, 'p>,
    /// The strict worlds that were looked at before.
    strict: Vec<Ground<'c, 'p>>,
    /// How many steps are left.
    steps: u64,
}

impl<'p> Comparing<'_, 'p> {
    fn class(&mut self, class: &Class) -> Verdict<'p> {
        let new = class.of(self.rules, &self.new_layers);
        if new.allows.iter().any(Vec::is_empty) {
            return Verdict::No;
        }
        let old = class.of(self.rules, &self.old_layers);
        let facts = action::find(&class.action).filter(|_| !class.known.is_empty());
        let formats = facts.map(formats).unwrap_or_default();
        let question = Question {
            old: &old,
            new: &new,
            without_resource: facts.is_some_and(|facts| facts.resource_types().next().is_none()),
            formats: &formats,
            confirm: &|_| true,
        };
        let possible = search(&mut self.generous, &question, &mut self.steps);
        if possible.found.is_none() && !possible.open {
            return Verdict::No;
        }
        let of: Vec<usize> = old.all().chain(new.all()).collect();
        let variables = worlds::variables(self.rules, &of);
        for world in worlds::strict(self.rules, &of, &variables, possible.found.as_ref()) {
            let place = self.ground(world.clone());
            let (old, new, rules) = (self.old, self.new, self.rules);
            let confirm = |found: &Found| {
                let context = context(rules, &world, found);
                let request = Request::new(PRINCIPAL, &class.action, &found.resource, &context);
                allows_all(new, &request) && refuses(old, &request)
            };
            let question = Question {
                confirm: &confirm,
                ..question
            };
            let outcome = search(&mut self.strict[place], &question, &mut self.steps);
            if let Some(found) = outcome.found {
                let witness = self.witness(class, &world, &found);
                return Verdict::Yes(found, witness);
            }
        }
        Verdict::Undecided(match possible.found.filter(|_| !possible.open) {
            Some(maybe) => self.reason(class, &maybe),
            None => self.bound(class),
        })
    }

    /// The place of the ground of a world.
    fn ground(&mut self, world: World) -> usize {
        let same = |ground: &Ground<'_, '_>| ground.world == world;
        if let Some(place) = self.strict.iter().position(same) {
            return place;
        }
        // As many worlds as one class has are kept.
        if self.strict.len() == worlds::MAX_WORLDS {
            self.strict.remove(0);
        }
        self.strict.push(Ground::new(self.rules, world));
        self.strict.len() - 1
    }

    fn witness(&self, class: &Class, world: &World, found: &Found) -> Witness<'p> {
        let context = context(self.rules, world, found);
        let request = Request::new(PRINCIPAL, &class.action, &found.resource, &context);
        let allowed = self
            .new
            .layers()
            .flat_map(|layer| evaluate(&request, layer).matched);
        let known = context.iter().filter_map(|(name, key)| match key {
            Key::Known(values) => Some((self.spelled(name), values.clone())),
            _ => None,
        });
        Witness {
            action: class.action.clone(),
            resource: found.resource.clone(),
            context: known.collect(),
            future_action: class.known.is_empty(),
            allowed_by: allowed.collect(),
            refused: refusal(self.old, &request),
        }
    }

    /// A key as AWS writes it, or a policy's condition, where AWS does not know it; in lower case where only a variable names it.
    fn spelled(&self, name: &str) -> String {
        let facts = condition_key::find(name).map(|facts| facts.key);
        let in_policy = || {
            let mut conditions = self.rules.conditions.iter();
            conditions.find(|c| *c.lookup == *name).map(|c| &*c.key)
        };
        let facts = facts.filter(|key| key.eq_ignore_ascii_case(name));
        facts.or_else(in_policy).unwrap_or(name).to_owned()
    }

    /// Why it is not known whether NEW allows what may be allowed anew.
    fn reason(&self, class: &Class, maybe: &Found) -> String {
        let context = context(self.rules, &self.generous.world, maybe);
        let request = Request::new(PRINCIPAL, &class.action, &maybe.resource, &context);
        let sides = [("NEW", self.new), ("OLD", self.old)];
        let open = sides.iter().find_map(|(name, side)| {
            let mut judged = side.layers().map(|layer| evaluate(&request, layer));
            let open = judged.find(|j| matches!(j.decision, Decision::Undecided { .. }))?;
            Some(format!("by {name}, {}", open.reason(&request)))
        });
        let because = open.unwrap_or_else(|| "no request was found that settles it".to_owned());
        format!(
            "whether `{}` on `{}` is allowed anew: {because}",
            class.action, maybe.resource
        )
    }

    fn bound(&self, class: &Class) -> String {
        let why = match self.steps {
            0 => "there are more combinations of statements than are looked at",
            _ => {
                "its resources or keys are described by more overlapping patterns than are looked at"
            }
        };
        format!("whether more of `{}` is allowed: {why}", class.action)
    }
}

/// Who makes a request: no identity policy names its principal.
const PRINCIPAL: &str = "arn:aws:iam::111122223333:role/any";

/// The keys of a request that was found.
fn context(rules: &Rules<'_>, world: &World, found: &Found) -> Context {
    let mut context = world.context.clone();
    for (key, value) in &found.keys {
        if let Some(place) = rules.key_of.iter().position(|of| of == key) {
            context.set(&rules.conditions[place].lookup, value.clone());
        }
    }
    context
}

fn allows_all(side: &Side<'_>, request: &Request<'_>) -> bool {
    side.layers()
        .all(|layer| evaluate(request, layer).decision == Decision::Allowed)
}

/// Whether a layer surely refuses.
fn refuses(side: &Side<'_>, request: &Request<'_>) -> bool {
    side.layers().any(|layer| {
        let decision = evaluate(request, layer).decision;
        matches!(
            decision,
            Decision::ImplicitlyDenied | Decision::ExplicitlyDenied
        )
    })
}

/// Why `side` refuses the request: for an explicit deny, or else for the first layer that does not allow it.
fn refusal(side: &Side<'_>, request: &Request<'_>) -> String {
    let judge = |layer: &'_ [Attached<'_>]| {
        let judgement = evaluate(request, layer);
        (judgement.reason(request), judgement.decision)
    };
    let mut judged = vec![(String::new(), judge(side.identity))];
    if !side.boundary.is_empty() {
        let name = "the permissions boundary does not allow it: ".to_owned();
        judged.push((name, judge(side.boundary)));
    }
    for level in side.scps {
        let name = level.first().map(|first| first.name).unwrap_or_default();
        judged.push((
            format!("the SCPs in `{name}` do not allow it: "),
            judge(level),
        ));
    }
    let by = |wanted: Decision| judged.iter().find(|(_, (_, decision))| *decision == wanted);
    if let Some((_, (reason, _))) = by(Decision::ExplicitlyDenied) {
        return reason.clone();
    }
    by(Decision::ImplicitlyDenied)
        .map(|(layer, (reason, _))| format!("{layer}{reason}"))
        .unwrap_or_default()
}

/// The formats of the resources that an action takes, variables as wildcards.
fn formats(facts: action::ActionFacts) -> Vec<Tape> {
    let types = facts.resource_types();
    let found = types.filter_map(|(name, _)| resource::find(facts.prefix(), name));
    found.flat_map(|of| of.formats()).map(format).collect()
}

fn format(text: &str) -> Tape {
    let mut tokens = format_tokens(&text.replace("${Partition}", "aws"));
    // The first five fields take no colon.
    let mut colons = 0;
    for token in &mut tokens {
        colons += usize::from(*token == Token::Char(':'));
        if colons < 5 {
            *token = token.in_field();
        }
    }
    Tape::of(&tokens)
}

#[cfg(test)]
mod tests {
    use super::{Answer, Side, compare};
    use crate::verify::evaluate::Attached;
    use crate::verify::policy::{Policy, parse};

    fn policy(statements: &str) -> Policy {
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
        parse(&text).unwrap().remove(0)
    }

    fn attached<'p>(name: &'p str, policy: &'p Policy) -> [Attached<'p>; 1] {
        [Attached {
            principal: None,
            name,
            policy,
        }]
    }

    /// `no`, `undecided`, or the witness as `action resource key=value,value`.
    fn compared(old: &str, new: &str) -> String {
        let (old, new) = (policy(old), policy(new));
        let (old, new) = (attached("old", &old), attached("new", &new));
        let side = |identity| Side {
            identity,
            ..Side::default()
        };
        match compare(&side(&old), &side(&new)).answer {
            Answer::No => "no".to_owned(),
            Answer::Undecided => "undecided".to_owned(),
            Answer::Yes(witness) => {
                let keys = witness.context.iter();
                let keys = keys.map(|(key, values)| format!(" {key}={}", values.join(",")));
                let keys: String = keys.collect();
                format!("{} {}{keys}", witness.action, witness.resource)
            }
        }
    }

    /// `s3:GetObject` on the bucket `b`, by an element `Resource` or `NotResource`, with a `Condition`.
    fn get(effect: &str, resource: &str, condition: &str) -> String {
        format!(
            r#"{{"Effect": "{effect}", "Action": "s3:GetObject", {resource}, "Condition": {{{condition}}}}}"#
        )
    }

    fn allow_if(condition: &str) -> String {
        get("Allow", r#""Resource": "arn:aws:s3:::b/k""#, condition)
    }

    #[test]
    fn actions_are_compared_by_classes() {
        let allow = |element: &str| {
            format!(r#"{{"Effect": "Allow", {element}, "Resource": "arn:aws:s3:::b/k"}}"#)
        };
        for (old, new, expected) in [
            (r#""Action": "s3:*""#, r#""Action": "s3:Get*""#, "no"),
            (r#""Action": "*""#, r#""NotAction": "iam:*""#, "no"),
            (
                r#""Action": "s3:getobject""#,
                r#""Action": "S3:GetObject""#,
                "no",
            ),
            (
                r#""Action": "s3:Get*""#,
                r#""Action": ["s3:Get*", "s3:PutObject"]"#,
                "s3:PutObject arn:aws:s3:::b/k",
            ),
            // No action of AWS begins with `sts:Get` but these.
            (
                r#""Action": ["sts:GetAccessKeyInfo", "sts:GetCallerIdentity", "sts:GetDelegatedAccessToken", "sts:GetFederationToken", "sts:GetServiceBearerToken", "sts:GetSessionToken", "sts:GetWebIdentityToken"]"#,
                r#""Action": "sts:Get*""#,
                "sts:get arn:aws:s3:::b/k",
            ),
            (
                r#""Action": "nope:A""#,
                r#""Action": "nope:B""#,
                "nope:b arn:aws:s3:::b/k",
            ),
        ] {
            assert_eq!(compared(&allow(old), &allow(new)), expected, "{old} {new}");
        }
    }

    #[test]
    fn resources_are_compared_as_sets() {
        let bucket = "arn:aws:s3:::b";
        let allow = |element: &str| get("Allow", &element.replace("B/", &format!("{bucket}/")), "");
        for (old, new, expected) in [
            (r#""Resource": "*""#, r#""Resource": "*""#, "no"),
            (
                r#""Resource": "B/*""#,
                r#""Resource": ["B/k", "B/l*"]"#,
                "no",
            ),
            (
                r#""Resource": "B/*""#,
                r#""Resource": "*""#,
                "s3:GetObject arn:aws:s3:::x/x",
            ),
            (
                r#""Resource": ["B/", "B/?*"]"#,
                r#""Resource": "B/*""#,
                "no",
            ),
            (
                r#""Resource": ["B/a*", "B/?"]"#,
                r#""Resource": "B/*""#,
                "s3:GetObject arn:aws:s3:::b/xx",
            ),
            (
                r#""NotResource": "B/a*""#,
                r#""NotResource": ["B/ab*", "B/a"]"#,
                "s3:GetObject arn:aws:s3:::b/ax",
            ),
            (
                r#""NotResource": "B/a*""#,
                r#""Resource": ["B/b*", "B/c*"]"#,
                "no",
            ),
        ] {
            assert_eq!(compared(&allow(old), &allow(new)), expected, "{old} {new}");
        }
    }

    #[test]
    fn what_is_denied_counts() {
        let all = get("Allow", r#""Resource": "*""#, "");
        let deny =
            |element: &str, condition: &str| format!("{all}, {}", get("Deny", element, condition));
        let x = r#""Resource": "arn:aws:s3:::b/x*""#;
        let all_but_y = r#""NotResource": "arn:aws:s3:::b/y*""#;
        assert_eq!(
            compared(&deny(x, ""), &all),
            "s3:GetObject arn:aws:s3:::b/x"
        );
        assert_eq!(compared(&all, &deny(x, "")), "no");
        assert_eq!(compared(&deny(x, ""), &deny(all_but_y, "")), "no");
        assert_eq!(
            compared(&deny(all_but_y, ""), &deny(x, "")),
            "s3:GetObject arn:aws:s3:::x/x"
        );
        let home = r#""Bool": {"aws:MultiFactorAuthPresent": "false"}"#;
        let home_too = r#""BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}"#;
        assert_eq!(compared(&deny(x, home), &deny(x, home_too)), "no");
        assert_eq!(
            compared(&deny(x, home_too), &deny(x, home)),
            "s3:GetObject arn:aws:s3:::b/x"
        );
    }

    #[test]
    fn conditions_are_compared_by_what_fits_them() {
        let yes = |keys: &str| format!("s3:GetObject arn:aws:s3:::b/k{keys}");
        for (old, new, expected) in [
            (
                r#""StringEquals": {"aws:x": ["a", "b"]}"#,
                r#""StringEquals": {"aws:X": "a"}"#,
                "no".to_owned(),
            ),
            (
                r#""StringEquals": {"aws:x": "a"}"#,
                r#""StringLike": {"aws:x": "a*"}"#,
                yes(" aws:x=ax"),
            ),
            (
                r#""StringNotLike": {"aws:x": "a*"}"#,
                r#""StringEquals": {"aws:x": ["b", "a"]}"#,
                yes(" aws:x=a"),
            ),
            (
                r#""StringEqualsIgnoreCase": {"aws:x": "AB"}"#,
                r#""StringEquals": {"aws:x": "aB"}"#,
                "no".to_owned(),
            ),
            (
                r#""StringEquals": {"aws:x": "a"}"#,
                r#""StringEqualsIfExists": {"aws:x": "a"}"#,
                yes(""),
            ),
            (
                r#""Null": {"aws:x": "false"}"#,
                r#""StringEquals": {"aws:x": "a"}"#,
                "no".to_owned(),
            ),
            (
                r#""IpAddress": {"aws:SourceIp": "10.0.0.0/8"}"#,
                r#""IpAddress": {"aws:SourceIp": ["10.0.0.0/9", "10.128.0.0/9"]}"#,
                "no".to_owned(),
            ),
            (
                r#""IpAddress": {"aws:SourceIp": ["10.0.0.0/9", "10.128.0.0/10"]}"#,
                r#""IpAddress": {"aws:SourceIp": "10.0.0.0/8"}"#,
                yes(" aws:SourceIp=10.192.0.0"),
            ),
            (
                r#""NumericLessThan": {"s3:max-keys": "10"}"#,
                r#""NumericLessThanEquals": {"s3:max-keys": "10"}"#,
                yes(" s3:max-keys=10"),
            ),
            (
                r#""NumericLessThan": {"s3:max-keys": "10"}"#,
                r#""NumericLessThan": {"s3:max-keys": "10"}, "NumericGreaterThan": {"s3:max-keys": "9"}"#,
                "no".to_owned(),
            ),
            (
                r#""DateLessThan": {"aws:CurrentTime": "2024-01-01T00:00:00Z"}"#,
                r#""DateLessThan": {"aws:CurrentTime": "2024"}"#,
                "no".to_owned(),
            ),
            (
                r#""ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}"#,
                r#""ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}"#,
                "no".to_owned(),
            ),
            (
                r#""ForAnyValue:StringEquals": {"aws:TagKeys": "a"}"#,
                r#""ForAnyValue:StringEquals": {"aws:TagKeys": "a"}, "ForAnyValue:StringLike": {"aws:TagKeys": "b*"}"#,
                "no".to_owned(),
            ),
            (
                r#""ForAllValues:StringEquals": {"aws:TagKeys": "a"}"#,
                r#""ForAnyValue:StringEquals": {"aws:TagKeys": "a"}"#,
                yes(" aws:TagKeys=x,a"),
            ),
        ] {
            assert_eq!(
                compared(&allow_if(old), &allow_if(new)),
                expected,
                "{old} {new}"
            );
        }
    }

    #[test]
    fn odd_values_are_not_forgotten() {
        let yes = |keys: &str| format!("s3:GetObject arn:aws:s3:::b/k{keys}");
        let no = || "no".to_owned();
        let nothing = r#""Null": {"aws:x": "true"}"#;
        for (old, new, expected) in [
            // The guard that AWS recommends beside `ForAllValues`.
            (
                r#""ForAnyValue:StringEquals": {"aws:x": ["a", "b"]}"#,
                r#""ForAllValues:StringEquals": {"aws:x": ["a", "b"]}, "Null": {"aws:x": "false"}"#,
                no(),
            ),
            // The empty string beside another.
            (
                nothing,
                r#""ForAnyValue:StringEquals": {"aws:x": ""}, "ForAnyValue:StringLike": {"aws:x": "a*"}"#,
                yes(" aws:x=,a"),
            ),
            // Two values that an operator for one is asked about.
            (
                r#""StringLike": {"aws:x": "a*"}"#,
                r#""ForAllValues:StringLike": {"aws:x": "a*"}, "Null": {"aws:x": "false"}"#,
                "undecided".to_owned(),
            ),
            // Numbers beyond those that have a neighbour one away.
            (
                nothing,
                r#""NumericGreaterThan": {"aws:x": "100000000000000000000"}"#,
                yes(" aws:x=100000000000000020000"),
            ),
            // The same number, written otherwise.
            (
                r#""StringEquals": {"aws:x": "5"}"#,
                r#""NumericEquals": {"aws:x": "5"}"#,
                "undecided".to_owned(),
            ),
            (
                r#""StringEquals": {"aws:x": "true"}"#,
                r#""Bool": {"aws:x": "true"}"#,
                no(),
            ),
            // The sign for kelvin is a capital k.
            (
                r#""StringEquals": {"aws:x": ["k", "K"]}"#,
                r#""StringEqualsIgnoreCase": {"aws:x": "k"}"#,
                yes(" aws:x=\u{212a}"),
            ),
            (
                r#""StringEquals": {"aws:x": ["a\u03c2", "A\u03c2"]}"#,
                r#""StringEqualsIgnoreCase": {"aws:x": "A\u03a3"}"#,
                yes(" aws:x=A\u{3a3}"),
            ),
            // The end of time, as policies name it.
            (
                nothing,
                r#""DateGreaterThan": {"aws:x": "9999-12-30T22:00:00Z"}"#,
                yes(" aws:x=9999-12-30T22:00:00.000000001Z"),
            ),
            (
                r#""DateLessThan": {"aws:x": "9999-12-31T23:59:59Z"}"#,
                r#""DateLessThan": {"aws:x": "2027-01-01T00:00:00Z"}"#,
                no(),
            ),
        ] {
            assert_eq!(
                compared(&allow_if(old), &allow_if(new)),
                expected,
                "{old} {new}"
            );
        }
        let starred = get("Allow", r#""Resource": "arn:aws:s3:::b/${*}""#, "");
        assert_eq!(
            compared(&allow_if(""), &starred),
            "s3:GetObject arn:aws:s3:::b/${*}"
        );
        let absent = r#""Null": {"aws:username": "false"}"#;
        let all = |condition: &str| get("Allow", r#""Resource": "arn:aws:s3:::b/*""#, condition);
        let own = get(
            "Allow",
            r#""Resource": "arn:aws:s3:::b/${aws:username}/*""#,
            "",
        );
        assert_eq!(
            compared(&format!("{own}, {}", all(absent)), &all("")),
            "s3:GetObject arn:aws:s3:::b/x"
        );
    }

    #[test]
    fn a_comparison_ends() {
        let infixes = |letter: char| -> String {
            let names: Vec<String> = (10..40)
                .map(|n| format!("\"arn:aws:s3:::*{letter}{n}*{}*\"", 99 - n))
                .collect();
            get("Allow", &format!("\"Resource\": [{}]", names.join(",")), "")
        };
        assert!(!compared(&infixes('a'), &infixes('b')).is_empty());
        let many = vec![r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#; 2_000].join(",");
        assert_eq!(compared(&many, &many), "no");
    }

    #[test]
    fn several_statements_together_cover_one() {
        let old = [
            allow_if(r#""NumericLessThan": {"s3:max-keys": "10"}"#),
            allow_if(r#""NumericGreaterThanEquals": {"s3:max-keys": "10"}"#),
        ];
        let new = allow_if("");
        assert_eq!(
            compared(&old.join(","), &new),
            "s3:GetObject arn:aws:s3:::b/k"
        );
        let all = [
            old.join(","),
            allow_if(r#""Null": {"s3:max-keys": "true"}"#),
        ];
        assert_eq!(compared(&all.join(","), &new), "no");
    }

    #[test]
    fn a_variable_equals_itself() {
        let allow = |resource: &str| {
            get(
                "Allow",
                &format!(r#""Resource": "arn:aws:s3:::b/{resource}""#),
                "",
            )
        };
        let own = allow("${aws:username}/*");
        assert_eq!(compared(&own, &own), "no");
        assert_eq!(compared(&allow("*/*"), &own), "no");
        assert_eq!(
            compared(&own, &allow("*")),
            "s3:GetObject arn:aws:s3:::b/x aws:username=zq0"
        );
        assert_eq!(
            compared(&allow("ann/*"), &own),
            "s3:GetObject arn:aws:s3:::b/zq0/ aws:username=zq0"
        );
        // Whatever the name is.
        let beside = r#""Resource": ["arn:aws:s3:::b/${aws:username}/some/*", "arn:aws:s3:::b/${aws:username}/*"]"#;
        let beside = get("Allow", beside, "");
        assert_eq!(compared(&own, &beside), "no");
        assert_eq!(
            compared(&beside, &allow("${aws:userid}/*")),
            "s3:GetObject arn:aws:s3:::b/zq0/ aws:userid=zq0 aws:username=zq1"
        );
        // Only where the name is Ann's.
        let only_ann = get("Deny", r#""NotResource": "arn:aws:s3:::b/ann/notes""#, "");
        assert_eq!(
            compared(&allow("bob"), &format!("{own}, {only_ann}")),
            "s3:GetObject arn:aws:s3:::b/ann/notes aws:username=ann"
        );
        // Only where the name is one character.
        let short = r#""StringLike": {"aws:username": "?"}"#;
        let at_home = r#""Resource": "arn:aws:s3:::b/${aws:username}""#;
        assert_eq!(
            compared(&allow("bob"), &get("Allow", at_home, short)),
            "s3:GetObject arn:aws:s3:::b/x aws:username=x"
        );
        let deny = |resource: &str| {
            let resource = format!(r#""Resource": "arn:aws:s3:::b/{resource}""#);
            format!("{}, {}", allow("*"), get("Deny", &resource, ""))
        };
        assert_eq!(
            compared(&deny("${aws:username}"), &deny("${aws:username}")),
            "no"
        );
        let tagged = r#""StringEquals": {"aws:ResourceTag/owner": "${aws:username}"}"#;
        assert_eq!(compared(&allow_if(tagged), &allow_if(tagged)), "no");
    }

    #[test]
    fn what_the_guide_leaves_open_is_undecided() {
        // No page says what a number under `IpAddress` matches.
        let open = allow_if(r#""IpAddress": {"aws:SourceIp": "ten"}"#);
        assert_eq!(
            compared(&allow_if(r#""Null": {"aws:SourceIp": "true"}"#), &open),
            "undecided"
        );
        assert_eq!(compared(&open, &open), "no");
    }

    #[test]
    fn each_layer_has_to_allow() {
        let all = policy(r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#);
        let s3 = policy(r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#);
        let (all, s3) = (attached("all", &all), attached("s3", &s3));
        let levels = [s3.to_vec(), all.to_vec()];
        let free = Side {
            identity: &all,
            ..Side::default()
        };
        let bounded = Side {
            boundary: &s3,
            ..free
        };
        let controlled = Side {
            scps: &levels,
            ..free
        };
        let identity = Side {
            identity: &s3,
            ..Side::default()
        };
        for (old, new, expected) in [
            (&free, &bounded, true),
            (&bounded, &controlled, true),
            (&controlled, &identity, true),
            (&identity, &bounded, true),
            (&bounded, &free, false),
            (&controlled, &free, false),
        ] {
            let comparison = compare(old, new);
            assert_eq!(comparison.answer == Answer::No, expected);
            assert_eq!(comparison.actions.is_empty(), expected);
            assert_eq!(comparison.undecided, [""; 0]);
        }
    }
}
