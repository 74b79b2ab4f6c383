// SPDX-License-Identifier: Apache-2.0
// How libphonenumber-js, written anew from a newer release of the same metadata, differs from us:
// counts and examples by class. A reading aid, not a test: where the two libraries disagree,
// google-libphonenumber decides (test_agreement.js).
//
//   node second_opinion.js NUMBERING-LINES
'use strict';

const { createRequire } = require('node:module');
const path = require('node:path');
const { Lines } = require('./agreement');
const { Random, examplesOf, mutationsOf, randomOf } = require('./numbers');

const toolsRequire = createRequire(path.join(__dirname, '..', '..', 'tools', 'numbering-plan', 'package.json'));
const { parsePhoneNumberFromString } = toolsRequire('libphonenumber-js/max');
const { readCodes } = toolsRequire('./lib/metadata');

const TYPES = { FIXED_LINE: 'fixed', MOBILE: 'mobile', FIXED_LINE_OR_MOBILE: 'fixed-or-mobile',
  TOLL_FREE: 'toll-free', PREMIUM_RATE: 'premium', SHARED_COST: 'shared-cost', VOIP: 'voip',
  PERSONAL_NUMBER: 'personal', PAGER: 'pager', UAN: 'uan', VOICEMAIL: 'voicemail' };

/* Why the two answers differ, or null. */
function difference(ours, number) {
  const [status, digits, region, type, validity] = ours.split('\t');
  const theirs = Boolean(number?.isPossible());
  if (status !== 'ok') return theirs ? `we refuse (${status}), it is possible there` : null;
  if (!theirs) return validity === 'valid' ? 'valid here, not possible there' : 'possible here, not there';
  if (number.number !== digits) return 'another number';
  if (number.isValid() !== (validity === 'valid')) return `${validity} here, ${number.isValid() ? 'valid' : 'possible'} there`;
  if (validity !== 'valid') return null;
  if ((TYPES[number.getType()] ?? 'unknown') !== type) return 'another type';
  return (number.country ?? '001') === region ? null : 'another region';
}

async function main(program) {
  const lines = new Lines(program);
  const random = new Random(1);
  const classes = new Map();
  let compared = 0;
  for (const region of readCodes(toolsRequire('google-libphonenumber')).flatMap(({ regions }) => regions)) {
    const numbers = examplesOf(region);
    for (const example of examplesOf(region)) {
      for (const number of mutationsOf(example)) if (random.below(10) === 0) numbers.push(number);
    }
    numbers.push(...randomOf(region, random, 10));
    const texts = numbers.map((number) => `+${region.code}${number}`);
    const answers = await lines.ask(texts.map((text) => `i\t\t${text}`));
    texts.forEach((text, i) => {
      compared++;
      const name = difference(answers[i], parsePhoneNumberFromString(text));
      if (!name) return;
      const found = classes.get(name) ?? { count: 0, regions: new Map(), example: text };
      found.count++;
      found.regions.set(region.name, (found.regions.get(region.name) ?? 0) + 1);
      classes.set(name, found);
    });
  }
  await lines.stop();
  console.log(`${compared} compared`);
  for (const [name, { count, regions, example }] of [...classes].sort((a, b) => b[1].count - a[1].count)) {
    const most = [...regions].sort((a, b) => b[1] - a[1]).slice(0, 6).map(([r, n]) => `${r} ${n}`);
    console.log(`${String(count).padStart(6)}  ${name}: ${example}; ${regions.size} regions: ${most.join(', ')}`);
  }
}

main(process.argv[2]);
