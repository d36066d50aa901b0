/** Charts of all that matches, and what is different in a part of one: the shop's faults are found by it. */
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { ask, fragment, open, rows, untraceAll, withBrowser } from "./browser";

withBrowser();
beforeAll(async () => {
  await untraceAll();
  await ask("TRACE storefront::*, pricing::*, warehouse::* FOR 5m LIMIT 200000 CALLS");
  // Few orders have the coupon, and few walks are long.
  await atLeast(8, "function LIKE '%::quote::price' AND returned = '0'");
  await atLeast(8, "function LIKE '%::plan_walk' AND args->>'sku' = 'BEAD-11'");
});

async function atLeast(count: number, condition: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const answer = (await ask(`SELECT count(*) FROM calls WHERE ${condition}`)) as { rows: number[][] };
    if ((answer.rows[0]?.[0] ?? 0) >= count) return;
    if (Date.now() > deadline) throw new Error(`Not ${count} calls in time: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

const CALLS = "SELECT started_at, function, duration_ns, outcome, args, returned, call_id FROM calls";
const differences = (page: Page) => page.getByRole("complementary", { name: "What is different here" });
const statement = (page: Page) =>
  page
    .getByRole("textbox", { name: "Statement" })
    .innerText()
    .then((said) => said.replace(/\s+/g, " "));

/** Drags over a part of the chart: shares of its width and height, from the upper left. */
async function brush(page: Page, from: [number, number], to: [number, number]): Promise<void> {
  const over = page.locator(".u-over");
  await over.waitFor();
  const box = (await over.boundingBox()) as { x: number; y: number; width: number; height: number };
  const at = ([x, y]: [number, number]) => [box.x + x * box.width, box.y + y * box.height] as const;
  await page.mouse.move(...at(from));
  await page.mouse.down();
  await page.mouse.move(...at([(from[0] + to[0]) / 2, (from[1] + to[1]) / 2]));
  await page.mouse.move(...at(to));
  await page.mouse.up();
}

describe("charts of all that matches", () => {
  it.each([
    ["heatmap", { x: "started_at", y: "duration_ns", log: "y" }, /^heatmap of duration_ns by started_at/],
    ["percentiles", { x: "started_at", y: "duration_ns" }, /^percentiles of duration_ns by started_at/],
    ["histogram", { x: "duration_ns", y: "count", log: "x" }, /^histogram of count by duration_ns/],
  ])("are drawn as %s, and can be had as a statement", async (chart, parts, name) => {
    const page = await open(fragment({ q: `${CALLS} LIMIT 100`, view: "chart", chart, ...parts }));
    await page.getByRole("img", { name }).waitFor();
    await page.locator(".u-over").waitFor();
    await page.getByRole("button", { name: "As a statement" }).click();
    await expect.poll(() => statement(page)).toMatch(/GROUP BY 1/);
    expect(await statement(page)).not.toContain("LIMIT 100");
  });

  it("list the top values, each a condition", async () => {
    const page = await open(fragment({ q: `${CALLS} LIMIT 100`, view: "chart", x: "function", y: "count" }));
    const top = page.getByRole("list", { name: "Top values of function" });
    await top.getByRole("button").first().click();
    await expect.poll(() => statement(page)).toMatch(/WHERE function = 'shop::/);
  });
});

describe("what is different here", () => {
  it("points at the article whose walks are slow", async () => {
    const q = `${CALLS} WHERE function LIKE '%::plan_walk'`;
    const page = await open(
      fragment({ q, view: "chart", chart: "heatmap", x: "started_at", y: "duration_ns", log: "y" }),
    );
    await brush(page, [0.001, 0.001], [0.999, 0.35]);
    const article = differences(page)
      .getByRole("listitem")
      .filter({ hasText: /args\.sku\s+BEAD-11/ });
    await article.getByRole("button").click();
    await expect.poll(() => statement(page)).toContain("AND args->>'sku' = 'BEAD-11'");
  });

  it("compares the marked with the others, function by function", async () => {
    const q = `${CALLS} WHERE function LIKE '%::plan_walk'`;
    const page = await open(
      fragment({ q, view: "chart", x: "duration_ns", y: "count", brush: "5000000..60000000000," }),
    );
    await differences(page).getByRole("button", { name: "Compare by function" }).click();
    await page.getByRole("figure", { name: /^Durations of/ }).waitFor();
    await page
      .getByRole("table", { name: "Change by function, from A to B" })
      .getByRole("row", { name: /plan_walk/ })
      .waitFor();
    await page.goBack();
    await differences(page).waitFor();
  });

  it("points at the coupon of orders that cost nothing", async () => {
    const q = `SELECT started_at, duration_ns, cast(returned AS bigint) AS price, args FROM calls WHERE function LIKE '%::quote::price' AND outcome = 'returned'`;
    const page = await open(fragment({ q, view: "chart", x: "price", y: "count", brush: "0..0.5," }));
    await differences(page).getByRole("listitem").first().getByText("AUTUMN15").waitFor();
  });

  it("is asked of a value in the table, and the address knows it", async () => {
    const q = `SELECT returned, started_at, args, call_id FROM calls WHERE function LIKE '%::quote::price' AND outcome = 'returned' ORDER BY cast(returned AS bigint) LIMIT 50`;
    const page = await open(fragment({ q }));
    await rows(page).first().getByRole("gridcell").first().click({ button: "right" });
    const menu = page.getByRole("menu");
    await menu.getByRole("menuitem", { name: /^What is different about these\?/ }).click();
    const first = differences(page).getByRole("listitem").first();
    await first.getByText("AUTUMN15").waitFor();
    await page.reload();
    await first.getByText("AUTUMN15").waitFor();
    await first.getByRole("button").click();
    await expect.poll(() => statement(page)).toContain("AND args->'order'->>'coupon' = 'AUTUMN15' ORDER BY");
    await expect.poll(() => differences(page).count()).toBe(0);
  });

  it("says what it means to mark nothing, or all", async () => {
    const page = await open(
      fragment({ q: CALLS, view: "chart", x: "duration_ns", y: "count", brush: "-2..-1," }),
    );
    await differences(page).getByText("No row lies there").waitFor();
    await differences(page).getByRole("button", { name: "Close" }).click();
    await expect.poll(() => differences(page).count()).toBe(0);
    await page.goBack();
    await differences(page).waitFor();
  });
});
