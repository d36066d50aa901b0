/** Captured values are only ever text, whatever they hold. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import type { StatementAnswer } from "../src/api/types";
import { fragment, hub, open, rows, tree, withBrowser } from "./browser";

withBrowser();

const SCRIPT = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
const DEEP = `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`;

/** Answers statements as a hub would whose programs were called with the worst values. */
async function answer(page: Page, statement: (text: string) => StatementAnswer | string): Promise<void> {
  await page.route("**/api/v1/statements", async (route) => {
    const { statement: text } = route.request().postDataJSON() as { statement: string };
    const body = statement(text);
    await route.fulfill({
      contentType: "application/json",
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  });
}

function table(values: unknown[]): StatementAnswer {
  return {
    kind: "rows",
    columns: [
      { name: "function", type: "text" },
      { name: "service", type: "text" },
      { name: "outcome", type: "text" },
      { name: "started_at", type: "time" },
      { name: "duration_ns", type: "duration" },
      { name: "args", type: "json" },
      { name: "call_id", type: "text" },
    ],
    rows: values.map((value) => [SCRIPT, SCRIPT, SCRIPT, SCRIPT, 1, value, "0123456789abcdef"]),
    elapsed_ms: 1,
  };
}

const ID = "0123456789abcdef";

/** A trace of one call with the worst names; what it was called with is asked for by itself. */
function trace(): StatementAnswer {
  return {
    kind: "tree_columns",
    started_at: "2026-11-20T10:00:00Z",
    traces: ["0".repeat(32)],
    functions: [{ function: `a::${SCRIPT}`, file: SCRIPT, line: 1 }],
    instances: [{ service: SCRIPT, instance: SCRIPT, class: SCRIPT, release: SCRIPT }],
    threads: [SCRIPT],
    call_ids: ID,
    level: [0],
    trace: [],
    function: [0],
    instance: [0],
    thread: [0],
    start_after_ns: [0],
    duration_ns: [5],
    outcomes: "e",
    marks: "1",
    hidden_children: [],
    elapsed_ms: 1,
  };
}

/** Answers for the trace, its call's values, and anything else. */
function call(args: string): (text: string) => StatementAnswer {
  return (text) => {
    if (text.startsWith("TREE")) return trace();
    if (!text.includes("busy_ns")) return table(["{}"]);
    const names = ["call_id", "args", "returned", "error", "busy_ns"];
    const columns = names.map((name) => ({ name, type: "text" as const }));
    const row = [ID, args, null, JSON.stringify({ message: SCRIPT }), 5];
    return { kind: "rows", columns, rows: [row], elapsed_ms: 1 };
  };
}

/** Opens a view afresh; the hub's answers are already replaced. */
async function show(page: Page, parts: Record<string, string>): Promise<void> {
  await page.goto("about:blank");
  await page.goto(`${hub()}/${fragment(parts)}`);
}

async function unharmed(page: Page): Promise<void> {
  expect(await page.title()).toBe("Glasshull");
  expect(await page.locator("img[src=x], #app script").count()).toBe(0);
}

describe("hostile values", () => {
  it("are shown as text in the table", async () => {
    const page = await open();
    await answer(page, () =>
      table([JSON.stringify({ [SCRIPT]: SCRIPT }), "{no json", "\u202Egnp.exe", DEEP, null]),
    );
    await show(page, { q: "SELECT hostile FROM calls" });
    await expect.poll(() => rows(page).count()).toBe(5);
    expect(await rows(page).first().innerText()).toContain("<img src=x");
    await unharmed(page);
  });

  it("are shown as text in the tree and beside it, however large or deep", async () => {
    const page = await open();
    const long = JSON.stringify("x".repeat(10_000_000));
    const args = `{${JSON.stringify(SCRIPT)}:${JSON.stringify(SCRIPT)},"long":${long},"deep":${DEEP}}`;
    await answer(page, call(args));
    await show(page, { q: "SELECT hostile FROM calls", view: "tree", call: "0123456789abcdef" });
    await tree(page).waitFor();
    const article = page.getByRole("article", { name: "The call" });
    await article.getByText("Show all 10,000,000 characters").waitFor();
    const text = await article.innerText();
    expect(text).toContain("<script>document.title");
    await unharmed(page);
    for (const form of ["Waterfall", "Flame", "Text", "Tree"]) {
      await page.getByRole("button", { name: form, exact: true }).click();
      await unharmed(page);
    }
    await page.getByRole("tab", { name: "Reproduce" }).click();
    await page.getByRole("region", { name: "To be copied" }).waitFor();
    await unharmed(page);
  });

  it("keep whole numbers that no double holds", async () => {
    const page = await open();
    await answer(page, call('{"id":9223372036854775807}'));
    await show(page, { q: "SELECT large FROM calls", view: "tree", call: "0123456789abcdef" });
    await page.getByRole("article", { name: "The call" }).getByText("9223372036854775807").waitFor();
  });

  it("draw markers as badges", async () => {
    const page = await open();
    const args = `{"card":{"$glasshull":"redacted"},"pool":{"$glasshull":"opaque: Pool<b>"},"bad":{"$glasshull":"failed: boom"}}`;
    await answer(page, call(args));
    await show(page, { q: "SELECT marked FROM calls", view: "tree", call: "0123456789abcdef" });
    const article = page.getByRole("article", { name: "The call" });
    await article.getByText("opaque: Pool<b>").waitFor();
    expect(await article.innerText()).not.toContain("$glasshull");
  });

  it("come in a thousand columns", async () => {
    const page = await open();
    const columns = Array.from({ length: 1_000 }, (_, at) => ({ name: `c${at}`, type: "number" as const }));
    await answer(page, () => ({ kind: "rows", columns, rows: [columns.map((_, at) => at)], elapsed_ms: 1 }));
    await show(page, { q: "SELECT wide" });
    await rows(page).first().waitFor();
    await unharmed(page);
  });
});
