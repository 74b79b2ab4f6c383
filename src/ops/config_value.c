/* SPDX-License-Identifier: Apache-2.0 */
/* Where a value's text comes from: the file itself, {file: PATH}, {env: NAME}, or a list of such.
 */
#include "base/buf.h"
#include "ops/config_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define VALUE_FILE_MAX ((size_t)64 << 10)
#define SHOWN_MAX 60 /* octets of a value in a message */

static bool is_member_of(const struct yaml_node *node, struct bytes name)
{
	return node->first && !node->first->next && bytes_equal(node->first->name, name);
}

/* ---- files ----------------------------------------------------------------------------------- */

static bool fd_read(int fd, size_t len_max, struct arena *arena, struct bytes *ret)
{
	char *text = arena_take(arena, len_max + 1);
	size_t len = 0;
	ssize_t got = -1;
	while (text && len <= len_max && (got = read(fd, text + len, len_max + 1 - len)) > 0)
		len += (size_t)got;
	*ret = (struct bytes){text, len};
	return text && got == 0;
}

bool reading_file(const char *path, size_t len_max, bool secret, struct arena *arena,
                  struct bytes *ret, bool *ret_open, struct problem *reterr)
{
	struct stat state;
	/* A pipe would be waited at. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &state) != 0) {
		(void)problem_say(reterr, "cannot be read: %s", strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return false;
	}
	bool sound = true;
	*ret_open = state.st_mode & 077;
	if (!S_ISREG(state.st_mode))
		sound = problem_say(reterr, "cannot be read: is not a regular file");
	else if (secret && *ret_open)
		sound = problem_say(reterr,
		                    "others may read it; chmod 600 it, and think about who did");
	else if (!fd_read(fd, len_max, arena, ret))
		sound =
		    problem_say(reterr, "cannot be read, or is larger than %zu KiB", len_max >> 10);
	(void)close(fd);
	return sound;
}

/* A line end is what editors put behind a text. */
static struct bytes line_end_cut(struct bytes text)
{
	if (text.len && text.at[text.len - 1] == '\n')
		text.len--;
	if (text.len && text.at[text.len - 1] == '\r')
		text.len--;
	return text;
}

/* Relative to the folder of the configuration's own file. */
static struct bytes path_beside(struct reading *reading, struct bytes path)
{
	const char *slash = reading->file ? strrchr(reading->file, '/') : NULL;
	if (path.at[0] == '/' || !slash)
		return path;
	return arena_printf(&reading->arena, "%.*s/%s", (int)(slash - reading->file), reading->file,
	                    path.at);
}

static bool file_text(struct reading *reading, const struct option *option,
                      const struct yaml_node *node, struct bytes *ret)
{
	struct problem problem;
	bool open;
	struct bytes path = path_beside(reading, node->text);
	if (!path.at || !reading_file(path.at, VALUE_FILE_MAX, option_is_secret(option),
	                              &reading->arena, ret, &open, &problem)) {
		report_mistake(reading->report, node->line, "%s: %s: %s", reading->path,
		               node->text.at, path.at ? problem.text : "out of memory");
		return false;
	}
	*ret = line_end_cut(*ret);
	return true;
}

static bool env_text(struct reading *reading, const struct yaml_node *node, struct bytes *ret)
{
	*ret = bytes_from_text(getenv(node->text.at));
	if (!ret->at)
		report_mistake(reading->report, node->line,
		               "%s: there is no variable %s in the environment", reading->path,
		               node->text.at);
	return ret->at;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* {file: PATH} or {env: NAME}. */
static bool reference_text(struct reading *reading, const struct option *option,
                           const struct yaml_node *node, struct bytes *ret)
{
	bool file = is_member_of(node, BYTES("file"));
	if (node->first && node->first->kind == YAML_REFUSED)
		return false;
	if ((!file && !is_member_of(node, BYTES("env"))) || node->first->kind != YAML_TEXT ||
	    !node->first->text.len) {
		report_mistake(reading->report, node->line,
		               "%s is a value, not a section; a value may be {file: PATH} or "
		               "{env: NAME}",
		               reading->path);
		return false;
	}
	return file ? file_text(reading, option, node->first, ret)
	            : env_text(reading, node->first, ret);
}

static bool scalar_text(struct reading *reading, const struct option *option,
                        const struct yaml_node *node, struct bytes *ret)
{
	switch (node->kind) {
	case YAML_TEXT:
		*ret = node->text;
		return true;
	case YAML_MAP:
		return reference_text(reading, option, node, ret);
	case YAML_NOTHING:
		report_mistake(
		    reading->report, node->line,
		    "%s has no value; leave the key out, or write \"\" for an empty text",
		    reading->path);
		return false;
	case YAML_LIST:
		report_mistake(reading->report, node->line, "%s holds a list where it takes a text",
		               reading->path);
		return false;
	case YAML_REFUSED:
		break;
	}
	return false;
}

/* What may be shown of it; nothing of what another file or the environment holds. */
static struct bytes shown(struct reading *reading, const struct option *option,
                          const struct yaml_node *node, struct bytes text)
{
	if (option_is_secret(option) || (node->kind != YAML_TEXT && node->kind != YAML_LIST))
		return BYTES("");
	return arena_printf(&reading->arena, ", not \"%.*s%s\"",
	                    (int)(text.len < SHOWN_MAX ? text.len : SHOWN_MAX), text.at,
	                    text.len > SHOWN_MAX ? "…" : "");
}

/* Tried alone, so that a mistake names its own line; one that held a blank would be two. */
static bool element_is_sound(struct reading *reading, const struct option *option,
                             const struct yaml_node *node, struct bytes text)
{
	void *scratch = option->home == HOME_SERVER ? (void *)&reading->scratch_server
	                                            : (void *)&reading->scratch;
	struct bytes said = shown(reading, option, node, text);
	struct problem problem;
	bool one = text.len && bytes_find(text, ' ') == text.len;
	if (!one)
		(void)problem_say(&problem, "an element is empty or holds a blank");
	if (one && option_read(option, text, scratch, &problem))
		return true;
	report_mistake(reading->report, node->line, "%s: %s%.*s", reading->path, problem.text,
	               (int)said.len, said.at);
	return false;
}

static bool list_text(struct reading *reading, const struct option *option,
                      const struct yaml_node *list, struct bytes *ret)
{
	bool sound = true;
	*ret = BYTES("");
	for (const struct yaml_node *node = list->first; node; node = node->next) {
		struct bytes text;
		if (!scalar_text(reading, option, node, &text) ||
		    !element_is_sound(reading, option, node, text)) {
			sound = false;
			continue;
		}
		*ret = arena_printf(&reading->arena, "%.*s%s%.*s", (int)ret->len, ret->at,
		                    ret->len ? " " : "", (int)text.len, text.at);
		if (!ret->at) {
			report_mistake(reading->report, node->line, "out of memory");
			return false;
		}
	}
	return sound;
}

bool reading_text(struct reading *reading, const struct option *option,
                  const struct yaml_node *node, struct bytes *ret, struct bytes *ret_shown)
{
	bool is_list = node->kind == YAML_LIST && option_takes_list(option);
	if (is_list ? !list_text(reading, option, node, ret)
	            : !scalar_text(reading, option, node, ret))
		return false;
	*ret_shown = shown(reading, option, node, *ret);
	if (node->kind == YAML_TEXT && option_is_secret(option) && ret->len &&
	    reading->file_is_open)
		report_warning(
		    reading->report, node->line,
		    "%s stands in a file that others may read; chmod 600 it, or keep the "
		    "secret in a file of its own: {file: PATH}",
		    reading->path);
	return true;
}
