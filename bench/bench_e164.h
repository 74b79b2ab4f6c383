/* SPDX-License-Identifier: Apache-2.0 */
/* What bench_e164.c and its peer share: C on both sides. */
#ifndef BENCH_BENCH_E164_H
#define BENCH_BENCH_E164_H

#ifdef __cplusplus
extern "C" {
#endif

/* libphonenumber reads `text`, national digits by `region` (alpha-2). False: it does not. */
int peer_parse(const char *text, const char *region);
/* And says what e164_parse says too: possible or not, region, type, E.164. */
int peer_examine(const char *text, const char *region);

#ifdef __cplusplus
}
#endif

#endif
