//! Opens ledgers, and says what is wrong with one.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::{Error, LedgerError, Result};

/// `TRLF`, in a ledger's `application_id`.
const APPLICATION: i32 = 0x5452_4C46;

/// What makes each version of the schema of the one before.
const MIGRATIONS: [&str; 1] = [include_str!("schema.sql")];

/// The version of the schema that this trailfit writes.
pub const VERSION: i32 = MIGRATIONS.len() as i32;

/// The first bytes of an SQLite file. Source: SQLite, "Database File Format".
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// How long a transaction that writes waits for another process before that is told.
const WAIT: Duration = Duration::from_secs(2);

/// How long other statements wait: while another process writes a large transaction into the file, nobody can read it.
const WAIT_TO_READ: Duration = Duration::from_secs(600);

/// How many kibibytes of the file SQLite holds in memory.
const CACHE: i32 = 16 << 10;

/// An open ledger.
#[derive(Debug)]
pub struct Store {
    pub(super) connection: Connection,
    path: PathBuf,
}

/// Whether `path` is a file that begins as a ledger does.
#[must_use]
pub fn is_ledger(path: &Path) -> bool {
    begins(path, MAGIC)
}

/// Whether `path` is a file that begins with `head`. A pipe is not looked into: what is read of it is gone.
pub(super) fn begins(path: &Path, head: &[u8]) -> bool {
    let mut found = vec![0; head.len()];
    path.is_file()
        && File::open(path)
            .and_then(|mut file| file.read_exact(&mut found))
            .is_ok_and(|()| found == head)
}

impl Store {
    /// Opens a ledger to add to it; makes it where there is none, and brings an older one to this version.
    ///
    /// # Errors
    /// [`Error::Ledger`] where it is none, of a newer version, or cannot be written.
    pub fn open(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let store = Self::connect(path, flags)?;
        let version = store.version()?;
        if version < VERSION {
            store.begin(&mut |_| {})?;
            store.migrate().inspect_err(|_| store.roll_back())?;
            store.commit(&mut |_| {})?;
        }
        Ok(store)
    }

    /// Opens a ledger to read it.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_to_read(path: &Path) -> Result<Self> {
        // What a run that was killed left half done is undone first, which takes writing, where that is allowed.
        let store = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        match store.version()? {
            0 => Err(store.error(LedgerError::None)),
            _ => {
                store.sql(|connection| connection.pragma_update(None, "query_only", true))?;
                // All that follows sees one state of the file.
                store.sql(|connection| connection.execute_batch("BEGIN"))?;
                Ok(store)
            }
        }
    }

    /// A ledger that is gone when it is dropped.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn temporary() -> Result<Self> {
        // To SQLite, a file without a name: what does not fit into memory is on disk.
        let store = Self::connect(Path::new(""), OpenFlags::default())?;
        store.migrate()?;
        Ok(store)
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Self> {
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let failed = |source| error(path, LedgerError::Sqlite(source));
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        let store = Self {
            connection,
            path: path.to_owned(),
        };
        store.sql(|connection| {
            connection.busy_timeout(WAIT_TO_READ)?;
            connection.pragma_update(None, "cache_size", -CACHE)?;
            connection.pragma_update(None, "synchronous", "full")?;
            connection.pragma_update(None, "trusted_schema", false)
        })?;
        Ok(store)
    }

    /// The version of the schema; 0 of an empty file.
    fn version(&self) -> Result<i32> {
        let number = |pragma: &str| {
            let value = |connection: &Connection| {
                connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0))
            };
            self.sql(value)
        };
        let tables = "SELECT count(*) FROM sqlite_schema";
        let (application, version) = (number("application_id")?, number("user_version")?);
        let is_empty =
            self.sql(|connection| connection.query_row(tables, [], |row| row.get::<_, i64>(0)))?;
        match (application, version) {
            (0, 0) if is_empty == 0 => Ok(0),
            (APPLICATION, 1..=VERSION) => Ok(version),
            (APPLICATION, found) => Err(self.error(LedgerError::Version { found })),
            _ => Err(self.error(LedgerError::None)),
        }
    }

    fn migrate(&self) -> Result<()> {
        // Another process may have done it while this one waited.
        let from = self.version()? as usize;
        self.sql(|connection| {
            for migration in &MIGRATIONS[from..] {
                connection.execute_batch(migration)?;
            }
            connection.pragma_update(None, "application_id", APPLICATION)?;
            connection.pragma_update(None, "user_version", VERSION)
        })
    }

    /// Begins a transaction that writes, once no other process is in one. `waiting` is told when that takes long.
    pub(super) fn begin(&self, waiting: &mut dyn FnMut(&Path)) -> Result<()> {
        self.sql(|connection| connection.busy_timeout(WAIT))?;
        self.patiently("BEGIN IMMEDIATE", waiting)
    }

    /// Ends it, once no other process reads; `waiting` is told when that takes long.
    pub(super) fn commit(&self, waiting: &mut dyn FnMut(&Path)) -> Result<()> {
        self.patiently("COMMIT", waiting)
            .inspect_err(|_| self.roll_back())?;
        self.sql(|connection| connection.busy_timeout(WAIT_TO_READ))
    }

    /// Undoes what was done since it began. Where that fails, SQLite has done it already, or will when the file is opened again.
    pub(super) fn roll_back(&self) {
        let _ = self.connection.execute_batch("ROLLBACK");
        let _ = self.connection.busy_timeout(WAIT_TO_READ);
    }

    fn patiently(&self, statement: &str, waiting: &mut dyn FnMut(&Path)) -> Result<()> {
        let mut told = false;
        loop {
            match self.connection.execute_batch(statement) {
                Err(busy) if busy.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                    if !std::mem::replace(&mut told, true) {
                        waiting(&self.path);
                    }
                    thread::sleep(WAIT / 100);
                }
                done => return done.map_err(|source| self.error(LedgerError::Sqlite(source))),
            }
        }
    }

    /// Does something with the file.
    pub(super) fn sql<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        work(&self.connection).map_err(|source| self.error(LedgerError::Sqlite(source)))
    }

    /// An error of this ledger's.
    pub(super) fn error(&self, reason: LedgerError) -> Error {
        match &reason {
            LedgerError::Sqlite(source)
                if source.sqlite_error_code() == Some(ErrorCode::NotADatabase) =>
            {
                error(&self.path, LedgerError::None)
            }
            _ => error(&self.path, reason),
        }
    }
}

fn error(path: &Path, source: LedgerError) -> Error {
    Error::Ledger {
        path: path.to_owned(),
        source,
    }
}
