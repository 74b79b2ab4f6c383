/* SPDX-License-Identifier: Apache-2.0 */
/* People in the SQLite store: the step to schema 2, its table of users and the table of members,
 * that nothing found by name or number is searched for, and what erasing leaves in the files. */
#include "support/desk.h"
#include "support/folder.h"
#include "support/sample.h"
#include "support/unit.h"

#include "base/list.h"

#include <assert.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* --- schema ---------------------------------------------------------------------------------- */

/* Runs a step of the schema, as it stands in the source. */
static void step_run(const struct folder *folder, const char *name)
{
	char path[512];
	const char *source = getenv("VERIFYD_SOURCE");
	assert_non_null(source);
	snprintf(path, sizeof(path), "%s/src/store/schema/%s", source, name);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	char *sql = calloc(1, 65536);
	assert_in_range(fread(sql, 1, 65535, file), 1000, 65534);
	fclose(file);
	sql_run(folder, sql);
	free(sql);
}

static void a_database_of_schema_1_is_brought_to_2(void **state)
{
	(void)state;
	struct folder folder;
	struct desk desk;
	folder_make(&folder);
	step_run(&folder, "sqlite-001.sql");
	sql_run(&folder, "PRAGMA application_id = 1986427236; PRAGMA user_version = 1;"
	                 "INSERT INTO tenant (id, version, name) VALUES ('acme', 3, 'Acme Ltd');"
	                 "INSERT INTO client (name, version, tenant, scopes, disabled)"
	                 " VALUES ('shop', 2, 'acme', 3, 0);"
	                 "UPDATE meta SET generation = 7");
	folder_open(&folder);
	desk_open(&desk, &folder);
	struct store_load load = {.want = WANT_TENANT | WANT_CLIENT,
	                          .tenant = BYTES("acme"),
	                          .client_name = BYTES("shop")};
	assert_int_equal(desk_load(&desk, &load), OK);
	assert_non_null(load.tenant_record);
	assert_int_equal(load.tenant_record->version, 3);
	assert_true(bytes_equal(load.tenant_record->name, BYTES("Acme Ltd")));
	assert_null(load.tenant_record->kii_app_key.at);
	assert_non_null(load.client);
	assert_int_equal(load.client->scopes, 3);
	uint64_t generation;
	assert_int_equal(desk.store->ops->generation(desk.store, &generation), OK);
	assert_int_equal(generation, 7);
	struct user user = sample_user(1);
	assert_int_equal(desk_change(&desk, CHANGE_USER, &user), OK);
	struct tenant tenant = *load.tenant_record;
	tenant.kii_app_key = BYTES("app-key");
	assert_int_equal(desk_change(&desk, CHANGE_TENANT, &tenant), OK);
	desk_done(&desk);
	folder_close(&folder);
	answer_is(&folder, "PRAGMA user_version", "2");
	answer_is(&folder, "PRAGMA integrity_check", "ok");
	answer_is(&folder, "SELECT kii_app_key FROM tenant", "app-key");
	folder_remove(&folder);
}

/* A step that fails half way changes nothing: here a table of its name is in the way. */
static void a_failed_step_leaves_the_schema_as_it_was(void **state)
{
	(void)state;
	struct folder folder;
	struct problem problem;
	folder_make(&folder);
	step_run(&folder, "sqlite-001.sql");
	sql_run(&folder, "PRAGMA application_id = 1986427236; PRAGMA user_version = 1;"
	                 "CREATE TABLE system (mine)");
	assert_int_not_equal(folder_try(&folder, true, &problem), OK);
	assert_non_null(strstr(problem.text, "verifyd.db"));
	answer_is(&folder, "PRAGMA user_version", "1");
	answer_is(&folder, "SELECT count(*) FROM sqlite_schema WHERE name = 'user'", "0");
	answer_is(&folder, "SELECT count(*) FROM pragma_table_info('tenant')", "4");
	sql_run(&folder, "DROP TABLE system");
	folder_open(&folder);
	folder_close(&folder);
	folder_remove(&folder);
}

