/* SPDX-License-Identifier: Apache-2.0 */
/* The contract: what was written is what is read. */
#include "store/contract_private.h"

#include "base/list.h"

/* --- comparing ------------------------------------------------------------------------------- */

static void verifications_equal(const struct verification *a, const struct verification *b)
{
	assert_true(id_equal(&a->id, &b->id));
	assert_int_equal(a->purpose, b->purpose);
	assert_int_equal(a->state, b->state);
	texts_equal(a->tenant, b->tenant);
	texts_equal(a->client, b->client);
	texts_equal(a->user, b->user);
	texts_equal(a->dialect, b->dialect);
	assert_string_equal(a->number.digits, b->number.digits);
	assert_string_equal(a->policy.alphabet, b->policy.alphabet);
	assert_int_equal(a->policy.length, b->policy.length);
	assert_int_equal(a->policy.attempts, b->policy.attempts);
	assert_int_equal(a->policy.repeat, b->policy.repeat);
	assert_int_equal(a->policy.ttl_ms, b->policy.ttl_ms);
	texts_equal(a->key_id, b->key_id);
	assert_int_equal(a->generation, b->generation);
	assert_int_equal(a->tries, b->tries);
	assert_int_equal(a->chosen, b->chosen);
	if (a->chosen)
		assert_memory_equal(a->chosen_mac, b->chosen_mac, SHA256_LEN);
	assert_int_equal(a->bound, b->bound);
	if (a->bound)
		assert_memory_equal(a->digest, b->digest, SHA256_LEN);
	assert_int_equal(a->created_ms, b->created_ms);
	assert_int_equal(a->expires_ms, b->expires_ms);
	assert_int_equal(a->finished_ms, b->finished_ms);
	texts_equal(a->address, b->address);
	texts_equal(a->device, b->device);
	texts_equal(a->slot, b->slot);
}

static void messages_equal(const struct message *a, const struct message *b)
{
	assert_true(id_equal(&a->id, &b->id));
	assert_true(id_equal(&a->verification, &b->verification));
	assert_int_equal(a->generation, b->generation);
	assert_int_equal(a->state, b->state);
	texts_equal(a->provider, b->provider);
	texts_equal(a->sender, b->sender);
	texts_equal(a->template, b->template);
	texts_equal(a->provider_id, b->provider_id);
	assert_int_equal(a->attempts, b->attempts);
	assert_int_equal(a->created_ms, b->created_ms);
	assert_int_equal(a->next_ms, b->next_ms);
	assert_int_equal(a->expires_ms, b->expires_ms);
}

static void histories_equal(const struct history *a, const struct history *b)
{
	assert_int_equal(a->n, b->n);
	assert_memory_equal(a->at_ms, b->at_ms, a->n * sizeof(a->at_ms[0]));
}

/* --- answers --------------------------------------------------------------------------------- */

struct late {
	struct store_load load;
	struct store_commit commit;
	struct store_claim claim;
	struct store_purge purge;
	struct store_count count;
	struct store_walk walk;
	struct store_erase erase;
	size_t answers;
};

static void on_late_load(struct store_load *call)
{
	CONTAINER_OF(call, struct late, load)->answers++;
}

static void on_late_commit(struct store_commit *call)
{
	CONTAINER_OF(call, struct late, commit)->answers++;
}

static void on_late_claim(struct store_claim *call)
{
	CONTAINER_OF(call, struct late, claim)->answers++;
}

static void on_late_purge(struct store_purge *call)
{
	CONTAINER_OF(call, struct late, purge)->answers++;
}

static void on_late_count(struct store_count *call)
{
	CONTAINER_OF(call, struct late, count)->answers++;
}

static void on_late_walk(struct store_walk *call)
{
	CONTAINER_OF(call, struct late, walk)->answers++;
}

static void on_late_erase(struct store_erase *call)
{
	CONTAINER_OF(call, struct late, erase)->answers++;
}

