// SPDX-License-Identifier: Apache-2.0
// The dotdigital contract, check: the life of a request id, row by row, and what a code may be typed
// like.
// Over every transport.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { clockPasses, eventually, freshNumber, importRecords, test, wrong } from "./harness.mjs";
import { SECRETS, assertFailures, assertGone, assertThrottled, assertVerifyCode, startServer } from "./dotdigital.mjs";

let server;
before(async () => (server = await startServer()));
after(() => server.stop(SECRETS));

const check = (sent, code, options) => server.validate(sent.id, { code }, options);
const LIFE_MS = 1500;
// A code that ends soon; the moment is the end of its life.
async function sendShortLived(options) {
  const end = Date.now() + LIFE_MS;
  const sent = await server.send({ validUntil: new Date(end).toISOString() }, options);
  return { ...sent, end };
}

// ---- life ----------------------------------------------------------------------------------------

describe("the life of a request id", () => {
  test("right in time: verified once, then gone", async () => {
    const sent = await server.send();
    const begun = new Date().toISOString();
    const answer = await check(sent, sent.code);
    assertVerifyCode(answer, 200, {
      requestId: sent.id, phoneNumber: sent.to, status: "CodeVerified", numberStatus: "On", created: sent.answer.json.created,
    });
    assert.ok(begun <= answer.json.verified && answer.json.verified <= new Date().toISOString());
    for (const code of [sent.code, wrong(sent.code)]) assertGone(await check(sent, code));
    assertGone(await server.validate(sent.id, "{{{"));
  });

  for (let mistakes = 1; mistakes <= 4; mistakes++)
    test(`right after ${mistakes} wrong ones`, async () => {
      const sent = await server.send();
      for (let i = 1; i <= mistakes; i++)
        assertVerifyCode(await check(sent, wrong(sent.code, i)), 200, {
          status: "CodeNotVerified", requestId: sent.id, created: sent.answer.json.created, phoneNumber: sent.to,
        });
      assertVerifyCode(await check(sent, sent.code), 200, { status: "CodeVerified" });
      assertGone(await check(sent, sent.code));
    });

  test("the fifth wrong one locks it, also for the right one", async () => {
    const sent = await server.send();
    for (let i = 1; i <= 4; i++) assertVerifyCode(await check(sent, wrong(sent.code, i)), 200, { status: "CodeNotVerified" });
    assertVerifyCode(await check(sent, wrong(sent.code, 5)), 200, { status: "CodeLocked", phoneNumber: sent.to });
    for (const code of [sent.code, wrong(sent.code)]) assertGone(await check(sent, code));
  });

  test("the same wrong one five times counts five times", async () => {
    const sent = await server.send();
    for (let i = 1; i <= 4; i++) await check(sent, wrong(sent.code));
    assertVerifyCode(await check(sent, wrong(sent.code)), 200, { status: "CodeLocked" });
  });

  test("code.attempts of the tenant", async () => {
    const options = { auth: "two:secret" };
    const sent = await server.send({}, options);
    assertVerifyCode(await check(sent, wrong(sent.code), options), 200, { status: "CodeNotVerified" });
    assertVerifyCode(await check(sent, wrong(sent.code), options), 200, { status: "CodeLocked" });
    assertGone(await check(sent, sent.code, options));
  });

  for (const [name, guess] of [["right", (code) => code], ["wrong", wrong]])
    test(`after its end, a ${name} code: expired once, then gone`, async () => {
      const sent = await sendShortLived();
      await clockPasses(sent.end);
      assertVerifyCode(await check(sent, guess(sent.code)), 200, {
        status: "CodeExpired", requestId: sent.id, phoneNumber: sent.to, created: sent.answer.json.created,
      });
      assertGone(await check(sent, sent.code));
      assertGone(await check(sent, wrong(sent.code)));
    });

  test("after its end with tries spent", async () => {
    const sent = await sendShortLived();
    for (let i = 1; i <= 4; i++) assertVerifyCode(await check(sent, wrong(sent.code, i)), 200, { status: "CodeNotVerified" });
    await clockPasses(sent.end);
    assertVerifyCode(await check(sent, wrong(sent.code)), 200, { status: "CodeExpired" });
    assertGone(await check(sent, sent.code));
  });

  test("after its end a request that cannot be read does not end it", async () => {
    const sent = await sendShortLived();
    await clockPasses(sent.end);
    assertFailures(await check(sent, ""), ["code CodeInvalid"]);
    assertVerifyCode(await check(sent, sent.code), 200, { status: "CodeExpired" });
    assertGone(await check(sent, ""));
  });

  test("an end by validUntil that is later than code.ttl", async () => {
    const options = { auth: "ttl:secret" };
    const end = Date.now() + 3_600_000;
    const sent = await server.send({ validUntil: new Date(end).toISOString(), body: "{{code}} {{validMinutes}}" }, options);
    assert.equal(sent.text, `${sent.code} 60`);
    assertVerifyCode(await check(sent, sent.code, options), 200, { status: "CodeVerified" });
  });

  test("a request that is no guess does not count as one", async () => {
    const sent = await server.send();
    for (let i = 0; i < 10; i++) {
      assertFailures(await check(sent, ""), ["code CodeInvalid"]);
      assertFailures(await server.validate(sent.id, "x"), [" RequestInvalid"]);
      assert.equal((await check(sent, sent.code, { headers: { "Content-Type": "text/plain" } })).status, 415);
      assert.equal((await check(sent, wrong(sent.code), { auth: null })).status, 401);
      assertGone(await check(sent, wrong(sent.code), { auth: "second:secret" }));
      assert.equal((await server.call("POST", `/webapi/verify/${sent.id}/validate`, { body: { code: wrong(sent.code) } })).status, 405);
    }
    for (let i = 1; i <= 4; i++) assertVerifyCode(await check(sent, wrong(sent.code, i)), 200, { status: "CodeNotVerified" });
    assertVerifyCode(await check(sent, sent.code), 200, { status: "CodeVerified" });
  });

  test("labels and number status of the tenant", async () => {
    const label = { auth: "label:secret" };
    const sent = await server.send({}, label);
    assertVerifyCode(await check(sent, wrong(sent.code), label), 200, { status: "CodeUnverified" });
    assertVerifyCode(await check(sent, sent.code, label), 200, { status: "CodeVerified" });
    const off = { auth: "off:secret" };
    const other = await server.send({}, off);
    assertVerifyCode(await check(other, wrong(other.code), off), 200, { numberStatus: "Off" });
    assertVerifyCode(await check(other, other.code, off), 200, { numberStatus: "Off" });
  });
});

