//! `trailfit ingest` and `trailfit ledger`: a ledger answers as the logs do that went into it, whatever happened on the way.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Instant;

use serde_json::{Value, json};

use crate::program::{Run, project};

fn trailfit(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trailfit"));
    command
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[track_caller]
fn run(folder: &Path, args: &[&str]) -> Output {
    let output = trailfit(folder, args).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "trailfit {}: {stderr}",
        args.join(" ")
    );
    output
}

#[track_caller]
fn fails(folder: &Path, args: &[&str]) -> String {
    let output = trailfit(folder, args).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "trailfit {}", args.join(" "));
    String::from_utf8(output.stderr).unwrap()
}

fn samples() -> String {
    project("samples/AWSLogs").display().to_string()
}

/// What a ledger holds, but for the log objects.
fn facts(folder: &Path, ledger: &str) -> String {
    let output = run(folder, &["ledger", "export", ledger]);
    let text = String::from_utf8(output.stdout).unwrap();
    let facts = text
        .lines()
        .filter(|line| !line.starts_with(r#"{"kind":"object""#));
    facts.collect::<Vec<_>>().join("\n")
}

/// The facts of a ledger that was made in one go.
fn whole(folder: &Path, inputs: &[&str]) -> String {
    run(
        folder,
        &[&["ingest"], inputs, &["--ledger", "whole"]].concat(),
    );
    facts(folder, "whole")
}

/// The files below `folder`, with what is in them.
fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut ahead = vec![folder.to_owned()];
    while let Some(next) = ahead.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => ahead.push(path),
                false => {
                    let text = fs::read_to_string(&path).unwrap();
                    found.push((path.strip_prefix(folder).unwrap().to_owned(), text));
                }
            }
        }
    }
    found.sort();
    found
}

/// The index with what it tells of the log objects left out.
fn index(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("index.json")).unwrap();
    let mut index: Value = serde_json::from_str(&text).unwrap();
    index["coverage"] = Value::Null;
    index
}

#[test]
fn a_ledger_answers_as_the_logs_do() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, samples) = (folder.path(), samples());
    run(folder, &["ingest", &samples, "--ledger", "l"]);
    run(folder, &["ledger", "export", "l", "--out", "l.jsonl"]);
    run(folder, &["generate", &samples, "--out", "logs"]);
    for args in [
        &["generate", "INPUT", "--out", "OUT"][..],
        &["generate", "INPUT", "--resources", "exact", "--out", "OUT"],
        &[
            "generate",
            "INPUT",
            "--principal",
            "*github*",
            "--out",
            "OUT",
        ],
    ] {
        let (mut trees, mut said) = (Vec::new(), Vec::new());
        for (number, input) in [&*samples, "l", "l.jsonl"].into_iter().enumerate() {
            let out = format!("out{number}");
            let _ = fs::remove_dir_all(folder.join(&out));
            let args: Vec<&str> = args
                .iter()
                .map(|arg| match *arg {
                    "INPUT" => input,
                    "OUT" => &out,
                    other => other,
                })
                .collect();
            let output = run(folder, &args);
            trees.push(files(&folder.join(out)));
            let text = String::from_utf8(output.stderr).unwrap();
            said.push(text.replace(&out_name(number), "OUT"));
        }
        assert!(trees[0].len() > 1);
        assert_eq!(trees[0], trees[1], "{args:?}");
        assert_eq!(trees[0], trees[2], "{args:?}");
        assert_eq!(said[0], said[1], "{args:?}");
    }
    for args in [
        &["verify", "--policy", "logs", "--format", "json"][..],
        &["principals", "--format", "json"],
    ] {
        let [logs, ledger] = [&*samples, "l"].map(|input| run(folder, &[args, &[input]].concat()));
        assert_eq!(logs.stdout, ledger.stdout, "{args:?}");
    }
}

fn out_name(number: usize) -> String {
    format!("out{number}")
}

