//! The order of the stages, and all threading: log objects → events → what each means → whatever is summed up.

use std::cell::Cell;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::cloudtrail::event::Event;
use crate::cloudtrail::reader::{Item, Reader};
use crate::source::files::LogObject;
use crate::usage::callers::session_hash;
use crate::usage::coverage::{Coverage, FileProblem, SEEN_BEFORE};
use crate::usage::filter::Filter;
use crate::usage::ledger::Ledger;
use crate::usage::memo::Memo;
use crate::usage::origin::Origin;
use crate::usage::resolve::{self, Outcome, Resolved};
use crate::usage::seen::{Seen, id_of};
use crate::usage::sum::Sum;
use crate::usage::values::Wanted;
use crate::verify::asked::{Asked, Asks};

pub mod keep;
mod rounds;
mod sums;

use keep::Keeper;
use rounds::Rounds;
use sums::{How, Sums};

/// More threads than this are not started, whatever is asked for.
const MAX_THREADS: usize = 256;

/// What a worker remembers of calls takes about so many bytes at most.
const MEMORY: usize = 16 << 20;

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

/// What [`map`] hands on.
pub enum Record<'r, 't, 'a> {
    /// A record that the filter admits.
    Event(Judged<'r, 't, 'a>),
    /// A record that could not be read.
    Malformed {
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

/// Reads all `objects` one after the other, and hands each record to `sink`, in the order of the files; it may end the
/// reading. Every record is accounted for in what is returned.
pub fn map(
    objects: &[LogObject],
    filter: &Filter,
    sink: &mut dyn FnMut(Record<'_, '_, '_>) -> ControlFlow<()>,
) -> Coverage {
    let stop = Cell::new(false);
    let mut sink = |record: Record<'_, '_, '_>| {
        if !stop.get() && sink(record).is_break() {
            stop.set(true);
        }
    };
    let (seen, rounds) = (Seen::default(), Rounds::as_they_come(objects));
    let (mut reader, mut memo, mut coverage) =
        (Reader::new(), Memo::default(), Coverage::default());
    while let Some(turn) = rounds.next(0, &seen) {
        let object = turn.object;
        let mut problem = FileProblem::new(&object.name);
        let input = open(object, &mut problem);
        let summary = input.map(|input| {
            let input = Stoppable { input, stop: &stop };
            reader.read(input, &mut |item| match item {
                Item::Record { event, offset } => {
                    let resolved = judge(event, filter, &seen, &mut memo);
                    account(
                        &mut coverage,
                        &mut problem,
                        event,
                        offset,
                        resolved.as_ref(),
                    );
                    if let Some(resolved) = &resolved {
                        sink(Record::Event(Judged { event, resolved }));
                    }
                }
                Item::Malformed { reason, .. } => {
                    account_other(&mut coverage, &mut problem, &item);
                    let reason = reason.to_string();
                    sink(Record::Malformed { reason });
                }
                item => account_other(&mut coverage, &mut problem, &item),
            })
        });
        coverage.finish_object(summary.as_ref(), problem);
        if stop.get() {
            break;
        }
    }
    coverage.forgetful = seen.is_forgetful();
    coverage
}

/// Opens `object`, or tells `problem` why it cannot be opened.
fn open<'o>(object: &'o LogObject, problem: &mut FileProblem) -> Option<impl Read + use<'o>> {
    match object.open() {
        Ok(input) => Some(input),
        Err(error) => {
            problem.damage = Some(error.to_string());
            None
        }
    }
}

/// What `event` means, with the outcome `Duplicate` where it was there before; `None` where `filter` does not admit it.
fn judge(event: &Event<'_, '_>, filter: &Filter, seen: &Seen, memo: &mut Memo) -> Option<Resolved> {
    let (mut resolved, identity) = tell(event, filter, seen, memo, false)?;
    if identity.is_some_and(|identity| !identity.new) {
        resolved.meaning.outcome = Outcome::Duplicate;
        resolved.meaning.reason = SEEN_BEFORE.into();
    }
    Some(resolved)
}

