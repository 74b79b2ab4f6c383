/* SPDX-License-Identifier: Apache-2.0 */
/* A tenant's settings as JSON: an object whose nesting spells an option's name, so that
 * {"limits":{"resend_delay":{"first":"1m"}}} is limits.resend_delay.first. */
#include "ops/settings.h"

#include "wire/json.h"

#include <stdio.h>

#define LIST_TEXT_MAX 256 /* a list's elements, joined by blanks */

struct walk {
	struct json_reader reader;
	struct arena *arena;
	struct settings_layers *layers;
	struct settings_mistake *mistake;
	char path[OPTION_PATH_MAX + 1];
	size_t path_len;
};

static enum err mistaken(struct walk *walk, const char *why)
{
	(void)snprintf(walk->mistake->key, sizeof(walk->mistake->key), "%s", walk->path);
	(void)problem_say(&walk->mistake->why, "%s", why);
	return ERR_MALFORMED;
}

static enum err value_take(struct walk *walk, struct bytes text)
{
	struct bytes name = {walk->path, walk->path_len};
	struct settings_layer *layer = settings_layer_of(walk->layers, &name);
	const struct option *option = option_find(name);
	struct settings_mistake mistake;
	if (option && option->home == HOME_SERVER)
		return mistaken(walk, "is not a setting of a tenant");
	if (option && layer->given[option - option_table])
		return mistaken(walk, "stands twice");
	if (!settings_set(layer, name, text, &mistake))
		return mistaken(walk, mistake.why.text);
	return OK;
}

static enum err scalar_text(struct walk *walk, const struct json_token *token, struct bytes *ret)
{
	switch (token->type) {
	case JSON_TOKEN_TEXT:
		return json_text_decode(token, walk->arena, ret);
	case JSON_TOKEN_NUMBER:
	case JSON_TOKEN_TRUE:
	case JSON_TOKEN_FALSE:
		*ret = token->raw;
		return OK;
	default:
		return mistaken(walk, "must be a text, a number, true, false, or a list of texts");
	}
}

static enum err list_take(struct walk *walk)
{
	char joined[LIST_TEXT_MAX];
	size_t len = 0;
	for (;;) {
		struct json_token token;
		struct bytes word;
		enum err err = json_next(&walk->reader, &token);
		if (err)
			return err;
		if (token.type == JSON_TOKEN_ARRAY_END)
			return value_take(walk, (struct bytes){joined, len});
		err = scalar_text(walk, &token, &word);
		if (err)
			return err;
		if (bytes_find(word, ' ') != word.len || word.len + len + 2 > sizeof(joined))
			return mistaken(walk, "has an element that is too long or has a blank");
		memcpy(joined + len, word.at, word.len);
		len += word.len;
		joined[len++] = ' ';
	}
}

static enum err path_push(struct walk *walk, const struct json_token *name)
{
	struct bytes text;
	enum err err = json_text_decode(name, walk->arena, &text);
	if (err)
		return err;
	/* An empty name or one with a dot would spell a path of its own. */
	if (walk->path_len + text.len + 1 > OPTION_PATH_MAX || !text.len ||
	    bytes_find(text, '.') != text.len || bytes_find(text, '\0') != text.len)
		return mistaken(walk, "holds a name that is no setting's");
	if (walk->path_len)
		walk->path[walk->path_len++] = '.';
	memcpy(walk->path + walk->path_len, text.at, text.len);
	walk->path_len += text.len;
	walk->path[walk->path_len] = '\0';
	return OK;
}

/* The members of an object whose opening brace was read; the reader bounds the depth. */
static enum err object_take(struct walk *walk)
{
	size_t outer_len = walk->path_len;
	for (;;) {
		struct json_token token;
		struct bytes text;
		enum err err = json_next(&walk->reader, &token);
		if (err || token.type == JSON_TOKEN_OBJECT_END)
			return err;
		err = path_push(walk, &token);
		if (err == OK)
			err = json_next(&walk->reader, &token);
		if (err == OK && token.type == JSON_TOKEN_OBJECT)
			err = object_take(walk);
		else if (err == OK && token.type == JSON_TOKEN_ARRAY)
			err = list_take(walk);
		else if (err == OK && (err = scalar_text(walk, &token, &text)) == OK)
			err = value_take(walk, text);
		if (err)
			return err;
		walk->path_len = outer_len;
		walk->path[outer_len] = '\0';
	}
}

enum err settings_read_json(struct bytes json, struct arena *arena, struct settings_layers *ret,
                            struct settings_mistake *reterr)
{
	static const struct json_options options = {.depth_max = 8};
	struct walk walk = {.arena = arena, .layers = ret, .mistake = reterr};
	struct json_token token;
	*ret = (struct settings_layers){0};
	*reterr = (struct settings_mistake){0};
	json_reader_init(&walk.reader, json, &options);
	enum err err = json_next(&walk.reader, &token);
	if (err == OK && token.type != JSON_TOKEN_OBJECT)
		return mistaken(&walk, "must be an object");
	if (err == OK)
		err = object_take(&walk);
	if (err == OK)
		err = json_next(&walk.reader, &token);
	if (walk.reader.refused)
		return mistaken(&walk, walk.reader.why);
	return err;
}
