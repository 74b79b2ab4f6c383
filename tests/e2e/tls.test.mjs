// SPDX-License-Identifier: Apache-2.0
// TLS of the real program: certificates by name, new ones at SIGHUP while requests run, what a wrong
// file changes (nothing), and the words of its mistakes.
import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { after, before, describe } from "node:test";
import tls from "node:tls";
import { Server, eventually, folder, patiently, test, verifyd } from "./harness.mjs";
import { certificateMake, configurationLay } from "./transport.mjs";

const first = certificateMake("first.example", ["first.example"]);
const second = certificateMake("second.example", ["second.example", "*.second.example"], { algorithm: "rsa" });
const third = certificateMake("third.example", ["third.example"]);
const entry = ({ certificate, key }) => `{certificate: "${certificate}", key: "${key}"}`;

// Whose certificate is shown to who asks for that name.
async function shown(server, servername) {
  const socket = tls.connect({ host: "127.0.0.1", port: server.port, servername, rejectUnauthorized: false });
  await patiently("secureConnect", new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject)));
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return subject.CN;
}

describe("a server with two certificates", () => {
  let server, file;
  before(async () => {
    file = configurationLay("two.yaml", `tls:\n  - ${entry(first)}\n  - ${entry(second)}\n`);
    server = await Server.start({ args: ["-c", file], ca: first.pem });
  });
  after(() => server.stop());

  test("says that it is https", () => {
    assert.match(server.stdout, /^listening on https:\/\/127\.0\.0\.1:\d+$/m);
    assert.match(server.stdout, /curl -u demo:demo-secret https:\/\//);
  });

  test("shows the one for the name, else the first", async () => {
    assert.equal(await shown(server, "second.example"), "second.example");
    assert.equal(await shown(server, "a.second.example"), "second.example");
    assert.equal(await shown(server, "first.example"), "first.example");
    assert.equal(await shown(server, "unknown.example"), "first.example");
  });

  test("new certificates come with SIGHUP, and no request is dropped", async () => {
    let running = true, asked = 0, reloads = 0;
    // Before the first call: one whose handshake comes after a reload must know the new one too.
    server.ca = first.pem + second.pem + third.pem;
    const workers = Array.from({ length: 4 }, async (_, i) => {
      while (running) {
        const agent = i % 2 ? false : undefined; // some on connections of their own
        const answer = await server.call("GET", "/healthz", { auth: null, ...(agent === false ? { agent } : {}) });
        assert.equal(answer.status, 200);
        asked++;
      }
    });
    for (const [which, name] of [[second, "second.example"], [third, "third.example"], [first, "first.example"]]) {
      writeFileSync(file, `tls: ${entry(which)}\n`);
      server.child.kill("SIGHUP");
      reloads++;
      await eventually("the reload", () => server.log.match(/"reloaded"/g)?.length ?? 0, (n) => n === reloads);
      assert.equal(await shown(server, "unknown.example"), name);
      const before = asked;
      await eventually("requests after it", () => shown(server, "any.example"), () => asked > before + 8);
    }
    running = false;
    await Promise.all(workers);
  });

  test("a wrong file changes nothing", async () => {
    const lines = () => server.log.match(/"consequence":"nothing was changed"/g)?.length ?? 0;
    const open = certificateMake("open.example");
    chmodSync(open.key, 0o644);
    for (const [tlsText, says] of [
      [`{certificate: "${first.certificate}", key: "${second.key}"}`, /is not the key of/],
      [`{certificate: "/no/such.pem", key: "${first.key}"}`, /no\/such\.pem: No such file/],
      [entry(open), /others may read it; chmod 600/],
      [`{certificate: "${first.certificate}"}`, /tls\[\]\.key is missing/],
    ]) {
      const before = lines();
      writeFileSync(file, `tls: ${tlsText}\n`);
      server.child.kill("SIGHUP");
      await eventually("its refusal", lines, (n) => n === before + 1);
      assert.match(server.log, says);
      assert.equal(await shown(server, "first.example"), "first.example");
    }
  });

  test("whether there is TLS needs a restart", async () => {
    writeFileSync(file, "retention: 20d\n");
    server.child.kill("SIGHUP");
    await eventually("a warning", () => server.log, (log) => /"needs-restart".*"tls"/.test(log));
    assert.equal(await shown(server, "first.example"), "first.example");
  });
});

test("http:// before an address leaves it clear", async () => {
  const file = configurationLay("clear.yaml", `tls: ${entry(first)}\n`);
  const server = await Server.start({ args: ["-c", file], listen: "http://127.0.0.1:0" });
  assert.match(server.stdout, /^listening on http:/m);
  assert.equal((await server.call("GET", "/healthz", { auth: null })).status, 200);
  await server.stop();
});

test("check and serve say which file is wrong", async () => {
  const open = certificateMake("readable.example");
  chmodSync(open.key, 0o640);
  const rows = [
    [entry(open), /readable\.example\.key: others may read it; chmod 600 it/],
    [`{certificate: "${first.key}", key: "${first.key}"}`, /first\.example\.key: is no certificate in PEM/],
  ];
  for (const [text, says] of rows) {
    const file = configurationLay("wrong.yaml", `tls: ${text}\n`);
    const checked = await verifyd(["check", "--dev", "-c", file]);
    assert.equal(checked.code, 2, checked.stderr);
    assert.match(checked.stderr, says);
    const served = await verifyd(["serve", "--dev", "-c", file, "--data", folder(), "--listen", "127.0.0.1:0"]);
    assert.notEqual(served.code, 0);
    assert.match(served.stderr, says);
  }
  const refused = await verifyd(["serve", "--dev", "--data", folder(), "--listen", "https://127.0.0.1:0"]);
  assert.match(refused.stderr, /https:\/\/127\.0\.0\.1:0 needs a certificate/);
});
