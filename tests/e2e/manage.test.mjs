// SPDX-License-Identifier: Apache-2.0
// The manage API, row by row over a real socket: who may call, what a body may be, what a check and
// a send answer.
import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe } from "node:test";
import { ROOT, basic, clockPasses, importRecords, numberAt, run, sql, test, wrong } from "./harness.mjs";
import {
  CLIENT_IP_WARNING, ERRORS, SECRETS, SHOP, TIGHT, assertErrors, assertNothingCame, assertUser, codeFor, freshPerson, post,
  sendOtp, startServer, validate,
} from "./manage.mjs";

let server;
before(async () => {
  server = await startServer([
    { type: "user", tenant: "garage", id: "full", uuid: "5b0c2a52-7d0c-4d0e-8a39-1f2f3a4b5c6d", userName: "Full", firstName: "Ada",
      lastName: "Löve \"L\" <b>", email: "ada@example.com", phone: "+12015550150", textNumber: "call me", nickName: "ad\\a",
      passwordExpires: "2027-01-01T00:00:00.000Z", forcePasswordChange: true, latestInviteStatus: "SENT",
      latestInviteDate: "2026-01-02T03:04:05.000Z", latestInviteUUID: "11111111-2222-4333-8444-555555555555", userRolloutStage: "beta" },
    { type: "user", tenant: "garage", id: "gone", userName: "gone", phone: "+12015550151", disabled: true },
    { type: "user", tenant: "garage", id: "nophone", userName: "nophone" },
    { type: "user", tenant: "garage", id: "twin1", userName: "twin1", phone: "+12015550152" },
    { type: "user", tenant: "garage", id: "twin2", userName: "twin2", phone: "+12015550152" },
    { type: "user", tenant: "garage", id: "half1", userName: "half1", phone: "+12015550153" },
    { type: "user", tenant: "garage", id: "half2", userName: "half2", phone: "+12015550153", disabled: true },
    { type: "user", tenant: "other", id: "full", userName: "Full", phone: "+12015550150" },
    { type: "user", tenant: "other", id: "theirs", userName: "theirs", phone: "+12015550154" },
    { type: "user", tenant: "tight", id: "t1", userName: "t1", phone: "+12015550155" },
    { type: "number", tenant: "garage", phone: "+12015550156", state: "dead" },
    { type: "user", tenant: "garage", id: "dead", userName: "dead", phone: "+12015550156" },
    { type: "tenant", id: "gb", settings: { manage: { region: "GB" } } },
    { type: "client", tenant: "gb", name: "gb", secret: "s3cret", scopes: ["otp.send", "otp.verify"] },
    { type: "user", tenant: "gb", id: "g", userName: "g", phone: "+447700900900" },
    { type: "tenant", id: "off", settings: { manage: { enabled: false } } },
    { type: "client", tenant: "off", name: "off", secret: "s3cret", scopes: ["otp.send", "otp.verify"] },
    { type: "tenant", id: "short", settings: { code: { ttl: "2s" } } },
    { type: "client", tenant: "short", name: "short", secret: "s3cret", scopes: ["otp.send", "otp.verify"] },
    { type: "user", tenant: "short", id: "s", userName: "s", phone: "+12015550157" },
  ]);
});
after(() => server.stop(SECRETS));

const BODY = { userName: "user1", otp: "000000" };

// ---- paths ---------------------------------------------------------------------------------------

describe("paths", () => {
  for (const [name, method, target, code] of [
    ["GET", "GET", "/manage/v2/user/validate/otp", 160003],
    ["PUT", "PUT", "/manage/v2/user/send/otp", 160003],
    ["DELETE", "DELETE", "/manage/v2/user/list/rolloutStage", 160003],
    ["OPTIONS", "OPTIONS", "/manage/v2/user/validate/otp", 160003],
    ["another case", "POST", "/manage/v2/User/validate/otp", 160004],
    ["another case of the prefix is nobody's", "POST", "/Manage/v2/user/validate/otp", 0],
    ["a slash at the end", "POST", "/manage/v2/user/validate/otp/", 160004],
    ["an empty segment", "POST", "/manage//v2/user/validate/otp", 160004],
    ["the prefix alone", "POST", "/manage", 160004],
    ["another version", "POST", "/manage/v1/user/validate/otp", 160004],
    ["one segment more", "POST", "/manage/v2/user/validate/otp/x", 160004],
    ["an escape that is none", "POST", "/manage/v2/user/validate/%zz", 100006],
    ["a dot segment", "POST", "/manage/v2/../v2/user/validate/otp", 100006],
  ])
    test(name, async () => {
      const answer = await server.call(method, target, { auth: null, body: method === "POST" ? BODY : undefined });
      if (!code) {
        assert.equal(answer.status, 404);
        assert.equal(answer.text, "not found\n");
        return;
      }
      assertErrors(answer, [code], { messages: code === 100006 ? ["path is not well formed"] : [] });
      assert.equal(answer.headers.allow, code === 160003 ? "POST" : undefined);
    });

  test("a query is ignored", async () => {
    assertErrors(await server.call("POST", "/manage/v2/user/validate/otp?x=1&x=2", { auth: SHOP, body: BODY }), [160001]);
  });
});