static void no_answer_comes_before_the_call_returned(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct store *store = desk->store;
	struct late late = {
	    .load = {.want = WANT_TENANT,
	             .tenant = BYTES("acme"),
	             .arena = &desk->arena,
	             .on_done = on_late_load},
	    .commit = {.on_done = on_late_commit},
	    .claim = {.max = 1, .arena = &desk->arena, .on_done = on_late_claim},
	    .purge = {.on_done = on_late_purge},
	    .count = {.on_done = on_late_count},
	    .walk = {.kind = CHANGE_USER, .arena = &desk->arena, .on_done = on_late_walk},
	    .erase = {.number = sample_number(1), .on_done = on_late_erase},
	};
	store->ops->load(store, &late.load);
	store->ops->commit(store, &late.commit);
	store->ops->claim(store, &late.claim);
	store->ops->purge(store, &late.purge);
	store->ops->count(store, &late.count);
	store->ops->walk(store, &late.walk);
	store->ops->erase(store, &late.erase);
	assert_int_equal(late.answers, 0);
	test_executor_run_count(&desk->executor, &late.answers, 7);
	assert_int_equal(late.load.err, OK);
	assert_int_equal(late.commit.err, OK);
	assert_int_equal(late.claim.err, OK);
	assert_int_equal(late.purge.err, OK);
	assert_int_equal(late.count.err, OK);
	assert_int_equal(late.walk.err, OK);
	assert_int_equal(late.erase.err, OK);
	test_executor_run_all(&desk->executor);
	assert_int_equal(late.answers, 7);
}

static void the_store_has_a_name(void **state)
{
	assert_true(strlen(bench_of(state)->desk.store->ops->name) > 0);
}

/* --- fields ---------------------------------------------------------------------------------- */

static struct verification full_verification(void)
{
	struct verification v = sample_verification(1);
	v.purpose = PURPOSE_LOGIN;
	v.user = BYTES("anna");
	v.address = BYTES("2001:db8::1");
	v.device = BYTES("d-1");
	v.slot = BYTES("user anna");
	v.policy = (struct policy){.alphabet = "ABC23",
	                           .length = CODE_LENGTH_MAX,
	                           .attempts = ATTEMPTS_MAX,
	                           .repeat = REPEAT_SAME,
	                           .ttl_ms = 86400000};
	v.generation = UINT32_MAX;
	v.tries = UINT8_MAX;
	v.chosen = true;
	memset(v.chosen_mac, 0xC5, sizeof(v.chosen_mac));
	v.bound = true;
	memset(v.digest, 0, sizeof(v.digest));
	v.finished_ms = SAMPLE_MS + 1;
	return v;
}

static void verification_trip(struct desk *desk, const struct verification *v)
{
	assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, v), OK);
	struct verification *found = verification_get(desk, v);
	assert_non_null(found);
	assert_int_equal(found->version, v->version + 1);
	verifications_equal(found, v);
}

static void a_verification_comes_back_field_by_field(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct verification full = full_verification();
	verification_trip(desk, &full);
	struct verification bare = sample_verification(2);
	bare.client = BYTES_NONE;
	bare.dialect = BYTES_NONE;
	bare.key_id = BYTES_NONE;
	verification_trip(desk, &bare);
	/* Each becomes the other. */
	full.version = bare.version = 1;
	full.id = sample_verification(2).id;
	bare.id = sample_verification(1).id;
	verification_trip(desk, &bare);
	verification_trip(desk, &full);
	static const enum verification_state states[] = {
	    VERIFICATION_LIVE,    VERIFICATION_APPROVED, VERIFICATION_LOCKED,
	    VERIFICATION_EXPIRED, VERIFICATION_REPLACED, VERIFICATION_CANCELLED};
	for (unsigned i = 0; i < CASES_N(states); i++) {
		struct verification v = sample_verification(10 + i);
		v.state = states[i];
		v.purpose = PURPOSE_NUMBER + i % 3;
		v.policy.repeat = (uint8_t)(REPEAT_PARALLEL + i % 4);
		verification_trip(desk, &v);
	}
}

