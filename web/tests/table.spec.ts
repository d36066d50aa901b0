/** The table: a million rows, and what a click on a cell makes of the statement. */
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { ask, fragment, open, rows, someCalls, untraceAll, withBrowser } from "./browser";

const CALLS =
  "SELECT started_at, function, duration_ns, outcome, args, returned, service, call_id FROM calls ORDER BY started_at DESC LIMIT 200";
/** A hundred rows, six times over each other: a million, of which the tenth is made here. */
const MANY = `SELECT a.line + 1000 * b.line AS n, a.function, a.file, b.service FROM functions a, functions b, functions c, functions d`;

withBrowser();
beforeAll(async () => {
  await untraceAll();
  await ask("TRACE pricing::* FOR 5m LIMIT 20000 CALLS");
  await someCalls();
});

const grid = (page: Page) => page.getByRole("grid", { name: "Rows of the answer" });
const statement = (page: Page) => page.getByRole("textbox", { name: "Statement" }).innerText();
const menu = (page: Page) => page.getByRole("menu");
const text = (page: Page) => statement(page).then((said) => said.replace(/\s+/g, " "));

/** The cell of a column in the first row that has something there. */
const cell = (page: Page, column: number, has: string | RegExp) =>
  rows(page)
    .getByRole("gridcell")
    .and(page.locator(`[aria-colindex="${column}"]`))
    .filter({ hasText: has })
    .first();

describe("many rows", () => {
  it("are scrolled from the first to the last, and sorted where they are", async () => {
    const page = await open(fragment({ q: MANY }));
    await rows(page).first().waitFor();
    const count = Number(await grid(page).getAttribute("aria-rowcount")) - 1;
    expect(count).toBeGreaterThan(100_000);
    expect(await rows(page).count()).toBeLessThan(60);
    await grid(page).focus();
    await page.keyboard.press("End");
    const last = page.locator(`#row-${count - 1}`);
    await last.waitFor();
    expect(await last.getAttribute("aria-selected")).toBe("true");
    await page.getByRole("columnheader", { name: "n", exact: true }).getByRole("button").click();
    await page.keyboard.press("Tab");
    await grid(page).focus();
    await page.keyboard.press("Home");
    const largest = (await ask(`SELECT max(n) FROM (${MANY})`)) as { rows: number[][] };
    const first = async () => Number((await cell(page, 1, /\d/).innerText()).replaceAll(",", ""));
    await expect.poll(first).toBe(largest.rows[0]?.[0]);
  });

  it("that do not fit say which they are, of how many, and go on", async () => {
    const page = await open(fragment({ q: `${MANY}, functions e` }));
    const which = page.getByRole("group", { name: "Which rows are shown" });
    await which.getByText(/^1–[\d,]+ of [\d,]+/).waitFor();
    const shown = Number(await grid(page).getAttribute("aria-rowcount")) - 1;
    await which.getByRole("button", { name: "Next rows" }).click();
    await which.getByText(new RegExp(`^${(shown + 1).toLocaleString("en")}–`)).waitFor();
    await page.reload();
    await which.getByText(new RegExp(`^${(shown + 1).toLocaleString("en")}–`)).waitFor();
    await page.getByRole("columnheader", { name: "n", exact: true }).getByRole("button").click();
    await expect.poll(() => text(page)).toMatch(/ORDER BY n DESC NULLS LAST$/);
  });
});

describe("rows that LIMIT has let in", () => {
  it("are sorted among themselves, which is told, and all there are by the hub", async () => {
    const page = await open(fragment({ q: CALLS.replace("LIMIT 200", "LIMIT 20") }));
    await rows(page).first().waitFor();
    await page.getByRole("columnheader", { name: "duration_ns" }).getByRole("button").first().click();
    await page.getByRole("button", { name: "sort all there are" }).click();
    await expect.poll(() => text(page)).toMatch(/ORDER BY duration_ns DESC NULLS LAST LIMIT 20$/);
    await expect.poll(() => page.getByRole("button", { name: "sort all there are" }).count()).toBe(0);
  });
});

