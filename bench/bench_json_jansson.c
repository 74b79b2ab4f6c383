/* SPDX-License-Identifier: Apache-2.0 */
#include "bench_json.h"

#include <jansson.h>
#include <stdlib.h>

void jansson_once(struct arena *arena)
{
	static const char *const names[] = {"to", "from", "countryIsoCode", "body"};
	(void)arena;
	json_t *tree = json_loadb(bench_body.at, bench_body.len, JSON_ALLOW_NUL, NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!json_string_value(json_object_get(tree, names[i])))
			abort();
	json_decref(tree);
}