// ---- side by side --------------------------------------------------------------------------------

describe("codes side by side", () => {
  test("every create makes an id and a code; older ones go on", async () => {
    const to = freshNumber();
    const all = [];
    for (let i = 0; i < 5; i++) all.push(await server.send({ to }));
    assert.equal(new Set(all.map(({ id }) => id)).size, 5);
    // Wrong ones of one leave the others alone.
    for (let i = 1; i <= 5; i++) await check(all[2], wrong(all[2].code, i));
    for (const i of [4, 0, 3, 1]) assertVerifyCode(await check(all[i], all[i].code), 200, { status: "CodeVerified" });
    assertGone(await check(all[2], all[2].code));
  });
  test("a code answers for its own id only", async () => {
    const to = freshNumber();
    const first = await server.send({ to });
    let second = await server.send({ to });
    while (second.code === first.code) second = await server.send({ to });
    assertVerifyCode(await check(first, second.code), 200, { status: "CodeNotVerified" });
    assertVerifyCode(await check(second, first.code), 200, { status: "CodeNotVerified" });
    assertVerifyCode(await check(first, first.code), 200, { status: "CodeVerified" });
    assertVerifyCode(await check(second, second.code), 200, { status: "CodeVerified" });
  });
});

// ---- the code as typed ---------------------------------------------------------------------------

const spread = (code, by) => code.split("").join(by);
const wide = (code) => code.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));
const guesses = [
  // name, the guess, whether it is right
  ["as it is", (code) => code, true],
  ["a blank in the middle", (code) => `${code.slice(0, 3)} ${code.slice(3)}`, true],
  ["blanks around", (code) => `  ${code}\t`, true],
  ["every ASCII white space between", (code) => spread(code, " \t\n\v\f\r"), true],
  ["a line end", (code) => `${code}\n`, true],
  ["full-width digits", wide, false],
  ["one full-width digit", (code) => code.slice(0, 5) + wide(code[5]), false],
  ["a no-break space", (code) => `${code.slice(0, 3)}\u00a0${code.slice(3)}`, false],
  ["a dash", (code) => `${code.slice(0, 3)}-${code.slice(3)}`, false],
  ["one digit less", (code) => code.slice(0, 5), false],
  ["one digit more", (code) => code + "0", false],
  ["a zero before", (code) => "0" + code, false],
  ["a plus before", (code) => "+" + code, false],
  ["NUL after it", (code) => code + "\0", false],
  ["backwards", (code) => (spread(code, "") === [...code].reverse().join("") ? "x" : [...code].reverse().join("")), false],
  ["another one", (code) => wrong(code), false],
  ["letters", () => "abcdef", false],
  ["an apostrophe", () => "' OR '1'='1", false],
  ["a long text", () => "1".repeat(60_000), false],
  ["an emoji", () => "🔑", false],
];

