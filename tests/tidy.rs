//! The house rules that a machine can check: which room may import which, who may do I/O, how long things may be.

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::project;

/// The rooms and their floors. A file imports only rooms that stand below its own, and its own.
const FLOORS: [(&str, u32); 16] = [
    ("main", 7),
    ("lib", 7),
    ("cli", 6),
    ("pipeline", 5),
    ("report", 5),
    ("store", 5),
    ("generate", 4),
    ("verify", 4),
    ("usage", 3),
    ("source", 2),
    ("cloudtrail", 2),
    ("catalog", 2),
    ("emit", 2),
    ("account", 2),
    ("iam", 1),
    ("error", 0),
];

/// The rooms that do no I/O and print nothing.
const PURE: [&str; 6] = ["iam", "catalog", "usage", "generate", "verify", "report"];

const MAX_FILE: usize = 500;
const MAX_FUNCTION: usize = 70;

struct Source {
    path: PathBuf,
    room: String,
    /// Without its tests.
    text: String,
}

fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    walk(&project("src"), &mut files);
    assert!(files.len() > 20, "the walk found the sources");
    files
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let text = match text.find("\n#[cfg(test)]") {
                Some(tests) => text[..=tests].to_owned(),
                None => text,
            };
            let below = path.strip_prefix(project("src")).unwrap();
            let first = below
                .components()
                .next()
                .unwrap()
                .as_os_str()
                .to_str()
                .unwrap();
            let room = first.trim_end_matches(".rs").to_owned();
            Source { path, room, text }
        })
        .collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

fn floor(room: &str) -> u32 {
    let found = FLOORS.iter().find(|(name, _)| *name == room);
    found
        .unwrap_or_else(|| panic!("the room `{room}` has no floor"))
        .1
}

/// The rooms that `text` names with `crate::`.
fn imports(text: &str) -> Vec<&str> {
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| {
            rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
                .unwrap()
        })
        .filter(|room| !room.is_empty())
        .collect()
}

#[test]
fn a_file_imports_only_rooms_below_its_own() {
    for source in sources() {
        for room in imports(&source.text) {
            let fits = room == source.room || floor(room) < floor(&source.room);
            assert!(fits, "{}: imports `{room}`", source.path.display());
        }
    }
}

#[test]
fn the_proof_shares_nothing_with_what_it_proves() {
    for source in sources() {
        let forbidden: &[&str] = match source.room.as_str() {
            "generate" => &["crate::verify"],
            "verify" => &["crate::generate", "crate::iam::pattern"],
            "cloudtrail" => &["crate::iam", "crate::catalog"],
            "iam" | "catalog" => &["crate::cloudtrail"],
            _ => &[],
        };
        for name in forbidden {
            assert!(
                !source.text.contains(name),
                "{}: names `{name}`",
                source.path.display()
            );
        }
    }
}

#[test]
fn pure_rooms_do_no_io() {
    for source in sources().iter().filter(|s| PURE.contains(&s.room.as_str())) {
        for name in [
            "std::fs",
            "std::io",
            "std::net::Tcp",
            "std::net::Udp",
            "std::env",
            "std::process",
            "print!(",
            "println!(",
        ] {
            assert!(
                !source.text.contains(name),
                "{}: {name}",
                source.path.display()
            );
        }
    }
}

#[test]
fn imports_name_the_true_path() {
    for source in sources() {
        for line in source.text.lines().map(str::trim) {
            let hides = line.contains("super::*")
                || line.starts_with("pub use ")
                || line.starts_with("pub(crate) use ");
            assert!(!hides, "{}: {line}", source.path.display());
        }
    }
}

#[test]
fn files_and_functions_stay_short() {
    let mut long = Vec::new();
    for source in sources() {
        let lines: Vec<&str> = source.text.lines().collect();
        if lines.len() > MAX_FILE {
            long.push(format!("{}: {} lines", source.path.display(), lines.len()));
        }
        for (at, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let starts = [
                "fn ",
                "pub fn ",
                "pub(crate) fn ",
                "const fn ",
                "pub const fn ",
            ];
            if !starts
                .iter()
                .any(|start| line.trim_start().starts_with(start))
            {
                continue;
            }
            let closing = format!("{}}}", " ".repeat(indent));
            let length = lines[at..].iter().position(|l| **l == closing).unwrap_or(0);
            if length > MAX_FUNCTION {
                long.push(format!(
                    "{}:{}: a function of {length} lines",
                    source.path.display(),
                    at + 1
                ));
            }
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}
