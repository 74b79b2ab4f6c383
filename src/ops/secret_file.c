/* SPDX-License-Identifier: Apache-2.0 */
/* The file holds 64 hexadecimal digits and a line end. It is written aside, synced, and linked
 * into place: two programs that start at once agree on one key, and a crash leaves none or all. */
#include "ops/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define OWNER_ROOM 2048 /* what one line of the list of users may take */
#define KEY_TEXT_LEN (2 * SECRET_KEY_LEN + 1)

bool data_folder_make(const char *folder, struct problem *reterr)
{
	struct stat state;
	if (mkdir(folder, 0700) == 0)
		return true;
	if (errno != EEXIST)
		return problem_say(reterr, "%s: %s", folder, strerror(errno));
	if (stat(folder, &state) != 0)
		return problem_say(reterr, "%s: %s", folder, strerror(errno));
	if (!S_ISDIR(state.st_mode))
		return problem_say(reterr, "%s: %s", folder,
		                   "is not a folder; name one with --data");
	return true;
}

static bool key_parse(const char *text, uint8_t ret[SECRET_KEY_LEN])
{
	for (int i = 0; i < SECRET_KEY_LEN; i++) {
		int high = ascii_hex_value(text[2 * i]), low = ascii_hex_value(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return text[KEY_TEXT_LEN - 1] == '\n';
}

/* A server's files are its user's: made by another they could not be read by it. */
static bool owner_refuse(const char *path, uid_t owner, struct problem *reterr)
{
	char room[OWNER_ROOM];
	struct passwd entry, *found = NULL;
	if (getpwuid_r(owner, &entry, room, sizeof(room), &found) == 0 && found)
		return problem_say(reterr,
		                   "%s: belongs to the user %.40s: run verifyd as that user, as "
		                   "with sudo -u %.40s",
		                   path, found->pw_name, found->pw_name);
	return problem_say(reterr,
	                   "%s: belongs to the user with the id %u: run verifyd as that user", path,
	                   (unsigned)owner);
}

static bool key_read(int fd, const char *path, uint8_t ret[SECRET_KEY_LEN], struct problem *reterr)
{
	struct stat state;
	char text[KEY_TEXT_LEN + 1];
	if (fstat(fd, &state) != 0)
		return problem_say(reterr, "%s: %s", path, strerror(errno));
	if (state.st_mode & 077)
		return problem_say(reterr, "%s: %s", path,
		                   "others may read it; chmod 600 it, and think about who did");
	if (state.st_uid != geteuid())
		return owner_refuse(path, state.st_uid, reterr);
	/* A pipe would be waited at. */
	ssize_t got = S_ISREG(state.st_mode) ? read(fd, text, sizeof(text)) : 0;
	bool sound = got == KEY_TEXT_LEN && key_parse(text, ret);
	secret_wipe(text, sizeof(text));
	return sound || problem_say(reterr, "%s: %s", path,
	                            "is not a key (64 hexadecimal digits and a line end)");
}

static bool text_sync(int fd, const char *text, size_t len)
{
	return write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
}

static bool folder_sync(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool synced = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		(void)close(fd);
	return synced;
}

/* A fresh key at `path`, unless somebody was faster. */
static bool key_make(const char *folder, const char *path, struct problem *reterr)
{
	char aside[PATH_MAX], text[KEY_TEXT_LEN + 1];
	uint8_t key[SECRET_KEY_LEN];
	if (snprintf(aside, sizeof(aside), "%s.XXXXXX", path) >= (int)sizeof(aside))
		return problem_say(reterr, "%s: the path is too long", path);
	if (secret_random(key, sizeof(key)) != OK)
		return problem_say(reterr, "%s: %s", path, "the system gave no random bytes");
	for (int i = 0; i < SECRET_KEY_LEN; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", key[i]);
	text[KEY_TEXT_LEN - 1] = '\n';
	secret_wipe(key, sizeof(key));
	/* A name of its own, mode 0600: what a crash left aside is in nobody's way. */
	int fd = mkostemp(aside, O_CLOEXEC);
	int error = errno;
	bool written = fd >= 0 && text_sync(fd, text, KEY_TEXT_LEN);
	secret_wipe(text, sizeof(text));
	if (fd < 0)
		return problem_say(reterr, "%s: %s", path, strerror(error));
	error = errno;
	(void)close(fd);
	if (written && link(aside, path) != 0 && errno != EEXIST) {
		written = false;
		error = errno;
	}
	(void)unlink(aside);
	if (written && !folder_sync(folder)) {
		written = false;
		error = errno;
	}
	return written || problem_say(reterr, "%s: %s", path, strerror(error));
}

/* A new key beside an old database would end every live code, and nobody would know why. */
static bool key_is_lost(const char *folder, const char *path, struct problem *reterr)
{
	char database[PATH_MAX];
	struct stat state;
	if (snprintf(database, sizeof(database), "%s/verifyd.db", folder) >= PATH_MAX ||
	    stat(database, &state) != 0)
		return false;
	problem_say(reterr,
	            "%s: is missing beside verifyd.db, which needs it: put it back. If it is lost, "
	            "make one (umask 077; openssl rand -hex 32 > secret.key): then live codes and "
	            "test numbers' codes end",
	            path);
	return true;
}

bool secret_file_load(const char *folder, uint8_t ret[SECRET_KEY_LEN], struct problem *reterr)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof(path), "%s/secret.key", folder) >= (int)sizeof(path))
		return problem_say(reterr, "%s: the path is too long", folder);
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT) {
		if (key_is_lost(folder, path, reterr) || !key_make(folder, path, reterr))
			return false;
		fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	}
	if (fd < 0)
		return problem_say(reterr, "%s: %s", path, strerror(errno));
	bool read = key_read(fd, path, ret, reterr);
	(void)close(fd);
	return read;
}

bool secret_keys_load(const struct config *config, struct secret_key ret[SECRET_KEYS_MAX],
                      size_t *ret_n, struct problem *reterr)
{
	const struct server_settings *server = &config->server;
	*ret_n = server->secret_keys.n;
	for (size_t i = 0; i < *ret_n; i++) {
		const struct secret_key_entry *entry = &server->secret_keys.at[i];
		ret[i].id = bytes_from_text(entry->id);
		memcpy(ret[i].key, entry->key, SECRET_KEY_LEN);
	}
	if (*ret_n)
		return true;
	*ret_n = 1;
	ret[0].id = BYTES(SECRET_FILE_ID);
	return secret_file_load(server->data, ret[0].key, reterr);
}