#[test]
fn a_part_of_the_time_is_asked_of_a_ledger_to_the_second() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, samples) = (folder.path(), samples());
    run(folder, &["ingest", &samples, "--ledger", "l"]);
    for (from, to) in [
        ("2026-09-10", "2026-09-20"),
        ("2026-09-03T07:10:11Z", "2026-09-03T15:40:00Z"),
        ("2026-09-29", "2027-01-01"),
    ] {
        for input in [&*samples, "l"] {
            let out = if input == "l" { "b" } else { "a" };
            let _ = fs::remove_dir_all(folder.join(out));
            run(
                folder,
                &["generate", input, "--from", from, "--to", to, "--out", out],
            );
        }
        let documents = |name: &str| {
            let mut files = files(&folder.join(name));
            files.retain(|(path, _)| path != Path::new("index.json"));
            files
        };
        assert!(!documents("a").is_empty());
        assert_eq!(documents("a"), documents("b"), "{from} to {to}");
        let [mut logs, mut ledger] = ["a", "b"].map(|name| index(&folder.join(name)));
        // Whose sessions and notes they were is told of all times.
        for index in [&mut logs, &mut ledger] {
            for principal in index["principals"].as_array_mut().unwrap() {
                principal["sessions"] = Value::Null;
            }
        }
        assert_eq!(logs, ledger, "{from} to {to}");
    }
}

#[test]
fn what_is_there_is_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, samples) = (folder.path(), samples());
    let expected = whole(folder, &[&samples]);
    let before = fs::read(folder.join("whole")).unwrap();
    let again = run(folder, &["ingest", &samples, "--ledger", "whole"]);
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(
        said.starts_with(
            "176 log objects in the ledger already\nread 0 events from 0 log objects\n"
        ),
        "{said}"
    );
    assert_eq!(fs::read(folder.join("whole")).unwrap(), before);
    // Account by account, the last one first, and then all at once.
    let mut accounts: Vec<PathBuf> = fs::read_dir(project("samples/AWSLogs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    accounts.sort();
    for account in accounts.iter().rev() {
        run(
            folder,
            &[
                "ingest",
                &account.display().to_string(),
                "--ledger",
                "parts",
            ],
        );
    }
    run(folder, &["ingest", &samples, "--ledger", "parts"]);
    assert!(facts(folder, "parts") == expected);
}

#[test]
fn ledgers_add_up() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, samples) = (folder.path(), samples());
    let expected = whole(folder, &[&samples]);
    let mut accounts: Vec<PathBuf> = fs::read_dir(&samples)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    accounts.sort();
    assert!(accounts.len() > 1);
    let mut parts = Vec::new();
    for (number, account) in accounts.iter().enumerate() {
        let ledger = format!("part{number}");
        let account = account.display().to_string();
        run(folder, &["ingest", &account, "--ledger", &ledger]);
        parts.push(ledger);
    }
    // One of them as another program would hand it on.
    run(
        folder,
        &["ledger", "export", "part0", "--out", "part0.jsonl"],
    );
    parts[0] = "part0.jsonl".to_owned();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    run(
        folder,
        &[&["ledger", "merge"], &parts[..], &["--ledger", "sum"]].concat(),
    );
    assert!(facts(folder, "sum") == expected);
    // Also where they are only read, and with logs beside them that they know.
    let inputs = [&parts[..], &[&samples]].concat();
    run(
        folder,
        &[&["generate"], &inputs[..], &["--out", "a"]].concat(),
    );
    run(folder, &["generate", "whole", "--out", "b"]);
    let documents = |name: &str| {
        let mut files = files(&folder.join(name));
        files.retain(|(path, _)| path != Path::new("index.json"));
        files
    };
    assert_eq!(documents("a"), documents("b"));
    assert_eq!(index(&folder.join("a")), index(&folder.join("b")));
    let said = fails(folder, &["ledger", "merge", "./sum", "--ledger", "sum"]);
    assert_eq!(said, "error: ledger `./sum`: cannot be added to itself\n");
    fs::hard_link(folder.join("sum"), folder.join("link")).unwrap();
    let said = fails(folder, &["ledger", "merge", "sum", "--ledger", "link"]);
    assert_eq!(said, "error: ledger `sum`: cannot be added to itself\n");
}