/* The columns of the SQL, which lists them, are the members of the .def, in its order. */
static void a_user_s_columns_are_his_members(void **state)
{
	(void)state;
	struct folder folder;
	folder_make(&folder);
	folder_open(&folder);
	folder_close(&folder);
	answer_is(&folder,
	          "SELECT group_concat(name || ' ' || type) FROM pragma_table_info('user')"
	          " WHERE cid > (SELECT cid FROM pragma_table_info('user')"
	          "              WHERE name = 'password_hash')"
	          " AND cid < (SELECT cid FROM pragma_table_info('user') WHERE name = 'phone')",
#define USER_TEXT(name, field, member, kind, max) "," #field " TEXT"
	          &(
#include "core/user_member.def"
#undef USER_TEXT
		      )[1]);
	folder_remove(&folder);
}

static void the_views_print_people(void **state)
{
	(void)state;
	struct folder folder;
	struct desk desk;
	folder_make(&folder);
	folder_open(&folder);
	desk_open(&desk, &folder);
	struct user user = sample_user(1);
	struct key key = sample_key(1);
	struct session session = sample_session(1);
	struct system system = sample_system();
	user.password_hash = BYTES("$argon2id$secret");
	user.user_name = BYTES("ada");
	user.phone = sample_number(1);
	user.phone_verified_ms = SAMPLE_MS;
	const struct change changes[] = {{CHANGE_USER, .user = &user},
	                                 {CHANGE_KEY, .key = &key},
	                                 {CHANGE_SESSION, .session = &session},
	                                 {CHANGE_SYSTEM, .system = &system}};
	assert_int_equal(desk_commit(&desk, changes, 4), OK);
	desk_done(&desk);
	folder_close(&folder);
	answer_is(&folder,
	          "SELECT tenant || ' ' || id || ' ' || user_name || ' ' || phone || ' ' ||"
	          " phone_verified || ' ' || has_password || ' ' || changed FROM users",
	          "acme u-1 ada 447900000000001 2026-09-21T14:13:20Z 1 2026-09-21T14:13:20Z");
	answer_is(&folder, "SELECT user || ' ' || substr(hash, 1, 8) || ' ' || revoked FROM keys",
	          "u-1 00000001 0");
	answer_is(&folder, "SELECT user || ' ' || expires FROM sessions",
	          "u-1 2026-09-21T15:13:20Z");
	answer_is(&folder, "SELECT id || ' ' || signing || ' ' || has_secret FROM systems",
	          "billing required 1");
	/* No secret stands in a view. */
	answer_is(&folder,
	          "SELECT count(*) FROM sqlite_schema AS s, pragma_table_info(s.name) AS c"
	          " WHERE s.type = 'view' AND c.name IN ('password_hash', 'secret_hash',"
	          " 'sealed_secret', 'kii_client_secret_hash', 'chosen_mac')",
	          "0");
	folder_remove(&folder);
}

/* --- plans ----------------------------------------------------------------------------------- */

static const struct {
	const char *name, *sql;
} statements[] = {
#define STATEMENT(name, sql) {#name, sql},
#include "store/sqlite_statement.def"
#undef STATEMENT
};

/* Reads from the beginning, but no more than LINES_REMEMBERED_MAX + 1 rows. */
#define MAY_SCAN "LINE_BUCKETS"

/* Whatever a loop or the writer asks is found by an index, in its order: nothing is searched
 * through, nothing is sorted. */
static void nothing_is_searched_through_or_sorted(void **state)
{
	(void)state;
	struct folder folder;
	char path[FOLDER_PATH_MAX];
	sqlite3 *db;
	size_t plans = 0;
	folder_make(&folder);
	folder_open(&folder);
	folder_close(&folder);
	path_in(&folder, "verifyd.db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		char sql[1024];
		sqlite3_stmt *statement;
		snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", statements[i].sql);
		assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
		for (; sqlite3_step(statement) == SQLITE_ROW; plans++) {
			const char *says = (const char *)sqlite3_column_text(statement, 3);
			bool scans = strstr(says, "SCAN") && strcmp(statements[i].name, MAY_SCAN);
			if (scans || strstr(says, "TEMP B-TREE"))
				fail_msg("%s: %s", statements[i].name, says);
		}
		sqlite3_finalize(statement);
	}
	assert_in_range(plans, 20, 1000);
	sqlite3_close(db);
	folder_remove(&folder);
}

/* --- erase ----------------------------------------------------------------------------------- */

/* How often `what` stands in the octets. */
static size_t octets_count(const char *octets, size_t len, struct bytes what)
{
	size_t found = 0;
	const char *at = octets, *end = octets + len;
	for (; (at = memmem(at, (size_t)(end - at), what.at, what.len)); at++)
		found++;
	return found;
}

