/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store on a disk that fails: a file layer put before SQLite's own refuses writes, syncs
 * or reads when told to. What was acknowledged is there, what was refused is not, and the service
 * goes on by itself once the disk does. */
#include "store/sqlite.h"
#include "support/desk.h"
#include "support/sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <assert.h>
#include <ftw.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the disk -------------------------------------------------------------------------------- */

enum { ON_WRITE = 1, ON_SYNC = 2, ON_READ = 4 };

static struct {
	atomic_uint kinds;    /* which calls fail; 0: none */
	atomic_bool log_only; /* else the database file's fail too */
	atomic_bool database_only;
	atomic_int rc;      /* how */
	atomic_uint chance; /* so many in a thousand */
	atomic_uint after;  /* this many go well first */
	atomic_uint calls, failed;
	_Atomic uint64_t random;
} disk;

/* SQLite's own methods and ours, which differ from them in three; the log has others than the
 * database, for it takes no locks. */
struct methods {
	const sqlite3_io_methods *plain;
	sqlite3_io_methods ours;
};
static struct methods log_methods, database_methods;
static sqlite3_vfs failing;
static sqlite3_vfs *plain;

static bool disk_fails(unsigned kind, bool log)
{
	if (!(disk.kinds & kind) || (disk.log_only && !log) || (disk.database_only && log))
		return false;
	uint64_t x = atomic_fetch_add(&disk.random, 0x9E3779B97F4A7C15);
	x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
	x = (x ^ x >> 27) * 0x94D049BB133111EB;
	if (disk.calls++ < disk.after || (x ^ x >> 31) % 1000 >= disk.chance)
		return false;
	disk.failed++;
	return true;
}

#define METHODS(name, log)                                                                         \
	static int name##_write(sqlite3_file *file, const void *octets, int len, sqlite3_int64 at) \
	{                                                                                          \
		return disk_fails(ON_WRITE, log)                                                   \
		           ? disk.rc                                                               \
		           : name##_methods.plain->xWrite(file, octets, len, at);                  \
	}                                                                                          \
	static int name##_sync(sqlite3_file *file, int flags)                                      \
	{                                                                                          \
		return disk_fails(ON_SYNC, log) ? SQLITE_IOERR_FSYNC                               \
		                                : name##_methods.plain->xSync(file, flags);        \
	}                                                                                          \
	static int name##_read(sqlite3_file *file, void *octets, int len, sqlite3_int64 at)        \
	{                                                                                          \
		return disk_fails(ON_READ, log)                                                    \
		           ? SQLITE_IOERR_READ                                                     \
		           : name##_methods.plain->xRead(file, octets, len, at);                   \
	}                                                                                          \
	static void name##_put_before(sqlite3_file *file)                                          \
	{                                                                                          \
		if (!name##_methods.plain) {                                                       \
			name##_methods.plain = file->pMethods;                                     \
			name##_methods.ours = *file->pMethods;                                     \
			name##_methods.ours.xWrite = name##_write;                                 \
			name##_methods.ours.xSync = name##_sync;                                   \
			name##_methods.ours.xRead = name##_read;                                   \
		}                                                                                  \
		assert(file->pMethods == name##_methods.plain);                                    \
		file->pMethods = &name##_methods.ours;                                             \
	}
METHODS(log, true)
METHODS(database, false)

static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                   int *ret_flags)
{
	int rc = plain->xOpen(vfs, name, file, flags, ret_flags);
	if (rc || !file->pMethods)
		return rc;
	pthread_mutex_lock(&open_lock);
	if (flags & SQLITE_OPEN_WAL)
		log_put_before(file);
	else if (flags & SQLITE_OPEN_MAIN_DB)
		database_put_before(file);
	pthread_mutex_unlock(&open_lock);
	return rc;
}

static int disk_init(void **state)
{
	(void)state;
	plain = sqlite3_vfs_find(NULL);
	failing = *plain;
	failing.zName = "failing";
	failing.xOpen = on_open;
	return sqlite3_vfs_register(&failing, 1);
}

