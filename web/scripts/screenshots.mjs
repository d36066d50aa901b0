// Takes README's pictures into docs/pictures/, from the hub at GLASSHULL_URL with the shop under load.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const HUB = process.env.GLASSHULL_URL?.replace(/\/$/, "");
const FOLDER = fileURLToPath(new URL("../../docs/pictures", import.meta.url));
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"];
const CALLS = "started_at, function, duration_ns, outcome, args, returned, error, service, call_id";
/** Enough for the rare faults to have happened. */
const GATHER_MS = 20_000;

if (!HUB) {
  console.error(
    "Set GLASSHULL_URL to a running hub's address, or run `cargo xtask screenshots`, which starts one.",
  );
  process.exit(2);
}

const rows = (page) => page.getByRole("grid", { name: "Rows of the answer" }).locator(".row[role=row]");
const view = (parts) => `${HUB}/#${new URLSearchParams(parts)}`;

/** Shows a view as if its address had just been opened. */
async function open(page, parts) {
  await page.goto("about:blank");
  await page.goto(view(parts));
}

async function openFirstTree(page, statement) {
  await open(page, { q: statement });
  await rows(page).first().click();
  await page.getByRole("treegrid").getByRole("row").nth(1).waitFor();
}

const failed = `SELECT ${CALLS}\nFROM calls WHERE outcome = 'error' ORDER BY started_at DESC LIMIT 200`;
const slow = `SELECT args->>'sku' AS sku, cast(args->>'quantity' AS int) AS quantity, duration_ns, call_id
FROM calls WHERE function LIKE '%::plan_walk' ORDER BY duration_ns DESC LIMIT 1000`;
const zero = `SELECT started_at, args->'order'->>'coupon' AS coupon, returned, duration_ns, args, call_id
FROM calls WHERE function LIKE '%::quote::price' AND returned = '0'
ORDER BY started_at DESC LIMIT 200`;

const walks = `SELECT ${CALLS} FROM calls WHERE function LIKE '%::plan_walk'`;

/** Each picture: its name, and how one comes to see it. */
const PICTURES = [
  [
    "trace",
    async (page) => {
      await open(page, { q: "TRACE pricing::* ON class=blue FOR 60s" });
      await page.getByRole("button", { name: "Run it" }).click();
      await page
        .getByText(/captures \d+ functions/)
        .first()
        .waitFor();
      await rows(page).nth(20).waitFor();
    },
  ],
  ["zero", (page) => open(page, { q: zero }).then(() => rows(page).first().waitFor())],
  ["tree", (page) => openFirstTree(page, failed)],
  [
    "waterfall",
    async (page) => {
      await openFirstTree(page, failed);
      await page.getByRole("button", { name: "Waterfall", exact: true }).click();
      await page.getByRole("button", { name: "Critical path" }).click();
      await page.getByRole("application", { name: "Waterfall of the trace" }).waitFor();
    },
  ],
  [
    "reproduce",
    async (page) => {
      await openFirstTree(page, failed);
      await page.getByRole("tab", { name: "Reproduce" }).click();
      await page.getByRole("region", { name: "To be copied" }).waitFor();
    },
  ],
  [
    "chart",
    async (page) => {
      await open(page, { q: slow, view: "chart", x: "quantity", y: "duration_ns" });
      await page.locator(".u-over").waitFor();
    },
  ],
  [
    "functions",
    async (page) => {
      await open(page, { room: "functions", at: "pricing shop::pricing::quote::price" });
      await page
        .getByRole("img", { name: /99th percentile/ })
        .first()
        .waitFor();
    },
  ],
  [
    "health",
    async (page) => {
      await open(page, { room: "health" });
      await page.getByRole("heading", { name: "Journal" }).waitFor();
    },
  ],
  [
    "difference",
    async (page) => {
      await open(page, {
        q: walks,
        view: "chart",
        chart: "heatmap",
        x: "started_at",
        y: "duration_ns",
        log: "y",
      });
      const over = page.locator(".u-over");
      await over.waitFor();
      const box = await over.boundingBox();
      await page.mouse.move(box.x + 2, box.y + 2);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width - 2, box.y + box.height * 0.35, { steps: 4 });
      await page.mouse.up();
      await page
        .getByRole("complementary", { name: "What is different here" })
        .getByRole("listitem")
        .first()
        .waitFor();
    },
  ],
  [
    "profile",
    async (page) => {
      await open(page, { q: `SELECT ${CALLS} FROM calls LIMIT 500`, view: "profile" });
      await page.getByRole("table", { name: "Time by function" }).waitFor();
    },
  ],
  [
    "compare",
    async (page) => {
      await open(page, {
        q: `SELECT ${CALLS} FROM calls LIMIT 500`,
        view: "compare",
        sides: "class:blue:green",
      });
      await page.getByRole("figure").waitFor();
    },
  ],
];

async function take(browser, colorScheme) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 860 },
    deviceScaleFactor: 1,
    colorScheme,
  });
  const page = await context.newPage();
  for (const [name, show] of PICTURES) {
    await show(page);
    await page.evaluate(() => document.fonts.ready);
    await page.waitForTimeout(600);
    const path = join(FOLDER, `${name}-${colorScheme}.png`);
    await page.screenshot({ path });
    console.log(path);
  }
  await context.close();
}

async function ask(statement) {
  const headers = { "content-type": "application/json" };
  await fetch(`${HUB}/api/v1/statements`, { method: "POST", headers, body: JSON.stringify({ statement }) });
}

await mkdir(FOLDER, { recursive: true });
await ask("TRACE storefront::*, warehouse::*, load::*, pricing::* FOR 3m");
await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: FLAGS,
});
await take(browser, "light");
await take(browser, "dark");
await browser.close();
await ask("UNTRACE ALL");