// ---- who may call --------------------------------------------------------------------------------

describe("credentials", () => {
  for (const [name, authorization, code] of [
    ["none", undefined, 100001],
    ["another scheme", "Bearer abc", 100001],
    ["no base64", "Basic ?", 100001],
    ["no colon", basic("shop"), 100001],
    ["an empty name", basic(":s3cret"), 100001],
    ["an empty secret", basic("shop:"), 100001],
    ["both empty", basic(":"), 100001],
    ["a wrong secret", basic("shop:wrong"), 100003],
    ["an unknown name", basic("nobody:s3cret"), 100003],
    ["a disabled client", basic("closed:s3cret"), 100003],
    ["another client's secret", basic("other:s3cret"), 100003],
    ["the scheme in another case", basic("shop:s3cret").replace("Basic", "bASIC"), 0],
  ])
    for (const call of ["validate/otp", "send/otp", "list/rolloutStage"])
      test(`${name}: ${call}`, async () => {
        const answer = await post(server, call, "{not json", { auth: null, headers: { Authorization: authorization } });
        assertErrors(answer, [code || 100006], { messages: code ? [] : ["body is not a JSON object in UTF-8"] });
      });

  for (const [name, allowed] of [["sender", "send/otp"], ["verifier", "validate/otp"], ["reader", "list/rolloutStage"], ["nothing", ""]])
    for (const call of ["validate/otp", "send/otp", "list/rolloutStage"])
      test(`the scopes of ${name}: ${call}`, async () => {
        const answer = await post(server, call, "[", { auth: `${name}:s3cret` });
        assertErrors(answer, [call === allowed ? 100006 : 100004], { messages: call === allowed ? ["body is not a JSON object in UTF-8"] : [] });
      });

  test("a tenant that has no manage", async () => {
    assertErrors(await validate(server, BODY, { auth: "off:s3cret" }), [160004]);
  });

  test("each answer has a name of its own", async () => {
    const names = new Set();
    for (let i = 0; i < 5; i++) names.add((await validate(server, BODY, { auth: null })).json.apiRequestId);
    assert.equal(names.size, 5);
  });
});

// ---- bodies --------------------------------------------------------------------------------------

const NO_JSON = "body is not a JSON object in UTF-8";
const OTP = "otp must be 4 to 10 digits";
const PHONE = "phoneNumber must be + and 7 to 15 digits";
const NAME = "userName must have 1 to 255 octets";

