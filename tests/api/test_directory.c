/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts: loaded when first asked for, kept until somebody changed one, and shared. */
#include "support/front.h"

#include "api/directory.h"

struct look_up {
	struct directory_lookup lookup;
	struct arena arena;
	size_t told;
};

static void on_found(struct directory_lookup *lookup)
{
	CONTAINER_OF(lookup, struct look_up, lookup)->told++;
}

static void begin(struct front *front, struct look_up *up, const char *name)
{
	*up = (struct look_up){.lookup = {.kind = DIRECTORY_CLIENT,
	                                  .name = bytes_from_text(name),
	                                  .on_done = on_found}};
	arena_init(&up->arena);
	up->lookup.arena = &up->arena;
	directory_find(&front->api, &up->lookup);
}

/* The account, which outlives what it was loaded into; the caller's reference. */
static struct account *end(struct look_up *up)
{
	assert_int_equal(up->told, 1);
	assert_int_equal(up->lookup.err, OK);
	arena_done(&up->arena);
	return up->lookup.account;
}

static struct account *find(struct front *front, const char *name)
{
	struct look_up up;
	begin(front, &up, name);
	front_settle(front);
	return end(&up);
}

static void shop(struct front *front)
{
	front_tenant(front, "demo", NULL);
	front_client(front, "shop", "demo", "s3cret", SCOPE_OTP_SEND, false);
	api_tick(&front->api);
}

static void an_account_is_whole(void **state)
{
	struct front *front = *state;
	shop(front);
	struct account *account = find(front, "shop");
	assert_non_null(account);
	assert_true(bytes_equal(account->client.name, BYTES("shop")));
	assert_true(bytes_equal(account->client.tenant, BYTES("demo")));
	assert_true(bytes_equal(account->domain->tenant.id, BYTES("demo")));
	assert_int_equal(account->client.scopes, SCOPE_OTP_SEND);
	assert_true(bytes_start_with(account->client.secret_hash, BYTES("$argon2id$")));
	assert_int_equal(account->domain->settings[API_DOTDIGITAL].code.length, 6);
	account_unref(account);
	account_unref(NULL);
}

static void nobody_has_no_account(void **state)
{
	struct front *front = *state;
	shop(front);
	front_client(front, "lost", "nobody", NULL, 0, false);
	assert_null(find(front, "shoq"));
	assert_null(find(front, ""));
	assert_null(find(front, "Shop"));
	/* A client whose tenant is not there is nobody's. */
	assert_null(find(front, "lost"));
	/* Nor is it kept that there is nobody. */
	front_client(front, "shoq", "demo", NULL, 0, false);
	struct account *account = find(front, "shoq");
	assert_non_null(account);
	assert_null(account->client.secret_hash.at);
	account_unref(account);
}

static void settings_are_laid_over_the_servers(void **state)
{
	struct front *front = *state;
	static const struct {
		const char *name, *settings;
		int length, attempts, status;
	} rows[] = {
	    {"none", NULL, 7, 5, 202},
	    {"empty", "{}", 7, 5, 202},
	    {"the tenant's", "{\"code\":{\"length\":8}}", 8, 5, 202},
	    {"the tenant's of the API",
	     "{\"code\":{\"length\":8,\"attempts\":3},\"dotdigital\":{\"code\":{\"length\":9},"
	     "\"create_status\":201}}",
	     9, 3, 201},
	    /* What this version cannot read leaves the server's in force, all of them. */
	    {"one that is unknown", "{\"code\":{\"length\":8},\"colour\":1}", 7, 5, 202},
	    {"no object", "[]", 7, 5, 202},
	};
	struct settings_mistake mistake;
	assert_true(settings_set(&front->server.all, BYTES("code.length"), BYTES("7"), &mistake));
	front_client(front, "shop", "demo", NULL, 0, false);
	for (size_t i = 0; i < COUNT(rows); i++) {
		front_tenant(front, "demo", rows[i].settings);
		api_tick(&front->api);
		struct account *account = find(front, "shop");
		const struct settings *settings = &account->domain->settings[API_DOTDIGITAL];
		assert_row(rows[i].name, settings->code.length == rows[i].length);
		assert_row(rows[i].name, settings->code.attempts == rows[i].attempts);
		assert_row(rows[i].name, settings->dotdigital.create_status == rows[i].status);
		account_unref(account);
	}
}

static void an_account_is_kept(void **state)
{
	struct front *front = *state;
	shop(front);
	struct account *first = find(front, "shop");
	assert_int_equal(front->loads_n, 2);
	struct account *second = find(front, "shop");
	assert_ptr_equal(first, second);
	assert_int_equal(front->loads_n, 2);
	api_tick(&front->api);
	account_unref(first);
	account_unref(second);
	/* From those who are kept the answer comes at once. */
	struct look_up up;
	begin(front, &up, "shop");
	account_unref(end(&up));
}

static void two_who_ask_at_once_share_one(void **state)
{
	struct front *front = *state;
	struct look_up up[3];
	shop(front);
	for (size_t i = 0; i < COUNT(up); i++)
		begin(front, &up[i], "shop");
	front_settle(front);
	struct account *first = end(&up[0]);
	for (size_t i = 1; i < COUNT(up); i++) {
		struct account *other = end(&up[i]);
		assert_ptr_equal(other, first);
		account_unref(other);
	}
	assert_int_equal(first->refs, 2);
	account_unref(first);
	assert_int_equal(front->api.directory[DIRECTORY_CLIENT].n, 1);
}

