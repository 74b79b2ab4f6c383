// SPDX-License-Identifier: Apache-2.0
// The dotdigital contract, create: what each member may be, what goes to the phone, what settings
// change, and what limits answer.
// Over every transport.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { MOMENT, freshNumber, test } from "./harness.mjs";
import {
  NUMBERS, SECRETS, assertFailures, assertGone, assertThrottled, assertVerifyCode, startServer,
} from "./dotdigital.mjs";

let server;
before(async () => (server = await startServer()));
after(() => server.stop(SECRETS));

const PLAIN = { auth: "app:s3cret-of-app" };

// Tells what came out: the five members, or one failure of `property`.
function assertOutcome(answer, expected, property, failureCode) {
  if (expected === false) assertFailures(answer, [`${property} ${failureCode}`]);
  else assertVerifyCode(answer, 202, { status: "CodeNotVerified", numberStatus: "On", ...expected });
}

// ---- the answer ----------------------------------------------------------------------------------

describe("the answer of a create", () => {
  test("its members, ids and moments", async () => {
    const ids = new Set();
    let last = "";
    for (let i = 0; i < 20; i++) {
      const to = freshNumber();
      const begun = new Date().toISOString();
      const answer = await server.create({ to, from: "Example" });
      const ended = new Date().toISOString();
      assertVerifyCode(answer, 202, { phoneNumber: to, status: "CodeNotVerified", numberStatus: "On" });
      assert.ok(begun <= answer.json.created && answer.json.created <= ended, answer.json.created);
      assert.ok(last <= answer.json.created);
      last = answer.json.created;
      ids.add(answer.json.requestId);
    }
    assert.equal(ids.size, 20);
  });
  test("it holds no code", async () => {
    const sent = await server.send();
    assert.ok(!sent.answer.text.replace(sent.id, "").includes(sent.code));
  });
});

// ---- to ------------------------------------------------------------------------------------------

const GB = "447700900123";
const tos = [
  // to, what it is (false: ToInvalid), countryIsoCode
  [GB, GB], [`+${GB}`, GB], ["+44 7700 900123", GB], ["44 7700 900123", GB], ["+44 (0)7700 900123", GB],
  ["44-7700-900.123", GB], ["(44)7700/900123", GB], [`  ${GB}\t`, GB], ["44\u00a07700\u00a0900123", GB],
  ["+1 (201) 555-0123", "12015550123"], ["12015550123", "12015550123"], ["+61 491 570 006", "61491570006"],
  ["61491570006", "61491570006"], ["+390669812345", "390669812345"],
  [undefined, false], [null, false], ["", false], [" ", false], ["+", false], ["0", false],
  ["07700900123", false], ["7", false], ["4479790802150", false], ["447700", false], ["++447700900123", false],
  ["44+7700900123", false], ["00447700900123", false], ["999447700900123", false], ["1234567890123456", false],
  ["44770090012x", false], ["x", false], ["tel:447700900123", false], ["447700900123;ext=1", false],
  ["447700900123,447700900124", false], ["４４７７００９００１２３", false], ["٤٤٧٧٠٠٩٠٠١٢٣", false], ["447700\u0000900123", false],
  ["447700\n900123", false], ["447700_900123", false], ["4".repeat(1000), false], ["447700900123@x", false],
  [true, false], [[], false], [["447700900123"], false], [{}, false], [447700900123.5, false],
  ["07700900123", GB, "GBR"], ["07700 900 123", GB, "GBR"], ["(07700) 900123", GB, "GBR"], [GB, GB, "GBR"],
  [`+${GB}`, GB, "GBR"], ["7700900123", GB, "GBR"], ["+12015550123", "12015550123", "GBR"],
  ["2015550123", "12015550123", "USA"], ["0491570006", "61491570006", "AUS"], ["0669812345", "390669812345", "ITA"],
  ["", false, "GBR"], ["0770090012x", false, "GBR"], ["077009001234567", false, "GBR"], ["0770", false, "GBR"],
  ["+07700900123", false, "GBR"],
];

describe("to", () => {
  for (const [to, phoneNumber, countryIsoCode] of tos)
    test(`${JSON.stringify(to)?.slice(0, 40)} ${countryIsoCode ?? ""}`, async () => {
      const answer = await server.create({ to, countryIsoCode });
      assertOutcome(answer, phoneNumber && { phoneNumber }, "to", "ToInvalid");
    });
  const raw = [
    // as JSON, accepted
    ["447700900123", true], ["447700900123.0", false], ["4.477009e11", false],
    ["99999999999999999999999999", false], ["0", false],
  ];
  for (const [value, accepted] of raw)
    test(`the number ${value}`, async () => {
      assertOutcome(await server.create(`{"to":${value}}`), accepted && { phoneNumber: value }, "to", "ToInvalid");
    });
});

