// SPDX-License-Identifier: Apache-2.0
// The dotdigital contract: who may call, which requests are seen as what, how bodies are read, and
// what the vendor's own clients send. What the members mean is in dotdigital_create, the life of a
// request id in dotdigital_validate.
// Over every transport.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { Wire, basic, freshNumber, test, wrong } from "./harness.mjs";
import {
  SECRETS, assertFailures, assertGone, assertText, assertUnauthorized, assertVerifyCode, startServer,
} from "./dotdigital.mjs";

const UNKNOWN = "0198a1b2-0000-7000-8000-00000000beef";
const LIMIT = 64 * 1024;

let server;
before(async () => (server = await startServer()));
after(() => server.stop(SECRETS));

// ---- 2. authentication ---------------------------------------------------------------------------

const encoded = (bytes) => "Basic " + Buffer.from(bytes).toString("base64");

const authorizations = [
  // name, value of Authorization (undefined: none), accepted
  ["right", basic("app:s3cret-of-app"), true],
  ["the scheme in lower case", basic("app:s3cret-of-app").replace("Basic", "basic"), true],
  ["two blanks after the scheme", basic("app:s3cret-of-app").replace(" ", "  "), true],
  ["a secret with colons and blanks: split at the first colon", basic("colons:a:b :c d"), true],
  ["a secret that begins and ends with blanks, a name with blanks", basic("blanks in name: blanks "), true],
  ["UTF-8", basic("zoë:pässwörd ☎"), true],
  ["the other name of a scope", basic("manage:secret"), true],
  ["none", undefined, false],
  ["empty", "", false],
  ["the scheme alone", "Basic", false],
  ["another scheme", basic("app:s3cret-of-app").replace("Basic", "Bearer"), false],
  ["no scheme", basic("app:s3cret-of-app").slice(6), false],
  ["no base64", "Basic app:s3cret-of-app", false],
  ["base64 that is cut", basic("app:s3cret-of-app").slice(0, -3), false],
  ["no colon", encoded("app"), false],
  ["an empty name", encoded(":s3cret-of-app"), false],
  ["an empty secret", encoded("app:"), false],
  ["a wrong secret", basic("app:wrong"), false],
  ["a secret that is right but for its case", basic("app:S3CRET-of-app"), false],
  ["a secret that only begins right", basic("app:s3cret-of-ap"), false],
  ["a secret that goes on", basic("app:s3cret-of-app "), false],
  ["the part of a secret after its second colon", basic("colons:c d"), false],
  ["an unknown name", basic("nobody:s3cret-of-app"), false],
  ["a name in another case", basic("App:s3cret-of-app"), false],
  ["not UTF-8", encoded(Buffer.from([0x61, 0xff, 0x3a, 0x61])), false],
  ["UTF-8 in another encoding", encoded(Buffer.from("zoë:pässwörd", "latin1")), false],
  ["NUL after the name", encoded("app\0:s3cret-of-app"), false],
  ["NUL after the secret", encoded("app:s3cret-of-app\0"), false],
  ["a very long secret", basic("app:" + "x".repeat(8000)), false],
  ["a client that is disabled", basic("disabled:secret"), false],
  ["a client without a secret", basic("secretless:"), false],
  ["without the scope", basic("checker:secret"), false],
  ["without any scope", basic("nothing:secret"), false],
  ["the two fields of the vendor's jQuery example", { username: "app", password: "s3cret-of-app" }, false],
];

describe("authentication", () => {
  for (const [name, value, accepted] of authorizations)
    test(name, async () => {
      const headers = typeof value === "object" ? value : { Authorization: value };
      const answer = await server.create({ to: freshNumber() }, { auth: null, headers });
      if (accepted) assertVerifyCode(answer, 202);
      else assertUnauthorized(answer);
    });

  test("two Authorization fields", async () => {
    const { answers } = await server.exchange(
      `POST /webapi/verify HTTP/1.1\r\nHost: ${server.address}\r\nAuthorization: ${basic("app:s3cret-of-app")}\r\n` +
        `Authorization: ${basic("app:s3cret-of-app")}\r\nContent-Length: 2\r\n\r\n{}`,
      { answers: 1 },
    );
    assert.ok([400, 401].includes(answers[0].status), String(answers[0].status));
  });

  test("check needs the scope to check", async () => {
    const sent = await server.send({}, { auth: "sender:secret" });
    assertUnauthorized(await server.validate(sent.id, { code: sent.code }, { auth: "sender:secret" }));
    assertUnauthorized(await server.validate(sent.id, { code: sent.code }, { auth: "nothing:secret" }));
    assertUnauthorized(await server.validate(sent.id, { code: sent.code }, { auth: null }));
  });

  test("an id belongs to the client that made it", async () => {
    const sent = await server.send({}, { auth: "app:s3cret-of-app" });
    for (const auth of ["second:secret", "checker:secret", "created:secret"])
      for (const code of [sent.code, wrong(sent.code)]) assertGone(await server.validate(sent.id, { code }, { auth }));
    assertVerifyCode(await server.validate(sent.id, { code: sent.code }, { auth: "app:s3cret-of-app" }), 200, {
      status: "CodeVerified",
    });
  });
});

