// SPDX-License-Identifier: Apache-2.0
// The developer inbox: its API, whom it answers, and the page as it is served.
// Over every transport.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { MOMENT, Server, UUID, Wire, freshNumber, test } from "./harness.mjs";

const KEPT = 500;

let server;
before(async () => (server = await Server.start()));
after(() => server.stop());

const ask = (target, options = {}) => server.call("GET", `/inbox${target}`, { auth: null, ...options });
const list = async (query = "") => {
  const answer = await ask(`/api/messages${query}`);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers["content-type"], "application/json; charset=utf-8");
  return answer.json;
};
const clear = () => server.call("DELETE", "/inbox/api/messages", { auth: null });

describe("messages", () => {
  test("what one looks like", async () => {
    const sent = await server.send({ from: "Example", body: "Привет {{code}} 😀" });
    const [message] = await list(`?to=${sent.to}`);
    assert.deepEqual(Object.keys(message), ["id", "to", "from", "text", "code", "at", "channel"]);
    assert.match(message.id, UUID);
    assert.match(message.at, MOMENT);
    assert.deepEqual(
      { ...message, id: "", at: "" },
      { id: "", to: `+${sent.to}`, from: "Example", text: `Привет ${sent.code} 😀`, code: sent.code, at: "", channel: "sms" },
    );
    const latest = await ask(`/api/latest?to=${sent.to}`);
    assert.equal(latest.headers["content-type"], "application/json; charset=utf-8");
    assert.deepEqual(latest.json, message);
  });

  test("newest first, ids in order", async () => {
    const to = freshNumber();
    const codes = [];
    for (let i = 0; i < 5; i++) codes.unshift((await server.send({ to })).code);
    const messages = await list(`?to=${to}`);
    assert.deepEqual(messages.map(({ code }) => code), codes);
    const ids = messages.map(({ id }) => id);
    assert.deepEqual([...ids].sort().reverse(), ids);
  });

  test("to: compared by its digits", async () => {
    const sent = await server.send({ to: "447700900777" });
    for (const to of ["447700900777", "%2B447700900777", "+447700900777", "%2B44%207700%20900777", "44-7700-900777", "%2B44%20(7700)%20900.777"]) {
      const messages = await list(`?to=${to}`);
      assert.deepEqual(messages.map(({ code }) => code), [sent.code], to);
    }
    for (const to of ["44770090077", "7700900777", "07700900777", "4477009007777", "x"]) assert.deepEqual(await list(`?to=${to}`), [], to);
  });

  test("since: only what came after it", async () => {
    const to = freshNumber();
    const [first, second, third] = [await server.send({ to }), await server.send({ to }), await server.send({ to })];
    const ids = (await list(`?to=${to}`)).map(({ id }) => id).reverse();
    assert.deepEqual((await list(`?to=${to}&since=${ids[0]}`)).map(({ code }) => code), [third.code, second.code]);
    assert.deepEqual((await list(`?to=${to}&since=${ids[1]}`)).map(({ code }) => code), [third.code]);
    assert.deepEqual(await list(`?to=${to}&since=${ids[2]}`), []);
    assert.equal((await list(`?to=${to}&since=0`)).length, 3);
    assert.equal((await list(`?to=${to}&since=`)).length, 3);
    assert.equal((await ask(`/api/latest?to=${to}&since=${ids[0]}`)).json.code, third.code);
    assert.equal((await ask(`/api/latest?to=${to}&since=${ids[2]}`)).status, 404);
    assert.ok(first.code);
  });

  test("nothing: [] and 404", async () => {
    const to = freshNumber();
    assert.deepEqual(await list(`?to=${to}`), []);
    const latest = await ask(`/api/latest?to=${to}`);
    assert.equal(latest.status, 404);
    assert.equal(latest.headers["content-type"], "text/plain; charset=utf-8");
  });
});

