//! `trailfit lint`: what is wrong with these policies?

use std::fs;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::json;

use crate::cli::{Ending, output, tell};
use crate::error::{Error, Result};
use crate::report::terminal;
use crate::verify::lint::checks::{self, Check, Kind};
use crate::verify::lint::{Finding, lint};

/// Check identity policies: what IAM would refuse, what allows too much, what does nothing.
///
/// A FILE holds a policy document, an array of documents, or a document as the AWS CLI prints it. The checks are those of
/// IAM Access Analyzer that apply to identity policies, and a few more. The exit code is 1 where one of them finds an error.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Policies; `-` is stdin.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// The type of the policies. Resource policies, trust policies, SCPs and RCPs are not judged yet.
    #[arg(long = "type", value_name = "TYPE", default_value = "identity")]
    policy_type: PolicyType,

    /// The form of the answer.
    #[arg(long, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PolicyType {
    /// Policies of users, groups, roles and permission sets; permissions boundaries.
    Identity,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For code scanning: SARIF 2.1.0.
    Sarif,
}

/// What was found in one file.
struct Linted {
    /// As the user named it.
    name: String,
    findings: Vec<Finding>,
}

/// Runs the command.
///
/// # Errors
/// Where a file cannot be read, or stdout takes no more.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Ending> {
    let PolicyType::Identity = arguments.policy_type;
    let mut files = Vec::with_capacity(arguments.files.len());
    for path in &arguments.files {
        files.push(Linted {
            name: path.display().to_string(),
            findings: lint(&read(path)?),
        });
    }
    output::print(&match arguments.format {
        Format::Text => text(&files),
        Format::Json => json(&files),
        Format::Sarif => sarif(&files),
    })?;
    if !quiet {
        tell(&sum(&files));
    }
    let error = each(&files).any(|(_, finding)| finding.check.kind == Kind::Error);
    Ok(if error {
        Ending::Negative
    } else {
        Ending::Done
    })
}

/// The text of a file. What is not UTF-8 becomes U+FFFD, which the lint names with its place.
fn read(path: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().read_to_end(&mut bytes).map(drop)
    } else {
        fs::read(path).map(|content| bytes = content)
    };
    read.map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })?;
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// Two lines a finding.
fn text(files: &[Linted]) -> String {
    let lines = each(files).map(|(file, finding)| {
        let said = format!(
            "{}:{}:{}: {} {}: {}",
            file.name,
            finding.line,
            finding.column,
            finding.check.kind.as_str(),
            finding.check.code,
            finding.message
        );
        format!(
            "{}\n  {}\n",
            terminal::safe(&said),
            terminal::safe(&finding.fix)
        )
    });
    lines.collect()
}

/// How many findings of each kind there are.
fn sum(files: &[Linted]) -> String {
    let kinds = [
        (Kind::Error, "errors"),
        (Kind::SecurityWarning, "security warnings"),
        (Kind::Warning, "warnings"),
        (Kind::Suggestion, "suggestions"),
    ];
    let counts = kinds.map(|(kind, name)| {
        let of_kind = |(_, finding): &(&Linted, &Finding)| finding.check.kind == kind;
        format!("{name} {}", each(files).filter(of_kind).count())
    });
    format!("files {}, {}\n", files.len(), counts.join(", "))
}

/// One finding in JSON.
#[derive(Serialize)]
struct Row<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    path: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    code: &'static str,
    message: &'a str,
    fix: &'a str,
}

fn json(files: &[Linted]) -> String {
    let rows: Vec<Row<'_>> = each(files)
        .map(|(file, finding)| Row {
            file: &file.name,
            line: finding.line,
            column: finding.column,
            path: &finding.pointer,
            kind: finding.check.kind.as_str(),
            code: finding.check.code,
            message: &finding.message,
            fix: &finding.fix,
        })
        .collect();
    format!("{:#}\n", json!({ "findings": rows }))
}

/// The format of OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
fn sarif(files: &[Linted]) -> String {
    let level = |check: &Check| match check.kind {
        Kind::Error => "error",
        Kind::SecurityWarning | Kind::Warning => "warning",
        Kind::Suggestion => "note",
    };
    let rule = |check: &&Check| {
        json!({
            "id": check.code,
            "shortDescription": {"text": check.about},
            "defaultConfiguration": {"level": level(check)},
            "properties": {"type": check.kind.as_str()},
        })
    };
    let result = |(file, finding): (&Linted, &Finding)| {
        let check = finding.check;
        json!({
            "ruleId": check.code,
            "ruleIndex": checks::all().iter().position(|rule| *rule == check),
            "level": level(check),
            "message": {"text": format!("{}. {}", finding.message, finding.fix)},
            "locations": [{
                "physicalLocation": {
                    "artifactLocation": {"uri": uri(&file.name)},
                    "region": {"startLine": finding.line, "startColumn": finding.column},
                },
                "logicalLocations": [{"fullyQualifiedName": finding.pointer}],
            }],
        })
    };
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "trailfit",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": checks::all().iter().map(rule).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": each(files).map(result).collect::<Vec<_>>(),
        }],
    });
    format!("{log:#}\n")
}

/// The path without `.`, and without `..` where a name stands before it. What links lead to is not looked up.
fn resolved(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            // There is nothing above the root.
            Component::ParentDir if out.has_root() => {}
            part => out.push(part),
        }
    }
    out
}

fn each(files: &[Linted]) -> impl Iterator<Item = (&Linted, &Finding)> {
    files
        .iter()
        .flat_map(|file| file.findings.iter().map(move |finding| (file, finding)))
}

/// The path as a URI reference (RFC 3986): relative, where it is within the working folder or leads out of it by `..`.
fn uri(name: &str) -> String {
    if name == "-" {
        return "stdin".to_owned();
    }
    let working = std::env::current_dir().unwrap_or_default();
    let whole = resolved(&working.join(name));
    let path = match whole.strip_prefix(&working) {
        Ok(path) => path.to_owned(),
        Err(_) if Path::new(name).is_absolute() => whole,
        Err(_) => resolved(Path::new(name)),
    };
    let scheme = if path.is_absolute() { "file://" } else { "" };
    let mut out = scheme.to_owned();
    for byte in path.to_string_lossy().bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
        match plain {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