static void every_alphabet_comes_back(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	const char *const alphabets[] = {
	    "0123456789",
	    "9876543210",
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
	    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
	    "01",
	    "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`",
	};
	for (unsigned i = 0; i < CASES_N(alphabets); i++) {
		struct verification v = sample_verification(i);
		memset(v.policy.alphabet, 0, sizeof(v.policy.alphabet));
		memcpy(v.policy.alphabet, alphabets[i], strlen(alphabets[i]));
		verification_trip(desk, &v);
	}
}

static void a_budget_comes_back_field_by_field(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct budget budget = {.number = sample_number(1)};
	for (int i = 0; i < HISTORY_MAX; i++) {
		budget.sends.at_ms[i] = SAMPLE_MS + i * 61000;
		budget.guesses.at_ms[i] = SAMPLE_MS + i;
	}
	static const uint8_t lengths[] = {0, 1, HISTORY_MAX};
	for (size_t i = 0; i < sizeof(lengths) * sizeof(lengths); i++) {
		budget.sends.n = lengths[i % sizeof(lengths)];
		budget.guesses.n = lengths[i / sizeof(lengths)];
		budget.send_streak = i ? UINT32_MAX : 0;
		budget.keep_until_ms = i ? INT64_MAX : 0;
		assert_int_equal(desk_change(desk, CHANGE_BUDGET, &budget), OK);
		struct budget *found = budget_get(desk, &budget.number);
		assert_non_null(found);
		assert_int_equal(found->version, ++budget.version);
		assert_string_equal(found->number.digits, budget.number.digits);
		histories_equal(&found->sends, &budget.sends);
		histories_equal(&found->guesses, &budget.guesses);
		assert_int_equal(found->send_streak, budget.send_streak);
		assert_int_equal(found->keep_until_ms, budget.keep_until_ms);
	}
}

static void failures_come_back_field_by_field(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct failures failures = sample_failures(1);
	failures.count = UINT32_MAX;
	assert_int_equal(desk_change(desk, CHANGE_FAILURES, &failures), OK);
	struct failures *found = failures_get(desk, &failures);
	assert_non_null(found);
	assert_int_equal(found->version, 1);
	texts_equal(found->tenant, failures.tenant);
	assert_string_equal(found->number.digits, failures.number.digits);
	assert_int_equal(found->count, UINT32_MAX);
	assert_int_equal(found->last_ms, SAMPLE_MS);
}

static void a_line_comes_back_field_by_field(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct line rows[] = {sample_line(1), sample_line(2), sample_line(3)};
	rows[1].state = LINE_NORMAL;
	rows[1].chosen = true;
	memset(rows[1].chosen_mac, 0x5C, sizeof(rows[1].chosen_mac));
	rows[1].chosen_length = CODE_LENGTH_MAX;
	rows[1].chosen_key_id = BYTES("k1");
	rows[2].state = LINE_LANDLINE;
	for (size_t i = 0; i < CASES_N(rows); i++) {
		assert_int_equal(desk_change(desk, CHANGE_LINE, &rows[i]), OK);
		struct line *found = line_get(desk, &rows[i]);
		assert_non_null(found);
		assert_int_equal(found->version, 1);
		texts_equal(found->tenant, rows[i].tenant);
		assert_string_equal(found->number.digits, rows[i].number.digits);
		assert_int_equal(found->state, rows[i].state);
		assert_int_equal(found->chosen, rows[i].chosen);
		if (rows[i].chosen)
			assert_memory_equal(found->chosen_mac, rows[i].chosen_mac, SHA256_LEN);
		assert_int_equal(found->chosen_length, rows[i].chosen_length);
		texts_equal(found->chosen_key_id, rows[i].chosen_key_id);
	}
}