#[test]
fn a_run_that_is_killed_loses_nothing_and_counts_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, samples) = (folder.path(), samples());
    let expected = whole(folder, &[&samples]);
    let args = [
        "ingest",
        &samples,
        "--ledger",
        "l",
        "--commit-every",
        "3",
        "--threads",
        "1",
    ];
    let began = Instant::now();
    run(
        folder,
        &args.map(|arg| if arg == "l" { "timed" } else { arg }),
    );
    let takes = began.elapsed();
    let mut seen = Vec::new();
    for kill in 0..20u32 {
        let mut child = trailfit(folder, &args).spawn().unwrap();
        // Moments that know nothing of what the program does at them, in about the time that it takes.
        thread::sleep(takes * (kill * 7 % 20 + 1) / 60);
        child.kill().unwrap();
        child.wait().unwrap();
        let export = trailfit(folder, &["ledger", "export", "l"])
            .output()
            .unwrap();
        let objects = String::from_utf8(export.stdout).unwrap();
        seen.push(objects.matches(r#"{"kind":"object""#).count());
    }
    assert!(seen.is_sorted(), "{seen:?}");
    assert!(
        seen.iter().any(|count| (1..176).contains(count)),
        "{seen:?}"
    );
    run(folder, &args);
    assert!(facts(folder, "l") == expected);
}

#[test]
fn two_runs_at_once_make_one_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, samples) = (folder.path(), samples());
    let expected = whole(folder, &[&samples]);
    let args = ["ingest", &samples, "--ledger", "l", "--commit-every", "7"];
    let runs: Vec<_> = (0..3)
        .map(|_| trailfit(folder, &args).spawn().unwrap())
        .collect();
    for run in runs {
        let output = run.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert!(facts(folder, "l") == expected);
}

/// Runs a script where a file system of so many kibibytes is at `disk`, if this system lets anyone make one.
#[cfg(target_os = "linux")]
fn with_disk(folder: &Path, kibibytes: u32, script: &str) -> Option<Output> {
    let may = Command::new("unshare").args(["-rm", "true"]).status();
    if !may.is_ok_and(|status| status.success()) {
        return None;
    }
    fs::create_dir_all(folder.join("disk")).unwrap();
    let script = format!("mount -t tmpfs -o size={kibibytes}k disk disk && {script}");
    let output = Command::new("unshare")
        .args(["-rm", "sh", "-c", &script])
        .current_dir(folder)
        .env("trailfit", env!("CARGO_BIN_EXE_trailfit"))
        .output();
    Some(output.unwrap())
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, samples) = (folder.path(), samples());
    let expected = whole(folder, &[&samples]);
    let script = format!(
        "$trailfit ingest {samples} --ledger disk/l --commit-every 20 -q; echo $?; cp disk/l l"
    );
    let Some(output) = with_disk(folder, 300, &script) else {
        return;
    };
    assert_eq!(String::from_utf8_lossy(&output.stdout), "2\n");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: ledger `disk/l`: database or disk is full\n\
         help: what was read last is not in it; free some space and run the command again\n"
    );
    let half = facts(folder, "l");
    assert!(half.len() > 1_000 && half.len() < expected.len());
    run(folder, &["ingest", &samples, "--ledger", "l"]);
    assert!(facts(folder, "l") == expected);
}

#[test]
#[cfg(target_os = "linux")]
fn a_ledger_that_can_not_be_written_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, samples) = (folder.path(), samples());
    let expected = whole(folder, &[&samples]);
    let script = format!(
        "cp whole disk/l && mount -o remount,ro disk && $trailfit ledger export disk/l; \
         $trailfit ingest {samples} --ledger disk/l -q"
    );
    let Some(output) = with_disk(folder, 4_000, &script) else {
        return;
    };
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with(expected.lines().next().unwrap()) && text.len() > expected.len());
    // Everything was there, so that there was nothing to write.
    assert_eq!(output.status.code(), Some(0));
    let script = "cp whole disk/l && mount -o remount,ro disk && echo '{}' > more.json && \
        $trailfit ingest more.json --ledger disk/l -q";
    let output = with_disk(folder, 4_000, script).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: ledger `disk/l`: attempt to write a readonly database\n\
         help: the file and its folder must be there, and writable to add to it\n"
    );
}