/* Each was told of the client before anybody had its tenant. */
static void two_who_load_at_once_share_one(void **state)
{
	struct front *front = *state;
	struct look_up up[2];
	shop(front);
	front->held = true;
	for (size_t i = 0; i < COUNT(up); i++)
		begin(front, &up[i], "shop");
	for (size_t i = 0; i < 2 * COUNT(up); i++)
		front_load(front);
	front->held = false;
	struct account *first = end(&up[0]), *second = end(&up[1]);
	assert_ptr_equal(first, second);
	assert_int_equal(first->refs, 3);
	account_unref(first);
	account_unref(second);
}

static void a_fault_is_no_absence(void **state)
{
	struct front *front = *state;
	struct look_up up;
	shop(front);
	/* Of either load. */
	for (int good = 0; good < 2; good++) {
		front->held = true;
		begin(front, &up, "shop");
		if (good)
			front_load(front);
		front->load_err = ERR_STORE;
		front_load(front);
		assert_int_equal(up.told, 1);
		assert_int_equal(up.lookup.err, ERR_STORE);
		assert_null(up.lookup.account);
		arena_done(&up.arena);
		front->load_err = OK;
		front->held = false;
	}
	assert_int_equal(front->api.directory[DIRECTORY_CLIENT].n, 0);
}

/* Any tenant's or client's change forgets all; who is in use lives on. */
static void a_change_forgets(void **state)
{
	struct front *front = *state;
	shop(front);
	struct account *old = find(front, "shop");
	front_tenant(front, "another", NULL);
	assert_int_equal(front->api.directory[DIRECTORY_CLIENT].n, 1);
	api_tick(&front->api);
	assert_int_equal(front->api.directory[DIRECTORY_CLIENT].n, 0);
	struct account *fresh = find(front, "shop");
	assert_ptr_not_equal(old, fresh);
	assert_int_equal(old->refs, 1);
	assert_true(bytes_equal(old->client.name, BYTES("shop")));
	account_unref(old);
	account_unref(fresh);
}

static void what_was_loaded_across_a_change_is_not_kept(void **state)
{
	struct front *front = *state;
	struct look_up up;
	shop(front);
	front->held = true;
	begin(front, &up, "shop");
	front_load(front);
	front_tenant(front, "demo", "{\"code\":{\"length\":9}}");
	api_tick(&front->api);
	front_load(front);
	front->held = false;
	assert_int_equal(front->api.directory[DIRECTORY_CLIENT].n, 0);
	account_unref(end(&up));
}

static void names_and_clients_add(struct front *front, unsigned n)
{
	struct change *changes = calloc(n, sizeof(*changes));
	struct client *clients = calloc(n, sizeof(*clients));
	char(*names)[8] = calloc(n, sizeof(*names));
	assert_true(changes && clients && names);
	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "%u", i);
		clients[i] = (struct client){
		    .name = bytes_from_text(names[i]),
		    .version = VERSION_ANY,
		    .tenant = BYTES("demo"),
		};
		changes[i] = (struct change){.kind = CHANGE_CLIENT, .client = &clients[i]};
	}
	assert_int_equal(desk_commit(&front->desk, changes, n), OK);
	free(changes);
	free(clients);
	free(names);
	api_tick(&front->api);
}

static void only_so_many_are_kept(void **state)
{
	struct front *front = *state;
	char name[8];
	front_tenant(front, "demo", NULL);
	names_and_clients_add(front, DIRECTORY_MAX + 1);
	struct account *first = find(front, "0");
	for (unsigned i = 1; i < DIRECTORY_MAX; i++) {
		(void)snprintf(name, sizeof(name), "%u", i);
		account_unref(find(front, name));
	}
	assert_int_equal(front->api.directory[DIRECTORY_CLIENT].n, DIRECTORY_MAX);
	assert_int_equal(first->refs, 2);
	(void)snprintf(name, sizeof(name), "%u", DIRECTORY_MAX);
	account_unref(find(front, name));
	assert_int_equal(front->api.directory[DIRECTORY_CLIENT].n, 1);
	/* Who is in use lives on. */
	assert_int_equal(first->refs, 1);
	assert_true(bytes_equal(first->client.name, BYTES("0")));
	account_unref(first);
}

#define FRONT(test) cmocka_unit_test_setup_teardown(test, front_setup, front_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    FRONT(an_account_is_whole),
	    FRONT(nobody_has_no_account),
	    FRONT(settings_are_laid_over_the_servers),
	    FRONT(an_account_is_kept),
	    FRONT(two_who_ask_at_once_share_one),
	    FRONT(two_who_load_at_once_share_one),
	    FRONT(a_fault_is_no_absence),
	    FRONT(a_change_forgets),
	    FRONT(what_was_loaded_across_a_change_is_not_kept),
	    FRONT(only_so_many_are_kept),
	};
	return cmocka_run_group_tests_name("directory", tests, NULL, NULL);
}
