-- SPDX-License-Identifier: Apache-2.0
-- Schema 1: the first one.
--
-- Moments are milliseconds since 1970 (columns ending in _ms). Ids are UUIDs of version 7, 16
-- octets; the views at the end print them, moments and states for reading.
-- `place` is an id's millisecond times 2^20 and the 20 bits that follow the variant: what grows with
-- time is written at the end of its table, and found by one integer.
-- `bucket` is a hash of the number, there so that a distributed store could keep a number's rows
-- together; ids have it in them.
-- `version` counts the writes of a row; every commit names the versions it has read.

CREATE TABLE meta (
	one        INTEGER PRIMARY KEY CHECK (one = 1),
	generation INTEGER NOT NULL     -- rises when a tenant, client or line is written
) STRICT;
INSERT INTO meta VALUES (1, 1);

CREATE TABLE tenant (
	id       TEXT NOT NULL PRIMARY KEY,
	version  INTEGER NOT NULL,
	name     TEXT,
	settings TEXT                   -- a JSON object
) STRICT, WITHOUT ROWID;

CREATE TABLE client (
	name        TEXT NOT NULL PRIMARY KEY,
	version     INTEGER NOT NULL,
	tenant      TEXT,
	secret_hash TEXT,               -- a PHC string; NULL: cannot sign in by secret
	scopes      INTEGER NOT NULL,   -- 1 otp.send, 2 otp.verify, 4 user.read, 8 user.write, added
	roles       TEXT,               -- a JSON array
	permissions TEXT,               -- a JSON array
	disabled    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE line (
	number        TEXT NOT NULL,    -- E.164 digits without +
	tenant        TEXT NOT NULL,
	bucket        INTEGER NOT NULL,
	version       INTEGER NOT NULL,
	state         INTEGER NOT NULL, -- 0 normal, 1 dead, 2 landline
	chosen_mac    BLOB,             -- of a test number's fixed code; NULL: not a test number
	chosen_length INTEGER NOT NULL,
	chosen_key_id TEXT,
	PRIMARY KEY (number, tenant, bucket)
) STRICT, WITHOUT ROWID;

-- What was spent on a number, by everybody.
CREATE TABLE budget (
	number        INTEGER NOT NULL PRIMARY KEY,
	version       INTEGER NOT NULL,
	keep_until_ms INTEGER NOT NULL, -- nothing here counts after this
	send_streak   INTEGER NOT NULL,
	history       BLOB NOT NULL     -- moments of sends, then of guesses: for each a count, the
	                                -- first moment and the steps to the next ones, as varints
) STRICT, WITHOUT ROWID;

-- Consecutive wrong guesses of a number within a tenant; no row: none.
CREATE TABLE failures (
	number  TEXT NOT NULL,
	tenant  TEXT NOT NULL,
	bucket  INTEGER NOT NULL,
	version INTEGER NOT NULL,
	count   INTEGER NOT NULL,
	last_ms INTEGER NOT NULL,
	PRIMARY KEY (number, tenant, bucket)
) STRICT, WITHOUT ROWID;

CREATE TABLE verification (
	place       INTEGER PRIMARY KEY,
	id          BLOB NOT NULL,
	version     INTEGER NOT NULL,
	purpose     INTEGER NOT NULL,   -- 1 number, 2 phone, 3 login
	state       INTEGER NOT NULL,   -- 1 live, 2 approved, 3 locked, 4 expired, 5 replaced, 6 cancelled
	tenant      TEXT NOT NULL,
	client      TEXT,
	user        TEXT,
	dialect     TEXT,
	number      TEXT NOT NULL,
	alphabet    TEXT NOT NULL,      -- digits, upper-digits, upper, or the symbols themselves
	length      INTEGER NOT NULL,
	attempts    INTEGER NOT NULL,
	repeat      INTEGER NOT NULL,   -- 1 parallel, 2 replace, 3 new, 4 same
	ttl_ms      INTEGER NOT NULL,
	key_id      TEXT,               -- the secret key its code is derived from
	generation  INTEGER NOT NULL,
	tries       INTEGER NOT NULL,
	chosen_mac  BLOB,               -- of a fixed code; NULL: the code is derived
	digest      BLOB,               -- of the transaction it is bound to
	created_ms  INTEGER NOT NULL,
	expires_ms  INTEGER NOT NULL,
	finished_ms INTEGER,
	address     TEXT,
	device      TEXT,
	slot        TEXT                -- where a repeated send finds it
) STRICT;
CREATE UNIQUE INDEX verification_slot ON verification (slot, tenant, purpose)
	WHERE state = 1 AND slot IS NOT NULL;

-- Keyed by the verification's place first, so that its messages stand together and need no index.
CREATE TABLE message (
	place        INTEGER NOT NULL,  -- of the verification
	id           BLOB NOT NULL,
	version      INTEGER NOT NULL,
	verification BLOB NOT NULL,
	generation   INTEGER NOT NULL,  -- of the code it carries
	state        INTEGER NOT NULL,  -- 1 queued, 2 sending, 3 accepted, 4 failed, 5 delivered,
	                                -- 6 undelivered, 7 unknown, 8 cancelled
	provider     TEXT,
	sender       TEXT,
	template     TEXT,              -- as typed; erased once the state is final
	provider_id  TEXT,
	attempts     INTEGER NOT NULL,
	created_ms   INTEGER NOT NULL,
	next_ms      INTEGER NOT NULL,  -- not tried before; while sending: when the claim lapses
	expires_ms   INTEGER NOT NULL,
	PRIMARY KEY (place, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_open ON message (next_ms, expires_ms) WHERE state <= 2;

CREATE TABLE event (
	place        INTEGER PRIMARY KEY,
	id           BLOB NOT NULL,
	at_ms        INTEGER NOT NULL,
	kind         TEXT,
	reason       TEXT,
	tenant       TEXT,
	dialect      TEXT,
	verification BLOB,
	number_hash  BLOB NOT NULL,
	count        INTEGER NOT NULL
) STRICT;

-- For people.

CREATE VIEW verifications AS SELECT
	lower(substr(hex(id), 1, 8) || '-' || substr(hex(id), 9, 4) || '-' || substr(hex(id), 13, 4)
		|| '-' || substr(hex(id), 17, 4) || '-' || substr(hex(id), 21)) AS id,
	CASE purpose WHEN 1 THEN 'number' WHEN 2 THEN 'phone' WHEN 3 THEN 'login' ELSE purpose END
		AS purpose,
	CASE state WHEN 1 THEN 'live' WHEN 2 THEN 'approved' WHEN 3 THEN 'locked'
		WHEN 4 THEN 'expired' WHEN 5 THEN 'replaced' WHEN 6 THEN 'cancelled' ELSE state END
		AS state,
	tenant, client, user, dialect, number, alphabet, length, attempts, tries, generation,
	CASE repeat WHEN 1 THEN 'parallel' WHEN 2 THEN 'replace' WHEN 3 THEN 'new'
		WHEN 4 THEN 'same' ELSE repeat END AS repeat,
	key_id,
	strftime('%Y-%m-%dT%H:%M:%SZ', created_ms / 1000, 'unixepoch') AS created,
	strftime('%Y-%m-%dT%H:%M:%SZ', expires_ms / 1000, 'unixepoch') AS expires,
	strftime('%Y-%m-%dT%H:%M:%SZ', finished_ms / 1000, 'unixepoch') AS finished,
	address, device, slot, version
FROM verification;

CREATE VIEW messages AS SELECT
	lower(substr(hex(id), 1, 8) || '-' || substr(hex(id), 9, 4) || '-' || substr(hex(id), 13, 4)
		|| '-' || substr(hex(id), 17, 4) || '-' || substr(hex(id), 21)) AS id,
	lower(substr(hex(verification), 1, 8) || '-' || substr(hex(verification), 9, 4) || '-'
		|| substr(hex(verification), 13, 4) || '-' || substr(hex(verification), 17, 4) || '-'
		|| substr(hex(verification), 21)) AS verification,
	CASE state WHEN 1 THEN 'queued' WHEN 2 THEN 'sending' WHEN 3 THEN 'accepted'
		WHEN 4 THEN 'failed' WHEN 5 THEN 'delivered' WHEN 6 THEN 'undelivered'
		WHEN 7 THEN 'unknown' WHEN 8 THEN 'cancelled' ELSE state END AS state,
	generation, provider, sender, provider_id, attempts,
	strftime('%Y-%m-%dT%H:%M:%SZ', created_ms / 1000, 'unixepoch') AS created,
	strftime('%Y-%m-%dT%H:%M:%SZ', next_ms / 1000, 'unixepoch') AS next,
	strftime('%Y-%m-%dT%H:%M:%SZ', expires_ms / 1000, 'unixepoch') AS expires,
	version
FROM message;

CREATE VIEW events AS SELECT
	lower(substr(hex(id), 1, 8) || '-' || substr(hex(id), 9, 4) || '-' || substr(hex(id), 13, 4)
		|| '-' || substr(hex(id), 17, 4) || '-' || substr(hex(id), 21)) AS id,
	strftime('%Y-%m-%dT%H:%M:%SZ', at_ms / 1000, 'unixepoch') AS at,
	kind, reason, tenant, dialect,
	nullif(lower(substr(hex(verification), 1, 8) || '-' || substr(hex(verification), 9, 4)
		|| '-' || substr(hex(verification), 13, 4) || '-' || substr(hex(verification), 17, 4)
		|| '-' || substr(hex(verification), 21)), '----') AS verification,
	lower(hex(number_hash)) AS number_hash, count
FROM event;

CREATE VIEW lines AS SELECT
	number, tenant,
	CASE state WHEN 0 THEN 'normal' WHEN 1 THEN 'dead' WHEN 2 THEN 'landline' ELSE state END
		AS state,
	chosen_mac IS NOT NULL AS test_number, version
FROM line;