// ---- 1, 3, 4. paths and methods ------------------------------------------------------------------

const paths = [
  "/webapi/verify", "/WebApi/verify", "/WEBAPI/VERIFY", "/wEbApI/vErIfY", "/webapi/verify/", "/webapi/verify?",
  "/webapi/verify?a=1&b=%zz", "/webapi/verify/?x", "/webapi/verify/sendcode", "/WebApi/Verify/SendCode",
  "/webapi/verify/sendcode/", "/webapi/verify/SENDCODE?y=2",
];
const validatePaths = [
  (id) => `/webapi/verify/${id}/validate`,
  (id) => `/WebApi/Verify/${id}/validate`,
  (id) => `/WEBAPI/VERIFY/${id}/VALIDATE/`,
  (id) => `/webapi/verify/${id}/validate?now`,
  (id) => `/webapi/verify/${id.toUpperCase()}/validate`,
  (id) => `/webapi/verify/%${id.charCodeAt(0).toString(16)}${id.slice(1)}/validate`,
];
const misroutes = [
  // method, path, status, Allow; without credentials, since routes come first
  ["POST", "/webapi", 404], ["POST", "/webapi/", 404], ["POST", "/webapi/other", 404],
  ["POST", "/webapi/verify/sendcode/x", 404], ["GET", "/webapi/verify/a/b/c", 404],
  ["PUT", "/webapi/verify/validate", 404], ["POST", "/webapi/v%65rify", 404],
  ["GET", `/webapi/verify/${UNKNOWN}`, 404], ["DELETE", `/webapi/verify/${UNKNOWN}`, 404],
  ["GET", `/webapi/verify/${UNKNOWN}/status`, 404],
  ["POST", "/webapiverify", 404], ["POST", "/verify", 404],
  ["GET", "/webapi/verify", 405, "POST"], ["PUT", "/webapi/verify", 405, "POST"],
  ["DELETE", "/webapi/verify", 405, "POST"], ["PATCH", "/WebApi/Verify", 405, "POST"],
  ["OPTIONS", "/webapi/verify", 405, "POST"], ["HEAD", "/webapi/verify", 405, "POST"],
  ["GET", "/webapi/verify/sendcode", 405, "POST"],
  ["GET", `/webapi/verify/${UNKNOWN}/validate`, 405, "PUT"], ["POST", `/webapi/verify/${UNKNOWN}/validate`, 405, "PUT"],
  ["HEAD", `/webapi/verify/${UNKNOWN}/validate`, 405, "PUT"], ["OPTIONS", `/webapi/verify/x/validate`, 405, "PUT"],
  ["PUT", "/webapi/verify/%zz/validate", 400], ["PUT", "/webapi/verify/%4/validate", 400],
  ["PUT", "/webapi/verify/a%00b/validate", 400], ["PUT", "/webapi/verify/../validate", 400],
  ["PUT", "/webapi/verify/./validate", 400], ["PUT", "/webapi/verify/%2e%2e/validate", 400],
  ["POST", "/webapi/../webapi/verify", 400],
];

describe("paths", () => {
  for (const path of paths)
    test(`POST ${path}`, async () => {
      assertVerifyCode(await server.call("POST", path, { body: { to: freshNumber() } }), 202);
    });
  for (const path of validatePaths)
    test(`PUT ${path("{id}")}`, async () => {
      const sent = await server.send();
      const answer = await server.call("PUT", path(sent.id), { body: { code: sent.code } });
      assertVerifyCode(answer, 200, { status: "CodeVerified", requestId: sent.id });
    });
  for (const [method, path, status, allow] of misroutes)
    test(`${method} ${path}: ${status}`, async () => {
      const answer = await server.call(method, path, { auth: null });
      assert.equal(answer.status, status, answer.text);
      assert.equal(answer.headers.allow, allow);
      assert.equal(answer.headers["content-type"], "text/plain; charset=utf-8");
    });
  for (const id of ["none", "sendcode", UNKNOWN, UNKNOWN.replaceAll("-", ""), `%7B${UNKNOWN}%7D`, "0", "%20", "a".repeat(2000)])
    test(`an id that is none: ${id.slice(0, 40)}`, async () => assertGone(await server.validate(id, { code: "123456" })));

  test("a tenant for whom the API is off", async () => {
    assertText(await server.create({ to: freshNumber() }, { auth: "closed:secret" }), 404);
    assertUnauthorized(await server.create({ to: freshNumber() }, { auth: "closed:wrong" }));
  });
});

