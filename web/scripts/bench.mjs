// Measures the page in Chromium, over the hub at GLASSHULL_URL, with calls made by GLASSHULL_SHOP, the shop's program; prints
// [{what, value, unit, floor, goal}] for `cargo xtask bench page`.
import { execFileSync, spawn } from "node:child_process";
import { chromium } from "playwright-core";

const HUB = process.env.GLASSHULL_URL?.replace(/\/$/, "");
const SHOP = process.env.GLASSHULL_SHOP;
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"];
/** Frames that are looked at, and rounds of which the middle counts. */
const FRAMES = 300;
const ROUNDS = 5;
/** Of a display with 60 frames a second; the browser tells tenths of milliseconds. */
const FRAME_MS = 16.7;
const MILLION =
  "SELECT started_at, function, duration_ns, outcome, service, call_id FROM calls LIMIT 1000000";

/** Calls of the large trace, and how often it is opened. */
const BINS = "100000";
const OPENED = 7;
const LARGEST =
  "SELECT started_at, function, duration_ns, call_id FROM calls WHERE function LIKE '%stocktake::run' AND outcome = 'returned' ORDER BY started_at DESC LIMIT 1";
/** How long the live tail runs, in minutes: what leaks a little each second shows in a few. */
const TAIL_MINUTES = Number(process.env.GLASSHULL_TAIL_MINUTES ?? 2);
/** What it takes until it is as full as it gets, in seconds. */
const SETTLED_S = 30;

if (!HUB || !SHOP) {
  console.error(
    "Set GLASSHULL_URL to a running hub's address and GLASSHULL_SHOP to the shop's program, or run `cargo xtask bench page`.",
  );
  process.exit(2);
}

const launch = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
const middle = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const quantile = (values, share) =>
  [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * share)];
const view = (parts) => `${HUB}/#${new URLSearchParams(parts)}`;

async function withPage(measure) {
  const browser = await launch();
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
    return await measure(await context.newPage());
  } finally {
    await browser.close();
  }
}

/** Times between frames, while `step` is done in each. */
function frames(page, step) {
  return page.evaluate(
    ([count, body]) =>
      new Promise((resolve) => {
        const act = new Function("frame", body);
        const times = [];
        let [frame, last] = [0, performance.now()];
        const next = (now) => {
          times.push(Math.round(10 * (now - last)) / 10);
          last = now;
          act(frame);
          frame += 1;
          if (frame < count) requestAnimationFrame(next);
          else resolve(times.slice(5));
        };
        requestAnimationFrame(next);
      }),
    [FRAMES, step],
  );
}

/** From nothing to a page that answers: rows are there, and typing is taken. In a new browser each time: nothing is cached. */
async function cold() {
  const times = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    times.push(
      await withPage(async (page) => {
        const began = performance.now();
        await page.goto(HUB);
        await page.locator(".row[role=row]").first().waitFor();
        await page.getByRole("textbox", { name: "Statement" }).press("End");
        return performance.now() - began;
      }),
    );
  }
  return [
    { what: "from a cold start to rows one can work with", value: middle(times), unit: "ms", goal: 1000 },
  ];
}

/** What comes over the network before one can work, as a server that compresses sends it. */
async function firstLoad() {
  const { gzipSync } = await import("node:zlib");
  const bytes = await withPage(async (page) => {
    const bodies = [];
    page.on("response", (response) => {
      if (/\.(js|css|html|svg|woff2|webmanifest)$|\/$/.test(new URL(response.url()).pathname)) {
        bodies.push(response.body().catch(() => Buffer.alloc(0)));
      }
    });
    await page.goto(HUB);
    await page.locator(".row[role=row]").first().waitFor();
    return (await Promise.all(bodies)).reduce((sum, body) => sum + gzipSync(body).length, 0);
  });
  return [{ what: "first load, compressed", value: bytes / 1024, unit: "KiB", goal: 350 }];
}

