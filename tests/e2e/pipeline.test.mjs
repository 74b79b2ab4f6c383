// SPDX-License-Identifier: Apache-2.0
// Many requests on one connection before the first answer is read: each is answered, in order,
// whatever falls together at the ends of the server's buffers.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { DEMO, Server, Wire, basic, numberAt, test } from "./harness.mjs";

let server;
before(async () => (server = await Server.start()));
after(() => server.stop());

// A create whose length on the wire is padded by `pad`; the number says which one it is.
function create(i, pad, chunked) {
  const body = JSON.stringify({ to: numberAt(i), from: "Example" });
  const head =
    `POST /webapi/verify HTTP/1.1\r\nHost: ${server.address}\r\nAuthorization: ${basic(DEMO)}\r\n` +
    `X-Pad: ${"x".repeat(pad)}\r\n`;
  if (!chunked) return `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
  const half = body.length >> 1;
  const chunk = (text) => `${text.length.toString(16)}\r\n${text}\r\n`;
  return `${head}Transfer-Encoding: chunked\r\n\r\n${chunk(body.slice(0, half))}${chunk(body.slice(half))}0\r\n\r\n`;
}

async function allAnswered(requests) {
  const wire = await Wire.open(server);
  const answers = await Promise.all(requests.map((bytes) => wire.raw(bytes)));
  wire.close();
  answers.forEach((answer, i) => {
    assert.equal(answer.status, 202, answer.text);
    assert.equal(answer.json.phoneNumber, numberAt(i));
  });
}

const REQUESTS = 500;
const each = (make) => Array.from({ length: REQUESTS }, (_, i) => make(i));

describe("many requests on one connection at once", () => {
  test("with a length", () => allAnswered(each((i) => create(i, 0, false))));
  test("in chunks", () => allAnswered(each((i) => create(i, 0, true))));
  test("of all sizes", () => allAnswered(each((i) => create(i, i % 97, i % 3 === 0))));
  test("with large heads", () => allAnswered(each((i) => create(i, 3000 + i, i % 2 === 0))));
  test("without a body", async () => {
    const wire = await Wire.open(server);
    const answers = await Promise.all(each(() => wire.ask("GET", "/healthz", { auth: null })));
    assert.ok(answers.every(({ status, text }) => status === 200 && text === "ok"));
    wire.close();
  });
  test("byte after byte", async () => {
    const wire = await Wire.open(server);
    const bytes = create(0, 0, true) + create(1, 0, false);
    const first = wire.raw(bytes[0]);
    const second = wire.raw("");
    for (const byte of bytes.slice(1)) {
      wire.socket.write(byte);
      await new Promise(setImmediate);
    }
    assert.deepEqual((await Promise.all([first, second])).map(({ status }) => status), [202, 202]);
    wire.close();
  });
});
