/* SPDX-License-Identifier: Apache-2.0 */
/* data/secret.key: made once, for its owner alone, the same for all who ask. */
#include "support/unit.h"

#include "ops/secret_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A folder of its own for each test. */
struct place {
	char folder[64];
	char key[128];
};

static int place_make(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	assert_non_null(place);
	(void)snprintf(place->folder, sizeof(place->folder), "/tmp/verifyd-test-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	(void)snprintf(place->key, sizeof(place->key), "%s/secret.key", place->folder);
	*state = place;
	return 0;
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

static int place_remove(void **state)
{
	struct place *place = *state;
	DIR *dir = opendir(place->folder);
	for (struct dirent *entry; dir && (entry = readdir(dir));)
		(void)unlinkat(dirfd(dir), entry->d_name,
		               entry->d_type == DT_DIR ? AT_REMOVEDIR : 0);
	if (dir)
		(void)closedir(dir);
	(void)rmdir(place->folder);
	free(place);
	return 0;
}

static void load(const struct place *place, uint8_t ret[SECRET_KEY_LEN])
{
	struct problem problem;
	if (!secret_file_load(place->folder, ret, &problem))
		fail_msg("%s", problem.text);
}

/* Refused, with the path and these words. */
static void load_refused(const char *folder, const char *path, const char *words)
{
	uint8_t key[SECRET_KEY_LEN];
	struct problem problem = {""};
	assert_false(secret_file_load(folder, key, &problem));
	if (!strstr(problem.text, path) || !strstr(problem.text, words))
		fail_msg("\"%s\" says neither %s nor \"%s\"", problem.text, path, words);
}

static void file_write(const char *path, const char *text, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(fchmod(fd, mode), 0);
	(void)close(fd);
}

#define KEY_TEXT "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef\n"

/* ---- making ---------------------------------------------------------------------------------- */

static void a_key_is_made_once_and_for_its_owner(void **state)
{
	struct place *place = *state;
	uint8_t first[SECRET_KEY_LEN], second[SECRET_KEY_LEN], zeros[SECRET_KEY_LEN] = {0};
	struct stat file;
	mode_t mask = umask(0);
	load(place, first);
	(void)umask(mask);
	assert_int_equal(stat(place->key, &file), 0);
	assert_true(S_ISREG(file.st_mode));
	assert_int_equal(file.st_mode & 07777, 0600);
	assert_int_equal(file.st_size, sizeof(KEY_TEXT) - 1);
	assert_int_equal(file.st_nlink, 1);
	assert_int_equal(files_in(place->folder), 1);
	load(place, second);
	assert_memory_equal(first, second, sizeof(first));
	assert_memory_not_equal(first, zeros, sizeof(first));
}

static void two_folders_have_two_keys(void **state)
{
	struct place *place = *state;
	uint8_t first[SECRET_KEY_LEN], second[SECRET_KEY_LEN];
	load(place, first);
	assert_int_equal(unlink(place->key), 0);
	load(place, second);
	assert_memory_not_equal(first, second, sizeof(first));
}

static void a_key_that_is_there_is_read(void **state)
{
	struct place *place = *state;
	static const uint8_t expected[] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
	                                   0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
	uint8_t key[SECRET_KEY_LEN];
	file_write(place->key, KEY_TEXT, sizeof(KEY_TEXT) - 1, 0400);
	load(place, key);
	assert_memory_equal(key, expected, sizeof(expected));
	assert_int_equal(key[31], 0xef);
}

/* A program that died while it made a key leaves a file aside; a container's next program has the
 * same process id. */
static void what_a_crash_left_aside_is_in_nobodys_way(void **state)
{
	struct place *place = *state;
	uint8_t key[SECRET_KEY_LEN];
	char aside[160];
	(void)snprintf(aside, sizeof(aside), "%s.%ld", place->key, (long)getpid());
	file_write(aside, "0011", 4, 0600);
	load(place, key);
}

#define PROCESSES 12

/* All begin when the pipe is closed; each writes the key it was told. */
static void process_run(const struct place *place, int begin, int out)
{
	uint8_t key[SECRET_KEY_LEN];
	struct problem problem;
	char byte;
	(void)!read(begin, &byte, 1);
	bool loaded = secret_file_load(place->folder, key, &problem);
	bool told = loaded && write(out, key, sizeof(key)) == (ssize_t)sizeof(key);
	_exit(told ? 0 : 1);
}

static void many_processes_agree(void **state)
{
	struct place *place = *state;
	for (int round = 0; round < 20; round++) {
		int begin[2], out[2], status;
		uint8_t first[SECRET_KEY_LEN], key[SECRET_KEY_LEN];
		(void)unlink(place->key);
		assert_int_equal(pipe2(begin, O_CLOEXEC), 0);
		assert_int_equal(pipe2(out, O_CLOEXEC), 0);
		for (int i = 0; i < PROCESSES; i++) {
			pid_t child = fork();
			assert_true(child >= 0);
			if (child == 0) {
				(void)close(begin[1]);
				process_run(place, begin[0], out[1]);
			}
		}
		(void)close(begin[0]);
		(void)close(begin[1]);
		for (int i = 0; i < PROCESSES; i++) {
			assert_true(wait(&status) > 0);
			assert_int_equal(status, 0);
		}
		assert_int_equal(read(out[0], first, sizeof(first)), sizeof(first));
		for (int i = 1; i < PROCESSES; i++) {
			assert_int_equal(read(out[0], key, sizeof(key)), sizeof(key));
			assert_memory_equal(first, key, sizeof(key));
		}
		assert_int_equal(files_in(place->folder), 1);
		(void)close(out[0]);
		(void)close(out[1]);
	}
}

/* ---- refusing -------------------------------------------------------------------------------- */

static void a_key_that_others_may_read_is_refused(void **state)
{
	struct place *place = *state;
	static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610, 0601, 0666, 0777, 0644};
	for (size_t i = 0; i < COUNT(modes); i++) {
		file_write(place->key, KEY_TEXT, sizeof(KEY_TEXT) - 1, modes[i]);
		load_refused(place->folder, place->key, "others may read it; chmod 600");
	}
}

static void another_users_key_is_refused(void **state)
{
	struct place *place = *state;
	file_write(place->key, KEY_TEXT, sizeof(KEY_TEXT) - 1, 0600);
	/* Only root can give a file away. */
	if (chown(place->key, 12345, (gid_t)-1) != 0)
		return;
	load_refused(place->folder, place->key, "belongs to the user with the id 12345");
	assert_int_equal(chown(place->key, 65534, (gid_t)-1), 0);
	load_refused(place->folder, place->key,
	             "belongs to the user nobody: run verifyd as that user");
}

static void no_key_is_made_beside_a_database(void **state)
{
	struct place *place = *state;
	char database[128];
	(void)snprintf(database, sizeof(database), "%s/verifyd.db", place->folder);
	file_write(database, "x", 1, 0600);
	load_refused(place->folder, place->key, "is missing beside verifyd.db");
	assert_int_equal(files_in(place->folder), 1);
}

static void damaged_keys_are_refused(void **state)
{
	struct place *place = *state;
	static const struct {
		const char *name;
		size_t at;  /* this octet */
		char octet; /* becomes that */
		size_t len; /* and this much is kept */
	} rows[] = {
	    {"empty", 0, '0', 0},
	    {"one digit", 0, '0', 1},
	    {"cut in the middle", 0, '0', 40},
	    {"no line end", 0, '0', 64},
	    {"no digit at the front", 0, 'g', 65},
	    {"a blank", 31, ' ', 65},
	    {"a NUL", 63, '\0', 65},
	    {"a slash, before the digits", 10, '/', 65},
	    {"a colon, behind them", 11, ':', 65},
	    {"another octet at the end", 64, '\r', 65},
	    {"something behind it", 65, '\n', 66},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[80] = KEY_TEXT;
		text[rows[i].at] = rows[i].octet;
		file_write(place->key, text, rows[i].len, 0600);
		load_refused(place->folder, place->key, "is not a key");
	}
	/* What is damaged is not replaced: codes may still hang on what it was. */
	struct stat file;
	assert_int_equal(stat(place->key, &file), 0);
	assert_int_equal(file.st_size, 66);
}

static void a_folder_in_its_place_is_refused(void **state)
{
	struct place *place = *state;
	assert_int_equal(mkdir(place->key, 0700), 0);
	load_refused(place->folder, place->key, "is not a key");
}

/* Nobody writes to it, and to wait for somebody would hold the start for ever. */
static void a_pipe_in_its_place_is_refused(void **state)
{
	struct place *place = *state;
	assert_int_equal(mkfifo(place->key, 0600), 0);
	(void)alarm(10);
	load_refused(place->folder, place->key, "is not a key");
	(void)alarm(0);
}

static void a_symbolic_link_is_refused(void **state)
{
	struct place *place = *state;
	char target[160];
	(void)snprintf(target, sizeof(target), "%s/elsewhere", place->folder);
	assert_int_equal(symlink(target, place->key), 0);
	load_refused(place->folder, place->key, "symbolic link");
	assert_int_equal(access(target, F_OK), -1);
	file_write(target, KEY_TEXT, sizeof(KEY_TEXT) - 1, 0600);
	load_refused(place->folder, place->key, "symbolic link");
}

static void a_missing_folder_is_named(void **state)
{
	struct place *place = *state;
	char folder[160], long_folder[5000];
	(void)snprintf(folder, sizeof(folder), "%s/no/such", place->folder);
	load_refused(folder, folder, "No such file or directory");
	memset(long_folder, 'x', sizeof(long_folder));
	long_folder[sizeof(long_folder) - 1] = '\0';
	load_refused(long_folder, "xxx", "");
	/* One that just fits, but not with what is put aside. */
	long_folder[4096 - sizeof("/secret.key") - 1] = '\0';
	load_refused(long_folder, "xxx", "");
}

/* ---- the folder ------------------------------------------------------------------------------ */

static void the_folder_is_made_for_its_owner(void **state)
{
	struct place *place = *state;
	char folder[160];
	struct problem problem;
	struct stat made;
	mode_t mask = umask(0);
	(void)snprintf(folder, sizeof(folder), "%s/data", place->folder);
	assert_true(data_folder_make(folder, &problem));
	(void)umask(mask);
	assert_int_equal(stat(folder, &made), 0);
	assert_int_equal(made.st_mode & 07777, 0700);
	assert_true(data_folder_make(folder, &problem));
	assert_int_equal(rmdir(folder), 0);
}

static void what_is_no_folder_is_refused(void **state)
{
	struct place *place = *state;
	struct problem problem = {""};
	char folder[160];
	file_write(place->key, "x", 1, 0600);
	assert_false(data_folder_make(place->key, &problem));
	assert_non_null(strstr(problem.text, place->key));
	assert_non_null(strstr(problem.text, "--data"));
	(void)snprintf(folder, sizeof(folder), "%s/data", place->key);
	assert_false(data_folder_make(folder, &problem));
	assert_non_null(strstr(problem.text, folder));
	(void)snprintf(folder, sizeof(folder), "%s/not/there", place->folder);
	assert_false(data_folder_make(folder, &problem));
	assert_non_null(strstr(problem.text, "No such file or directory"));
}

#define PLACED(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    PLACED(a_key_is_made_once_and_for_its_owner),
	    PLACED(two_folders_have_two_keys),
	    PLACED(a_key_that_is_there_is_read),
	    PLACED(what_a_crash_left_aside_is_in_nobodys_way),
	    PLACED(many_processes_agree),
	    PLACED(a_key_that_others_may_read_is_refused),
	    PLACED(another_users_key_is_refused),
	    PLACED(no_key_is_made_beside_a_database),
	    PLACED(damaged_keys_are_refused),
	    PLACED(a_folder_in_its_place_is_refused),
	    PLACED(a_pipe_in_its_place_is_refused),
	    PLACED(a_symbolic_link_is_refused),
	    PLACED(a_missing_folder_is_named),
	    PLACED(the_folder_is_made_for_its_owner),
	    PLACED(what_is_no_folder_is_refused),
	};
	return cmocka_run_group_tests_name("secret_file", tests, NULL, NULL);
}
