//! The order of the stages, and all threading: log objects → events → what each means → whatever is summed up.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use crate::cloudtrail::event::Event;
use crate::cloudtrail::ordinary::{Field, Ordinary};
use crate::cloudtrail::reader::{Item, Reader};
use crate::source::files::LogObject;
use crate::usage::calls::{Calls, session_hash};
use crate::usage::coverage::{Coverage, FileProblem, SEEN_BEFORE};
use crate::usage::joint::Joint;
use crate::usage::ledger::Ledger;
use crate::usage::memo::Memo;
use crate::usage::resolve::{self, Outcome, Resolved};
use crate::usage::seen::{Seen, digest, id_of, is_named};
use crate::usage::times::Times;

/// More threads than this are not started, whatever is asked for.
const MAX_THREADS: usize = 256;

/// Which events to look at. An event outside is counted as such and nothing else.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Not before this time, in seconds since 1970.
    pub from: Option<i64>,
    /// Before this time.
    pub to: Option<i64>,
    /// Only callers of these accounts; empty: all.
    pub accounts: BTreeSet<String>,
    /// Only these Regions; empty: all.
    pub regions: BTreeSet<String>,
}

impl Filter {
    fn admits_time(&self, time: Option<i64>) -> bool {
        let in_time = |time: i64| {
            self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time < to)
        };
        (self.from.is_none() && self.to.is_none()) || time.is_some_and(in_time)
    }

    fn admits(&self, event: &Event<'_, '_>, resolved: &Resolved) -> bool {
        let account = &resolved.caller.principal.account;
        let region = event.aws_region.unwrap_or_default();
        self.admits_time(event.event_time)
            && (self.accounts.is_empty() || self.accounts.contains(account))
            && (self.regions.is_empty() || self.regions.contains(region))
    }
}

/// How far a run has come, for a progress bar; written by the workers, read by anyone.
#[derive(Debug, Default)]
pub struct Progress {
    /// Log objects read.
    pub objects: AtomicU64,
    /// Bytes read, as stored.
    pub bytes: AtomicU64,
    /// Events read.
    pub events: AtomicU64,
}

/// One event with all that is known of it.
pub struct Judged<'r, 't, 'a> {
    /// The record.
    pub event: &'r Event<'t, 'a>,
    /// What it means; its outcome is `Duplicate` where it was there before.
    pub resolved: &'r Resolved,
}

impl<'a> Judged<'_, '_, 'a> {
    /// The event's id, by which it can be found in the logs, whichever of its deliveries this is.
    #[must_use]
    pub fn id(&self) -> Option<&'a str> {
        id_of(
            self.event.event_id,
            self.event.shared_event_id,
            is_named(self.resolved),
        )
    }
}

/// What a thread keeps from one log object to the next, to save time only.
#[derive(Default)]
pub struct Worker {
    reader: Reader,
    memo: Memo,
    /// For a worker that sums up, and need not look at each event.
    calls: Option<Calls>,
}

/// What [`read_object`] hands on, in the order of the file.
pub enum Record<'r, 't, 'a> {
    /// A record that the filter admits.
    Event(Judged<'r, 't, 'a>),
    /// Events that mean what one did that was handed on before. Only a worker that sums up gives them.
    Again(&'r Resolved, &'r Times),
    /// A record that could not be read.
    Malformed {
        /// Where it starts, in bytes of the decompressed content.
        offset: u64,
        /// Why.
        reason: String,
    },
}

/// Reads until it is told to stop, and then sees the end.
struct Stoppable<'s, R> {
    input: R,
    stop: &'s Cell<bool>,
}

impl<R: Read> Read for Stoppable<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.stop.get() {
            true => Ok(0),
            false => self.input.read(out),
        }
    }
}