/// What tells an event from others.
struct Identity {
    /// What its call has, but for the event's id, time and session.
    digest: u128,
    /// Of one that has an id: what it is known by, and whether it was not there before.
    print: Option<u64>,
    new: bool,
}

/// What `event` means, and what tells it from others, where that could be read; `None` where `filter` does not admit it. A
/// correction is told from what it corrects, even where they mean the same, if `corrections` says so.
fn tell(
    event: &Event<'_, '_>,
    filter: &Filter,
    seen: &Seen,
    memo: &mut Memo,
    corrections: bool,
) -> Option<(Resolved, Option<Identity>)> {
    let resolved = resolve::resolve(event, memo);
    let Resolved { caller, meaning } = &resolved;
    if meaning.outcome == Outcome::Malformed {
        return Some((resolved, None));
    }
    if !filter.admits(
        event.event_time,
        event.aws_region,
        &caller.principal.account,
    ) {
        return None;
    }
    let (source, name) = (event.event_source, event.event_name);
    let digest = seen.digest(source, name, &caller.principal, meaning);
    let session = session_hash(caller.session.as_deref());
    let (session, digest) = Origin::of(event).mix(session, digest);
    let mut identity = Identity {
        digest,
        print: None,
        new: true,
    };
    if let Some(id) = id_of(event.id(), event.shared_event_id, || &caller.principal) {
        let corrects = corrections && event.original_event_id.is_some();
        let session = if corrects { !session } else { session };
        let (new, print) = seen.is_new(id, event.event_time, session, digest);
        (identity.new, identity.print) = (new, Some(print));
    }
    Some((resolved, Some(identity)))
}

/// Accounts for an event with what [`judge`] found.
fn account(
    coverage: &mut Coverage,
    problem: &mut FileProblem,
    event: &Event<'_, '_>,
    offset: u64,
    resolved: Option<&Resolved>,
) {
    let Some(resolved) = resolved else {
        coverage.outside_filter += 1;
        return;
    };
    if resolved.meaning.outcome == Outcome::Malformed {
        problem.malformed(offset, &resolved.meaning.reason);
    }
    coverage.count(event, resolved);
}

/// Accounts for what is no event.
fn account_other(coverage: &mut Coverage, problem: &mut FileProblem, item: &Item<'_, '_, '_>) {
    match item {
        Item::Malformed { offset, reason } => {
            problem.malformed(*offset, &reason.to_string());
            coverage.count_malformed(1);
        }
        Item::Other { kind, .. } => coverage.count_other(&kind.to_string()),
        Item::Ordinary { .. } | Item::Parts(_) | Item::Record { .. } => {}
    }
}

/// Reads all `objects` on `threads` workers and sums them up, with the calls that needed several things where `joint` says
/// so. The result does not depend on their number, nor on the order of the objects.
#[must_use]
pub fn collect(
    objects: &[LogObject],
    filter: &Filter,
    joint: bool,
    threads: NonZeroUsize,
    progress: &Progress,
) -> Sum {
    let how = How {
        joint,
        memory: Some(MEMORY),
        asked: None,
        keeper: None,
    };
    run(objects, filter, threads, progress, how).settled()
}

/// As [`collect`] with the calls that needed several things, where each used call's context is in the class that `asked` puts it
/// in. Every record is parsed as a whole for that, which takes a few times as long.
#[must_use]
pub fn collect_asked(
    objects: &[LogObject],
    filter: &Filter,
    asked: &Asked<'_>,
    threads: NonZeroUsize,
    progress: &Progress,
) -> Sum {
    let how = How {
        joint: true,
        memory: None,
        asked: Some(Asks::Classes(asked)),
        keeper: None,
    };
    run(objects, filter, threads, progress, how).settled()
}

/// As [`collect`] without the calls that needed several things, where each fact has what its used calls told of the keys
/// that are `wanted`. Every record is parsed as a whole for that, as by [`collect_asked`].
#[must_use]
pub fn collect_values(
    objects: &[LogObject],
    filter: &Filter,
    wanted: &Wanted,
    threads: NonZeroUsize,
    progress: &Progress,
) -> Sum {
    sum_values(objects, filter, wanted, threads, progress).settled()
}

