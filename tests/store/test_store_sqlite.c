/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store: the contract, then what only files can do. Each case has a directory of its
 * own below the working directory, so that its disk is a real one. */
#include "store/contract.h"
#include "store/sqlite.h"
#include "support/desk.h"
#include "support/folder.h"
#include "support/sample.h"

#include "base/list.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the kind -------------------------------------------------------------------------------- */

static void *kind_open(void)
{
	struct folder *folder = calloc(1, sizeof(*folder));
	assert(folder);
	folder_make(folder);
	folder_open(folder);
	return folder;
}

static struct store *kind_attach(void *about, struct executor *executor)
{
	return sqlite_attach(((struct folder *)about)->sqlite, executor);
}

static void kind_close(void *about)
{
	folder_close(about);
	folder_remove(about);
	free(about);
}

static const struct contract_kind sqlite_kind = {
    .name = "store: sqlite",
    .open = kind_open,
    .attach = kind_attach,
    .close = kind_close,
};

/* --- what the cases share -------------------------------------------------------------------- */

/* Opening fails so, and the message names the file. */
static void refused(struct folder *folder, enum err expected, const char *file, const char *says)
{
	struct problem problem = {"nothing was said"};
	char path[96];
	path_in(folder, file, path);
	assert_int_equal(folder_try(folder, true, &problem), expected);
	if (!strstr(problem.text, path) || !strstr(problem.text, says))
		fail_msg("not said: %s, %s; but: %s", path, says, problem.text);
}

static void rows_insert(struct folder *folder, unsigned n)
{
	struct desk desk;
	desk_open(&desk, folder);
	for (unsigned i = 0; i < n; i++) {
		struct verification v = sample_verification(i);
		assert_int_equal(desk_change(&desk, CHANGE_VERIFICATION, &v), OK);
	}
	desk_done(&desk);
}

static uint64_t verifications_in(struct folder *folder)
{
	struct desk desk;
	desk_open(&desk, folder);
	uint64_t n = desk_count(&desk).verifications;
	desk_done(&desk);
	return n;
}

/* --- files ----------------------------------------------------------------------------------- */

static void everything_is_there_after_reopening(void **state)
{
	(void)state;
	struct folder folder;
	folder_make(&folder);
	for (uint64_t i = 0; i < 3; i++) {
		struct desk desk;
		struct budget budget = sample_budget(1);
		struct event event = sample_event((unsigned)i);
		folder_open(&folder);
		desk_open(&desk, &folder);
		budget.version = i;
		assert_int_equal(desk_change(&desk, CHANGE_BUDGET, &budget), OK);
		/* What was noted is written before the store is closed. */
		desk.store->ops->note(desk.store, &event);
		desk_done(&desk);
		folder_close(&folder);
	}
	answer_is(&folder, "SELECT version FROM budget", "3");
	answer_is(&folder, "SELECT count(*) FROM event", "3");
	folder_remove(&folder);
}

static void files_are_for_their_owner_alone(void **state)
{
	(void)state;
	struct folder folder;
	struct stat about;
	char path[96];
	mode_t before = umask(0);
	folder_make(&folder);
	folder_open(&folder);
	rows_insert(&folder, 1);
	static const char *const names[] = {"verifyd.db", "verifyd.db-wal", "verifyd.db-shm",
	                                    "lock"};
	for (size_t i = 0; i < 4; i++) {
		path_in(&folder, names[i], path);
		assert_int_equal(stat(path, &about), 0);
		assert_int_equal(about.st_mode & 0777, 0600);
	}
	umask(before);
	folder_close(&folder);
	folder_remove(&folder);
}

static void one_server_a_directory_but_tools_beside_it(void **state)
{
	(void)state;
	struct folder folder;
	struct problem problem;
	folder_make(&folder);
	folder_open(&folder);
	struct folder second = folder, tool = folder;
	refused(&second, ERR_BUSY, "lock", "another server");
	assert_int_equal(folder_try(&tool, false, &problem), OK);
	rows_insert(&tool, 3);
	assert_int_equal(verifications_in(&folder), 3);
	folder_close(&tool);
	folder_close(&folder);
	folder_open(&folder);
	folder_close(&folder);
	folder_remove(&folder);
}

