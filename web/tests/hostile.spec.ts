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

const call = (args: string) =>
  `{"kind":"tree","elapsed_ms":1,"calls":[{"level":0,"matched":true,"hidden_children":0,"trace_id":"t","call_id":"0123456789abcdef",
    "service":${JSON.stringify(SCRIPT)},"instance":"i","class":"","release":"","function":${JSON.stringify(`a::${SCRIPT}`)},
    "file":"f","line":1,"thread":"","started_at":"2026-11-20T10:00:00Z","duration_ns":5,"busy_ns":5,"outcome":"error",
    "error":{"message":${JSON.stringify(SCRIPT)}},"depth":0,"position":0,"args":${args}}]}`;

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
    await answer(page, (text) => (text.startsWith("TREE") ? call(args) : table(["{}"])));
    await show(page, { q: "SELECT hostile FROM calls", view: "tree", call: "0123456789abcdef" });
    await tree(page).waitFor();
    const article = page.getByRole("article", { name: "The call" });
    const text = await article.innerText();
    expect(text).toContain("<script>document.title");
    expect(text).toContain("Show all 10,000,000 characters");
    await unharmed(page);
  });

  it("keep whole numbers that no double holds", async () => {
    const page = await open();
    await answer(page, (text) =>
      text.startsWith("TREE") ? call('{"id":9223372036854775807}') : table(["{}"]),
    );
    await show(page, { q: "SELECT large FROM calls", view: "tree", call: "0123456789abcdef" });
    await page.getByRole("article", { name: "The call" }).getByText("9223372036854775807").waitFor();
  });

  it("draw markers as badges", async () => {
    const page = await open();
    const args = `{"card":{"$glasshull":"redacted"},"pool":{"$glasshull":"opaque: Pool<b>"},"bad":{"$glasshull":"failed: boom"}}`;
    await answer(page, (text) => (text.startsWith("TREE") ? call(args) : table([args])));
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