describe("a click on a cell", () => {
  it("adds a condition, which can be taken away again", async () => {
    const page = await open(fragment({ q: CALLS }));
    await cell(page, 2, "price").click({ button: "right" });
    await menu(page).getByRole("menuitem", { name: "Only these" }).click();
    await expect
      .poll(() => text(page))
      .toMatch(/FROM calls WHERE function = 'shop::pricing::.*price' ORDER BY/);
    await page.getByRole("list", { name: "Conditions" }).getByRole("button").click();
    await expect.poll(() => text(page)).toBe(CALLS);
  });

  it("reaches into values: a column, a condition, a group of any path", async () => {
    const page = await open(
      fragment({ q: CALLS.replace("FROM calls", "FROM calls WHERE function LIKE '%::quote::price'") }),
    );
    await cell(page, 5, "order").click({ button: "right" });
    await menu(page)
      .getByRole("menuitem", { name: /^order\.lines\[0\]\.sku/ })
      .click();
    await menu(page).getByRole("menuitem", { name: "Column sku" }).click();
    const head = page.getByRole("columnheader", { name: "sku", exact: true });
    await head.waitFor();
    const inSight = async () => {
      const [one, all] = [await head.boundingBox(), await grid(page).boundingBox()];
      return one !== null && all !== null && one.x >= all.x && one.x + one.width <= all.x + all.width + 1;
    };
    await expect.poll(inSight).toBe(true);
    await page.getByRole("columnheader", { name: "sku" }).waitFor();
    expect(await text(page)).toContain("args->'order'->'lines'->0->>'sku' AS sku, call_id");
    await page.getByRole("columnheader", { name: "sku" }).click({ button: "right" });
    await menu(page)
      .getByRole("menuitem", { name: /^Group by sku/ })
      .click();
    await page.getByRole("columnheader", { name: "p99_ns" }).waitFor();
    await expect.poll(() => rows(page).count()).toBeGreaterThan(3);
  });

  it("is done by keyboard, too", async () => {
    const page = await open(fragment({ q: CALLS }));
    await rows(page).first().waitFor();
    await grid(page).focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("m");
    await menu(page).getByRole("menuitem", { name: "Only these" }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await expect.poll(() => text(page)).toContain("IS DISTINCT FROM 'shop::");
  });
});

describe("columns", () => {
  it("are hidden, pinned, moved and widened, and the address knows", async () => {
    const page = await open(fragment({ q: CALLS }));
    const names = () =>
      grid(page)
        .getByRole("columnheader")
        .evaluateAll((all) => all.map((one) => (one.textContent ?? "").replace("⋯", "").trim()));
    await page.getByRole("button", { name: "Columns" }).click();
    const panel = page.getByRole("dialog", { name: "Columns" });
    await panel.getByLabel("started_at", { exact: true }).uncheck();
    await panel.getByRole("button", { name: "Pin outcome to the left" }).click();
    await panel.getByRole("button", { name: "Move duration_ns left" }).click();
    await page.keyboard.press("Escape");
    await expect
      .poll(async () => (await names()).slice(0, 3))
      .toEqual(["outcome", "duration_ns", "function"]);
    const head = page.getByRole("columnheader", { name: "function" });
    const before = (await head.boundingBox())?.width ?? 0;
    await head.getByRole("button").focus();
    await page.keyboard.press("Shift+ArrowRight");
    await expect.poll(async () => (await head.boundingBox())?.width).toBe(before + 16);
    await page.reload();
    await expect
      .poll(async () => (await names()).slice(0, 3))
      .toEqual(["outcome", "duration_ns", "function"]);
    expect((await head.boundingBox())?.width).toBe(before + 16);
  });

  it("are copied as they are shown", async () => {
    const page = await open(fragment({ q: "SELECT 1 AS a, 'x,y' AS b" }), {
      permissions: ["clipboard-read", "clipboard-write"],
    });
    await rows(page).first().waitFor();
    for (const [name, copied] of [
      ["Copy as CSV", 'a,b\r\n1,"x,y"\r\n'],
      ["Copy as JSON", '[\n{"a":1,"b":"x,y"}\n]\n'],
      ["Copy as Markdown", "| a | b |\n| ---: | --- |\n| 1 | x,y |\n"],
    ] as const) {
      await page.getByRole("button", { name: "Copy", exact: true }).click();
      await menu(page).getByRole("menuitem", { name }).click();
      await page.getByText(name.replace("Copy as", "Copied")).first().waitFor();
      expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(copied);
    }
  });
});