#[test]
fn what_is_no_ledger_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, samples) = (folder.path(), samples());
    let text = r#"{"a": "file of a user's, not of ours, and longer than a page is said to begin"}"#;
    fs::write(folder.join("notes.json"), text).unwrap();
    let said = fails(folder, &["ingest", &samples, "--ledger", "notes.json"]);
    assert_eq!(
        said,
        "error: ledger `notes.json`: not a ledger of trailfit's\n\
         help: `trailfit ingest INPUT --ledger FILE` makes one\n"
    );
    assert_eq!(fs::read_to_string(folder.join("notes.json")).unwrap(), text);

    let other = rusqlite::Connection::open(folder.join("other.db")).unwrap();
    other.execute_batch("CREATE TABLE a (b)").unwrap();
    drop(other);
    for args in [
        &["ingest", &samples, "--ledger", "other.db"][..],
        &["generate", "other.db"],
    ] {
        assert!(fails(folder, args).contains("`other.db`: not a ledger of trailfit's"));
    }

    run(folder, &["ingest", &samples, "--ledger", "l"]);
    let newer = rusqlite::Connection::open(folder.join("l")).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    for args in [
        &["ingest", &samples, "--ledger", "l"][..],
        &["principals", "l"],
    ] {
        assert_eq!(
            fails(folder, args),
            "error: ledger `l`: written by a newer trailfit, as version 99 of a ledger\n\
             help: read it with that trailfit, or ingest the logs again\n"
        );
    }
    assert_eq!(
        fails(folder, &["ingest", &samples, "--ledger", "not/there"]),
        "error: ledger `not/there`: unable to open database file: not/there\n\
         help: the file and its folder must be there, and writable to add to it\n"
    );
}

