// SPDX-License-Identifier: Apache-2.0
// Reads the regular expressions of the metadata. They are a small dialect over digits: classes,
// groups, alternatives, `?` and `{n,m}`, and `$`. Whatever else turns up is an error, so that a
// new release cannot quietly mean something that we do not understand.
//
// A pattern becomes a program of the instructions that Thompson (1968) and Pike gave it:
//   {op: 'set', mask, to}   one digit whose bit is in mask, then on to `to`
//   {op: 'split', to: []}   any of these, the first preferred
//   {op: 'save', slot, to}  notes where a group begins (2n) or ends (2n + 1)
//   {op: 'end', to}         only at the end of the input
//   {op: 'accept', tag}     matched
'use strict';

const ANY_DIGIT = 0x3ff;

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.groups = 0;
  }

  fail(what) {
    throw new Error(`pattern ${this.text}: ${what} at ${this.at}`);
  }

  take(token) {
    if (!this.text.startsWith(token, this.at)) return false;
    this.at += token.length;
    return true;
  }

  alternatives() {
    const list = [this.sequence()];
    while (this.take('|')) list.push(this.sequence());
    return list.length === 1 ? list[0] : { kind: 'alt', list };
  }

  sequence() {
    const list = [];
    while (this.at < this.text.length && !'|)'.includes(this.text[this.at])) {
      list.push(this.repeated(this.atom()));
    }
    return { kind: 'cat', list };
  }

  atom() {
    if (this.take('(?:')) return this.closed(this.alternatives());
    if (this.take('(')) {
      const index = ++this.groups;
      return { kind: 'group', index, node: this.closed(this.alternatives()) };
    }
    if (this.take('$')) return { kind: 'end' };
    if (this.take('\\d')) return { kind: 'set', mask: ANY_DIGIT };
    if (this.take('[')) return { kind: 'set', mask: this.digitClass() };
    const digit = this.text[this.at];
    if (!/^[0-9]$/.test(digit)) this.fail(`unexpected ${digit}`);
    this.at++;
    return { kind: 'set', mask: 1 << Number(digit) };
  }

  closed(node) {
    if (!this.take(')')) this.fail('missing )');
    return node;
  }

  digitClass() {
    const end = this.text.indexOf(']', this.at);
    const body = this.text.slice(this.at, end);
    if (end < 0 || !/^(\d(-\d)?)+$/.test(body)) this.fail('a class of other than digits');
    this.at = end + 1;
    let mask = 0;
    for (const [, low, high] of body.matchAll(/(\d)(?:-(\d))?/g)) {
      for (let d = Number(low); d <= Number(high ?? low); d++) mask |= 1 << d;
    }
    return mask;
  }

  repeated(node) {
    if (this.take('?')) return { kind: 'repeat', node, min: 0, max: 1 };
    const found = /^\{(\d+)(?:,(\d+))?\}/.exec(this.text.slice(this.at));
    if (!found) return node;
    this.at += found[0].length;
    const min = Number(found[1]);
    return { kind: 'repeat', node, min, max: Number(found[2] ?? min) };
  }
}

/** The tree of a pattern and how many groups it captures. */
function parse(text) {
  const reader = new Reader(text);
  const tree = reader.alternatives();
  if (reader.at !== text.length) reader.fail('unbalanced )');
  return { tree, groups: reader.groups };
}

/** Appends the program of `node` that goes on to `to`; returns where it begins. */
function compile(program, node, to) {
  const add = (instruction) => program.push(instruction) - 1;
  switch (node.kind) {
    case 'set':
      return add({ op: 'set', mask: node.mask, to });
    case 'end':
      return add({ op: 'end', to });
    case 'cat':
      return node.list.reduceRight((next, part) => compile(program, part, next), to);
    case 'alt':
      return add({ op: 'split', to: node.list.map((part) => compile(program, part, to)) });
    case 'group': {
      const end = add({ op: 'save', slot: 2 * node.index + 1, to });
      return add({ op: 'save', slot: 2 * node.index, to: compile(program, node.node, end) });
    }
    case 'repeat': {
      let next = to;
      for (let i = node.max; i > node.min; i--) {
        next = add({ op: 'split', to: [compile(program, node.node, next), to] });
      }
      for (let i = 0; i < node.min; i++) next = compile(program, node.node, next);
      return next;
    }
    default:
      throw new Error(`no such node: ${node.kind}`);
  }
}

module.exports = { ANY_DIGIT, parse, compile };
