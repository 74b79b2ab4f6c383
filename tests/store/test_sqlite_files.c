/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the SQLite store: what is made whole, what is refused because something of it is
 * gone, and copies. */
#include "support/desk.h"
#include "support/sample.h"
#include "support/unit.h"

#include "store/sqlite.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#define FRAME (4096 + 24)
#define LOG_HEADER 32
#define ROWS 40 /* each a commit of its own */

/* ---- folders --------------------------------------------------------------------------------- */

struct folder {
	char path[64];
	struct sqlite_store *sqlite;
};

static struct folder folder_make(void)
{
	struct folder folder = {.path = "sqlite-files-XXXXXX"};
	assert_non_null(mkdtemp(folder.path));
	return folder;
}

static int on_entry(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
	(void)about;
	(void)kind;
	(void)walk;
	return remove(path);
}

static void folder_remove(struct folder *folder)
{
	assert_int_equal(nftw(folder->path, on_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static enum err folder_try(struct folder *folder, struct problem *reterr)
{
	const struct sqlite_options options = {.directory = folder->path, .serve = true};
	return sqlite_open(&options, &folder->sqlite, reterr);
}

static void folder_open(struct folder *folder)
{
	struct problem problem;
	if (folder_try(folder, &problem))
		fail_msg("%s", problem.text);
}

static void folder_close(struct folder *folder)
{
	sqlite_close(folder->sqlite);
	folder->sqlite = NULL;
}

static void refused(struct folder *folder, enum err expected, const char *file, const char *says)
{
	struct problem problem = {""};
	assert_int_equal(folder_try(folder, &problem), expected);
	if (!strstr(problem.text, file) || !strstr(problem.text, says))
		fail_msg("\"%s\" says neither %s nor \"%s\"", problem.text, file, says);
}

static const char *path_in(const struct folder *folder, const char *name)
{
	static char path[2][128];
	static int turn;
	turn = !turn;
	assert_in_range(snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder->path, name), 1,
	                127);
	return path[turn];
}

static size_t files_in(const char *folder)
{
	size_t n = 0;
	DIR *dir = opendir(folder);
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		n += entry->d_name[0] != '.';
	(void)closedir(dir);
	return n;
}

/* ---- contents -------------------------------------------------------------------------------- */

static void rows_insert(struct folder *folder, uint32_t from, uint32_t n)
{
	struct desk desk;
	desk_init(&desk);
	desk.store = sqlite_attach(folder->sqlite, &desk.executor.executor);
	assert_non_null(desk.store);
	for (uint32_t i = from; i < from + n; i++) {
		struct verification v = sample_verification(i);
		assert_int_equal(desk_change(&desk, CHANGE_VERIFICATION, &v), OK);
	}
	desk_done(&desk);
}

static uint64_t rows_in(struct folder *folder)
{
	struct desk desk;
	folder_open(folder);
	desk_init(&desk);
	desk.store = sqlite_attach(folder->sqlite, &desk.executor.executor);
	assert_non_null(desk.store);
	uint64_t n = desk_count(&desk).verifications;
	desk_done(&desk);
	folder_close(folder);
	return n;
}

static void sql_run(const struct folder *folder, const char *sql)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path_in(folder, "verifyd.db"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static char *file_read(const char *path, size_t *ret_len)
{
	struct stat state;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &state), 0);
	char *octets = malloc((size_t)state.st_size + 1);
	assert_non_null(octets);
	assert_int_equal(read(fd, octets, (size_t)state.st_size), state.st_size);
	(void)close(fd);
	*ret_len = (size_t)state.st_size;
	return octets;
}

static void file_write(const char *path, const char *octets, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, octets, len), len);
	(void)close(fd);
}

/* ---- beginning ------------------------------------------------------------------------------- */

static void a_database_is_made_whole(void **state)
{
	(void)state;
	struct folder folder = folder_make();
	/* What a crash left aside. */
	file_write(path_in(&folder, "verifyd.db.abcdef"), "x", 1);
	folder_open(&folder);
	rows_insert(&folder, 0, 1);
	folder_close(&folder);
	struct stat about;
	assert_int_equal(stat(path_in(&folder, "verifyd.db"), &about), 0);
	assert_int_equal(about.st_mode & 0777, 0600);
	assert_int_equal(about.st_nlink, 1);
	assert_int_equal(files_in(folder.path), 3); /* with the lock */
	assert_int_equal(rows_in(&folder), 1);
	folder_remove(&folder);
}

