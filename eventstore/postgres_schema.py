"""The tables and functions of the shared store, as migrations that are only ever added to.

The layout of the log is that of the library's recorder (`eventsourcing.dcb.postgres_tt`). Its append functions are not:
ours always have a condition, take turns on a table of their own (so that VACUUM, ANALYZE and CREATE INDEX CONCURRENTLY
stop no append), number without gaps, and run with the rights of the owner, so that the run-time role needs none on the
log but to read it.
"""

from __future__ import annotations

from typing import Final

SCHEMA: Final = "counterfoil"
HINTS: Final = "counterfoil_fence"
"""The channel on which an append of fence events is announced; a hint, never more."""

_LOG: Final = """
CREATE TABLE counterfoil.meta(
    name text PRIMARY KEY,
    value bigint NOT NULL
);

CREATE TABLE counterfoil.events_tt_main(
    id bigint NOT NULL,
    type text COLLATE "C" NOT NULL,
    tags text[] COLLATE "C" NOT NULL,
    data bytea NOT NULL
) WITH (toast_tuple_target = 8160);
-- Payloads stay in their row, as they are: packing them costs more than it saves.
ALTER TABLE counterfoil.events_tt_main ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX events_tt_main_idx_id_type ON counterfoil.events_tt_main(id) INCLUDE (type);

CREATE TABLE counterfoil.events_tt_tag(
    tag text COLLATE "C" NOT NULL,
    main_id bigint NOT NULL
);
CREATE INDEX events_tt_tag_idx_tag_main_id ON counterfoil.events_tt_tag(tag, main_id);

-- Whoever holds its lock appends. It has no rows, so that nothing but appends ever wants the lock.
CREATE TABLE counterfoil.append_turn();

CREATE FUNCTION counterfoil.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an event is never changed or removed';
END $$;
CREATE TRIGGER events_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON counterfoil.events_tt_main
    FOR EACH STATEMENT EXECUTE FUNCTION counterfoil.refuse_change();
CREATE TRIGGER tags_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON counterfoil.events_tt_tag
    FOR EACH STATEMENT EXECUTE FUNCTION counterfoil.refuse_change();
"""

_APPENDING: Final = """
-- For the functions below alone. The tags of an event come as one text, a line each. The position of the first.
CREATE FUNCTION counterfoil.insert_events(types text[], tag_lines text[], payloads bytea[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    last bigint;
BEGIN
    SELECT coalesce(max(m.id), 0) INTO last FROM counterfoil.events_tt_main AS m;
    INSERT INTO counterfoil.events_tt_main(id, type, tags, data)
        SELECT last + n, event_type, string_to_array(lines, E'\\n'), payload
        FROM unnest(types, tag_lines, payloads) WITH ORDINALITY AS e(event_type, lines, payload, n)
        ORDER BY n;
    INSERT INTO counterfoil.events_tt_tag(tag, main_id)
        SELECT line, last + n
        FROM unnest(tag_lines) WITH ORDINALITY AS e(lines, n), unnest(string_to_array(lines, E'\\n')) AS line;
    RETURN last + 1;
END $$;

-- Each statement after the lock has a snapshot of its own (READ COMMITTED), so it sees all that went before.
-- OFFSET 0: event by event. A plan for any position expects a third of all fence events, and would scan the log.
CREATE FUNCTION counterfoil.fence_after(after_id bigint)
RETURNS TABLE(at bigint, event_type text, event_tags text[], payload bytea)
LANGUAGE sql STABLE AS $$
    SELECT e.id, e.type, e.tags, e.data
    FROM counterfoil.events_tt_tag AS t
    CROSS JOIN LATERAL (SELECT * FROM counterfoil.events_tt_main AS m WHERE m.id = t.main_id OFFSET 0) AS e
    WHERE t.tag = 'fence' AND t.main_id > after_id
    ORDER BY t.main_id
$$;

-- The hot path. Either one row with the position of the first event, or the fence events that stood in the way.
CREATE FUNCTION counterfoil.append_under_fence(
    after_id bigint, types text[], tag_lines text[], payloads bytea[]
) RETURNS TABLE(first bigint, at bigint, event_type text, event_tags text[], payload bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF after_id IS NULL THEN
        RAISE EXCEPTION 'every append has a condition';
    END IF;
    LOCK TABLE counterfoil.append_turn IN EXCLUSIVE MODE;
    RETURN QUERY SELECT NULL::bigint, f.* FROM counterfoil.fence_after(after_id) AS f;
    IF NOT FOUND THEN
        first := counterfoil.insert_events(types, tag_lines, payloads);
        RETURN NEXT;
    END IF;
END $$;

-- Take the turn for the rest of the transaction; the fence events after a position.
CREATE FUNCTION counterfoil.take_turn(after_id bigint)
RETURNS TABLE(at bigint, event_type text, event_tags text[], payload bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    LOCK TABLE counterfoil.append_turn IN EXCLUSIVE MODE;
    RETURN QUERY SELECT f.* FROM counterfoil.fence_after(after_id) AS f;
END $$;

-- Append unless an event after the position matches an item `{"types": [...], "tags": [...]}`. NULL where one does.
CREATE FUNCTION counterfoil.append_unless(
    items jsonb, after_id bigint, types text[], tag_lines text[], payloads bytea[]
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    item record;
    first bigint;
BEGIN
    IF after_id IS NULL OR items IS NULL OR jsonb_array_length(items) = 0 THEN
        RAISE EXCEPTION 'every append has a condition';
    END IF;
    LOCK TABLE counterfoil.append_turn IN EXCLUSIVE MODE;
    FOR item IN
        SELECT coalesce(i.types, '{}') AS types, coalesce(i.tags, '{}') AS tags
        FROM jsonb_to_recordset(items) AS i(types text[], tags text[])
    LOOP
        IF cardinality(item.tags) > 0 THEN
            PERFORM FROM counterfoil.events_tt_tag AS t JOIN counterfoil.events_tt_main AS e ON e.id = t.main_id
                WHERE t.tag = item.tags[1] AND t.main_id > after_id AND e.tags @> item.tags
                AND (cardinality(item.types) = 0 OR e.type = ANY (item.types))
                LIMIT 1;
        ELSE
            PERFORM FROM counterfoil.events_tt_main AS e
                WHERE e.id > after_id AND (cardinality(item.types) = 0 OR e.type = ANY (item.types))
                LIMIT 1;
        END IF;
        IF FOUND THEN
            RETURN NULL;
        END IF;
    END LOOP;
    first := counterfoil.insert_events(types, tag_lines, payloads);
    IF EXISTS (SELECT FROM unnest(tag_lines) AS lines WHERE 'fence' = ANY (string_to_array(lines, E'\\n'))) THEN
        PERFORM pg_notify('counterfoil_fence', '');
    END IF;
    RETURN first;
END $$;
"""