static void disk_break(unsigned kinds, int rc, unsigned chance, unsigned after)
{
	disk.rc = rc;
	disk.chance = chance;
	disk.after = after;
	disk.calls = disk.failed = 0;
	disk.kinds = kinds;
}

static void disk_mend(void)
{
	disk.kinds = 0;
	disk.log_only = disk.database_only = false;
}

/* --- the scene ------------------------------------------------------------------------------- */

struct scene {
	char path[64];
	struct sqlite_store *sqlite;
	struct desk desk;
	unsigned made;
};

static void scene_reopen(struct scene *scene)
{
	const struct sqlite_options options = {
	    .directory = scene->path, .serve = true, .wal_pages = 200};
	struct problem problem;
	if (sqlite_open(&options, &scene->sqlite, &problem))
		fail_msg("%s", problem.text);
	desk_init(&scene->desk);
	scene->desk.store = sqlite_attach(scene->sqlite, &scene->desk.executor.executor);
	assert_non_null(scene->desk.store);
}

static void scene_shut(struct scene *scene)
{
	desk_done(&scene->desk);
	sqlite_close(scene->sqlite);
}

static int on_entry(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
	(void)about;
	(void)kind;
	(void)walk;
	return remove(path);
}

static void scene_open(struct scene *scene)
{
	*scene = (struct scene){.path = "faults-XXXXXX"};
	assert_non_null(mkdtemp(scene->path));
	disk_mend();
	scene_reopen(scene);
}

static void scene_close(struct scene *scene)
{
	disk_mend();
	scene_shut(scene);
	assert_int_equal(nftw(scene->path, on_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static struct sqlite_stats stats_of(struct scene *scene)
{
	struct sqlite_stats stats;
	sqlite_stats(scene->sqlite, &stats);
	return stats;
}

/* A new verification with all that goes with it. */
static enum err start(struct scene *scene, unsigned n)
{
	struct verification v = sample_verification(n);
	struct budget budget = sample_budget(n);
	struct message message = sample_message(n, &v);
	struct event event = sample_event(n);
	const struct change changes[] = {
	    {.kind = CHANGE_BUDGET, .budget = &budget},
	    {.kind = CHANGE_VERIFICATION, .verification = &v},
	    {.kind = CHANGE_MESSAGE, .message = &message},
	    {.kind = CHANGE_EVENT, .event = &event},
	};
	return desk_commit(&scene->desk, changes, 4);
}

/* Whether it is there: whole, or not at all. */
static bool is_there(struct scene *scene, unsigned n)
{
	struct store_load load = {.want = WANT_VERIFICATION, .id = sample_verification(n).id};
	assert_int_equal(desk_load(&scene->desk, &load), OK);
	struct store_load number = {
	    .want = WANT_NUMBER, .tenant = BYTES("acme"), .number = sample_number(n)};
	assert_int_equal(desk_load(&scene->desk, &number), OK);
	assert_int_equal(load.verification != NULL, number.budget != NULL);
	return load.verification;
}

/* Until it succeeds; the disk is whole again. */
static void start_at_last(struct scene *scene, unsigned n)
{
	enum err err;
	while ((err = start(scene, n)) != OK) {
		assert_int_equal(err, ERR_STORE);
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	}
}

static void integrity_holds(struct scene *scene)
{
	char path[96];
	sqlite3 *db;
	sqlite3_stmt *statement;
	snprintf(path, sizeof(path), "%s/verifyd.db", scene->path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement, NULL),
	                 SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(statement, 0), "ok");
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

/* --- the cases ------------------------------------------------------------------------------- */

static void a_full_disk_refuses_and_the_service_comes_back(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene);
	assert_int_equal(start(&scene, 0), OK);
	disk_break(ON_WRITE, SQLITE_FULL, 1000, 0);
	for (unsigned i = 1; i < 50; i++)
		assert_int_equal(start(&scene, i), ERR_STORE);
	/* What is there can still be read. */
	assert_true(is_there(&scene, 0));
	assert_false(is_there(&scene, 1));
	/* No busy loop: the disk was hardly asked. */
	assert_in_range(disk.failed, 1, 500);
	disk_mend();
	start_at_last(&scene, 50);
	assert_true(is_there(&scene, 50));
	for (unsigned i = 1; i < 50; i++)
		assert_false(is_there(&scene, i));
	scene_shut(&scene);
	integrity_holds(&scene);
	scene_reopen(&scene);
	assert_true(is_there(&scene, 0));
	assert_true(is_there(&scene, 50));
	assert_false(is_there(&scene, 1));
	scene_close(&scene);
}

static void a_failed_sync_is_in_doubt_and_the_file_is_opened_anew(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene);
	assert_int_equal(start(&scene, 0), OK);
	disk_break(ON_SYNC, 0, 1000, 0);
	assert_int_equal(start(&scene, 1), ERR_UNKNOWN);
	assert_int_equal(stats_of(&scene).reopened, 0);
	disk_mend();
	start_at_last(&scene, 2);
	assert_int_equal(stats_of(&scene).reopened, 1);
	/* Whatever became of it, it stays so. */
	bool there = is_there(&scene, 1);
	scene_shut(&scene);
	integrity_holds(&scene);
	scene_reopen(&scene);
	assert_int_equal(is_there(&scene, 1), there);
	assert_true(is_there(&scene, 0));
	assert_true(is_there(&scene, 2));
	scene_close(&scene);
}

static void a_disk_that_stays_broken_is_not_asked_at_every_call(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene);
	disk_break(ON_WRITE | ON_SYNC, SQLITE_IOERR_WRITE, 1000, 0);
	time_t until = time(NULL) + 2;
	unsigned calls = 0;
	for (; time(NULL) < until; calls++) {
		enum err err = start(&scene, calls);
		assert_true(err == ERR_STORE || err == ERR_UNKNOWN);
	}
	/* Each 20 ms at most. */
	assert_in_range(stats_of(&scene).reopened, 1, 110);
	assert_in_range(calls, 1000, UINT32_MAX);
	disk_mend();
	start_at_last(&scene, calls);
	scene_close(&scene);
}

