// SPDX-License-Identifier: Apache-2.0
// Floods of HTTP/2 against the real program, in clear and over TLS: each is cut within a thousand
// frames, costs little memory however often it is tried, and others are served meanwhile.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe } from "node:test";
import { FLOODS, flood } from "./floods.mjs";
import { Server, patiently, test } from "./harness.mjs";
import { certificateMake, configurationLay } from "./transport.mjs";

const FRAMES_MAX = 1000;
const TRIES = 10;
const MEMORY_MAX_KIB = 8 << 10;

const memoryOf = (server) => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${server.child.pid}/status`, "utf8"))[1]);

for (const secure of [false, true])
  describe(secure ? "over TLS" : "in clear", () => {
    let server, target;
    before(async () => {
      const made = certificateMake("floods");
      const file = configurationLay("floods.yaml", `tls: {certificate: "${made.certificate}", key: "${made.key}"}\n`);
      server = await Server.start({ args: ["-c", file], listen: `${secure ? "https" : "http"}://127.0.0.1:0`, ca: made.pem });
      target = { port: server.port, ca: secure ? made.pem : undefined };
    });
    after(() => server.stop());

    for (const kind of FLOODS.filter((each) => !each.slow))
      test(kind.name, async () => {
        await flood(kind, target);
        const memory = memoryOf(server);
        for (let i = 0; i < TRIES; i++) {
          const result = await patiently(kind.name, flood(kind, target));
          assert.ok(result.frames <= FRAMES_MAX, `${result.frames} frames`);
          const answer = await server.call("GET", "/healthz", { auth: null });
          assert.equal(answer.status, 200);
        }
        // The sanitizers keep what was freed.
        if (!process.env.ASAN_OPTIONS) assert.ok(memoryOf(server) - memory < MEMORY_MAX_KIB, `${memory} KiB, then ${memoryOf(server)} KiB`);
      });
  });
