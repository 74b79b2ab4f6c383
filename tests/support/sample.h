/* SPDX-License-Identifier: Apache-2.0 */
/* Records to try stores with. Each number stands for other ids, numbers and texts. */
#ifndef TESTS_SUPPORT_SAMPLE_H
#define TESTS_SUPPORT_SAMPLE_H

#include "core/record.h"

#define SAMPLE_MS INT64_C(1790000000000)

/* 447900 and nine digits. */
struct number sample_number(unsigned n);
/* The `n`th id of a record about `number` made at `at_ms`. */
struct id sample_id(int64_t at_ms, const struct number *number, unsigned n);

/* A live one of PURPOSE_NUMBER made at SAMPLE_MS that lives ten minutes; no slot. */
struct verification sample_verification(unsigned n);
struct budget sample_budget(unsigned n);
struct failures sample_failures(unsigned n);
/* Queued for `v`, due at once, expiring with it. */
struct message sample_message(unsigned n, const struct verification *v);
struct event sample_event(unsigned n);
struct tenant sample_tenant(void);
struct client sample_client(void);
struct line sample_line(unsigned n);
/* Of tenant acme, with nothing but an id (u-N) and a sequence of 1. */
struct user sample_user(unsigned n);
struct key sample_key(unsigned n);
struct session sample_session(unsigned n);
struct system sample_system(void);

#endif
