/* SPDX-License-Identifier: Apache-2.0 */
#include "support/config.h"

#include "base/buf.h"

#include "support/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int config_desk_setup(void **state)
{
	struct config_desk *desk = calloc(1, sizeof(*desk));
	assert_non_null(desk);
	(void)snprintf(desk->folder, sizeof(desk->folder), "/tmp/verifyd-test-XXXXXX");
	assert_non_null(mkdtemp(desk->folder));
	(void)snprintf(desk->file, sizeof(desk->file), "%s/verifyd.yaml", desk->folder);
	desk->flags.file = desk->file;
	report_init(&desk->report, bytes_from_text(desk->file));
	*state = desk;
	return 0;
}

int config_desk_teardown(void **state)
{
	struct config_desk *desk = *state;
	DIR *dir = opendir(desk->folder);
	for (struct dirent *entry; dir && (entry = readdir(dir));)
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		(void)closedir(dir);
	(void)rmdir(desk->folder);
	config_free(desk->config);
	report_done(&desk->report);
	free(desk);
	return 0;
}

void config_desk_write(struct config_desk *desk, const char *name, const char *text, size_t len,
                       unsigned mode)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/%s", desk->folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	assert_int_equal(fchmod(fd, (mode_t)mode), 0);
	assert_int_equal(close(fd), 0);
}

void config_desk_read_octets(struct config_desk *desk, const char *text, size_t len)
{
	struct buf said;
	if (text)
		config_desk_write(desk, "verifyd.yaml", text, len, 0600);
	config_free(desk->config);
	report_done(&desk->report);
	const char *file = config_file(&desk->flags);
	report_init(&desk->report, bytes_from_text(file));
	desk->config = config_new(&desk->flags, &desk->report);
	assert_int_equal(desk->config == NULL, desk->report.mistakes_n > 0);
	buf_init_fixed(&said, desk->said, sizeof(desk->said));
	for (const struct remark *remark = desk->report.remarks; remark; remark = remark->next)
		buf_printf(&said, "%u: %s%s\n", remark->line, remark->warning ? "warning: " : "",
		           remark->text.at);
	assert_false(said.failed);
	desk->said[said.len] = '\0';
}

void config_desk_read(struct config_desk *desk, const char *text)
{
	config_desk_read_octets(desk, text, text ? strlen(text) : 0);
}
