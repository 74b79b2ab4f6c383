/* SPDX-License-Identifier: Apache-2.0 */
#include "io/socket_file.h"

#include "io/listener.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int socket_open(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Whether nobody listens there any more. Asked of a socket of its own: one that was refused once
 * cannot be relied on afterwards. */
static bool is_left_behind(const struct sockaddr_un *address)
{
	int fd = socket_open();
	if (fd < 0)
		return false;
	bool refused = connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
	               errno == ECONNREFUSED;
	(void)close(fd);
	return refused;
}

/* Makes way for the socket. */
static enum err place_clear(const struct sockaddr_un *address, struct problem *reterr)
{
	struct stat there;
	const char *path = address->sun_path;
	if (lstat(path, &there) != 0)
		return OK; /* binding says why, if that is wrong */
	if (!S_ISSOCK(there.st_mode)) {
		(void)problem_say(reterr, "%s is no socket; move it away, or name another path",
		                  path);
		return ERR_IO;
	}
	if (!is_left_behind(address)) {
		(void)problem_say(
		    reterr, "%s is in use by another program; stop it, or name another path", path);
		return ERR_BUSY;
	}
	if (unlink(path) == 0 || errno == ENOENT)
		return OK;
	(void)problem_say(reterr, "%s was left behind and cannot be removed: %s", path,
	                  strerror(errno));
	return ERR_IO;
}

static enum err bind_failed(const char *path, struct problem *reterr)
{
	int why = errno;
	int folder_len = (int)(strrchr(path, '/') - path);
	if (why == ENOENT)
		(void)problem_say(reterr,
		                  "%s cannot be made: its folder %.*s does not exist; make it, or "
		                  "name another path",
		                  path, folder_len ? folder_len : 1, path);
	else
		(void)problem_say(reterr, "%s cannot be made: %s", path, strerror(why));
	return why == EADDRINUSE ? ERR_BUSY : ERR_IO;
}

/* Until it listens, who connects is refused: the mode is there before anybody gets in. */
static bool socket_listen(int fd, struct socket_file *file)
{
	struct stat made;
	if (chmod(file->path, SOCKET_FILE_MODE) != 0 || lstat(file->path, &made) != 0 ||
	    listen(fd, LISTENER_BACKLOG) != 0)
		return false;
	file->device = made.st_dev;
	file->inode = made.st_ino;
	return true;
}

enum err socket_file_bind(const char *path, struct socket_file *ret, int *ret_fd,
                          struct problem *reterr)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct socket_file file = {0};
	_Static_assert(SOCKET_FILE_PATH_MAX < sizeof(address.sun_path), "with its NUL");
	if (path[0] != '/' || strlen(path) > SOCKET_FILE_PATH_MAX) {
		(void)problem_say(reterr, "a socket's path begins with / and has at most %d octets",
		                  SOCKET_FILE_PATH_MAX);
		return ERR_IO;
	}
	(void)snprintf(file.path, sizeof(file.path), "%s", path);
	memcpy(address.sun_path, file.path, sizeof(file.path));
	enum err err = place_clear(&address, reterr);
	if (err != OK)
		return err;
	int fd = socket_open();
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		err = bind_failed(path, reterr);
	} else if (!socket_listen(fd, &file)) {
		err = bind_failed(path, reterr);
		(void)unlink(path);
	}
	if (err == OK) {
		*ret = file;
		*ret_fd = fd;
	} else if (fd >= 0) {
		(void)close(fd);
	}
	return err;
}

void socket_file_remove(struct socket_file *file)
{
	struct stat there;
	if (file->path[0] && lstat(file->path, &there) == 0 && there.st_dev == file->device &&
	    there.st_ino == file->inode)
		(void)unlink(file->path);
	file->path[0] = '\0';
}
