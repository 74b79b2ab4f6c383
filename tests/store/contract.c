/* SPDX-License-Identifier: Apache-2.0 */
/* Running the contract, and what its parts share. */
#include "store/contract_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static const struct contract_kind *current;

int case_set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	if (!bench)
		return -1;
	*state = bench;
	bench->kind = current;
	bench->about = current->open();
	if (!bench->about)
		return -1;
	desk_join(bench, &bench->desk);
	return 0;
}

int case_tear_down(void **state)
{
	struct bench *bench = *state;
	desk_done(&bench->desk);
	bench->kind->close(bench->about);
	free(bench);
	return 0;
}

void desk_join(struct bench *bench, struct desk *desk)
{
	desk_init(desk);
	desk->store = bench->kind->attach(bench->about, &desk->executor.executor);
	assert(desk->store);
}

struct verification *verification_get(struct desk *desk, const struct verification *like)
{
	struct store_load load = {.want = WANT_VERIFICATION, .id = like->id};
	assert_int_equal(desk_load(desk, &load), OK);
	return load.verification;
}

struct verification *slot_get(struct desk *desk, struct bytes tenant, enum purpose purpose,
                              struct bytes slot)
{
	struct store_load load = {
	    .want = WANT_SLOT, .tenant = tenant, .purpose = purpose, .slot = slot};
	assert_int_equal(desk_load(desk, &load), OK);
	return load.verification;
}

struct budget *budget_get(struct desk *desk, const struct number *number)
{
	struct store_load load = {.want = WANT_NUMBER, .tenant = BYTES("acme"), .number = *number};
	assert_int_equal(desk_load(desk, &load), OK);
	return load.budget;
}

struct failures *failures_get(struct desk *desk, const struct failures *like)
{
	struct store_load load = {
	    .want = WANT_NUMBER, .tenant = like->tenant, .number = like->number};
	assert_int_equal(desk_load(desk, &load), OK);
	return load.failures;
}

struct line *line_get(struct desk *desk, const struct line *like)
{
	struct store_load load = {
	    .want = WANT_NUMBER, .tenant = like->tenant, .number = like->number};
	assert_int_equal(desk_load(desk, &load), OK);
	return load.line;
}

struct tenant *tenant_get(struct desk *desk, struct bytes id)
{
	struct store_load load = {.want = WANT_TENANT, .tenant = id};
	assert_int_equal(desk_load(desk, &load), OK);
	return load.tenant_record;
}

struct client *client_get(struct desk *desk, struct bytes name)
{
	struct store_load load = {.want = WANT_CLIENT, .client_name = name};
	assert_int_equal(desk_load(desk, &load), OK);
	return load.client;
}

struct user *user_get(struct desk *desk, struct bytes tenant, enum user_by by, struct bytes key)
{
	struct store_load load = {
	    .want = WANT_USER, .tenant = tenant, .user_by = by, .user_key = key};
	assert_int_equal(desk_load(desk, &load), OK);
	return load.user;
}

struct user *user_stored(struct desk *desk, const struct user *like)
{
	return user_get(desk, like->tenant, USER_BY_ID, like->id);
}

struct key *key_get(struct desk *desk, const struct key *like)
{
	struct store_load load = {.want = WANT_KEY, .hash = like->hash};
	assert_int_equal(desk_load(desk, &load), OK);
	return load.key;
}

struct session *session_get(struct desk *desk, const struct session *like)
{
	struct store_load load = {.want = WANT_SESSION, .hash = like->hash};
	assert_int_equal(desk_load(desk, &load), OK);
	return load.session;
}

struct system *system_get(struct desk *desk, const struct system *like)
{
	struct store_load load = {
	    .want = WANT_SYSTEM, .tenant = like->tenant, .system_id = like->id};
	assert_int_equal(desk_load(desk, &load), OK);
	return load.system;
}

void texts_equal(struct bytes a, struct bytes b)
{
	assert_int_equal(a.at == NULL, b.at == NULL);
	assert_true(bytes_equal(a, b));
}

