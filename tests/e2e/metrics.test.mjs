// SPDX-License-Identifier: Apache-2.0
// /metrics tells what was done, no more and nothing that is anybody's business; /readyz tells whether
// to send requests here, and why not. Over every transport.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe } from "node:test";
import { Server, Wire, configFile, eventually, folder, freshNumber, importRecords, test, verifyd, wrong } from "./harness.mjs";
import { socketOpen, socketReady } from "./transport.mjs";

const AUTH = "app:s3cret-of-app";
const RECORDS = [
  { type: "tenant", id: "shop-tenant" },
  { type: "client", tenant: "shop-tenant", name: "app", secret: "s3cret-of-app", scopes: ["otp.send", "otp.verify"] },
];
const INBOX = "deliver: {providers: [{name: inbox, type: inbox}]}";

const get = (server, path, method = "GET") => server.call(method, path, { auth: null });
const ready = async (server) => {
  const { status, text } = await get(server, "/readyz");
  return [status, text];
};

// Samples by their name with labels; each stands once.
function samplesOf(text) {
  const samples = {};
  for (const line of text.split("\n").filter((line) => line && !line.startsWith("#"))) {
    const [, name, value] = /^(\S+) ([0-9.]+)$/.exec(line) ?? assert.fail(line);
    assert.ok(!(name in samples), `twice: ${name}`);
    samples[name] = Number(value);
  }
  return samples;
}

async function metrics(server) {
  const answer = await get(server, "/metrics");
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
  return samplesOf(answer.text);
}

// What came to more, and by how much.
async function grown(server, prefix, act) {
  const was = await metrics(server);
  await act();
  const is = await metrics(server);
  assert.deepEqual(Object.keys(is), Object.keys(was));
  const grew = Object.entries(is).map(([name, value]) => [name, value - was[name]]);
  return Object.fromEntries(grew.filter(([name, more]) => more && name.startsWith(prefix)));
}

const outcome = (label) => `verifyd_outcomes_total{api="dotdigital",outcome="${label}"}`;
const requests = (api, status) => `verifyd_requests_total{api="${api}",status="${status}"}`;

