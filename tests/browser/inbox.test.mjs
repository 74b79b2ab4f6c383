// SPDX-License-Identifier: Apache-2.0
// The inbox page as people use it, in Chromium: what comes, in which order, by hand and by keyboard,
// in the dark and on a phone.
import assert from "node:assert/strict";
import http from "node:http";
import { once } from "node:events";
import { after, before, beforeEach, describe } from "node:test";
import { Server, Wire, eventually, freshNumber, run, test } from "../e2e/harness.mjs";
import { contrast, launch, open, shot, sideways } from "./page.mjs";

const KEPT = 500;
const SECRETIVE = /Failed to load resource|ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/;
const CLIPBOARD = ["clipboard-read", "clipboard-write"];

let server, browser;
before(async () => ([server, browser] = await Promise.all([Server.start(), launch()])));
after(async () => {
  await browser.close();
  await server.stop();
});
beforeEach(() => server.call("DELETE", "/inbox/api/messages", { auth: null }));

const items = (page) => page.getByRole("list", { name: "Messages, newest first" }).locator("> li:visible");
const texts = (page) => items(page).locator(".text").allTextContents();
const focusedText = (page) => page.evaluate(() => document.activeElement.querySelector(".text")?.textContent);
// Waits until that many messages are shown.
const shows = (page, n) => eventually(`${n} messages`, () => items(page).count(), (count) => count === n);

// One in each alphabet, as the pictures show them.
const four = [
  { to: "447700900123", from: "VERIFY" },
  { to: "447700900456", from: "ACME Bank", body: "{{code}} is your ACME code. It is good for {{validMinutes}} minutes. Do not share it.\n\n@acme.example #{{code}}" },
  { to: "79000000123", from: "Vokzal", body: "{{code}} — ваш код подтверждения. Никому его не сообщайте 🔒" },
  { to: "447700900789", from: "Souq", body: "رمز التحقق الخاص بك هو {{code}} ولا تشاركه مع أحد" },
];
async function sendFour() {
  const sent = [];
  for (const body of four) sent.push(await server.send(body));
  return sent;
}

describe("what comes", () => {
  test("nothing yet: what to do, and pasting it works", async () => {
    const { page, watch } = await open(browser, server);
    await page.getByRole("heading", { name: "No message yet" }).waitFor();
    await shot(page, "empty");
    assert.equal(await page.getByRole("button", { name: "Clear all" }).isDisabled(), true);
    const command = await page.locator("#command").textContent();
    const pasted = await run("sh", ["-c", command]);
    assert.match(pasted.stdout, /"requestId"/, pasted.stderr);
    await shows(page, 1);
    assert.equal(await page.getByRole("heading", { name: "No message yet" }).isVisible(), false);
    await watch.done();
  });

  test("what one looks like", async () => {
    const { page, watch } = await open(browser, server);
    const sent = await server.send(four[1]);
    const item = items(page).first();
    await item.waitFor();
    assert.equal(await item.locator(".to").textContent(), `+${sent.to}`);
    assert.equal(await item.locator(".from").textContent(), "from ACME Bank");
    assert.match(await item.locator("time").textContent(), /\d:\d\d/);
    assert.equal(await item.locator(".text").textContent(), sent.text);
    assert.equal(await item.locator(".text").evaluate((text) => text.innerText), sent.text, "lines stay lines");
    assert.deepEqual(await item.locator("mark").allTextContents(), [sent.code, sent.code]);
    await item.getByRole("button", { name: `Copy ${sent.code}` }).waitFor();
    assert.deepEqual(await item.locator(".facts li").allTextContents(), [
      "GSM 03.38", `${sent.text.length} of 160 septets`, "1 part", "WebOTP for acme.example",
    ]);
    await watch.done();
  });

  const facts = [
    ["one dash", "Code {{code}} – go", ["UCS-2 because of –", /^16 of 70 units$/, "1 part"]],
    ["a blank nobody sees", "{{code}}\u200b", ["UCS-2 because of U+200B", /^7 of 70 units$/, "1 part"]],
    ["two parts", "{{code}} " + "a".repeat(154), ["GSM 03.38", "161 of 306 septets", "2 parts"]],
    ["another's WebOTP line", "{{code}}\n@example.com #123", ["GSM 03.38", /septets/, "1 part", "WebOTP line with another code"]],
    ["an app's hash", "{{code}}\nFA+9qCX9VSu", ["GSM 03.38", /septets/, "1 part", "SMS Retriever, 18 of 140 octets"]],
  ];
  for (const [name, body, wanted] of facts)
    test(`how long: ${name}`, async () => {
      const { page, watch } = await open(browser, server);
      await server.send({ body });
      await shows(page, 1);
      const found = await items(page).first().locator(".facts li").allTextContents();
      assert.equal(found.length, wanted.length, JSON.stringify(found));
      found.forEach((text, i) => (wanted[i] instanceof RegExp ? assert.match(text, wanted[i]) : assert.equal(text, wanted[i])));
      await watch.done();
    });

  test("newest first, those that were there and those that come", async () => {
    const codes = [];
    for (let i = 0; i < 3; i++) codes.unshift((await server.send()).code);
    const { page, watch } = await open(browser, server);
    await shows(page, 3);
    for (let i = 0; i < 3; i++) codes.unshift((await server.send()).code);
    await shows(page, 6);
    assert.deepEqual(await items(page).locator(".copy bdi").allTextContents(), codes);
    await watch.done();
  });

  test("those who cannot see hear of it", async () => {
    const { page, watch } = await open(browser, server);
    const sent = await server.send();
    const heard = `New message to +${sent.to}, code ${[...sent.code].join(" ")}`;
    await page.getByRole("status").filter({ hasText: heard }).waitFor({ state: "attached" });
    await watch.done();
  });

  test(`the last ${KEPT}`, async () => {
    const { page, watch } = await open(browser, server);
    const numbers = Array.from({ length: KEPT + 3 }, freshNumber);
    const wire = await Wire.open(server);
    await Promise.all(numbers.map((to) => wire.ask("POST", "/webapi/verify", { body: { to } })));
    wire.close();
    const last = await server.send();
    await items(page).first().getByRole("button", { name: `Copy ${last.code}` }).waitFor();
    assert.equal(await items(page).count(), KEPT);
    assert.equal(await sideways(page), 0);
    await watch.done();
  });

  test("the server goes, and comes back", async () => {
    const other = await Server.start();
    const { page, watch } = await open(browser, other);
    const first = await other.send();
    await shows(page, 1);
    await other.stop();
    await page.locator("#state[data-state=lost]").waitFor();
    assert.match(await page.locator("#state").textContent(), /does not answer, trying again/);
    const again = await Server.start({ data: other.data, listen: other.address });
    await page.locator("#state[data-state=live]").waitFor();
    const second = await again.send();
    await shows(page, 2);
    assert.deepEqual(await items(page).locator(".copy bdi").allTextContents(), [second.code, first.code]);
    await watch.done({ forgiven: SECRETIVE });
    await again.stop();
  });
});

