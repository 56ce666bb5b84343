//! Where results go: stdout, or a file that is whole or not there.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};

/// Stdout, buffered.
#[must_use]
pub fn stdout() -> BufWriter<io::StdoutLock<'static>> {
    BufWriter::new(io::stdout().lock())
}

/// Makes an error of writing to stdout.
pub fn stdout_error(source: io::Error) -> Error {
    Error::Write {
        path: PathBuf::from("-"),
        source,
    }
}

/// Writes `text` to stdout.
///
/// # Errors
/// Where stdout does not take it.
pub fn print(text: &str) -> Result<()> {
    let mut out = stdout();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(stdout_error)
}

/// Writes a file at once: readers see the old content or the new, never half of it. Folders are made as needed.
///
/// # Errors
/// Where the folder or the file cannot be written; the old file is then as it was.
pub fn replace(path: &Path, text: &str) -> Result<()> {
    replace_with(path, |file| {
        file.write_all(text.as_bytes())
            .map_err(|source| Error::Write {
                path: path.to_owned(),
                source,
            })
    })
}

/// As [`replace`], of a file that `write` writes.
///
/// # Errors
/// As [`replace`], and what `write` says.
pub fn replace_with(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<fs::File>) -> Result<()>,
) -> Result<()> {
    let failed = |source| Error::Write {
        path: path.to_owned(),
        source,
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = folder.join(name);
    let written = fs::File::create(&temporary)
        .map_err(failed)
        .and_then(|file| {
            let mut file = BufWriter::new(file);
            write(&mut file)?;
            let file = file
                .into_inner()
                .map_err(|error| failed(error.into_error()))?;
            file.sync_all()
                .and_then(|()| fs::rename(&temporary, path))
                .map_err(failed)
        });
    written.inspect_err(|_| {
        let _ = fs::remove_file(&temporary);
    })
}

/// Whether a relative path names something below the folder it is joined to.
#[must_use]
pub fn is_below(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    parts.all(|part| matches!(part, Component::Normal(_)))
}

/// The most bytes of a file's name that come from a principal's: file systems take 255 in all.
const MAX_NAME: usize = 180;

/// `name` as one component of a path: letters, digits and `+=,.@_-` as they are (all that IAM allows in names), any
/// other byte as `%` and two hexadecimal digits, and so a first `.`. A long name is cut, with a check sum behind it.
#[must_use]
pub fn file_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for (at, byte) in name.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
        if plain && !(at == 0 && byte == b'.') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    if out.is_empty() {
        out.push('%');
    }
    if out.len() > MAX_NAME {
        // All of it is ASCII by now. The check sum keeps two long names apart.
        out.truncate(MAX_NAME);
        out.push_str(&format!("~{:016x}", xxh3_64(name.as_bytes())));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{file_name, replace};

    #[test]
    fn no_name_out_of_a_log_leaves_its_folder() {
        for (name, file) in [
            ("github-deploy", "github-deploy"),
            ("m@example.com", "m@example.com"),
            ("..", "%2E."),
            ("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"),
            ("a\0b", "a%00b"),
            ("", "%"),
        ] {
            assert_eq!(file_name(name), file);
        }
        let (long, other) = ("a".repeat(300), "a".repeat(301));
        assert!(file_name(&long).len() < 200);
        assert_ne!(file_name(&long), file_name(&other));
    }

    #[test]
    fn replace_leaves_the_new_text_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.json");
        replace(&path, "old").unwrap();
        replace(&path, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(
            std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1
        );
    }
}