describe("metrics", () => {
  let server;
  before(async () => {
    const data = folder();
    await importRecords(data, RECORDS);
    server = await Server.start({ data });
  });
  after(() => server?.stop());

  // Three codes sent, two wrong guesses, one right, twice.
  async function journey() {
    const sent = [];
    for (let i = 0; i < 3; i++) sent.push(await server.send({ to: freshNumber() }, { auth: AUTH }));
    const check = (code) => server.validate(sent[0].id, { code }, { auth: AUTH });
    for (const code of [wrong(sent[0].code, 1), wrong(sent[0].code, 2), sent[0].code]) assert.equal((await check(code)).status, 200);
    assert.equal((await check(sent[0].code)).status, 204);
    return sent;
  }

  test("outcomes are those that there were", async () => {
    assert.deepEqual(await grown(server, "verifyd_outcomes_total", journey), {
      [outcome("sent")]: 3, [outcome("wrong")]: 2, [outcome("approved")]: 1, [outcome("used")]: 1,
    });
  });
  test("requests by API and class, and as many durations", async () => {
    const act = async () => {
      await journey();
      await server.create({ to: "not a number" }, { auth: AUTH });
      await server.create({ to: freshNumber() }, { auth: "app:wrong" });
      await get(server, "/webapi/verify"); // 405
      await get(server, "/nowhere");
      await get(server, "/nowhere/%zz");
      await get(server, "/healthz");
    };
    const grew = await grown(server, "verifyd_request", act);
    assert.equal(grew[requests("dotdigital", "2xx")], 3 + 4);
    assert.equal(grew[requests("dotdigital", "4xx")], 3);
    assert.equal(grew[requests("house", "4xx")], 2);
    // Each send looks twice into the inbox, at first in vain; the last look at the counters is not
    // yet among them.
    assert.equal(grew[requests("operator", "2xx")], 3 + 1 + 1);
    assert.equal(grew[requests("operator", "4xx")], 3);
    assert.equal(grew[requests("dotdigital", "5xx")], undefined);
    const counts = (api) => grew[`verifyd_request_duration_seconds_count{api="${api}"}`];
    assert.deepEqual(["dotdigital", "operator", "house", "manage"].map(counts), [10, 8, 2, undefined]);
    assert.equal(grew['verifyd_request_duration_seconds_bucket{api="dotdigital",le="+Inf"}'], 10);
  });
  test("the rooms' own counters", async () => {
    const grew = await grown(server, "verifyd_", journey);
    assert.ok(grew.verifyd_store_commits_total >= 3 + 3, JSON.stringify(grew));
    assert.ok(grew.verifyd_http_heads_total >= 3 * 3 + 4 + 1);
    const is = await metrics(server);
    assert.equal(is.verifyd_store_writable, 1);
    assert.ok(is.verifyd_connections_open >= 1 && is.verifyd_connections_accepted_total >= is.verifyd_connections_open);
    assert.ok(is.process_open_fds > 10 && is.process_resident_memory_bytes > 1e6);
    assert.ok(Math.abs(is.process_start_time_seconds - Date.now() / 1000) < 24 * 3600);
    const { stdout } = await verifyd(["version"]);
    assert.equal(is[`verifyd_build_info{version="${stdout.trim().split(" ")[1]}"}`], 1);
  });
  test("loops are added up", async () => {
    const act = async () => {
      const wires = await Promise.all(Array.from({ length: 8 }, () => Wire.open(server)));
      await Promise.all(wires.map((wire) => wire.ask("GET", "/healthz", { auth: null })));
      for (const wire of wires) wire.close();
    };
    const grew = await grown(server, "verifyd_", act);
    assert.equal(grew[requests("operator", "2xx")], 8 + 1);
    assert.equal(grew.verifyd_connections_accepted_total, 8);
  });
  test("no number, code, secret, tenant or path is in it", async () => {
    const sent = await journey();
    await get(server, "/a-path-of-mine?q=a-query-of-mine");
    const { text } = await get(server, "/metrics");
    const labels = [...text.matchAll(/="([^"]*)"/g)].map(([, value]) => value);
    for (const word of ["shop-tenant", "app", "s3cret-of-app", "127.0.0.1"]) assert.ok(!labels.includes(word), word);
    for (const word of ["shop", "s3cret", "of-mine", "127.0.0.1"]) assert.ok(!text.includes(word), word);
    for (const { to, code, id } of sent) for (const secret of [to, code, id]) assert.ok(!labels.some((label) => label.includes(secret)), secret);
    assert.ok(labels.every((label) => /^([a-z-]+|[2-5]xx|[0-9.]+|\+Inf)$/.test(label)), [...new Set(labels)].join(" "));
  });
  test("methods", async () => {
    const head = await get(server, "/metrics", "HEAD");
    assert.deepEqual([head.status, head.text], [200, ""]);
    const post = await get(server, "/metrics", "POST");
    assert.deepEqual([post.status, post.headers.allow], [405, "GET, HEAD"]);
  });
});

describe("readyz", () => {
  const start = (lines) => Server.start({ data: undefined, config: configFile(lines) });

  test("ready", async () => {
    const server = await Server.start();
    assert.deepEqual(await ready(server), [200, "ok"]);
    const head = await get(server, "/readyz", "HEAD");
    assert.deepEqual([head.status, head.text], [200, ""]);
    await server.stop();
  });
  test("a public port without --dev tells whether it is ready, and no counters", async () => {
    const server = await start([INBOX]);
    assert.deepEqual(await ready(server), [200, "ok"]);
    assert.equal((await get(server, "/healthz")).status, 200);
    const answer = await get(server, "/metrics");
    assert.deepEqual([answer.status, answer.text], [404, "not found\n"]);
    await server.stop();
  });
  test("no provider", async () => {
    const server = await start([]);
    assert.deepEqual(await ready(server), [503, "no provider configured\n"]);
    assert.equal((await get(server, "/readyz", "HEAD")).status, 503);
    assert.equal((await get(server, "/healthz")).status, 200);
    await server.stop();
  });
  test("stopping: whoever has begun to ask is told", async () => {
    const server = await Server.start();
    const socket = socketOpen(server);
    let text = "";
    await once(socket, socketReady(server));
    socket.on("data", (octets) => (text += octets));
    const closed = once(socket, "close");
    // One whole request and the beginning of another: what was answered once has been read twice.
    socket.write("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\nGET /readyz HTTP/1.1\r\nHost: a\r\n");
    await eventually("the first answer", async () => text, (all) => all.endsWith("\r\n\r\nok"));
    const stopped = server.stop();
    await eventually("it stops", async () => server.log, (log) => log.includes('"event":"stopping"'));
    socket.write("\r\n");
    await closed;
    const second = text.slice(text.indexOf("\r\n\r\nok") + 6);
    assert.match(second, /^HTTP\/1\.1 503 /);
    assert.match(second, /\r\n\r\nstopping\n$/);
    await stopped;
  });
});
