/* SPDX-License-Identifier: Apache-2.0 */
#include "support/sample.h"

#include <stdio.h>

struct number sample_number(unsigned n)
{
	struct number number;
	snprintf(number.digits, sizeof(number.digits), "447900%09u", n % 1000000000);
	return number;
}

struct id sample_id(int64_t at_ms, const struct number *number, unsigned n)
{
	unsigned bucket = number_bucket(number);
	struct id id = {0};
	for (int i = 0; i < 6; i++)
		id.octets[i] = (uint8_t)((uint64_t)at_ms >> (40 - 8 * i));
	id.octets[6] = (uint8_t)(0x70 | bucket >> 8);
	id.octets[7] = (uint8_t)bucket;
	/* As those that are made, they differ in the bits right after the variant. */
	id.octets[8] = (uint8_t)(0x80 | (n >> 14 & 0x3F));
	id.octets[9] = (uint8_t)(n >> 6);
	id.octets[10] = (uint8_t)(n << 2);
	for (int i = 0; i < 4; i++)
		id.octets[12 + i] = (uint8_t)(n >> (24 - 8 * i));
	return id;
}

struct verification sample_verification(unsigned n)
{
	struct number number = sample_number(n);
	return (struct verification){
	    .id = sample_id(SAMPLE_MS, &number, n),
	    .purpose = PURPOSE_NUMBER,
	    .state = VERIFICATION_LIVE,
	    .tenant = BYTES("acme"),
	    .client = BYTES("shop"),
	    .dialect = BYTES("dotdigital"),
	    .number = number,
	    .policy = {.alphabet = "0123456789",
	               .length = 6,
	               .attempts = 5,
	               .repeat = REPEAT_PARALLEL,
	               .ttl_ms = 600000},
	    .key_id = BYTES("k1"),
	    .generation = 1,
	    .created_ms = SAMPLE_MS,
	    .expires_ms = SAMPLE_MS + 600000,
	};
}

struct budget sample_budget(unsigned n)
{
	return (struct budget){
	    .number = sample_number(n),
	    .sends = {.n = 1, .at_ms = {SAMPLE_MS}},
	    .send_streak = 1,
	    .keep_until_ms = SAMPLE_MS + 86400000,
	};
}

struct failures sample_failures(unsigned n)
{
	return (struct failures){
	    .tenant = BYTES("acme"), .number = sample_number(n), .count = 3, .last_ms = SAMPLE_MS};
}

struct message sample_message(unsigned n, const struct verification *v)
{
	return (struct message){
	    .id = sample_id(v->created_ms, &v->number, n),
	    .verification = v->id,
	    .generation = v->generation,
	    .state = MESSAGE_QUEUED,
	    .provider = BYTES("inbox"),
	    .created_ms = v->created_ms,
	    .next_ms = v->created_ms,
	    .expires_ms = v->expires_ms,
	};
}

struct event sample_event(unsigned n)
{
	struct number number = sample_number(n);
	return (struct event){
	    .id = sample_id(SAMPLE_MS, &number, n),
	    .at_ms = SAMPLE_MS,
	    .kind = BYTES("asked"),
	    .reason = BYTES("sent"),
	    .tenant = BYTES("acme"),
	    .dialect = BYTES("dotdigital"),
	    .verification = sample_id(SAMPLE_MS, &number, n),
	    .number_hash = {1, 2, 3},
	    .count = 1,
	};
}

struct tenant sample_tenant(void)
{
	return (struct tenant){.id = BYTES("acme"), .name = BYTES("Acme Ltd")};
}

struct client sample_client(void)
{
	return (struct client){.name = BYTES("shop"),
	                       .tenant = BYTES("acme"),
	                       .secret_hash = BYTES("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"),
	                       .scopes = SCOPE_OTP_SEND | SCOPE_OTP_VERIFY};
}

struct line sample_line(unsigned n)
{
	return (struct line){
	    .tenant = BYTES("acme"), .number = sample_number(n), .state = LINE_DEAD};
}

/* Ids of users, for as long as the program runs. */
static struct bytes sample_user_id(unsigned n)
{
	static char ids[1000][8];
	char *id = ids[n % 1000];
	snprintf(id, sizeof(ids[0]), "u-%u", n % 1000);
	return bytes_from_text(id);
}

struct user sample_user(unsigned n)
{
	return (struct user){
	    .tenant = BYTES("acme"),
	    .id = sample_user_id(n),
	    .sequence = 1,
	    .created_ms = SAMPLE_MS,
	    .changed_ms = SAMPLE_MS,
	};
}

static void sample_hash(uint8_t hash[SHA256_LEN], unsigned n)
{
	memset(hash, 0, SHA256_LEN);
	for (int i = 0; i < 4; i++)
		hash[i] = (uint8_t)(n >> (24 - 8 * i));
}

struct key sample_key(unsigned n)
{
	struct key key = {.tenant = BYTES("acme"), .user = sample_user_id(n)};
	sample_hash(key.hash, n);
	return key;
}

struct session sample_session(unsigned n)
{
	struct session session = {
	    .tenant = BYTES("acme"),
	    .user = sample_user_id(n),
	    .created_ms = SAMPLE_MS,
	    .used_ms = SAMPLE_MS,
	    .expires_ms = SAMPLE_MS + 3600000,
	};
	sample_hash(session.hash, n);
	return session;
}

struct system sample_system(void)
{
	return (struct system){.tenant = BYTES("acme"),
	                       .id = BYTES("billing"),
	                       .sealed_secret = BYTES("sealed"),
	                       .key_id = BYTES("k1"),
	                       .signing = SIGNING_REQUIRED};
}