static void an_empty_database_is_a_loss(void **state)
{
	(void)state;
	struct folder folder = folder_make();
	file_write(path_in(&folder, "verifyd.db"), "", 0);
	refused(&folder, ERR_STORE, "verifyd.db", "has nothing in it");
	sql_run(&folder, "VACUUM");
	refused(&folder, ERR_STORE, "verifyd.db", "has nothing in it");
	folder_remove(&folder);
}

/* A live log, as a crash leaves it: opened by SQLite beside an empty database it would be gone. */
static void a_log_without_its_database_is_kept(void **state)
{
	(void)state;
	struct folder live = folder_make(), folder = folder_make();
	size_t len, len_after;
	folder_open(&live);
	rows_insert(&live, 0, ROWS);
	char *log = file_read(path_in(&live, "verifyd.db-wal"), &len);
	folder_close(&live);
	file_write(path_in(&folder, "verifyd.db-wal"), log, len);
	refused(&folder, ERR_STORE, "verifyd.db-wal", "its database is gone");
	char *after = file_read(path_in(&folder, "verifyd.db-wal"), &len_after);
	assert_int_equal(len, len_after);
	assert_memory_equal(log, after, len);
	assert_int_equal(files_in(folder.path), 2);
	free(log);
	free(after);
	folder_remove(&folder);
	folder_remove(&live);
}

static void an_empty_log_is_no_loss(void **state)
{
	(void)state;
	struct folder folder = folder_make();
	file_write(path_in(&folder, "verifyd.db-wal"), "", 0);
	assert_int_equal(rows_in(&folder), 0);
	folder_remove(&folder);
}

/* ---- a damaged log --------------------------------------------------------------------------- */

/* A database and its log as they stand after ROWS commits, nothing moved, nobody there. */
struct crashed {
	struct folder folder;
	char *database, *log;
	size_t database_len, log_len;
	size_t commits[ROWS]; /* which frame ends each */
};

static int crashed_make(void **state)
{
	struct crashed *crashed = calloc(1, sizeof(*crashed));
	struct folder live = folder_make();
	assert_non_null(crashed);
	folder_open(&live);
	rows_insert(&live, 0, ROWS);
	crashed->database = file_read(path_in(&live, "verifyd.db"), &crashed->database_len);
	crashed->log = file_read(path_in(&live, "verifyd.db-wal"), &crashed->log_len);
	folder_close(&live);
	folder_remove(&live);
	crashed->folder = folder_make();
	size_t n = 0;
	for (size_t at = LOG_HEADER; at + FRAME <= crashed->log_len; at += FRAME) {
		assert_true(n < ROWS);
		if (memcmp(crashed->log + at + 4, "\0\0\0\0", 4) != 0)
			crashed->commits[n++] = (at - LOG_HEADER) / FRAME;
	}
	assert_int_equal(n, ROWS);
	*state = crashed;
	return 0;
}

static int crashed_remove(void **state)
{
	struct crashed *crashed = *state;
	folder_remove(&crashed->folder);
	free(crashed->database);
	free(crashed->log);
	free(crashed);
	return 0;
}

static void crashed_lay(struct crashed *crashed, const char *log, size_t len)
{
	(void)unlink(path_in(&crashed->folder, "verifyd.db-shm"));
	file_write(path_in(&crashed->folder, "verifyd.db"), crashed->database,
	           crashed->database_len);
	file_write(path_in(&crashed->folder, "verifyd.db-wal"), log, len);
}

static size_t frame_at(size_t i)
{
	return LOG_HEADER + i * FRAME;
}

/* How many commits end before frame i. */
static size_t commits_before(const struct crashed *crashed, size_t i)
{
	size_t n = 0;
	while (n < ROWS && crashed->commits[n] < i)
		n++;
	return n;
}

static void a_whole_log_is_taken(void **state)
{
	struct crashed *crashed = *state;
	crashed_lay(crashed, crashed->log, crashed->log_len);
	assert_int_equal(rows_in(&crashed->folder), ROWS);
}

/* Whichever frame, and wherever in it. With only one commit behind it, it looks like a power cut.
 */