// ---- 3. media types ------------------------------------------------------------------------------

const types = [
  ["application/json", true], ["Application/JSON", true], ["application/json; charset=utf-8", true],
  ["application/json;charset=iso-8859-1", true], ["application/json ; odata=verbose", true], ["text/json", true],
  ["text/json; x=y", true], [undefined, true],
  ["application/x-www-form-urlencoded", false], ["text/plain", false], ["application/jsonx", false],
  ["application/vnd.api+json", false], ["json", false], ["*/*", false], ["", false], ["multipart/form-data; boundary=x", false],
];

describe("media types", () => {
  for (const [type, accepted] of types)
    test(String(type), async () => {
      const sent = await server.send();
      const headers = { "Content-Type": type };
      const made = await server.create({ to: freshNumber() }, { headers });
      const checked = await server.validate(sent.id, { code: sent.code }, { headers });
      if (accepted) {
        assertVerifyCode(made, 202);
        assertVerifyCode(checked, 200);
      } else {
        assertText(made, 415);
        assertText(checked, 415);
      }
    });
});

// ---- 3. how bodies are read ----------------------------------------------------------------------

const nested = (depth) => "[".repeat(depth) + "]".repeat(depth);
const N = "@"; // stands for a fresh number

const readings = [
  // name, body of a create, accepted
  ["single quotes and a trailing comma, as the Java sample", "{'from': 'Example','to': '@',}", true],
  ["single and double quotes together", `{'to':"@"}`, true],
  ["a double quote inside single quotes", `{'to':'@','body':'"{{code}}"'}`, true],
  ["an apostrophe inside double quotes", `{"to":"@","body":"it's {{code}}"}`, true],
  ["a trailing comma", `{"to":"@",}`, true],
  ["a trailing comma in an array", `{"to":"@","x":[1,2,],}`, true],
  ["white space around everything", ` \t\r\n{ "to" : "@" } \r\n`, true],
  ["an array of one, as the C# example", `[{"to":"@"}]`, true],
  ["an array of one with a trailing comma", `[{'to':'@',},]`, true],
  ["a byte order mark", `\ufeff{"to":"@"}`, true],
  ["a member twice: the last one", `{"to":"x","to":"@"}`, true],
  ["a member twice in two cases: the last one", `{"to":"x","TO":"@"}`, true],
  ["names in any case", `{"TO":"@","From":"Example","COUNTRYisocode":"GBR","Body":"{{code}}"}`, true],
  ["unknown members of every type", `{"a":1,"b":null,"c":[{"to":1}],"d":{"to":"x"},"e":-1.5e-7,"to":"@","f":"\\u0000"}`, true],
  ["an integer for a number", `{"to":@}`, true],
  ["null is absent", `{"to":"@","from":null,"countryIsoCode":null,"body":null,"validUntil":null}`, true],
  ["escapes in names and values", `{"\\u0074o":"@","body":"\\u007b{code}}\\ud83d\\ude00"}`, true],
  ["32 levels", `{"to":"@","x":${nested(31)}}`, true],
  ["33 levels", `{"to":"@","x":${nested(32)}}`, false],
  ["thousands of levels", `{"to":"@","x":${nested(30000)}}`, false],
  ["no body", "", false],
  ["white space alone", " \n", false],
  ["an empty array", "[]", false],
  ["two objects in an array", `[{"to":"@"},{"to":"@"}]`, false],
  ["an object and something else in an array", `[{"to":"@"},1]`, false],
  ["an array of an array", `[[{"to":"@"}]]`, false],
  ["null", "null", false],
  ["a text", `"@"`, false],
  ["a number", "@", false],
  ["an array of a text", `["@"]`, false],
  ["names without quotes", `{to:"@"}`, false],
  ["a comment", `{"to":"@" /* hi */}`, false],
  ["a comment before", `// hi\n{"to":"@"}`, false],
  ["two commas", `{"to":"@",,}`, false],
  ["a comma first", `{,"to":"@"}`, false],
  ["a comma alone", `{,}`, false],
  ["no comma between", `{"to":"@" "from":"AB"}`, false],
  ["no colon", `{"to" "@"}`, false],
  ["cut", `{"to":"@"`, false],
  ["cut in a text", `{"to":"@`, false],
  ["bytes after the value", `{"to":"@"}x`, false],
  ["a second value", `{"to":"@"}{}`, false],
  ["a comma after the value", `{"to":"@"},`, false],
  ["NUL after the value", `{"to":"@"}\0`, false],
  ["a text that ends with the other quote", `{"to":'@"}`, false],
  ["a line end inside a text", `{"to":"@","body":"a\nb {{code}}"}`, false],
  ["half of a surrogate pair", `{"to":"@","body":"\\ud83d {{code}}"}`, false],
  ["an escape that is none", `{"to":"@","body":"\\x41 {{code}}"}`, false],
  ["a number with a leading zero", `{"to":"@","x":01}`, false],
  ["a plus before a number", `{"to":"@","x":+1}`, false],
  ["NaN", `{"to":"@","x":NaN}`, false],
  ["undefined", `{"to":"@","x":undefined}`, false],
  ["a form", `to=@`, false],
  ["XML", `<to>@</to>`, false],
  ["two byte order marks", `\ufeff\ufeff{"to":"@"}`, false],
  ["an octet that is not UTF-8", [`{"to":"@","body":"{{code}} `, 0xff, `"}`], false],
  ["UTF-8 that is cut", [`{"to":"@","body":"{{code}} `, 0xe2, 0x82, `"}`], false],
  ["UTF-8 that is longer than it need be", [`{"to":"@","body":"{{code}} `, 0xc0, 0xaf, `"}`], false],
  ["a surrogate in UTF-8", [`{"to":"@","body":"{{code}} `, 0xed, 0xa0, 0x80, `"}`], false],
  ["not UTF-8 in a member that nobody asked for", [`{"to":"@","x":"`, 0x80, `"}`], false],
  ["UTF-16", Buffer.from(`{"to":"447700900123"}`, "utf16le"), false],
];