// ---- from ----------------------------------------------------------------------------------------

const froms = [
  // from, what the message is from (false: FromInvalid)
  [undefined, "VERIFY"], [null, "VERIFY"], ["", "VERIFY"],
  ["12", "12"], ["123456789012345", "123456789012345"], ["AB", "AB"], ["ABCDEFGHIJK", "ABCDEFGHIJK"],
  ["a-B_c.d 1", "a-B_c.d 1"], ["  ", "  "], ["12345678901", "12345678901"], ["1234567890A", "1234567890A"], [42, "42"],
  [123456789012345, "123456789012345"],
  ["1", false], ["A", false], ["1234567890123456", false], ["ABCDEFGHIJKL", false], ["12345678901A", false],
  ["+44770090", false], ["A!", false], ["A&B", false], ["Café", false], ["A\tB", false], ["A\nB", false], ["A\u0000B", false],
  ["ＡＢ", false], [1, false], [1.5, false], [true, false], [[], false], [{}, false],
];

describe("from", () => {
  for (const [from, expected] of froms)
    test(JSON.stringify(from) ?? "absent", async () => {
      const to = freshNumber();
      const answer = await server.create({ to, from });
      assertOutcome(answer, expected && { phoneNumber: to }, "from", "FromInvalid");
      if (expected) assert.equal((await server.message(to)).from, expected);
    });
});

// ---- countryIsoCode ------------------------------------------------------------------------------

const countries = [
  ["GBR", true], ["USA", true], ["DEU", true], ["ITA", true], [null, true], [undefined, true],
  ["GB", false], ["XXX", false], ["ZZZ", false], ["", false], ["GBRX", false], ["G", false], ["826", false], [826, false], ["44", false],
  [" GBR", false], ["GBR\u0000", false], ["ＧＢＲ", false], [true, false], [[], false], [["GBR"], false],
];

describe("countryIsoCode", () => {
  for (const [countryIsoCode, accepted] of countries)
    test(JSON.stringify(countryIsoCode) ?? "absent", async () => {
      const to = freshNumber();
      const answer = await server.create({ to: `+${to}`, countryIsoCode });
      assertOutcome(answer, accepted && { phoneNumber: to }, "countryIsoCode", "CountryIsoCodeInvalid");
    });
});

// ---- body ----------------------------------------------------------------------------------------

// `#` stands for the code.
const UNITS = 1600;
const texts = [
  // name, body, text on the phone (false: BodyInvalid)
  ["absent", undefined, "Your verification code is #"],
  ["null", null, "Your verification code is #"],
  ["the code alone", "{{code}}", "#"],
  ["twice", "{{code}} and {{code}}", "# and #"],
  ["side by side", "{{code}}{{code}}", "##"],
  ["the minutes", "{{code}} is good for {{validMinutes}} min, {{validMinutes}}!", "# is good for 10 min, 10!"],
  ["other names stay", "{{code}} {{name}} {{ code }} {{Code}} {{CODE}} {{validminutes}} {code} {{}}", "# {{name}} {{ code }} {{Code}} {{CODE}} {{validminutes}} {code} {{}}"],
  ["braces around", "{{{code}}}", "{#}"],
  ["a name that replacement makes is not replaced", "{{co{{code}}de}} {{{{code}}}}", "{{co#de}} {{#}}"],
  ["unclosed", "{{code {{code}} {{code", "{{code # {{code"],
  ["UTF-8", "Ваш код — {{code}}. コード 代码 ☎", "Ваш код — #. コード 代码 ☎"],
  ["emoji, joined and combined", "👩‍👩‍👧 {{code}} e\u0301 🇬🇧", "👩‍👩‍👧 # e\u0301 🇬🇧"],
  ["line ends and tabs", "a\r\n{{code}}\n\tb", "a\r\n#\n\tb"],
  ["quotes, markup, percent", `"'<b>{{code}}</b>&amp;%s%n\\`, `"'<b>#</b>&amp;%s%n\\`],
  ["right to left", "קוד: \u200f{{code}}", "קוד: \u200f#"],
  ["a NUL", "a\u0000{{code}}", "a\u0000#"],
  ["1600 units once filled", "{{code}}" + "x".repeat(UNITS - 6), "#" + "x".repeat(UNITS - 6)],
  ["1600 units of emoji", "{{code}}" + "😀".repeat((UNITS - 6) / 2), "#" + "😀".repeat((UNITS - 6) / 2)],
  ["1600 units with the minutes", "{{code}}{{validMinutes}}" + "x".repeat(UNITS - 8), "#10" + "x".repeat(UNITS - 8)],
  ["1601 units once filled", "{{code}}" + "x".repeat(UNITS - 5), false],
  ["1601 units with an emoji", "{{code}}" + "x".repeat(UNITS - 7) + "😀", false],
  ["1601 units with the minutes", "{{code}}{{validMinutes}}" + "x".repeat(UNITS - 7), false],
  ["1602 units by many codes", "{{code}}".repeat(267), false],
  ["1596 units of 2128 as typed", "{{code}}".repeat(266), "#".repeat(266)],
  ["empty", "", false],
  ["no code", "Hello {{validMinutes}}", false],
  ["another spelling of code", "{{Code}} {{ code}} {code} {{code}", false],
  ["a number", 123456, false],
  ["true", true, false],
  ["an array", ["{{code}}"], false],
];

