//! Policies with their proof: each allows what its principal used, by the judgement of an evaluator that shares no code with the generator.

use std::borrow::Cow;

use crate::error::{Error, Result};
use crate::generate::options::{Conditions, Options};
use crate::generate::{self, Plan, explain, one_off};
use crate::iam::policy::PolicyDocument;
use crate::iam::principal::{Principal, PrincipalKind};
use crate::report;
use crate::report::index::{PrincipalEntry, SetUpEntry, WideningEntry};
use crate::report::summary::many;
use crate::usage::ledger::PrincipalUsage;
use crate::verify::evaluate::Attached;
use crate::verify::{policy, replay};

/// A principal's policy, which allows what it used; or none, where [`PrincipalEntry::unproved`] says why.
pub(super) struct Proved<'l> {
    pub(super) principal: &'l Principal,
    pub(super) usage: &'l PrincipalUsage,
    pub(super) plan: Plan,
    /// The documents as they are written.
    pub(super) texts: Vec<String>,
    /// All but the names of the files.
    pub(super) entry: PrincipalEntry,
}

impl<'l> Proved<'l> {
    /// The policy. `times` are when the principal was created, and of the input's last event, in seconds since 1970.
    ///
    /// # Errors
    /// Where it does not allow what was used.
    pub(super) fn of(
        principal: &'l Principal,
        usage: &'l PrincipalUsage,
        times: (Option<i64>, Option<i64>),
        options: &Options,
    ) -> Result<Self> {
        let options = options.for_kind(principal.kind);
        let (mut proved, note) = provable(&options, |options| {
            Self::with(principal, usage, times, options)
        })?;
        proved.entry.notes.extend(note);
        Ok(proved)
    }

    fn with(
        principal: &'l Principal,
        usage: &'l PrincipalUsage,
        (created, end): (Option<i64>, Option<i64>),
        options: &Options,
    ) -> Result<Self> {
        let quota = options.quota();
        let plan = generate::plan(usage, options);
        let text = match quota.target.counts_white_space() {
            true => PolicyDocument::to_line,
            false => PolicyDocument::to_json,
        };
        let texts: Vec<String> = plan.documents.iter().map(text).collect();
        prove(principal, &one_off::granted(usage, &plan), &texts)?;
        let mut entry = PrincipalEntry::of(principal, usage, created, end, quota);
        entry.fits = plan.excess == 0;
        entry.sizes = plan.documents.iter().map(PolicyDocument::size).collect();
        entry.widened = plan.widened.iter().map(WideningEntry::of).collect();
        entry.one_off = plan.one_off.iter().map(SetUpEntry::of).collect();
        entry.support(&plan.supports);
        entry.notes.extend(plan.notes.iter().cloned());
        entry.notes.extend(notes(principal));
        Ok(Self {
            principal,
            usage,
            plan,
            texts,
            entry,
        })
    }

    /// No policy, for this reason. The times are those of [`Self::of`].
    pub(super) fn without(
        principal: &'l Principal,
        usage: &'l PrincipalUsage,
        (created, end): (Option<i64>, Option<i64>),
        options: &Options,
        reason: String,
    ) -> Self {
        let quota = options.for_kind(principal.kind).quota();
        let mut entry = PrincipalEntry::of(principal, usage, created, end, quota);
        entry.fits = false;
        entry.unproved = Some(reason);
        entry.notes.extend(notes(principal));
        Self {
            principal,
            usage,
            plan: Plan::default(),
            texts: Vec::new(),
            entry,
        }
    }
}

impl Proved<'_> {
    /// Why each statement is there: in words, and for programs.
    pub(super) fn explained(&self) -> [String; 2] {
        let (principal, usage, files) = (self.principal, self.usage, &self.entry.files);
        let statements = explain::explain(usage, &self.plan);
        let entry = report::explain::entry(principal, usage, &statements, files);
        [
            report::explain::text(principal, usage, &statements, files),
            serde_json::to_string_pretty(&entry).unwrap_or_default() + "\n",
        ]
    }
}

/// What `write` makes and proves; where that cannot be proved with conditions that all calls satisfied, what it makes without
/// them, and a note that says so. Those conditions only narrow.
pub(super) fn provable<T>(
    options: &Options,
    write: impl Fn(&Options) -> Result<T>,
) -> Result<(T, Option<String>)> {
    let written = write(options);
    let observed = matches!(options.conditions, Conditions::Observed { .. });
    let Err(Error::Unproved { reason, .. }) = &written else {
        return Ok((written?, None));
    };
    if !observed {
        return Ok((written?, None));
    }
    let note = format!("conditions are left out, as they cannot be proved: {reason}");
    let without = Options {
        conditions: Conditions::Passed,
        ..*options
    };
    Ok((write(&without)?, Some(note)))
}

/// What was made and proved; what there is `without` it, for a reason, where that is not proved and the run `goes_on`.
pub(super) fn or_without<T>(
    proved: Result<T>,
    goes_on: bool,
    without: impl FnOnce(String) -> T,
) -> Result<T> {
    match proved {
        Err(Error::Unproved { reason, .. }) if goes_on => Ok(without(reason)),
        proved => proved,
    }
}

/// Replays what the principal used against the documents as they will be written, read back from their text by the
/// evaluator, which shares no code with the generator.
pub(super) fn prove(
    principal: &Principal,
    usage: &PrincipalUsage,
    documents: &[String],
) -> Result<()> {
    let unproved = |reason: String| Error::Unproved {
        principal: principal.arn.clone(),
        reason,
    };
    let mut policies = Vec::new();
    for document in documents {
        policies.extend(policy::parse(document).map_err(|error| unproved(error.to_string()))?);
    }
    let attached: Vec<Attached<'_>> = policies
        .iter()
        .map(|policy| Attached {
            principal: Some(&principal.arn),
            name: "generated",
            policy,
        })
        .collect();
    match replay::first_gap(principal, usage, &attached) {
        Some(gap) => Err(unproved(format!(
            "{} on {}: {}",
            gap.action,
            beginning(&gap.resource),
            beginning(&gap.reason)
        ))),
        None => Ok(()),
    }
}

/// A text out of a log; of one that is longer than anybody reads, the beginning and the length.
fn beginning(text: &str) -> Cow<'_, str> {
    const SHOWN: usize = 200;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => {
            let length = many(text.chars().count() as u64, "character");
            format!("{}… ({length})", &text[..end]).into()
        }
        None => text.into(),
    }
}

/// What a reader must know about the kind of principal.
fn notes(principal: &Principal) -> Vec<String> {
    let mut notes = Vec::new();
    if principal.kind == PrincipalKind::Root {
        notes.push(
            "no identity policy limits the root user; this shows what it was used for".to_owned(),
        );
    }
    if principal.is_service_linked() {
        notes.push(
            "a service-linked role: AWS keeps its policy, which cannot be replaced".to_owned(),
        );
    }
    notes
}