describe("finding one", () => {
  test("by number, by words, by a click; Escape shows all", async () => {
    await sendFour();
    const { page, watch } = await open(browser, server);
    await shows(page, 4);
    const filter = page.getByRole("searchbox");
    for (const [wanted, n] of [["447700", 3], ["+44 7700 900-456", 1], ["(7900) 000", 1], ["acme", 1], ["код", 1], ["souq", 1], ["", 4]]) {
      await filter.fill(wanted);
      assert.equal(await items(page).count(), n, wanted);
    }
    await filter.fill("nobody");
    await page.getByRole("heading", { name: "No message matches" }).waitFor();
    await page.getByRole("button", { name: "Show all" }).click();
    assert.equal(await items(page).count(), 4);
    await items(page).nth(2).locator(".to").click();
    assert.equal(await filter.inputValue(), "+447700900456");
    assert.equal(await items(page).count(), 1);
    assert.match(page.url(), /\?to=%2B447700900456$/);
    await page.keyboard.press("Escape");
    assert.equal(await items(page).count(), 4);
    assert.match(page.url(), /\/inbox$/);
    await watch.done();
  });

  test("from the address; others that come stay hidden", async () => {
    const [one] = await sendFour();
    const { page, watch } = await open(browser, server, { query: `?to=${one.to}` });
    await shows(page, 1);
    await server.send({ to: four[1].to });
    const again = await server.send({ to: one.to });
    await shows(page, 2);
    assert.equal((await texts(page))[0], again.text);
    await watch.done();
  });
});

