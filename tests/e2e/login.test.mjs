// SPDX-License-Identifier: Apache-2.0
// Secrets that must be compared, and so cost an Argon2id each: more at once than are waited for.
import assert from "node:assert/strict";
import { Server, freshNumber, test } from "./harness.mjs";

const WAITING = 64; // comparisons that wait for a worker
const SIGN_INS = 300;

test("comparisons beyond what is waited for are refused, and nobody else waits", async () => {
  const server = await Server.start();
  // From now on its secret is known without a comparison.
  assert.equal((await server.create({ to: freshNumber() })).status, 202);
  let open = SIGN_INS;
  const attempts = Array.from({ length: SIGN_INS }, (_, i) =>
    server.create({ to: freshNumber() }, { auth: `demo:wrong ${i}` }).finally(() => open--),
  );
  // In the middle of it.
  await Promise.any(attempts);
  assert.equal((await server.create({ to: freshNumber() })).status, 202);
  assert.ok(open > 0, "all had been compared before");
  const statuses = (await Promise.all(attempts)).map(({ status }) => status);
  const of = (wanted) => statuses.filter((status) => status === wanted).length;
  assert.equal(of(401) + of(503), SIGN_INS, statuses.join());
  assert.ok(of(401) > WAITING, `${of(401)} were compared`);
  assert.ok(of(503) > 0, "nobody was refused");
  // It was a matter of a moment.
  assert.equal((await server.create({ to: freshNumber() }, { auth: "demo:wrong again" })).status, 401);
  await server.stop();
});
