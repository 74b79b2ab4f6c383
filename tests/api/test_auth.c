/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets in, what it costs, and how soon one who was revoked does not get in any more. */
#include "cases.h"
#include "support/front.h"

#include "api/auth.h"
#include "base/password.h"
#include "io/worker.h"

#include <time.h>

/* One sign-in under way. */
struct sign_in {
	struct front_request made;
	struct auth auth;
	size_t told; /* how often it was answered */
};

static void on_done(struct auth *auth)
{
	struct sign_in *in = CONTAINER_OF(auth, struct sign_in, auth);
	in->told++;
	assert_int_equal(auth->principal.account != NULL, auth->result == AUTH_OK);
}

static void on_shown(struct auth *auth)
{
	CONTAINER_OF(auth, struct sign_in, auth)->told++;
}

static void begin_field(struct front *front, struct sign_in *in, const char *value)
{
	*in = (struct sign_in){.auth = {.right = RIGHT_DOTDIGITAL_SEND, .on_done = on_done}};
	front_request_init(&in->made, "POST", "/webapi/verify");
	if (value)
		front_request_field(&in->made, "Authorization", value);
	in->auth.request = &in->made.request;
	auth_basic(&front->api, &in->auth);
	front_settle(front);
}

static void begin_for(struct front *front, struct sign_in *in, const char *pair, enum right right)
{
	*in = (struct sign_in){.auth = {.right = right, .on_done = on_done}};
	front_request_init(&in->made, "POST", "/webapi/verify");
	front_request_field(&in->made, "authorization",
	                    front_basic(&in->made, bytes_from_text(pair)));
	in->auth.request = &in->made.request;
	auth_basic(&front->api, &in->auth);
	front_settle(front);
}

static void begin(struct front *front, struct sign_in *in, const char *pair)
{
	begin_for(front, in, pair, RIGHT_DOTDIGITAL_SEND);
}

static enum auth_result end(struct sign_in *in)
{
	assert_int_equal(in->told, 1);
	enum auth_result result = in->auth.result;
	principal_done(&in->auth.principal);
	front_request_done(&in->made);
	return result;
}

/* The whole of it; *ret_jobs is what it cost. */
static enum auth_result sign_in_for(struct front *front, const char *pair, enum right right,
                                    size_t *ret_jobs)
{
	struct sign_in in;
	size_t before = front->jobs_n;
	begin_for(front, &in, pair, right);
	while (front_work(front))
		;
	*ret_jobs = front->jobs_n - before;
	return end(&in);
}

static void assert_sign_in(struct front *front, const char *pair, enum auth_result result,
                           size_t jobs)
{
	size_t did;
	enum auth_result was = sign_in_for(front, pair, RIGHT_DOTDIGITAL_SEND, &did);
	if (was != result || did != jobs)
		fail_msg("%s: result %d with %zu jobs, not %d with %zu", pair, was, did, result,
		         jobs);
}

/* demo's shop with the secret "s3cret", known to the api. */
static void shop(struct front *front)
{
	front_tenant(front, "demo", NULL);
	front_client(front, "shop", "demo", "s3cret", SCOPE_OTP_SEND | SCOPE_USER_READ, false);
	api_tick(&front->api);
}

/* ---- the field ------------------------------------------------------------------------------- */

