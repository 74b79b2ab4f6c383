/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/notify.h"

#include "ops/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* A path, or `@` and a name in the abstract space. False: it fits no address. */
static bool address_make(const char *name, struct sockaddr_un *ret, socklen_t *ret_len)
{
	size_t len = strlen(name);
	if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof(ret->sun_path))
		return false;
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(ret->sun_path, name, len);
	if (name[0] == '@')
		ret->sun_path[0] = '\0';
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return true;
}

static bool text_send(const char *name, const char *text)
{
	struct sockaddr_un address;
	socklen_t len;
	if (!address_make(name, &address, &len)) {
		errno = EINVAL;
		return false;
	}
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool sent = fd >= 0 && sendto(fd, text, strlen(text), MSG_NOSIGNAL,
	                              (const struct sockaddr *)&address, len) >= 0;
	int error = errno;
	if (fd >= 0)
		(void)close(fd);
	errno = error;
	return sent;
}

void notify_send(enum notify_state state)
{
	const char *name = getenv("NOTIFY_SOCKET");
	char text[80] = "";
	struct timespec now;
	if (!name)
		return;
	switch (state) {
	case NOTIFY_READY:
		(void)snprintf(text, sizeof(text), "READY=1");
		break;
	case NOTIFY_RELOADING:
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		(void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
		               (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
		break;
	case NOTIFY_STOPPING:
		(void)snprintf(text, sizeof(text), "STOPPING=1");
		break;
	}
	if (!text_send(name, text))
		LOG(LOG_WARNING, "notify", log_text("why", bytes_from_text(strerror(errno))),
		    log_text("consequence", BYTES("the service manager was not told")));
}
