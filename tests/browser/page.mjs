// SPDX-License-Identifier: Apache-2.0
// Opens the inbox page in Debian's Chromium, and keeps a watch on it.
//
//   const browser = await launch();
//   const { page, watch } = await open(browser, server, { width: 360, dark: true });
//   await watch.done();        nothing ran, was refused, asked or complained; closes the page
//
// CHROMIUM names another program. With SCREENSHOTS=FOLDER, `shot` keeps pictures for people to see.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium" });

// What is watched from inside: calls of ran(), which only a string that became a script makes, and
// reports of the policy.
function plant() {
  globalThis.planted = { ran: [], refused: [] };
  globalThis.ran = (...what) => globalThis.planted.ran.push(what.join());
  document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
    globalThis.planted.refused.push(`${violatedDirective} ${blockedURI}`));
}

export async function open(browser, server, options = {}) {
  const { width = 900, height = 800, dark = false, query = "", permissions = [], init = [], reducedMotion } = options;
  const context = await browser.newContext({
    viewport: { width, height }, colorScheme: dark ? "dark" : "light", permissions, reducedMotion, deviceScaleFactor: options.scale,
  });
  const page = await context.newPage();
  const seen = { dialogs: [], errors: [], elsewhere: [] };
  page.on("dialog", (dialog) => {
    seen.dialogs.push(dialog.message());
    dialog.dismiss();
  });
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && seen.errors.push(message.text()));
  page.on("popup", (popup) => seen.elsewhere.push(popup.url()));
  page.on("request", (request) => new URL(request.url()).host !== server.address && seen.elsewhere.push(request.url()));
  await page.addInitScript(plant);
  for (const script of init) await page.addInitScript(script);
  await options.before?.(page);
  await page.goto(`http://${server.address}/inbox${query}`);
  const watch = {
    seen,
    planted: () => page.evaluate(() => globalThis.planted),
    // `forgiven`: what the console may hold, where a test provokes it.
    async done({ forgiven = /^$/ } = {}) {
      const { ran, refused } = await watch.planted();
      const errors = seen.errors.filter((error) => !forgiven.test(error));
      assert.deepEqual({ ran, refused, ...seen, errors }, { ran: [], refused: [], dialogs: [], errors: [], elsewhere: [] });
      assert.equal(new URL(page.url()).host, server.address);
      await context.close();
    },
  };
  await page.locator("#state[data-state=live]").waitFor();
  return { page, context, watch };
}

export async function shot(page, name, options) {
  if (!process.env.SCREENSHOTS) return;
  mkdirSync(process.env.SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: path.join(process.env.SCREENSHOTS, `${name}.png`), ...options });
}

// How far the page scrolls sideways; 0 is what one wants.
export const sideways = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

// The contrast of an element's text to what lies behind it (WCAG 2, 1 to 21).
export const contrast = (locator) =>
  locator.evaluate((element) => {
    const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
    const luminance = (colour) => {
      const [r, g, b] = channels(colour).map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    let behind = element;
    while (behind.parentElement && channels(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
    const [a, b] = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor].map(luminance);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  });
