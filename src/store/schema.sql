-- The schema of a ledger, version 1. `PRAGMA user_version` is the version, `PRAGMA application_id` tells a ledger.

-- How the ledger is kept: `access_keys` is `whole`, `masked` or `hashed`.
CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Who made calls.
CREATE TABLE principal (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    arn TEXT NOT NULL,
    -- The names of its sessions, and the ids of the long-term access keys that signed its calls, as the setting says; the first
    -- in order: JSON arrays.
    sessions TEXT NOT NULL DEFAULT '[]',
    access_keys TEXT NOT NULL DEFAULT '[]',
    UNIQUE (account, type, name, arn)
);

-- Calls that mean the same: of one principal, with one outcome, in one Region, needing the same. One row for any number.
CREATE TABLE call (
    -- Never given to another row again, not even where this one is gone.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- A hash of the principal and of `what`.
    key BLOB NOT NULL UNIQUE,
    principal INTEGER NOT NULL REFERENCES principal,
    -- JSON: {"outcome", "reason", "region", "via", "needs": [{"action", "resources", "basis", "context", "told"}],
    -- "loaded", "message", "notes"}; what is empty is left out.
    what TEXT NOT NULL,
    -- How many events there were that count.
    count INTEGER NOT NULL,
    -- The first and the last of them, in seconds since 1970.
    first INTEGER,
    last INTEGER,
    -- The distinct days with one, in days since 1970-01-01: a JSON array.
    days TEXT NOT NULL,
    -- The smallest eventID.
    sample TEXT,
    -- The kinds of networks they came from: a JSON array.
    networks TEXT NOT NULL
);
CREATE INDEX call_principal ON call (principal);

-- How many distinct resources a principal's action has: those kept apart, up to a bound, beyond which they are cut.
CREATE TABLE action (
    principal INTEGER NOT NULL REFERENCES principal,
    -- 1 where the calls were authorised, 0 for those refused or inconclusive.
    used INTEGER NOT NULL,
    action TEXT NOT NULL,
    -- At least as many as there are, exact when it was last near the bound.
    resources INTEGER NOT NULL,
    -- To how many components of the ARN's resource part they are cut, and how many there were, whole: the 4,096 registers
    -- of a HyperLogLog sketch by xxh3.
    depth INTEGER,
    sketch BLOB,
    PRIMARY KEY (principal, used, action)
) WITHOUT ROWID;

-- Every event that counts, by the hour since 1970 in which it was made (-2147483648 where it has no time): 14 bytes each,
-- sorted; a hash of what makes it itself (8, big-endian, of which the first 4 are one of its id), the `call` it is one of (4),
-- and its second in the hour (2, the highest bit for a correction, which counts in the place of the event with its id).
CREATE TABLE hour (
    hour INTEGER PRIMARY KEY,
    events BLOB NOT NULL
);

-- The log objects that were read, and the digests that they were held against.
CREATE TABLE object (
    -- `s3://bucket/key`, or a file's path; of a digest with `#digest` behind it.
    id TEXT PRIMARY KEY,
    -- What changes with its content: an ETag, a time of change.
    version TEXT NOT NULL,
    -- Bytes, as stored.
    size INTEGER NOT NULL,
    -- Records found in it, duplicates and those that could not be read among them.
    records INTEGER NOT NULL,
    malformed INTEGER NOT NULL,
    -- JSON: {"accounts", "regions", "hours": [{"account", "region", "hour", "records"}], "dataEvents": {source: count},
    -- "reasons": {of malformed records: count}, "others": {kind: count}, "damage", "again", "noRecords",
    -- "listed": [[offset, reason]], …}, or of a digest {"digest": {"account", "region", "from", "to"}}; what is empty is left out.
    detail TEXT NOT NULL
) WITHOUT ROWID;

-- For whoever looks with a tool of their own: which hours the log objects tell of.
CREATE VIEW coverage AS
SELECT
    hour.value ->> 'account' AS account,
    hour.value ->> 'region' AS region,
    datetime(3600 * (hour.value ->> 'hour'), 'unixepoch') AS hour,
    sum(hour.value ->> 'records') AS records
FROM object
JOIN json_each(object.detail, '$.hours') AS hour
GROUP BY 1, 2, 3;

-- And what each principal did on what.
CREATE VIEW fact AS
SELECT
    principal.arn AS principal,
    need.value ->> 'action' AS action,
    resource.value AS resource,
    what ->> 'region' AS region,
    what ->> 'outcome' AS outcome,
    what ->> 'via' AS via,
    sum(call.count) AS count,
    datetime(min(call.first), 'unixepoch') AS first_seen,
    datetime(max(call.last), 'unixepoch') AS last_seen,
    min(call.sample) AS sample_event_id
FROM call
JOIN principal ON principal.id = call.principal
JOIN json_each(call.what, '$.needs') AS need
JOIN json_each(need.value, '$.resources') AS resource
WHERE call.count > 0
GROUP BY 1, 2, 3, 4, 5, 6;
