// SPDX-License-Identifier: Apache-2.0
// node page.cjs SCENARIO URL OUT_DIR: opens a page of castra in headless Chromium, does what a person would do, and prints
// what it found as JSON. Judges nothing: report_test.py does.
const fs = require("fs");
const path = require("path");
const { chromium } = require("playwright-core");

const rows = (page) => page.evaluate(() => document.querySelectorAll("#events-rows .event").length);
const count = (page) => page.textContent("#filter-count");

async function axe(page) {
  // Not through a script element: the page's own policy forbids that, and that is part of what is tested.
  await page.evaluate(fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
  const found = await page.evaluate(() => axe.run(document));
  return found.violations.map((one) => ({ id: one.id, impact: one.impact, help: one.help, nodes: one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)) }));
}

async function looks(page, out) {
  const found = {};
  for (const [name, scheme, width] of [["light", "light", 1280], ["dark", "dark", 1280], ["narrow", "dark", 380]]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 900 });
    await page.waitForTimeout(300);
    await page.screenshot({ path: path.join(out, name + ".png"), fullPage: true });
    found[name] = { axe: await axe(page), overflows: await page.evaluate(() => document.documentElement.scrollWidth > innerWidth) };
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  return found;
}

async function keyboard(page) {
  const seen = [];
  await page.focus("body");
  for (let i = 0; i < 60; ++i) {
    await page.keyboard.press("Tab");
    seen.push(await page.evaluate(() => document.activeElement.id || document.activeElement.tagName));
    if (seen[seen.length - 1] === "events") break;
  }
  await page.keyboard.press("End");
  const last = await page.evaluate(() => document.querySelector('[aria-selected="true"]').getAttribute("aria-posinset"));
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowDown");
  const second = await page.evaluate(() => document.querySelector('[aria-selected="true"]').getAttribute("aria-posinset"));
  const active = await page.evaluate(() => !!document.getElementById(document.getElementById("events").getAttribute("aria-activedescendant")));
  await page.keyboard.press("Enter");
  const at_detail = await page.evaluate(() => document.activeElement.id);
  await page.keyboard.press("Escape");
  const back = await page.evaluate(() => document.activeElement.id);
  return { seen, last, second, active, at_detail, back };
}

async function filters(page) {
  const found = { all: await count(page) };
  await page.fill("#filter-text", "needle");
  found.text = await count(page);
  await page.fill("#filter-text", "");
  await page.selectOption("#filter-severity", "3");
  found.errors = await count(page);
  await page.click('button[type="reset"]');
  await page.waitForTimeout(50);
  found.reset = await count(page);
  return found;
}

// How long a frame takes while somebody scrolls through everything, and what a filter costs.
async function smooth(page) {
  return page.evaluate(async () => {
    const box = document.getElementById("events");
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const times = [];
    for (let i = 0; i <= 100; ++i) {
      const began = performance.now();
      box.scrollTop = (box.scrollHeight * i) / 100;
      box.dispatchEvent(new Event("scroll"));
      box.getBoundingClientRect();
      times.push(performance.now() - began);
      if (i % 10 === 0) await frame();
    }
    const input = document.getElementById("filter-text");
    const filtered = [];
    for (const text of ["n", "ne", "nee"]) {
      const began = performance.now();
      input.value = text;
      input.dispatchEvent(new Event("input", { bubbles: true }));
      filtered.push(performance.now() - began);
    }
    times.sort((a, b) => a - b);
    return { scroll_median_ms: times[50], scroll_max_ms: times[100], filter_ms: filtered, rows: document.querySelectorAll("#events-rows .event").length };
  });
}

(async () => {
  const [scenario, url, out] = process.argv.slice(2);
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
  const page = await (await browser.newContext()).newPage();
  const found = { errors: [], requests: [] };
  page.on("pageerror", (error) => found.errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && found.errors.push(message.text()));
  page.on("dialog", (dialog) => { found.errors.push("dialog " + dialog.message()); dialog.dismiss(); });
  page.on("request", (request) => found.requests.push(request.url()));
  const began = Date.now();
  await page.goto(url);
  await page.waitForFunction(() => /\d/.test(document.getElementById("filter-count").textContent));
  found.load_ms = Date.now() - began;
  if (scenario === "live") {
    await page.waitForFunction(() => document.getElementById("connection").textContent === "live");
    await page.waitForFunction(() => document.querySelectorAll("#timeline .boot").length === 3);
    await page.screenshot({ path: path.join(out, "live-booting.png") });
    console.log("connected");
    await page.waitForFunction(() => /trying again/.test(document.getElementById("connection").textContent));
    await page.screenshot({ path: path.join(out, "live-lost.png") });
    console.log("lost");
    await page.waitForFunction(() => /exit code/.test(document.getElementById("verdict").textContent), undefined, { timeout: 60000 });
    found.count = await count(page);
    found.gaps = await page.evaluate(() => document.querySelectorAll(".gap").length);
    found.connection = await page.textContent("#connection");
    console.log("caught up");
    await page.waitForFunction(() => document.getElementById("runs").options.length === 2 && /castra down/.test(document.title) && /exit code/.test(document.getElementById("verdict").textContent), undefined, { timeout: 60000 });
    found.looks = { live: { axe: await axe(page) } };
    await page.screenshot({ path: path.join(out, "live.png"), fullPage: true });
    found.errors = found.errors.filter((error) => !error.includes("ERR_")); // that the connection was lost is the point
  }
  found.title = await page.title();
  found.verdict = await page.textContent("#verdict");
  found.rows = await rows(page);
  found.owned = await page.evaluate(() => window.owned === undefined ? "no" : "yes");
  found.markup = await page.evaluate(() => document.querySelectorAll("main img, main script, main b i, main iframe, main svg").length);
  found.failures = await page.evaluate(() => [...document.querySelectorAll("#failures .card")].map((card) => card.innerText));
  found.path = await page.evaluate(() => [...document.querySelectorAll("#path-table tbody tr")].map((row) => [...row.children].map((cell) => cell.textContent)));
  found.plan = await page.evaluate(() => [...document.querySelectorAll("#plan-table tbody tr")].map((row) => [...row.children].map((cell) => cell.textContent)));
  found.vms = await page.evaluate(() => [...document.querySelectorAll("#timeline button")].map((one) => one.textContent));
  if (scenario === "report") {
    found.looks = await looks(page, out);
    found.keyboard = await keyboard(page);
    found.filters = await filters(page);
  }
  if (scenario === "many") found.smooth = await smooth(page);
  console.log(JSON.stringify(found));
  await browser.close();
})().catch((error) => { console.error(error); process.exit(1); });
