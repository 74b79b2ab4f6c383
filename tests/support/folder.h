/* SPDX-License-Identifier: Apache-2.0 */
/* A data directory of a test's own, below the working directory so that its disk is a real one, the
 * SQLite store in it, and what is seen of its files past the store. */
#ifndef TESTS_SUPPORT_FOLDER_H
#define TESTS_SUPPORT_FOLDER_H

#include "store/sqlite.h"
#include "support/desk.h"

#include <sys/types.h>

#define FOLDER_PATH_MAX 96

struct folder {
	char path[64];
	struct sqlite_store *sqlite;
};

/* An empty directory. */
void folder_make(struct folder *folder);
/* With all that is in it. */
void folder_remove(struct folder *folder);
enum err folder_try(struct folder *folder, bool serve, struct problem *reterr);
/* As a server; the test fails when that does. */
void folder_open(struct folder *folder);
void folder_close(struct folder *folder);

/* A desk at its store. */
void desk_open(struct desk *desk, struct folder *folder);

void path_in(const struct folder *folder, const char *name, char ret[FOLDER_PATH_MAX]);
/* 0 when there is none. */
off_t file_len(const struct folder *folder, const char *name);
/* Runs SQL on the file, past the store. */
void sql_run(const struct folder *folder, const char *sql);
/* The first column of the first row, as text. */
void sql_ask(const struct folder *folder, const char *sql, char *ret, size_t room);
void answer_is(const struct folder *folder, const char *sql, const char *expected);

#endif