describe("copying", () => {
  const clipboard = (page) => page.evaluate(() => navigator.clipboard.readText());
  const ways = [
    ["the button", (page) => items(page).nth(1).getByRole("button", { name: /Copy/ }).click(), 1],
    ["the code in the text", (page) => items(page).nth(1).locator("mark").click(), 1],
    ["c: the newest", (page) => page.keyboard.press("c"), 0],
    ["j j Enter", async (page) => { for (const key of ["j", "j", "Enter"]) await page.keyboard.press(key); }, 1],
    ["arrows and c", async (page) => { for (const key of ["ArrowDown", "ArrowDown", "ArrowUp", "c"]) await page.keyboard.press(key); }, 0],
    ["Tab to the button, and Enter", async (page) => { for (const key of ["j", "j", "Tab", "Tab", "Enter"]) await page.keyboard.press(key); }, 1],
  ];
  for (const [name, act, which] of ways)
    test(name, async () => {
      const codes = [(await server.send()).code, (await server.send()).code].reverse();
      const { page, watch } = await open(browser, server, { permissions: CLIPBOARD });
      await shows(page, 2);
      await act(page);
      await items(page).nth(which).getByRole("button", { name: `Copied ${codes[which]}` }).waitFor();
      assert.equal(await clipboard(page), codes[which]);
      await items(page).nth(which).getByRole("button", { name: `Copy ${codes[which]}` }).waitFor();
      await watch.done();
    });

  const without = [
    ["is refused", () => (navigator.clipboard.writeText = () => Promise.reject(new DOMException("no", "NotAllowedError")))],
    ["is not there", () => Object.defineProperty(navigator, "clipboard", { value: undefined })],
  ];
  for (const [name, init] of without)
    test(`where the clipboard ${name}, the older way`, async () => {
      const { code } = await server.send();
      const { page, watch } = await open(browser, server, { init: [init] });
      await shows(page, 1);
      await page.keyboard.press("j");
      await page.keyboard.press("c");
      await items(page).first().getByRole("button", { name: `Copied ${code}` }).waitFor();
      assert.match(await focusedText(page), new RegExp(code), "the focus stays");
      await page.getByRole("searchbox").focus();
      await page.keyboard.press("Control+v");
      assert.equal(await page.getByRole("searchbox").inputValue(), code);
      await watch.done();
    });
});

describe("the keyboard", () => {
  test("j and k walk, and stop at both ends", async () => {
    const sent = [];
    for (let i = 0; i < 3; i++) sent.unshift((await server.send()).text);
    const { page, watch } = await open(browser, server);
    await shows(page, 3);
    for (const [key, i] of [["j", 0], ["j", 1], ["j", 2], ["j", 2], ["k", 1], ["ArrowUp", 0], ["ArrowUp", 0], ["ArrowDown", 1]]) {
      await page.keyboard.press(key);
      assert.equal(await focusedText(page), sent[i], key);
    }
    const outline = await items(page).nth(1).evaluate((item) => getComputedStyle(item).outlineStyle);
    assert.notEqual(outline, "none", "one sees where one is");
    await server.send();
    await shows(page, 4);
    assert.equal(await focusedText(page), sent[1], "what comes does not take the focus");
    await watch.done();
  });

  test("/ goes to the filter, where letters are letters; Escape leaves it empty", async () => {
    await sendFour();
    const { page, watch } = await open(browser, server);
    await shows(page, 4);
    await page.keyboard.press("/");
    await page.keyboard.type("c/jk");
    assert.equal(await page.getByRole("searchbox").inputValue(), "c/jk");
    await page.keyboard.press("Escape");
    assert.equal(await page.getByRole("searchbox").inputValue(), "");
    assert.equal(await page.evaluate(() => document.activeElement === document.body), true);
    await page.keyboard.press("/");
    await page.keyboard.type("acme");
    await page.keyboard.press("ArrowDown");
    assert.match(await focusedText(page), /ACME/);
    await watch.done();
  });

  test("Tab goes once through a list of many", async () => {
    for (let i = 0; i < 5; i++) await server.send();
    const { page, watch } = await open(browser, server);
    await shows(page, 5);
    const stops = [];
    for (let i = 0; i < 6; i++) {
      await page.keyboard.press("Tab");
      stops.push(await page.evaluate(() => document.activeElement.id || document.activeElement.className.split(" ")[0]));
    }
    assert.deepEqual(stops.slice(0, 5), ["filter", "clear", "message", "to", "copy"]);
    assert.ok(!["message", "to", "copy"].includes(stops[5]), stops[5]);
    await watch.done();
  });

  test("with Control or Alt, keys are the browser's", async () => {
    const { code } = await server.send();
    const { page, watch } = await open(browser, server, { permissions: CLIPBOARD });
    await shows(page, 1);
    await page.evaluate(() => navigator.clipboard.writeText("before"));
    await page.keyboard.press("Control+c");
    await page.keyboard.press("Alt+c");
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "before");
    assert.ok(code);
    await watch.done();
  });
});

describe("clearing", () => {
  test("asks first", async () => {
    await sendFour();
    const { page, watch } = await open(browser, server);
    await shows(page, 4);
    for (const leave of [() => page.getByRole("button", { name: "Keep them" }).click(), () => page.keyboard.press("Escape")]) {
      await page.getByRole("button", { name: "Clear all" }).click();
      await page.getByRole("dialog", { name: "Clear the inbox?" }).waitFor();
      await leave();
      await page.getByRole("dialog").waitFor({ state: "hidden" });
    }
    assert.equal((await server.call("GET", "/inbox/api/messages", { auth: null })).json.length, 4);
    assert.equal(await items(page).count(), 4);
    await page.getByRole("button", { name: "Clear all" }).click();
    await shot(page, "sure");
    await page.getByRole("dialog").getByRole("button", { name: "Clear all" }).click();
    await page.getByRole("heading", { name: "No message yet" }).waitFor();
    assert.deepEqual((await server.call("GET", "/inbox/api/messages", { auth: null })).json, []);
    const { code } = await server.send();
    await page.getByRole("button", { name: `Copy ${code}` }).waitFor();
    await watch.done();
  });
});