#[test]
fn a_damaged_ledger_is_told_and_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, samples) = (folder.path(), samples());
    for damage in [
        "UPDATE call SET what = '{}' WHERE id = 3",
        "UPDATE call SET days = 'x' WHERE id = 3",
        "UPDATE hour SET events = x'00'",
        "UPDATE principal SET type = 'emperor'",
        "UPDATE object SET detail = 'x'",
        r#"UPDATE object SET detail = '{"others": {"a": 18446744073709551615}}'"#,
        "PRAGMA foreign_keys = OFF; DELETE FROM principal WHERE id = 1",
    ] {
        let _ = fs::remove_file(folder.join("l"));
        run(folder, &["ingest", &samples, "--ledger", "l"]);
        let ledger = rusqlite::Connection::open(folder.join("l")).unwrap();
        ledger.execute_batch(damage).unwrap();
        drop(ledger);
        let said = fails(folder, &["principals", "l", "--from", "2026-09-02"]);
        assert!(
            said.starts_with("error: ledger `l`: damaged: "),
            "{damage}: {said}"
        );
    }
    // And every bit of a file may be wrong.
    let _ = fs::remove_file(folder.join("l"));
    run(folder, &["ingest", &samples, "--ledger", "l"]);
    let whole = fs::read(folder.join("l")).unwrap();
    for at in (100..whole.len()).step_by(whole.len() / 40) {
        let mut bytes = whole.clone();
        bytes[at..]
            .iter_mut()
            .take(64)
            .for_each(|byte| *byte ^= 0x5a);
        fs::write(folder.join("l"), bytes).unwrap();
        let output = trailfit(folder, &["principals", "l", "-q"])
            .output()
            .unwrap();
        let code = output.status.code();
        assert!(
            matches!(code, Some(0 | 2)),
            "{at}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

fn record(id: &str, key: &str) -> Value {
    json!({
        "eventID": id,
        "eventTime": "2026-09-01T10:00:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "awsRegion": "eu-central-1",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ann", "accountId": "111122223333"},
        "requestParameters": {"bucketName": "data", "key": key},
    })
}

#[test]
fn a_log_object_that_changed_is_read_again_and_its_events_count_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let records = [record("1", "a"), record("2", "b")];
    let text = json!({ "Records": records }).to_string();
    fs::write(folder.join("log.json"), &text[..text.len() - 5]).unwrap();
    let output = trailfit(folder, &["ingest", "log.json", "--ledger", "l"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    // As long as it is cut off, whoever asks the ledger is told.
    let output = trailfit(folder, &["generate", "l"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("log.json`: the data is cut off"), "{said}");
    fs::write(folder.join("log.json"), text).unwrap();
    run(folder, &["ingest", "log.json", "--ledger", "l"]);
    let document: Value = serde_json::from_slice(&run(folder, &["generate", "l"]).stdout).unwrap();
    assert_eq!(
        document["Statement"][0]["Resource"],
        json!(["arn:aws:s3:::data/a", "arn:aws:s3:::data/b"])
    );
    let principals = run(folder, &["principals", "l", "--format", "json"]).stdout;
    let principals: Value = serde_json::from_slice(&principals).unwrap();
    assert_eq!(principals[0]["events"], 2);
}

#[test]
fn a_correction_counts_in_the_place_of_what_it_corrects() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut corrected = record("3", "b");
    corrected["addendum"] = json!({
        "reason": "UPDATED_DATA",
        "updatedFields": "requestParameters",
        "originalEventID": "1",
    });
    let mut same = record("4", "c");
    same["addendum"] = json!({"reason": "UPDATED_DATA", "originalEventID": "2"});
    for (name, records) in [
        ("first.json", json!([record("1", "a"), record("2", "c")])),
        ("then.json", json!([corrected, same])),
    ] {
        fs::write(folder.join(name), json!({ "Records": records }).to_string()).unwrap();
    }
    for (ledger, inputs) in [
        ("one", &["first.json", "then.json"][..]),
        ("other", &["then.json", "first.json"]),
        ("both", &["then.json", "first.json", "first.json"]),
    ] {
        for input in inputs {
            run(folder, &["ingest", input, "--ledger", ledger]);
        }
    }
    run(
        folder,
        &["ingest", "first.json", "then.json", "--ledger", "whole"],
    );
    run(folder, &["ingest", "first.json", "--ledger", "a"]);
    run(folder, &["ingest", "then.json", "--ledger", "b"]);
    run(folder, &["ledger", "merge", "a", "b", "--ledger", "sum"]);
    run(folder, &["ledger", "merge", "b", "a", "--ledger", "mus"]);
    let expected = facts(folder, "whole");
    for ledger in ["one", "other", "both", "sum", "mus"] {
        assert!(facts(folder, ledger) == expected, "{ledger}");
        for args in [
            &["generate", ledger][..],
            &["generate", ledger, "--from", "2026-09-01"],
        ] {
            let document: Value = serde_json::from_slice(&run(folder, args).stdout).unwrap();
            assert_eq!(
                document["Statement"][0]["Resource"],
                json!(["arn:aws:s3:::data/b", "arn:aws:s3:::data/c"])
            );
        }
        let principals = run(folder, &["principals", ledger, "--format", "json"]).stdout;
        let principals: Value = serde_json::from_slice(&principals).unwrap();
        assert_eq!(principals[0]["events"], 2);
    }
}

#[test]
fn what_a_ledger_cannot_do_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, samples) = (folder.path(), samples());
    run(folder, &["ingest", &samples, "--ledger", "l"]);
    assert_eq!(
        fails(folder, &["map", "l"]),
        "error: `l` is a ledger, which holds no records\nhelp: give the logs themselves\n"
    );
    assert_eq!(
        fails(folder, &["ingest", "l", "--ledger", "l"]),
        "error: ledger `l`: cannot be added to itself\n"
    );
    assert!(
        fails(
            folder,
            &["ingest", &samples, "--ledger", "l", "--principal", "*"]
        )
        .starts_with("error: a ledger keeps all principals\n")
    );
    assert_eq!(
        fails(
            folder,
            &["ingest", &samples, "--ledger", "l", "--from", "90d"]
        ),
        "error: --from, --to, --account and --region choose what is listed in AWS; a file is ingested whole\n\
         help: give them to the command that reads the ledger\n"
    );
    fs::write(
        folder.join("bad.jsonl"),
        "{\"kind\":\"ledger\",\"version\":1}\n{\"kind\":\"call\"}\n",
    )
    .unwrap();
    assert_eq!(
        fails(folder, &["principals", "bad.jsonl"]),
        "error: ledger `bad.jsonl`: line 2 is not one of a ledger's export\n\
         help: `trailfit ledger export LEDGER` writes one\n"
    );
}