/* Malformed ones cost neither a look-up nor a comparison. */
static const struct field_row {
	const char *name, *value;
} malformed_rows[] = {
    {"none", NULL},
    {"empty", ""},
    {"the scheme alone", "Basic"},
    {"the scheme and a blank", "Basic "},
    {"blanks only", "Basic    "},
    {"another scheme", "Bearer c2hvcDpzM2NyZXQ="},
    {"no blank", "Basicc2hvcDpzM2NyZXQ="},
    {"a tab", "Basic\tc2hvcDpzM2NyZXQ="},
    {"credentials alone", "c2hvcDpzM2NyZXQ="},
    {"not base64", "Basic ?????"},
    {"without padding", "Basic c2hvcDpzM2NyZXQ"},
    {"too much padding", "Basic c2hvcDpzM2NyZXQ=="},
    {"the alphabet of URLs", "Basic c2hvcDr_-w=="},
    {"a blank within", "Basic c2hv cDpzM2NyZXQ="},
    {"two of them", "Basic c2hvcDpzM2NyZXQ=, Basic c2hvcDpzM2NyZXQ="},
    {"in clear", "Basic shop:s3cret"},
    {"no colon", "Basic c2hvcA=="},
    {"not UTF-8 in the name", "Basic /3A6cw=="},
    {"not UTF-8 in the secret", "Basic c2hvcDr/"},
};

static void a_malformed_field_is_refused(void **state)
{
	const struct field_row *row = ROW_OF(state, struct field_row);
	void *made;
	struct sign_in in;
	assert_int_equal(front_setup(&made), 0);
	struct front *front = made;
	shop(front);
	begin_field(front, &in, row->value);
	assert_int_equal(end(&in), row->value ? AUTH_UNREADABLE : AUTH_ABSENT);
	assert_int_equal(front->jobs_n, 0);
	assert_int_equal(front->loads_n, 0);
	(void)front_teardown(&made);
}

static void two_fields_are_refused(void **state)
{
	struct front *front = *state;
	struct sign_in in = {.auth = {.right = RIGHT_DOTDIGITAL_SEND, .on_done = on_done}};
	shop(front);
	front_request_init(&in.made, "POST", "/webapi/verify");
	front_request_field(&in.made, "Authorization", "Basic c2hvcDpzM2NyZXQ=");
	front_request_field(&in.made, "authorization", "Basic c2hvcDpzM2NyZXQ=");
	in.auth.request = &in.made.request;
	auth_basic(&front->api, &in.auth);
	assert_int_equal(end(&in), AUTH_UNREADABLE);
}

static void a_sound_field_is_read(void **state)
{
	static const char *const values[] = {
	    "Basic c2hvcDpzM2NyZXQ=", "basic c2hvcDpzM2NyZXQ=", "BASIC   c2hvcDpzM2NyZXQ=  ",
	    "Basic \tc2hvcDpzM2NyZXQ=\t"};
	struct front *front = *state;
	shop(front);
	for (size_t i = 0; i < COUNT(values); i++) {
		struct sign_in in;
		begin_field(front, &in, values[i]);
		(void)front_work(front);
		assert_row(values[i], end(&in) == AUTH_OK);
	}
}

static void the_first_colon_ends_the_name(void **state)
{
	struct front *front = *state;
	front_tenant(front, "demo", NULL);
	front_client(front, "shop", "demo", "a:b: c", SCOPE_OTP_SEND, false);
	front_client(front, "empty", "demo", "", SCOPE_OTP_SEND, false);
	api_tick(&front->api);
	assert_sign_in(front, "shop:a:b: c", AUTH_OK, 1);
	assert_sign_in(front, "shop:a", AUTH_WRONG, 1);
	assert_sign_in(front, "shop:a:b:c", AUTH_WRONG, 1);
	assert_sign_in(front, "shop:", AUTH_WRONG, 1);
	assert_sign_in(front, ":a:b: c", AUTH_WRONG, 1);
	assert_sign_in(front, ":", AUTH_WRONG, 1);
	assert_sign_in(front, "Shop:a:b: c", AUTH_WRONG, 1);
	assert_sign_in(front, "empty:", AUTH_OK, 1);
}

