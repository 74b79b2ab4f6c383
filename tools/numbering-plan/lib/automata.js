// SPDX-License-Identifier: Apache-2.0
// The automata of all countries in one pool of states. A state has ten followers, one a digit, and
// a mark: what is known when the input ends there. Two states with the same mark and the same
// followers are one state, whichever pattern or country they come from, so that the pool is
// minimal as far as states without loops go; the only loops are states that follow themselves on
// every digit ("nothing that comes can change the answer").
'use strict';

const { ANY_DIGIT, parse, compile } = require('./pattern');

class Pool {
  constructor() {
    this.states = [];
    this.known = new Map();
    this.nothing = this.forever(0); // state 0: no match any more
  }

  /** The state whose answer is `mark` whatever follows. */
  forever(mark) {
    const key = `forever ${mark}`;
    if (!this.known.has(key)) {
      const id = this.states.length;
      this.states.push({ mark, next: Array(10).fill(id) });
      this.known.set(key, id);
    }
    return this.known.get(key);
  }

  state(mark, next) {
    if (next.every((id) => id === next[0]) && this.known.get(`forever ${mark}`) === next[0]) {
      return next[0];
    }
    const key = `${mark} ${next.join()}`;
    if (!this.known.has(key)) {
      this.known.set(key, this.states.length);
      this.states.push({ mark, next });
    }
    return this.known.get(key);
  }
}

/** Several patterns asked at once, each under its own tag. */
class Questions {
  constructor() {
    this.program = [];
    this.begins = [];
  }

  /** Matches when the whole input does. */
  whole(text, tag) {
    const accept = this.program.push({ op: 'accept', tag }) - 1;
    this.begins.push(compile(this.program, parse(text).tree, accept));
  }

  /** Matches when the beginning of the input does. */
  beginning(text, tag) {
    const accept = this.program.push({ op: 'accept', tag, sticky: true }) - 1;
    this.begins.push(compile(this.program, parse(text).tree, accept));
  }

  /** The instructions reached from `from` that read a digit or accept, sorted. */
  closure(from) {
    const seen = new Set();
    const found = new Set();
    const visit = (at) => {
      if (seen.has(at)) return;
      seen.add(at);
      const { op, to } = this.program[at];
      if (op === 'split') to.forEach(visit);
      else if (op === 'save') visit(to);
      else if (op === 'end') throw new Error('$ inside a pattern that matches whole numbers');
      else found.add(at);
    };
    from.forEach(visit);
    return [...found].sort((a, b) => a - b);
  }

  step(set, digit) {
    const next = [];
    for (const at of set) {
      const { op, mask, to, sticky } = this.program[at];
      if (op === 'set' && mask & (1 << digit)) next.push(to);
      else if (sticky) next.push(at);
    }
    return this.closure(next);
  }

  /** Builds the automaton for inputs of at most `maxLength` digits; `markOf(tags, length)` says
   * what an input that answered these questions with yes is. Returns its first state. */
  build(pool, maxLength, markOf) {
    const made = new Map();
    const make = (set, length) => {
      if (set.length === 0) return pool.nothing;
      const key = `${length} ${set.join()}`;
      if (made.has(key)) return made.get(key);
      const tags = new Set(set.map((at) => this.program[at]).filter((i) => i.op === 'accept').map((i) => i.tag));
      const mark = markOf(tags, length);
      let id;
      if (set.every((at) => this.program[at].sticky)) {
        id = pool.forever(mark);
      } else {
        const next = [];
        for (let d = 0; d < 10; d++) {
          next.push(length < maxLength ? make(this.step(set, d), length + 1) : pool.nothing);
        }
        id = pool.state(mark, next);
      }
      made.set(key, id);
      return id;
    };
    return make(this.closure(this.begins), 0);
  }
}

/** What a backtracking engine would do with `text` at the beginning of an input, made
 * deterministic: threads are kept in order of preference, each with the places that it noted.
 * `markOf(saves)` names a match; saves[0] and [1] bound all of it, [2n] and [2n + 1] group n. */
function buildBeginning(pool, text, markOf) {
  const program = [];
  const accept = program.push({ op: 'accept' }) - 1;
  const begin = compile(program, parse(text).tree, accept);

  /* The threads after silent steps, cut behind the first that matches; that one's saves. */
  const settle = (threads, position, atEnd) => {
    const seen = new Set();
    const live = [];
    let match = null;
    const visit = (at, saves) => {
      if (match || seen.has(at)) return;
      seen.add(at);
      const { op, to, slot } = program[at];
      if (op === 'accept') match = Object.assign([...saves], { 0: 0, 1: position });
      else if (op === 'split') to.forEach((next) => visit(next, saves));
      else if (op === 'save') visit(to, Object.assign([...saves], { [slot]: position }));
      else if (op === 'end') atEnd && visit(to, saves);
      else live.push({ at, saves });
    };
    threads.forEach(({ at, saves }) => visit(at, saves));
    return { live, match };
  };

  const made = new Map();
  const make = (threads, position, best) => {
    const key = JSON.stringify([threads, position, best]);
    if (made.has(key)) return made.get(key);
    const ended = settle(threads, position, true);
    const going = settle(threads, position, false);
    const mark = markOf(ended.match ?? best);
    const better = going.match ?? best;
    let id;
    if (going.live.length === 0) {
      id = pool.forever(markOf(better));
      if (markOf(better) !== mark) id = pool.state(mark, Array(10).fill(id));
    } else {
      const next = [];
      for (let d = 0; d < 10; d++) {
        const moved = going.live
          .filter(({ at }) => program[at].mask & (1 << d))
          .map(({ at, saves }) => ({ at: program[at].to, saves }));
        next.push(make(moved, position + 1, better));
      }
      id = pool.state(mark, next);
    }
    made.set(key, id);
    return id;
  };
  return make([{ at: begin, saves: [] }], 0, null);
}

module.exports = { ANY_DIGIT, Pool, Questions, buildBeginning };
