// SPDX-License-Identifier: Apache-2.0
// Guesses at once: 200 of them on one code, one of them right, over as many connections. Never more
// than the code's five tries are evaluated, at most one succeeds, everybody else hears that there is
// nothing to check any more, and what is stored is what was evaluated. On both stores.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { MEMORY_PROGRAM, PROGRAM, Server, Wire, freshNumber, sql, test } from "./harness.mjs";

const ROUNDS = 20;
const GUESSES = 200;
const ATTEMPTS = 5;

// Wrong ones all different, and the right one at a random place: in every other round among the
// first ones, so that it often wins.
function guessesFor(code, round) {
  const guesses = [];
  for (let i = 1; guesses.length < GUESSES - 1; i++)
    guesses.push(String((Number(code) + i * 997) % 1e6).padStart(6, "0"));
  const place = Math.floor(Math.random() * (round % 2 ? GUESSES : 2 * ATTEMPTS));
  guesses.splice(place, 0, code);
  return { guesses, place };
}

function tally(answers) {
  const counts = {};
  for (const { status, json } of answers) {
    const word = status === 200 ? json.status : String(status);
    counts[word] = (counts[word] ?? 0) + 1;
  }
  return counts;
}

// The guesses in a packed history of sends and guesses: each a count and as many varints.
function guessesIn(history) {
  const bytes = Buffer.from(history, "hex");
  let at = 1;
  for (let left = bytes[0]; left > 0; at++) if (bytes[at] < 0x80) left--;
  return bytes[at];
}

// What the database counts for a number that had one code.
async function stored(data, number, id) {
  const hex = id.replaceAll("-", "");
  const [row] = await sql(
    data,
    `SELECT tries, state,
       (SELECT hex(history) FROM budget WHERE number = '${number}') AS history,
       (SELECT count FROM failures WHERE number = '${number}') AS failures,
       (SELECT count(*) FROM event WHERE verification = x'${hex}' AND kind = 'checked') AS checked
     FROM verification WHERE id = x'${hex}'`,
  );
  return { ...row, guesses: guessesIn(row.history) };
}

const stores = [
  { name: "sqlite", program: PROGRAM, args: [], look: true },
  { name: "memory", program: MEMORY_PROGRAM, args: ["--seed", String(Date.now())], look: false },
];

for (const { name, program, args, look } of stores)
  describe(`guess race on ${name}`, () => {
    let server;
    let wires;
    const seen = { evaluated: 0, approved: 0, locked: 0 };

    before(async () => {
      server = await Server.start({ program, args });
      wires = await Promise.all(Array.from({ length: GUESSES }, () => Wire.open(server)));
      // Everybody is signed in before the race, so that it is one of guesses and not of passwords.
      await Promise.all(wires.map((wire) => wire.ask("PUT", "/webapi/verify/none/validate", { body: { code: "1" } })));
    });
    after(async () => {
      for (const wire of wires) wire.close();
      await server.stop();
    });

    for (let round = 0; round < ROUNDS; round++)
      test(`round ${round + 1}`, async (t) => {
        const sent = await server.send({ to: freshNumber() });
        const { guesses, place } = guessesFor(sent.code, round);
        const target = `/webapi/verify/${sent.id}/validate`;
        const answers = await Promise.all(guesses.map((code, i) => wires[i].ask("PUT", target, { body: { code } })));
        const counts = tally(answers);
        t.diagnostic(`${args.join(" ")} right one at ${place}: ${JSON.stringify(counts)}`);

        const { CodeVerified: approved = 0, CodeNotVerified: refused = 0, CodeLocked: locked = 0, 204: gone = 0 } = counts;
        const evaluated = approved + refused + locked;
        assert.equal(evaluated + gone, GUESSES, "every other answer says that there is nothing to check");
        assert.ok(evaluated <= ATTEMPTS, `${evaluated} evaluated`);
        assert.ok(approved <= 1);
        assert.ok(answers.every(({ json }, i) => json?.status !== "CodeVerified" || guesses[i] === sent.code));
        if (approved) assert.equal(locked, 0);
        else assert.deepEqual({ evaluated, locked }, { evaluated: ATTEMPTS, locked: 1 });
        seen.evaluated += evaluated;
        seen.approved += approved;
        seen.locked += locked;

        // Afterwards too, whoever asks.
        const later = await server.validate(sent.id, { code: sent.code });
        assert.equal(later.status, 204);

        if (!look) return;
        const row = await stored(server.data, sent.to, sent.id);
        assert.equal(row.tries, evaluated, "tries of the record");
        assert.equal(row.guesses, evaluated, "guesses of the number's budget");
        assert.equal(row.failures ?? 0, approved ? 0 : evaluated, "consecutive failures");
        assert.equal(row.checked, evaluated, "events");
        assert.equal(row.state, approved ? 2 : 3);
      });

    test("the rounds together", (t) => {
      t.diagnostic(`${ROUNDS} rounds of ${GUESSES}: ${JSON.stringify(seen)}`);
      assert.equal(seen.approved + seen.locked, ROUNDS);
    });
  });
