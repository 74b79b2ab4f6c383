-- SPDX-License-Identifier: Apache-2.0
-- Schema 2: people, and those who act for them.
--
-- Names and e-mail addresses compare without the case of A to Z (NOCASE), as the engine compares
-- them. Digests are SHA-256, 32 octets. meta.generation rises for keys and systems too.

ALTER TABLE tenant ADD COLUMN kii_app_key TEXT;            -- NULL: not a Kii app
ALTER TABLE tenant ADD COLUMN kii_client_id TEXT;
ALTER TABLE tenant ADD COLUMN kii_client_secret_hash TEXT; -- a PHC string

CREATE TABLE user (
	tenant                TEXT NOT NULL,
	id                    TEXT NOT NULL,
	version               INTEGER NOT NULL,
	password_hash         TEXT,             -- a PHC string; NULL: cannot sign in by password
	user_name             TEXT COLLATE NOCASE,
	uuid                  TEXT,
	first_name            TEXT,
	last_name             TEXT,
	nick_name             TEXT,
	display_name          TEXT,
	email                 TEXT COLLATE NOCASE,
	text_number           TEXT,
	country               TEXT,
	locale                TEXT,
	roles                 TEXT,             -- a JSON array
	permissions           TEXT,             -- a JSON array
	password_expires      TEXT,
	latest_invite_status  TEXT,
	latest_invite_date    TEXT,
	latest_invite_uuid    TEXT,
	rollout_stage         TEXT,
	custom                TEXT,             -- a JSON object
	phone                 TEXT,             -- E.164 digits without +
	phone_verified_ms     INTEGER,          -- NULL: not verified
	phone_pending         TEXT,             -- takes the place of phone once it is verified
	phone_exclusive       INTEGER NOT NULL, -- 1: nobody else of the tenant may have it verified
	email_verified        INTEGER NOT NULL,
	force_password_change INTEGER NOT NULL,
	disabled              INTEGER NOT NULL,
	token_epoch           INTEGER NOT NULL, -- tokens of an earlier one are dead
	sequence              INTEGER NOT NULL, -- counts the changes that were told
	created_ms            INTEGER NOT NULL,
	changed_ms            INTEGER NOT NULL,
	last_login_ms         INTEGER,
	PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX user_name ON user (user_name, tenant) WHERE user_name IS NOT NULL;
CREATE UNIQUE INDEX user_uuid ON user (uuid, tenant) WHERE uuid IS NOT NULL;
CREATE UNIQUE INDEX user_phone_exclusive ON user (phone, tenant)
	WHERE phone_exclusive = 1 AND phone_verified_ms IS NOT NULL;
-- Whose is this number, this address? Those who changed last come first.
CREATE INDEX user_phone_verified ON user (phone, tenant, changed_ms)
	WHERE phone_verified_ms IS NOT NULL;
CREATE INDEX user_phone_unverified ON user (phone, tenant, changed_ms)
	WHERE phone IS NOT NULL AND phone_verified_ms IS NULL;
CREATE INDEX user_phone_pending ON user (phone_pending, tenant, changed_ms)
	WHERE phone_pending IS NOT NULL;
CREATE INDEX user_email ON user (email, tenant, changed_ms)
	WHERE email IS NOT NULL AND email_verified = 1;

-- Bearer tokens that an operator gave out: of a client, or of a user.
CREATE TABLE key (
	hash       BLOB NOT NULL PRIMARY KEY,
	version    INTEGER NOT NULL,
	tenant     TEXT NOT NULL,
	client     TEXT,
	user       TEXT,
	expires_ms INTEGER,             -- NULL: never
	revoked    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX key_user ON key (user, tenant) WHERE user IS NOT NULL;

-- Sign-ins that are remembered, of a client or of a user; the digest is of what the cookie holds.
CREATE TABLE session (
	hash        BLOB NOT NULL PRIMARY KEY,
	version     INTEGER NOT NULL,
	tenant      TEXT NOT NULL,
	user        TEXT,
	client      TEXT,
	token_epoch INTEGER NOT NULL,   -- the user's when it began; a later one ends it
	permanent   INTEGER NOT NULL,
	created_ms  INTEGER NOT NULL,
	used_ms     INTEGER NOT NULL,
	expires_ms  INTEGER NOT NULL    -- without further use
) STRICT, WITHOUT ROWID;
CREATE INDEX session_user ON session (user, tenant) WHERE user IS NOT NULL;
CREATE INDEX session_expires ON session (expires_ms);

-- Systems whose requests may be signed.
CREATE TABLE system (
	tenant             TEXT NOT NULL,
	id                 TEXT NOT NULL,
	version            INTEGER NOT NULL,
	sealed_secret      BLOB,        -- encrypted under the secret key named by key_id
	key_id             TEXT,
	signing            INTEGER NOT NULL, -- 0 off, 1 optional, 2 required
	allow_plain_secret INTEGER NOT NULL,
	PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

-- What is counted per end user's address, client and typed name; who they are is a keyed hash.
CREATE TABLE tally (
	key     BLOB NOT NULL,
	slot_ms INTEGER NOT NULL,       -- length of a slot
	slot    INTEGER NOT NULL,       -- its number since 1970
	count   INTEGER NOT NULL,
	ends_ms INTEGER NOT NULL,       -- it counts nowhere after this
	PRIMARY KEY (key, slot_ms, slot)
) STRICT, WITHOUT ROWID;
CREATE INDEX tally_ends ON tally (ends_ms);

-- For people.

CREATE VIEW users AS SELECT
	tenant, id, user_name, uuid, first_name, last_name, display_name, email,
	email_verified = 1 AS email_verified, phone,
	strftime('%Y-%m-%dT%H:%M:%SZ', phone_verified_ms / 1000, 'unixepoch') AS phone_verified,
	phone_pending, phone_exclusive = 1 AS phone_exclusive,
	password_hash IS NOT NULL AS has_password, disabled = 1 AS disabled, sequence,
	strftime('%Y-%m-%dT%H:%M:%SZ', created_ms / 1000, 'unixepoch') AS created,
	strftime('%Y-%m-%dT%H:%M:%SZ', changed_ms / 1000, 'unixepoch') AS changed,
	strftime('%Y-%m-%dT%H:%M:%SZ', last_login_ms / 1000, 'unixepoch') AS last_login,
	version
FROM user;

CREATE VIEW keys AS SELECT
	lower(hex(hash)) AS hash, tenant, client, user,
	strftime('%Y-%m-%dT%H:%M:%SZ', expires_ms / 1000, 'unixepoch') AS expires,
	revoked = 1 AS revoked, version
FROM key;

CREATE VIEW sessions AS SELECT
	lower(hex(hash)) AS hash, tenant, client, user, token_epoch, permanent = 1 AS permanent,
	strftime('%Y-%m-%dT%H:%M:%SZ', created_ms / 1000, 'unixepoch') AS created,
	strftime('%Y-%m-%dT%H:%M:%SZ', used_ms / 1000, 'unixepoch') AS used,
	strftime('%Y-%m-%dT%H:%M:%SZ', expires_ms / 1000, 'unixepoch') AS expires,
	version
FROM session;

CREATE VIEW systems AS SELECT
	tenant, id, sealed_secret IS NOT NULL AS has_secret, key_id,
	CASE signing WHEN 0 THEN 'off' WHEN 1 THEN 'optional' WHEN 2 THEN 'required' ELSE signing END
		AS signing,
	allow_plain_secret = 1 AS allow_plain_secret, version
FROM system;
