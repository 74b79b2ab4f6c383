// SPDX-License-Identifier: Apache-2.0
// From the metadata to what the C tables hold: one pool of states, and where in it the automata of
// each region and calling code begin. Follows libphonenumber's own order of questions, so that an
// automaton's mark is the answer that its ladder of regular expressions would have come to.
'use strict';

const { Pool, Questions, buildBeginning } = require('./automata');

const DIGITS_MAX = 15;
// What is looked at before a national prefix is cut may be longer than a number.
const INPUT_MAX = 32;

const TYPE_NAMES = ['UNKNOWN', 'MOBILE', 'FIXED', 'FIXED_OR_MOBILE', 'TOLL_FREE', 'PREMIUM',
  'SHARED_COST', 'VOIP', 'PERSONAL', 'PAGER', 'UAN', 'VOICEMAIL'];
const SPECIAL = { premium: 'PREMIUM', tollFree: 'TOLL_FREE', sharedCost: 'SHARED_COST', voip: 'VOIP',
  personal: 'PERSONAL', pager: 'PAGER', uan: 'UAN', voicemail: 'VOICEMAIL' };

/** Rows that are told apart by their JSON; equal ones get one index. */
class Rows {
  constructor(...first) {
    this.rows = [];
    this.known = new Map();
    first.forEach((row) => this.index(row));
  }

  index(row) {
    const key = JSON.stringify(row);
    if (!this.known.has(key)) {
      this.known.set(key, this.rows.length);
      this.rows.push(row);
    }
    return this.known.get(key);
  }
}

/* PhoneNumberUtil.isNumberMatchingDesc_ */
const hasLength = (desc, length) => desc.lengths.length === 0 || desc.lengths.includes(length);

/* PhoneNumberUtil.getNumberTypeHelper_ */
function typeOf(region, ask) {
  const is = (name) => {
    const desc = name === 'general' ? region.general : region.types[name];
    return Boolean(desc) && ask(name, desc);
  };
  if (!is('general')) return 'UNKNOWN';
  for (const [name, type] of Object.entries(SPECIAL)) if (is(name)) return type;
  if (is('fixed')) return region.sameMobileAndFixed || is('mobile') ? 'FIXED_OR_MOBILE' : 'FIXED';
  return !region.sameMobileAndFixed && is('mobile') ? 'MOBILE' : 'UNKNOWN';
}

/* What a national number of this calling code is: type, region + 1 (0: only the main one can be
 * named), and whether it is a short code there and nothing else. */
function buildClasses(pool, { code, regions, shorts }) {
  const questions = new Questions();
  regions.forEach((region, r) => {
    if (region.leading) questions.beginning(region.leading, `${r} leading`);
    for (const [name, desc] of [['general', region.general], ...Object.entries(region.types)]) {
      if (desc && desc.pattern) questions.whole(desc.pattern, `${r} ${name}`);
    }
  });
  shorts.forEach((short, s) => {
    questions.whole(short.general.pattern, `short ${s} general`);
    if (short.code.pattern) questions.whole(short.code.pattern, `short ${s} code`);
  });

  const markOf = (tags, length) => {
    /* PhoneNumberUtil.getRegionCodeForNumberFromRegionList_; a lone region needs no proof */
    let found = 0;
    let type = 'UNKNOWN';
    for (let r = 0; r < regions.length && !found; r++) {
      const own = typeOf(regions[r], (name, desc) => tags.has(`${r} ${name}`) && hasLength(desc, length));
      const leads = regions.length > 1 && regions[r].leading;
      if (leads ? tags.has(`${r} leading`) : own !== 'UNKNOWN') {
        found = r + 1;
        type = own;
      }
    }
    /* ShortNumberInfo.isValidShortNumberForRegion, of any region */
    const short = type === 'UNKNOWN' && shorts.some(({ general, code }, s) =>
      tags.has(`short ${s} general`) && hasLength(general, length) &&
      tags.has(`short ${s} code`) && hasLength(code, length));
    return TYPE_NAMES.indexOf(type) | (found === 1 && type === 'UNKNOWN' ? 0 : found) << 4 | short << 9;
  };
  return questions.build(pool, DIGITS_MAX - String(code).length, markOf);
}

function buildGeneral(pool, pattern) {
  const questions = new Questions();
  questions.whole(pattern, 'general');
  return questions.build(pool, INPUT_MAX, (tags) => (tags.has('general') ? 1 : 0));
}

/* PhoneNumberUtil.maybeStripNationalPrefixAndCarrierCode: the match is cut off; with a transform
 * and a match of its last group, the transform's digits and that group come in its place. */
function buildNationalPrefix(pool, cuts, { name, nationalPrefix, transform }) {
  if (!nationalPrefix) return pool.nothing;
  const rule = /^(\d*)\$(\d)$/.exec(transform);
  const groups = new RegExp(`${nationalPrefix}|`).exec('').length - 1;
  if (transform && (!rule || Number(rule[2]) !== groups)) {
    throw new Error(`${name}: transform ${transform} of ${nationalPrefix} is of a new kind`);
  }
  return buildBeginning(pool, nationalPrefix, (saves) => {
    if (!saves) return 0;
    const [from, to] = [saves[2 * groups], saves[2 * groups + 1]];
    if (!rule || to === undefined || to === from) {
      return cuts.index({ cut: saves[1], from: 0, to: 0, insert: '' });
    }
    return cuts.index({ cut: saves[1], from, to, insert: rule[1] });
  });
}

