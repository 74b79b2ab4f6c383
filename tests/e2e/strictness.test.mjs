// SPDX-License-Identifier: Apache-2.0
// The strictness table of tests/net against the real binary: what is refused has exactly one answer,
// and then the connection ends, whatever follows on it; what is taken leaves the connection in step.
// Rows about bodies are asked twice: of a path that nobody has, which answers before it reads one,
// and of a call that reads it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe } from "node:test";
import { DEMO, ROOT, Server, basic, test } from "./harness.mjs";

const TABLE = path.join(ROOT, "tests/net/strictness.txt");
const PROBE = "GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n";

// The octets that a text of the table stands for.
function octetsOf(text) {
  const named = { r: "\r", n: "\n", t: "\t", 0: "\0", "\\": "\\" };
  let out = "";
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== "\\") {
      out += text[i];
      continue;
    }
    const c = text[++i];
    if (c === "x") {
      out += String.fromCharCode(parseInt(text.slice(i + 1, i + 3), 16));
      i += 2;
    } else if (c === "[") {
      const [, times, part] = /^(\d+) ((?:[^\]\\]|\\.)*)\]/s.exec(text.slice(i + 1));
      out += octetsOf(part).repeat(Number(times));
      i += times.length + part.length + 2;
    } else {
      assert.ok(c in named, `strictness.txt: \\${c}`);
      out += named[c];
    }
  }
  return out;
}

const rows = readFileSync(TABLE, "latin1")
  .split("\n")
  .filter((line) => line && !line.startsWith("#"))
  .map((line) => {
    const [expected, name, ...octets] = line.split(" | ");
    return { expected, name, octets: octetsOf(octets.join(" | ")) };
  });

// The same request to a call that reads its body.
const toCall = (octets) =>
  octets.replace(" /x ", " /webapi/verify ").replace("Host: a.example\r\n", `Host: a.example\r\nAuthorization: ${basic(DEMO)}\r\n`);

let server;
before(async () => (server = await Server.start()));
after(() => server.stop());

async function refused(octets, accepts) {
  const { answers, rest, closed } = await server.exchange(Buffer.from(octets + PROBE, "latin1"));
  assert.equal(answers.length, 1, JSON.stringify(answers));
  assert.equal(rest.length, 0, rest.toString("latin1"));
  assert.ok(accepts(answers[0].status), `${answers[0].status} ${answers[0].text}`);
  assert.ok(closed);
  return answers[0];
}

async function taken(octets) {
  const probe = "GET /healthz HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";
  const { answers } = await server.exchange(Buffer.from(octets + probe, "latin1"));
  const final = answers.filter(({ status }) => status >= 200);
  assert.equal(final.length, 2, JSON.stringify(answers));
  assert.equal(final[0].headers.connection, undefined, "the first one closes");
  assert.deepEqual([final[1].status, final[1].text], [200, "ok"]);
}

describe("strictness", () => {
  for (const { expected, name, octets } of rows) {
    const status = parseInt(expected, 10);
    if (expected === "ok") {
      test(name, () => taken(octets));
    } else if (expected.endsWith("/body")) {
      test(name, () => refused(octets, (found) => found >= 400 && found < 500));
      test(`${name}, read`, async () => {
        const answer = await refused(toCall(octets), (found) => found === status);
        assert.equal(answer.headers.connection, "close");
      });
    } else {
      test(name, async () => {
        const answer = await refused(octets, (found) => found === status);
        assert.equal(answer.headers.connection, "close");
      });
    }
  }
});