describe("wait", () => {
  test("answers at once when there is one", async () => {
    const sent = await server.send();
    // A wait to its end would be 30 seconds for each.
    for (let i = 0; i < 20; i++) assert.equal((await ask(`/api/latest?to=${sent.to}&wait=30`)).json.code, sent.code);
    assert.equal((await list(`?to=${sent.to}&wait=30`)).length, 1);
  });
  test("holds the answer until the next one comes, for each who waits", async () => {
    const to = freshNumber();
    const first = await server.send({ to });
    const { id } = await server.message(to);
    const others = ask(`/api/latest?to=${freshNumber()}&wait=1`);
    const waiting = [
      ask(`/api/latest?to=${to}&since=${id}&wait=30`), ask(`/api/latest?to=${to}&since=${id}&wait=30`),
      ask(`/api/messages?to=${to}&since=${id}&wait=30`), ask(`/api/messages?since=${id}&wait=30`),
    ];
    const made = await server.create({ to });
    assert.equal(made.status, 202);
    const [latest, again, messages, all] = await Promise.all(waiting);
    assert.equal(latest.status, 200);
    assert.notEqual(latest.json.id, id);
    assert.deepEqual(again.json, latest.json);
    assert.deepEqual(messages.json, [latest.json]);
    assert.deepEqual(all.json, [latest.json]);
    assert.equal((await others).status, 404);
    assert.ok(first.code);
  });
  test("ends with nothing: 404 and []", async () => {
    const to = freshNumber();
    const begun = Date.now();
    const [latest, messages] = await Promise.all([ask(`/api/latest?to=${to}&wait=1`), ask(`/api/messages?to=${to}&wait=1`)]);
    assert.ok(Date.now() - begun >= 990, "not before its time");
    assert.equal(latest.status, 404);
    assert.deepEqual(messages.json, []);
  });
  test("who goes away while waiting harms nobody", async () => {
    const to = freshNumber();
    const wires = await Promise.all(Array.from({ length: 20 }, () => Wire.open(server)));
    const lost = wires.map((wire) => wire.ask("GET", `/inbox/api/latest?to=${to}&wait=30`, { auth: null }).catch(({ code }) => code));
    const stays = ask(`/api/latest?to=${to}&wait=30`);
    for (const wire of wires) wire.close();
    assert.deepEqual(await Promise.all(lost), wires.map(() => "LOST"));
    assert.equal((await server.create({ to })).status, 202);
    assert.equal((await stays).status, 200);
  });

  const bad = ["wait=31", "wait=100", "wait=-1", "wait=x", "wait=1.5", "wait=%00", "to=%zz", "since=%4", "wait=%"];
  for (const query of bad)
    test(`?${query}: 400`, async () => {
      for (const path of ["/api/messages", "/api/latest"]) {
        const answer = await ask(`${path}?${query}`);
        assert.equal(answer.status, 400);
        assert.equal(answer.headers["content-type"], "text/plain; charset=utf-8");
      }
    });
  test("?wait=0 and an empty wait do not wait", async () => {
    for (const wait of ["0", "", "00"]) assert.deepEqual(await list(`?to=${freshNumber()}&wait=${wait}`), []);
  });
});

describe("DELETE and what is kept", () => {
  test("DELETE empties it", async () => {
    const to = freshNumber();
    await server.send({ to });
    const answer = await clear();
    assert.equal(answer.status, 204);
    assert.equal(answer.text, "");
    assert.deepEqual(await list(), []);
    assert.equal((await ask("/api/latest")).status, 404);
    // The code lives on: only the message is gone.
    const sent = await server.send({ to });
    await clear();
    assert.equal((await server.validate(sent.id, { code: sent.code })).json.status, "CodeVerified");
  });
  test(`the last ${KEPT} are kept`, async () => {
    await clear();
    const numbers = Array.from({ length: KEPT + 5 }, freshNumber);
    const wire = await Wire.open(server);
    await Promise.all(numbers.map((to) => wire.ask("POST", "/webapi/verify", { body: { to } })));
    wire.close();
    await Promise.all(numbers.slice(-3).map((to) => server.message(to)));
    const last = await server.send();
    const messages = await list();
    assert.equal(messages.length, KEPT);
    assert.equal(messages[0].code, last.code);
    const ids = messages.map(({ id }) => id);
    assert.deepEqual([...ids].sort().reverse(), ids);
    assert.equal(new Set(ids).size, KEPT);
  });
});