_SIDE_TABLES: Final = """
CREATE TABLE counterfoil.client_secrets(
    client text NOT NULL,
    credential_id text NOT NULL,
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (client, credential_id)
);
CREATE TABLE counterfoil.claims(
    kind text COLLATE "C" NOT NULL,
    client text COLLATE "C" NOT NULL,
    jti_sha256 bytea NOT NULL CHECK (length(jti_sha256) = 32),
    exp bigint NOT NULL,
    PRIMARY KEY (kind, client, jti_sha256)
);
CREATE INDEX claims_exp ON counterfoil.claims(exp);
CREATE TABLE counterfoil.pseudonyms(
    issuer text NOT NULL,
    pseudonym text NOT NULL,
    subject text NOT NULL,
    PRIMARY KEY (issuer, pseudonym)
);
CREATE TABLE counterfoil.sealed_secrets(
    name text PRIMARY KEY,
    sealed bytea NOT NULL
);
CREATE TABLE counterfoil.snapshots(
    name text PRIMARY KEY,
    position bigint NOT NULL,
    data bytea NOT NULL
);
ALTER TABLE counterfoil.snapshots ALTER COLUMN data SET STORAGE EXTERNAL;
"""

_TREE: Final = """
-- The Merkle tree over the log, and what was signed of it: the last checkpoint of each hour.
CREATE TABLE counterfoil.log_tiles(
    level bigint NOT NULL,
    idx bigint NOT NULL,
    hashes bytea NOT NULL,
    PRIMARY KEY (level, idx)
);
ALTER TABLE counterfoil.log_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;
CREATE TABLE counterfoil.log_checkpoints(
    hour bigint PRIMARY KEY,
    size bigint NOT NULL,
    note text NOT NULL
);
"""

MIGRATIONS: Final = (_LOG + _APPENDING + _SIDE_TABLES, _TREE)
"""Each takes the schema from the version that is its index to the next. What has been released is never edited."""

SCHEMA_VERSION: Final = len(MIGRATIONS)

# In PostgreSQL, everybody may call a new function until that is taken back.
RIGHTS: Final = """
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA counterfoil FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA counterfoil FROM PUBLIC;
"""
RIGHTS_OF_ROLE: Final = """
GRANT USAGE ON SCHEMA counterfoil TO {role};
REVOKE ALL ON ALL TABLES IN SCHEMA counterfoil FROM {role};
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA counterfoil FROM {role};
GRANT SELECT ON counterfoil.meta, counterfoil.events_tt_main, counterfoil.events_tt_tag TO {role};
GRANT EXECUTE ON FUNCTION counterfoil.append_under_fence, counterfoil.take_turn, counterfoil.append_unless,
    counterfoil.fence_after TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON counterfoil.client_secrets, counterfoil.claims, counterfoil.pseudonyms,
    counterfoil.sealed_secrets, counterfoil.snapshots TO {role};
GRANT SELECT, INSERT, UPDATE ON counterfoil.log_tiles, counterfoil.log_checkpoints TO {role};
"""
