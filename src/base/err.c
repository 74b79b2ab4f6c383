/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <assert.h>

const char *err_text(enum err err)
{
	static const char *const texts[ERR_COUNT] = {
	    [OK] = "ok",
#define ERR(name, text) [ERR_##name] = text,
#include "base/err.def"
#undef ERR
	};
	assert(err < ERR_COUNT);
	return texts[err];
}
