-- SPDX-License-Identifier: Apache-2.0
-- The store's tables as PostgreSQL would keep them: those of src/store/schema/sqlite-001.sql, whose
-- comments say what the columns are. Ids are uuid, which prints itself.
--
-- One difference: a budget whose version is 0 is no budget. Such a row is made before a commit about
-- a number that has none, because one can only lock what is there (docs/design/postgresql.md).

CREATE TABLE meta (
	one        smallint PRIMARY KEY CHECK (one = 1),
	generation bigint NOT NULL
);
INSERT INTO meta VALUES (1, 1);

CREATE TABLE tenant (
	id       text PRIMARY KEY,
	version  bigint NOT NULL,
	name     text,
	settings text
);

CREATE TABLE client (
	name        text PRIMARY KEY,
	version     bigint NOT NULL,
	tenant      text,
	secret_hash text,
	scopes      integer NOT NULL,
	roles       text,
	permissions text,
	disabled    boolean NOT NULL
);

CREATE TABLE line (
	number        text NOT NULL,
	tenant        text NOT NULL,
	bucket        smallint NOT NULL,
	version       bigint NOT NULL,
	state         smallint NOT NULL,
	chosen_mac    bytea,
	chosen_length smallint NOT NULL,
	chosen_key_id text,
	PRIMARY KEY (number, tenant, bucket)
);

-- Updated by nearly every request, and never in an indexed column: room for the next version beside
-- the old one keeps the index out of it.
CREATE TABLE budget (
	number        text NOT NULL,
	bucket        smallint NOT NULL,
	version       bigint NOT NULL,
	keep_until_ms bigint NOT NULL,
	send_streak   bigint NOT NULL,
	history       bytea NOT NULL,
	PRIMARY KEY (number, bucket)
) WITH (fillfactor = 70);

CREATE TABLE failures (
	number  text NOT NULL,
	tenant  text NOT NULL,
	bucket  smallint NOT NULL,
	version bigint NOT NULL,
	count   bigint NOT NULL,
	last_ms bigint NOT NULL,
	PRIMARY KEY (number, tenant, bucket)
) WITH (fillfactor = 70);

CREATE TABLE verification (
	id          uuid NOT NULL,
	bucket      smallint NOT NULL,
	version     bigint NOT NULL,
	purpose     smallint NOT NULL,
	state       smallint NOT NULL,
	tenant      text NOT NULL,
	client      text,
	"user"      text,
	dialect     text,
	number      text NOT NULL,
	alphabet    text NOT NULL,
	length      smallint NOT NULL,
	attempts    smallint NOT NULL,
	repeat      smallint NOT NULL,
	ttl_ms      bigint NOT NULL,
	key_id      text,
	generation  bigint NOT NULL,
	tries       smallint NOT NULL,
	chosen_mac  bytea,
	digest      bytea,
	created_ms  bigint NOT NULL,
	expires_ms  bigint NOT NULL,
	finished_ms bigint,
	address     text,
	device      text,
	slot        text,
	PRIMARY KEY (id, bucket)
);
CREATE UNIQUE INDEX verification_slot ON verification (slot, tenant, purpose)
	WHERE state = 1 AND slot IS NOT NULL;

CREATE TABLE message (
	verification uuid NOT NULL,
	id           uuid NOT NULL,
	bucket       smallint NOT NULL,
	version      bigint NOT NULL,
	generation   bigint NOT NULL,
	state        smallint NOT NULL,
	provider     text,
	sender       text,
	template     text,
	provider_id  text,
	attempts     bigint NOT NULL,
	created_ms   bigint NOT NULL,
	next_ms      bigint NOT NULL,
	expires_ms   bigint NOT NULL,
	PRIMARY KEY (verification, id, bucket)
);
CREATE INDEX message_open ON message (next_ms, expires_ms) WHERE state <= 2;

CREATE TABLE event (
	id           uuid NOT NULL,
	bucket       smallint NOT NULL,
	at_ms        bigint NOT NULL,
	kind         text,
	reason       text,
	tenant       text,
	dialect      text,
	verification uuid,
	number_hash  bytea NOT NULL,
	count        bigint NOT NULL,
	PRIMARY KEY (id, bucket)
);