static void a_secret_has_a_longest(void **state)
{
	struct front *front = *state;
	char secret[PASSWORD_MAX + 2], pair[PASSWORD_MAX + 16];
	memset(secret, 'p', sizeof(secret));
	secret[PASSWORD_MAX] = '\0';
	front_tenant(front, "demo", NULL);
	front_client(front, "shop", "demo", secret, SCOPE_OTP_SEND, false);
	(void)snprintf(pair, sizeof(pair), "shop:%s", secret);
	assert_sign_in(front, pair, AUTH_OK, 1);
	(void)snprintf(pair, sizeof(pair), "shop:%sp", secret);
	assert_sign_in(front, pair, AUTH_UNREADABLE, 0);
}

/* ---- who --------------------------------------------------------------------------------------
 */

static const struct who_row {
	const char *name, *pair;
	enum right right;
	enum auth_result result;
} who_rows[] = {
    {"the right secret", "shop:s3cret", RIGHT_DOTDIGITAL_SEND, AUTH_OK},
    {"another right that it has", "shop:s3cret", RIGHT_MANAGE_USER_READ, AUTH_OK},
    {"a right that it lacks", "shop:s3cret", RIGHT_DOTDIGITAL_VERIFY, AUTH_FORBIDDEN},
    {"a wrong secret", "shop:s3creT", RIGHT_DOTDIGITAL_SEND, AUTH_WRONG},
    {"a wrong secret and no right", "shop:s3creT", RIGHT_DOTDIGITAL_VERIFY, AUTH_WRONG},
    {"the beginning of the secret", "shop:s3cre", RIGHT_DOTDIGITAL_SEND, AUTH_WRONG},
    {"nobody of that name", "shoq:s3cret", RIGHT_DOTDIGITAL_SEND, AUTH_WRONG},
    {"a disabled one", "closed:s3cret", RIGHT_DOTDIGITAL_SEND, AUTH_DISABLED},
    {"a disabled one, a wrong secret", "closed:s3creT", RIGHT_DOTDIGITAL_SEND, AUTH_WRONG},
    {"one without a secret", "mute:s3cret", RIGHT_DOTDIGITAL_SEND, AUTH_WRONG},
    {"one without a secret, no secret", "mute:", RIGHT_DOTDIGITAL_SEND, AUTH_WRONG},
    {"one whose tenant nobody has", "lost:s3cret", RIGHT_DOTDIGITAL_SEND, AUTH_WRONG},
    {"a client's name and another's secret", "other:s3cret", RIGHT_DOTDIGITAL_SEND, AUTH_WRONG},
};

/* Whoever it is, one comparison is made before the answer: its time says nothing. */
static void everybody_costs_one_comparison(void **state)
{
	const struct who_row *row = ROW_OF(state, struct who_row);
	void *made;
	struct sign_in in;
	assert_int_equal(front_setup(&made), 0);
	struct front *front = made;
	shop(front);
	front_client(front, "closed", "demo", "s3cret", SCOPE_OTP_SEND, true);
	front_client(front, "mute", "demo", NULL, SCOPE_OTP_SEND, false);
	front_client(front, "lost", "nobody", "s3cret", SCOPE_OTP_SEND, false);
	front_client(front, "other", "demo", "other's", SCOPE_OTP_SEND, false);
	begin_for(front, &in, row->pair, row->right);
	assert_int_equal(in.told, 0);
	assert_int_equal(front->jobs_n, 1);
	assert_true(front_work(front));
	assert_int_equal(end(&in), row->result);
	(void)front_teardown(&made);
}

