/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords and chosen secrets as Argon2id PHC strings (RFC 9106; 19 MiB, t=2, p=1). Both calls
 * take about 20 ms of a core and 19 MiB: never on a loop thread. */
#ifndef BASE_PASSWORD_H
#define BASE_PASSWORD_H

#include "base/bytes.h"
#include "base/err.h"

#define PASSWORD_HASH_MAX 128 /* with its NUL */
#define PASSWORD_MAX 1024     /* octets of a password; longer ones are refused by those who read */

MUST_CHECK enum err password_hash(struct bytes password, char ret[PASSWORD_HASH_MAX]);
/* Whether `password` is the one that `hash` was made of. */
bool password_matches(struct bytes hash, struct bytes password);
/* Whether `text` is a hash that password_matches can read: PHC with the prefix $argon2id$, and
 * parameters that do not cost more than 64 MiB or t=16. */
bool password_is_hash(struct bytes text);

#endif