/// Reads one log object, accounts for every record in `coverage` and hands it to `sink`, which may end the reading.
pub fn read_object(
    object: &LogObject,
    Worker {
        reader,
        memo,
        calls,
    }: &mut Worker,
    filter: &Filter,
    seen: &Seen,
    coverage: &mut Coverage,
    sink: &mut dyn FnMut(Record<'_, '_, '_>) -> ControlFlow<()>,
) {
    let mut problem = FileProblem::new(&object.name);
    let input = match object.open() {
        Ok(input) => input,
        Err(error) => {
            problem.damage = Some(error.to_string());
            return coverage.finish_object(None, problem);
        }
    };
    let stop = Cell::new(false);
    let input = Stoppable { input, stop: &stop };
    let mut reading = Reading {
        memo,
        calls: calls.as_mut(),
        looked_up: false,
        filter,
        seen,
        coverage,
        problem,
        sink: &mut |record| {
            if !stop.get() && sink(record).is_break() {
                stop.set(true);
            }
        },
    };
    let summary = reader.read(input, &mut |item| match item {
        Item::Ordinary { record, enough, .. } => enough.set(reading.look_up(record)),
        Item::Record { event, offset } => reading.record(event, offset),
        Item::Malformed { offset, reason } => {
            reading.looked_up = false;
            let reason = reason.to_string();
            reading.problem.malformed(offset, &reason);
            reading.coverage.count_malformed(1);
            (reading.sink)(Record::Malformed { offset, reason });
        }
        Item::Other { kind, .. } => {
            reading.looked_up = false;
            reading.coverage.count_other(&kind.to_string());
        }
    });
    let Reading {
        coverage, problem, ..
    } = reading;
    coverage.finish_object(Some(&summary), problem);
}

/// The reading of one log object.
struct Reading<'r> {
    memo: &'r mut Memo,
    calls: Option<&'r mut Calls>,
    /// The record that comes next was looked up in `calls`, which does not know it.
    looked_up: bool,
    filter: &'r Filter,
    seen: &'r Seen,
    coverage: &'r mut Coverage,
    problem: FileProblem,
    sink: &'r mut dyn FnMut(Record<'_, '_, '_>),
}

impl Reading<'_> {
    /// Accounts for an event that means what one did which is remembered; false where there is none.
    fn look_up(&mut self, record: &Ordinary<'_>) -> bool {
        self.looked_up = false;
        let Some(calls) = self.calls.as_mut().filter(|_| Calls::takes(record)) else {
            return false;
        };
        let Some((call, session)) = calls.find(record) else {
            self.looked_up = true;
            return false;
        };
        let time = record.time();
        let id = id_of(
            record.text(Field::EventId),
            record.text(Field::SharedEventId),
            call.takes_identity_policy,
        );
        // The same account and Region were admitted before.
        if !self.filter.admits_time(time) {
            self.coverage.outside_filter += 1;
        } else if self
            .seen
            .is_new(id, time, session, call.digest, self.coverage)
        {
            call.again.add(time, id);
        } else {
            self.coverage.count_duplicate(time);
        }
        true
    }

    fn record(&mut self, event: &Event<'_, '_>, offset: u64) {
        let looked_up = std::mem::take(&mut self.looked_up);
        let mut resolved = resolve::resolve(event, self.memo);
        if resolved.outcome == Outcome::Malformed {
            self.problem.malformed(offset, &resolved.reason);
            return self.count(event, &resolved);
        }
        if !self.filter.admits(event, &resolved) {
            self.coverage.outside_filter += 1;
            return;
        }
        let digest = digest(event, &resolved);
        let id = id_of(event.event_id, event.shared_event_id, is_named(&resolved));
        let session = session_hash(resolved.caller.session.as_deref());
        let time = event.event_time;
        if !self.seen.is_new(id, time, session, digest, self.coverage) {
            resolved.outcome = Outcome::Duplicate;
            resolved.reason = SEEN_BEFORE.into();
            return self.count(event, &resolved);
        }
        self.count(event, &resolved);
        if let Some(calls) = self.calls.as_mut().filter(|_| looked_up) {
            if calls.is_full() {
                count_again(calls, self.coverage, &mut |resolved, times| {
                    (self.sink)(Record::Again(resolved, times));
                });
            } else {
                calls.learn(resolved, digest, event, self.memo.touched);
            }
        }
    }

    fn count(&mut self, event: &Event<'_, '_>, resolved: &Resolved) {
        self.coverage.count(event, resolved);
        (self.sink)(Record::Event(Judged { event, resolved }));
    }
}

/// Accounts for the calls that came again, hands them to `sink`, and forgets them.
fn count_again(
    calls: &mut Calls,
    coverage: &mut Coverage,
    sink: &mut dyn FnMut(&Resolved, &Times),
) {
    calls.empty(|resolved, times| {
        coverage.count_again(resolved, times.count, times.seen);
        sink(resolved, times);
    });
}

/// Reads all `objects` on `threads` workers and sums them up. The result does not depend on their number, nor on the
/// order of the objects.
#[must_use]
pub fn collect(
    objects: &[LogObject],
    filter: &Filter,
    threads: NonZeroUsize,
    progress: &Progress,
) -> (Ledger, Coverage) {
    let (parts, coverage) = run(
        objects,
        filter,
        threads,
        progress,
        true,
        |ledger: &mut Ledger, resolved, times| ledger.add_all(resolved, times),
    );
    let mut parts = parts.into_iter();
    let mut ledger = parts.next().unwrap_or_default();
    parts.for_each(|part| ledger.merge(part));
    ledger.settle();
    (ledger, coverage)
}

