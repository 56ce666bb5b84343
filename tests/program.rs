//! Runs the built program in a folder of its own and checks all that it says.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A run in the making: `Run::new().file("a.json", …).args(["map", "a.json"]).code(0)`.
pub(crate) struct Run {
    folder: TempDir,
    args: Vec<String>,
    env: Vec<(String, String)>,
    stdin: Vec<u8>,
}

/// What the program said.
pub(crate) struct Said {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) folder: TempDir,
}

impl Run {
    pub(crate) fn new() -> Self {
        Self::within(tempfile::tempdir().unwrap())
    }

    /// A run in the folder that another one left.
    pub(crate) fn within(folder: TempDir) -> Self {
        Self {
            folder,
            args: Vec::new(),
            env: Vec::new(),
            stdin: Vec::new(),
        }
    }

    /// Writes a file below the run's folder.
    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    pub(crate) fn args<'s>(mut self, args: impl IntoIterator<Item = &'s str>) -> Self {
        self.args.extend(args.into_iter().map(str::to_owned));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn stdin(mut self, content: impl Into<Vec<u8>>) -> Self {
        self.stdin = content.into();
        self
    }

    /// Runs the program and insists on its exit code.
    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Said {
        let mut child = Command::new(env!("CARGO_BIN_EXE_trailfit"))
            .args(&self.args)
            .envs(self.env)
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let content = self.stdin;
        // A program that does not read its input closes the pipe: no failure of the test's.
        let feeder = std::thread::spawn(move || drop(stdin.write_all(&content)));
        let output = child.wait_with_output().unwrap();
        feeder.join().unwrap();
        let said = Said {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            folder: self.folder,
        };
        assert_eq!(
            output.status.code(),
            Some(expected),
            "trailfit {}\n--- stdout\n{}\n--- stderr\n{}",
            self.args.join(" "),
            said.stdout,
            said.stderr
        );
        said
    }
}

impl Said {
    /// The JSON on stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// The JSON lines on stdout.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        let lines = self.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// A JSON file that the program wrote below the run's folder.
    #[track_caller]
    pub(crate) fn written(&self, path: &str) -> serde_json::Value {
        let text = fs::read_to_string(self.folder.path().join(path)).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

/// A path of the project.
pub(crate) fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The record of a call that a role of account 111122223333 made in eu-central-1.
pub(crate) fn call_of_role(
    role: &str,
    (id, time): (&str, &str),
    (service, name): (&str, &str),
    parameters: &Value,
) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "arn": format!("arn:aws:sts::111122223333:assumed-role/{role}/run"),
            "accountId": "111122223333",
            "sessionContext": {"sessionIssuer": {
                "type": "Role", "arn": format!("arn:aws:iam::111122223333:role/{role}"),
                "accountId": "111122223333", "userName": role,
            }},
        },
        "eventTime": time,
        "eventSource": format!("{service}.amazonaws.com"),
        "eventName": name,
        "awsRegion": "eu-central-1",
        "requestParameters": parameters,
        "eventID": id,
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
    })
}

/// Ten in the morning of a day of 2026, counted from 1 January.
pub(crate) fn morning(day: i64) -> String {
    const NEW_YEAR: i64 = 1_767_225_600;
    let time = jiff::Timestamp::from_second(NEW_YEAR + day * 86_400 + 36_000);
    time.unwrap().to_string()
}