describe("whom it answers", () => {
  const hosts = [
    ["127.0.0.1", 200], ["127.0.0.1:80", 200], ["localhost", 200], ["localhost:8080", 200], ["LocalHost", 200], ["[::1]", 200], ["[::1]:80", 200],
    ["example.com", 403], ["localhost.example.com", 403], ["127.0.0.1.example.com", 403], ["xlocalhost", 403], ["127.0.0.2", 403],
    ["[::2]", 403], ["0.0.0.0", 403], ["inbox", 403], ["127.0.0.1x:80", 403],
  ];
  const targets = ["/inbox", "/inbox/api/messages", "/inbox/inbox.js", "/inbox/inbox.css"];
  for (const [host, status] of hosts)
    test(`Host: ${host}: ${status}`, async () => {
      for (const target of targets) {
        const { answers } = await server.exchange(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
        assert.deepEqual(answers.map((answer) => answer.status), [status], target);
      }
      const { answers } = await server.exchange(`DELETE /inbox/api/messages HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      assert.equal(answers[0].status, status === 200 ? 204 : 403);
    });
  test("the other APIs answer to any Host", async () => {
    const { answers } = await server.exchange("GET /healthz HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n");
    assert.deepEqual(answers.map(({ status, text }) => [status, text]), [[200, "ok"]]);
  });
  test("no credentials, no CORS", async () => {
    const answer = await ask("/api/messages", { headers: { Origin: "http://example.com" } });
    assert.equal(answer.status, 200);
    assert.ok(!Object.keys(answer.headers).some((name) => name.startsWith("access-control")));
  });
});

describe("the page", () => {
  test("its policy lets nothing in but its own script and style", async () => {
    const page = await ask("");
    assert.equal(page.status, 200);
    assert.equal(page.headers["content-type"], "text/html; charset=utf-8");
    const policy = Object.fromEntries(
      page.headers["content-security-policy"].split(";").map((rule) => {
        const [name, ...values] = rule.trim().split(" ");
        return [name, values.join(" ")];
      }),
    );
    assert.equal(policy["default-src"], "'none'");
    assert.equal(policy["script-src"], "'self'");
    assert.equal(policy["style-src"], "'self'");
    assert.equal(policy["frame-ancestors"], "'none'");
    assert.equal(policy["base-uri"], "'none'");
    assert.equal(policy["form-action"], "'none'");
    assert.doesNotMatch(page.headers["content-security-policy"], /unsafe|https?:|\*/);
    // Nothing inline, nothing from elsewhere.
    assert.doesNotMatch(page.text, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|https?:|javascript:/i);
    const parts = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, target]) => target);
    assert.deepEqual(parts.sort(), ["/inbox/inbox.css", "/inbox/inbox.js", "/inbox/inbox.svg"]);
  });
  for (const [target, type] of [["/inbox.js", "text/javascript; charset=utf-8"], ["/inbox.css", "text/css; charset=utf-8"], ["/inbox.svg", "image/svg+xml"], ["", "text/html; charset=utf-8"]])
    test(`/inbox${target}`, async () => {
      const answer = await ask(target);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["content-type"], type);
      assert.equal(answer.headers["x-content-type-options"], "nosniff");
      assert.equal(answer.headers["cache-control"], "no-cache");
      assert.ok(answer.text.length > 100);
      assert.doesNotMatch(answer.text, /innerHTML|eval\(|document\.write/);
      // Whoever has it already is told in one line.
      const again = await server.call("GET", `/inbox${target}`, { auth: null, headers: { "If-None-Match": answer.headers.etag } });
      assert.equal(again.status, 304);
      assert.equal(again.text, "");
    });
  test("its API tells nobody to keep it", async () => {
    for (const target of ["/api/messages", "/api/latest"]) {
      const answer = await ask(target);
      assert.equal(answer.headers["cache-control"], "no-store");
      assert.equal(answer.headers["x-content-type-options"], "nosniff");
    }
  });
});

describe("paths and methods", () => {
  const rows = [
    ["HEAD", "/inbox", 200], ["GET", "/inbox/", 404], ["GET", "/inbox/x", 404], ["GET", "/Inbox", 404], ["GET", "/inbox//api/messages", 404],
    ["POST", "/inbox", 405, "GET, HEAD"], ["POST", "/inbox/api/messages", 405, "GET, HEAD, DELETE"], ["PUT", "/inbox/api/latest", 405, "GET, HEAD"],
    ["DELETE", "/inbox/api/latest", 405, "GET, HEAD"], ["GET", "/healthz", 200], ["HEAD", "/healthz", 200], ["POST", "/healthz", 405, "GET, HEAD"],
    ["GET", "/healthz/", 404], ["GET", "/HEALTHZ", 404], ["GET", "/", 200], ["POST", "/", 405, "GET"], ["GET", "/none", 404], ["GET", "/favicon.ico", 404],
  ];
  for (const [method, target, status, allow] of rows)
    test(`${method} ${target}: ${status}`, async () => {
      const answer = await server.call(method, target, { auth: null });
      assert.equal(answer.status, status);
      assert.equal(answer.headers.allow, allow);
      if (method === "HEAD") assert.equal(answer.text, "");
    });
  test("/healthz", async () => {
    const answer = await server.call("GET", "/healthz", { auth: null });
    assert.equal(answer.text, "ok");
    assert.equal(answer.headers["content-type"], "text/plain; charset=utf-8");
  });
  test("/ links to the inbox", async () => {
    const answer = await server.call("GET", "/", { auth: null });
    assert.equal(answer.headers["content-type"], "text/html; charset=utf-8");
    assert.match(answer.text, /href="\/inbox"/);
  });
});