describe("bodies of validate/otp", () => {
  for (const [name, body, messages] of [
    ["empty", "", [NO_JSON]],
    ["no JSON", "{", [NO_JSON]],
    ["an array", "[]", [NO_JSON]],
    ["a text", '"x"', [NO_JSON]],
    ["null", "null", [NO_JSON]],
    ["bytes after it", '{"userName":"user1","otp":"0000"} x', [NO_JSON]],
    ["a BOM", '\ufeff{"userName":"user1","otp":"0000"}', [NO_JSON]],
    ["single quotes", "{'userName':'user1','otp':'0000'}", [NO_JSON]],
    ["a comma too many", '{"userName":"user1","otp":"0000",}', [NO_JSON]],
    ["bad UTF-8", Buffer.from([...Buffer.from('{"userName":"'), 0xff, ...Buffer.from('","otp":"0000"}')]), [NO_JSON]],
    ["half a surrogate pair", '{"userName":"\\ud800","otp":"0000"}', [NO_JSON]],
    ["a member twice", '{"otp":"0000","userName":"user1","otp":"0000"}', ["body has a member twice"]],
    ["an unknown member twice", '{"otp":"0000","userName":"user1","x":1,"x":1}', ["body has a member twice"]],
    ["depth 17", `{"userName":"user1","otp":"0000","x":${"[".repeat(16)}${"]".repeat(16)}}`, [NO_JSON]],
    ["nothing", "{}", ["userName or phoneNumber must be given", OTP]],
    ["all null", '{"userName":null,"phoneNumber":null,"otp":null}', ["userName or phoneNumber must be given", OTP]],
    ["no otp", '{"userName":"user1"}', [OTP]],
    ["an otp that is a number", '{"userName":"user1","otp":123456}', ["otp must be a string"]],
    ["a userName that is a number", '{"userName":1,"otp":"123456"}', ["userName must be a string"]],
    ["a phoneNumber that is a number", '{"phoneNumber":447700900123,"otp":"123456"}', ["phoneNumber must be a string"]],
    ["all of the wrong type", '{"otp":true,"phoneNumber":[],"userName":{}}', ["userName must be a string", "phoneNumber must be a string", "otp must be a string"]],
    ["all wrong", '{"otp":"","phoneNumber":"x","userName":""}', [NAME, PHONE, OTP]],
    ["otp of 3 digits", { userName: "user1", otp: "123" }, [OTP]],
    ["otp of 11 digits", { userName: "user1", otp: "12345678901" }, [OTP]],
    ["otp of blanks", { userName: "user1", otp: "  - " }, [OTP]],
    ["otp with a letter", { userName: "user1", otp: "12345a" }, [OTP]],
    ["otp of other digits", { userName: "user1", otp: "１２３４５６" }, [OTP]],
    ["otp with a sign", { userName: "user1", otp: "+12345" }, [OTP]],
    ["userName empty", { userName: "", otp: "123456" }, [NAME]],
    ["userName of blanks", { userName: " \t ", otp: "123456" }, [NAME]],
    ["userName of 256 octets", { userName: "x".repeat(256), otp: "123456" }, [NAME]],
    ["userName of 128 two-octet letters", { userName: "ä".repeat(128), otp: "123456" }, [NAME]],
    ["phoneNumber empty", { phoneNumber: "", otp: "123456" }, [PHONE]],
    ["phoneNumber of words", { phoneNumber: "call me", otp: "123456" }, [PHONE]],
    ["phoneNumber without +", { phoneNumber: "447700900123", otp: "123456" }, ["phoneNumber must begin with + and a country code"]],
    ["phoneNumber of 6 digits", { phoneNumber: "+447700", otp: "123456" }, [PHONE]],
    ["phoneNumber of 16 digits", { phoneNumber: "+4477009001234567", otp: "123456" }, [PHONE]],
    ["phoneNumber with a letter", { phoneNumber: "+4477009OO123", otp: "123456" }, [PHONE]],
  ])
    test(name, async () => assertErrors(await validate(server, body), messages.map(() => 100006), { messages }));

  for (const [name, body] of [
    ["unknown members", { ...BODY, x: { y: [1, 2, { z: null }] }, channel: 7 }],
    ["depth 16", `{"userName":"user1","otp":"000000","x":${"[".repeat(15)}${"]".repeat(15)}}`],
    ["blanks and dashes in the otp", { userName: "user1", otp: " 00-00 00 " }],
    ["otp of 4 digits", { userName: "user1", otp: "0000" }],
    ["otp of 10 digits", { userName: "user1", otp: "0000000000" }],
    ["userName of 255 octets", { userName: "x".repeat(255), otp: "123456" }],
    ["a number that no line can have", { phoneNumber: "+9990000000", otp: "123456" }],
    ["a number too short for its country", { phoneNumber: "+4477009", otp: "123456" }],
    ["a phoneNumber with separators", { phoneNumber: " +44 (7700) 900-123 ", otp: "123456" }],
    ["null beside a name", { userName: "user1", phoneNumber: null, otp: "000000" }],
  ])
    test(`${name}: well shaped`, async () => assertErrors(await validate(server, body), [160001]));

  for (const [name, type, fine] of [
    ["none", undefined, true],
    ["application/json", "application/json", true],
    ["in another case", "Application/JSON", true],
    ["charset=utf-8", "application/json; charset=utf-8", true],
    ["charset quoted", 'application/json;charset="UTF-8"', true],
    ["another parameter", "application/json; v=1", true],
    ["charset=latin1", "application/json; charset=iso-8859-1", false],
    ["text/json", "text/json", false],
    ["text/plain", "text/plain", false],
    ["protobuf", "application/x-protobuf", false],
    ["a form", "application/x-www-form-urlencoded", false],
  ])
    test(`Content-Type ${name}`, async () => {
      const answer = await validate(server, BODY, { headers: { "Content-Type": type } });
      if (fine) assertErrors(answer, [160001]);
      else assertErrors(answer, [100006], { messages: ["Content-Type must be application/json in UTF-8"] });
    });

  test("16 KiB are taken, one octet more is not", async () => {
    const pad = (length) => {
      const body = JSON.stringify({ ...BODY, x: "" });
      return body.replace('"x":""', `"x":"${"x".repeat(length - body.length)}"`);
    };
    assertErrors(await validate(server, pad(16384)), [160001]);
    assertErrors(await validate(server, pad(16385)), [100006], { messages: ["body is larger than 16 KiB"] });
    // It is told before anybody asks who calls.
    assertErrors(await validate(server, pad(16385), { auth: null }), [100006], { messages: ["body is larger than 16 KiB"] });
  });
});

