// SPDX-License-Identifier: Apache-2.0
// Does the program read numbers as google-libphonenumber of the same release does?
//
//   node test_agreement.js NUMBERING-LINES         a seeded sample, under a minute
//   NUMBERS=all node test_agreement.js …           everything; ten minutes
//   SEED=7 node test_agreement.js …                other random numbers; the seed is printed
//
// Exits 77 (skipped) where `npm ci` was not run in tools/numbering-plan.
'use strict';

const assert = require('node:assert');
const { createRequire } = require('node:module');
const path = require('node:path');
const test = require('node:test');

const TOOLS = path.join(__dirname, '..', '..', 'tools', 'numbering-plan');
const toolsRequire = createRequire(path.join(TOOLS, 'package.json'));

let library;
try {
  library = toolsRequire('google-libphonenumber');
} catch {
  console.log('SKIP: npm ci was not run in tools/numbering-plan');
  process.exit(77);
}
const { readCodes } = toolsRequire('./lib/metadata');
const { makeOracle } = require('./oracle');
const { Lines, compare } = require('./agreement');
const { Random, examplesOf, mutationsOf, randomOf } = require('./numbers');

const all = process.env.NUMBERS === 'all';
const seed = Number(process.env.SEED ?? 1);
const random = new Random(seed);
const regions = readCodes(library).flatMap(({ regions: list }) => list);
const lines = new Lines(process.argv[2]);
const expect = makeOracle(library);

/* International, and national where the number has a country. */
function* bothWays(region, national) {
  yield { digits: `+${region.code}${national}` };
  if (region.name !== '001') yield { digits: national, region: region.name };
}

/* One of so many in the everyday run. */
const sampled = (one) => all || random.below(one) === 0;

function* exampleCases() {
  for (const region of regions) {
    for (const example of examplesOf(region)) yield* bothWays(region, example);
  }
}

/* The digits that other ways of writing the same number leave: calling code, national prefix and
 * international prefix before it. */
function* spellingCases() {
  for (const region of regions) {
    for (const example of examplesOf(region)) {
      for (const before of ['0', '1', '8', '00', '9', '06', `00${region.code}`, `011${region.code}`,
        `0011${region.code}`, `810${region.code}`, `${region.code}0`, `${region.code}`]) {
        yield* bothWays(region, before + example);
      }
    }
  }
}

function* mutationCases() {
  for (const region of regions) {
    for (const example of examplesOf(region)) {
      for (const number of mutationsOf(example)) if (sampled(5)) yield* bothWays(region, number);
    }
  }
}

function* randomCases() {
  for (const region of regions) {
    for (const number of randomOf(region, random, all ? 2000 : 40)) yield* bothWays(region, number);
  }
}

async function agree(t, cases) {
  const result = await compare(lines, expect, cases());
  t.diagnostic(`seed ${seed}: ${result.compared} compared, ${result.accepted} accepted, ` +
    `${result.valid} valid; equal ${result.equal}, tolerated ${JSON.stringify(result.tolerated)}, ` +
    `parted ${result.partedCount ?? 0}`);
  assert.deepStrictEqual(result.parted, []);
  assert.ok(result.accepted > 0);
}

test('examples of every region and type', (t) => agree(t, exampleCases));
test('examples behind prefixes', (t) => agree(t, spellingCases));
test('examples with one digit more, less or changed', (t) => agree(t, mutationCases));
test('random national numbers of 1 to 17 digits', (t) => agree(t, randomCases));
test('the program ends well', async () => assert.strictEqual(await lines.stop(), 0));