static void a_damaged_frame_is_told_apart_from_a_power_cut(void **state)
{
	struct crashed *crashed = *state;
	static const size_t places[] = {0, 6, 8, 15, 16, 23, 24, 24 + 2000, FRAME - 1};
	size_t frames = (crashed->log_len - LOG_HEADER) / FRAME, told = 0, taken = 0;
	for (size_t i = 0; i < frames; i++) {
		size_t at = frame_at(i) + places[i % (sizeof(places) / sizeof(places[0]))];
		crashed->log[at] ^= 0x10;
		crashed_lay(crashed, crashed->log, crashed->log_len);
		size_t before = commits_before(crashed, i);
		size_t behind = ROWS - commits_before(crashed, i + 1);
		size_t surely = ROWS - commits_before(crashed, i + 2);
		if (surely >= 2) {
			char octet[64];
			(void)snprintf(octet, sizeof(octet), "damaged at octet %zu,", frame_at(i));
			refused(&crashed->folder, ERR_STORE, "verifyd.db-wal", octet);
			told++;
		} else if (behind <= 1) {
			assert_int_equal(rows_in(&crashed->folder), before);
			taken++;
		}
		crashed->log[at] ^= 0x10;
	}
	assert_true(told > ROWS / 2 && taken >= 2);
}

static void a_damaged_header_is_told(void **state)
{
	struct crashed *crashed = *state;
	for (size_t at = 0; at < LOG_HEADER; at++) {
		crashed->log[at] ^= 0x40;
		crashed_lay(crashed, crashed->log, crashed->log_len);
		refused(&crashed->folder, ERR_STORE, "verifyd.db-wal", "damaged at octet 0,");
		crashed->log[at] ^= 0x40;
	}
}

static void nothing_of_a_damaged_log_is_changed(void **state)
{
	struct crashed *crashed = *state;
	size_t len;
	crashed->log[frame_at(3) + 100] ^= 1;
	crashed_lay(crashed, crashed->log, crashed->log_len);
	refused(&crashed->folder, ERR_STORE, "verifyd.db-wal", "nothing was changed");
	char *after = file_read(path_in(&crashed->folder, "verifyd.db-wal"), &len);
	assert_int_equal(len, crashed->log_len);
	assert_memory_equal(after, crashed->log, len);
	free(after);
	/* What the message says to do. */
	sql_run(&crashed->folder, "PRAGMA wal_checkpoint(TRUNCATE)");
	assert_int_equal(rows_in(&crashed->folder), commits_before(crashed, 3));
}

/* Cut anywhere: what was whole before is there. */
static void a_cut_log_is_a_power_cut(void **state)
{
	struct crashed *crashed = *state;
	for (size_t len = crashed->log_len; len > LOG_HEADER; len -= len < 1777 ? len : 1777) {
		crashed_lay(crashed, crashed->log, len);
		size_t frames = (len - LOG_HEADER) / FRAME;
		assert_int_equal(rows_in(&crashed->folder), commits_before(crashed, frames));
	}
}

/* Of the transaction that was not synced any of the pages may be missing. */
static void pages_missing_of_the_last_commit_are_a_power_cut(void **state)
{
	struct crashed *crashed = *state;
	char *log = malloc(crashed->log_len);
	assert_non_null(log);
	for (size_t i = crashed->commits[ROWS - 2] + 1; i <= crashed->commits[ROWS - 1]; i++) {
		memcpy(log, crashed->log, crashed->log_len);
		memset(log + frame_at(i), 0, FRAME);
		crashed_lay(crashed, log, crashed->log_len);
		assert_int_equal(rows_in(&crashed->folder), ROWS - 1);
	}
	free(log);
}