// ---- clientIp ------------------------------------------------------------------------------------

describe("clientIp", () => {
  for (const [value, ignored] of [
    ["198.51.100.7", false], [" 198.51.100.7 ", false], ["2001:db8::1", false], ["[2001:db8::1]", false], ["::ffff:198.51.100.7", false],
    ["198.51.100.7, 198.51.100.8", true], ["198.51.100.7:80", true], ["localhost", true], ["", true], ["198.51.100.256", true],
    [["198.51.100.7", "198.51.100.7"], true],
  ])
    test(JSON.stringify(value), async () => {
      const warnings = ignored ? [CLIENT_IP_WARNING] : [];
      const headers = { clientIp: value };
      assertErrors(await validate(server, BODY, { headers }), [160001], { warnings });
      assertErrors(await validate(server, "x", { headers }), [100006], { messages: [NO_JSON], warnings });
      assertErrors(await validate(server, BODY, { headers, auth: "nothing:s3cret" }), [100004]);
      assertErrors(await validate(server, BODY, { headers, auth: "shop:wrong" }), [100003]);
      assert.deepEqual((await sendOtp(server, { userName: "nobody" }, { headers })).json.warnings, warnings);
    });

  test("the header's name in another case", async () => {
    assertErrors(await validate(server, BODY, { headers: { CLIENTIP: "x" } }), [160001], { warnings: [CLIENT_IP_WARNING] });
  });
});

// ---- a check -------------------------------------------------------------------------------------

describe("a check", () => {
  test("the right code returns the user, once", async () => {
    const who = freshPerson();
    const otp = await codeFor(server, who);
    assertUser(await validate(server, { userName: who.userName, otp }), {
      firstName: `First ${who.i}`, lastName: "", userName: `User${who.i}`, phone: who.phone, lastLoginTimestamp: "", email: "",
    });
    assertErrors(await validate(server, { userName: who.userName, otp }), [160001]);
  });

  test("all members of a user", async () => {
    const otp = await codeFor(server, { userName: "full", phone: "+12015550150" });
    assertUser(await validate(server, { userName: "FULL", phoneNumber: "+1 (201) 555-0150", otp: ` ${otp.slice(0, 3)}-${otp.slice(3)} ` }), {
      firstName: "Ada", lastName: 'Löve "L" <b>', userName: "Full", email: "ada@example.com", phone: "+12015550150", textNumber: "call me",
      nickName: "ad\\a", uuid: "5b0c2a52-7d0c-4d0e-8a39-1f2f3a4b5c6d", passwordExpires: "2027-01-01T00:00:00.000Z",
      forcePasswordChange: true, latestInviteStatus: "SENT", latestInviteDate: "2026-01-02T03:04:05.000Z",
      latestInviteUUID: "11111111-2222-4333-8444-555555555555", isValid: true, userRolloutStage: "beta",
    });
  });

  test("lastLoginTimestamp is the one before", async () => {
    const who = freshPerson();
    assertUser(await validate(server, { userName: who.userName, otp: await codeFor(server, who) }), { lastLoginTimestamp: "" });
    const [row] = await sql(server.data, `SELECT last_login_ms AS at FROM user WHERE tenant = 'garage' AND id = 'u${who.i}'`);
    assertUser(await validate(server, { userName: who.userName, otp: await codeFor(server, who) }), {
      lastLoginTimestamp: new Date(row.at).toISOString(),
    });
  });

  for (const [name, body] of [
    ["by name", (who) => ({ userName: who.userName })],
    ["by name in another case, with blanks", (who) => ({ userName: ` ${who.userName.toUpperCase()}\t` })],
    ["by number", (who) => ({ phoneNumber: who.phone })],
    ["by both", (who) => ({ userName: who.userName, phoneNumber: who.phone })],
  ])
    test(name, async () => {
      const who = freshPerson();
      const otp = await codeFor(server, who);
      assertUser(await validate(server, { ...body(who), otp }), { phone: who.phone });
    });

  test("an unverified phone gets no verified mark", async () => {
    let who = freshPerson();
    if (who.i % 2 === 0) who = freshPerson();
    assertUser(await validate(server, { userName: who.userName, otp: await codeFor(server, who) }));
    const [row] = await sql(server.data, `SELECT phone_verified_ms AS at FROM user WHERE tenant = 'garage' AND id = 'u${who.i}'`);
    assert.ok(!row.at);
  });

  test("4 wrong ones, then the right one", async () => {
    const who = freshPerson();
    const otp = await codeFor(server, who);
    for (let i = 1; i <= 4; i++) assertErrors(await validate(server, { userName: who.userName, otp: wrong(otp, i) }), [160001]);
    assertUser(await validate(server, { userName: who.userName, otp }));
  });

  test("5 wrong ones end it; a further send makes a new one", async () => {
    const who = freshPerson();
    const otp = await codeFor(server, who);
    for (let i = 1; i <= 5; i++) assertErrors(await validate(server, { userName: who.userName, otp: wrong(otp, i) }), [160001]);
    assertErrors(await validate(server, { userName: who.userName, otp }), [160001]);
    assertUser(await validate(server, { userName: who.userName, otp: await codeFor(server, who) }));
  });

  test("what is badly shaped costs no try", async () => {
    const who = freshPerson();
    const otp = await codeFor(server, who);
    for (let i = 0; i < 10; i++) assertErrors(await validate(server, { userName: who.userName, otp: "x" }), [100006], { messages: [OTP] });
    assertUser(await validate(server, { userName: who.userName, otp }));
  });

  test("a wrong length costs a try", async () => {
    const who = freshPerson();
    const otp = await codeFor(server, who);
    for (let i = 0; i < 5; i++) assertErrors(await validate(server, { userName: who.userName, otp: otp + i }), [160001]);
    assertErrors(await validate(server, { userName: who.userName, otp }), [160001]);
  });

  test("a further send says the same code again, and its tries go on", async () => {
    const who = freshPerson();
    const otp = await codeFor(server, who);
    for (let i = 1; i <= 4; i++) await validate(server, { userName: who.userName, otp: wrong(otp, i) });
    assert.equal(await codeFor(server, who), otp);
    assertErrors(await validate(server, { userName: who.userName, otp: wrong(otp, 5) }), [160001]);
    assertErrors(await validate(server, { userName: who.userName, otp }), [160001]);
  });

  test("after its life", async () => {
    const options = { auth: "short:s3cret" };
    const begun = Date.now();
    const otp = await codeFor(server, { userName: "s", phone: "+12015550157" }, options);
    await clockPasses(begun + 2500);
    assertErrors(await validate(server, { userName: "s", otp }, options), [160001]);
  });

  test("a region reads national numbers", async () => {
    const options = { auth: "gb:s3cret" };
    const otp = await codeFor(server, { userName: "g", phone: "+447700900900" }, options);
    assertUser(await validate(server, { phoneNumber: "07700 900900", otp }, options), { phone: "+447700900900" });
    assertErrors(await validate(server, { phoneNumber: "0770090", otp }, options), [160001]);
  });
});