/// As [`collect`], with the calls that needed several things beside the ledger. Their number is not bounded as the
/// ledger's facts are.
#[must_use]
pub fn collect_joint(
    objects: &[LogObject],
    filter: &Filter,
    threads: NonZeroUsize,
    progress: &Progress,
) -> ((Ledger, Joint), Coverage) {
    let add = |(ledger, joint): &mut (Ledger, Joint), resolved: &Resolved, times: &Times| {
        ledger.add_all(resolved, times);
        joint.add(resolved, times.count);
    };
    let (parts, coverage) = run(objects, filter, threads, progress, true, add);
    let mut parts = parts.into_iter();
    let (mut ledger, mut joint) = parts.next().unwrap_or_default();
    for (part, calls) in parts {
        ledger.merge(part);
        joint.merge(calls);
    }
    let settled = ledger.settle();
    let joint = joint.settled(&ledger, &settled);
    ((ledger, joint), coverage)
}

/// Reads all `objects` on `threads` workers, each of which sums up what it reads in a `T` of its own. Which worker reads
/// which object is a matter of chance. To `remember` calls saves time only.
fn run<T: Default + Send>(
    objects: &[LogObject],
    filter: &Filter,
    threads: NonZeroUsize,
    progress: &Progress,
    remember: bool,
    add: impl Fn(&mut T, &Resolved, &Times) + Sync,
) -> (Vec<T>, Coverage) {
    let next = AtomicUsize::new(0);
    let seen = Seen::default();
    let worker = || {
        let mut worker = Worker {
            calls: remember.then(Calls::default),
            ..Worker::default()
        };
        let mut part = T::default();
        let mut coverage = Coverage::default();
        while let Some(object) = objects.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (bytes, events) = (coverage.bytes_read, coverage.events_read);
            read_object(
                object,
                &mut worker,
                filter,
                &seen,
                &mut coverage,
                &mut |record| {
                    match record {
                        Record::Event(judged) => {
                            let times = Times::once(judged.event.event_time, judged.id());
                            add(&mut part, judged.resolved, &times);
                        }
                        Record::Again(resolved, times) => add(&mut part, resolved, times),
                        Record::Malformed { .. } => {}
                    }
                    ControlFlow::Continue(())
                },
            );
            progress.objects.fetch_add(1, Ordering::Relaxed);
            progress
                .bytes
                .fetch_add(coverage.bytes_read - bytes, Ordering::Relaxed);
            progress
                .events
                .fetch_add(coverage.events_read - events, Ordering::Relaxed);
        }
        if let Some(calls) = &mut worker.calls {
            count_again(calls, &mut coverage, &mut |resolved, times| {
                add(&mut part, resolved, times);
            });
        }
        (part, coverage)
    };
    let mut parts = Vec::new();
    let mut coverage = Coverage::default();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.get().min(objects.len()).clamp(1, MAX_THREADS))
            .map(|_| scope.spawn(worker))
            .collect();
        for handle in workers {
            match handle.join() {
                Ok((part, accounts)) => {
                    parts.push(part);
                    coverage.merge(accounts);
                }
                // A worker does not panic on any input; should one, its events must not go missing unnoticed.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    (parts, coverage)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::num::NonZeroUsize;

    use proptest::prelude::*;

    use super::{Filter, Progress, run};
    use crate::source::files;
    use crate::usage::coverage::Coverage;
    use crate::usage::joint::Joint;
    use crate::usage::ledger::Ledger;
    use crate::usage::resolve::Resolved;
    use crate::usage::times::Times;

    /// Source, name, parameters with a `?` to be filled, and response likewise: calls that look into all kinds of them.
    const CALLS: [(&str, &str, &str, &str); 17] = [
        (
            "s3",
            "GetObject",
            r#"{"bucketName":"b","key":"k?","Host":"h?"}"#,
            "null",
        ),
        (
            "s3",
            "PutObject",
            r#"{"bucketName":"b?","key":"k","tagging":["?"]}"#,
            r#"{"x":"?"}"#,
        ),
        (
            "dynamodb",
            "GetItem",
            r#"{"tableName":"t","key":{"id":{"s":"?"}}}"#,
            "null",
        ),
        (
            "dynamodb",
            "BatchGetItem",
            r#"{"requestItems":{"t?":{"keys":[]}}}"#,
            "null",
        ),
        (
            "sts",
            "AssumeRole",
            r#"{"roleArn":"arn:aws:iam::111122223333:role/r?","roleSessionName":"s?"}"#,
            r#"{"y":"?"}"#,
        ),
        (
            "ec2",
            "RunInstances",
            r#"{"launchTemplate":{"launchTemplateId":"lt-?"},"clientToken":"?"}"#,
            r#"{"instancesSet":{"items":[{"instanceId":"i-?","subnetId":"subnet-?","iamInstanceProfile":{"arn":"arn:aws:iam::111122223333:instance-profile/p?"}}]}}"#,
        ),
        (
            "ec2",
            "DescribeInstances",
            r#"{"instancesSet":{"items":[{"instanceId":"i-0?0?0?0?"}]},"filterSet":{"items":[{"name":"?"}]}}"#,
            "null",
        ),
        (
            "ec2",
            "CreateVolume",
            r#"{"size":"?","zone":"z","tagSpecificationSet":{"items":[{"tags":[{"key":"?"}]}]}}"#,
            "null",
        ),
        (
            "ecs",
            "RegisterTaskDefinition",
            r#"{"family":"f?","taskRoleArn":"arn:aws:iam::111122223333:role/t?"}"#,
            r#"{"taskDefinition":{"taskDefinitionArn":"arn:aws:ecs:eu-west-1:111122223333:task-definition/f:?"}}"#,
        ),
        (
            "ecs",
            "RunTask",
            r#"{"taskDefinition":"f","cluster":"c?"}"#,
            r#"{"tasks":[{"taskDefinitionArn":"arn:aws:ecs:eu-west-1:111122223333:task-definition/f:?"}]}"#,
        ),
        (
            "iam",
            "AddRoleToInstanceProfile",
            r#"{"roleName":"r?","instanceProfileName":"p?"}"#,
            "null",
        ),
        (
            "iam",
            "CreateRole",
            r#"{"roleName":"r","description":"HIDDEN_DUE_TO_SECURITY_REASONS","path":"/?/"}"#,
            r#"{"role":{"arn":"?"}}"#,
        ),
        (
            "ssm",
            "AddTagsToResource",
            r#"{"resourceType":"Parameter","resourceId":"/a?","tags":[{"key":"?"}]}"#,
            "null",
        ),
        ("unheard", "Of", r#"{"a":"?"}"#, r#"{"b":"?"}"#),
        // The same but for the source, or the name.
        ("sqs", "TagQueue", r#"{"name":"n?"}"#, "null"),
        ("sns", "TagQueue", r#"{"name":"n?"}"#, "null"),
        ("sqs", "UntagQueue", r#"{"name":"n?"}"#, "null"),
    ];

    const IDENTITIES: [&str; 4] = [
        r#"{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/u?","accountId":"111122223333"}"#,
        r#"{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/r/s?","accountId":"111122223333"}"#,
        r#"{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/r/s?","invokedBy":"cloudformation.amazonaws.com"}"#,
        r#"{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}"#,
    ];

    const ERRORS: [&str; 4] = [
        "",
        r#""errorCode":"AccessDenied","errorMessage":"User: u is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/k?","#,
        r#""errorCode":"ThrottlingException","#,
        r#""errorCode":"NoSuchKey","errorMessage":"?","#,
    ];

    /// What of a record may be otherwise while all else is the same.
    const OTHERWISE: [&str; 9] = [
        "",
        r#""eventType":"AwsApiCall","#,
        r#""eventType":"AwsServiceEvent","#,
        r#""eventCategory":"Data","#,
        r#""eventCategory":"Insight","#,
        r#""resources":[{"ARN":"arn:aws:s3:::b/k7"}],"#,
        r#""resources":[{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}],"#,
        r#""resources":[{"ARN":"arn:aws:dynamodb:eu-west-1:111122223333:table/t9"}],"#,
        r#""recipientAccountId":"444455556666","#,
    ];

    /// A call, and what fills its parts.
    type Choice = (usize, u8, u8, usize, u8, usize, u8, u8, usize);

    fn record((call, a, b, identity, c, error, id, said, otherwise): Choice) -> String {
        let (source, name, parameters, response) = CALLS[call];
        let fill = |text: &str, with: u8| text.replace('?', &with.to_string());
        let error = fill(ERRORS[error.saturating_sub(16)], said);
        let parameters = match id {
            7 => "null".to_owned(),
            // An empty text, an escaped one, and one that AWS has taken out.
            8 => parameters.replace('?', ""),
            9 => parameters.replace('?', r"\u0041"),
            10 => parameters.replace('?', "***"),
            _ => fill(parameters, a),
        };
        let otherwise = OTHERWISE[otherwise.saturating_sub(10)];
        format!(
            r#"{{"eventVersion":"1.11","userIdentity":{},"eventTime":"2026-03-0{}T10:00:0{a}Z","eventSource":"{source}.amazonaws.com","eventName":"{name}","awsRegion":"eu-west-{b}",{error}{otherwise}"requestParameters":{parameters},"responseElements":{},"eventID":"{id}-{a}"}}"#,
            fill(IDENTITIES[identity], c),
            1 + id % 3,
            if id % 5 == 0 {
                "null".to_owned()
            } else {
                fill(response, id % 2)
            },
        )
    }

    fn sums(
        files: &[Vec<String>],
        filter: &Filter,
        remember: bool,
    ) -> (Vec<(Ledger, Joint)>, Coverage) {
        let folder = tempfile::tempdir().unwrap();
        for (number, records) in files.iter().enumerate() {
            let text = format!("{{\"Records\":[{}]}}", records.join(","));
            fs::write(folder.path().join(format!("{number}.json")), text).unwrap();
        }
        let objects = files::list(&[folder.path().display().to_string()]).unwrap();
        let add = |(ledger, joint): &mut (Ledger, Joint), resolved: &Resolved, times: &Times| {
            ledger.add_all(resolved, times);
            joint.add(resolved, times.count);
        };
        run(
            &objects,
            filter,
            NonZeroUsize::MIN,
            &Progress::default(),
            remember,
            add,
        )
    }

    /// Once a call is remembered, a record that is otherwise in one thing is not taken for it.
    #[test]
    fn one_difference_is_enough() {
        let base = r#"{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/u","accountId":"111122223333"},"eventTime":"2026-03-01T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","errorCode":"AccessDenied","errorMessage":"User: u is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/k1","requestParameters":{"bucketName":"b","key":"k"},"responseElements":null,"resources":[{"ARN":"arn:aws:s3:::b/k"}],"eventType":"AwsApiCall","eventCategory":"Data","recipientAccountId":"111122223333","eventID":"ID"}"#;
        for (from, to) in [
            ("user/u\"", "user/v\""),
            (
                r#""accountId":"111122223333""#,
                r#""accountId":"111122223333","invokedBy":"athena.amazonaws.com""#,
            ),
            ("s3.amazonaws.com", "s3-outposts.amazonaws.com"),
            ("GetObject\"", "GetObjectAcl\""),
            ("eu-west-1", "eu-west-2"),
            (
                r#""errorCode":"AccessDenied""#,
                r#""errorCode":"NoSuchKey""#,
            ),
            ("b/k1", "b/k2"),
            (r#""bucketName":"b""#, r#""bucketName":"c""#),
            ("AwsApiCall", "AwsServiceEvent"),
            (r#""eventCategory":"Data""#, r#""eventCategory":"Insight""#),
            (
                r#"recipientAccountId":"1111"#,
                r#"recipientAccountId":"4444"#,
            ),
        ] {
            let other = base.replacen(from, to, 1);
            assert_ne!(other, base, "{from}");
            let id = |text: &str, number: usize| text.replace("ID", &number.to_string());
            let mut records: Vec<String> = (0..5).map(|number| id(base, number)).collect();
            records.extend((5..8).map(|number| id(&other, number)));
            let files = [records];
            let filter = Filter::default();
            assert_eq!(
                sums(&files, &filter, true),
                sums(&files, &filter, false),
                "{from}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// What is summed up is the same whether calls are remembered or each is worked out by itself.
        #[test]
        fn to_remember_calls_changes_nothing(
            choices in prop::collection::vec(
                (0..CALLS.len(), 0u8..3, 0u8..2, 0..IDENTITIES.len(), 0u8..2, 0usize..20, 0u8..250, 0u8..2, 0usize..19), 1..400),
            timed in any::<bool>(),
        ) {
            let files: Vec<Vec<String>> = choices
                .chunks(40)
                .map(|file| file.iter().map(|choice| record(*choice)).collect())
                .collect();
            let filter = Filter { from: timed.then_some(1_772_445_600), ..Filter::default() };
            prop_assert_eq!(sums(&files, &filter, true), sums(&files, &filter, false));
        }
    }
}
