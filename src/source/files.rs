//! The log objects that a user names by files, folders, `-`, `s3://bucket/prefix` and `lookup-events://`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Cursor, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use crate::error::{Error, Result};
use crate::source::archive::{self, Held, Member};
use crate::source::aws::Aws;
use crate::source::fetch::Remote;
use crate::source::layout::Scope;
use crate::source::lookup::{self, Events};
use crate::source::s3::S3;

/// An archive on stdin is held in memory, up to this size; other input streams.
const MAX_STDIN_ARCHIVE: u64 = 256 << 20;

/// One log object.
#[derive(Clone, Debug)]
pub struct LogObject {
    /// What users know it by: the path that they typed, with what the walk found below it; `archive.zip!member` for a
    /// member of an archive; `-` for stdin.
    pub name: String,
    /// How many bytes it has, as stored; 0 where that is not known before it is read.
    pub size: u64,
    /// What changes with its content: the `ETag` of an object in S3, without quotes, the time when a file was written last, in
    /// nanoseconds since 1970. Empty where that is not known.
    pub version: String,
    /// As [`LogObject::id`] gives it, where that is not the name.
    id: Option<Box<str>>,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    File(PathBuf),
    /// Stdin, and what was already read of it.
    Stdin(Vec<u8>),
    Member(Archive, Member),
    S3 {
        remote: Arc<Remote>,
        /// Goes on as long as there are objects to be fetched.
        _runtime: Arc<Aws>,
    },
    Lookup(Arc<Events>),
    /// What could not be looked at when the objects were listed, to be told when it is opened.
    Unreadable(Arc<io::Error>),
}

#[derive(Clone, Debug)]
enum Archive {
    File(Arc<Path>),
    Held(Held),
}

/// Lists the log objects in `inputs`. Folders are walked, through symbolic links too, but each folder once for an input,
/// however many links lead to it; in them what is hidden (`.name`) is left out, as are sockets and devices. A zip archive, told from its bytes, gives its
/// members. What is found in one folder is sorted by its name's bytes; inputs keep their order. Of S3 only what `scope` asks
/// for is listed, and nothing is looked into.
///
/// # Errors
/// [`Error::Read`] where an input does not exist, [`Error::Usage`] for kinds of input that this version does not have.
/// What can not be read below a folder is an object all the same, and fails on [`LogObject::open`].
pub fn list(inputs: &[String], scope: &Scope) -> Result<Vec<LogObject>> {
    let mut objects = Vec::new();
    let (mut stdin, mut s3) = (false, None);
    for input in inputs {
        if input == "-" {
            if std::mem::replace(&mut stdin, true) {
                return Err(Error::Usage("`-` can be given only once".into()));
            }
            list_stdin(&mut objects)?;
        } else if input.starts_with("s3://") {
            let reached = match s3.take() {
                Some(reached) => reached,
                None => S3::new(&scope.aws)?,
            };
            objects.extend(reached.list(input, scope)?);
            s3 = Some(reached);
        } else if input.starts_with(lookup::SCHEME) {
            let aws = Arc::new(Aws::new(&scope.aws)?);
            objects.extend(lookup::list(&aws, input, scope)?);
        } else {
            let path = Path::new(input);
            let metadata = fs::metadata(path).map_err(|source| Error::Read {
                path: path.to_owned(),
                source,
            })?;
            if metadata.is_dir() {
                walk(path, &mut objects);
            } else {
                // A pipe's real path cannot be opened.
                let real = match metadata.is_file() {
                    true => real_path(path),
                    false => path.to_owned(),
                };
                list_file(path, &real, &metadata, &mut objects);
            }
        }
    }
    Ok(objects)
}

