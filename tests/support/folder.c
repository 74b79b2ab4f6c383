/* SPDX-License-Identifier: Apache-2.0 */
#include "support/folder.h"
#include "support/unit.h"

#include <assert.h>
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void folder_make(struct folder *folder)
{
	*folder = (struct folder){.path = "sqlite-XXXXXX"};
	char *made = mkdtemp(folder->path);
	assert(made);
}

static int on_entry(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
	(void)about;
	(void)kind;
	(void)walk;
	return remove(path);
}

void folder_remove(struct folder *folder)
{
	int failed = nftw(folder->path, on_entry, 8, FTW_DEPTH | FTW_PHYS);
	assert(!failed);
}

enum err folder_try(struct folder *folder, bool serve, struct problem *reterr)
{
	const struct sqlite_options options = {.directory = folder->path, .serve = serve};
	return sqlite_open(&options, &folder->sqlite, reterr);
}

void folder_open(struct folder *folder)
{
	struct problem problem;
	if (folder_try(folder, true, &problem))
		fail_msg("%s", problem.text);
}

void folder_close(struct folder *folder)
{
	sqlite_close(folder->sqlite);
	folder->sqlite = NULL;
}

void desk_open(struct desk *desk, struct folder *folder)
{
	desk_init(desk);
	desk->store = sqlite_attach(folder->sqlite, &desk->executor.executor);
	assert_non_null(desk->store);
}

void path_in(const struct folder *folder, const char *name, char ret[FOLDER_PATH_MAX])
{
	snprintf(ret, FOLDER_PATH_MAX, "%s/%s", folder->path, name);
}

void sql_run(const struct folder *folder, const char *sql)
{
	char path[FOLDER_PATH_MAX];
	sqlite3 *db;
	path_in(folder, "verifyd.db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

void sql_ask(const struct folder *folder, const char *sql, char *ret, size_t room)
{
	char path[FOLDER_PATH_MAX];
	sqlite3 *db;
	sqlite3_stmt *statement;
	path_in(folder, "verifyd.db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	snprintf(ret, room, "%s", (const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

void answer_is(const struct folder *folder, const char *sql, const char *expected)
{
	char answer[512];
	sql_ask(folder, sql, answer, sizeof(answer));
	assert_string_equal(answer, expected);
}

off_t file_len(const struct folder *folder, const char *name)
{
	struct stat about;
	char path[FOLDER_PATH_MAX];
	path_in(folder, name, path);
	return stat(path, &about) ? 0 : about.st_size;
}