/** A million rows, scrolled by some rows each frame, and by a thousandth of all. */
async function table() {
  return await withPage(async (page) => {
    await page.goto("about:blank");
    const empty = quantile(
      await frames(page, "document.body.style.color = frame % 2 ? 'red' : 'blue'"),
      0.95,
    );
    const began = performance.now();
    await page.goto(view({ q: MILLION }));
    await page.locator(".row[role=row]").first().waitFor();
    const shown = performance.now() - began;
    const scroller = "document.querySelector('[role=grid]')";
    const rows = Number(await page.locator("[role=grid]").getAttribute("aria-rowcount")) - 1;
    if (rows < 900_000) throw new Error(`The table has ${rows} rows only.`);
    const steady = quantile(await frames(page, `${scroller}.scrollTop += 84`), 0.95);
    const flung = quantile(
      await frames(page, `const s = ${scroller}; s.scrollTop = (s.scrollHeight * frame) / ${FRAMES}`),
      0.95,
    );
    const sorting = await page.evaluate(async () => {
      const began = performance.now();
      document.querySelector("[role=columnheader] .sort").click();
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      return performance.now() - began;
    });
    const row = (what, value, more = {}) => ({ what, value, unit: "ms", ...more });
    return [
      row("an empty page: a frame, p95", empty),
      row("a million rows: scrolled by 3 rows a frame, a frame, p95", steady, {
        floor: empty,
        goal: FRAME_MS,
      }),
      row("a million rows: flung from end to end, a frame, p95", flung, { floor: empty, goal: FRAME_MS }),
      row("a million rows: asked for, fetched and drawn", shown),
      row("a million rows: sorted by a column", sorting),
    ];
  });
}

async function ask(statement) {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ statement });
  const answer = await fetch(`${HUB}/api/v1/statements`, { method: "POST", headers, body });
  if (!answer.ok) throw new Error(`${statement}: ${await answer.text()}`);
}

/** A trace of a hundred thousand calls, from the click on its row until it is drawn. */
async function largeTrace() {
  await ask("TRACE stocktake::* FOR 10m LIMIT 1000000 CALLS RATE 1000000 PER SECOND");
  const env = { ...process.env, GLASSHULL_HUB: HUB };
  execFileSync(SHOP, ["stocktake", "--bins", BINS, "--patience", "60"], { env, stdio: "ignore" });
  const rounds = await withPage(async (page) => {
    await page.goto(view({ q: LARGEST }));
    const rounds = [];
    for (let round = 0; round < OPENED; round += 1) {
      await page.locator("[role=grid] .row[role=row]").first().waitFor();
      rounds.push(await clickToDrawn(page));
      await page.keyboard.press("Escape");
    }
    return rounds;
  });
  const row = (what, of, goal = null) => ({ what, value: middle(rounds.map(of)), unit: "ms", goal });
  return [
    row("a trace of a hundred thousand calls: from click to drawn", ({ drawn }) => drawn, 1000),
    row("of these until the hub had answered", ({ answered }) => answered),
  ];
}

/** Milliseconds until rows are on the screen, and of these until the answer was there. */
function clickToDrawn(page) {
  return page.evaluate(async () => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const began = performance.now();
    document.querySelector("[role=grid] .row[role=row]").click();
    while (!document.querySelector("[role=treegrid] .row[role=row]")) await frame();
    await frame();
    const drawn = performance.now() - began;
    const answers = performance
      .getEntriesByType("resource")
      .filter(({ name }) => name.endsWith("/statements"));
    const answered =
      Math.max(...answers.map(({ responseEnd }) => responseEnd).filter((at) => at > began)) - began;
    return { drawn, answered: Math.min(answered, drawn) };
  });
}

/** What the page holds while calls come and come. */
async function liveTail() {
  const env = { ...process.env, GLASSHULL_HUB: HUB };
  const shop = spawn(SHOP, ["--stop-with-stdin", "all"], { env, stdio: ["pipe", "ignore", "ignore"] });
  try {
    await ask("TRACE storefront::*, pricing::*, warehouse::* FOR 2h LIMIT 10000000 CALLS");
    return await withPage(async (page) => {
      const tools = await page.context().newCDPSession(page);
      const heap = async () => {
        await tools.send("HeapProfiler.collectGarbage");
        return (await tools.send("Runtime.getHeapUsage")).usedSize / 2 ** 20;
      };
      await page.goto(view({ room: "live" }));
      await page.waitForTimeout(SETTLED_S * 1000);
      const before = await heap();
      await page.waitForTimeout(TAIL_MINUTES * 60_000);
      const after = await heap();
      return [
        { what: `a live tail: its heap after ${SETTLED_S} s`, value: before, unit: "MiB" },
        { what: `the same ${TAIL_MINUTES} min later`, value: after, unit: "MiB", goal: before + 2 },
      ];
    });
  } finally {
    shop.stdin.end();
  }
}

const rows = [];
for (const measure of [firstLoad, cold, table, largeTrace, liveTail]) rows.push(...(await measure()));
process.stdout.write(`${JSON.stringify(rows.map((row) => ({ floor: null, goal: null, ...row })))}\n`);