void users_equal(const struct user *a, const struct user *b)
{
	texts_equal(a->tenant, b->tenant);
	texts_equal(a->id, b->id);
	texts_equal(a->password_hash, b->password_hash);
#define USER_TEXT(name, field, member, kind, max) texts_equal(a->field, b->field);
#include "core/user_member.def"
#undef USER_TEXT
	assert_string_equal(a->phone.digits, b->phone.digits);
	assert_int_equal(a->phone_verified_ms, b->phone_verified_ms);
	assert_string_equal(a->phone_pending.digits, b->phone_pending.digits);
	assert_int_equal(a->phone_exclusive, b->phone_exclusive);
	assert_int_equal(a->email_verified, b->email_verified);
	assert_int_equal(a->force_password_change, b->force_password_change);
	assert_int_equal(a->disabled, b->disabled);
	assert_int_equal(a->token_epoch, b->token_epoch);
	assert_int_equal(a->sequence, b->sequence);
	assert_int_equal(a->created_ms, b->created_ms);
	assert_int_equal(a->changed_ms, b->changed_ms);
	assert_int_equal(a->last_login_ms, b->last_login_ms);
}

void pair_insert(struct desk *desk, const struct verification *v, const struct message *message)
{
	const struct change changes[] = {
	    {.kind = CHANGE_VERIFICATION, .verification = v},
	    {.kind = CHANGE_MESSAGE, .message = message},
	};
	assert_int_equal(desk_commit(desk, changes, 2), OK);
}

void record_set_init(struct record_set *set, unsigned n)
{
	*set = (struct record_set){
	    .verification = sample_verification(n),
	    .budget = sample_budget(n),
	    .failures = sample_failures(n),
	    .tenant = sample_tenant(),
	    .client = sample_client(),
	    .line = sample_line(n),
	    .key = sample_key(n),
	    .system = sample_system(),
	    .user = sample_user(n),
	    .session = sample_session(n),
	};
	set->message = sample_message(n, &set->verification);
}

struct change record_set_change(const struct record_set *set, int i)
{
	const struct change changes[SET_KINDS] = {
	    {.kind = CHANGE_VERIFICATION, .verification = &set->verification},
	    {.kind = CHANGE_BUDGET, .budget = &set->budget},
	    {.kind = CHANGE_FAILURES, .failures = &set->failures},
	    {.kind = CHANGE_MESSAGE, .message = &set->message},
	    {.kind = CHANGE_TENANT, .tenant = &set->tenant},
	    {.kind = CHANGE_CLIENT, .client = &set->client},
	    {.kind = CHANGE_LINE, .line = &set->line},
	    {.kind = CHANGE_KEY, .key = &set->key},
	    {.kind = CHANGE_SYSTEM, .system = &set->system},
	    {.kind = CHANGE_USER, .user = &set->user},
	    {.kind = CHANGE_SESSION, .session = &set->session},
	};
	return changes[i];
}

void record_set_version(struct record_set *set, int i, uint64_t version)
{
	uint64_t *const versions[SET_KINDS] = {
	    &set->verification.version, &set->budget.version,  &set->failures.version,
	    &set->message.version,      &set->tenant.version,  &set->client.version,
	    &set->line.version,         &set->key.version,     &set->system.version,
	    &set->user.version,         &set->session.version,
	};
	*versions[i] = version;
}

int contract_run(const struct contract_kind *kind, const struct CMUnitTest *own, size_t own_n)
{
	const struct {
		const struct CMUnitTest *cases;
		size_t n;
	} parts[] = {
	    {contract_records, contract_records_n}, {contract_commits, contract_commits_n},
	    {contract_slots, contract_slots_n},     {contract_messages, contract_messages_n},
	    {contract_people, contract_people_n},   {contract_finds, contract_finds_n},
	    {contract_walks, contract_walks_n},     {contract_tallies, contract_tallies_n},
	    {contract_races, contract_races_n},     {own, own_n},
	};
	struct CMUnitTest all[192];
	size_t n = 0;
	for (size_t i = 0; i < CASES_N(parts); i++)
		for (size_t j = 0; j < parts[i].n; j++) {
			assert(n < CASES_N(all));
			all[n++] = parts[i].cases[j];
		}
	current = kind;
	/* What cmocka_run_group_tests_name does, for a list whose length is known only now. */
	return _cmocka_run_group_tests(kind->name, all, n, NULL, NULL);
}
