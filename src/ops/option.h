/* SPDX-License-Identifier: Apache-2.0 */
/* The table of settings (option.def) as data: names, and how a value is read from text. Layers and
 * who wins: settings.h; the file: config.h. */
#ifndef OPS_OPTION_H
#define OPS_OPTION_H

#include "base/bytes.h"
#include "base/problem.h"

#include <stdint.h>

#define OPTION_PATH_MAX 63 /* octets of an option's name, an API's section before it included */

enum option_type {
	OPTION_INT,
	OPTION_MS,
	OPTION_SIZE,
	OPTION_BOOL,
	OPTION_TEXT,
	OPTION_SECRET,
	OPTION_KEY,
	OPTION_NAME,
	OPTION_ALPHABET,
	OPTION_SENDER,
	OPTION_PATH,
	OPTION_REGION,
	OPTION_ON_OFF,
	OPTION_REPEAT,
	OPTION_REQUIRE,
	OPTION_STORE,
	OPTION_PROVIDER,
	OPTION_RATES,
	OPTION_DELAYS,
	OPTION_ADDRESSES,
	OPTION_PLACE,
	OPTION_LIST, /* of objects: their members are rows of their own */
};

/* Whose it is, and so which struct its offset is in. */
enum option_home {
	HOME_SHARED, /* struct settings */
	HOME_API,    /* struct settings */
	HOME_SERVER, /* struct server_settings */
	HOME_ITEM,   /* the element of a list in struct server_settings */
};

/* When a change of the server's own counts. */
enum option_applies { APPLIES_LIVE, APPLIES_RESTART };

struct option {
	struct bytes name;
	enum option_type type;
	enum option_home home;
	enum option_applies applies;
	size_t offset, size; /* a list: of its elements, and of one */
	size_t count_offset; /* a list: of how many there are */
	int64_t min, max;
	struct bytes default_text; /* absent: a list is empty, an item's member must be given */
	const char *help;
};

/* One a row of OPTION, SERVER, LIST and ITEM. */
enum {
#define OPTION(key, field, kind, least, most, text, where, help) +1
#define SERVER(key, field, kind, least, most, text, when, help) +1
#define LIST(key, field, most, when, help) +1
#define ITEM(key, element, field, kind, least, most, help) +1
	OPTIONS = 0
#include "ops/option.def"
};

extern const struct option option_table[OPTIONS];

/* NULL: there is none of that name. */
const struct option *option_find(struct bytes name);
/* Whether longer names begin with this one and a dot. */
bool option_is_section(struct bytes name);
/* Whether the name is one that this version does not have yet, or lies below one. */
bool option_is_not_yet(struct bytes name);
/* What stands in the table and is most like `word` in `section` (empty: the outermost), for who has
 * mistyped it: the only one of the whole table that ends so, or a name in that section. Absent:
 * nothing is like it. */
struct bytes option_nearest(struct bytes section, struct bytes word);

/* What --dev changes of the defaults, as YAML. */
struct option_dev {
	struct bytes name, text;
};
extern const struct option_dev option_dev[];
extern const size_t option_dev_n;

/* Whether its value is a list of texts; they are handed over joined by blanks. */
bool option_takes_list(const struct option *option);
/* Whether no message may show its value. */
bool option_is_secret(const struct option *option);

/* Reads a value into its field of `base`, which is the struct that its home says. False: *reterr
 * says what is allowed, and nothing was changed. */
bool option_read(const struct option *option, struct bytes text, void *base,
                 struct problem *reterr);

/* Reads a duration: digits and one of s, m, h, d. False for anything else. */
bool duration_parse(struct bytes text, int64_t *ret_ms);
/* The shortest such text, of whole seconds, and a NUL. */
#define DURATION_TEXT_MAX 24
void duration_format(int64_t ms, char ret[DURATION_TEXT_MAX]);

#endif
