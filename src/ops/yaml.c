/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml finds the events; here they become a tree. */
#include "ops/yaml.h"

#include <yaml.h>

/* Where the tree is being built. */
struct builder {
	struct arena *arena;
	struct report *report;
	struct yaml_node *root;
	struct yaml_node *open[YAML_DEPTH_MAX]; /* those not ended, outermost first */
	size_t depth;
	size_t nodes_n;
	/* In a map: the key whose value comes next. */
	bool has_key;
	struct bytes key;
	unsigned key_line;
	bool key_refused;
	bool had_document;
	enum err err; /* nothing more is read */
};

static unsigned line_of(const yaml_event_t *event)
{
	return (unsigned)event->start_mark.line + 1;
}

static void give_up(struct builder *builder, unsigned line, const char *why)
{
	report_mistake(builder->report, line, "%s", why);
	builder->err = ERR_MALFORMED;
}

/* ---- what is refused ------------------------------------------------------------------------- */

/* Whether the node has nothing but itself. */
static bool is_plain(struct builder *builder, const yaml_event_t *event, const yaml_char_t *anchor,
                     const yaml_char_t *tag)
{
	if (anchor)
		report_mistake(builder->report, line_of(event),
		               "anchors (&%s) are not read; write the value where it is wanted",
		               (const char *)anchor);
	else if (tag)
		report_mistake(builder->report, line_of(event),
		               "tags (%s) are not read; what a value is, its key says",
		               (const char *)tag);
	return !anchor && !tag;
}

static struct yaml_node *member_find(const struct yaml_node *map, struct bytes name)
{
	for (struct yaml_node *node = map->first; node; node = node->next)
		if (bytes_equal(node->name, name))
			return node;
	return NULL;
}

static bool has_control(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7F)
			return true;
	return false;
}

/* ---- building -------------------------------------------------------------------------------- */

static struct yaml_node *open_node(const struct builder *builder)
{
	return builder->depth ? builder->open[builder->depth - 1] : NULL;
}

/* Puts a node where it belongs. NULL: no more is read. */
static struct yaml_node *node_add(struct builder *builder, enum yaml_kind kind,
                                  const yaml_event_t *event)
{
	struct yaml_node *parent = open_node(builder);
	if (++builder->nodes_n > YAML_NODES_MAX) {
		give_up(builder, line_of(event), "holds too many values");
		return NULL;
	}
	struct yaml_node *node = ARENA_NEW(builder->arena, struct yaml_node);
	if (!node) {
		builder->err = ERR_NO_MEMORY;
		return NULL;
	}
	*node = (struct yaml_node){.kind = kind, .line = line_of(event)};
	if (parent && parent->kind == YAML_MAP) {
		node->name = builder->key;
		node->name_line = builder->key_line;
		builder->has_key = false;
	}
	if (!parent) {
		builder->root = node;
	} else if (parent->kind != YAML_MAP || !builder->key_refused) {
		*(parent->first ? &parent->last->next : &parent->first) = node;
		parent->last = node;
	}
	return node;
}

static void node_open(struct builder *builder, enum yaml_kind kind, const yaml_event_t *event)
{
	if (builder->depth == YAML_DEPTH_MAX) {
		give_up(builder, line_of(event), "is nested too deeply");
		return;
	}
	struct yaml_node *node = node_add(builder, kind, event);
	if (node)
		builder->open[builder->depth++] = node;
}

static void key_take(struct builder *builder, const yaml_event_t *event, struct bytes text)
{
	struct report *report = builder->report;
	unsigned line = line_of(event);
	const struct yaml_node *map = open_node(builder), *twin = member_find(map, text);
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	builder->key_refused =
	    !is_plain(builder, event, event->data.scalar.anchor, event->data.scalar.tag);
	if (plain && bytes_equal(text, BYTES("<<"))) {
		report_mistake(report, line, "merge keys (<<) are not read; write the values out");
		builder->key_refused = true;
	} else if (!text.len || has_control(text)) {
		report_mistake(report, line, "a key is missing here");
		builder->key_refused = true;
	} else if (twin) {
		report_mistake(report, line, "%.*s stands twice, first in line %u", (int)text.len,
		               text.at, twin->name_line);
		builder->key_refused = true;
	}
	builder->has_key = true;
	builder->key = text;
	builder->key_line = line;
}

static bool is_nothing(const yaml_event_t *event, struct bytes text)
{
	return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!text.len || bytes_equal(text, BYTES("~")) || bytes_equal(text, BYTES("null")));
}

static void scalar_take(struct builder *builder, const yaml_event_t *event)
{
	struct bytes text = {(const char *)event->data.scalar.value, event->data.scalar.length};
	const struct yaml_node *parent = open_node(builder);
	text = arena_copy(builder->arena, text);
	if (!text.at) {
		builder->err = ERR_NO_MEMORY;
		return;
	}
	if (parent && parent->kind == YAML_MAP && !builder->has_key) {
		key_take(builder, event, text);
		return;
	}
	enum yaml_kind kind = is_nothing(event, text) ? YAML_NOTHING : YAML_TEXT;
	if (!is_plain(builder, event, event->data.scalar.anchor, event->data.scalar.tag)) {
		kind = YAML_REFUSED;
	} else if (has_control(text)) {
		report_mistake(builder->report, line_of(event),
		               "holds a control character or a line end, which no value may have");
		kind = YAML_REFUSED;
	}
	struct yaml_node *node = node_add(builder, kind, event);
	if (node)
		node->text = text;
}