// ---- uniform failure -----------------------------------------------------------------------------

describe("failures are alike", () => {
  const bare = (answer) => {
    const { date, ...headers } = answer.headers;
    return JSON.stringify([answer.status, headers, answer.text.replace(answer.json.apiRequestId, "-")]);
  };

  test("the eight causes give equal bytes", async () => {
    const fresh = async () => {
      const who = freshPerson();
      return [who, await codeFor(server, who)];
    };
    const causes = {};
    causes["unknown user"] = await validate(server, { userName: "nobody", otp: "123456" });
    causes["unknown number"] = await validate(server, { phoneNumber: "+12015550199", otp: "123456" });
    const [pair] = await fresh();
    causes["a pair that does not belong together"] = await validate(server, { userName: pair.userName, phoneNumber: "+12015550150", otp: "123456" });
    causes["a disabled user"] = await validate(server, { userName: "gone", otp: "123456" });
    causes["no code was sent"] = await validate(server, { userName: freshPerson().userName, otp: "123456" });
    const [used, usedCode] = await fresh();
    assertUser(await validate(server, { userName: used.userName, otp: usedCode }));
    causes["a used code"] = await validate(server, { userName: used.userName, otp: usedCode });
    const [typed, typedCode] = await fresh();
    causes["wrong digits"] = await validate(server, { userName: typed.userName, otp: wrong(typedCode) });
    causes["a wrong length"] = await validate(server, { userName: typed.userName, otp: "1234" });
    const [spent, spentCode] = await fresh();
    for (let i = 1; i <= 5; i++) causes["the last try"] = await validate(server, { userName: spent.userName, otp: wrong(spentCode, i) });
    causes["tries used up"] = await validate(server, { userName: spent.userName, otp: spentCode });
    causes["a user without a phone"] = await validate(server, { userName: "nophone", otp: "123456" });
    causes["a number that two have"] = await validate(server, { phoneNumber: "+12015550152", otp: "123456" });
    causes["a number that nobody can have"] = await validate(server, { phoneNumber: "+9990000000", otp: "123456" });
    causes["somebody of another tenant"] = await validate(server, { userName: "theirs", otp: "123456" });
    for (const [cause, answer] of Object.entries(causes)) {
      assertErrors(answer, [160001]);
      assert.equal(bare(answer), bare(causes["unknown user"]), cause);
    }
  });

  test("a number of which one is disabled is the other's", async () => {
    const otp = await codeFor(server, { userName: "half1", phone: "+12015550153" });
    assertUser(await validate(server, { phoneNumber: "+12015550153", otp }), { userName: "half1" });
  });

  test("sends are alike", async () => {
    const causes = {
      "somebody": await sendOtp(server, { userName: freshPerson().userName }),
      "an unknown user": await sendOtp(server, { userName: "nobody at all" }),
      "an unknown number": await sendOtp(server, { phoneNumber: "+12015550198" }),
      "a pair that does not belong together": await sendOtp(server, { userName: "user1", phoneNumber: "+12015550150" }),
      "a disabled user": await sendOtp(server, { userName: "gone" }),
      "a user without a phone": await sendOtp(server, { userName: "nophone" }),
      "a number that two have": await sendOtp(server, { phoneNumber: "+12015550152" }),
      "a number that nobody can have": await sendOtp(server, { phoneNumber: "+9990000000" }),
      "a dead number": await sendOtp(server, { userName: "dead" }),
      "somebody of another tenant": await sendOtp(server, { userName: "theirs" }),
    };
    for (const [cause, answer] of Object.entries(causes)) {
      assert.equal(answer.status, 200, cause);
      assert.deepEqual(Object.keys(answer.json), ["errors", "warnings", "apiRequestId", "otpExpiresInSeconds", "resendAfterSeconds"]);
      assert.equal(bare(answer), bare(causes.somebody), cause);
    }
    assert.equal(causes.somebody.json.otpExpiresInSeconds, 600);
    assert.equal(causes.somebody.json.resendAfterSeconds, 60);
    for (const phone of ["+12015550151", "+12015550198", "+12015550152", "+12015550154", "+12015550156"])
      await assertNothingCame(server, phone, freshPerson());
  });

  test("what became of them stands in the events", async () => {
    const rows = await sql(server.data, "SELECT kind, reason, count(*) AS n FROM events WHERE dialect = 'manage' GROUP BY 1, 2");
    const reasons = new Set(rows.map(({ kind, reason }) => `${kind} ${reason}`));
    for (const reason of ["asked sent", "checked approved", "checked wrong", "checked locked"]) assert.ok(reasons.has(reason), `${reason} of ${[...reasons]}`);
  });
});

