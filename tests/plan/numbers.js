// SPDX-License-Identifier: Apache-2.0
// The numbers that the plan is tried with: examples of the metadata, their neighbours, random ones.
'use strict';

/** Numbers below 2^32 from a seed: xorshift128 (Marsaglia 2003). */
class Random {
  constructor(seed) {
    this.state = [seed >>> 0 || 1, 362436069, 521288629, 88675123];
    for (let i = 0; i < 16; i++) this.next();
  }

  next() {
    const [x, y, z, w] = this.state;
    const t = x ^ (x << 11);
    const value = (w ^ (w >>> 19) ^ t ^ (t >>> 8)) >>> 0;
    this.state = [y, z, w, value];
    return value;
  }

  below(limit) {
    return this.next() % limit;
  }

  digits(length) {
    let text = '';
    while (text.length < length) text += this.below(10);
    return text;
  }
}

/** Every national number that the metadata gives as an example of `region`. */
function examplesOf(region) {
  const found = [region.general, ...Object.values(region.types)].map((desc) => desc?.example);
  return [...new Set(found.filter(Boolean))];
}

/** All numbers that are one digit more, one less, or one changed. */
function* mutationsOf(number) {
  for (let i = 0; i <= number.length; i++) {
    if (i < number.length) yield number.slice(0, i) + number.slice(i + 1);
    for (let d = 0; d < 10; d++) {
      yield number.slice(0, i) + d + number.slice(i);
      if (i < number.length && number[i] !== String(d)) {
        yield number.slice(0, i) + d + number.slice(i + 1);
      }
    }
  }
}

/** `count` random national numbers of each length from 1 to 17, and a quarter as many more that
 * begin as an example does, so that ranges are met and not only missed. */
function* randomOf(region, random, count) {
  const examples = examplesOf(region);
  for (let length = 1; length <= 17; length++) {
    for (let i = 0; i < count; i++) yield random.digits(length);
    for (let i = 0; i < count / 4 && examples.length; i++) {
      const example = examples[random.below(examples.length)];
      const kept = example.slice(0, 1 + random.below(Math.min(example.length, length)));
      yield kept + random.digits(length - kept.length);
    }
  }
}

module.exports = { Random, examplesOf, mutationsOf, randomOf };
