// SPDX-License-Identifier: Apache-2.0
// Asks one process of numbering-lines, chunk by chunk, and compares its answers with the oracle's.
'use strict';

const { spawn } = require('node:child_process');
const { once } = require('node:events');

const CHUNK = 4096;

/** A running numbering-lines: `ask(lines)` resolves to as many answers. */
class Lines {
  constructor(program) {
    this.child = spawn(program, [], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.stdout.setEncoding('latin1');
  }

  async ask(lines) {
    let text = '';
    let count = 0;
    const answered = new Promise((resolve, reject) => {
      const onExit = () => reject(new Error('numbering-lines ended early'));
      this.child.once('exit', onExit);
      const onData = (more) => {
        text += more;
        for (const c of more) if (c === '\n') count++;
        if (count < lines.length) return;
        this.child.stdout.off('data', onData);
        this.child.off('exit', onExit);
        resolve(text.split('\n').slice(0, lines.length));
      };
      this.child.stdout.on('data', onData);
    });
    this.child.stdin.write(lines.map((line) => `${line}\n`).join(''));
    return answered;
  }

  async stop() {
    const ended = once(this.child, 'exit');
    this.child.stdin.end();
    const [status] = await ended;
    return status;
  }
}

/** Compares all of `cases` ({digits, region}; no region with `+`). */
async function compare(lines, expect, cases) {
  const result = { compared: 0, equal: 0, accepted: 0, valid: 0, tolerated: {}, parted: [] };
  let chunk = [];
  const flush = async () => {
    const answers = await lines.ask(chunk.map(({ digits, region }) => `np\t${region ?? ''}\t${digits}`));
    chunk.forEach(({ digits, region }, i) => {
      const { line, tolerated, valid } = expect(digits, region);
      result.compared++;
      if (line.startsWith('ok')) result.accepted++;
      if (valid) result.valid++;
      if (line !== answers[i]) {
        if (result.parted.length < 50) result.parted.push({ digits, region, oracle: line, ours: answers[i] });
        result.partedCount = (result.partedCount ?? 0) + 1;
      } else if (tolerated) {
        result.tolerated[tolerated] = (result.tolerated[tolerated] ?? 0) + 1;
      } else {
        result.equal++;
      }
    });
    chunk = [];
  };
  for (const one of cases) {
    chunk.push(one);
    if (chunk.length === CHUNK) await flush();
  }
  if (chunk.length) await flush();
  return result;
}

module.exports = { Lines, compare };
