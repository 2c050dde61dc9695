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
	pem TEXT NOT NULL
);

CREATE INDEX certificates_of_device ON certificates (device, not_before DESC, serial DESC);
CREATE INDEX certificates_of_kind ON certificates (kind, not_before DESC, serial DESC) WHERE kind <> 'gateway';

CREATE TABLE files (
	path TEXT PRIMARY KEY,         -- below DATA
	sha256 TEXT NOT NULL
) WITHOUT ROWID;