/// As [`collect_values`], not [settled](Sum::settled) yet. Where nothing is wanted it takes no longer than [`collect`].
#[must_use]
pub fn sum_values(
    objects: &[LogObject],
    filter: &Filter,
    wanted: &Wanted,
    threads: NonZeroUsize,
    progress: &Progress,
) -> Sum {
    let asks = Asks::Values(wanted);
    let how = How {
        joint: false,
        memory: asks.is_empty().then_some(MEMORY),
        asked: (!asks.is_empty()).then_some(asks),
        keeper: None,
    };
    run(objects, filter, threads, progress, how)
}

/// Log objects that are read in one go to be kept: those of `objects` that stand together in the order of delivery, of some
/// 128 MiB as stored, and `most` of them.
#[must_use]
pub fn rounds(objects: Vec<LogObject>, most: usize) -> Vec<Vec<LogObject>> {
    rounds::split(objects, most)
}

/// Reads all `objects`, one round, on `threads` workers, and hands their events to `keeper`. Returns the names of sessions and
/// access keys by principal, in a ledger of nothing else, and the accounts.
#[must_use]
pub fn keep(
    objects: &[LogObject],
    threads: NonZeroUsize,
    progress: &Progress,
    keeper: Keeper<'_>,
) -> (Ledger, Coverage) {
    let how = How {
        joint: false,
        memory: Some(MEMORY),
        asked: None,
        keeper: Some(keeper),
    };
    let Sum {
        ledger, coverage, ..
    } = run(objects, &Filter::default(), threads, progress, how);
    (ledger, coverage)
}

