// SPDX-License-Identifier: Apache-2.0
// Writes a plan as C: plan.h says what the tables mean, plan.c holds them.
'use strict';

const { TYPE_NAMES } = require('./plan');
const alpha3 = require('./iso3166');

const INSERT_MAX = 4;
const FORMAT_MAX = 34; // with "+999 " and the NUL it fits E164_FORMAT_MAX

const OPENING = (version) => `/* SPDX-License-Identifier: Apache-2.0 */
/* Made by tools/numbering-plan/generate from ${version}; do not edit.
 * The data is that of libphonenumber, Copyright The Libphonenumber Authors, Apache-2.0. */
`;

const header = (version) => `${OPENING(version)}/* The world's numbering plans as tables for wire/e164. Each pattern of the plan is an automaton in
 * one pool of states that all of them share: begin at a state, follow one digit after the other,
 * and the mark of the last state is the answer. Mark 0 is "no". */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include <stdint.h>

#define PLAN_VERSION "${version}"

/* A state that follows itself does so on every digit: the walk may end early. State 0 is one. */
struct plan_state {
	uint16_t next[10];
	uint16_t mark;
};

/* Marks of a calling code's \`classes\`, asked with a whole national number. */
enum {
	PLAN_MARK_TYPE = 0xF,       /* enum plan_type */
	PLAN_MARK_REGION_SHIFT = 4, /* which region of the code, from 1; 0: no telling */
	PLAN_MARK_REGION = 0x1F,
	PLAN_MARK_SHORT = 1 << 9, /* a short code of some region of the code, and nothing else */
};

enum plan_type {
${TYPE_NAMES.map((name) => `\tPLAN_${name},`).join('\n')}
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

/* What becomes of a number that begins with a prefix: \`cut\` digits go, and \`insert\` and the digits
 * from \`from\` to before \`to\` come in their place. */
struct plan_cut {
	uint8_t cut, from, to;
	char insert[${INSERT_MAX + 1}];
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
`;

/* Values side by side in lines of at most 100 columns. */
function fill(values) {
  const lines = [];
  let line = '\t';
  for (const value of values) {
    if (line.length + value.length + 2 > 92) {
      lines.push(line.trimEnd());
      line = '\t';
    }
    line += `${value}, `;
  }
  lines.push(line.trimEnd());
  return lines.join('\n');
}

const table = (declaration, values) => `const ${declaration} = {\n${fill(values)}\n};\n`;
const hex = (mask) => `0x${mask.toString(16).toUpperCase()}`;

function checkWidths(plan) {
  const most = (limit, what, value) => {
    if (value > limit) throw new Error(`${what}: ${value} is over ${limit}`);
  };
  most(0xffff, 'states', plan.states.length);
  most(0xff, 'calling codes', plan.codes.length);
  plan.codes.forEach((row) => most(0x1f, `regions of ${row.code}`, row.count));
  plan.cuts.forEach((row) => row && most(INSERT_MAX, 'digits of an insert', row.insert.length));
  plan.layouts.flat().forEach((text) => most(FORMAT_MAX, 'characters of a layout', text.length));
  for (const { code } of plan.codes) {
    const text = String(code);
    most(3, 'digits of a calling code', text.length);
    if (plan.codes.some((other) => other.code !== code && String(other.code).startsWith(text))) {
      throw new Error(`calling code ${code} begins another one`);
    }
  }
}

function layoutTables(layouts) {
  const offsets = new Map([['', 0]]);
  let length = 1;
  const lines = ['\t"\\0"'];
  for (const text of layouts.flat()) {
    if (offsets.has(text)) continue;
    offsets.set(text, length);
    length += text.length + 1;
    lines.push(`\t"${text}\\0"`);
  }
  const rows = layouts.map(([home, abroad]) => `{${offsets.get(home)}, ${offsets.get(abroad)}}`);
  return `${table('struct plan_layout plan_layouts[]', rows)}
const char plan_layout_text[] =
${lines.join('\n')};
`;
}

function source(version, plan) {
  const regionOfCode = new Map();
  const codeIndex = Array(1000).fill(0);
  plan.codes.forEach((row, i) => {
    codeIndex[row.code] = i + 1;
    for (let r = 0; r < row.count; r++) regionOfCode.set(row.first + r, i + 1);
  });
  const alpha2 = Array(26 * 26).fill(0);
  const names = [];
  plan.regions.forEach(({ name }, i) => {
    if (name === '001') return;
    alpha2[(name.charCodeAt(0) - 65) * 26 + name.charCodeAt(1) - 65] = i + 1;
    if (alpha3.has(name)) names.push([alpha3.get(name), i]);
  });
  names.sort(([a], [b]) => (a < b ? -1 : 1));
  const inserted = ({ cut, from, to, insert }) => `{${cut}, ${from}, ${to}, "${insert}"}`;
  const parts = [
    table('struct plan_state plan_states[]',
      plan.states.map(({ mark, next }) => `{{${next.join()}},${mark}}`)),
    table('struct plan_region plan_regions[]', plan.regions.map((r, i) =>
      `{"${r.name}", ${regionOfCode.get(i)}, ${r.general}, ${r.nationalPrefix}, ` +
      `${r.internationalPrefix}, ${hex(r.lengths)}, ${hex(r.localLengths)}}`)),
    table('struct plan_code plan_codes[]', ['{0, 0, 0, 0, 0}', ...plan.codes.map((c) =>
      `{${c.code}, ${c.first}, ${c.count}, ${c.classes}, ${c.layouts}}`)]),
    table('uint8_t plan_code_index[1000]', codeIndex.map(String)),
    table('uint16_t plan_alpha2[26 * 26]', alpha2.map(String)),
    table('struct plan_alpha3 plan_alpha3[]', names.map(([name, i]) => `{"${name}", ${i}}`)),
    table('struct plan_cut plan_cuts[]', plan.cuts.map((row) => inserted(row ?? { cut: 0, from: 0, to: 0, insert: '' }))),
    layoutTables(plan.layouts),
    `const unsigned plan_regions_n = ${plan.regions.length};
const unsigned plan_codes_n = ${plan.codes.length + 1};
const unsigned plan_alpha3_n = ${names.length};
const unsigned plan_size = sizeof(plan_states) + sizeof(plan_regions) + sizeof(plan_codes) +
			   sizeof(plan_code_index) + sizeof(plan_alpha2) + sizeof(plan_alpha3) +
			   sizeof(plan_cuts) + sizeof(plan_layouts) + sizeof(plan_layout_text);
`,
  ];
  return `${OPENING(version)}/* clang-format off */\n#include "plan/plan.h"\n\n${parts.join('\n')}`;
}

/** The two files by name. */
function writeTables(version, plan) {
  checkWidths(plan);
  return { 'plan.h': header(version), 'plan.c': source(version, plan) };
}

module.exports = { writeTables };