// ---- sends ---------------------------------------------------------------------------------------

describe("bodies of send/otp", () => {
  for (const [name, body, messages] of [
    ["no JSON", "{", [NO_JSON]],
    ["nothing", "{}", ["userName or phoneNumber must be given"]],
    ["wrong types", { userName: 1, phoneNumber: 2, channel: 3, locale: 4 }, ["userName must be a string", "phoneNumber must be a string", "channel must be a string", "locale must be a string"]],
    ["a channel that is none", { userName: "user1", channel: "pigeon" }, ["channel must be sms"]],
    ["voice", { userName: "user1", channel: "voice" }, ["channel must be sms"]],
    ["a locale that is none", { userName: "user1", locale: "x y" }, ["locale must be a BCP 47 tag"]],
    ["an empty locale", { userName: "user1", locale: "" }, ["locale must be a BCP 47 tag"]],
    ["all wrong", { userName: "", phoneNumber: "1", channel: "", locale: "1" }, [NAME, PHONE, "channel must be sms", "locale must be a BCP 47 tag"]],
  ])
    test(name, async () => assertErrors(await sendOtp(server, body), messages.map(() => 100006), { messages }));

  for (const [locale, text] of [
    [undefined, /^Your verification code is \d{6}$/], ["en", /^Your verification/], ["de", /^Ihr Bestätigungscode lautet \d{6}$/], ["de-CH", /^Ihr/],
    ["DE_at", /^Ihr/], ["pt-BR", /^Seu/], ["pt-PT", /^O seu/], ["ja", /^確認コード: \d{6}$/], ["zh-Hant-TW", /驗證碼/], ["tlh", /^Your verification/],
  ])
    test(`locale ${locale}`, async () => {
      const who = freshPerson();
      assert.equal((await sendOtp(server, { userName: who.userName, locale, channel: "sms" })).status, 200);
      assert.match((await server.message(who.phone)).text, text);
    });

  test("a 200 is always JSON", async () => {
    const answer = await sendOtp(server, { userName: "nobody" }, { headers: { Accept: "application/x-protobuf" } });
    assert.equal(answer.headers["content-type"], "application/json");
  });
});

// ---- representations -----------------------------------------------------------------------------