describe("how it looks", () => {
  for (const dark of [false, true])
    test(`${dark ? "dark" : "light"}: all can be read`, async () => {
      await sendFour();
      const { page, watch } = await open(browser, server, { dark });
      await shows(page, 4);
      await shot(page, dark ? "four-dark" : "four-light");
      const shade = await page.evaluate(() => Number(getComputedStyle(document.body).backgroundColor.match(/\d+/)[0]));
      assert.ok(dark ? shade < 60 : shade > 200, String(shade));
      for (const part of ["h1", "#state", ".banner", ".to", ".from", "time", ".text", "mark", ".facts li", ".facts bdi", ".copy", "#clear", "footer p", "footer kbd"])
        assert.ok((await contrast(page.locator(part).first())) >= 4.5, `${part}: ${await contrast(page.locator(part).first())}`);
      await watch.done();
    });

  for (const width of [320, 360, 768])
    test(`${width} wide: nothing scrolls sideways`, async () => {
      const { page, watch } = await open(browser, server, { width, height: 780, dark: width === 320 });
      await page.getByRole("heading", { name: "No message yet" }).waitFor();
      assert.equal(await sideways(page), 0);
      await shot(page, `empty-${width}`);
      await sendFour();
      await shows(page, 4);
      await shot(page, `four-${width}`, { fullPage: true });
      for (const body of ["{{code}}" + "W".repeat(1500), "https://example.com/" + "a-".repeat(300) + "{{code}}", "{{code}} ".repeat(100), "\n".repeat(40) + "{{code}}"])
        await server.send({ body, from: "WWWWWWWWWWW" });
      await shows(page, 8);
      assert.equal(await sideways(page), 0);
      await page.getByRole("searchbox").fill("nobody".repeat(50));
      await page.getByRole("heading", { name: "No message matches" }).waitFor();
      assert.equal(await sideways(page), 0);
      await watch.done();
    });

  test("each text runs its own way", async () => {
    await sendFour();
    const { page, watch } = await open(browser, server);
    await shows(page, 4);
    const ways = await items(page).locator(".text").evaluateAll((all) => all.map((text) => getComputedStyle(text).direction));
    assert.deepEqual(ways, ["rtl", "ltr", "ltr", "ltr"]);
    await watch.done();
  });

  for (const [reducedMotion, name] of [["reduce", "none"], ["no-preference", "arrive"]])
    test(`motion ${reducedMotion}: ${name}`, async () => {
      const { page, watch } = await open(browser, server, { reducedMotion });
      await server.send();
      await shows(page, 1);
      assert.equal(await items(page).first().evaluate((item) => getComputedStyle(item).animationName), name);
      await watch.done();
    });
});

describe("other sites", () => {
  // A page of another origin, in the same browser, on the same machine.
  async function elsewhere(body) {
    const site = http.createServer((request, response) => response.setHeader("Content-Type", "text/html").end(body));
    site.listen(0, "127.0.0.1");
    await once(site, "listening");
    return { url: `http://localhost:${site.address().port}/`, close: () => site.close() };
  }

  test("neither frame it, read it, run it, nor clear it", async () => {
    await server.send();
    const inbox = `http://${server.address}/inbox`;
    const site = await elsewhere(`<iframe src="${inbox}"></iframe><script src="${inbox}/inbox.js"></script>`);
    const context = await browser.newContext();
    const page = await context.newPage();
    const failed = [];
    const said = [];
    page.on("console", (message) => said.push(message.text()));
    page.on("requestfailed", (request) => failed.push(new URL(request.url()).pathname));
    await page.goto(site.url);
    await eventually("the script is refused", () => failed.includes("/inbox/inbox.js"), Boolean);
    await eventually("the frame is refused", () => said.join("\n"), (text) => text.includes("frame-ancestors"));
    const tried = await page.evaluate(async (url) => {
      const ask = (options) => fetch(`${url}/api/messages`, options).then((answer) => answer.text(), () => "refused");
      return [await ask({}), await ask({ mode: "no-cors" }), await ask({ method: "DELETE" })];
    }, inbox);
    assert.deepEqual(tried, ["refused", "refused", "refused"]);
    assert.equal((await server.call("GET", "/inbox/api/messages", { auth: null })).json.length, 1);
    await context.close();
    site.close();
  });
});