/* The first call of the disk fails, then in a new scene the second one, and so on. */
static void each_call_of_the_disk_may_fail(void **state)
{
	(void)state;
	bool struck = true;
	for (unsigned after = 0; struck; after++) {
		struct scene scene;
		scene_open(&scene);
		assert_int_equal(start(&scene, 0), OK);
		disk_break(ON_WRITE | ON_SYNC, SQLITE_IOERR_WRITE, 1000, after);
		enum err err = start(&scene, 1);
		struck = disk.failed > 0;
		disk_mend();
		assert_int_equal(err == OK, !struck);
		start_at_last(&scene, 2);
		bool there = is_there(&scene, 1);
		assert_true(there || err != OK);
		assert_false(there && err == ERR_STORE);
		scene_shut(&scene);
		integrity_holds(&scene);
		scene_reopen(&scene);
		assert_int_equal(is_there(&scene, 1), there);
		assert_true(is_there(&scene, 2));
		scene_close(&scene);
	}
}

static void a_failed_read_fails_its_load_alone(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene);
	for (unsigned i = 0; i < 300; i++)
		assert_int_equal(start(&scene, i), OK);
	scene_shut(&scene);
	scene_reopen(&scene);
	disk_break(ON_READ, 0, 1000, 0);
	struct store_load load = {.want = WANT_VERIFICATION | WANT_NUMBER,
	                          .id = sample_verification(7).id};
	assert_int_equal(desk_load(&scene.desk, &load), ERR_STORE);
	assert_null(load.verification);
	assert_null(load.budget);
	disk_mend();
	assert_true(is_there(&scene, 7));
	scene_close(&scene);
}

