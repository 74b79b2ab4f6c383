/* SPDX-License-Identifier: Apache-2.0 */
/* A listening socket that stands in the file system: who may connect is who may write to the file.
 * It is made for its owner and group (mode 0660), one left behind by a server that has gone is
 * replaced, and it is removed again only while it is still ours. */
#ifndef IO_SOCKET_FILE_H
#define IO_SOCKET_FILE_H

#include "base/err.h"
#include "base/problem.h"

#include <stdbool.h>
#include <sys/types.h>

#define SOCKET_FILE_PATH_MAX 107 /* sun_path, without its NUL: unix(7) */
#define SOCKET_FILE_MODE 0660

struct socket_file {
	char path[SOCKET_FILE_PATH_MAX + 1]; /* empty: there is none */
	dev_t device;
	ino_t inode;
};

/* Binds `path`, 1 to SOCKET_FILE_PATH_MAX octets, and listens: *ret_fd is the caller's, for
 * listener_start. Nobody can connect before the mode is set. ERR_BUSY: somebody answers there;
 * ERR_IO: it cannot be made, or what stands there is no socket; *reterr says what to do. */
MUST_CHECK enum err socket_file_bind(const char *path, struct socket_file *ret, int *ret_fd,
                                     struct problem *reterr);
/* Removes the file if it is still the one that was bound; once. */
void socket_file_remove(struct socket_file *file);

#endif