/// Reads all `objects` on `threads` workers, each of which sums up what it reads by itself, and adds up the sums. Which
/// worker reads which object is a matter of chance.
fn run(
    objects: &[LogObject],
    filter: &Filter,
    threads: NonZeroUsize,
    progress: &Progress,
    how: How<'_>,
) -> Sum {
    let workers = threads.get().min(objects.len()).clamp(1, MAX_THREADS);
    let seen = match how.keeper {
        Some(_) => Seen::kept(),
        None => Seen::default(),
    };
    let rounds = Rounds::by_delivery(objects, workers);
    let work = |worker: usize| {
        let mut sums = Sums::new(filter, &seen, how);
        while let Some(turn) = rounds.next(worker, &seen) {
            let (bytes, events) = sums.read(turn.object);
            drop(turn);
            progress.objects.fetch_add(1, Ordering::Relaxed);
            progress.bytes.fetch_add(bytes, Ordering::Relaxed);
            progress.events.fetch_add(events, Ordering::Relaxed);
        }
        sums.finish()
    };
    let mut whole = thread::scope(|scope| {
        let work = &work;
        // Where the system gives no more threads, the others do the work.
        let others: Vec<_> = (1..workers)
            .map_while(|worker| {
                let thread = thread::Builder::new();
                thread.spawn_scoped(scope, move || work(worker)).ok()
            })
            .collect();
        let mut whole = work(0);
        for other in others {
            match other.join() {
                Ok(part) => whole.merge(part),
                // A worker does not panic on any input; should one, its events must not go missing unnoticed.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        whole
    });
    whole.coverage.forgetful = seen.is_forgetful();
    whole
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::num::NonZeroUsize;

    use proptest::prelude::*;

    use super::{Asked, Asks, How, MEMORY, Outcome, Progress, Sum, run};
    use crate::catalog::operation::{self, When};
    use crate::source::files;
    use crate::source::layout::Scope;
    use crate::usage::coverage::Coverage;
    use crate::usage::filter::Filter;
    use crate::usage::joint::Joint;
    use crate::usage::kind::{Form, Row};
    use crate::usage::ledger::Ledger;
    use crate::usage::values::Wanted;
    use crate::verify::evaluate::Attached;
    use crate::verify::policy;
    use crate::verify::replay::replay;

    /// Source, name, parameters with a `?` to be filled, and response likewise: calls that look into all kinds of them.
    const CALLS: [(&str, &str, &str, &str); 20] = [
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
            "PutItem",
            r#"{"tableName":"t?","key":{"id":{"iamInstanceProfile":"?"}}}"#,
            "null",
        ),
        (
            "logs",
            "CreateLogStream",
            r#"{"logGroupName":"g?","logStreamName":"s?"}"#,
            "null",
        ),
        (
            "iam",
            "GetRolePolicy",
            r#"{"roleName":"AWSServiceRoleFor?","policyName":"p?"}"#,
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
        r#"{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/u?","accountId":"111122223333","accessKeyId":"AKIAIOSFODNN7EXAMPL?"}"#,
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
    const OTHERWISE: [&str; 13] = [
        "",
        r#""eventType":"AwsApiCall","#,
        r#""eventType":"AwsServiceEvent","#,
        r#""eventCategory":"Data","#,
        r#""eventCategory":"Insight","#,
        r#""resources":[{"ARN":"arn:aws:s3:::b/k7"}],"#,
        r#""resources":[{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}],"#,
        r#""resources":[{"ARN":"arn:aws:dynamodb:eu-west-1:111122223333:table/t9"}],"#,
        r#""recipientAccountId":"444455556666","#,
        r#""sourceIPAddress":"10.0.0.1","#,
        r#""sourceIPAddress":"203.0.113.1","#,
        r#""sourceIPAddress":"203.0.113.1","vpcEndpointId":"vpce-1","#,
        r#""sourceIPAddress":"athena.amazonaws.com","eventCategory":"Data","#,
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
            // What is escaped in a policy, and what tells more than a name does.
            11 | 12 => parameters.replace('?', &format!("a*b?${{c{a}}}")),
            13 => parameters.replace('?', "arn:aws:dynamodb:eu-west-2:444455556666:table/t"),
            14 => parameters.replace("\"k?\"", "\"arn:aws:s3:::b/k\""),
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
        memory: Option<usize>,
    ) -> (Ledger, Option<Joint>, Coverage) {
        let sum = sum(files, filter, memory, None);
        (sum.ledger, sum.joint, sum.coverage)
    }

    fn sum(
        files: &[Vec<String>],
        filter: &Filter,
        memory: Option<usize>,
        asked: Option<Asks<'_>>,
    ) -> Sum {
        let folder = tempfile::tempdir().unwrap();
        for (number, records) in files.iter().enumerate() {
            let text = format!("{{\"Records\":[{}]}}", records.join(","));
            fs::write(folder.path().join(format!("{number}.json")), text).unwrap();
        }
        let objects =
            files::list(&[folder.path().display().to_string()], &Scope::default()).unwrap();
        let how = How {
            joint: true,
            memory,
            asked,
            keeper: None,
        };
        run(
            &objects,
            filter,
            NonZeroUsize::MIN,
            &Progress::default(),
            how,
        )
    }

    /// Once a call is remembered, a record that is otherwise in one thing is not taken for it.
    #[test]
    fn one_difference_is_enough() {
        let base = r#"{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/u","accountId":"111122223333"},"eventTime":"2026-03-01T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","errorCode":"AccessDenied","errorMessage":"User: u is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/k1","requestParameters":{"bucketName":"b","key":"k"},"responseElements":null,"resources":[{"ARN":"arn:aws:s3:::b/k"}],"eventType":"AwsApiCall","eventCategory":"Data","recipientAccountId":"111122223333","eventID":"ID"}"#;
        let put = base
            .replace("s3.amazonaws.com", "dynamodb.amazonaws.com")
            .replace("GetObject\"", "PutItem\"")
            .replace(r#""errorCode":"AccessDenied","#, "")
            .replace(
                r#""bucketName":"b","key":"k""#,
                r#""tableName":"t","key":{"id":{"s":"x"}}"#,
            );
        // Members that are sought at any depth.
        let sought = [
            r#"{"iamInstanceProfile":"#,
            r#"{"\u0069amInstanceProfile":"#,
        ];
        let sought = sought.map(|sought| (put.as_str(), r#"{"s":"#, sought));
        let differences = [
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
        ];
        let differences = differences.map(|(from, to)| (base, from, to));
        for (base, from, to) in differences.into_iter().chain(sought) {
            let other = base.replacen(from, to, 1);
            assert_ne!(other, base, "{from}");
            let id = |text: &str, number: usize| text.replace("ID", &number.to_string());
            let mut records: Vec<String> = (0..5).map(|number| id(base, number)).collect();
            records.extend((5..8).map(|number| id(&other, number)));
            let files = [records];
            let filter = Filter::default();
            assert_eq!(
                sums(&files, &filter, Some(MEMORY)),
                sums(&files, &filter, None),
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
                (0..CALLS.len(), 0u8..3, 0u8..2, 0..IDENTITIES.len(), 0u8..2, 0usize..20, 0u8..250, 0u8..2, 0usize..23), 1..400),
            timed in any::<bool>(),
            memory in 0usize..40_000,
        ) {
            let files: Vec<Vec<String>> = choices
                .chunks(40)
                .map(|file| file.iter().map(|choice| record(*choice)).collect())
                .collect();
            let filter = Filter { from: timed.then_some(1_772_445_600), ..Filter::default() };
            let alone = sums(&files, &filter, None);
            for memory in [MEMORY, memory] {
                prop_assert_eq!(&sums(&files, &filter, Some(memory)), &alone);
            }
        }

        /// Policies without conditions say the same of calls whose contexts were asked for, and all calls are counted alike.
        #[test]
        fn to_ask_for_contexts_changes_nothing_else(
            choices in prop::collection::vec(
                (0..CALLS.len(), 0u8..3, 0u8..2, 0..IDENTITIES.len(), 0u8..2, 0usize..20, 0u8..250, 0u8..2, 0usize..23), 1..300),
            allowed in prop::sample::select(vec!["s3:Get*", "*", "iam:PassRole", "ec2:*"]),
        ) {
            let files = [choices.iter().map(|choice| record(*choice)).collect()];
            let policy = |statement: &str| {
                let text = format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Resource":"*",{statement}}}]}}"#);
                policy::parse(&text).unwrap().remove(0)
            };
            let asking = policy(r#""Action":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"2026-03-02T00:00:00Z"},
                "StringEquals":{"aws:RequestedRegion":"eu-west-1"},"Null":{"aws:ViaAWSService":"true"}}"#);
            let asked = Asked::by([&asking]);
            let filter = Filter::default();
            let [plain, told] = [
                sum(&files, &filter, Some(MEMORY), None),
                sum(&files, &filter, None, Some(Asks::Classes(&asked))),
            ].map(Sum::settled);
            prop_assert_eq!(&plain.coverage, &told.coverage);
            let judging = policy(&format!(r#""Action":"{allowed}""#));
            let attached = [Attached { principal: None, name: "p", policy: &judging }];
            let replayed = |sum: &Sum, asked: &Asked<'_>| {
                let replay = replay(&sum.ledger, sum.joint.as_ref().unwrap(), &attached, asked);
                serde_json::to_string(&replay).unwrap()
            };
            prop_assert_eq!(replayed(&plain, &Asked::default()), replayed(&told, &asked));
        }

    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// As `to_ask_for_contexts_changes_nothing_else`, of calls whose values were asked for, and how they are spread over log objects changes nothing.
        #[test]
        fn to_ask_for_values_changes_nothing_else(
            choices in prop::collection::vec(
                (0..CALLS.len(), 0u8..3, 0u8..2, 0..IDENTITIES.len(), 0u8..2, 0usize..20, 0u8..250, 0u8..2, 0usize..23), 1..300),
            few in 1usize..40,
        ) {
            let records: Vec<String> = choices.iter().map(|choice| record(*choice)).collect();
            let wanted = Wanted::keys(["aws:RequestedRegion", "aws:CurrentTime", "aws:SourceIp", "aws:userid"]);
            let filter = Filter::default();
            let ask = |files: &[Vec<String>]| sum(files, &filter, None, Some(Asks::Values(&wanted))).settled();
            let told = ask(std::slice::from_ref(&records));
            let spread: Vec<Vec<String>> = records.chunks(few).map(<[String]>::to_vec).collect();
            let again = ask(&spread);
            prop_assert_eq!(&told.ledger, &again.ledger);
            let plain = sum(&[records], &filter, Some(MEMORY), None).settled();
            prop_assert_eq!(&plain.coverage, &told.coverage);
            for (principal, usage) in &told.ledger.principals {
                let plain = &plain.ledger.principals[principal];
                prop_assert_eq!(&plain.refused, &usage.refused);
                for ((action, resource, tally), (_, _, expected)) in usage.used().zip(plain.used()) {
                    let place = format!("{action} {resource}");
                    prop_assert_eq!(tally.used, expected.used, "{}", place);
                    let contexts = [tally, expected].map(|each| each.contexts.iter().collect::<Vec<_>>());
                    prop_assert_eq!(&contexts[0], &contexts[1], "{}", place);
                    let hours = tally.contexts.told().get("aws:currenttime").map(|told| told.told());
                    prop_assert_eq!(hours.unwrap_or_default(), tally.used, "{}", place);
                }
                prop_assert_eq!(plain.used().count(), usage.used().count());
            }
        }
    }

    /// A call that the catalog knows, and what it may look for in the request and in the response.
    struct Call {
        source: String,
        name: &'static str,
        paths: Vec<String>,
        response: Vec<&'static str>,
        formats: Vec<String>,
    }

    /// The calls of the tables.
    fn names() -> Vec<&'static str> {
        let tables = [
            include_str!("../mappings/generated/actions.tsv"),
            include_str!("../mappings/generated/operations.tsv"),
            include_str!("../mappings/overrides/operations.tsv"),
        ];
        let lines = tables.iter().flat_map(|table| table.lines());
        let lines = lines.filter(|line| !line.starts_with('#'));
        let mut names: Vec<&str> = lines
            .filter_map(|line| line.split('\t').next())
            .filter(|name| name.contains(':'))
            .collect();
        names.sort_unstable_by_key(|name| name.split_once(':'));
        names.dedup();
        names
    }

    /// One of `names`: as likely of a service with many rules as of any other.
    fn choose(names: &[&'static str], (service, name): (u16, u16)) -> Call {
        const OF_MANY_RULES: [&str; 12] = [
            "iam", "s3", "ec2", "ecs", "lambda", "logs", "kms", "ssm", "sts", "dynamodb", "events",
            "rds",
        ];
        let prefix = match OF_MANY_RULES.get(usize::from(service) % 24) {
            Some(prefix) => prefix,
            None => names[usize::from(service) * names.len() / 65_536]
                .split(':')
                .next()
                .unwrap(),
        };
        let of_it = |name: &str| name.split(':').next() == Some(prefix);
        let start = names.partition_point(|name| name.split(':').next() < Some(prefix));
        let count = names[start..].iter().take_while(|name| of_it(name)).count();
        call(names[start + usize::from(name) * count / 65_536])
    }

    fn call(name: &'static str) -> Call {
        let (prefix, name) = name.split_once(':').unwrap();
        let source = format!("{prefix}.amazonaws.com");
        let mut call = Call {
            name,
            paths: Vec::new(),
            response: Vec::new(),
            formats: Vec::new(),
            source,
        };
        let operation::Operation::Needs(needs) = operation::find(&call.source, name) else {
            return call;
        };
        for row in Row::all(name, needs) {
            match row.need.when {
                When::Always => {}
                When::Present(path) | When::Absent(path) | When::Equals(path, _) => {
                    call.paths.push(path.to_owned());
                }
            }
            let template = row.need.resource.unwrap_or_default();
            let parts = template
                .split("${")
                .skip(1)
                .filter_map(|part| part.split('}').next());
            call.paths
                .extend(parts.map(|part| part.split('|').next().unwrap().to_owned()));
            for kind in &row.kinds {
                let sources = kind.forms.iter().flat_map(Form::sources);
                for source in sources.chain(kind.owners.iter().copied()) {
                    match source.in_response() {
                        Some(path) => call.response.push(path),
                        None if source.serves(name) => call.paths.push(source.parameter.to_owned()),
                        None => {}
                    }
                }
                let formats = kind.forms.iter().map(|form| {
                    form.format.fill(|variable| match variable {
                        "Partition" => "aws".into(),
                        "Region" => "eu-west-1".into(),
                        "Account" => "111122223333".into(),
                        _ => "f?".into(),
                    })
                });
                call.formats.extend(formats);
            }
        }
        let passed = [
            "role",
            "roleArn",
            "path",
            "iamInstanceProfile",
            "userName",
            "resourceType",
        ];
        call.paths.extend(passed.map(str::to_owned));
        call.paths.retain(|path| {
            !path.contains(['[', '@']) && !matches!(&**path, "Partition" | "Region" | "Account")
        });
        call.paths.sort();
        call.paths.dedup();
        call
    }

    /// Some number out of `seed` and `salt`.
    fn some(seed: u64, salt: usize, below: usize) -> usize {
        let mixed = (seed ^ (salt as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
            .wrapping_mul(0xd6e8_feb8_6659_fd93);
        ((mixed ^ mixed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93) >> 40) as usize % below
    }

    /// A value of the parameter `salt` in JSON: a name, but for one parameter of most records, and for all of a few. One
    /// parameter in three has names that differ from record to record.
    fn value(path: &str, call: &Call, (shape, seed): (u64, u64), salt: usize) -> String {
        const ODD: [&str; 27] = [
            r#""""#,
            r#""***""#,
            r#""a\u0041?""#,
            "null",
            "true",
            "7",
            "1?",
            r#""*""#,
            r#""?$""#,
            r#""{b?}""#,
            r#""a*b${c?""#,
            r#"["x?","y"]"#,
            r#"["arn:aws:s3:::b/k","y?"]"#,
            r#"{"a":"x?"}"#,
            r#"{"items":[{"PATH":"x?"},{"PATH":"y"}]}"#,
            r#"{"taskRoleArn":"r?"}"#,
            r#""arn:?""#,
            r#""arn:aws:dynamodb:eu-west-2:444455556666:table/t?""#,
            r#""arn:aws:iam::111122223333:role/p/r?""#,
            r#""AWSServiceRoleForX?""#,
            r#""AWSReservedSSO_?""#,
            r#""alias/a?""#,
            r#""i-0123456?""#,
            r#""a:b:?""#,
            r#""/p/?/""#,
            r#""-s3alias""#,
            r#""aws-?""#,
        ];
        let odd = some(seed, 20, call.paths.len() * 3 / 2 + 1) == salt || some(seed, 21, 16) == 0;
        let kind = match odd {
            true => some(seed, salt, ODD.len() + 8),
            false => ODD.len() + 8,
        };
        let number = match odd || salt % 3 == shape as usize % 3 {
            true => some(seed, salt + 1000, 4).to_string(),
            false => "0".to_owned(),
        };
        let text = match ODD.get(kind) {
            Some(odd) => odd.replace("PATH", path),
            None if kind < ODD.len() + 8 && !call.formats.is_empty() => {
                format!(
                    "\"{}\"",
                    call.formats[some(seed, salt + 2000, call.formats.len())]
                )
            }
            None => r#""n?""#.to_owned(),
        };
        text.replace('?', &number)
    }

    /// The request: which parameters it has, and where, is told by `shape`, what they hold by `seed`.
    fn request(call: &Call, shape: u64, seed: u64) -> String {
        let mut members = Vec::new();
        for (salt, path) in call.paths.iter().enumerate() {
            if some(shape, salt, 10) < 4 {
                continue;
            }
            let mut steps = path.rsplit('.');
            let last = steps.next().unwrap();
            let mut text = value(last, call, (shape, seed), salt);
            let mut name = last;
            for step in steps {
                text = match some(seed, salt + 3000, 2) {
                    0 => format!(r#"{{"{name}":{text}}}"#),
                    _ => format!(r#"[{{"{name}":{text}}}]"#),
                };
                name = step;
            }
            if some(shape, salt + 4000, 8) == 0 {
                text = format!(r#"{{"{name}":{text}}}"#);
                name = "within";
            }
            members.push(format!(r#""{name}":{text}"#));
        }
        let members = members.join(",");
        match (some(shape, 5000, 8), some(seed, 5000, 12)) {
            (_, 0) => "null".to_owned(),
            (0, _) => format!(r#"{{"{}Request":{{{members}}}}}"#, call.name),
            (1, _) => {
                let many: String = (0..70).map(|n| format!(r#""m{n}":"x","#)).collect();
                format!(r#"{{{many}"z":0,{members}}}"#).replace(",}", "}")
            }
            _ => format!("{{{members}}}"),
        }
    }

    fn record_of(call: &Call, shape: u64, seed: u64) -> String {
        let response: Vec<String> = call
            .response
            .iter()
            .enumerate()
            .map(|(salt, path)| {
                let mut text = value("x", call, (shape, seed), salt + 6000);
                for step in path.rsplit('.') {
                    text = format!(r#"{{"{step}":{text}}}"#);
                }
                text[1..text.len() - 1].to_owned()
            })
            .collect();
        let error = match some(seed, 1, 14) {
            0 => format!(
                r#""errorCode":"AccessDenied","errorMessage":"User: u is not authorized to perform: {}:{} on resource: {}","#,
                call.source.split('.').next().unwrap(),
                call.name,
                call.formats
                    .first()
                    .map_or("*", |format| format)
                    .replace('?', &some(seed, 2, 4).to_string()),
            ),
            1 => r#""errorCode":"ThrottlingException","#.to_owned(),
            2 => r#""errorCode":"NoSuchThing","#.to_owned(),
            _ => String::new(),
        };
        let resources = match (some(seed, 3, 12), call.formats.is_empty()) {
            (0, false) => {
                let format = &call.formats[some(seed, 4, call.formats.len())];
                format!(
                    r#""resources":[{{"ARN":"{}"}}],"#,
                    format.replace('?', &some(seed, 5, 3).to_string())
                )
            }
            _ => String::new(),
        };
        format!(
            r#"{{"eventVersion":"1.11","userIdentity":{},"eventTime":"2026-03-01T10:00:0{}Z","eventSource":"{}","eventName":"{}","awsRegion":"eu-west-{}",{error}{resources}"requestParameters":{},"responseElements":{{{}}},"eventID":"{}"}}"#,
            IDENTITIES[some(seed, 6, 12) / 10].replace('?', &(some(seed, 7, 5) / 4).to_string()),
            some(seed, 8, 3),
            call.source,
            call.name,
            1 + some(seed, 9, 8) / 7,
            request(call, shape, seed),
            response.join(","),
            some(seed, 10, 200),
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// As `to_remember_calls_changes_nothing`, for calls of any service.
        #[test]
        fn to_remember_any_call_of_the_catalog_changes_nothing(
            chosen in prop::collection::vec(any::<(u16, u16)>(), 4),
            shapes in prop::collection::vec(any::<u64>(), 2),
            seeds in prop::collection::vec((0usize..4, 0usize..2, any::<u64>()), 40..300),
        ) {
            let names = names();
            let calls: Vec<Call> = chosen.iter().map(|index| choose(&names, *index)).collect();
            let records = seeds.iter().map(|(number, shape, seed)| record_of(&calls[*number], shapes[*shape], *seed));
            let files = [records.collect()];
            let filter = Filter::default();
            let alone = sums(&files, &filter, None);
            prop_assert_eq!(alone.2.total(Outcome::Malformed), 0);
            for memory in [MEMORY, 20_000] {
                prop_assert_eq!(&sums(&files, &filter, Some(memory)), &alone);
            }
        }
    }
}