static void a_tenant_comes_back_field_by_field(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct tenant rows[] = {sample_tenant(), {.id = BYTES("bare")}};
	rows[0].settings = BYTES("{\"unique_verified_phone\":true}");
	rows[0].kii_app_key = BYTES("app-key");
	rows[0].kii_client_id = BYTES("admin");
	rows[0].kii_client_secret_hash = BYTES("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA");
	for (size_t i = 0; i < CASES_N(rows); i++) {
		assert_int_equal(desk_change(desk, CHANGE_TENANT, &rows[i]), OK);
		struct tenant *found = tenant_get(desk, rows[i].id);
		assert_non_null(found);
		assert_int_equal(found->version, 1);
		texts_equal(found->id, rows[i].id);
		texts_equal(found->name, rows[i].name);
		texts_equal(found->settings, rows[i].settings);
		texts_equal(found->kii_app_key, rows[i].kii_app_key);
		texts_equal(found->kii_client_id, rows[i].kii_client_id);
		texts_equal(found->kii_client_secret_hash, rows[i].kii_client_secret_hash);
	}
}

static void a_client_comes_back_field_by_field(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct client rows[] = {sample_client(), {.name = BYTES("bare"), .tenant = BYTES("acme")}};
	rows[0].roles = BYTES("[\"admin\"]");
	rows[0].permissions = BYTES("[\"send\",\"read\"]");
	rows[0].scopes = SCOPE_OTP_SEND | SCOPE_OTP_VERIFY | SCOPE_USER_READ | SCOPE_USER_WRITE;
	rows[0].disabled = true;
	for (size_t i = 0; i < CASES_N(rows); i++) {
		assert_int_equal(desk_change(desk, CHANGE_CLIENT, &rows[i]), OK);
		struct client *found = client_get(desk, rows[i].name);
		assert_non_null(found);
		assert_int_equal(found->version, 1);
		texts_equal(found->name, rows[i].name);
		texts_equal(found->tenant, rows[i].tenant);
		texts_equal(found->secret_hash, rows[i].secret_hash);
		assert_int_equal(found->scopes, rows[i].scopes);
		texts_equal(found->roles, rows[i].roles);
		texts_equal(found->permissions, rows[i].permissions);
		assert_int_equal(found->disabled, rows[i].disabled);
	}
}

static void a_message_comes_back_field_by_field(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct verification v = full_verification();
	struct message full = sample_message(1, &v), bare = sample_message(2, &v);
	full.generation = UINT32_MAX;
	full.sender = BYTES("Acme");
	full.template = BYTES("{{code}} is yours for {{validMinutes}} min");
	full.provider_id = BYTES("p-77");
	full.attempts = UINT32_MAX;
	bare.provider = BYTES_NONE;
	bare.next_ms++;
	pair_insert(desk, &v, &full);
	assert_int_equal(desk_change(desk, CHANGE_MESSAGE, &bare), OK);
	struct claimed *claimed;
	size_t n;
	int64_t lapse_ms = full.expires_ms;
	assert_int_equal(desk_claim(desk, SAMPLE_MS + 1, lapse_ms, 2, &claimed, &n), OK);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++) {
		const struct message *like =
		    id_equal(&claimed[i].message->id, &full.id) ? &full : &bare;
		struct message expected = *like;
		expected.state = MESSAGE_SENDING;
		expected.next_ms = lapse_ms;
		messages_equal(claimed[i].message, &expected);
		assert_int_equal(claimed[i].message->version, 2);
		verifications_equal(claimed[i].verification, &v);
		assert_int_equal(claimed[i].verification->version, 1);
	}
}

static void empty_text_is_not_absent(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct verification v = full_verification();
	v.client = v.user = v.dialect = v.key_id = v.address = v.device = v.slot = BYTES("");
	verification_trip(desk, &v);
	struct tenant tenant = {.id = BYTES("e"), .name = BYTES(""), .settings = BYTES("")};
	assert_int_equal(desk_change(desk, CHANGE_TENANT, &tenant), OK);
	struct tenant *found = tenant_get(desk, tenant.id);
	texts_equal(found->name, BYTES(""));
	texts_equal(found->settings, BYTES(""));
}