/* How often a sample's number stands in a file of the folder: its digits, or the integer that they
 * are in a budget's key. */
static size_t numbers_in(const struct folder *folder, const char *name, unsigned n)
{
	char path[FOLDER_PATH_MAX];
	struct number number = sample_number(n);
	off_t len = file_len(folder, name);
	char *octets = calloc(1, (size_t)len + 1);
	path_in(folder, name, path);
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, octets, (size_t)len, 0), len);
	close(fd);
	char integer[8];
	for (int i = 0; i < 8; i++)
		integer[i] = (char)(number_to_integer(&number) >> (56 - 8 * i));
	size_t found = octets_count(octets, (size_t)len, number_bytes(&number)) +
	               octets_count(octets, (size_t)len, (struct bytes){integer, 8});
	free(octets);
	return found;
}

#define PEOPLE 900

/* Everybody has a number, some in two ways, a code on its way to it and a line. */
static void person_insert(struct desk *desk, unsigned n)
{
	struct user user = sample_user(n);
	struct verification v = sample_verification(n);
	struct message message = sample_message(n, &v);
	struct line line = sample_line(n);
	struct budget budget = sample_budget(n);
	char custom[200];
	/* Long enough for rows to move from page to page. */
	snprintf(custom, sizeof(custom), "{\"n\":%0150u}", n);
	user.custom = bytes_from_text(custom);
	*(n % 3 ? &user.phone : &user.phone_pending) = sample_number(n);
	user.phone_verified_ms = n % 3 == 1 ? SAMPLE_MS : 0;
	user.phone_exclusive = n % 2;
	v.purpose = PURPOSE_PHONE;
	v.slot = v.user = user.id;
	budget.keep_until_ms = SAMPLE_MS;
	const struct change changes[] = {
	    {CHANGE_USER, .user = &user},          {CHANGE_VERIFICATION, .verification = &v},
	    {CHANGE_MESSAGE, .message = &message}, {CHANGE_LINE, .line = &line},
	    {CHANGE_BUDGET, .budget = &budget},
	};
	assert_int_equal(desk_commit(desk, changes, 5), OK);
}

static void people_insert(struct desk *desk)
{
	for (unsigned i = 0; i < PEOPLE; i++)
		person_insert(desk, i * 7919 % PEOPLE);
}

static void every_tenth_is_erased(struct desk *desk)
{
	for (unsigned n = 0; n < PEOPLE; n += 10) {
		struct store_erase erase = {.number = sample_number(n), .now_ms = SAMPLE_MS + 1};
		assert_int_equal(desk_erase(desk, &erase), OK);
		assert_int_equal(erase.users, 1);
		assert_int_equal(erase.verifications, 1);
		assert_int_equal(erase.messages, 1);
	}
}

