// SPDX-License-Identifier: Apache-2.0
// The table of floods: frames or seconds until the connection was cut, by which code, what the
// server's memory grew by, and what another client's p99 became meanwhile. The server on core 0,
// everybody else on core 1. bench_floods.sh calls it.
//
//   SECONDS_EACH=2 SLOW=1 VERIFYD=build/verifyd node bench/bench_floods.mjs
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { FLOODS, flood } from "../tests/e2e/floods.mjs";
import { Server } from "../tests/e2e/harness.mjs";
import { certificateMake, configurationLay } from "../tests/e2e/transport.mjs";

const SECONDS_EACH = Number(process.env.SECONDS_EACH ?? 2);
const CODES = { 0: "NO_ERROR", 1: "PROTOCOL_ERROR", 2: "INTERNAL_ERROR", 11: "ENHANCE_YOUR_CALM" };

const made = certificateMake("floods");
const file = configurationLay("floods.yaml", `tls: {certificate: "${made.certificate}", key: "${made.key}"}\n`);
const secure = process.argv[2] === "tls";
const server = await Server.start({ args: ["-c", file], listen: `${secure ? "https" : "http"}://127.0.0.1:0`, ca: made.pem });
const target = { port: server.port, ca: secure ? made.pem : undefined };
const memory = () => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${server.child.pid}/status`, "utf8"))[1]);

// Another client: one request after another, a thousand a second at most, until told.
async function others(isOver) {
  const times = [];
  while (!isOver()) {
    const began = performance.now();
    const { status } = await server.call("GET", "/healthz", { auth: null });
    if (status !== 200) throw new Error(`status ${status}`);
    times.push(performance.now() - began);
    await pause(1);
  }
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length * 0.99)];
}

async function quiet() {
  const end = Date.now() + 1000 * SECONDS_EACH;
  return others(() => Date.now() > end);
}

await quiet();
console.log(`\nfloods ${secure ? "over TLS" : "in clear"}; others alone: p99 ${(await quiet()).toFixed(2)} ms`);
console.log("kind                              cut after          GOAWAY             tries    memory     others' p99");
for (const kind of FLOODS) {
  if (kind.slow && !process.env.SLOW) continue;
  await flood(kind.slow ? FLOODS[0] : kind, target);
  const before = memory();
  let over = false, most = 0, tries = 0, worst = { frames: 0 };
  const meanwhile = others(() => over);
  const end = Date.now() + 1000 * SECONDS_EACH;
  do {
    const result = await flood(kind, target);
    if (result.frames > worst.frames) worst = result;
    most = Math.max(most, memory() - before);
    tries++;
  } while (Date.now() < end && !kind.slow);
  over = true;
  const p99 = await meanwhile;
  const after = kind.slow ? `${(worst.ms / 1000).toFixed(1)} s` : `${worst.frames} frames`;
  console.log(
    `${kind.name.padEnd(34)}${after.padEnd(19)}${String(CODES[worst.code] ?? worst.code ?? "(closed)").padEnd(19)}${String(tries).padEnd(9)}` +
      `${`${most >= 0 ? "+" : ""}${most} KiB`.padEnd(11)}${p99.toFixed(2)} ms`,
  );
}
await server.stop();
process.exit(0);