static void a_missing_directory_is_named(void **state)
{
	(void)state;
	struct folder folder = {.path = "sqlite-missing"};
	struct problem problem;
	assert_int_equal(folder_try(&folder, true, &problem), ERR_IO);
	assert_non_null(strstr(problem.text, "sqlite-missing: No such file or directory"));
	struct folder file = {.path = "sqlite-file"};
	int fd = open(file.path, O_CREAT | O_RDWR, 0600);
	close(fd);
	assert_int_equal(folder_try(&file, true, &problem), ERR_IO);
	assert_non_null(strstr(problem.text, "sqlite-file: Not a directory"));
	unlink(file.path);
}

static void a_directory_that_may_not_be_written_is_named(void **state)
{
	(void)state;
	struct folder folder;
	struct problem problem;
	uid_t user = geteuid();
	folder_make(&folder);
	chmod(folder.path, 0555);
	/* Nothing is forbidden to root. */
	if (user == 0)
		assert_int_equal(seteuid(65534), 0);
	enum err err = folder_try(&folder, true, &problem);
	if (user == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(err, ERR_IO);
	assert_non_null(strstr(problem.text, folder.path));
	assert_non_null(strstr(problem.text, "Permission denied"));
	chmod(folder.path, 0700);
	folder_remove(&folder);
}

/* --- schema ---------------------------------------------------------------------------------- */

static void a_fresh_file_gets_the_schema(void **state)
{
	(void)state;
	struct folder folder;
	folder_make(&folder);
	folder_open(&folder);
	answer_is(&folder, "PRAGMA user_version", "2");
	answer_is(&folder, "PRAGMA application_id", "1986427236");
	answer_is(&folder, "PRAGMA journal_mode", "wal");
	answer_is(&folder, "PRAGMA integrity_check", "ok");
	folder_close(&folder);
	folder_remove(&folder);
}

static void a_newer_schema_is_refused(void **state)
{
	(void)state;
	struct folder folder;
	folder_make(&folder);
	folder_open(&folder);
	rows_insert(&folder, 1);
	folder_close(&folder);
	sql_run(&folder, "PRAGMA user_version = 3");
	refused(&folder, ERR_SCHEMA, "verifyd.db",
	        "has schema 3, this program knows schemas up to 2");
	answer_is(&folder, "PRAGMA user_version", "3");
	sql_run(&folder, "PRAGMA user_version = 2");
	folder_open(&folder);
	assert_int_equal(verifications_in(&folder), 1);
	folder_close(&folder);
	folder_remove(&folder);
}

static void somebody_else_s_database_is_left_alone(void **state)
{
	(void)state;
	struct folder folder;
	folder_make(&folder);
	sql_run(&folder, "CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)");
	refused(&folder, ERR_SCHEMA, "verifyd.db", "another program");
	answer_is(&folder, "SELECT count(*) FROM sqlite_schema", "1");
	answer_is(&folder, "PRAGMA journal_mode", "delete");
	folder_remove(&folder);
}

static void the_views_print_names(void **state)
{
	(void)state;
	struct folder folder;
	struct desk desk;
	folder_make(&folder);
	folder_open(&folder);
	desk_open(&desk, &folder);
	struct verification v = sample_verification(1);
	struct message message = sample_message(1, &v);
	struct event event = sample_event(1);
	struct line line = sample_line(1);
	const struct change changes[] = {
	    {.kind = CHANGE_VERIFICATION, .verification = &v},
	    {.kind = CHANGE_MESSAGE, .message = &message},
	    {.kind = CHANGE_EVENT, .event = &event},
	    {.kind = CHANGE_LINE, .line = &line},
	};
	assert_int_equal(desk_commit(&desk, changes, 4), OK);
	desk_done(&desk);
	char id[ID_TEXT_LEN + 1];
	id_format(&v.id, id);
	answer_is(&folder, "SELECT id FROM verifications", id);
	answer_is(&folder, "SELECT verification FROM messages", id);
	answer_is(&folder, "SELECT verification FROM events", id);
	answer_is(&folder,
	          "SELECT purpose || ' ' || state || ' ' || repeat || ' ' || alphabet || ' ' || "
	          "created FROM verifications",
	          "number live parallel digits 2026-09-21T14:13:20Z");
	answer_is(&folder, "SELECT state || ' ' || next FROM messages",
	          "queued 2026-09-21T14:13:20Z");
	answer_is(&folder, "SELECT kind || ' ' || reason || ' ' || at FROM events",
	          "asked sent 2026-09-21T14:13:20Z");
	answer_is(&folder, "SELECT state FROM lines", "dead");
	desk_open(&desk, &folder);
	event = sample_event(2);
	event.verification = (struct id){0};
	assert_int_equal(desk_change(&desk, CHANGE_EVENT, &event), OK);
	desk_done(&desk);
	answer_is(&folder, "SELECT count(*) FROM events WHERE verification IS NULL", "1");
	folder_close(&folder);
	folder_remove(&folder);
}

/* Ids of one place: the later one is refused, as if it had come too late, and nothing of it stays;
 * whoever asks makes a new id then. */
static void two_ids_of_one_place_do_not_mix(void **state)
{
	(void)state;
	struct folder folder;
	struct desk desk;
	folder_make(&folder);
	folder_open(&folder);
	desk_open(&desk, &folder);
	struct verification first = sample_verification(1), second = sample_verification(2);
	struct event event = sample_event(1), late = sample_event(2);
	second.id = first.id;
	second.id.octets[ID_LEN - 1] ^= 1;
	late.id = event.id;
	late.id.octets[6] ^= 1;
	assert_int_equal(desk_change(&desk, CHANGE_VERIFICATION, &first), OK);
	assert_int_equal(desk_change(&desk, CHANGE_VERIFICATION, &second), ERR_CONFLICT);
	second.version = VERSION_ANY;
	assert_int_equal(desk_change(&desk, CHANGE_VERIFICATION, &second), ERR_CONFLICT);
	assert_int_equal(desk_change(&desk, CHANGE_EVENT, &event), OK);
	assert_int_equal(desk_change(&desk, CHANGE_EVENT, &late), ERR_CONFLICT);
	answer_is(&folder, "SELECT count(*) || ' ' || max(version) FROM verification", "1 1");
	answer_is(&folder, "SELECT count(*) FROM event", "1");
	struct store_load load = {.want = WANT_VERIFICATION, .id = second.id};
	assert_int_equal(desk_load(&desk, &load), OK);
	assert_null(load.verification);
	load = (struct store_load){.want = WANT_EVENT, .id = late.id};
	assert_int_equal(desk_load(&desk, &load), OK);
	assert_false(load.event_found);
	desk_done(&desk);
	folder_close(&folder);
	folder_remove(&folder);
}

/* --- damage ---------------------------------------------------------------------------------- */

static void file_fill(const char *path, off_t at, size_t len, int octet)
{
	char junk[4096];
	memset(junk, octet, sizeof(junk));
	int fd = open(path, O_CREAT | O_RDWR, 0600);
	assert_true(fd >= 0);
	for (size_t done = 0; done < len; done += sizeof(junk))
		assert_int_equal(pwrite(fd, junk, sizeof(junk), at + (off_t)done), sizeof(junk));
	close(fd);
}

static void garbage_is_refused(void **state)
{
	(void)state;
	struct folder folder;
	char path[96];
	folder_make(&folder);
	path_in(&folder, "verifyd.db", path);
	file_fill(path, 0, 8192, 'x');
	refused(&folder, ERR_STORE, "verifyd.db", "not a database");
	folder_remove(&folder);
}

static void a_cut_file_is_refused(void **state)
{
	(void)state;
	struct folder folder;
	struct stat about;
	char path[96];
	folder_make(&folder);
	path_in(&folder, "verifyd.db", path);
	folder_open(&folder);
	rows_insert(&folder, 300);
	folder_close(&folder);
	stat(path, &about);
	for (off_t len = about.st_size - 4096; len > 0; len -= 4096 * 5) {
		assert_int_equal(truncate(path, len), 0);
		refused(&folder, ERR_STORE, "verifyd.db", "damaged");
	}
	assert_int_equal(truncate(path, 60), 0);
	refused(&folder, ERR_STORE, "verifyd.db", "");
	folder_remove(&folder);
}

static void a_damaged_page_is_refused(void **state)
{
	(void)state;
	struct folder folder;
	struct stat about;
	char path[96];
	folder_make(&folder);
	path_in(&folder, "verifyd.db", path);
	folder_open(&folder);
	rows_insert(&folder, 300);
	folder_close(&folder);
	stat(path, &about);
	file_fill(path, about.st_size - 4096, 4096, 0xA5);
	refused(&folder, ERR_STORE, "verifyd.db", "damaged");
	folder_remove(&folder);
}

/* --- crashes --------------------------------------------------------------------------------- */

/* A child commits and tells each answer through a pipe; it is killed in the middle. What it told is
 * there afterwards. */
static void child_commits(const struct folder *folder, int pipe_fd)
{
	struct folder own = *folder;
	struct desk desk;
	struct problem problem;
	if (folder_try(&own, true, &problem))
		_exit(1);
	desk_init(&desk);
	desk.store = sqlite_attach(own.sqlite, &desk.executor.executor);
	for (uint32_t i = 0;; i++) {
		struct budget budget = sample_budget(i % 10);
		struct verification v = sample_verification(i);
		budget.version = i / 10;
		const struct change changes[] = {
		    {.kind = CHANGE_BUDGET, .budget = &budget},
		    {.kind = CHANGE_VERIFICATION, .verification = &v},
		};
		if (desk_commit(&desk, changes, 2) || write(pipe_fd, &i, sizeof(i)) != sizeof(i))
			_exit(2);
	}
}

static void what_was_answered_survives_kill_9(void **state)
{
	(void)state;
	for (int round = 0; round < 5; round++) {
		struct folder folder;
		int ends[2];
		uint32_t told = 0, i;
		folder_make(&folder);
		assert_int_equal(pipe(ends), 0);
		pid_t child = fork();
		if (child == 0)
			child_commits(&folder, ends[1]);
		close(ends[1]);
		while (told < 200u * (unsigned)(round + 1) &&
		       read(ends[0], &i, sizeof(i)) == sizeof(i))
			told = i + 1;
		kill(child, SIGKILL);
		while (read(ends[0], &i, sizeof(i)) == sizeof(i))
			told = i + 1;
		waitpid(child, NULL, 0);
		close(ends[0]);
		assert_in_range(told, 200, UINT32_MAX);
		folder_open(&folder);
		struct desk desk;
		desk_open(&desk, &folder);
		for (i = 0; i < told; i++) {
			struct store_load load = {.want = WANT_VERIFICATION | WANT_NUMBER,
			                          .id = sample_verification(i).id};
			assert_int_equal(desk_load(&desk, &load), OK);
			assert_non_null(load.verification);
		}
		/* At most the one under way is there besides. */
		assert_in_range(desk_count(&desk).verifications, told, told + 1);
		desk_done(&desk);
		folder_close(&folder);
		answer_is(&folder, "PRAGMA integrity_check", "ok");
		folder_remove(&folder);
	}
}

/* --- the log --------------------------------------------------------------------------------- */

struct flood {
	struct store_commit commit;
	struct change changes[4];
	struct verification verification;
	struct budget budget;
	struct message message;
	struct event event;
	size_t *answers, *failures;
};

static void on_flood(struct store_commit *commit)
{
	struct flood *one = CONTAINER_OF(commit, struct flood, commit);
	++*one->answers;
	*one->failures += commit->err != OK;
}

static void flood_start(struct desk *desk, struct flood *one, unsigned n)
{
	one->verification = sample_verification(n);
	one->message = sample_message(n, &one->verification);
	one->message.state = MESSAGE_ACCEPTED;
	one->event = sample_event(n);
	/* Scattered over the table, as numbers are. */
	one->budget = sample_budget(n * 2654435761u);
	one->changes[0] = (struct change){.kind = CHANGE_BUDGET, .budget = &one->budget};
	one->changes[1] =
	    (struct change){.kind = CHANGE_VERIFICATION, .verification = &one->verification};
	one->changes[2] = (struct change){.kind = CHANGE_MESSAGE, .message = &one->message};
	one->changes[3] = (struct change){.kind = CHANGE_EVENT, .event = &one->event};
	one->commit =
	    (struct store_commit){.changes = one->changes, .changes_n = 4, .on_done = on_flood};
	store_commit(desk->store, &one->commit);
}

static void flood_run(struct desk *desk, unsigned from, unsigned n, unsigned at_once)
{
	struct flood *all = calloc(at_once, sizeof(*all));
	for (unsigned i = 0; i < n; i += at_once) {
		size_t answers = 0, failures = 0;
		for (unsigned j = 0; j < at_once; j++) {
			all[j].answers = &answers;
			all[j].failures = &failures;
			flood_start(desk, &all[j], from + i + j);
		}
		test_executor_run_count(&desk->executor, &answers, at_once);
		assert_int_equal(failures, 0);
	}
	free(all);
}

#define LOG_PAGES 1000
/* What one batch may add to a log that is just below its bound. */
#define LOG_BATCH_PAGES 2000

static void the_log_stays_below_its_bound(void **state)
{
	(void)state;
	struct folder folder;
	struct desk desk;
	struct problem problem;
	folder_make(&folder);
	const struct sqlite_options options = {
	    .directory = folder.path, .serve = true, .wal_pages = LOG_PAGES};
	assert_int_equal(sqlite_open(&options, &folder.sqlite, &problem), OK);
	desk_open(&desk, &folder);
	flood_run(&desk, 0, 100000, 250);
	struct sqlite_stats stats;
	sqlite_stats(folder.sqlite, &stats);
	off_t bound = (off_t)(LOG_PAGES * WAL_PAGES_HARD_FACTOR + LOG_BATCH_PAGES) * 4120 + 32;
	assert_in_range(file_len(&folder, "verifyd.db-wal"), 1, bound);
	assert_in_range(stats.wal_bytes_max, 1, bound);
	assert_int_equal(stats.commits, 100000);
	assert_int_equal(stats.replays, 0);
	print_message("# log: %llu KiB at most, bound %lld KiB, %llu pauses, longest %llu us\n",
	              (unsigned long long)stats.wal_bytes_max / 1024, (long long)bound / 1024,
	              (unsigned long long)stats.pauses, (unsigned long long)stats.pause_max_us);
	desk_done(&desk);
	folder_close(&folder);
	folder_remove(&folder);
}

/* Another process that reads on keeps the log from beginning anew; the store still goes on, and
 * the log is back within its bound once the reader has gone. */
static void a_foreign_reader_delays_the_log_only(void **state)
{
	(void)state;
	struct folder folder;
	struct desk desk;
	struct problem problem;
	char path[96];
	sqlite3 *reader;
	folder_make(&folder);
	const struct sqlite_options options = {
	    .directory = folder.path, .serve = true, .wal_pages = LOG_PAGES};
	assert_int_equal(sqlite_open(&options, &folder.sqlite, &problem), OK);
	desk_open(&desk, &folder);
	flood_run(&desk, 0, 1000, 250);
	path_in(&folder, "verifyd.db", path);
	assert_int_equal(sqlite3_open(path, &reader), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM event", NULL, NULL, NULL), SQLITE_OK);
	flood_run(&desk, 1000, 20000, 250);
	sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL);
	sqlite3_close(reader);
	struct sqlite_stats before, after;
	sqlite_stats(folder.sqlite, &before);
	flood_run(&desk, 21000, 20000, 250);
	sqlite_stats(folder.sqlite, &after);
	assert_in_range(after.wal_bytes_max, 1, before.wal_bytes_max * 2);
	assert_int_equal(after.commits, 41000);
	desk_done(&desk);
	folder_close(&folder);
	folder_remove(&folder);
}

#define ROWS_SCRUBBED 20000

/* Whether one of the samples' numbers stands there as an integer. */
static bool integer_stands_at(const char *at)
{
	const unsigned char *octets = (const unsigned char *)at;
	struct number first = sample_number(0);
	uint64_t integer = 0;
	for (int i = 0; i < 8; i++)
		integer = integer << 8 | octets[i];
	return integer - (uint64_t)number_to_integer(&first) < ROWS_SCRUBBED;
}

/* How often numbers of samples stand in a file, as digits or as an integer: odd or even ones. */
static size_t numbers_in(const struct folder *folder, const char *name, bool odd)
{
	char path[96];
	path_in(folder, name, path);
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	off_t len = lseek(fd, 0, SEEK_END);
	char *octets = calloc(1, (size_t)len + NUMBER_DIGITS_MAX);
	assert_int_equal(pread(fd, octets, (size_t)len, 0), len);
	close(fd);
	size_t n = 0;
	for (char *at = octets, *end = octets + len;
	     (at = memmem(at, (size_t)(end - at), "447900", 6)); at++)
		n += (at[NUMBER_DIGITS_MAX - 1] & 1) == odd;
	for (off_t at = 0; at + 8 <= len; at++)
		n += integer_stands_at(octets + at) && (octets[at + 7] & 1) == odd;
	free(octets);
	return n;
}

static void odd_numbers_insert(struct desk *desk, unsigned n)
{
	for (unsigned i = 0; i < n; i += 50) {
		struct verification v[50];
		struct budget budgets[50];
		struct change changes[100];
		for (unsigned j = 0; j < 50; j++) {
			/* In no order, as numbers come. */
			unsigned which = (i + j) * 7919 % n;
			v[j] = sample_verification(which);
			budgets[j] = sample_budget(which);
			if (which % 2 == 0) {
				v[j].expires_ms = INT64_MAX;
				budgets[j].keep_until_ms = INT64_MAX;
			}
			changes[2 * j] =
			    (struct change){.kind = CHANGE_VERIFICATION, .record = &v[j]};
			changes[2 * j + 1] =
			    (struct change){.kind = CHANGE_BUDGET, .record = &budgets[j]};
		}
		assert_int_equal(desk_commit(desk, changes, 100), OK);
	}
}

/* Every second number stays, so that no page is given back whole. */
static void nothing_of_a_purged_number_is_left_in_the_files(void **state)
{
	(void)state;
	enum { ROWS = ROWS_SCRUBBED };
	struct folder folder;
	struct desk desk;
	struct problem problem;
	folder_make(&folder);
	const struct sqlite_options options = {
	    .directory = folder.path, .serve = true, .wal_pages = 300, .truncate_every_ms = 1};
	assert_int_equal(sqlite_open(&options, &folder.sqlite, &problem), OK);
	desk_open(&desk, &folder);
	odd_numbers_insert(&desk, ROWS);
	assert_in_range(numbers_in(&folder, "verifyd.db", true), 100, ROWS * 2);
	int64_t later_ms = SAMPLE_MS + INT64_C(31) * 86400000;
	assert_int_equal(desk_purge_all(&desk, later_ms, later_ms - 86400000), ROWS);
	/* The log is cut in a quiet moment: this one. */
	while (file_len(&folder, "verifyd.db-wal"))
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	assert_int_equal(numbers_in(&folder, "verifyd.db", true), 0);
	assert_in_range(numbers_in(&folder, "verifyd.db", false), ROWS, ROWS * 2);
	/* Nor do pages that are written again bring it back. */
	for (unsigned i = 0; i < ROWS; i += 20) {
		struct budget budget = sample_budget(i);
		budget.version = 1;
		assert_int_equal(desk_change(&desk, CHANGE_BUDGET, &budget), OK);
	}
	assert_in_range(numbers_in(&folder, "verifyd.db-wal", false), 1000, ROWS * 100);
	assert_int_equal(numbers_in(&folder, "verifyd.db-wal", true), 0);
	assert_int_equal(numbers_in(&folder, "verifyd.db", true), 0);
	desk_done(&desk);
	folder_close(&folder);
	folder_remove(&folder);
}

/* --- another process ------------------------------------------------------------------------- */

static void the_generation_tells_of_other_processes(void **state)
{
	(void)state;
	struct folder folder;
	struct desk desk;
	uint64_t before, after;
	folder_make(&folder);
	folder_open(&folder);
	desk_open(&desk, &folder);
	assert_int_equal(desk.store->ops->generation(desk.store, &before), OK);
	pid_t child = fork();
	if (child == 0) {
		/* A fresh program: only the path is known to it. */
		execl("/proc/self/exe", "tool", folder.path, NULL);
		_exit(3);
	}
	int status;
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(desk.store->ops->generation(desk.store, &after), OK);
	assert_int_not_equal(before, after);
	struct store_load load = {.want = WANT_TENANT, .tenant = BYTES("acme")};
	assert_int_equal(desk_load(&desk, &load), OK);
	assert_non_null(load.tenant_record);
	desk_done(&desk);
	folder_close(&folder);
	folder_remove(&folder);
}

/* Lines are looked up only where there may be one; what that is taken from holds when another
 * program writes, and when there are more lines than are remembered. */
static void lines_of_other_processes_count(void **state)
{
	(void)state;
	enum { MANY = LINES_REMEMBERED_MAX + 1 };
	struct folder folder;
	struct desk desk, tool_desk;
	struct problem problem;
	folder_make(&folder);
	folder_open(&folder);
	struct folder tool = folder;
	assert_int_equal(folder_try(&tool, false, &problem), OK);
	desk_open(&desk, &folder);
	desk_open(&tool_desk, &tool);
	static const unsigned known[] = {0, 1, MANY - 1, MANY};
	unsigned written = 0;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		for (; written < known[i]; written++) {
			struct line line = sample_line(written);
			assert_int_equal(desk_change(&tool_desk, CHANGE_LINE, &line), OK);
		}
		for (unsigned n = 0; n <= MANY; n += n < 3 || n > MANY - 3 ? 1 : 97) {
			struct line line = sample_line(n);
			struct store_load load = {
			    .want = WANT_LINE, .tenant = line.tenant, .number = line.number};
			assert_int_equal(desk_load(&desk, &load), OK);
			assert_true(!load.line == (n >= written));
			assert_int_equal(desk_change(&desk, GUARD_LINE, &line),
			                 n < written ? ERR_CONFLICT : OK);
			line.version = 1;
			assert_int_equal(desk_change(&desk, GUARD_LINE, &line),
			                 n < written ? OK : ERR_CONFLICT);
		}
	}
	desk_done(&tool_desk);
	desk_done(&desk);
	folder_close(&tool);
	folder_close(&folder);
	folder_remove(&folder);
}