/* Of the thread, so that other programs do not count. */
static int64_t cpu_us(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static int64_t cost_us(struct front *front, const char *pair)
{
	int64_t least_us = INT64_MAX;
	for (int i = 0; i < 5; i++) {
		struct sign_in in;
		begin(front, &in, pair);
		int64_t began_us = cpu_us();
		assert_true(front_work(front));
		int64_t took_us = cpu_us() - began_us;
		if (took_us < least_us)
			least_us = took_us;
		assert_int_equal(end(&in), AUTH_WRONG);
	}
	return least_us;
}

/* A stand-in hash that cannot be read would be refused at once, and tell who is known. */
static void the_comparisons_are_as_dear(void **state)
{
	struct front *front = *state;
	shop(front);
	front_client(front, "mute", "demo", NULL, SCOPE_OTP_SEND, false);
	int64_t known_us = cost_us(front, "shop:wrong"), unknown_us = cost_us(front, "shoq:wrong"),
		mute_us = cost_us(front, "mute:wrong");
	assert_in_range(unknown_us, known_us / 2, known_us * 2);
	assert_in_range(mute_us, known_us / 2, known_us * 2);
}

/* ---- what is kept ---------------------------------------------------------------------------- */

static void a_success_is_kept_for_its_time(void **state)
{
	struct front *front = *state;
	shop(front);
	assert_sign_in(front, "shop:s3cret", AUTH_OK, 1);
	assert_sign_in(front, "shop:s3cret", AUTH_OK, 0);
	front->clock.now_ms += PASSWORD_KEPT_MS - 1;
	assert_sign_in(front, "shop:s3cret", AUTH_OK, 0);
	/* Using it does not make it last. */
	front->clock.now_ms += 1;
	assert_sign_in(front, "shop:s3cret", AUTH_OK, 1);
	assert_sign_in(front, "shop:s3cret", AUTH_OK, 0);
}

static void a_failure_is_not_kept_and_ends_nothing(void **state)
{
	struct front *front = *state;
	size_t jobs;
	shop(front);
	assert_sign_in(front, "shop:wrong", AUTH_WRONG, 1);
	assert_sign_in(front, "shop:wrong", AUTH_WRONG, 1);
	assert_sign_in(front, "shop:s3cret", AUTH_OK, 1);
	assert_sign_in(front, "shop:wrong", AUTH_WRONG, 1);
	assert_sign_in(front, "shop:s3cret", AUTH_OK, 0);
	/* What is kept is the secret, not the right to all. */
	assert_int_equal(sign_in_for(front, "shop:s3cret", RIGHT_DOTDIGITAL_VERIFY, &jobs),
	                 AUTH_FORBIDDEN);
	assert_int_equal(jobs, 0);
}

#define BURST 20

static void a_burst_of_first_calls_costs_one_comparison(void **state)
{
	struct front *front = *state;
	struct sign_in right[BURST], wrong[BURST];
	shop(front);
	for (size_t i = 0; i < BURST; i++) {
		begin(front, &right[i], "shop:s3cret");
		begin(front, &wrong[i], "shop:wrong");
	}
	assert_int_equal(front->jobs_n, 2);
	assert_true(front_work(front));
	for (size_t i = 0; i < BURST; i++) {
		assert_int_equal(right[i].told, 1);
		assert_int_equal(wrong[i].told, 0);
	}
	assert_true(front_work(front));
	for (size_t i = 0; i < BURST; i++) {
		assert_int_equal(end(&right[i]), AUTH_OK);
		assert_int_equal(end(&wrong[i]), AUTH_WRONG);
	}
}

static void a_full_queue_is_busy(void **state)
{
	struct front *front = *state;
	struct sign_in first, same, other, nobody;
	shop(front);
	front->room = 1;
	begin(front, &first, "shop:s3cret");
	begin(front, &other, "shop:other");
	assert_int_equal(end(&other), AUTH_BUSY);
	begin(front, &nobody, "nobody:s3cret");
	assert_int_equal(end(&nobody), AUTH_BUSY);
	/* Who asks what is being compared needs no room. */
	begin(front, &same, "shop:s3cret");
	assert_true(front_work(front));
	assert_int_equal(end(&first), AUTH_OK);
	assert_int_equal(end(&same), AUTH_OK);
	/* Nor who is known. */
	front->room = 0;
	assert_sign_in(front, "shop:s3cret", AUTH_OK, 0);
	assert_sign_in(front, "shop:wrong", AUTH_BUSY, 0);
}

static void a_store_that_fails_is_busy(void **state)
{
	struct front *front = *state;
	shop(front);
	front->load_err = ERR_STORE;
	assert_sign_in(front, "shop:s3cret", AUTH_BUSY, 0);
	front->load_err = OK;
	assert_sign_in(front, "shop:s3cret", AUTH_OK, 1);
	front->load_err = ERR_STORE;
	assert_sign_in(front, "shop:s3cret", AUTH_OK, 0);
}

/* ---- revoking -------------------------------------------------------------------------------- */

static void a_revoked_client_is_gone_within_a_tick(void **state)
{
	struct front *front = *state;
	shop(front);
	assert_sign_in(front, "shop:s3cret", AUTH_OK, 1);
	front_client(front, "shop", "demo", "s3cret", SCOPE_OTP_SEND, true);
	assert_sign_in(front, "shop:s3cret", AUTH_OK, 0);
	api_tick(&front->api);
	assert_sign_in(front, "shop:s3cret", AUTH_DISABLED, 1);
	/* And back. */
	front_client(front, "shop", "demo", "new", SCOPE_OTP_SEND, false);
	api_tick(&front->api);
	assert_sign_in(front, "shop:s3cret", AUTH_WRONG, 1);
	assert_sign_in(front, "shop:new", AUTH_OK, 1);
	api_tick(&front->api);
	assert_sign_in(front, "shop:new", AUTH_OK, 0);
}

/* The client was loaded before the change, its tenant after it; the tick falls between them, or
 * only later. */
static void a_change_between_the_two_loads_is_not_missed(void **state)
{
	for (int tick_between = 0; tick_between < 2; tick_between++) {
		struct front *front = *state;
		struct sign_in in;
		shop(front);
		front->held = true;
		begin(front, &in, "shop:s3cret");
		front_load(front);
		front_client(front, "shop", "demo", "s3cret", SCOPE_OTP_SEND, true);
		if (tick_between)
			api_tick(&front->api);
		front_load(front);
		front->held = false;
		/* This one began before. */
		assert_true(front_work(front));
		assert_int_equal(end(&in), AUTH_OK);
		if (!tick_between)
			api_tick(&front->api);
		assert_sign_in(front, "shop:s3cret", AUTH_DISABLED, 1);
	}
}

/* The comparison is under way while the client is revoked: what it finds is not kept for those who
 * come later. */
static void a_change_during_the_comparison_is_not_missed(void **state)
{
	struct front *front = *state;
	struct sign_in in;
	shop(front);
	begin(front, &in, "shop:s3cret");
	front_client(front, "shop", "demo", "s3cret", SCOPE_OTP_SEND, true);
	api_tick(&front->api);
	assert_true(front_work(front));
	assert_int_equal(end(&in), AUTH_OK);
	assert_sign_in(front, "shop:s3cret", AUTH_DISABLED, 1);
}

/* A store that cannot be asked for its generation cannot vouch for anybody. */
static void without_a_generation_nobody_is_kept(void **state)
{
	struct front *front = *state;
	shop(front);
	assert_sign_in(front, "shop:s3cret", AUTH_OK, 1);
	front->generation_err = ERR_STORE;
	api_tick(&front->api);
	assert_sign_in(front, "shop:s3cret", AUTH_OK, 1);
	front_client(front, "shop", "demo", "s3cret", SCOPE_OTP_SEND, true);
	api_tick(&front->api);
	assert_sign_in(front, "shop:s3cret", AUTH_DISABLED, 1);
	front->generation_err = OK;
	api_tick(&front->api);
	assert_sign_in(front, "shop:s3cret", AUTH_DISABLED, 1);
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* demo's shop and ada with a key each, and some that are of no use. */
static void keys(struct front *front)
{
	shop(front);
	front_tenant(front, "other", NULL);
	front_client(front, "closed", "demo", NULL, SCOPE_OTP_SEND, true);
	front_user(front, "demo", "ada", NULL, false);
	front_user(front, "demo", "gone", NULL, true);
	front_user(front, "other", "eve", NULL, false);
	front_key(front, "shop-key", "demo", "shop", NULL, 0, false);
	front_key(front, "ada-key", "demo", NULL, "ada", 0, false);
	front_key(front, "gone-key", "demo", NULL, "gone", 0, false);
	front_key(front, "closed-key", "demo", "closed", NULL, 0, false);
	front_key(front, "revoked-key", "demo", "shop", NULL, 0, true);
	front_key(front, "revoked-pat", "demo", NULL, "ada", 0, true);
	front_key(front, "short-key", "demo", "shop", NULL, TEST_START_MS + 1000, false);
	front_key(front, "nobodys-key", "demo", NULL, "nobody", 0, false);
	front_key(front, "no-clients-key", "demo", "noclient", NULL, 0, false);
	front_key(front, "no-tenants-key", "notenant", NULL, "ada", 0, false);
	/* Of another tenant's user by the same id, and of another tenant's client. */
	front_key(front, "eve-in-demo", "demo", NULL, "eve", 0, false);
	front_key(front, "shop-in-other", "other", "shop", NULL, 0, false);
	api_tick(&front->api);
}

static enum auth_result show(struct front *front, const char *value, enum right right,
                             struct principal *ret)
{
	struct sign_in in = {.auth = {.right = right, .on_done = on_shown}};
	front_request_init(&in.made, "POST", "/");
	if (value)
		front_request_field(&in.made, "Authorization", value);
	in.auth.request = &in.made.request;
	auth_bearer(&front->api, &in.auth);
	front_settle(front);
	assert_int_equal(in.told, 1);
	*ret = in.auth.principal;
	enum auth_result result = in.auth.result;
	if (result == AUTH_OK)
		assert_string_equal(ret->domain->tenant.id.at, "demo");
	else
		assert_int_equal(ret->kind, PRINCIPAL_NONE);
	front_request_done(&in.made);
	return result;
}

static const struct key_row {
	const char *name, *value;
	enum right right;
	enum auth_result result;
} key_rows[] = {
    {"a client's", "Bearer shop-key", RIGHT_DOTDIGITAL_SEND, AUTH_OK},
    {"in another case, with blanks", "bEARER   shop-key  ", RIGHT_DOTDIGITAL_SEND, AUTH_OK},
    {"a client's, without the scope", "Bearer shop-key", RIGHT_DOTDIGITAL_VERIFY, AUTH_FORBIDDEN},
    {"a user's", "Bearer ada-key", RIGHT_ZITADEL_MY, AUTH_OK},
    {"a user's, where both may", "Bearer ada-key", RIGHT_SERVICESTACK, AUTH_OK},
    {"a client's, where both may", "Bearer shop-key", RIGHT_SERVICESTACK, AUTH_OK},
    {"a client's, where only users may", "Bearer shop-key", RIGHT_ZITADEL_MY, AUTH_FORBIDDEN},
    {"a user's, where only clients may", "Bearer ada-key", RIGHT_DOTDIGITAL_SEND, AUTH_FORBIDDEN},
    {"a disabled client's", "Bearer closed-key", RIGHT_DOTDIGITAL_SEND, AUTH_DISABLED},
    {"a disabled user's", "Bearer gone-key", RIGHT_DOTDIGITAL_SEND, AUTH_DISABLED},
    {"revoked", "Bearer revoked-key", RIGHT_DOTDIGITAL_SEND, AUTH_REVOKED},
    {"a user's, revoked", "Bearer revoked-pat", RIGHT_DOTDIGITAL_SEND, AUTH_REVOKED},
    {"not yet expired", "Bearer short-key", RIGHT_DOTDIGITAL_SEND, AUTH_OK},
    {"of a user who is not there", "Bearer nobodys-key", RIGHT_DOTDIGITAL_SEND, AUTH_WRONG},
    {"of a client that is not there", "Bearer no-clients-key", RIGHT_DOTDIGITAL_SEND, AUTH_WRONG},
    {"of a tenant that is not there", "Bearer no-tenants-key", RIGHT_DOTDIGITAL_SEND, AUTH_WRONG},
    {"of another tenant's user", "Bearer eve-in-demo", RIGHT_DOTDIGITAL_SEND, AUTH_WRONG},
    {"of another tenant's client", "Bearer shop-in-other", RIGHT_DOTDIGITAL_SEND, AUTH_WRONG},
    {"unknown", "Bearer what", RIGHT_DOTDIGITAL_SEND, AUTH_WRONG},
    {"in another case itself", "Bearer Shop-key", RIGHT_DOTDIGITAL_SEND, AUTH_WRONG},
    {"the beginning", "Bearer shop-ke", RIGHT_DOTDIGITAL_SEND, AUTH_WRONG},
    {"empty", "Bearer ", RIGHT_DOTDIGITAL_SEND, AUTH_UNREADABLE},
    {"the scheme alone", "Bearer", RIGHT_DOTDIGITAL_SEND, AUTH_UNREADABLE},
    {"another scheme", "Basic c2hvcDpzM2NyZXQ=", RIGHT_DOTDIGITAL_SEND, AUTH_UNREADABLE},
    {"nothing", NULL, RIGHT_DOTDIGITAL_SEND, AUTH_ABSENT},
};

static void a_key_opens(void **state)
{
	const struct key_row *row = ROW_OF(state, struct key_row);
	void *made;
	struct principal principal;
	assert_int_equal(front_setup(&made), 0);
	struct front *front = made;
	keys(front);
	/* Twice: loaded, and kept. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(show(front, row->value, row->right, &principal), row->result);
		if (row->result == AUTH_OK) {
			bool is_user = strstr(row->value, "ada") != NULL;
			assert_int_equal(principal.kind,
			                 is_user ? PRINCIPAL_USER : PRINCIPAL_CLIENT);
			assert_int_equal(principal.user != NULL, is_user);
			assert_int_equal(principal.account != NULL, !is_user);
		}
		principal_done(&principal);
	}
	assert_int_equal(front->jobs_n, 0);
	(void)front_teardown(&made);
}

static void a_key_ends_at_its_moment(void **state)
{
	struct front *front = *state;
	struct principal principal;
	keys(front);
	front->clock.now_ms = TEST_START_MS + 999;
	assert_int_equal(show(front, "Bearer short-key", RIGHT_DOTDIGITAL_SEND, &principal),
	                 AUTH_OK);
	principal_done(&principal);
	front->clock.now_ms = TEST_START_MS + 1000;
	assert_int_equal(show(front, "Bearer short-key", RIGHT_DOTDIGITAL_SEND, &principal),
	                 AUTH_EXPIRED);
}

static void a_revoked_key_is_dead_within_a_tick(void **state)
{
	struct front *front = *state;
	struct principal principal;
	keys(front);
	assert_int_equal(show(front, "Bearer shop-key", RIGHT_DOTDIGITAL_SEND, &principal),
	                 AUTH_OK);
	principal_done(&principal);
	front_key(front, "shop-key", "demo", "shop", NULL, 0, true);
	assert_int_equal(show(front, "Bearer shop-key", RIGHT_DOTDIGITAL_SEND, &principal),
	                 AUTH_OK);
	principal_done(&principal);
	api_tick(&front->api);
	assert_int_equal(show(front, "Bearer shop-key", RIGHT_DOTDIGITAL_SEND, &principal),
	                 AUTH_REVOKED);
}

/* A user is looked at anew at every call: no tick is waited for. */
static void a_disabled_user_is_out_at_once(void **state)
{
	struct front *front = *state;
	struct principal principal;
	keys(front);
	assert_int_equal(show(front, "Bearer ada-key", RIGHT_DOTDIGITAL_SEND, &principal),
	                 AUTH_FORBIDDEN);
	front_user(front, "demo", "ada", NULL, true);
	assert_int_equal(show(front, "Bearer ada-key", RIGHT_DOTDIGITAL_SEND, &principal),
	                 AUTH_DISABLED);
}

static void a_store_that_fails_refuses_no_key(void **state)
{
	struct front *front = *state;
	struct principal principal;
	keys(front);
	front->load_err = ERR_STORE;
	assert_int_equal(show(front, "Bearer shop-key", RIGHT_DOTDIGITAL_SEND, &principal),
	                 AUTH_BUSY);
	front->load_err = OK;
	assert_int_equal(show(front, "Bearer ada-key", RIGHT_DOTDIGITAL_SEND, &principal),
	                 AUTH_FORBIDDEN);
	front->load_err = ERR_STORE;
	assert_int_equal(show(front, "Bearer ada-key", RIGHT_DOTDIGITAL_SEND, &principal),
	                 AUTH_BUSY);
}

/* ---- real workers ---------------------------------------------------------------------------- */

static void workers_compare_off_the_loop(void **state)
{
	struct front *front = *state;
	static const char *const pairs[] = {"shop:s3cret", "shop:wrong", "nobody:s3cret",
	                                    "other:second"};
	struct sign_in in[24];
	shop(front);
	front_client(front, "other", "demo", "second", SCOPE_OTP_SEND, false);
	api_tick(&front->api);
	struct worker_pool *pool = worker_pool_start(2, WORKER_QUEUE_DEFAULT);
	assert_non_null(pool);
	front->shared.workers = pool;
	for (size_t i = 0; i < COUNT(in); i++)
		begin(front, &in[i], pairs[i % COUNT(pairs)]);
	for (size_t i = 0; i < COUNT(in); i++)
		test_executor_run_count(&front->desk.executor, &in[i].told, 1);
	for (size_t i = 0; i < COUNT(in); i++)
		assert_int_equal(end(&in[i]), i % COUNT(pairs) % 3 == 0 ? AUTH_OK : AUTH_WRONG);
	worker_pool_stop(pool);
	front_settle(front);
}

#define FRONT(test) cmocka_unit_test_setup_teardown(test, front_setup, front_teardown)

int main(void)
{
	static struct cases cases;
	const struct CMUnitTest tests[] = {
	    FRONT(two_fields_are_refused),
	    FRONT(a_sound_field_is_read),
	    FRONT(the_first_colon_ends_the_name),
	    FRONT(a_secret_has_a_longest),
	    FRONT(the_comparisons_are_as_dear),
	    FRONT(a_success_is_kept_for_its_time),
	    FRONT(a_failure_is_not_kept_and_ends_nothing),
	    FRONT(a_burst_of_first_calls_costs_one_comparison),
	    FRONT(a_full_queue_is_busy),
	    FRONT(a_store_that_fails_is_busy),
	    FRONT(a_revoked_client_is_gone_within_a_tick),
	    FRONT(a_change_between_the_two_loads_is_not_missed),
	    FRONT(a_change_during_the_comparison_is_not_missed),
	    FRONT(without_a_generation_nobody_is_kept),
	    FRONT(a_key_ends_at_its_moment),
	    FRONT(a_revoked_key_is_dead_within_a_tick),
	    FRONT(a_disabled_user_is_out_at_once),
	    FRONT(a_store_that_fails_refuses_no_key),
	    FRONT(workers_compare_off_the_loop),
	};
	CASES_ADD(&cases, tests);
	CASES_ADD_ROWS(&cases, "malformed", malformed_rows, a_malformed_field_is_refused);
	CASES_ADD_ROWS(&cases, "who", who_rows, everybody_costs_one_comparison);
	CASES_ADD_ROWS(&cases, "key", key_rows, a_key_opens);
	return cases_run("auth", &cases);
}
