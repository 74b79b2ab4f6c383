/* SPDX-License-Identifier: Apache-2.0 */
/* The records of the engine: what is known of a number, a code, a message and those who ask.
 * Text in a record is borrowed: it lives as long as the arena the record was loaded into, or the
 * command it was made from. Text that may be absent has at == NULL. */
#ifndef CORE_RECORD_H
#define CORE_RECORD_H

#include "base/bytes.h"
#include "base/id.h"
#include "base/number.h"
#include "base/secret.h"

#include <stdint.h>

/* Which 12-bit bucket a number falls into. It stands in every id and every primary key, so that a
 * distributed store can keep the records of a number together. Never changes. */
unsigned number_bucket(const struct number *number);
/* Likewise of any text, for what belongs to no number. */
unsigned text_bucket(struct bytes text);

/* What a code is for. Purposes never answer for each other. */
enum purpose {
	PURPOSE_NUMBER = 1, /* a caller asked about a number; found by id */
	PURPOSE_PHONE,      /* a user's phone is to be verified */
	PURPOSE_LOGIN,      /* a user logs in */
};

/* What a further send does to a code that is still live. */
enum repeat {
	REPEAT_PARALLEL = 1, /* a further record; the others go on */
	REPEAT_REPLACE,      /* the older record of this holder and number ends as replaced */
	REPEAT_NEW,          /* generation + 1: old code dead, life and tries start again */
	REPEAT_SAME,         /* same code; life and tries go on */
};

enum verification_state {
	VERIFICATION_LIVE = 1,
	VERIFICATION_APPROVED,
	VERIFICATION_LOCKED,  /* its tries are spent */
	VERIFICATION_EXPIRED, /* its end was told, or a newer record found it late; else it is still
	                         LIVE */
	VERIFICATION_REPLACED,
	VERIFICATION_CANCELLED, /* the phone it was for has changed */
};

#define ALPHABET_MAX 64
#define CODE_LENGTH_MIN 4
#define CODE_LENGTH_MAX 10
#define ATTEMPTS_MAX 100

/* How a code is made and judged. Stored on the record when its code is made; decides every later
 * check, through whichever API. */
struct policy {
	char alphabet[ALPHABET_MAX + 1]; /* the symbols themselves, each once */
	uint8_t length;                  /* symbols in a code */
	uint8_t attempts;                /* evaluated guesses a generation allows */
	uint8_t repeat;                  /* enum repeat */
	int64_t ttl_ms;
};

struct verification {
	struct id id;
	uint64_t version; /* as loaded; 0: not in the store yet. A write makes it version + 1 */
	enum purpose purpose;
	enum verification_state state;
	struct bytes tenant;
	struct bytes client;  /* the program that asked; absent when a user asked for himself */
	struct bytes user;    /* whom it is about; absent for PURPOSE_NUMBER of a client */
	struct bytes dialect; /* a label: which API made it */
	struct number number;
	struct policy policy;
	struct bytes key_id; /* the secret key its code is derived from */
	uint32_t generation; /* starts at 1 */
	uint8_t tries;       /* evaluated guesses of this generation */
	bool chosen;         /* the code is a fixed test number's: compare chosen_mac instead */
	uint8_t chosen_mac[SHA256_LEN];
	bool bound; /* digest is given: the code is bound to a transaction */
	uint8_t digest[SHA256_LEN];
	int64_t created_ms;
	int64_t expires_ms;
	int64_t finished_ms;  /* 0: not yet */
	struct bytes address; /* of the end user, when the API tells it */
	struct bytes device;
	/* Where a repeated send finds it while it is LIVE; absent: found by id alone. At most one
	 * live record of a tenant and purpose has a given slot: the store holds that. */
	struct bytes slot;
};

#define HISTORY_MAX 64

/* When something was done to a number, oldest first: the newest HISTORY_MAX times. */
struct history {
	uint8_t n;
	int64_t at_ms[HISTORY_MAX];
};

/* What was spent on a number, over all tenants and dialects. */
struct budget {
	struct number number;
	uint64_t version; /* 0: no row */
	struct history sends;
	struct history guesses;
	uint32_t send_streak;  /* sends since the resend delay was last reset */
	int64_t keep_until_ms; /* nothing here counts after this: the row may be purged */
};

/* Consecutive evaluated wrong guesses of a number within a tenant. */
struct failures {
	struct bytes tenant;
	struct number number;
	uint64_t version; /* 0: no row */
	uint32_t count;
	int64_t last_ms;
};

enum line_state { LINE_NORMAL, LINE_DEAD, LINE_LANDLINE };

/* What an operator said of a number within a tenant. */
struct line {
	struct bytes tenant;
	struct number number;
	uint64_t version; /* 0: no row */
	enum line_state state;
	bool chosen; /* a test number: nothing is sent to it, its code is fixed */
	uint8_t chosen_mac[SHA256_LEN];
	uint8_t chosen_length;
	struct bytes chosen_key_id;
};

enum message_state {
	MESSAGE_QUEUED = 1,
	MESSAGE_SENDING,
	MESSAGE_ACCEPTED,
	MESSAGE_FAILED,
	MESSAGE_DELIVERED,
	MESSAGE_UNDELIVERED,
	MESSAGE_UNKNOWN,
	MESSAGE_CANCELLED,
};

static inline bool message_state_is_final(enum message_state state)
{
	return state != MESSAGE_QUEUED && state != MESSAGE_SENDING;
}

