/** One trace, looked at in every way, as somebody does it who wants to know what happened. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, inject, it } from "vitest";
import type { StatementAnswer } from "../src/api/types";
import { columnsOf } from "../src/trace/drawn";
import { ask, fragment, hub, open, tree, untraceAll, withBrowser } from "./browser";

const execute = promisify(execFile);

withBrowser();

/** A failed order through three services. */
let failed = "";
/** The call of the stocktake, and how many calls it came to. */
let stocktake = { call: "", calls: 0 };

async function cells(statement: string): Promise<unknown[][]> {
  const answer = (await ask(statement)) as StatementAnswer;
  return answer.kind === "rows" ? answer.rows : [];
}

async function until<T>(what: string, find: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`Not in time: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

beforeAll(async () => {
  await untraceAll();
  await ask("TRACE storefront::*, pricing::*, warehouse::* FOR 5m LIMIT 1000000 CALLS");
  await ask("TRACE stocktake::* FOR 5m LIMIT 1000000 CALLS RATE 1000000 PER SECOND");
  const environment = { ...process.env, GLASSHULL_HUB: hub() };
  await execute(inject("shop"), ["stocktake", "--patience", "60"], { env: environment });
  stocktake = await until("the stocktake is told", async () => {
    const [row] = await cells(
      "SELECT min(call_id) FILTER (WHERE function LIKE '%stocktake::run'), count(*) FROM calls WHERE service = 'stocktake' AND outcome <> 'running' GROUP BY trace_id ORDER BY max(started_at) DESC LIMIT 1",
    );
    return row?.[0] ? { call: String(row[0]), calls: Number(row[1]) } : undefined;
  });
  failed = await until("an order fails two services down", async () => {
    const [row] = await cells(
      "SELECT call_id FROM calls WHERE function LIKE '%ledger::read_entry' AND outcome = 'error' AND trace_id IN (SELECT trace_id FROM calls WHERE function LIKE '%Checkout::place' AND outcome = 'error') LIMIT 1",
    );
    return row ? String(row[0]) : undefined;
  });
  await untraceAll();
});

const opened = (call: string, parts: Record<string, string> = {}) =>
  open(fragment({ q: "SHOW TRACES", view: "tree", call, ...parts }));
const article = (page: Page) => page.getByRole("article", { name: "The call", exact: true });
const form = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
const heading = (page: Page) => article(page).getByRole("heading").first();
const callRows = (page: Page) => tree(page).locator(".row[role=row]");
const search = (page: Page) => page.getByRole("textbox", { name: "Search in this trace" });
const lines = (page: Page) => page.getByRole("listbox", { name: "The trace as text" }).getByRole("option");
const panel = (page: Page, name: string) => page.getByRole("tab", { name }).click();

describe("a trace", () => {
  it("is the same in each of its forms: what is chosen in one is chosen in the others", async () => {
    const page = await opened(failed);
    await callRows(page).first().waitFor();
    await tree(page).focus();
    await page.keyboard.press("Home");
    await expect.poll(() => heading(page).innerText()).toContain("Checkout::place");

    await form(page, "Waterfall");
    const waterfall = page.getByRole("application", { name: "Waterfall of the trace" });
    await waterfall.focus();
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => heading(page).innerText()).not.toContain("place");
    await page.keyboard.press("ArrowUp");
    await expect.poll(() => heading(page).innerText()).toContain("Checkout::place");
    await page
      .getByRole("status")
      .getByText(/Checkout::place, error, .*row 1 of/)
      .waitFor();

    await form(page, "Flame");
    await page.getByRole("application", { name: "Flame graph of the trace" }).focus();
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => heading(page).innerText()).toContain("Checkout::quote");
    await page.keyboard.press("ArrowUp");
    await expect.poll(() => heading(page).innerText()).toContain("Checkout::place");
    await form(page, "Merged");
    await page.getByRole("application", { name: "Flame graph of the trace" }).focus();
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => heading(page).innerText()).not.toContain("Checkout::place");

    await form(page, "Text");
    const text = page.getByRole("listbox", { name: "The trace as text" });
    const chosen = text.locator("[aria-selected=true]");
    const name = ((await heading(page).innerText()).split("::").at(-1) ?? "").trim();
    expect(await chosen.innerText()).toContain(`${name}(`);

    expect(page.url()).toContain("form=text");
    await page.goBack();
    await page.getByRole("application", { name: "Flame graph of the trace" }).waitFor();
    await page.reload();
    await page.getByRole("application", { name: "Flame graph of the trace" }).waitFor();
  });

  it("keeps what is folded from one form to the next", async () => {
    const page = await opened(failed);
    await callRows(page).nth(5).waitFor();
    await tree(page).focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowLeft");
    await expect.poll(() => callRows(page).count()).toBe(1);
    await form(page, "Text");
    await expect.poll(() => lines(page).count()).toBe(1);
    await page.getByRole("listbox", { name: "The trace as text" }).focus();
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => lines(page).count()).toBeGreaterThan(1);
    await form(page, "Tree");
    await expect.poll(() => callRows(page).count()).toBeGreaterThan(1);
  });

  it("goes from failure to failure and from service to service by one key", async () => {
    const page = await opened(failed);
    await callRows(page).first().waitFor();
    await tree(page).focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("h");
    await expect.poll(() => heading(page).innerText()).toContain("Pricing::quote");
    await page.keyboard.press("h");
    await expect.poll(() => heading(page).innerText()).toContain("ledger::balance");
    await article(page)
      .getByRole("button", { name: /called by gift_card::balance in pricing/ })
      .click();
    await expect.poll(() => heading(page).innerText()).toContain("gift_card::balance");
    await page.getByRole("button", { name: /\d+ failed/ }).click();
    await expect.poll(() => heading(page).innerText()).toContain("ledger::balance");
  });

  it("is searched by name and by value, also as a pattern, and shows only what is found", async () => {
    const page = await opened(failed);
    await callRows(page).nth(5).waitFor();
    const all = await callRows(page).count();
    await tree(page).focus();
    await page.keyboard.press("/");
    await page.keyboard.type("25,00");
    const told = page.getByRole("search").getByRole("status");
    await expect.poll(() => told.innerText()).toMatch(/of [1-9]|^[1-9]/);
    await page.keyboard.press("Enter");
    await expect.poll(() => told.innerText()).toMatch(/^\d+ of [1-9]/);
    await page.getByRole("button", { name: "Only what is found" }).click();
    await expect.poll(() => callRows(page).count()).toBeLessThan(all);
    expect(await callRows(page).first().innerText()).toContain("place");
    await page.reload();
    await expect.poll(() => search(page).inputValue()).toBe("25,00");
    await expect.poll(() => callRows(page).count()).toBeGreaterThan(0);
    expect(await callRows(page).count()).toBeLessThan(all);

    await page.getByRole("button", { name: "As a pattern" }).click();
    await search(page).fill("Checkout::(place|quote)$");
    await expect.poll(() => told.innerText()).toMatch(/2$/);
    await search(page).fill("(");
    await page.getByText("no pattern").waitFor();
    await search(page).fill("nothing is called so");
    await page.getByText("Nothing here is found.").waitFor();
    await page.getByRole("button", { name: "Show all calls" }).click();
    await expect.poll(() => callRows(page).count()).toBe(all);
  });

  it("shows its critical path, and what each function took", async () => {
    const page = await opened(failed);
    await callRows(page).first().waitFor();
    await page.getByRole("button", { name: "Critical path" }).click();
    await tree(page).locator(".row.critical").first().waitFor();
    await panel(page, "Functions");
    const table = page.getByRole("tabpanel").getByRole("table");
    await table.getByRole("columnheader", { name: "critical" }).waitFor();
    await table.getByRole("button", { name: "calls" }).click();
    expect(await table.getByRole("columnheader", { name: "calls" }).getAttribute("aria-sort")).toBe(
      "descending",
    );
    await table.getByRole("button", { name: "ledger::balance" }).click();
    await expect.poll(() => search(page).inputValue()).toContain("ledger::balance");
    await panel(page, "Call");
    await expect.poll(() => heading(page).innerText()).toContain("ledger::balance");
    expect(page.url()).toContain("critical=1");
  });

  it("compares two calls: what went in, what came out, what was called below", async () => {
    const page = await opened(failed);
    await callRows(page).first().waitFor();
    await tree(page).focus();
    await page.keyboard.press("Home");
    await article(page).getByRole("button", { name: "Compare with another" }).click();
    await page.getByText("A is kept.").waitFor();
    await callRows(page).filter({ hasText: "Checkout::quote" }).click();
    const compared = page.getByRole("tabpanel");
    await compared.getByRole("rowheader", { name: "duration" }).waitFor();
    await compared.getByRole("heading", { name: "Arguments" }).waitFor();
    await compared.getByRole("rowheader", { name: /sign_in/ }).waitFor();
    const [a, b] = [await compared.getByText("Checkout::place").count(), page.url()];
    expect(a).toBeGreaterThan(0);
    expect(b).toContain("against=");
    await page.reload();
    await compared.getByRole("rowheader", { name: /sign_in/ }).waitFor();
  });

  it("compares a call with one of another trace", async () => {
    const [other] = await until("another order", () =>
      cells(
        "SELECT call_id FROM calls WHERE function LIKE '%Checkout::place' AND outcome = 'returned' LIMIT 1",
      ).then((found) => found[0]),
    );
    const page = await opened(failed, { panel: "compare" });
    await callRows(page).first().waitFor();
    await tree(page).focus();
    await page.keyboard.press("Home");
    await page.getByRole("textbox", { name: /Id of a call/ }).fill(String(other));
    await page.keyboard.press("Enter");
    const compared = page.getByRole("tabpanel");
    await compared.getByText("order.id").waitFor();
    await compared.getByRole("rowheader", { name: /sign_in/ }).waitFor();
  });

  it("is taken home: as arguments, as a Rust test, as a replay order, as a request that answers", async () => {
    const page = await opened(failed);
    await article(page).getByRole("button", { name: "Reproduce" }).click();
    const text = page.getByRole("region", { name: "To be copied" });
    await text.waitFor();
    expect(await text.innerText()).toContain("crate::warehouse::ledger::read_entry(");
    expect(await text.innerText()).toContain("#[test]");
    await form(page, "Arguments");
    expect(JSON.parse(await text.innerText())).toHaveProperty("entry");
    await form(page, "Replay order");
    expect(JSON.parse(await text.innerText())).toMatchObject({
      glasshull_replay: 1,
      captured: { call_id: failed },
      expected: { outcome: "error" },
    });
    await form(page, "Text tree");
    await expect
      .poll(() => text.innerText())
      .toMatch(/^shop::warehouse::ledger::read_entry\(entry: .*✗ error: "25,00" is not/);
    await form(page, "curl");
    await expect.poll(() => text.innerText()).toContain("curl -s");
    const { stdout } = await execute("sh", ["-c", await text.innerText()]);
    expect(JSON.parse(stdout)).toMatchObject({ kind: "tree", calls: [{ call_id: failed }] });
  });

  it("copies a value's path, and finds what is looked for among many values", async () => {
    const page = await opened(failed);
    await callRows(page).filter({ hasText: "Checkout::place" }).click();
    const field = article(page).getByRole("textbox", { name: "Search in the values" });
    await field.fill("country");
    await article(page).locator(".here").first().waitFor();
    await article(page)
      .getByRole("button", { name: "Copy the path args->'order'->'customer'->>'country'" })
      .waitFor();
  });
});

describe("a trace of a hundred thousand calls", () => {
  it("opens folded, its repeated calls as one, and is walked, unfolded and searched", async () => {
    const page = await opened(stocktake.call);
    await callRows(page).first().waitFor();
    const region = page.getByRole("region", { name: "Trace" });
    await region.getByText(`${stocktake.calls.toLocaleString("en")} calls`, { exact: true }).waitFor();
    const many = callRows(page).filter({ hasText: /× \d/ }).first();
    await many.click();
    await page.getByRole("article", { name: "The calls together" }).getByText("median").waitFor();
    const before = Number(await tree(page).getAttribute("aria-rowcount"));
    await tree(page).focus();
    await page.keyboard.press("Enter");
    await expect
      .poll(async () => Number(await tree(page).getAttribute("aria-rowcount")))
      .toBeGreaterThan(before);
    await search(page).fill("stocktake::count");
    await expect.poll(() => page.getByRole("search").getByRole("status").innerText()).toMatch(/\d,\d{3}/);
    await page.getByRole("button", { name: "The next one found" }).click();
    await expect.poll(() => heading(page).innerText()).toContain("count");
    await search(page).fill("");
    await form(page, "Text");
    await page.getByRole("listbox", { name: "The trace as text" }).focus();
    await page.keyboard.press("End");
    await expect.poll(() => lines(page).and(page.locator("[aria-selected=true]")).count()).toBe(1);
  });

  it("is drawn as waterfall and flame graph, zoomed, and brought back by its address", async () => {
    const page = await opened(stocktake.call, { form: "waterfall" });
    const waterfall = page.getByRole("application", { name: "Waterfall of the trace" });
    await waterfall.focus();
    await page.keyboard.press("w");
    await expect.poll(() => page.url()).toMatch(/span=\d+-\d+/);
    await page.getByRole("button", { name: "Show all" }).waitFor();
    const address = new URL(page.url()).hash;
    const elsewhere = await open(address);
    await elsewhere.getByRole("button", { name: "Show all" }).waitFor();
    await elsewhere.getByRole("application", { name: "Waterfall of the trace" }).focus();
    await elsewhere.keyboard.press("0");
    await expect.poll(() => elsewhere.url()).not.toContain("span=");
    await form(elsewhere, "Flame");
    await elsewhere.getByRole("application", { name: "Flame graph of the trace" }).waitFor();
    expect(await elsewhere.locator("canvas").count()).toBeGreaterThan(0);
  });
});

describe("what is not as it should be", () => {
  const ODD = `
    shop::pricing::root 10+100
      shop::early 5+20 @warehouse
      shop::still 20+90 …
      shop::late 90+60
    shop::alone 40+10 ?`;

  it("is shown: calls under way, gaps, clocks that differ, calls that outlive their caller", async () => {
    const page = await open("");
    await page.route("**/api/v1/statements", async (route) => {
      const { statement } = route.request().postDataJSON() as { statement: string };
      const answer = statement.startsWith("TREE")
        ? { kind: "tree_columns", ...columnsOf(ODD) }
        : { kind: "rows", columns: [], rows: [], elapsed_ms: 1 };
      await route.fulfill({ json: answer });
    });
    await page.goto("about:blank");
    await page.goto(`${hub()}/${fragment({ q: "TREE 0000000000000000", view: "tree" })}`);
    await callRows(page).nth(4).waitFor();
    const region = page.getByRole("region", { name: "Trace" });
    await region.getByText("1 running", { exact: true }).waitFor();
    await region.getByText("1 gap", { exact: true }).waitFor();
    await region.getByText("2 outside their caller").waitFor();
    await callRows(page).filter({ hasText: "early" }).click();
    await article(page).getByText("the clocks of the two services differ").waitFor();
    await callRows(page).filter({ hasText: "late" }).click();
    await article(page).getByText("It went on after its caller had ended.").waitFor();
    await callRows(page).filter({ hasText: "alone" }).click();
    await article(page).getByText("What called it was not captured").waitFor();
    await callRows(page).filter({ hasText: "still" }).click();
    await article(page).getByText("so far").waitFor();
  });

  it("is said where there is no call any more", async () => {
    const page = await open(fragment({ q: "TREE OF (SELECT call_id FROM calls WHERE false)" }));
    await page.getByText("No call is part of this").waitFor();
  });
});
