/* SPDX-License-Identifier: Apache-2.0 */
/* Sign-ins that are remembered: whose they are, and all that ends them. */
#include "support/front.h"

#include "api/session.h"
#include "base/when.h"

#define IDLE_MS DAYS_MS

struct asked {
	struct session_call call;
	struct arena arena;
	size_t told;
};

static void on_done(struct session_call *call)
{
	CONTAINER_OF(call, struct asked, call)->told++;
}

static void ask(struct front *front, struct asked *asked,
                void (*what)(struct api *api, struct session_call *call))
{
	asked->call.arena = &asked->arena;
	asked->call.idle_ms = IDLE_MS;
	asked->call.on_done = on_done;
	what(&front->api, &asked->call);
	front_settle(front);
	assert_int_equal(asked->told, 1);
}

/* The token of a new session of demo's user, or of its client. */
static void begin(struct front *front, const char *user, char ret[SESSION_TOKEN_LEN + 1])
{
	struct asked asked = {0};
	struct domain domain = {.refs = 2, .tenant = {.id = BYTES("demo")}};
	struct account account = {.refs = 2, .client = {.name = BYTES("shop")}, .domain = &domain};
	struct user person = {.id = bytes_from_text(user), .token_epoch = 3};
	arena_init(&asked.arena);
	asked.call.principal = (struct principal){
	    .kind = user ? PRINCIPAL_USER : PRINCIPAL_CLIENT,
	    .domain = &domain,
	    .account = user ? NULL : &account,
	    .user = user ? &person : NULL,
	};
	ask(front, &asked, session_start);
	assert_int_equal(asked.call.err, OK);
	assert_int_equal(asked.call.token.len, SESSION_TOKEN_LEN);
	memcpy(ret, asked.call.token.at, SESSION_TOKEN_LEN + 1);
	arena_done(&asked.arena);
}

static enum err find(struct front *front, const char *token, enum principal_kind kind)
{
	struct asked asked = {.call = {.token = bytes_from_text(token)}};
	arena_init(&asked.arena);
	ask(front, &asked, session_find);
	assert_int_equal(asked.call.principal.kind, asked.call.err ? PRINCIPAL_NONE : kind);
	if (!asked.call.err)
		assert_string_equal(asked.call.principal.domain->tenant.id.at, "demo");
	principal_done(&asked.call.principal);
	arena_done(&asked.arena);
	return asked.call.err;
}

static enum err end(struct front *front, const char *token)
{
	struct asked asked = {.call = {.token = bytes_from_text(token)}};
	arena_init(&asked.arena);
	ask(front, &asked, session_end);
	arena_done(&asked.arena);
	return asked.call.err;
}

static void ada_is(struct front *front, uint32_t epoch, bool disabled)
{
	const struct user user = {
	    .tenant = BYTES("demo"),
	    .id = BYTES("ada"),
	    .version = VERSION_ANY,
	    .sequence = 1,
	    .token_epoch = epoch,
	    .disabled = disabled,
	};
	assert_int_equal(desk_change(&front->desk, CHANGE_USER, &user), OK);
}

static void people(struct front *front)
{
	front_tenant(front, "demo", NULL);
	front_client(front, "shop", "demo", NULL, 0, false);
	ada_is(front, 3, false);
	api_tick(&front->api);
}

static void a_session_is_its_owners(void **state)
{
	struct front *front = *state;
	char ada[SESSION_TOKEN_LEN + 1], shop[SESSION_TOKEN_LEN + 1];
	people(front);
	begin(front, "ada", ada);
	begin(front, NULL, shop);
	assert_string_not_equal(ada, shop);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(find(front, ada, PRINCIPAL_USER), OK);
		assert_int_equal(find(front, shop, PRINCIPAL_CLIENT), OK);
	}
}

static void what_is_no_token_finds_nobody(void **state)
{
	struct front *front = *state;
	char ada[SESSION_TOKEN_LEN + 1];
	people(front);
	begin(front, "ada", ada);
	ada[0] ^= 1;
	assert_int_equal(find(front, ada, PRINCIPAL_USER), ERR_MALFORMED);
	ada[0] ^= 1;
	ada[SESSION_TOKEN_LEN - 1] = '\0';
	assert_int_equal(find(front, ada, PRINCIPAL_USER), ERR_MALFORMED);
	assert_int_equal(find(front, "", PRINCIPAL_USER), ERR_MALFORMED);
}

/* Used now and then it lives on; the use is written at most once a minute. */
static void it_ends_without_use(void **state)
{
	struct front *front = *state;
	char ada[SESSION_TOKEN_LEN + 1];
	people(front);
	begin(front, "ada", ada);
	for (int i = 0; i < 3; i++) {
		front->clock.now_ms += IDLE_MS - 1;
		assert_int_equal(find(front, ada, PRINCIPAL_USER), OK);
	}
	front->clock.now_ms += SESSION_TOUCH_MS - 1;
	assert_int_equal(find(front, ada, PRINCIPAL_USER), OK);
	front->clock.now_ms += IDLE_MS - (SESSION_TOUCH_MS - 1);
	assert_int_equal(find(front, ada, PRINCIPAL_USER), ERR_MALFORMED);
}

static void it_ends_when_it_is_ended(void **state)
{
	struct front *front = *state;
	char ada[SESSION_TOKEN_LEN + 1], other[SESSION_TOKEN_LEN + 1];
	people(front);
	begin(front, "ada", ada);
	begin(front, "ada", other);
	assert_int_equal(end(front, ada), OK);
	assert_int_equal(find(front, ada, PRINCIPAL_USER), ERR_MALFORMED);
	assert_int_equal(find(front, other, PRINCIPAL_USER), OK);
	/* Nobody learns that there was none. */
	assert_int_equal(end(front, ada), OK);
	assert_int_equal(end(front, "x"), OK);
}

static void it_ends_with_its_owners_right(void **state)
{
	struct front *front = *state;
	char ada[SESSION_TOKEN_LEN + 1], shop[SESSION_TOKEN_LEN + 1];
	people(front);
	begin(front, "ada", ada);
	begin(front, NULL, shop);
	ada_is(front, 3, true);
	assert_int_equal(find(front, ada, PRINCIPAL_USER), ERR_MALFORMED);
	ada_is(front, 3, false);
	assert_int_equal(find(front, ada, PRINCIPAL_USER), OK);
	/* A new password. */
	ada_is(front, 4, false);
	assert_int_equal(find(front, ada, PRINCIPAL_USER), ERR_MALFORMED);
	front_client(front, "shop", "demo", NULL, 0, true);
	api_tick(&front->api);
	assert_int_equal(find(front, shop, PRINCIPAL_CLIENT), ERR_MALFORMED);
}

static void a_store_that_fails_ends_nothing(void **state)
{
	struct front *front = *state;
	char ada[SESSION_TOKEN_LEN + 1];
	people(front);
	begin(front, "ada", ada);
	front->load_err = ERR_STORE;
	assert_int_equal(find(front, ada, PRINCIPAL_USER), ERR_STORE);
	assert_int_equal(end(front, ada), ERR_STORE);
	front->load_err = OK;
	assert_int_equal(find(front, ada, PRINCIPAL_USER), OK);
}

#define FRONT(test) cmocka_unit_test_setup_teardown(test, front_setup, front_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    FRONT(a_session_is_its_owners),       FRONT(what_is_no_token_finds_nobody),
	    FRONT(it_ends_without_use),           FRONT(it_ends_when_it_is_ended),
	    FRONT(it_ends_with_its_owners_right), FRONT(a_store_that_fails_ends_nothing),
	};
	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