static void text_may_hold_any_octets(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	char octets[256];
	for (int i = 0; i < 256; i++)
		octets[i] = (char)i;
	struct bytes any = {octets, sizeof(octets)};
	struct verification v = full_verification();
	v.tenant = v.client = v.user = v.dialect = v.key_id = v.address = v.device = v.slot = any;
	verification_trip(desk, &v);
	assert_non_null(slot_get(desk, any, v.purpose, any));
	/* Texts that are alike up to a NUL are other texts. */
	struct tenant a = {.id = BYTES("t\0a"), .name = BYTES("\0")}, b = {.id = BYTES("t\0b")};
	assert_int_equal(desk_change(desk, CHANGE_TENANT, &a), OK);
	assert_int_equal(desk_change(desk, CHANGE_TENANT, &b), OK);
	texts_equal(tenant_get(desk, a.id)->name, a.name);
	texts_equal(tenant_get(desk, b.id)->name, BYTES_NONE);
	assert_null(tenant_get(desk, BYTES("t")));
}

static void a_large_text_comes_back(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	static char text[1 << 20];
	memset(text, 'x', sizeof(text));
	struct tenant tenant = {.id = BYTES("big"), .settings = {text, sizeof(text)}};
	assert_int_equal(desk_change(desk, CHANGE_TENANT, &tenant), OK);
	texts_equal(tenant_get(desk, tenant.id)->settings, tenant.settings);
}

/* --- loads ----------------------------------------------------------------------------------- */

static void what_is_not_there_is_null(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct verification nowhere = sample_verification(1);
	struct store_load load = {
	    .want = WANT_SLOT | WANT_NUMBER | WANT_TENANT | WANT_CLIENT,
	    .tenant = BYTES("acme"),
	    .purpose = PURPOSE_PHONE,
	    .slot = BYTES("s"),
	    .number = sample_number(1),
	    .client_name = BYTES("shop"),
	    /* What stood there before is not the answer. */
	    .verification = &nowhere,
	    .budget = &(struct budget){.version = 9},
	    .failures = &(struct failures){.version = 9},
	    .line = &(struct line){.version = 9},
	    .tenant_record = &(struct tenant){.version = 9},
	    .client = &(struct client){.version = 9},
	    .user = &(struct user){.version = 9},
	    .namesake = &(struct user){.version = 9},
	    .phone_code = &nowhere,
	    .login_code = &nowhere,
	    .holders = &(struct holder){.code = &nowhere},
	    .holders_n = 1,
	    .holders_more = true,
	    .key = &(struct key){.version = 9},
	    .session = &(struct session){.version = 9},
	    .system = &(struct system){.version = 9},
	};
	assert_int_equal(desk_load(desk, &load), OK);
	assert_null(load.verification);
	assert_null(load.budget);
	assert_null(load.failures);
	assert_null(load.line);
	assert_null(load.tenant_record);
	assert_null(load.client);
	assert_null(load.user);
	assert_null(load.namesake);
	assert_null(load.phone_code);
	assert_null(load.login_code);
	assert_int_equal(load.holders_n, 0);
	assert_false(load.holders_more);
	assert_null(load.key);
	assert_null(load.session);
	assert_null(load.system);
	assert_null(verification_get(desk, &nowhere));
}

static void everything_is_inserted(struct desk *desk, struct record_set *set)
{
	for (int i = 0; i < SET_KINDS; i++) {
		struct change change = record_set_change(set, i);
		assert_int_equal(desk_commit(desk, &change, 1), OK);
	}
}