describe("body", () => {
  for (const [name, body, expected] of texts)
    test(name, async () => {
      const to = freshNumber();
      const answer = await server.create({ to, body });
      assertOutcome(answer, expected && { phoneNumber: to }, "body", "BodyInvalid");
      if (!expected) return;
      const { code, text } = await server.message(to);
      assert.match(code, /^\d{6}$/);
      assert.equal(text, expected.replaceAll("#", code));
    });
});

// ---- validUntil ----------------------------------------------------------------------------------

const from = (ms) => new Date(Date.now() + ms).toISOString();
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
// The same moment as the clocks of a place so far east say it.
const zoned = (ms, zone, hours) => from(ms + hours * HOUR).replace("Z", zone);
const fraction = (digits) => from(HOUR).replace(/\.\d+Z/, `${digits}Z`);

const moments = [
  // name, validUntil, minutes that the message says (false: ValidUntilInvalid)
  ["in two seconds", () => from(2 * SECOND), "1"],
  ["in 59 seconds", () => from(59 * SECOND), "1"],
  ["in 90 seconds: rounded up", () => from(90 * SECOND), "2"],
  ["in an hour", () => from(HOUR), "60"],
  ["in 24 hours", () => from(24 * HOUR), "1440"],
  ["in 25 hours: the code lives 24", () => from(25 * HOUR), "1440"],
  ["in a thousand years", () => "3026-01-01T00:00:00Z", "1440"],
  ["the last moment there is", () => "9999-12-31T23:59:59.999Z", "1440"],
  ["no fraction", () => fraction(""), "60"],
  ["one digit", () => fraction(".0"), "60"],
  ["seven digits", () => fraction(".0000001"), "60"],
  ["an offset to the east", () => zoned(HOUR, "+02:00", 2), "60"],
  ["an offset to the west", () => zoned(HOUR, "-05:00", -5), "60"],
  ["an offset of half hours", () => zoned(HOUR, "+05:30", 5.5), "60"],
  ["no offset is UTC", () => from(HOUR).replace("Z", ""), "60"],
  ["null", () => null, "10"],
  ["a second ago", () => from(-SECOND), false],
  ["the page's own example, long past", () => "2015-10-21T13:28:06.419Z", false],
  ["past by its offset", () => from(HOUR).replace("Z", "+02:00"), false],
  ["eight digits", () => fraction(".00000001"), false],
  ["a date alone", () => "2099-01-01", false],
  ["a time alone", () => "13:28:06Z", false],
  ["no seconds", () => "2099-01-01T10:00Z", false],
  ["month 13", () => "2099-13-01T00:00:00Z", false],
  ["30 February", () => "2099-02-30T00:00:00Z", false],
  ["29 February of a year that has none", () => "2099-02-29T00:00:00Z", false],
  ["hour 24", () => "2099-01-01T24:00:00Z", false],
  ["minute 60", () => "2099-01-01T00:60:00Z", false],
  ["a zone by name", () => "2099-01-01T00:00:00 GMT", false],
  ["another notation", () => "Tue, 01 Jan 2099 00:00:00 GMT", false],
  ["something after it", () => "2099-01-01T00:00:00Zx", false],
  ["a year of five digits", () => "12099-01-01T00:00:00Z", false],
  ["a number", () => Date.now() + HOUR, false],
  ["empty", () => "", false],
  ["words", () => "tomorrow", false],
  ["true", () => true, false],
  ["an array", () => [from(HOUR)], false],
];