/* Of one that is many pages long its end may be there and its beginning not. */
static void the_end_of_one_commit_is_no_damage(void **state)
{
	(void)state;
	enum { MANY = 64 };
	struct folder live = folder_make(), folder = folder_make();
	struct verification rows[MANY];
	struct change changes[MANY];
	struct desk desk;
	size_t before, len, database_len;
	folder_open(&live);
	rows_insert(&live, 0, 3);
	free(file_read(path_in(&live, "verifyd.db-wal"), &before));
	desk_init(&desk);
	desk.store = sqlite_attach(live.sqlite, &desk.executor.executor);
	for (uint32_t i = 0; i < MANY; i++) {
		rows[i] = sample_verification(100 + i);
		changes[i] = (struct change){.kind = CHANGE_VERIFICATION, .record = &rows[i]};
	}
	assert_int_equal(desk_commit(&desk, changes, MANY), OK);
	desk_done(&desk);
	char *log = file_read(path_in(&live, "verifyd.db-wal"), &len);
	char *database = file_read(path_in(&live, "verifyd.db"), &database_len);
	folder_close(&live);
	assert_true(len >= before + 3 * FRAME);
	memset(log + before, 0, FRAME);
	file_write(path_in(&folder, "verifyd.db-wal"), log, len);
	file_write(path_in(&folder, "verifyd.db"), database, database_len);
	assert_int_equal(rows_in(&folder), 3);
	free(log);
	free(database);
	folder_remove(&folder);
	folder_remove(&live);
}

/* A log that began anew has frames of its former life behind what counts. */
static void frames_of_an_earlier_log_are_nothing(void **state)
{
	(void)state;
	struct folder live = folder_make(), folder = folder_make();
	size_t log_len, database_len;
	folder_open(&live);
	rows_insert(&live, 0, ROWS);
	sql_run(&live, "PRAGMA wal_checkpoint(RESTART)");
	rows_insert(&live, ROWS, 3);
	char *log = file_read(path_in(&live, "verifyd.db-wal"), &log_len);
	char *database = file_read(path_in(&live, "verifyd.db"), &database_len);
	folder_close(&live);
	file_write(path_in(&folder, "verifyd.db-wal"), log, log_len);
	file_write(path_in(&folder, "verifyd.db"), database, database_len);
	assert_int_equal(rows_in(&folder), ROWS + 3);
	free(log);
	free(database);
	folder_remove(&folder);
	folder_remove(&live);
}

/* ---- backups --------------------------------------------------------------------------------- */

static const volatile sig_atomic_t go_on = 0, stop_now = 1;

static enum err backup(const struct folder *folder, const char *to, struct problem *reterr)
{
	struct sqlite_backup about;
	enum err err = sqlite_backup(folder->path, to, &go_on, &about, reterr);
	struct stat state;
	if (!err) {
		assert_int_equal(stat(to, &state), 0);
		assert_int_equal(state.st_size, about.octets);
		assert_int_equal(state.st_mode & 0777, 0600);
		assert_int_equal(state.st_nlink, 1);
	}
	return err;
}

static void a_backup_is_a_database(void **state)
{
	(void)state;
	struct folder folder = folder_make(), other = folder_make();
	struct problem problem;
	folder_open(&folder);
	rows_insert(&folder, 0, ROWS);
	/* While it is open, with everything still in the log. */
	assert_int_equal(backup(&folder, path_in(&other, "verifyd.db"), &problem), OK);
	rows_insert(&folder, ROWS, 1);
	assert_int_equal(files_in(other.path), 1);
	assert_int_equal(rows_in(&other), ROWS);
	folder_close(&folder);
	/* And while it is not. */
	(void)unlink(path_in(&other, "verifyd.db"));
	assert_int_equal(backup(&folder, path_in(&other, "verifyd.db"), &problem), OK);
	assert_int_equal(rows_in(&other), ROWS + 1);
	folder_remove(&other);
	folder_remove(&folder);
}

static void a_backup_overwrites_nothing(void **state)
{
	(void)state;
	struct folder folder = folder_make();
	struct problem problem;
	size_t len;
	folder_open(&folder);
	file_write(path_in(&folder, "copy"), "mine", 4);
	assert_int_equal(backup(&folder, path_in(&folder, "copy"), &problem), ERR_IO);
	assert_non_null(strstr(problem.text, "copy: is there already"));
	assert_int_equal(backup(&folder, path_in(&folder, "verifyd.db"), &problem), ERR_IO);
	char *octets = file_read(path_in(&folder, "copy"), &len);
	assert_int_equal(len, 4);
	free(octets);
	assert_int_equal(symlink("nowhere", path_in(&folder, "link")), 0);
	assert_int_equal(backup(&folder, path_in(&folder, "link"), &problem), ERR_IO);
	folder_close(&folder);
	folder_remove(&folder);
}

