// SPDX-License-Identifier: BSD-3-Clause
// The page of `weft-lab view` in headless Chromium: what a user clicks, that it needs no network, and that it opens
// large results. Screenshots go to WEFT_SCREENSHOTS.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const { chromium } = createRequire(path.join(root, "sim/viewer/package.json"))("playwright-core");
const lab = process.env.WEFT_LAB;
const screenshots = process.env.WEFT_SCREENSHOTS;
const folder = mkdtempSync(path.join(tmpdir(), "weft-viewer-"));
mkdirSync(screenshots, { recursive: true });

let browser;
before(async () => {
  browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync"],
  });
});
after(async () => await browser.close());

const weftLab = (...flags) => execFileSync(lab, flags, { cwd: root, encoding: "utf8" });

/** Opens a page and fails on anything it asks the network for, and on any error of a script. */
async function open(file) {
  const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
  const foreign = [], errors = [];
  page.on("request", (request) => { if (!request.url().startsWith("file:") && !request.url().startsWith("data:")) foreign.push(request.url()); });
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(pathToFileURL(file).href);
  await page.waitForSelector("body[data-ready=true]", { timeout: 60_000 });
  return { page, foreign, errors, done: async (name) => {
    await page.screenshot({ path: path.join(screenshots, name) });
    assert.deepEqual(foreign, [], "the page asked the network");
    assert.deepEqual(errors, [], "a script failed");
    await page.close();
  } };
}

test("a matrix shows each pair, and a click shows its runs and the command that repeats one", async () => {
  const scenario = "scenarios/nat-matrix-quick.json";
  weftLab("matrix", scenario, "--seeds", "1..2", "--out", folder);
  const file = weftLab("view", folder, "--scenario", scenario).trim();
  const { page, done } = await open(file);
  const report = JSON.parse(readFileSync(path.join(folder, "matrix.json"), "utf8"));
  const names = [...new Set(report.cells.map((cell) => cell.a))];
  assert.equal(await page.locator("table.matrix tbody button.cell").count(), names.length ** 2);
  await page.getByRole("button", { name: /^apdm-apdf × udp-blocked/ }).click();
  const detail = await page.locator("#cell-detail").innerText();
  assert.match(detail, /apdm-apdf × udp-blocked/);
  assert.match(detail, /udp_blocked/);
  assert.match(detail, new RegExp(`weft-lab replay ${scenario}#apdm-apdf,udp-blocked --seed 1`));
  await done("matrix.png");
});

test("a trace can be scrubbed, searched, and asked why a packet was dropped", async () => {
  const trace = path.join(folder, "run.ndjson");
  weftLab("run", "scenarios/kernel-cases.json", "--seed", "1", "--out", folder, "--trace", trace);
  const file = weftLab("view", path.join(folder, "run.json"), "--trace", trace, "--out", path.join(folder, "run.html")).trim();
  const events = readFileSync(trace, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  const { page, done } = await open(file);
  await page.getByRole("tab", { name: "Timeline" }).click();
  assert.match(await page.locator("#event-count").innerText(), new RegExp(`${events.length} of ${events.length} events`));

  const dropped = events.find((event) => event.kind === "dropped" && event.cause > 0);
  await page.locator("#search").fill(String(dropped.id));
  await page.waitForFunction(() => /^1 of|^[0-9]+ of/.test(document.querySelector("#event-count").textContent));
  await page.locator("button.event.dropped").first().click();
  const chain = [];
  for (let event = dropped; event !== undefined; event = events[event.cause - 1]) chain.unshift(event.id);
  const shown = await page.locator("#why ol").first().locator("li").count();
  assert.equal(shown, chain.length);
  assert.match(await page.locator("#why").innerText(), new RegExp(`Event ${dropped.id}: what led to it`));

  await page.locator("#search").fill("");
  const at_end = await page.locator("#mappings tr").count();
  assert.ok(at_end > 2, "NAT mappings are shown");
  await page.locator("#scrubber").evaluate((input) => { input.value = "0"; input.dispatchEvent(new Event("input")); });
  assert.ok(await page.locator("#mappings tr").count() < at_end, "fewer mappings at the beginning");
  await page.locator("#scrubber").evaluate((input) => { input.value = "10000"; input.dispatchEvent(new Event("input")); });
  await done("timeline.png");
});

test("ten thousand nodes open, and only rows in sight exist", async () => {
  const nodes = 10_000;
  const result = path.join(folder, "large.json"), trace = path.join(folder, "large.ndjson");
  const pair = (n) => ({ from: `n${n}`, to: `n${(n * 7) % nodes}`, connected: true, path: n % 9 ? "direct" : "relay", first_packet_ms: 70,
    time_to_direct_ms: n % 9 ? 75.5 : null, rtt_ms: 40, pings_sent: 10, pings_answered: 10, reason: n % 9 ? null : "udp_blocked_peer" });
  writeFileSync(result, JSON.stringify({ version: 1, scenario: "large", commit: "test", runs: [{ seed: 1, virtual_s: 60, failures: [],
    pairs: Array.from({ length: nodes }, (_, n) => pair(n)) }] }));
  const line = (id) => JSON.stringify({ id, cause: id % 20 === 1 ? 0 : id - 1, t_ns: id * 1000, node: `n${id % nodes}`, kind: "sent", interface: "eth0",
    packet: { protocol: "udp", from: "192.0.2.1:1", to: "192.0.2.2:2", bytes: 100, content: "path_probe" } });
  writeFileSync(trace, Array.from({ length: 20 * nodes }, (_, n) => line(n + 1)).join("\n") + "\n");
  const file = path.join(folder, "large.html");
  weftLab("view", result, "--trace", trace, "--out", file);
  const { page, done } = await open(file);
  assert.match(await page.locator("#pair-count").innerText(), /10000 of 10000 pairs/);
  assert.ok(await page.locator(".pair").count() < 100);
  await page.locator("#search").fill("udp_blocked_peer");
  await page.waitForFunction(() => document.querySelector("#pair-count").textContent.startsWith("1112 of"));
  await page.locator("#search").fill("");
  await page.getByRole("tab", { name: "Timeline" }).click();
  assert.ok(await page.locator("button.node").count() < 100);
  await page.locator("button.node").first().click();
  assert.match(await page.locator("#event-count").innerText(), /20 of 200000 events at n1/);
  await done("large.png");
});

test("what is no result is refused with one sentence", () => {
  for (const [file, words] of [["scenarios/nat-matrix-quick.json", /neither a matrix nor a run/], ["no-such.json", /cannot be read/]]) {
    const refused = spawnSync(lab, ["view", file], { cwd: root, encoding: "utf8" });
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, words);
    assert.equal(refused.stderr.trim().split("\n").length, 1);
  }
});
