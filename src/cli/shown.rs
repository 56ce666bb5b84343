//! A policy on stdout, and what there is to say of it on stderr.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::cli::permission_sets::ProvedSet;
use crate::cli::proved::Proved;
use crate::cli::{output, tell, usage_error};
use crate::error::Result;
use crate::generate::options::Options;
use crate::generate::widening::Widening;
use crate::generate::{Plan, sets};
use crate::iam::action::Action;
use crate::iam::policy::PolicyDocument;
use crate::report::people::{self, People};
use crate::report::summary::many;
use crate::report::{self, conditions, outlook, terminal};

/// One principal's policy on stdout; what it widens and what a reader must know on stderr.
pub(super) fn print(proved: &Proved<'_>, options: &Options, quiet: bool) -> Result<()> {
    let Proved {
        principal,
        usage,
        plan,
        texts,
        entry,
    } = proved;
    print_documents(&principal.arn, plan, texts)?;
    if quiet {
        return Ok(());
    }
    let outlook = entry.outlook.as_ref();
    let outlook = outlook.map_or_else(|| outlook::words(None), |outlook| outlook.words.clone());
    let more = format!(
        "{}outlook: {outlook}\n{}",
        conditions::text(&plan.supports, usage),
        people_text(entry.people.as_ref())
    );
    let whom = terminal::safe(&principal.arn);
    let told = (usage.total_events(), &*entry.notes);
    tell_of(&whom, plan, options, told, &more);
    Ok(())
}

/// As [`print`], of a permission set.
pub(super) fn print_set(set: &ProvedSet, options: &Options, quiet: bool) -> Result<()> {
    let ProvedSet {
        name, plan, entry, ..
    } = set;
    print_documents(name, plan, &set.texts)?;
    if quiet {
        return Ok(());
    }
    let whom = format!(
        "permission set {} in {}",
        terminal::safe(name),
        many(entry.accounts.len() as u64, "account")
    );
    let more = people_text(entry.people.as_ref());
    tell_of(&whom, plan, options, (entry.events, &entry.notes), &more);
    Ok(())
}

fn people_text(people: Option<&People>) -> String {
    people.map(people::text).unwrap_or_default()
}

/// The one document, or all in an array.
fn print_documents(whose: &str, plan: &Plan, texts: &[String]) -> Result<()> {
    let text = match texts {
        [] => {
            return usage_error(format!(
                "`{}` used nothing that a policy could allow",
                terminal::safe(whose)
            ));
        }
        [one] => Cow::Borrowed(one),
        _ => Cow::Owned(serde_json::to_string_pretty(&plan.documents).unwrap_or_default() + "\n"),
    };
    output::print(&text)
}

/// What a policy widens, `more`, and what a reader must know.
fn tell_of(
    whom: &str,
    plan: &Plan,
    options: &Options,
    (events, notes): (u64, &[String]),
    more: &str,
) {
    let sizes = plan.documents.iter().map(PolicyDocument::size);
    let mut message = format!(
        "{whom}: {}, {}, proved against {}\n",
        many(plan.documents.len() as u64, "document"),
        many(sizes.sum::<usize>() as u64, "character"),
        many(events, "event"),
    );
    let of_resources = plan.widened.iter().filter(|each| each.pattern.is_none());
    for widening in of_resources {
        let (on, unit) = match widening.rule {
            sets::RULE => (format!("{} on ", few(&widening.actions)), "account"),
            _ => (String::new(), "value"),
        };
        message.push_str(&format!(
            "widened by {}: {on}{} stands for {}{}: {}\n",
            widening.rule,
            terminal::safe(widening.resource.as_str()),
            many(widening.values as u64, unit),
            match widening.days {
                0 => String::new(),
                days => format!(" on {}", many(days as u64, "day")),
            },
            terminal::safe(&widening.admits),
        ));
    }
    message.push_str(&action_wildcards(plan));
    message.push_str(&report::one_off::text(&plan.one_off, options.one_off));
    message.push_str(more);
    for note in notes {
        message.push_str(&format!("note: {}\n", terminal::safe(note)));
    }
    tell(&message);
}

/// The first actions, and how many more there are.
fn few(actions: &[Action]) -> String {
    const SHOWN: usize = 3;
    let mut shown: Vec<String> = actions
        .iter()
        .take(SHOWN)
        .map(ToString::to_string)
        .collect();
    if actions.len() > SHOWN {
        shown.push(format!("{} more", actions.len() - SHOWN));
    }
    shown.join(", ")
}

/// A line for each pattern of actions, whatever the number of resources that it is granted on.
fn action_wildcards(plan: &Plan) -> String {
    let mut lines: BTreeMap<(&Action, &str), (&Widening, usize)> = BTreeMap::new();
    for widening in &plan.widened {
        if let Some(pattern) = &widening.pattern {
            let line = lines.entry((pattern, &widening.admits));
            line.or_insert((widening, 0)).1 += 1;
        }
    }
    let line = |((pattern, _), (widening, resources)): (&(&Action, &str), &(&Widening, usize))| {
        let place = match resources {
            1 => terminal::safe(widening.resource.as_str()),
            count => Cow::Owned(many(*count as u64, "resource")),
        };
        format!(
            "widened by {}: {pattern} on {place} stands for {}: {}\n",
            widening.rule,
            many(widening.values as u64, "action"),
            widening.admits,
        )
    };
    lines.iter().map(line).collect()
}