#[test]
fn access_keys_are_kept_as_was_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut record = record("1", "a");
    record["userIdentity"]["accessKeyId"] = "AKIAIOSFODNN7EXAMPLE".into();
    fs::write(
        folder.join("log.json"),
        json!({ "Records": [record] }).to_string(),
    )
    .unwrap();
    for (ledger, choice, kept) in [
        ("a", &[][..], "AKIA************MPLE"),
        ("b", &["--access-keys", "hashed"], "1a5d44a2dca19669"),
        ("c", &["--access-keys", "whole"], "AKIAIOSFODNN7EXAMPLE"),
    ] {
        run(
            folder,
            &[&["ingest", "log.json", "--ledger", ledger], choice].concat(),
        );
        run(folder, &["ingest", "log.json", "--ledger", ledger]);
        let facts = facts(folder, ledger);
        assert!(
            facts.contains(&format!(r#""accessKeys":["{kept}"]"#)),
            "{facts}"
        );
    }
    run(folder, &["ledger", "merge", "c", "--ledger", "d"]);
    assert!(facts(folder, "d") == facts(folder, "a"));
    let said = fails(
        folder,
        &[
            "ingest",
            "log.json",
            "--ledger",
            "a",
            "--access-keys",
            "whole",
        ],
    );
    assert_eq!(
        said,
        "error: this ledger was begun with --access-keys masked, and stays so\n"
    );
}

#[test]
fn any_tool_can_ask_a_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, samples) = (folder.path(), samples());
    run(folder, &["ingest", &samples, "--ledger", "l"]);
    let ledger = rusqlite::Connection::open(folder.join("l")).unwrap();
    let query = "SELECT sum(count), min(first_seen) FROM fact
        WHERE principal LIKE '%backup-legacy' AND action = 's3:PutObject' AND outcome = 'used'";
    let found = ledger.query_row(query, [], |row| {
        Ok((row.get::<_, u64>(0)?, row.get::<_, String>(1)?))
    });
    assert_eq!(found.unwrap(), (30, "2026-09-01 02:04:14".to_owned()));
    let query = "SELECT count(DISTINCT account), sum(records) FROM coverage";
    let found = ledger.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?)));
    assert_eq!(found.unwrap(), (2_u64, 2_763_u64));
}

#[test]
fn an_export_can_be_read_from_a_run_of_its_own() {
    let said = Run::new()
        .file(
            "log.json",
            json!({"Records": [record("1", "a")]}).to_string(),
        )
        .args(["ingest", "log.json", "--ledger", "l"])
        .code(0);
    assert!(said.stdout.is_empty());
}

/// How many events each principal has in `input`.
fn events(folder: &Path, input: &str) -> Value {
    let listed = run(folder, &["principals", input, "--format", "json"]).stdout;
    let listed: Vec<Value> = serde_json::from_slice(&listed).unwrap();
    let events = listed.iter().map(|one| one["events"].clone());
    Value::Array(events.collect())
}

#[test]
fn exports_one_after_the_other_in_a_file_are_added_up() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut bob = record("3", "c");
    bob["userIdentity"]["arn"] = "arn:aws:iam::111122223333:user/bob".into();
    let both = record("2", "b");
    for (name, records) in [
        ("a", json!([record("1", "a"), both])),
        ("b", json!([both, bob])),
    ] {
        let log = format!("{name}.json");
        fs::write(folder.join(&log), json!({ "Records": records }).to_string()).unwrap();
        run(folder, &["ingest", &log, "--ledger", name]);
        let export = format!("{name}.jsonl");
        run(folder, &["ledger", "export", name, "--out", &export]);
    }
    let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    fs::write(folder.join("sum.jsonl"), text("a.jsonl") + &text("b.jsonl")).unwrap();
    assert_eq!(events(folder, "sum.jsonl"), json!([2, 1]));
    let whole = whole(folder, &["a.json", "b.json"]);
    run(folder, &["ledger", "merge", "sum.jsonl", "--ledger", "sum"]);
    assert!(facts(folder, "sum") == whole);
    assert!(facts(folder, "sum.jsonl") == whole);
}

