//! What surely allows an action, found by what its resources begin with.
//!
//! A short cut for a principal with thousands of resources in hundreds of statements. It can only say yes: where it does
//! not, all statements have to be asked, and they tell why.

use crate::iam::policy::Effect;
use crate::verify::context::Context;
use crate::verify::evaluate::Attached;
use crate::verify::glob::Glob;
use crate::verify::matcher::Answer;
use crate::verify::policy::Statement;
use crate::verify::reach::speaks_of;
use crate::verify::resource::{ArnPattern, Subject};

/// The resources on which some statements allow an action.
pub(crate) struct Grants<'p> {
    /// Sorted by what the patterns begin with.
    entries: Vec<Entry<'p>>,
}

struct Entry<'p> {
    pattern: &'p ArnPattern,
    statement: &'p Statement,
    /// The place of the nearest entry before this one whose beginning this one's begins with. So what a text begins with
    /// is all in one chain, that of the last entry which is not behind the text in order: between a text and what it
    /// begins with, all begins with that.
    shorter: Option<usize>,
}

impl<'p> Grants<'p> {
    /// What `policies` allow of `action`, in lower case, to the principal that all of them are attached to. None where a
    /// statement may refuse the action: then it takes all statements to say.
    pub(crate) fn of(action: &Glob, policies: &[Attached<'p>]) -> Self {
        let statements = policies.iter().flat_map(|each| &each.policy.statements);
        let mut entries = Vec::new();
        for statement in statements.filter(|statement| speaks_of(statement, action)) {
            if statement.effect == Effect::Deny {
                return Self {
                    entries: Vec::new(),
                };
            }
            let listed = statement.resources.as_ref().filter(|r| !r.negated);
            let Some(listed) = listed.filter(|_| statement.principals.is_none()) else {
                continue;
            };
            entries.extend(listed.items.iter().map(|pattern| Entry {
                pattern,
                statement,
                shorter: None,
            }));
        }
        entries.sort_by_key(|entry| entry.pattern.prefix());
        for at in 1..entries.len() {
            let prefix = entries[at].pattern.prefix();
            let mut shorter = Some(at - 1);
            while let Some(before) = shorter
                && !prefix.starts_with(entries[before].pattern.prefix())
            {
                shorter = entries[before].shorter;
            }
            entries[at].shorter = shorter;
        }
        Self { entries }
    }

    /// Whether one of the statements surely allows the action on all of `subject`.
    pub(crate) fn cover(&self, subject: &Subject, context: &Context) -> bool {
        let text = subject.prefix();
        let behind = self
            .entries
            .partition_point(|entry| entry.pattern.prefix() <= text);
        let mut next = behind.checked_sub(1);
        while let Some(at) = next {
            let entry = &self.entries[at];
            let mut conditions = entry.statement.conditions.iter();
            if entry.pattern.covers(subject, context, Answer::No) == Answer::Yes
                && conditions.all(|condition| condition.holds(context) == Answer::Yes)
            {
                return true;
            }
            next = entry.shorter;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Grants;
    use crate::verify::context::{Context, Key};
    use crate::verify::evaluate::{Attached, Decision, Request, evaluate};
    use crate::verify::policy::{Policy, parse};

    const ROLE: &str = "arn:aws:iam::111122223333:role/ci";

    fn resource() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "*",
            "arn:aws:s3",
            "arn:aws:s3:::*",
            "arn:aws:s3:::a",
            "arn:aws:s3:::a*",
            "arn:aws:s3:::a/b",
            "arn:aws:s3:::a/b*",
            "arn:aws:s3:::a/?",
            "arn:aws:s3:::a/b/c",
            "arn:aws:s3:::a/b/${*}",
            "arn:aws:s3:::${aws:username}/b",
            "arn:aws:s3:*:*:a/b",
            "arn:aws:s3:::b",
        ])
    }

    fn statement() -> impl Strategy<Value = String> {
        let effect = prop::sample::select(vec!["Allow", "Allow", "Allow", "Allow", "Deny"]);
        let action = prop::sample::select(vec!["s3:GetObject", "S3:get*", "*", "s3:PutObject"]);
        let names = prop::sample::select(vec![
            ("Action", "Resource"),
            ("Action", "Resource"),
            ("Action", "NotResource"),
            ("NotAction", "Resource"),
        ]);
        let condition = prop::sample::select(vec![
            "",
            "",
            r#", "Condition": {"StringEquals": {"aws:username": "a"}}"#,
            r#", "Condition": {"StringEquals": {"aws:userid": "a"}}"#,
        ]);
        let resources = prop::collection::vec(resource(), 1..6);
        (effect, action, names, condition, resources).prop_map(
            |(effect, action, (a, r), condition, resources)| {
                let resources = resources.join("\", \"");
                format!(
                    r#"{{"Effect": "{effect}", "{a}": "{action}", "{r}": ["{resources}"]{condition}}}"#
                )
            },
        )
    }

    proptest! {
        /// A yes is what all statements say; and of statements that only list what they allow, so is a no.
        #[test]
        fn a_short_cut_leads_to_the_same_answer(
            statements in prop::collection::vec(statement(), 1..6),
            resource in resource(),
            action in prop::sample::select(vec!["s3:GetObject", "s3:PutObject"]),
        ) {
            let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#, statements.join(", "));
            let policy: Policy = parse(&text).unwrap().remove(0);
            let attached = [Attached { principal: None, name: "p.json", policy: &policy }];
            let context = Context::partial().with("aws:username", Key::Known(vec!["a".into()]));
            let request = Request::new(ROLE, action, resource, &context);
            let allowed = evaluate(&request, &attached).decision == Decision::Allowed;
            let found = Grants::of(&request.action_glob, &attached).cover(&request.subject, &context);
            prop_assert!(allowed || !found);
            if !["Deny", "NotAction", "NotResource"].iter().any(|word| text.contains(word)) {
                prop_assert_eq!(allowed, found);
            }
        }
    }
}
