// Measures how long a trace of a hundred thousand calls takes from the click on its row until it is drawn, over the hub at
// GLASSHULL_URL; GLASSHULL_SHOP is the shop's program, which makes the trace. Prints [{what, value, unit, floor, goal}].
import { execFileSync } from "node:child_process";
import { chromium } from "playwright-core";

const HUB = process.env.GLASSHULL_URL?.replace(/\/$/, "");
const SHOP = process.env.GLASSHULL_SHOP;
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"];
const ROUNDS = 7;
const BINS = process.env.GLASSHULL_BINS ?? "100000";
const RUN =
  "SELECT started_at, function, duration_ns, call_id FROM calls WHERE function LIKE '%stocktake::run' AND outcome = 'returned' ORDER BY started_at DESC LIMIT 1";

if (!HUB || !SHOP) {
  console.error("Set GLASSHULL_URL to a running hub's address, and GLASSHULL_SHOP to the shop's program.");
  process.exit(2);
}

async function ask(statement) {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ statement });
  return await (await fetch(`${HUB}/api/v1/statements`, { method: "POST", headers, body })).json();
}

/** Milliseconds until rows are on the screen, and of these until the answer was there. */
function click(page) {
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

const middle = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

await ask("TRACE stocktake::* FOR 10m LIMIT 10000000 CALLS RATE 1000000 PER SECOND");
execFileSync(SHOP, ["stocktake", "--bins", BINS, "--patience", "60"], {
  env: { ...process.env, GLASSHULL_HUB: HUB },
  stdio: "ignore",
});
const [[calls]] = (
  await ask(
    "SELECT count(*) FROM calls WHERE service = 'stocktake' GROUP BY trace_id ORDER BY max(started_at) DESC LIMIT 1",
  )
).rows;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: FLAGS,
});
const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
await page.goto(`${HUB}/#${new URLSearchParams({ q: RUN })}`);
const rounds = [];
for (let round = 0; round < ROUNDS; round += 1) {
  await page.locator("[role=grid] .row[role=row]").first().waitFor();
  rounds.push(await click(page));
  await page.keyboard.press("Escape");
}
await browser.close();
const row = (what, value, goal = null) => ({ what, value, unit: "ms", floor: null, goal });
const rows = [
  row(`a trace of ${calls} calls: from click to drawn`, middle(rounds.map(({ drawn }) => drawn)), 1000),
  row("of these until the hub had answered", middle(rounds.map(({ answered }) => answered))),
];
process.stdout.write(`${JSON.stringify(rows)}\n`);