describe("validUntil", () => {
  for (const [name, validUntil, minutes] of moments)
    test(name, async () => {
      const to = freshNumber();
      const answer = await server.create({ to, validUntil: validUntil(), body: "{{code}} {{validMinutes}}" });
      assertOutcome(answer, minutes && { phoneNumber: to }, "validUntil", "ValidUntilInvalid");
      if (!minutes) return;
      const { code, text } = await server.message(to);
      assert.equal(text, `${code} ${minutes}`);
    });
});

// ---- the message ---------------------------------------------------------------------------------

describe("the message", () => {
  test("the contract's own example", async () => {
    const sent = await server.send({
      from: "ORCHARD", to: "07700 900555", countryIsoCode: "GBR",
      body: "{{code}} opens your Orchard account for {{validMinutes}} min",
    });
    assert.equal(sent.to, "447700900555");
    assert.equal(sent.from, "ORCHARD");
    assert.equal(sent.text, `${sent.code} opens your Orchard account for 10 min`);
    assert.match(sent.at, MOMENT);
    assert.equal(sent.channel, "sms");
  });
  test("one for each accepted create, none for a refused one", async () => {
    const to = freshNumber();
    for (const body of [{ to }, { to }, { to, from: "x" }, { to, body: "" }, { to }]) await server.create(body);
    const last = await server.send({ to });
    const { json } = await server.call("GET", `/inbox/api/messages?to=${to}`, { auth: null });
    assert.equal(json.length, 4);
    assert.equal(json[0].code, last.code);
    assert.ok(new Set(json.map(({ code }) => code)).size > 1, "each has a code of its own");
  });
  test("codes keep their leading zeros", async () => {
    const codes = [];
    const to = freshNumber();
    for (let i = 0; i < 150; i++) await server.create({ to });
    await server.send({ to });
    const { json } = await server.call("GET", `/inbox/api/messages?to=${to}`, { auth: null });
    for (const { code } of json) codes.push(code);
    assert.ok(codes.every((code) => /^\d{6}$/.test(code)));
    assert.equal(codes.length, 151);
    // All of 151 begin otherwise once in eight million runs.
    assert.ok(codes.some((code) => code.startsWith("0")));
  });
});

// ---- settings of a tenant ------------------------------------------------------------------------

describe("settings", () => {
  const rows = [
    ["created", { status: 201 }],
    ["label", { members: { status: "CodeUnverified" } }],
    ["off", { members: { numberStatus: "Off" } }],
    ["from", { from: "ORCHARD" }],
    ["ttl", { minutes: "3" }],
    ["eight", { code: /^\d{8}$/ }],
    ["four", { code: /^\d{4}$/ }],
    ["upper", { code: /^[A-Z]{6}$/ }],
  ];
  for (const [name, { status = 202, members = {}, from: sender = "VERIFY", minutes = "10", code = /^\d{6}$/ }] of rows)
    test(name, async () => {
      const to = freshNumber();
      const sent = await server.send({ to, body: "{{code}} {{validMinutes}}" }, { auth: `${name}:secret` });
      assertVerifyCode(sent.answer, status, { status: "CodeNotVerified", numberStatus: "On", ...members });
      assert.equal(sent.from, sender);
      assert.match(sent.code, code);
      assert.equal(sent.text, `${sent.code} ${minutes}`);
    });
  test("default_from empty: the request must have one", async () => {
    const auth = "nofrom:secret";
    for (const sender of [undefined, null, ""])
      assertFailures(await server.create({ to: freshNumber(), from: sender }, { auth }), ["from FromInvalid"]);
    const sent = await server.send({ from: "MINE" }, { auth });
    assert.equal(sent.from, "MINE");
  });
  test("ttl_max", async () => {
    const body = "{{code}} {{validMinutes}}";
    const far = await server.send({ body, validUntil: from(24 * HOUR) }, { auth: "ttlmax:secret" });
    assert.equal(far.text, `${far.code} 60`);
    const near = await server.send({ body, validUntil: from(30 * MINUTE) }, { auth: "ttlmax:secret" });
    assert.equal(near.text, `${near.code} 30`);
  });
  test("a code of 8 counts as 8 in the length of the text", async () => {
    const auth = "eight:secret";
    assertVerifyCode(await server.create({ to: freshNumber(), body: "{{code}}" + "x".repeat(1592) }, { auth }), 202);
    assertFailures(await server.create({ to: freshNumber(), body: "{{code}}" + "x".repeat(1593) }, { auth }), ["body BodyInvalid"]);
  });
});

