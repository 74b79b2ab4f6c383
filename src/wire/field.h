/* SPDX-License-Identifier: Apache-2.0 */
/* One header field or trailer, whichever version of HTTP carried it. */
#ifndef WIRE_FIELD_H
#define WIRE_FIELD_H

#include "base/bytes.h"

struct http_field {
	struct bytes name;
	struct bytes value;
};

#endif