function buildInternationalPrefix(pool, cuts, { internationalPrefix }) {
  if (!internationalPrefix) return pool.nothing;
  return buildBeginning(pool, internationalPrefix, (saves) =>
    (saves ? cuts.index({ cut: saves[1], from: 0, to: 0, insert: '' }) : 0));
}

/* How many digits each group of a format's pattern takes of a number of `length`: as many as leave
 * enough to the groups behind it. Null where the length does not fit. */
function groupWidths(pattern, length) {
  if (!/^(\(\\d(\{\d+(,\d+)?\})?\))+$/.test(pattern)) {
    throw new Error(`format pattern ${pattern} is of a new kind`);
  }
  const groups = [...pattern.matchAll(/\\d(?:\{(\d+)(?:,(\d+))?\})?/g)].map(([, min = 1, max = min]) =>
    ({ min: Number(min), max: Number(max) }));
  let left = length;
  let behind = groups.reduce((sum, { min }) => sum + min, 0);
  const widths = groups.map(({ min, max }) => {
    behind -= min;
    const width = Math.min(max, left - behind);
    left -= width;
    return width >= min ? width : NaN;
  });
  return left === 0 && !widths.some(Number.isNaN) ? widths : null;
}

/* A layout for numbers of `length` digits: `#` writes the next digit, `~` skips it, all else is
 * written as it is. */
function layoutOf({ pattern, format }, length) {
  const widths = groupWidths(pattern, length);
  if (!widths || /[#~]/.test(format)) throw new Error(`format ${format} of ${pattern} does not fit`);
  let text = '';
  let next = 1;
  for (const [, group, literal] of format.matchAll(/\$(\d)|([^$])/g)) {
    if (literal) {
      text += literal;
      continue;
    }
    if (Number(group) < next) throw new Error(`format ${format} turns its groups round`);
    for (; next < Number(group); next++) text += '~'.repeat(widths[next - 1]);
    text += '#'.repeat(widths[next++ - 1]);
  }
  return text;
}

/* PhoneNumberUtil.formatNsnUsingPattern_: the national prefix goes where the first group stands. */
function nationalFormat({ format, nationalPrefixRule }) {
  return nationalPrefixRule ? format.replace(/(\$\d)/, nationalPrefixRule) : format;
}

/* Which layouts a national number of this calling code has, at home and abroad: as an index into
 * `layouts`; 0: none. PhoneNumberUtil.chooseFormattingPatternForNumber_ takes the first that fits,
 * and asks only the last of a layout's leading digits. */
function buildLayouts(pool, layouts, { code, regions: [main] }) {
  const home = main.layouts;
  const abroad = main.internationalLayouts.length ? main.internationalLayouts : home;
  const questions = new Questions();
  const ask = (list, side) => list.forEach((row, i) => {
    questions.whole(row.pattern, `${side} ${i}`);
    if (row.leading.length) questions.beginning(row.leading.at(-1), `${side} ${i} leading`);
  });
  ask(home, 'home');
  ask(abroad, 'abroad');
  const choose = (list, side, tags) => list.find((row, i) =>
    tags.has(`${side} ${i}`) && (!row.leading.length || tags.has(`${side} ${i} leading`)));
  return questions.build(pool, DIGITS_MAX - String(code).length, (tags, length) => {
    const atHome = choose(home, 'home', tags);
    const outside = choose(abroad, 'abroad', tags);
    if (!atHome && !outside) return 0;
    return layouts.index([
      atHome ? layoutOf({ pattern: atHome.pattern, format: nationalFormat(atHome) }, length) : '',
      outside ? layoutOf(outside, length) : '',
    ]);
  });
}

const bits = (lengths) => lengths.reduce((mask, length) => (length > 0 ? mask | (1 << length) : mask), 0);

function buildPlan(codes) {
  const pool = new Pool();
  const cuts = new Rows(null);
  const layouts = new Rows(['', '']);
  const regions = [];
  const rows = codes.map((entry) => {
    const first = regions.length;
    for (const region of entry.regions) {
      regions.push({
        name: region.name,
        code: region.code,
        lengths: bits(region.general.lengths),
        localLengths: bits(region.general.localLengths),
        general: buildGeneral(pool, region.general.pattern),
        nationalPrefix: buildNationalPrefix(pool, cuts, region),
        internationalPrefix: buildInternationalPrefix(pool, cuts, region),
      });
    }
    return {
      code: entry.code,
      first,
      count: entry.regions.length,
      classes: buildClasses(pool, entry),
      layouts: buildLayouts(pool, layouts, entry),
    };
  });
  return { states: pool.states, cuts: cuts.rows, layouts: layouts.rows, regions, codes: rows };
}

module.exports = { DIGITS_MAX, INPUT_MAX, TYPE_NAMES, buildPlan };