describe("representations", () => {
  const SCHEMA = path.join(ROOT, "src/api/manage/manage_otp.proto");
  const decode = async (bytes) => {
    const child = await run("protoc", [`--decode=verifyd.manage.v2.ValidateUserResponse`, `-I${path.dirname(SCHEMA)}`, SCHEMA], { input: bytes });
    assert.equal(child.code, 0, child.stderr);
    return child.stdout;
  };

  for (const [accept, protobuf] of [
    [undefined, false], ["", false], ["*/*", false], ["application/*", false], ["application/json", false],
    ["application/x-protobuf", true], ["Application/X-Protobuf", true], ["application/x-protobuf;q=0.5", true],
    ["application/x-protobuf, application/json", false], ["application/x-protobuf, application/json;q=0.9", true],
    ["application/x-protobuf;q=0.9, */*;q=0.1", true], ["application/x-protobuf;q=0", false], ["application/*;q=0.5, application/x-protobuf", true],
    ["text/html", false], ["application/protobuf", false], ["nonsense", false], ["application/x-protobuf;q=oops", false],
    ["application/x-protobuf;v=2, application/json;q=0", true],
  ])
    test(`Accept ${accept}`, async () => {
      const who = freshPerson();
      const otp = await codeFor(server, who);
      const answer = await validate(server, { userName: who.userName, otp }, { headers: { Accept: accept } });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["content-type"], protobuf ? "application/x-protobuf" : "application/json");
      assert.equal(answer.headers.vary, "Accept");
      assert.equal(answer.headers["x-protobuf-schema"], protobuf ? "manage_otp.proto" : undefined);
      assert.equal(answer.headers["x-protobuf-message"], protobuf ? "verifyd.manage.v2.ValidateUserResponse" : undefined);
      assert.ok(Number(answer.headers["content-length"]) > 0);
    });

  test("an error is JSON whatever was asked for", async () => {
    assertErrors(await validate(server, BODY, { headers: { Accept: "application/x-protobuf" } }), [160001]);
  });

  test("protobuf, decoded by protoc, says what JSON says", async () => {
    const who = { userName: "full", phone: "+12015550150" };
    const headers = { clientIp: "nowhere" };
    const json = (await validate(server, { userName: "full", otp: await codeFor(server, who) }, { headers })).json;
    const answer = await validate(server, { userName: "full", otp: await codeFor(server, who) }, { headers: { ...headers, Accept: "application/x-protobuf" } });
    const text = await decode(answer.bytes);
    const escaped = (value) => JSON.stringify(value).replace(/[^\x00-\x7f]/g, (c) => [...Buffer.from(c)].map((octet) => "\\" + octet.toString(8)).join(""));
    const lines = Object.entries(json.user)
      .filter(([name, value]) => value !== "" && value !== false && name !== "lastLoginTimestamp")
      .map(([name, value]) => `  ${name}: ${typeof value === "string" ? escaped(value) : value}`);
    for (const line of lines) assert.ok(text.includes(line + "\n"), `${line} in\n${text}`);
    assert.match(text, /warnings \{\n {2}warningCode: 160101\n {2}warningTitle: "INVALID_CLIENT_IP"\n {2}warningMessage: "clientIp header ignored"\n\}/);
    assert.match(text, /apiRequestId: "[0-9a-f-]{36}"/);
    assert.doesNotMatch(text, /errors/);
  });
});

// ---- limits --------------------------------------------------------------------------------------

