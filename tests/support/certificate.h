/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that sign themselves, made when a test runs. */
#ifndef TESTS_SUPPORT_CERTIFICATE_H
#define TESTS_SUPPORT_CERTIFICATE_H

#define CERTIFICATE_PATH_MAX 256

struct certificate {
	char certificate[CERTIFICATE_PATH_MAX], key[CERTIFICATE_PATH_MAX]; /* PEM */
};

/* In the folder, which exists; for `names`, as in "DNS:a.example,DNS:*.b.example". `name` is its
 * subject and begins the names of its files. */
void certificate_make(const char *folder, const char *name, const char *names,
                      struct certificate *ret);

#endif
