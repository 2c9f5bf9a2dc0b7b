CREATE TABLE meta(
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events(
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    type TEXT NOT NULL,
    tags TEXT NOT NULL,
    fence INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;

CREATE INDEX events_fence ON events(fence, position) WHERE fence = 1;

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END;

CREATE TRIGGER events_are_never_removed BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'an event is never removed'); END;

CREATE TABLE event_tags(
    tag TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (tag, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE client_secrets(
    client TEXT NOT NULL,
    credential_id TEXT NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (client, credential_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE claims(
    kind TEXT NOT NULL,
    client TEXT NOT NULL,
    jti_sha256 BLOB NOT NULL CHECK (length(jti_sha256) = 32),
    exp INTEGER NOT NULL,
    PRIMARY KEY (kind, client, jti_sha256)
) STRICT, WITHOUT ROWID;

CREATE TABLE pseudonyms(
    issuer TEXT NOT NULL,
    pseudonym TEXT NOT NULL,
    subject TEXT NOT NULL,
    PRIMARY KEY (issuer, pseudonym)
) STRICT, WITHOUT ROWID;

CREATE TABLE secret_material(
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