describe("limits", () => {
  const refused = (answer, atMost, warnings = []) => {
    assertErrors(answer, [160002], { warnings });
    const seconds = Number(answer.headers["retry-after"]);
    assert.ok(Number.isInteger(seconds) && seconds > 0 && seconds <= atMost, `Retry-After ${answer.headers["retry-after"]}`);
  };

  test("sends to a number: the next one after 60 s", async () => {
    assert.equal((await sendOtp(server, { userName: "t1" }, { auth: TIGHT })).json.resendAfterSeconds, 60);
    refused(await sendOtp(server, { userName: "t1" }, { auth: TIGHT }), 60);
    refused(await sendOtp(server, { phoneNumber: "+12015550155" }, { auth: TIGHT }), 60);
  });

  test("sends to nobody: just as much", async () => {
    assert.equal((await sendOtp(server, { userName: "nobody here" }, { auth: TIGHT })).json.resendAfterSeconds, 60);
    refused(await sendOtp(server, { userName: "NOBODY here" }, { auth: TIGHT }), 60);
    assert.equal((await sendOtp(server, { userName: "somebody else" }, { auth: TIGHT })).status, 200);
  });

  for (const [name, body] of [["somebody", { userName: "t1" }], ["nobody", { userName: "nil" }]])
    test(`10 failed checks of ${name} in 15 minutes`, async () => {
      for (let i = 0; i < 10; i++) assertErrors(await validate(server, { ...body, otp: `11110${i}` }, { auth: TIGHT }), [160001]);
      refused(await validate(server, { ...body, otp: "111111" }, { auth: TIGHT }), 15 * 60 + 90);
      refused(await validate(server, { userName: body.userName.toUpperCase(), otp: "111111" }, { auth: TIGHT }), 15 * 60 + 90);
    });

  test("30 checks of an address in 10 minutes, IPv6 by its /64", async () => {
    const headers = (i) => ({ clientIp: `2001:db8:1:1::${i.toString(16)}` });
    for (let i = 0; i < 30; i++) assertErrors(await validate(server, { userName: `a${i}`, otp: "111111" }, { auth: TIGHT, headers: headers(i) }), [160001]);
    refused(await validate(server, { userName: "b", otp: "111111" }, { auth: TIGHT, headers: headers(77) }), 11 * 60);
    assertErrors(await validate(server, { userName: "b", otp: "111111" }, { auth: TIGHT, headers: { clientIp: "2001:db8:1:2::1" } }), [160001]);
    // Without the header there is no such limit, and who calls is not counted in its place.
    assertErrors(await validate(server, { userName: "b", otp: "111111" }, { auth: TIGHT }), [160001]);
  });

  test("10 sends of an address in an hour", async () => {
    const headers = { clientIp: "198.51.100.77" };
    for (let i = 0; i < 10; i++) assert.equal((await sendOtp(server, { userName: `c${i}` }, { auth: TIGHT, headers })).status, 200);
    refused(await sendOtp(server, { userName: "d" }, { auth: TIGHT, headers }), 66 * 60);
    assert.equal((await sendOtp(server, { userName: "d" }, { auth: TIGHT, headers: { clientIp: "198.51.100.78" } })).status, 200);
  });

  test("600 calls of a client in a minute", async () => {
    await importRecords(server.data, [
      { type: "tenant", id: "few", settings: { limits: { enabled: true, calls_per_client: ["5/1m"] } } },
      { type: "client", tenant: "few", name: "few", secret: "s3cret", scopes: ["otp.verify"] },
    ]);
    for (let i = 0; i < 5; i++) assertErrors(await validate(server, "x", { auth: "few:s3cret" }), [100006], { messages: [NO_JSON] });
    refused(await validate(server, "x", { auth: "few:s3cret" }), 66);
  });
});

// ---- list/rolloutStage ---------------------------------------------------------------------------

describe("list/rolloutStage", () => {
  const uuid = (i) => `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`;
  const stage = (body, options) => post(server, "list/rolloutStage", body, options);

  test("moves those it knows, and warns of the others", async () => {
    const [a, b] = [freshPerson(), freshPerson()];
    const answer = await stage({ rolloutStage: "pilot", userUuids: [uuid(a.i), uuid(999999), uuid(b.i)], updateMessage: "why" });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(Object.keys(answer.json), ["errors", "warnings", "apiRequestId", "usersRolloutStageMap"]);
    assert.deepEqual(answer.json.usersRolloutStageMap, { [uuid(a.i)]: "pilot", [uuid(b.i)]: "pilot" });
    assert.deepEqual(answer.json.warnings.map(({ warningCode, warningTitle }) => [warningCode, warningTitle]), [[160102, "USER_NOT_FOUND"]]);
    assertUser(await validate(server, { userName: a.userName, otp: await codeFor(server, a) }), { userRolloutStage: "pilot" });
  });

  test("another tenant's people are not known", async () => {
    const answer = await stage({ rolloutStage: "x", userUuids: [uuid(1)] }, { auth: "other:otherSecret" });
    assert.deepEqual(answer.json.usersRolloutStageMap, {});
    assert.equal(answer.json.warnings.length, 1);
  });

  for (const [name, body, messages] of [
    ["nothing", {}, ["rolloutStage must have 1 to 64 octets", "userUuids must be given"]],
    ["wrong types", { rolloutStage: 1, userUuids: "x", updateMessage: 2 }, ["rolloutStage must be a string", "userUuids must be a list of strings", "updateMessage must be a string"]],
    ["a uuid that is none", { rolloutStage: "a", userUuids: ["x"] }, ["userUuids holds what is no UUID"]],
    ["a stage too long", { rolloutStage: "a".repeat(65), userUuids: [] }, ["rolloutStage must have 1 to 64 octets"]],
  ])
    test(name, async () => {
      assertErrors(await stage(body), messages.map(() => 100006), { messages });
    });

  test("an empty list", async () => {
    const answer = await stage({ rolloutStage: "a", userUuids: [] });
    assert.deepEqual(answer.json.usersRolloutStageMap, {});
  });
});
