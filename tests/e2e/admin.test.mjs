// SPDX-License-Identifier: Apache-2.0
// admin_listen: where the operator asks, who may, and what stands there and nowhere else.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import path from "node:path";
import { once } from "node:events";
import { describe } from "node:test";
import { Server, configFile, folder, patiently, run, test, verifyd } from "./harness.mjs";

const PROVIDER = "deliver: {providers: [{name: inbox, type: inbox}]}";
const OPERATOR_PAGES = ["/inbox", "/inbox/api/messages", "/metrics"];

const place = () => path.join(path.dirname(folder()), "admin.sock");
const lines = (where) => [`admin_listen: ${JSON.stringify(where)}`, PROVIDER];
const start = (where, more = []) => Server.start({ config: configFile([...lines(where), ...more]) });

// Asks over a socket's file, or a port.
function ask(where, target, { method = "GET", host = "localhost", headers = {} } = {}) {
  return patiently(target, new Promise((resolve, reject) => {
    const to = typeof where === "number" ? { host: "127.0.0.1", port: where } : { socketPath: where };
    const request = http.request({ ...to, method, path: target, agent: false, headers: { Host: host, ...headers } }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part) => (text += part)).on("end", () => resolve({ status: response.statusCode, text }));
    });
    request.on("error", reject).end();
  }));
}

async function refused(where) {
  const { code, stderr } = await verifyd(["serve", "-c", configFile(lines(where)), "--data", folder(), "--listen", "127.0.0.1:0"]);
  assert.notEqual(code, 0);
  return stderr;
}

describe("a socket's file", () => {
  test("its mode, its pages, and its end", async () => {
    const file = place();
    const server = await start(`unix:${file}`);
    const made = statSync(file);
    assert.ok(made.isSocket());
    assert.equal(made.mode & 0o777, 0o660);
    for (const target of ["/healthz", "/readyz"]) {
      assert.match((await ask(file, target)).text, /^ok/, target);
      assert.equal((await server.call("GET", target, { auth: null })).status, 200, target);
    }
    for (const target of OPERATOR_PAGES) {
      assert.equal((await ask(file, target)).status, 200, target);
      assert.equal((await ask(file, target, { host: "anything.example" })).status, 200, target);
      assert.equal((await server.call("GET", target, { auth: null })).status, 404, target);
    }
    for (const [method, target] of [["POST", "/webapi/verify"], ["POST", "/manage/v2/user/send/otp"], ["GET", "/"]])
      assert.equal((await ask(file, target, { method })).status, 404, target);
    assert.equal((await server.create({ to: "447700900123" }, { auth: null })).status, 401);
    await server.stop();
    assert.ok(!existsSync(file));
  });
  test("curl asks there", async () => {
    const file = place();
    const server = await start(`unix:${file}`);
    const { stdout } = await run("curl", ["-s", "--unix-socket", file, "http://localhost/healthz"]);
    assert.equal(stdout, "ok");
    await server.stop();
  });
  test("its permissions suffice: the inbox's token is for the others", async () => {
    const file = place(), token = "the-token-of-the-tests";
    const server = await start(`unix:${file}`, [`inbox: {token: ${token}}`]);
    assert.equal((await ask(file, "/inbox/api/messages")).status, 200);
    assert.equal((await server.call("GET", "/inbox/api/messages", { auth: null })).status, 401);
    await server.stop([token]);
  });
  test("one left behind is replaced", async () => {
    const file = place();
    const first = await start(`unix:${file}`);
    await first.kill();
    assert.ok(statSync(file).isSocket());
    const second = await start(`unix:${file}`);
    assert.equal((await ask(file, "/healthz")).status, 200);
    await second.stop();
  });
  test("one that answers is left alone", async () => {
    const file = place();
    const other = net.createServer();
    other.listen(file);
    await once(other, "listening");
    assert.match(await refused(`unix:${file}`), /admin_listen: .*admin\.sock is in use by another program/);
    assert.ok(statSync(file).isSocket());
    other.close();
  });
  test("what is no socket is left alone", async () => {
    const file = place();
    writeFileSync(file, "mine");
    assert.match(await refused(`unix:${file}`), /admin\.sock is no socket; move it away/);
    assert.equal(readFileSync(file, "utf8"), "mine");
  });
  test("a folder that does not exist", async () => {
    assert.match(await refused(`unix:${path.join(path.dirname(place()), "none", "a.sock")}`), /its folder .*none does not exist; make it/);
  });
  test("the longest path, and one octet more", async () => {
    const base = path.dirname(place());
    const deep = path.join(base, "d".repeat(107 - base.length - "//s".length));
    mkdirSync(deep);
    assert.equal(path.join(deep, "s").length, 107);
    const server = await start(`unix:${path.join(deep, "s")}`);
    await server.stop();
    const { code, stderr } = await verifyd(["check", "-c", configFile(lines(`unix:${path.join(deep, "ss")}`))]);
    assert.equal(code, 2);
    assert.match(stderr, /:1: admin_listen: must be unix:PATH/);
  });
});

describe("a port, none, and --dev", () => {
  test("loopback alone; local names alone", async () => {
    const server = await start("127.0.0.1:0");
    const port = Number(/"admin-listening","address":"127\.0\.0\.1:(\d+)"/.exec(server.log)[1]);
    assert.equal((await ask(port, "/inbox")).status, 200);
    assert.equal((await ask(port, "/metrics")).status, 200);
    assert.equal((await ask(port, "/inbox", { host: "example.com" })).status, 403);
    assert.equal((await ask(port, "/webapi/verify", { method: "POST" })).status, 404);
    await server.stop();
    for (const where of ["0.0.0.0:9464", "https://127.0.0.1:9464", "unix:", "unix:a/b", "unix:/a/", "localhost:1"])
      assert.equal((await verifyd(["check", "-c", configFile(lines(where))])).code, 2, where);
  });
  test("none", async () => {
    const server = await start("");
    assert.doesNotMatch(server.log, /admin/);
    for (const target of OPERATOR_PAGES) assert.equal((await server.call("GET", target, { auth: null })).status, 404);
    await server.stop();
  });
  test("--dev shows them where clients ask", async () => {
    const server = await Server.start();
    for (const target of OPERATOR_PAGES) assert.equal((await server.call("GET", target, { auth: null })).status, 200);
    assert.doesNotMatch(server.log, /admin/);
    await server.stop();
  });
});