static void only_what_is_wanted_is_loaded(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct record_set set;
	record_set_init(&set, 1);
	set.verification.slot = BYTES("s");
	set.user.user_name = BYTES("ada");
	set.user.phone = set.budget.number;
	everything_is_inserted(desk, &set);
	static const unsigned wants[] = {
	    0,
	    WANT_VERIFICATION,
	    WANT_SLOT,
	    WANT_BUDGET,
	    WANT_FAILURES,
	    WANT_LINE,
	    WANT_NUMBER,
	    WANT_TENANT,
	    WANT_CLIENT,
	    WANT_USER,
	    WANT_NAMESAKE,
	    WANT_HOLDERS,
	    WANT_KEY,
	    WANT_SESSION,
	    WANT_SYSTEM,
	    WANT_VERIFICATION | WANT_NUMBER | WANT_TENANT | WANT_CLIENT,
	    WANT_SLOT | WANT_NUMBER | WANT_TENANT | WANT_CLIENT | WANT_USER | WANT_NAMESAKE |
		WANT_HOLDERS | WANT_KEY | WANT_SESSION | WANT_SYSTEM,
	};
	for (size_t i = 0; i < CASES_N(wants); i++) {
		struct store_load load = {
		    .want = wants[i],
		    .id = set.verification.id,
		    .tenant = BYTES("acme"),
		    .purpose = PURPOSE_NUMBER,
		    .slot = BYTES("s"),
		    .number = set.budget.number,
		    .client_name = BYTES("shop"),
		    .user_key = set.user.id,
		    .user_name = BYTES("ada"),
		    .holds = HOLD_UNVERIFIED,
		    .hash = set.key.hash, /* and the session's */
		    .system_id = set.system.id,
		};
		assert_int_equal(desk_load(desk, &load), OK);
		assert_int_equal(load.verification != NULL,
		                 (wants[i] & (WANT_VERIFICATION | WANT_SLOT)) != 0);
		assert_int_equal(load.budget != NULL, (wants[i] & WANT_BUDGET) != 0);
		assert_int_equal(load.failures != NULL, (wants[i] & WANT_FAILURES) != 0);
		assert_int_equal(load.line != NULL, (wants[i] & WANT_LINE) != 0);
		assert_int_equal(load.tenant_record != NULL, (wants[i] & WANT_TENANT) != 0);
		assert_int_equal(load.client != NULL, (wants[i] & WANT_CLIENT) != 0);
		assert_int_equal(load.user != NULL, (wants[i] & WANT_USER) != 0);
		assert_int_equal(load.namesake != NULL, (wants[i] & WANT_NAMESAKE) != 0);
		assert_int_equal(load.holders_n, (wants[i] & WANT_HOLDERS) != 0);
		assert_int_equal(load.key != NULL, (wants[i] & WANT_KEY) != 0);
		assert_int_equal(load.session != NULL, (wants[i] & WANT_SESSION) != 0);
		assert_int_equal(load.system != NULL, (wants[i] & WANT_SYSTEM) != 0);
	}
}

static void an_event_is_found_once_it_is_there(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct event event = sample_event(1);
	struct store_load load = {.want = WANT_EVENT, .id = event.id, .event_found = true};
	assert_int_equal(desk_load(desk, &load), OK);
	assert_false(load.event_found);
	assert_int_equal(desk_change(desk, CHANGE_EVENT, &event), OK);
	load = (struct store_load){.want = WANT_EVENT, .id = event.id};
	assert_int_equal(desk_load(desk, &load), OK);
	assert_true(load.event_found);
	load = (struct store_load){.want = WANT_TENANT, .id = event.id, .tenant = BYTES("acme")};
	assert_int_equal(desk_load(desk, &load), OK);
	assert_false(load.event_found);
}

static void the_number_and_tenant_of_a_wanted_verification_are_its_own(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct record_set set;
	record_set_init(&set, 1);
	everything_is_inserted(desk, &set);
	struct store_load load = {.want = WANT_VERIFICATION | WANT_NUMBER,
	                          .id = set.verification.id,
	                          .tenant = BYTES("other"),
	                          .number = sample_number(2)};
	assert_int_equal(desk_load(desk, &load), OK);
	assert_non_null(load.verification);
	assert_non_null(load.budget);
	assert_string_equal(load.budget->number.digits, set.budget.number.digits);
	assert_non_null(load.failures);
	assert_non_null(load.line);
}