/* The log cannot be moved: it grows, commits go on, and it is moved later. */
static void a_database_file_that_fails_delays_the_log_only(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene);
	disk.database_only = true;
	disk_break(ON_WRITE | ON_SYNC, SQLITE_FULL, 1000, 0);
	for (unsigned i = 0; i < 500; i++)
		assert_int_equal(start(&scene, i), OK);
	uint64_t grown = stats_of(&scene).wal_bytes_max;
	assert_in_range(grown, 200 * 4096, UINT32_MAX);
	disk_mend();
	for (unsigned i = 500; i < 1500; i++)
		assert_int_equal(start(&scene, i), OK);
	assert_in_range(stats_of(&scene).wal_bytes_max, 1, grown + 200 * 4 * 4120);
	for (unsigned i = 0; i < 1500; i += 100)
		assert_true(is_there(&scene, i));
	scene_close(&scene);
}

/* A disk that fails now and then, and a model beside it of what was promised. */
static void what_was_acknowledged_is_there_however_the_disk_failed(void **state)
{
	(void)state;
	enum { NUMBERS = 20, STEPS = 1500 };
	static const unsigned chances[] = {10, 50, 200};
	for (size_t round = 0; round < sizeof(chances) / sizeof(chances[0]); round++) {
		struct scene scene;
		uint64_t sure[NUMBERS] = {0}, doubtful[NUMBERS] = {0};
		size_t refused = 0;
		scene_open(&scene);
		disk.random = round;
		for (unsigned step = 0; step < STEPS; step++) {
			unsigned n = step * 7 % NUMBERS;
			struct store_load load = {.want = WANT_NUMBER,
			                          .tenant = BYTES("acme"),
			                          .number = sample_number(n)};
			disk_break(ON_WRITE | ON_SYNC, SQLITE_FULL, chances[round], 0);
			if (desk_load(&scene.desk, &load))
				continue;
			struct budget budget = load.budget ? *load.budget : sample_budget(n);
			assert_in_range(budget.version, sure[n], sure[n] + doubtful[n]);
			struct event event = sample_event(step);
			const struct change changes[] = {
			    {.kind = CHANGE_BUDGET, .budget = &budget},
			    {.kind = CHANGE_EVENT, .event = &event},
			};
			enum err err = desk_commit(&scene.desk, changes, 2);
			assert_int_not_equal(err, ERR_CONFLICT);
			if (err == OK) {
				sure[n] = budget.version + 1;
				doubtful[n] = 0;
			}
			doubtful[n] += err == ERR_UNKNOWN;
			refused += err != OK;
			/* It is opened anew after a moment. */
			if (err)
				nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
			arena_reset(&scene.desk.arena);
		}
		assert_in_range(refused, 1, STEPS - 100);
		disk_mend();
		scene_shut(&scene);
		integrity_holds(&scene);
		scene_reopen(&scene);
		for (unsigned n = 0; n < NUMBERS; n++) {
			struct store_load load = {.want = WANT_NUMBER,
			                          .tenant = BYTES("acme"),
			                          .number = sample_number(n)};
			assert_int_equal(desk_load(&scene.desk, &load), OK);
			uint64_t version = load.budget ? load.budget->version : 0;
			assert_in_range(version, sure[n], sure[n] + doubtful[n]);
		}
		scene_close(&scene);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_full_disk_refuses_and_the_service_comes_back),
	    cmocka_unit_test(a_failed_sync_is_in_doubt_and_the_file_is_opened_anew),
	    cmocka_unit_test(a_disk_that_stays_broken_is_not_asked_at_every_call),
	    cmocka_unit_test(each_call_of_the_disk_may_fail),
	    cmocka_unit_test(a_failed_read_fails_its_load_alone),
	    cmocka_unit_test(a_database_file_that_fails_delays_the_log_only),
	    cmocka_unit_test(what_was_acknowledged_is_there_however_the_disk_failed),
	};
	return cmocka_run_group_tests_name("sqlite on a failing disk", tests, disk_init, NULL);
}