struct counted_commit {
	struct store_commit commit;
	size_t *answered;
};

static void on_counted_commit(struct store_commit *commit)
{
	++*CONTAINER_OF(commit, struct counted_commit, commit)->answered;
}

/* A commit writes the line that a later one of its batch has read as absent. */
static void a_line_of_the_same_batch_counts(void **state)
{
	(void)state;
	struct folder folder;
	struct desk desk;
	folder_make(&folder);
	folder_open(&folder);
	desk_open(&desk, &folder);
	struct line line = sample_line(1);
	struct event event = sample_event(1);
	const struct change written[] = {{.kind = CHANGE_LINE, .line = &line}};
	const struct change guarded[] = {{.kind = GUARD_LINE, .line = &line},
	                                 {.kind = CHANGE_EVENT, .event = &event}};
	size_t answered = 0;
	struct counted_commit first = {
	    {.changes = written, .changes_n = 1, .on_done = on_counted_commit}, &answered};
	struct counted_commit second = {
	    {.changes = guarded, .changes_n = 2, .on_done = on_counted_commit}, &answered};
	store_commit(desk.store, &first.commit);
	store_commit(desk.store, &second.commit);
	test_executor_run_count(&desk.executor, &answered, 2);
	assert_int_equal(first.commit.err, OK);
	assert_int_equal(second.commit.err, ERR_CONFLICT);
	desk_done(&desk);
	folder_close(&folder);
	folder_remove(&folder);
}