// ---- number records ------------------------------------------------------------------------------

describe("number records", () => {
  const inboxOf = async (to) => (await server.call("GET", `/inbox/api/messages?to=${to}`, { auth: null })).json;
  for (const [name, numberStatus] of [["dead", "Dead"], ["landline", "NotProvisioned"]])
    test(`${name}: not sent, and 204 from the start`, async () => {
      const to = NUMBERS[name];
      const answer = await server.create({ to }, PLAIN);
      assertVerifyCode(answer, 202, { phoneNumber: to, status: "CodeNotSent", numberStatus });
      for (const body of [{ code: "123456" }, { code: "" }]) assertGone(await server.validate(answer.json.requestId, body, PLAIN));
      assert.deepEqual(await inboxOf(to), []);
      // Another tenant knows nothing of it.
      assertVerifyCode(await server.create({ to }, { auth: "created:secret" }), 201, { status: "CodeNotVerified", numberStatus: "On" });
    });
  test("a fixed code: nothing in the inbox, tries count", async () => {
    const to = NUMBERS.fixed;
    const first = await server.create({ to }, PLAIN);
    assertVerifyCode(first, 202, { phoneNumber: to, status: "CodeNotVerified", numberStatus: "On" });
    const second = await server.create({ to }, PLAIN);
    assertVerifyCode(await server.validate(first.json.requestId, { code: "271828" }, PLAIN), 200, { status: "CodeVerified" });
    for (let i = 1; i <= 4; i++)
      assertVerifyCode(await server.validate(second.json.requestId, { code: "271829" }, PLAIN), 200, { status: "CodeNotVerified" });
    assertVerifyCode(await server.validate(second.json.requestId, { code: "271829" }, PLAIN), 200, { status: "CodeLocked" });
    assertGone(await server.validate(second.json.requestId, { code: "271828" }, PLAIN));
    assert.deepEqual(await inboxOf(to), []);
  });
  test("a fixed code: send limits do not apply", async () => {
    const auth = "limited:secret";
    for (let i = 0; i < 5; i++) {
      const answer = await server.create({ to: NUMBERS.limited }, { auth });
      assertVerifyCode(answer, 202);
      assertVerifyCode(await server.validate(answer.json.requestId, { code: "314159" }, { auth }), 200, { status: "CodeVerified" });
    }
    assert.deepEqual(await inboxOf(NUMBERS.limited), []);
  });
});

// ---- throttling ----------------------------------------------------------------------------------

describe("throttling of sends", () => {
  test("the delay after a send: Throttled on `to`, nothing sent", async () => {
    const auth = "limited:secret";
    const to = freshNumber();
    // Neither a request that is invalid nor one that is refused starts the delay.
    assertFailures(await server.create({ to, from: "x" }, { auth }), ["from FromInvalid"]);
    assertVerifyCode(await server.create({ to }, { auth }), 202);
    const first = await server.message(to);
    for (let i = 0; i < 3; i++) assertThrottled(await server.create({ to }, { auth }), "to", 30);
    const { json } = await server.call("GET", `/inbox/api/messages?to=${to}`, { auth: null });
    assert.deepEqual(json.map(({ id }) => id), [first.id]);
    // What is wrong with the request is told first.
    assertFailures(await server.create({ to, body: "" }, { auth }), ["body BodyInvalid"]);
    // Other numbers, and other spellings of this one.
    assertVerifyCode(await server.create({ to: freshNumber() }, { auth }), 202);
    assertThrottled(await server.create({ to: `+${to}` }, { auth }), "to", 30);
  });
  test("the window: a number's sends, over all tenants", async () => {
    const auth = "window:secret";
    const to = freshNumber();
    assertVerifyCode(await server.create({ to }, { auth }), 202);
    assertVerifyCode(await server.create({ to }, PLAIN), 202);
    assertThrottled(await server.create({ to }, { auth }), "to", 600);
    // Where limits are off they are off.
    assertVerifyCode(await server.create({ to }, PLAIN), 202);
  });
});
