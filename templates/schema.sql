-- The read model of one commit: render writes it in one transaction a commit, query reads it.

CREATE TABLE meta (
	key TEXT PRIMARY KEY,          -- commit, writer
	value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE documents (
	path TEXT PRIMARY KEY,         -- network.json, servers/main.json
	bytes TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE users (
	id INTEGER PRIMARY KEY,
	hex TEXT NOT NULL,             -- the id as addresses show it
	name TEXT NOT NULL UNIQUE,
	prefix TEXT NOT NULL,
	enabled INTEGER NOT NULL,
	created INTEGER NOT NULL,
	blob TEXT NOT NULL             -- git's id of the state file
);

CREATE TABLE gateways (
	user INTEGER NOT NULL,
	id INTEGER NOT NULL,
	hex TEXT NOT NULL,
	name TEXT NOT NULL UNIQUE,
	prefix TEXT NOT NULL,
	address TEXT NOT NULL,
	device TEXT NOT NULL,
	enabled INTEGER NOT NULL,
	inbound TEXT NOT NULL,
	routes TEXT NOT NULL,
	allow TEXT NOT NULL,           -- JSON, one line
	created INTEGER NOT NULL,
	blob TEXT NOT NULL,
	PRIMARY KEY (user, id)
) WITHOUT ROWID;

CREATE TABLE certificates (
	serial TEXT PRIMARY KEY,
	device TEXT NOT NULL,
	kind TEXT NOT NULL,            -- ca, server, api, gateway
	name TEXT NOT NULL,
	generation INTEGER NOT NULL,
	not_before INTEGER NOT NULL,
	not_after INTEGER NOT NULL,
	until INTEGER,                 -- NULL: not superseded
	revoked_at INTEGER,            -- NULL: not revoked
	reason TEXT,
	der BLOB NOT NULL,
	blob TEXT NOT NULL
);

-- All that a read of a gateway wants of them: their rows are large, and each would be a page more to read.
CREATE INDEX certificates_of_device ON certificates (device, not_before DESC, serial DESC, not_after, until, revoked_at);
CREATE INDEX certificates_of_kind ON certificates (kind, not_before DESC, serial DESC) WHERE kind <> 'gateway';

CREATE TABLE ledger (                  -- its other files: the service starts from these rows, not from git
	path TEXT PRIMARY KEY,
	bytes TEXT NOT NULL
) WITHOUT ROWID;

-- The index of the history: a full render leaves it alone. It grows by one commit after the other, and is built from git where it is missing.

CREATE TABLE commits (
	seq INTEGER PRIMARY KEY,       -- 1: the first of the history
	id TEXT NOT NULL UNIQUE,
	time INTEGER NOT NULL,
	reached INTEGER NOT NULL,      -- the latest time so far: clocks step back, the history does not
	actor TEXT NOT NULL,
	change TEXT NOT NULL,          -- "": the commit does not say
	subject TEXT NOT NULL,
	reason TEXT NOT NULL,
	signed_by TEXT                 -- fingerprint of a key; NULL: not signed
);

CREATE INDEX commits_of_time ON commits (reached, seq);
CREATE INDEX commits_of_actor ON commits (actor, seq);
CREATE INDEX commits_of_change ON commits (change, seq);

CREATE TABLE touched (
	object TEXT NOT NULL,          -- user:NAME, gateway:NAME, network, server: what changed. prefix:PREFIX: a user's or
	                               -- gateway's address. owner:NAME, within:PREFIX: a gateway's user and its address.
	seq INTEGER NOT NULL,
	PRIMARY KEY (object, seq)
) WITHOUT ROWID;

CREATE INDEX touched_of_commit ON touched (seq);

CREATE TABLE tenures (                 -- who had an address
	prefix TEXT NOT NULL,
	since INTEGER NOT NULL,        -- the commit that gave it
	until INTEGER,                 -- the one that took it; NULL: still
	user INTEGER NOT NULL,
	gateway INTEGER NOT NULL,      -- -1: a user's
	name TEXT NOT NULL,
	identity TEXT NOT NULL,        -- a gateway's device; when a user was created
	PRIMARY KEY (prefix, since)
) WITHOUT ROWID;

CREATE INDEX tenures_of_name ON tenures (name, since);
CREATE INDEX tenures_of_identity ON tenures (identity, since);

CREATE TABLE issued (                  -- every certificate that ever was, pruned ones included
	serial TEXT PRIMARY KEY,
	device TEXT NOT NULL,
	kind TEXT NOT NULL,
	name TEXT NOT NULL,
	path TEXT NOT NULL             -- in the state repository
) WITHOUT ROWID;

CREATE INDEX issued_to ON issued (device);