const bytesOf = (parts) => Buffer.concat(parts.map((part) => (typeof part === "number" ? Buffer.from([part]) : Buffer.from(part))));

describe("how bodies are read", () => {
  for (const [name, body, accepted] of readings)
    test(name, async () => {
      const number = freshNumber();
      const fill = (part) => (typeof part === "string" ? part.replaceAll(N, number) : part);
      const sent = Array.isArray(body) ? bytesOf(body.map(fill)) : fill(body);
      const answer = await server.create(sent);
      if (accepted) assertVerifyCode(answer, 202, { phoneNumber: number });
      else assertFailures(answer, [" RequestInvalid"]);
    });

  test("all failures of the members, in the order of the contract", async () => {
    const answer = await server.create({ validUntil: "x", body: "x", countryIsoCode: "XXX", from: "x", to: "" });
    assertFailures(answer, [
      "to ToInvalid", "from FromInvalid", "countryIsoCode CountryIsoCodeInvalid", "body BodyInvalid",
      "validUntil ValidUntilInvalid",
    ]);
  });
  test("the contract's own example of failures", async () => {
    const answer = await server.create({ to: "4479790802150", from: "THIS NAME IS TOO LONG" });
    assertFailures(answer, ["to ToInvalid", "from FromInvalid"]);
  });
});

// ---- sizes ---------------------------------------------------------------------------------------

const padded = (body, size) => body + " ".repeat(size - Buffer.byteLength(body));
const chunked = { "Transfer-Encoding": "chunked" };

