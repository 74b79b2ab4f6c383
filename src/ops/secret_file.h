/* SPDX-License-Identifier: Apache-2.0 */
/* data/secret.key: the secret key of a server that was given none. Made at the first start. */
#ifndef OPS_SECRET_FILE_H
#define OPS_SECRET_FILE_H

#include "base/problem.h"
#include "core/code.h"
#include "ops/config.h"

#include <stdint.h>

/* The id under which records name the key of this file. */
#define SECRET_FILE_ID "local"

/* Makes the folder (mode 0700) when it is not there. False: *reterr says what is wrong with which
 * folder and what to do. */
bool data_folder_make(const char *folder, struct problem *reterr);
/* Reads <folder>/secret.key, or makes it (mode 0600, on disk before this returns) where there is no
 * database yet. Refuses one that others may read, or that is another user's. False: *reterr says
 * what is wrong with which file. */
bool secret_file_load(const char *folder, uint8_t ret[SECRET_KEY_LEN], struct problem *reterr);

/* The keys of the configuration, or the folder's own, made at the first start. The ids are borrowed
 * from `config`; wipe `ret` after use. */
bool secret_keys_load(const struct config *config, struct secret_key ret[SECRET_KEYS_MAX],
                      size_t *ret_n, struct problem *reterr);

#endif