/* One text on its way to a phone. It holds no code and no number: both come from its verification
 * when it is written out. */
struct message {
	struct id id;
	uint64_t version;
	struct id verification;
	uint32_t generation; /* which code it carries */
	enum message_state state;
	struct bytes provider;
	struct bytes sender;
	struct bytes template;    /* as typed; absent once the state is final */
	struct bytes provider_id; /* what the provider calls it */
	uint32_t attempts;
	int64_t created_ms;
	int64_t next_ms;    /* not tried before; while SENDING: when the claim lapses */
	int64_t expires_ms; /* not tried after */
};

/* What happened, with its true reason: the audit trail. No number, only a keyed hash of it. */
struct event {
	struct id id;
	int64_t at_ms;
	struct bytes kind;   /* asked, sent, refused, checked, … */
	struct bytes reason; /* an outcome's name */
	struct bytes tenant;
	struct bytes dialect;
	struct id verification; /* zeros: none */
	uint8_t number_hash[16];
	uint32_t count; /* 1; more when refusals of one reason were merged */
};

enum scope {
	SCOPE_OTP_SEND = 1 << 0,
	SCOPE_OTP_VERIFY = 1 << 1,
	SCOPE_USER_READ = 1 << 2,
	SCOPE_USER_WRITE = 1 << 3,
};

struct tenant {
	struct bytes id;
	uint64_t version;
	struct bytes name;
	struct bytes settings; /* a JSON object as imported, or absent */
	/* What makes it a Kii app; absent when it is none. */
	struct bytes kii_app_key;
	struct bytes kii_client_id;          /* the app admin's */
	struct bytes kii_client_secret_hash; /* a PHC string */
};

/* A program that calls us. */
struct client {
	struct bytes name; /* unique on the server */
	uint64_t version;
	struct bytes tenant;
	struct bytes secret_hash; /* a PHC string; absent: cannot sign in by secret */
	unsigned scopes;          /* enum scope, or-ed */
	struct bytes roles;       /* a JSON array of strings, or absent */
	struct bytes permissions; /* likewise */
	bool disabled;
};

/* Which of a user's text members; bits of a change too (1 << USER_...). */
enum user_text {
#define USER_TEXT(name, field, member, kind, max) USER_##name,
#include "core/user_member.def"
#undef USER_TEXT
	USER_TEXTS,
};

#define USER_ID_MAX 200

/* A person of a tenant. */
struct user {
	struct bytes tenant;
	struct bytes
	    id; /* 1 to USER_ID_MAX of A-Z a-z 0-9 . _ -, never `me`; with tenant the key */
	uint64_t version;
	struct bytes password_hash; /* a PHC string; absent: no sign-in by password */
#define USER_TEXT(name, field, member, kind, max) struct bytes field;
#include "core/user_member.def"
#undef USER_TEXT
	struct number phone;         /* none: the user has no phone */
	int64_t phone_verified_ms;   /* 0: not verified */
	struct number phone_pending; /* takes the place of `phone` once it is verified */
	/* Nobody else of this tenant may have this number verified. Written by whoever verifies it
	 * while the tenant wants that; the store holds it for all rows that say so. */
	bool phone_exclusive;
	bool email_verified;
	bool force_password_change;
	bool disabled;
	uint32_t token_epoch; /* tokens made under an earlier one are dead */
	uint64_t sequence;    /* starts at 1, rises by 1 with every accepted change */
	int64_t created_ms;
	int64_t changed_ms;    /* of the last sequence */
	int64_t last_login_ms; /* of the last approved log-in code; 0: never */
};

/* The number that a code for the user's phone goes to: the pending one if there is one. */
static inline const struct number *user_phone_target(const struct user *user)
{
	return number_is_none(&user->phone_pending) ? &user->phone : &user->phone_pending;
}

/* A bearer token that an operator gave out: an API key of a client, or a user's personal access
 * token. Only its digest is kept. */
struct key {
	uint8_t hash[SHA256_LEN]; /* SHA-256 of the value, which has 128 random bits or more */
	uint64_t version;
	struct bytes tenant;
	struct bytes client; /* its name; or: */
	struct bytes user;   /* the user's id */
	int64_t expires_ms;  /* 0: never */
	bool revoked;
};

/* A sign-in that is remembered: found by the digest of what the cookie holds. */
struct session {
	uint8_t hash[SHA256_LEN];
	uint64_t version; /* a write with `ended` deletes the row */
	struct bytes tenant;
	struct bytes user;    /* id; or: */
	struct bytes client;  /* name */
	uint32_t token_epoch; /* the user's when it began: a later one ends it */
	bool permanent;       /* the cookie outlives the browser's session */
	bool ended;
	int64_t created_ms;
	int64_t used_ms;    /* last written use */
	int64_t expires_ms; /* without further use; then the row may be purged */
};

enum signing { SIGNING_OFF, SIGNING_OPTIONAL, SIGNING_REQUIRED };

/* A system whose requests may be signed. Its secret is needed in clear to check them, so it is
 * kept sealed under a secret key. */
struct system {
	struct bytes tenant;
	struct bytes id;
	uint64_t version;
	struct bytes sealed_secret; /* see core/seal.h; absent: none */
	struct bytes key_id;        /* of the secret key that sealed it */
	enum signing signing;
	bool allow_plain_secret;
};

#endif