fn from_stdin(folder: &Path, text: &str) {
    fs::write(folder.join("stdin"), text).unwrap();
    let stdin = fs::File::open(folder.join("stdin")).unwrap();
    let mut command = trailfit(folder, &["ingest", "-", "--ledger", "l"]);
    assert!(command.stdin(stdin).status().unwrap().success());
}

#[test]
fn events_without_an_id_are_known_by_their_place_and_what_they_say() {
    let nameless = |key: &str| {
        let mut record = record("", key);
        record.as_object_mut().unwrap().remove("eventID");
        record
    };
    let text = |records: &[Value]| json!({ "Records": records }).to_string();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Stdin has one name, whatever comes from it.
    from_stdin(folder, &text(&[nameless("a")]));
    from_stdin(folder, &text(&[nameless("b")]));
    from_stdin(folder, &text(&[nameless("b")]));
    assert_eq!(events(folder, "l"), json!([2]));
    // A file that grew, and one that is given twice.
    let log = folder.join("log.json");
    fs::write(&log, text(&[nameless("c")])).unwrap();
    run(folder, &["ingest", "log.json", "--ledger", "l"]);
    fs::write(&log, text(&[nameless("c"), nameless("d")])).unwrap();
    run(folder, &["ingest", "log.json", "log.json", "--ledger", "l"]);
    assert_eq!(events(folder, "l"), json!([4]));
}

#[test]
fn whoever_reads_waits_until_another_has_written() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let text = json!({"Records": [record("1", "a")]}).to_string();
    fs::write(folder.join("log.json"), text).unwrap();
    run(folder, &["ingest", "log.json", "--ledger", "l"]);
    let other = rusqlite::Connection::open(folder.join("l")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    thread::scope(|scope| {
        let reads = scope.spawn(|| events(folder, "l"));
        let writes = scope.spawn(|| run(folder, &["ingest", "log.json", "--ledger", "l"]));
        thread::sleep(std::time::Duration::from_millis(2_500));
        other.execute_batch("ROLLBACK").unwrap();
        assert_eq!(reads.join().unwrap(), json!([1]));
        writes.join().unwrap();
    });
}

#[test]
fn numbers_that_no_ledger_has_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let text = json!({"Records": [record("1", "a"), record("2", "b"), record("3", "c")]});
    fs::write(folder.join("log.json"), text.to_string()).unwrap();
    for (change, args) in [
        (
            "UPDATE call SET count = 9223372036854775807",
            &["principals", "l"][..],
        ),
        (
            "INSERT INTO hour SELECT hour + 1, events FROM hour",
            &["principals", "l", "--from", "2026-01-01"],
        ),
    ] {
        run(folder, &["ingest", "log.json", "--ledger", "l"]);
        let ledger = rusqlite::Connection::open(folder.join("l")).unwrap();
        ledger.execute_batch(change).unwrap();
        assert_eq!(
            fails(folder, args),
            "error: ledger `l`: damaged: how many events there are\nhelp: ingest the logs again, to a new file\n"
        );
        fs::remove_file(folder.join("l")).unwrap();
    }
}

#[test]
fn of_two_readings_of_an_object_the_one_to_its_end_stays() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let text = json!({"Records": [record("1", "a"), record("2", "b")]}).to_string();
    fs::write(folder.join("log.json"), text).unwrap();
    run(folder, &["ingest", "log.json", "--ledger", "whole"]);
    fs::copy(folder.join("whole"), folder.join("half")).unwrap();
    let half = rusqlite::Connection::open(folder.join("half")).unwrap();
    half.execute_batch(
        r#"UPDATE object SET records = 1, detail = '{"damage":"connection reset","again":true}'"#,
    )
    .unwrap();
    drop(half);
    run(
        folder,
        &["ledger", "merge", "half", "whole", "--ledger", "sum"],
    );
    run(
        folder,
        &["ledger", "merge", "whole", "half", "--ledger", "mus"],
    );
    for ledger in ["sum", "mus"] {
        run(folder, &["principals", ledger]);
    }
}