describe("sizes", () => {
  const rows = [
    ["64 KiB by Content-Length", LIMIT, {}, true], ["one more by Content-Length", LIMIT + 1, {}, false],
    ["64 KiB in chunks", LIMIT, chunked, true], ["one more in chunks", LIMIT + 1, chunked, false],
    // More than the server reads away: it may close, so the connection is of this request alone.
    ["a mebibyte in chunks", 1 << 20, chunked, false, false],
  ];
  for (const [name, size, headers, accepted, agent] of rows)
    test(name, async () => {
      const number = freshNumber();
      const send = () => server.create(padded(`{"to":"${number}"}`, size), { headers, agent });
      if (accepted) return assertVerifyCode(await send(), 202, { phoneNumber: number });
      assertText(await send(), 413);
    });
  test("64 KiB of a text", async () => {
    const filler = JSON.stringify({ to: freshNumber(), x: "" });
    const body = JSON.stringify({ to: freshNumber(), x: "y".repeat(LIMIT - filler.length) });
    assert.equal(body.length, LIMIT);
    assertVerifyCode(await server.create(body), 202);
  });
  test("of a check too", async () => {
    const sent = await server.send();
    assertText(await server.validate(sent.id, padded(`{"code":"${sent.code}"}`, LIMIT + 1)), 413);
    assertVerifyCode(await server.validate(sent.id, padded(`{"code":"${sent.code}"}`, LIMIT)), 200, { status: "CodeVerified" });
  });
  test("a length that says more than any server would take", async () => {
    const { answers, closed } = await server.exchange(
      `POST /webapi/verify HTTP/1.1\r\nHost: ${server.address}\r\nContent-Length: 9999999999\r\n\r\n`,
    );
    assert.deepEqual(answers.map(({ status }) => status), [413]);
    assert.ok(closed);
  });
});

// ---- order of checks -----------------------------------------------------------------------------

describe("order of checks", () => {
  const tooLarge = " ".repeat(LIMIT + 1);
  const plain = { "Content-Type": "text/plain" };
  const rows = [
    ["404 before 413", () => server.call("POST", "/webapi/none", { auth: null, body: tooLarge }), 404],
    ["405 before 413", () => server.call("PATCH", "/webapi/verify", { auth: null, body: tooLarge }), 405],
    ["404 before 401", () => server.call("POST", "/webapi/none", { auth: null, body: {} }), 404],
    ["405 before 401", () => server.call("GET", "/webapi/verify", { auth: null }), 405],
    ["413 before 401", () => server.create(tooLarge, { auth: null }), 413],
    ["413 before 415", () => server.create(tooLarge, { headers: plain }), 413],
    ["401 before 415", () => server.create("{}", { auth: null, headers: plain }), 401],
    ["401 before the body is read", () => server.create("{{{", { auth: null }), 401],
    ["401 before a bad number", () => server.create({ to: "4479790802150", from: "x" }, { auth: null }), 401],
    ["415 before the body is read", () => server.create("{{{", { headers: plain }), 415],
    ["check: 413 before 401", () => server.validate(UNKNOWN, tooLarge, { auth: null }), 413],
    ["check: 401 before 415", () => server.validate(UNKNOWN, "{}", { auth: null, headers: plain }), 401],
    ["check: 401 before 204", () => server.validate(UNKNOWN, { code: "123456" }, { auth: null }), 401],
    ["check: 415 before 204", () => server.validate(UNKNOWN, { code: "123456" }, { headers: plain }), 415],
    ["check: 204 before 400 for an unknown id", () => server.validate(UNKNOWN, "{{{"), 204],
    ["check: 204 before 400 for no id at all", () => server.validate("none", { code: null }), 204],
    ["check: 204 before 400 for no body", () => server.validate(UNKNOWN, ""), 204],
  ];
  for (const [name, ask, status] of rows) test(name, async () => assert.equal((await ask()).status, status));

  test("check: 204 before 400 for another client's id, 400 for one's own", async () => {
    const sent = await server.send();
    assertGone(await server.validate(sent.id, "{{{", { auth: "second:secret" }));
    assertFailures(await server.validate(sent.id, "{{{"), [" RequestInvalid"]);
  });
  test("an answer before the body leaves the connection in step", async () => {
    const body = `{"to":"${freshNumber()}"}`;
    const one = (auth) =>
      `POST /webapi/verify HTTP/1.1\r\nHost: ${server.address}\r\n${auth}Content-Length: ${body.length}\r\n\r\n${body}`;
    const right = `Authorization: ${basic("demo:demo-secret")}\r\n`;
    const { answers } = await server.exchange(one("") + one(right), { answers: 2 });
    assert.deepEqual(answers.map(({ status }) => status), [401, 202]);
  });
});

// ---- 9. what real clients send -------------------------------------------------------------------

