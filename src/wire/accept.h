/* SPDX-License-Identifier: Apache-2.0 */
/* Accept fields (RFC 9110 section 12.5.1): what weight a client gives to a media type. No policy:
 * which of two types an API prefers is the API's. */
#ifndef WIRE_ACCEPT_H
#define WIRE_ACCEPT_H

#include "wire/field.h"

#define ACCEPT_WEIGHT_MAX 1000

/* The weight, 0 (not wanted) to ACCEPT_WEIGHT_MAX, that all Accept fields together give to `type`
 * ("application/json", in lower case). The most specific range that fits decides; of equal ones the
 * greater weight. Parameters other than q are ignored, and so are elements that make no sense.
 * Without any Accept field everything is welcome. */
int accept_weight(const struct http_field *fields, size_t fields_n, struct bytes type);

#endif