describe("the code as typed", () => {
  for (const [name, guess, right] of guesses)
    test(name, async () => {
      const sent = await server.send();
      assertVerifyCode(await check(sent, guess(sent.code)), 200, { status: right ? "CodeVerified" : "CodeNotVerified" });
    });

  test("an integer is read as its decimal text", async () => {
    let sent = await server.send();
    while (sent.code.startsWith("0")) sent = await server.send();
    assertVerifyCode(await server.validate(sent.id, `{"code":${wrong(sent.code)}}`), 200, { status: "CodeNotVerified" });
    assertVerifyCode(await server.validate(sent.id, `{"code":${sent.code}}`), 200, { status: "CodeVerified" });
  });
  test("letters of a code are taken as they are", async () => {
    const options = { auth: "upper:secret" };
    const sent = await server.send({}, options);
    assertVerifyCode(await check(sent, sent.code.toLowerCase(), options), 200, { status: "CodeNotVerified" });
    assertVerifyCode(await check(sent, sent.code, options), 200, { status: "CodeVerified" });
  });

  const bodies = [
    // name, body (@ stands for the code), failure (undefined: it is read)
    ["single quotes", "{'code': '@'}"],
    ["a trailing comma", `{"code":"@",}`],
    ["an array of one", `[{"code":"@"}]`],
    ["another case", `{"CODE":"@"}`],
    ["twice: the last one", `{"code":"x","code":"@"}`],
    ["more members", `{"code":"@","requestId":"x","to":[]}`],
    ["a byte order mark", `\ufeff{"code":"@"}`],
    ["none", "{}", "code CodeInvalid"],
    ["null", `{"code":null}`, "code CodeInvalid"],
    ["empty", `{"code":""}`, "code CodeInvalid"],
    ["white space alone", `{"code":" \\t "}`, "code CodeInvalid"],
    ["true", `{"code":true}`, "code CodeInvalid"],
    ["a fraction", `{"code":123456.0}`, "code CodeInvalid"],
    ["an exponent", `{"code":1e5}`, "code CodeInvalid"],
    ["an array", `{"code":["@"]}`, "code CodeInvalid"],
    ["an object", `{"code":{"code":"@"}}`, "code CodeInvalid"],
    ["another name", `{"pin":"@"}`, "code CodeInvalid"],
    ["no body", "", " RequestInvalid"],
    ["a text", `"@"`, " RequestInvalid"],
    ["an empty array", "[]", " RequestInvalid"],
    ["two objects", `[{"code":"@"},{"code":"@"}]`, " RequestInvalid"],
    ["bytes after it", `{"code":"@"}.`, " RequestInvalid"],
    ["not JSON", "code=@", " RequestInvalid"],
    ["not UTF-8", Buffer.from([0x7b, 0x22, 0x63, 0xff, 0x22, 0x3a, 0x31, 0x7d]), " RequestInvalid"],
  ];
  for (const [name, body, failure] of bodies)
    test(`the body: ${name}`, async () => {
      const sent = await server.send();
      const filled = typeof body === "string" ? body.replaceAll("@", sent.code) : body;
      const answer = await server.validate(sent.id, filled);
      if (failure) assertFailures(answer, [failure]);
      else assertVerifyCode(answer, 200, { status: "CodeVerified" });
    });
});

// ---- throttling ----------------------------------------------------------------------------------

describe("throttling of checks", () => {
  test("the number's guesses are spent: Throttled on `code`, the request stays live", async () => {
    const options = { auth: "guesses:secret" };
    const sent = await server.send({}, options);
    for (let i = 1; i <= 3; i++) assertVerifyCode(await check(sent, wrong(sent.code, i), options), 200, { status: "CodeNotVerified" });
    for (const code of [sent.code, wrong(sent.code)]) assertThrottled(await check(sent, code, options), "code", 900);
    // What is no guess is told first, and an unknown id is unknown.
    assertFailures(await check(sent, "", options), ["code CodeInvalid"]);
    assertGone(await server.validate("none", { code: "123456" }, options));
    // The limit is lifted, and the code is still there with the tries it had.
    await importRecords(server.data, [{ type: "tenant", id: "guesses", settings: {} }]);
    const answer = await eventually(
      "the limit is lifted",
      () => check(sent, wrong(sent.code, 4), options),
      ({ status }) => status === 200,
    );
    assertVerifyCode(answer, 200, { status: "CodeNotVerified" });
    assertVerifyCode(await check(sent, sent.code, options), 200, { status: "CodeVerified" });
  });

  test("consecutive failures make wait, over several codes; the operator's reset ends it", async () => {
    const options = { auth: "waits:secret" };
    const sent = await server.send({}, options);
    for (let i = 1; i <= 2; i++) assertVerifyCode(await check(sent, wrong(sent.code, i), options), 200, { status: "CodeNotVerified" });
    assertThrottled(await check(sent, sent.code, options), "code", 20);
    await importRecords(server.data, [{ type: "number", tenant: "waits", phone: `+${sent.to}`, failures: 0 }]);
    const answer = await eventually("the reset", () => check(sent, sent.code, options), ({ status }) => status === 200);
    assertVerifyCode(answer, 200, { status: "CodeVerified" });
  });
});
