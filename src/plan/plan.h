/* SPDX-License-Identifier: Apache-2.0 */
/* Made by tools/numbering-plan/generate from google-libphonenumber 3.2.47; do not edit.
 * The data is that of libphonenumber, Copyright The Libphonenumber Authors, Apache-2.0. */
/* The world's numbering plans as tables for wire/e164. Each pattern of the plan is an automaton in
 * one pool of states that all of them share: begin at a state, follow one digit after the other,
 * and the mark of the last state is the answer. Mark 0 is "no". */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include <stdint.h>

#define PLAN_VERSION "google-libphonenumber 3.2.47"

/* A state that follows itself does so on every digit: the walk may end early. State 0 is one. */
struct plan_state {
	uint16_t next[10];
	uint16_t mark;
};

/* Marks of a calling code's `classes`, asked with a whole national number. */
enum {
	PLAN_MARK_TYPE = 0xF,       /* enum plan_type */
	PLAN_MARK_REGION_SHIFT = 4, /* which region of the code, from 1; 0: no telling */
	PLAN_MARK_REGION = 0x1F,
	PLAN_MARK_SHORT = 1 << 9, /* a short code of some region of the code, and nothing else */
};

enum plan_type {
	PLAN_UNKNOWN,
	PLAN_MOBILE,
	PLAN_FIXED,
	PLAN_FIXED_OR_MOBILE,
	PLAN_TOLL_FREE,
	PLAN_PREMIUM,
	PLAN_SHARED_COST,
	PLAN_VOIP,
	PLAN_PERSONAL,
	PLAN_PAGER,
	PLAN_UAN,
	PLAN_VOICEMAIL,
};

struct plan_region {
	char name[4];                  /* alpha-2, or 001 */
	uint16_t code;                 /* row of plan_codes */
	uint16_t general;              /* mark 1: may be a national number, its length apart */
	uint16_t national_prefix;      /* marks are rows of plan_cuts */
	uint16_t international_prefix; /* the same */
	uint32_t lengths;              /* bit n: whole national numbers have n digits */
	uint32_t local_lengths;        /* bit n: n digits are dialled within an area */
};

struct plan_code {
	uint16_t code;
	uint16_t regions_at; /* its rows of plan_regions, the main one first */
	uint16_t regions_n;
	uint16_t classes;
	uint16_t layouts; /* marks are rows of plan_layouts */
};

/* What becomes of a number that begins with a prefix: `cut` digits go, and `insert` and the digits
 * from `from` to before `to` come in their place. */
struct plan_cut {
	uint8_t cut, from, to;
	char insert[5];
};

/* Where in plan_layout_text the layouts of a national number begin: # writes the next digit,
 * ~ skips it, everything else stands for itself. Empty: no layout. */
struct plan_layout {
	uint16_t home, abroad;
};

struct plan_alpha3 {
	char name[4];
	uint16_t region;
};

extern const struct plan_state plan_states[];
extern const struct plan_region plan_regions[];
extern const struct plan_code plan_codes[];    /* row 0: no such code */
extern const uint8_t plan_code_index[1000];    /* by calling code: row of plan_codes */
extern const uint16_t plan_alpha2[26 * 26];    /* row of plan_regions + 1; 0: unknown */
extern const struct plan_alpha3 plan_alpha3[]; /* sorted */
extern const struct plan_cut plan_cuts[];
extern const struct plan_layout plan_layouts[];
extern const char plan_layout_text[];
extern const unsigned plan_regions_n, plan_codes_n, plan_alpha3_n;
extern const unsigned plan_size; /* octets of all the tables */

#endif