static void nothing_is_loaded_for_a_verification_that_is_not_there(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct record_set set;
	record_set_init(&set, 1);
	everything_is_inserted(desk, &set);
	struct store_load load = {.want = WANT_VERIFICATION | WANT_NUMBER,
	                          .id = sample_verification(2).id,
	                          .tenant = set.failures.tenant,
	                          .number = set.budget.number};
	assert_int_equal(desk_load(desk, &load), OK);
	assert_null(load.verification);
	assert_null(load.budget);
	assert_null(load.failures);
	assert_null(load.line);
}

static void tenants_share_a_number_s_budget_and_nothing_else(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct record_set set;
	record_set_init(&set, 1);
	everything_is_inserted(desk, &set);
	struct store_load load = {
	    .want = WANT_NUMBER, .tenant = BYTES("other"), .number = set.budget.number};
	assert_int_equal(desk_load(desk, &load), OK);
	assert_non_null(load.budget);
	assert_null(load.failures);
	assert_null(load.line);
	struct line line = set.line;
	line.tenant = BYTES("other");
	line.state = LINE_LANDLINE;
	assert_int_equal(desk_change(desk, CHANGE_LINE, &line), OK);
	assert_int_equal(line_get(desk, &line)->state, LINE_LANDLINE);
	assert_int_equal(line_get(desk, &set.line)->state, LINE_DEAD);
}

/* A load sees all of a commit or nothing of it, however the two fall together. */
static void a_load_sees_one_moment(void **state)
{
	struct bench *bench = bench_of(state);
	struct desk *desk = &bench->desk;
	struct record_set set;
	record_set_init(&set, 1);
	for (uint64_t version = 0; version < 50; version++) {
		set.verification.version = set.budget.version = set.failures.version = version;
		const struct change changes[] = {
		    {.kind = CHANGE_VERIFICATION, .verification = &set.verification},
		    {.kind = CHANGE_BUDGET, .budget = &set.budget},
		    {.kind = CHANGE_FAILURES, .failures = &set.failures},
		};
		struct late late = {
		    .load = {.want = WANT_VERIFICATION | WANT_NUMBER,
		             .id = set.verification.id,
		             .arena = &desk->arena,
		             .on_done = on_late_load},
		    .commit = {.changes = changes, .changes_n = 3, .on_done = on_late_commit},
		};
		store_commit(desk->store, &late.commit);
		store_load(desk->store, &late.load);
		test_executor_run_count(&desk->executor, &late.answers, 2);
		assert_int_equal(late.commit.err, OK);
		assert_int_equal(late.load.err, OK);
		if (!late.load.verification)
			continue;
		assert_int_equal(late.load.verification->version, late.load.budget->version);
		assert_int_equal(late.load.verification->version, late.load.failures->version);
	}
}

const struct CMUnitTest contract_records[] = {
    CASE(no_answer_comes_before_the_call_returned),
    CASE(the_store_has_a_name),
    CASE(a_verification_comes_back_field_by_field),
    CASE(every_alphabet_comes_back),
    CASE(a_budget_comes_back_field_by_field),
    CASE(failures_come_back_field_by_field),
    CASE(a_line_comes_back_field_by_field),
    CASE(a_tenant_comes_back_field_by_field),
    CASE(a_client_comes_back_field_by_field),
    CASE(a_message_comes_back_field_by_field),
    CASE(empty_text_is_not_absent),
    CASE(text_may_hold_any_octets),
    CASE(a_large_text_comes_back),
    CASE(what_is_not_there_is_null),
    CASE(only_what_is_wanted_is_loaded),
    CASE(an_event_is_found_once_it_is_there),
    CASE(the_number_and_tenant_of_a_wanted_verification_are_its_own),
    CASE(nothing_is_loaded_for_a_verification_that_is_not_there),
    CASE(tenants_share_a_number_s_budget_and_nothing_else),
    CASE(a_load_sees_one_moment),
};
const size_t contract_records_n = CASES_N(contract_records);