static void the_log_is_cut(const struct folder *folder)
{
	while (file_len(folder, "verifyd.db-wal"))
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static void every_tenth_is_gone_from(const struct folder *folder, const char *name)
{
	for (unsigned n = 0; n < PEOPLE; n += 10)
		assert_int_equal(numbers_in(folder, name, n), 0);
}

static void nothing_of_an_erased_number_is_left_in_the_files(void **state)
{
	(void)state;
	struct folder folder;
	struct desk desk;
	struct problem problem;
	folder_make(&folder);
	const struct sqlite_options options = {
	    .directory = folder.path, .serve = true, .wal_pages = 300, .truncate_every_ms = 1};
	assert_int_equal(sqlite_open(&options, &folder.sqlite, &problem), OK);
	desk_open(&desk, &folder);
	people_insert(&desk);
	assert_in_range(numbers_in(&folder, "verifyd.db", 10) +
	                    numbers_in(&folder, "verifyd.db-wal", 10),
	                3, 1000);
	every_tenth_is_erased(&desk);
	the_log_is_cut(&folder);
	every_tenth_is_gone_from(&folder, "verifyd.db");
	for (unsigned n = 1; n < PEOPLE; n += n % 10 == 9 ? 2 : 1)
		assert_in_range(numbers_in(&folder, "verifyd.db", n), 4, 100);
	/* Nor do pages that are written again bring it back. */
	for (unsigned n = 1; n < PEOPLE; n += 10) {
		struct user user = sample_user(n);
		user.version = VERSION_ANY;
		assert_int_equal(desk_change(&desk, CHANGE_USER, &user), OK);
	}
	assert_in_range(file_len(&folder, "verifyd.db-wal"), 1, INT32_MAX);
	every_tenth_is_gone_from(&folder, "verifyd.db-wal");
	every_tenth_is_gone_from(&folder, "verifyd.db");
	desk_done(&desk);
	folder_close(&folder);
	every_tenth_is_gone_from(&folder, "verifyd.db");
	folder_remove(&folder);
}

/* A tool that erases beside a server takes the traces with it before it goes. */
static void a_tool_leaves_nothing_in_the_server_s_log(void **state)
{
	(void)state;
	struct folder folder;
	struct desk desk, tools;
	struct problem problem;
	folder_make(&folder);
	folder_open(&folder);
	desk_open(&desk, &folder);
	people_insert(&desk);
	struct folder tool = folder;
	assert_int_equal(folder_try(&tool, false, &problem), OK);
	desk_open(&tools, &tool);
	every_tenth_is_erased(&tools);
	desk_done(&tools);
	folder_close(&tool);
	assert_int_equal(file_len(&folder, "verifyd.db-wal"), 0);
	every_tenth_is_gone_from(&folder, "verifyd.db");
	assert_int_equal(desk_count(&desk).users, PEOPLE - PEOPLE / 10 + PEOPLE / 30);
	desk_done(&desk);
	folder_close(&folder);
	folder_remove(&folder);
}

/* --- erase beside commits -------------------------------------------------------------------- */

struct erasing {
	struct store_erase erase;
	bool done;
};

static void on_erased(struct store_erase *erase)
{
	CONTAINER_OF(erase, struct erasing, erase)->done = true;
}

static void many_insert(struct desk *desk, unsigned n)
{
	struct verification *v = calloc(n, sizeof(*v));
	struct change *changes = calloc(n, sizeof(*changes));
	for (unsigned i = 0; i < n; i++) {
		v[i] = sample_verification(1000 + i);
		changes[i] = (struct change){CHANGE_VERIFICATION, .verification = &v[i]};
	}
	assert_int_equal(desk_commit(desk, changes, n), OK);
	free(changes);
	free(v);
}

/* One that is committed while the search is past its place, but not yet through. */
static void what_is_committed_behind_the_search_is_erased_too(void **state)
{
	(void)state;
	struct folder folder;
	struct desk desk;
	unsigned beside = 0;
	folder_make(&folder);
	folder_open(&folder);
	desk_open(&desk, &folder);
	many_insert(&desk, 100000);
	for (unsigned i = 0; i < 50 && beside < 3; i++) {
		struct erasing erasing = {.erase = {.number = sample_number(1),
		                                    .now_ms = SAMPLE_MS,
		                                    .on_done = on_erased}};
		struct verification v = sample_verification(1);
		v.id = sample_id(SAMPLE_MS - 59000, &v.number, i);
		desk.store->ops->erase(desk.store, &erasing.erase);
		assert_int_equal(desk_change(&desk, CHANGE_VERIFICATION, &v), OK);
		bool was_beside = !erasing.done;
		test_executor_run_until(&desk.executor, &erasing.done);
		assert_int_equal(erasing.erase.err, OK);
		struct store_load load = {.want = WANT_VERIFICATION, .id = v.id};
		assert_int_equal(desk_load(&desk, &load), OK);
		/* Committed before the erasing was told: it is gone, unless that came first. */
		if (was_beside)
			assert_null(load.verification);
		beside += was_beside;
	}
	assert_in_range(beside, 1, 50);
	desk_done(&desk);
	folder_close(&folder);
	folder_remove(&folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_database_of_schema_1_is_brought_to_2),
	    cmocka_unit_test(a_failed_step_leaves_the_schema_as_it_was),
	    cmocka_unit_test(a_user_s_columns_are_his_members),
	    cmocka_unit_test(the_views_print_people),
	    cmocka_unit_test(nothing_is_searched_through_or_sorted),
	    cmocka_unit_test(nothing_of_an_erased_number_is_left_in_the_files),
	    cmocka_unit_test(a_tool_leaves_nothing_in_the_server_s_log),
	    cmocka_unit_test(what_is_committed_behind_the_search_is_erased_too),
	};
	return cmocka_run_group_tests_name("sqlite: people", tests, NULL, NULL);
}