// `create` and `check` are what goes over the wire after the request line and Host.
const json = (text) => `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
const vendors = [
  {
    name: "C#: RestSharp on .NET",
    auth: "created:secret",
    path: "/webapi/verify",
    status: 201,
    fields:
      "Accept: application/json, text/json, text/x-json, text/javascript, application/xml, text/xml\r\n" +
      "User-Agent: RestSharp/106.2.1.0\r\nContent-Type: application/json\r\nAccept-Encoding: gzip, deflate\r\n",
    create: (to) => json(JSON.stringify({ from: "Example", to })),
    check: (code) => json(JSON.stringify({ code })),
  },
  {
    name: "Java: Unirest",
    auth: "created:secret",
    path: "/webapi/verify",
    status: 201,
    fields: "accept: application/json\r\ncontent-type: application/json\r\naccept-encoding: gzip\r\nuser-agent: unirest-java/1.3.11\r\n",
    create: (to) => json(`{'from': 'Example','to': '${to}',}`),
    check: (code) => json(`{'code': '${code}'}`),
  },
  {
    name: "Node: request",
    auth: "app:s3cret-of-app",
    path: "/webapi/verify",
    status: 202,
    fields: "accept: application/json\r\ncontent-type: application/json\r\nConnection: keep-alive\r\n",
    create: (to) => json(JSON.stringify({ from: "Example", to })),
    check: (code) => json(JSON.stringify({ code })),
  },
  {
    name: "PHP: curl",
    auth: "app:s3cret-of-app",
    path: "/WebApi/verify",
    status: 202,
    fields: "Accept: */*\r\nAccept-Encoding: deflate, gzip, br\r\nContent-Type: application/json\r\nConnection: close\r\n",
    create: (to) => json(JSON.stringify({ from: "Example", to })),
    check: (code) => json(JSON.stringify({ code })),
  },
  {
    name: "the page's curl",
    auth: "app:s3cret-of-app",
    path: "/webapi/verify",
    status: 202,
    fields: "User-Agent: curl/7.88.1\r\nAccept: */*\r\nContent-Type: application/json\r\n",
    create: (to) => json(`{\n  "from": "Example",\n  "to": "${to}",\n  "body": "Your code is: {{code}}"\n}`),
    check: (code) => json(JSON.stringify({ code })),
  },
  {
    name: "the page's C#: an array of one",
    auth: "created:secret",
    path: "/webapi/verify",
    status: 201,
    fields: "Content-Type: application/json; charset=utf-8\r\n",
    create: (to) => json(`[{"to":"${to}","from":"Example"}]`),
    check: (code) => json(JSON.stringify({ code })),
  },
  {
    name: "the page's PHP: sendcode and a trailing comma",
    auth: "app:s3cret-of-app",
    path: "/webapi/verify/sendcode",
    base: "/webapi/verify",
    status: 202,
    fields: "content-type: application/json\r\n",
    create: (to) => json(`{\n  "to": "${to}",\n  "from": "Example",\n}`),
    check: (code) => json(JSON.stringify({ code })),
  },
];

describe("what real clients send", () => {
  for (const vendor of vendors)
    test(vendor.name, async () => {
      const to = freshNumber();
      const ask = async (line, rest) => {
        const head = `${line} HTTP/1.1\r\nhost: ${server.address}\r\nauthorization: ${basic(vendor.auth)}\r\n${vendor.fields}`;
        return (await server.exchange(head + rest, { answers: 1 })).answers[0];
      };
      const made = await ask(`POST ${vendor.path}`, vendor.create(to));
      assertVerifyCode(made, vendor.status, { phoneNumber: to, status: "CodeNotVerified", numberStatus: "On" });
      const { code, from } = await server.message(to);
      assert.equal(from, "Example");
      const check = `PUT ${vendor.base ?? vendor.path}/${made.json.requestId}/validate`;
      assertVerifyCode(await ask(check, vendor.check(wrong(code))), 200, { status: "CodeNotVerified" });
      assertVerifyCode(await ask(check, vendor.check(code)), 200, { status: "CodeVerified" });
      assertGone(await ask(check, vendor.check(code)));
      assertFailures(await ask(`POST ${vendor.path}`, vendor.create("4479790802150")), ["to ToInvalid"]);
    });

  test("Expect: 100-continue, as .NET and curl send it", async () => {
    const body = JSON.stringify({ to: freshNumber() });
    const head =
      `POST /webapi/verify HTTP/1.1\r\nHost: ${server.address}\r\nAuthorization: ${basic("demo:demo-secret")}\r\n` +
      `Expect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`;
    const wire = await Wire.open(server);
    assert.equal((await wire.raw(head)).status, 100);
    assert.equal((await wire.raw(body)).status, 202);
    // The body may be there already.
    const { answers } = await server.exchange(head + body, { answers: 1 });
    assert.equal(answers.at(-1).status, 202);
    wire.close();
  });
});