/// Walks the folder `top`. Each folder is read by its real path, so that no chain of links grows too long to follow, and
/// what is still to be looked at is kept in a list, so that none grows too deep.
fn walk(top: &Path, objects: &mut Vec<LogObject>) {
    let mut walked = BTreeSet::new();
    // Names as they are shown, with the paths by which they are reached; the next one is the last.
    let mut ahead = vec![(top.to_owned(), top.to_owned())];
    while let Some((name, path)) = ahead.pop() {
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => match enter(&path, &mut walked) {
                Ok(entries) => {
                    let entries = entries.into_iter().rev();
                    ahead.extend(entries.map(|(entry, path)| (name.join(entry), path)));
                }
                Err(error) => objects.push(LogObject::unreadable(&name, error)),
            },
            Ok(metadata) if metadata.is_file() => list_file(&name, &path, &metadata, objects),
            Ok(_) => {}
            Err(error) => objects.push(LogObject::unreadable(&name, error)),
        }
    }
}

/// What is in a folder and not hidden, sorted by its name, with its real path; nothing where the folder was `walked` before.
fn enter(folder: &Path, walked: &mut BTreeSet<PathBuf>) -> io::Result<Vec<(OsString, PathBuf)>> {
    let real = folder.canonicalize()?;
    let mut entries = Vec::new();
    if !walked.contains(&real) {
        for entry in fs::read_dir(&real)? {
            let entry = entry?;
            if !entry.file_name().as_encoded_bytes().starts_with(b".") {
                let path = match entry.file_type()?.is_symlink() {
                    true => real_path(&entry.path()),
                    false => entry.path(),
                };
                entries.push((entry.file_name(), path));
            }
        }
        walked.insert(real);
    }
    entries.sort();
    Ok(entries)
}

/// Lists a file, or its members where it is an archive, by its name and its real path. A pipe is not looked into: what is read of it is gone.
fn list_file(name: &Path, path: &Path, metadata: &Metadata, objects: &mut Vec<LogObject>) {
    let name = name.to_string_lossy().into_owned();
    if !metadata.is_file() {
        return objects.push(LogObject::file(name, path, 0, String::new()));
    }
    let version = written(metadata);
    let looked = File::open(path).and_then(|mut file| Ok((read_head(&mut file)?, file)));
    match looked {
        Ok((head, file)) if archive::is_archive(&head) => {
            let from = objects.len();
            let archive = Archive::File(path.into());
            list_members(name, archive, &mut io::BufReader::new(file), objects);
            for object in &mut objects[from..] {
                if let Place::Member(_, member) = &object.place {
                    object.id = Some(format!("{}!{}", path.display(), member.name).into());
                }
                object.version.clone_from(&version);
            }
        }
        Ok(_) => objects.push(LogObject::file(name, path, metadata.len(), version)),
        Err(error) => objects.push(LogObject::unreadable(Path::new(&name), error)),
    }
}

/// When a file was written last, in nanoseconds since 1970; empty where the system does not tell.
fn written(metadata: &Metadata) -> String {
    let time = metadata.modified().ok();
    let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or_else(String::new, |since| since.as_nanos().to_string())
}