/* What the child of the case above does. */
static int tool_main(const char *path)
{
	struct folder folder = {0};
	struct desk desk;
	struct problem problem;
	snprintf(folder.path, sizeof(folder.path), "%s", path);
	if (folder_try(&folder, false, &problem))
		return 1;
	desk_init(&desk);
	desk.store = sqlite_attach(folder.sqlite, &desk.executor.executor);
	struct tenant tenant = sample_tenant();
	enum err err = desk_change(&desk, CHANGE_TENANT, &tenant);
	desk_done(&desk);
	folder_close(&folder);
	return err != OK;
}

/* --- limits ---------------------------------------------------------------------------------- */

static void more_writes_than_the_queue_holds_are_refused(void **state)
{
	(void)state;
	struct folder folder;
	struct desk desk;
	enum { MORE = 10 };
	folder_make(&folder);
	folder_open(&folder);
	desk_open(&desk, &folder);
	struct flood *all = calloc(SQLITE_WRITES_MAX + MORE, sizeof(*all));
	size_t answers = 0, failures = 0;
	for (unsigned i = 0; i < SQLITE_WRITES_MAX + MORE; i++) {
		all[i].answers = &answers;
		all[i].failures = &failures;
		flood_start(&desk, &all[i], i);
	}
	assert_int_equal(answers, 0);
	test_executor_run_count(&desk.executor, &answers, SQLITE_WRITES_MAX + MORE);
	assert_int_equal(failures, MORE);
	for (unsigned i = 0; i < SQLITE_WRITES_MAX + MORE; i++)
		assert_int_equal(all[i].commit.err, i < SQLITE_WRITES_MAX ? OK : ERR_OVERLOAD);
	free(all);
	assert_int_equal(desk_count(&desk).verifications, SQLITE_WRITES_MAX);
	desk_done(&desk);
	folder_close(&folder);
	folder_remove(&folder);
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return tool_main(argv[1]);
	const struct CMUnitTest own[] = {
	    cmocka_unit_test(everything_is_there_after_reopening),
	    cmocka_unit_test(files_are_for_their_owner_alone),
	    cmocka_unit_test(one_server_a_directory_but_tools_beside_it),
	    cmocka_unit_test(a_missing_directory_is_named),
	    cmocka_unit_test(a_directory_that_may_not_be_written_is_named),
	    cmocka_unit_test(a_fresh_file_gets_the_schema),
	    cmocka_unit_test(a_newer_schema_is_refused),
	    cmocka_unit_test(somebody_else_s_database_is_left_alone),
	    cmocka_unit_test(the_views_print_names),
	    cmocka_unit_test(two_ids_of_one_place_do_not_mix),
	    cmocka_unit_test(garbage_is_refused),
	    cmocka_unit_test(a_cut_file_is_refused),
	    cmocka_unit_test(a_damaged_page_is_refused),
	    cmocka_unit_test(what_was_answered_survives_kill_9),
	    cmocka_unit_test(the_log_stays_below_its_bound),
	    cmocka_unit_test(a_foreign_reader_delays_the_log_only),
	    cmocka_unit_test(nothing_of_a_purged_number_is_left_in_the_files),
	    cmocka_unit_test(the_generation_tells_of_other_processes),
	    cmocka_unit_test(lines_of_other_processes_count),
	    cmocka_unit_test(a_line_of_the_same_batch_counts),
	    cmocka_unit_test(more_writes_than_the_queue_holds_are_refused),
	};
	return contract_run(&sqlite_kind, own, sizeof(own) / sizeof(own[0]));
}