static void a_backup_that_fails_leaves_nothing(void **state)
{
	(void)state;
	struct folder folder = folder_make(), other = folder_make();
	struct sqlite_backup about;
	struct problem problem;
	folder_open(&folder);
	rows_insert(&folder, 0, 300);
	assert_int_equal(
	    sqlite_backup(folder.path, path_in(&other, "copy"), &stop_now, &about, &problem),
	    ERR_IO);
	assert_non_null(strstr(problem.text, "stopped"));
	assert_int_equal(files_in(other.path), 0);
	assert_int_equal(backup(&folder, "nowhere/copy", &problem), ERR_IO);
	assert_non_null(strstr(problem.text, "nowhere/copy: No such file"));
	folder_close(&folder);
	folder_remove(&other);
	folder_remove(&folder);
}

/* Whichever page is damaged: there is no backup, or (it was an index's) a sound one of all rows. */
static void damage_is_not_carried_into_a_backup(void **state)
{
	(void)state;
	enum { PAGE = 4096, MANY = 300 };
	struct folder folder = folder_make();
	struct problem problem;
	size_t len, refused_n = 0, sound_n = 0;
	folder_open(&folder);
	rows_insert(&folder, 0, MANY);
	folder_close(&folder);
	char *octets = file_read(path_in(&folder, "verifyd.db"), &len);
	for (size_t at = PAGE; at < len; at += PAGE) {
		struct folder other = folder_make();
		char page[PAGE];
		memcpy(page, octets + at, PAGE);
		memset(octets + at, 0xA5, PAGE);
		file_write(path_in(&folder, "verifyd.db"), octets, len);
		memcpy(octets + at, page, PAGE);
		enum err err = backup(&folder, path_in(&other, "verifyd.db"), &problem);
		if (err) {
			assert_int_equal(err, ERR_STORE);
			assert_non_null(strstr(problem.text, "verifyd.db: damaged"));
			assert_int_equal(files_in(other.path), 0);
			refused_n++;
		} else {
			assert_int_equal(rows_in(&other), MANY);
			sound_n++;
		}
		folder_remove(&other);
	}
	assert_true(refused_n > sound_n);
	free(octets);
	folder_remove(&folder);
}

static void only_our_database_is_backed_up(void **state)
{
	(void)state;
	struct folder folder = folder_make();
	struct problem problem;
	assert_int_equal(backup(&folder, path_in(&folder, "copy"), &problem), ERR_IO);
	assert_non_null(strstr(problem.text, "verifyd.db: No such file"));
	assert_int_equal(files_in(folder.path), 0);
	sql_run(&folder, "CREATE TABLE theirs (a)");
	assert_int_equal(backup(&folder, path_in(&folder, "copy"), &problem), ERR_SCHEMA);
	assert_non_null(strstr(problem.text, "another program"));
	folder_remove(&folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_database_is_made_whole),
	    cmocka_unit_test(an_empty_database_is_a_loss),
	    cmocka_unit_test(a_log_without_its_database_is_kept),
	    cmocka_unit_test(an_empty_log_is_no_loss),
	    cmocka_unit_test_setup_teardown(a_whole_log_is_taken, crashed_make, crashed_remove),
	    cmocka_unit_test_setup_teardown(a_damaged_frame_is_told_apart_from_a_power_cut,
	                                    crashed_make, crashed_remove),
	    cmocka_unit_test_setup_teardown(a_damaged_header_is_told, crashed_make, crashed_remove),
	    cmocka_unit_test_setup_teardown(nothing_of_a_damaged_log_is_changed, crashed_make,
	                                    crashed_remove),
	    cmocka_unit_test_setup_teardown(a_cut_log_is_a_power_cut, crashed_make, crashed_remove),
	    cmocka_unit_test_setup_teardown(pages_missing_of_the_last_commit_are_a_power_cut,
	                                    crashed_make, crashed_remove),
	    cmocka_unit_test(the_end_of_one_commit_is_no_damage),
	    cmocka_unit_test(frames_of_an_earlier_log_are_nothing),
	    cmocka_unit_test(a_backup_is_a_database),
	    cmocka_unit_test(a_backup_overwrites_nothing),
	    cmocka_unit_test(a_backup_that_fails_leaves_nothing),
	    cmocka_unit_test(damage_is_not_carried_into_a_backup),
	    cmocka_unit_test(only_our_database_is_backed_up),
	};
	return cmocka_run_group_tests_name("sqlite files", tests, NULL, NULL);
}