/// The path by which a file is known from everywhere; as it is where nothing is found there.
fn real_path(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn list_stdin(objects: &mut Vec<LogObject>) -> Result<()> {
    let failed = |source| Error::Read {
        path: "-".into(),
        source,
    };
    let mut head = read_head(&mut io::stdin()).map_err(failed)?;
    if !archive::is_archive(&head) {
        objects.push(LogObject {
            name: "-".into(),
            size: 0,
            version: String::new(),
            id: None,
            place: Place::Stdin(head),
        });
        return Ok(());
    }
    io::stdin()
        .take(MAX_STDIN_ARCHIVE)
        .read_to_end(&mut head)
        .map_err(failed)?;
    if head.len() as u64 > MAX_STDIN_ARCHIVE {
        return Err(failed(io::Error::other(
            "a zip archive of more than 256 MiB; give it as a file",
        )));
    }
    let mut held: Held = Cursor::new(head.into());
    list_members("-".into(), Archive::Held(held.clone()), &mut held, objects);
    Ok(())
}

/// Lists an archive's members. Where its directory is missing, what stands before the break is listed and, as an object
/// that can not be opened, the archive itself, so that the loss is told.
fn list_members(
    name: String,
    archive: Archive,
    bytes: &mut (impl Read + Seek),
    objects: &mut Vec<LogObject>,
) {
    let (members, broken) = match archive::members(&mut *bytes) {
        Ok(members) => (members, None),
        Err(error) => (
            archive::members_before_break(bytes).unwrap_or_default(),
            Some(error),
        ),
    };
    objects.extend(members.into_iter().map(|member| LogObject {
        name: format!("{name}!{}", member.name),
        size: member.stored,
        version: String::new(),
        id: None,
        place: Place::Member(archive.clone(), member),
    }));
    objects.extend(broken.map(|error| LogObject::unreadable(Path::new(&name), error)));
}

/// The first four bytes, or fewer where there are no more.
fn read_head(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(4);
    input.take(4).read_to_end(&mut head)?;
    Ok(head)
}

impl LogObject {
    fn unreadable(path: &Path, error: io::Error) -> Self {
        Self {
            name: path.to_string_lossy().into_owned(),
            size: 0,
            version: String::new(),
            id: None,
            place: Place::Unreadable(Arc::new(error)),
        }
    }

    fn file(name: String, path: &Path, size: u64, version: String) -> Self {
        let id = path.to_string_lossy();
        Self {
            id: (id != name).then(|| id.into()),
            name,
            size,
            version,
            place: Place::File(path.to_owned()),
        }
    }

    pub(super) fn remote(aws: &Arc<Aws>, remote: Arc<Remote>) -> Self {
        Self {
            name: remote.to_string(),
            size: remote.job.size,
            version: remote.job.version.clone(),
            id: None,
            place: Place::S3 {
                remote,
                _runtime: Arc::clone(aws),
            },
        }
    }

    /// The event history of a Region, or why there is none.
    pub(super) fn region(name: String, events: io::Result<Events>) -> Self {
        match events {
            Ok(events) => Self {
                name,
                size: 0,
                version: String::new(),
                id: None,
                place: Place::Lookup(Arc::new(events)),
            },
            Err(error) => Self::unreadable(Path::new(&name), error),
        }
    }

    /// Whether it comes as slowly as its source allows, so that a thread that reads it mostly waits.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        matches!(self.place, Place::Lookup(_))
    }

    /// What tells the object from all others, from whichever folder the program is run: `s3://bucket/key`, or the real path
    /// of a file, with `!member` for a member of an archive.
    #[must_use]
    pub fn id(&self) -> &str {
        self.id.as_deref().unwrap_or(&self.name)
    }

    /// Whether it is fetched from elsewhere, and so gains by [`LogObject::announce`].
    #[must_use]
    pub fn is_remote(&self) -> bool {
        matches!(self.place, Place::S3 { .. })
    }

    /// Tells that the object will be opened soon, so that it is fetched meanwhile. Does not wait, and need be told once.
    pub fn announce(&self) {
        if let Place::S3 { remote, .. } = &self.place {
            remote.announce();
        }
    }

    /// The signature of a digest, which stands in the metadata of its object in S3; `None` where there are none, as for a file.
    ///
    /// # Errors
    /// What S3 says.
    pub fn digest_signature(&self) -> io::Result<Option<String>> {
        match &self.place {
            Place::S3 { remote, .. } => remote.digest_signature(),
            _ => Ok(None),
        }
    }

    /// Opens the object's bytes, as they are stored; a member of an archive comes out of the archive. Stdin and the event history
    /// can be read once.
    ///
    /// # Errors
    /// What the system says, or what is wrong with the archive; without the object's name.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        match &self.place {
            Place::File(path) => Ok(Box::new(File::open(path)?)),
            Place::Stdin(head) => Ok(Box::new(head.chain(io::stdin()))),
            Place::Member(Archive::File(path), member) => member.open(File::open(path)?),
            Place::Member(Archive::Held(held), member) => member.open(held.clone()),
            Place::S3 { remote, .. } => Ok(remote.open()?),
            Place::Lookup(events) => Ok(Box::new(events.open()?)),
            Place::Unreadable(error) => Err(io::Error::new(error.kind(), Arc::clone(error))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Read, Write};
    use std::path::Path;

    use super::{LogObject, list};
    use crate::source::layout::Scope;

    /// The objects' names, with `folder` taken off, and what each of them holds.
    fn listed(folder: &Path, inputs: &[&str]) -> Vec<(String, String)> {
        let inputs: Vec<_> = inputs
            .iter()
            .map(|input| folder.join(input).to_string_lossy().into_owned())
            .collect();
        let folder = format!("{}/", folder.to_string_lossy());
        let describe = |object: LogObject| {
            let mut text = String::new();
            let outcome = object
                .open()
                .map(|mut input| input.read_to_string(&mut text));
            let text = match outcome {
                Ok(Ok(_)) => text,
                Ok(Err(error)) => format!("broken: {error}"),
                Err(error) => format!("unreadable: {error}").replace(&folder, ""),
            };
            (object.name.replace(&folder, ""), text)
        };
        list(&inputs, &Scope::default())
            .unwrap()
            .into_iter()
            .map(describe)
            .collect()
    }

    fn write(folder: &Path, files: &[(&str, &[u8])]) {
        for (name, bytes) in files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }

    /// A zip archive as other programs write it: each member's local header and bytes, then the directory.
    /// `method` is 0 (stored) or 8 (deflated).
    fn zip(members: &[(&str, &[u8])], method: u8) -> Vec<u8> {
        let (mut archive, mut directory) = (Vec::new(), Vec::new());
        for (name, bytes) in members {
            let mut crc = flate2::Crc::new();
            crc.update(bytes);
            let mut stored =
                flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
            stored.write_all(bytes).unwrap();
            let stored = if method == 0 {
                bytes.to_vec()
            } else {
                stored.finish().unwrap()
            };
            let sizes = [crc.sum(), stored.len() as u32, bytes.len() as u32]
                .map(u32::to_le_bytes)
                .concat();
            let fields = [
                &[20, 0, 0, 0, method, 0, 0, 0, 0x21, 0x50],
                &sizes[..],
                &[name.len() as u8, 0, 0, 0],
            ]
            .concat();
            let start = archive.len() as u32;
            archive.extend([b"PK\x03\x04", &fields[..], name.as_bytes(), &stored].concat());
            let place = [&[0; 10][..], &start.to_le_bytes()].concat();
            directory
                .extend([b"PK\x01\x02\x14\x00", &fields[..], &place, name.as_bytes()].concat());
        }
        let count = [members.len() as u8, 0].repeat(2);
        let sizes = [directory.len() as u32, archive.len() as u32]
            .map(u32::to_le_bytes)
            .concat();
        [
            archive,
            directory,
            [b"PK\x05\x06\x00\x00\x00\x00", &count[..], &sizes, &[0, 0]].concat(),
        ]
        .concat()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect()
    }

    #[test]
    fn threads_can_share_objects() {
        fn is_sync<T: Send + Sync>(_: &T) {}
        is_sync(&list(&[], &Scope::default()).unwrap());
    }

    #[test]
    fn folders_are_walked_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let files: [(&str, &[u8]); 6] = [
            ("d/b", b"1"),
            ("d/a/z", b"2"),
            ("d/B", b"3"),
            ("d/.hidden/x", b"4"),
            ("d/.x", b"5"),
            ("e", b"6"),
        ];
        write(folder.path(), &files);
        let expected = [
            ("e", "6"),
            ("d/B", "3"),
            ("d/a/z", "2"),
            ("d/b", "1"),
            ("d/.x", "5"),
        ];
        assert_eq!(listed(folder.path(), &["e", "d", "d/.x"]), pairs(&expected));
        fs::create_dir(folder.path().join("empty")).unwrap();
        assert_eq!(listed(folder.path(), &["empty"]), []);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_loops_are_left() {
        use std::os::unix::fs::symlink;
        use std::os::unix::net::UnixListener;

        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[("d/a/x", b"1"), ("other/y", b"2")]);
        let link = |to: &str, name: &str| {
            symlink(folder.path().join(to), folder.path().join(name)).unwrap()
        };
        link("d", "d/a/up");
        link("other", "d/b");
        link("other", "d/c");
        link("nowhere", "d/e");
        let _socket = UnixListener::bind(folder.path().join("d/socket")).unwrap();
        let gone = "unreadable: No such file or directory (os error 2)";
        let expected = [("d/a/x", "1"), ("d/b/y", "2"), ("d/e", gone)];
        assert_eq!(listed(folder.path(), &["d"]), pairs(&expected));
        // Another input is another walk.
        let expected = [&expected[..], &[("d/c/y", "2")]].concat();
        assert_eq!(listed(folder.path(), &["d", "d/c"]), pairs(&expected));
    }

    #[cfg(unix)]
    #[test]
    fn folders_full_of_links_to_each_other_are_walked_once() {
        // By all paths there would be more than 60! of them, and links of links that the system does not follow.
        let folder = tempfile::tempdir().unwrap();
        let count = 60;
        for from in 0..count {
            let file = format!("d/{from}/file");
            write(folder.path(), &[(&file, b"1")]);
            for to in (0..count).filter(|&to| to != from) {
                let name = folder.path().join(format!("d/{from}/{to}"));
                std::os::unix::fs::symlink(folder.path().join(format!("d/{to}")), name).unwrap();
            }
        }
        let objects = listed(folder.path(), &["d"]);
        assert_eq!(objects.len(), count);
        assert!(
            objects
                .iter()
                .all(|(name, text)| name.ends_with("/file") && text == "1")
        );
    }

    #[test]
    fn an_archive_gives_its_members() {
        let folder = tempfile::tempdir().unwrap();
        let members: [(&str, &[u8]); 3] = [
            ("logs/", b""),
            ("logs/b.json", b"{\"Records\":[]}"),
            ("a", b""),
        ];
        // The name does not matter, the bytes do.
        write(
            folder.path(),
            &[
                ("stored.log", &zip(&members, 0)),
                ("x.zip", &zip(&members, 8)),
                ("empty.zip", &zip(&[], 0)),
            ],
        );
        for archive in ["stored.log", "x.zip"] {
            let (b, a) = (format!("{archive}!logs/b.json"), format!("{archive}!a"));
            assert_eq!(
                listed(folder.path(), &[archive]),
                pairs(&[(&b, "{\"Records\":[]}"), (&a, "")])
            );
        }
        assert_eq!(listed(folder.path(), &["empty.zip"]), []);
        write(folder.path(), &[("not.zip", b"text")]);
        assert_eq!(
            listed(folder.path(), &["not.zip"]),
            pairs(&[("not.zip", "text")])
        );
    }

    #[test]
    fn a_damaged_archive_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let whole = zip(&[("a", b"1234"), ("b", b"bbbb")], 0);
        let mut changed = whole.clone();
        let at = whole.windows(4).position(|part| part == b"1234").unwrap();
        changed[at] = b'x';
        let mut method = zip(&[("a", b"aaaa")], 0);
        let directory = method
            .windows(4)
            .position(|part| part == b"PK\x01\x02")
            .unwrap();
        method[directory + 10] = 12;
        method[8] = 12;
        write(folder.path(), &[("1", &changed), ("2", &method)]);
        let expected = [
            ("1!a", "broken: the zip archive is corrupt here"),
            ("1!b", "bbbb"),
            (
                "2!a",
                "unreadable: compressed by another method than deflate",
            ),
        ];
        assert_eq!(listed(folder.path(), &["1", "2"]), pairs(&expected));
    }

    #[test]
    fn a_member_that_is_a_bomb_is_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let (zeros, some) = (vec![0; 64 << 20], vec![0; 1 << 20]);
        let archive = zip(&[("bomb", &zeros), ("small", &some)], 8);
        write(folder.path(), &[("x.zip", &archive)]);
        let path = folder.path().join("x.zip").to_string_lossy().into_owned();
        let objects = list(&[path], &Scope::default()).unwrap();
        let read = |object: &LogObject| {
            let mut out = Vec::new();
            let outcome = object.open().unwrap().read_to_end(&mut out);
            (outcome.map_err(|error| error.kind()), out.len())
        };
        let (outcome, length) = read(&objects[0]);
        assert_eq!(outcome, Err(std::io::ErrorKind::FileTooLarge));
        // A reader of the whole gives ever larger buffers, the last of which may take it over the bound.
        assert!(length <= 32 << 20, "{length}");
        assert_eq!(read(&objects[1]), (Ok(1 << 20), 1 << 20));
    }

    #[test]
    fn an_archive_that_is_cut_gives_the_members_before_the_cut() {
        let folder = tempfile::tempdir().unwrap();
        let members: [(&str, &[u8]); 3] = [("a", b"1234"), ("d/", b""), ("d/b", b"5678")];
        for method in [0, 8] {
            let whole = zip(&members, method);
            let ends = [1, 3].map(|count| {
                zip(&members[..count], method).len() - zip_directory_length(&members[..count])
            });
            for cut in 4..whole.len() {
                write(folder.path(), &[("x.zip", &whole[..cut])]);
                let mut listed = listed(folder.path(), &["x.zip"]);
                let (name, archive) = listed.pop().unwrap();
                assert!(
                    name == "x.zip" && archive.starts_with("unreadable: "),
                    "cut at {cut}: {archive}"
                );
                let whole = ends.iter().filter(|&&end| end <= cut).count();
                let expected = [("x.zip!a", "1234"), ("x.zip!d/b", "5678")];
                assert_eq!(listed, pairs(&expected[..whole]), "cut at {cut}");
            }
        }
    }

    fn zip_directory_length(members: &[(&str, &[u8])]) -> usize {
        members
            .iter()
            .map(|(name, _)| 46 + name.len())
            .sum::<usize>()
            + 22
    }

    #[cfg(unix)]
    #[test]
    fn an_object_is_known_wherever_it_is_reached_from() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        write(&real, &[("d/a", b"1"), ("x.zip", &zip(&[("m", b"2")], 0))]);
        std::os::unix::fs::symlink(real.join("d"), real.join("link")).unwrap();
        std::os::unix::fs::symlink(real.join("d/a"), real.join("d/b")).unwrap();
        let known = |input: &str| {
            let path = real.join(input).to_str().unwrap().to_owned();
            let objects = list(&[path], &Scope::default()).unwrap();
            let known = objects.iter().map(|object| {
                let id = object.id().replace(real.to_str().unwrap(), "");
                (id, object.version.clone(), object.size)
            });
            known.collect::<Vec<_>>()
        };
        let file = known("d/a");
        assert_eq!((file[0].0.as_str(), file[0].2), ("/d/a", 1));
        assert_eq!(known("link/../d/./a"), file);
        assert_eq!(known("link"), [&file[..], &file].concat());
        assert_eq!(known("x.zip")[0].0, "/x.zip!m");
        // What is written anew is another version.
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(10);
        let written = fs::File::options().append(true).open(real.join("d/a"));
        written.unwrap().set_modified(later).unwrap();
        assert_ne!(known("d/a")[0].1, file[0].1);
        assert!(file[0].1.parse::<u128>().unwrap() > 0);
    }

    #[test]
    fn inputs_that_can_not_be_taken() {
        let message = |inputs: &[&str]| {
            let inputs: Vec<_> = inputs.iter().map(|&input| input.to_owned()).collect();
            list(&inputs, &Scope::default()).unwrap_err().to_string()
        };
        assert_eq!(
            message(&["no/such/file"]),
            "cannot read `no/such/file`: No such file or directory (os error 2)"
        );
        assert_eq!(
            message(&["s3:///prefix"]),
            "`s3:///prefix` names no bucket\nhelp: give s3://bucket or s3://bucket/prefix"
        );
    }
}