/* The start of a list or map; only texts may be keys. */
static void start_take(struct builder *builder, const yaml_event_t *event, enum yaml_kind kind,
                       const yaml_char_t *anchor, const yaml_char_t *tag)
{
	const struct yaml_node *parent = open_node(builder);
	if (parent && parent->kind == YAML_MAP && !builder->has_key) {
		give_up(builder, line_of(event), "a key must be a text");
		return;
	}
	(void)is_plain(builder, event, anchor, tag);
	node_open(builder, kind, event);
}

static void alias_take(struct builder *builder, const yaml_event_t *event)
{
	const struct yaml_node *parent = open_node(builder);
	report_mistake(builder->report, line_of(event),
	               "aliases (*%s) are not read; write the value out",
	               (const char *)event->data.alias.anchor);
	if (parent && parent->kind == YAML_MAP && !builder->has_key)
		builder->err = ERR_MALFORMED;
	else
		(void)node_add(builder, YAML_REFUSED, event);
}

static void document_take(struct builder *builder, const yaml_event_t *event)
{
	if (builder->had_document)
		give_up(builder, line_of(event), "a second document begins here; a file has one");
	else if (event->data.document_start.tag_directives.start !=
	         event->data.document_start.tag_directives.end)
		report_mistake(builder->report, line_of(event), "%%TAG is not read");
	builder->had_document = true;
}

static void event_take(struct builder *builder, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		document_take(builder, event);
		break;
	case YAML_ALIAS_EVENT:
		alias_take(builder, event);
		break;
	case YAML_SCALAR_EVENT:
		scalar_take(builder, event);
		break;
	case YAML_SEQUENCE_START_EVENT:
		start_take(builder, event, YAML_LIST, event->data.sequence_start.anchor,
		           event->data.sequence_start.tag);
		break;
	case YAML_MAPPING_START_EVENT:
		start_take(builder, event, YAML_MAP, event->data.mapping_start.anchor,
		           event->data.mapping_start.tag);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		builder->depth--;
		break;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
}

/* ---- the whole file -------------------------------------------------------------------------- */

/* Where the parser stopped; octets that are no UTF-8 have only an offset. */
static unsigned line_of_trouble(const yaml_parser_t *parser, struct bytes in)
{
	unsigned line = 1;
	if (parser->error != YAML_READER_ERROR)
		return (unsigned)parser->problem_mark.line + 1;
	for (size_t i = 0; i < in.len && i < parser->problem_offset; i++)
		line += in.at[i] == '\n';
	return line;
}

static void trouble_tell(struct builder *builder, const yaml_parser_t *parser, struct bytes in)
{
	size_t at = parser->problem_mark.index;
	bool tab = parser->error == YAML_SCANNER_ERROR && at < in.len && in.at[at] == '\t';
	builder->err = parser->error == YAML_MEMORY_ERROR ? ERR_NO_MEMORY : ERR_MALFORMED;
	report_mistake(builder->report, line_of_trouble(parser, in), "is not YAML: %s%s",
	               parser->problem ? parser->problem : "out of memory",
	               tab ? " (a tab: indent with blanks)" : "");
}

static void events_take(struct builder *builder, yaml_parser_t *parser, struct bytes in)
{
	bool ended = false;
	while (!ended && !builder->err) {
		yaml_event_t event;
		if (!yaml_parser_parse(parser, &event)) {
			trouble_tell(builder, parser, in);
			return;
		}
		event_take(builder, &event);
		ended = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
}

enum err yaml_read(struct bytes in, struct arena *arena, struct report *report,
                   struct yaml_node **ret)
{
	struct builder builder = {.arena = arena, .report = report};
	yaml_parser_t parser;
	*ret = ARENA_NEW(arena, struct yaml_node);
	if (!*ret)
		return ERR_NO_MEMORY;
	(*ret)->line = 1;
	if (in.len > YAML_INPUT_MAX) {
		report_mistake(report, 0, "is larger than %zu KiB", YAML_INPUT_MAX >> 10);
		return ERR_MALFORMED;
	}
	if (!yaml_parser_initialize(&parser))
		return ERR_NO_MEMORY;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)(in.len ? in.at : ""), in.len);
	events_take(&builder, &parser, in);
	yaml_parser_delete(&parser);
	struct yaml_node *root = builder.root;
	if (root && (root->kind == YAML_MAP || root->kind == YAML_NOTHING))
		*ret = root;
	else if (root && root->kind != YAML_REFUSED)
		report_mistake(report, root->line,
		               "must be keys and values, as in \"data: /var/lib/verifyd\"");
	return builder.err;
}
