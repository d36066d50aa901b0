/** A real Chromium with the page in it, and what a person does there. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, inject } from "vitest";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** How long anything may take that is awaited. Generous: a loaded machine is no failure. */
const PATIENCE_MS = 30_000;

export const hub = (): string => inject("hub");

let browser: Browser;
let pages: Page[] = [];
let complaints: string[] = [];

/** Each test has a fresh page; what the page itself complains of fails the test. */
export function withBrowser(): void {
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  });
  afterEach(async () => {
    await Promise.all(pages.map((page) => page.context().close()));
    const said = complaints;
    [pages, complaints] = [[], []];
    expect(said).toEqual([]);
  });
  afterAll(async () => {
    await browser.close();
  });
}

/** Opens the page at a fragment such as `#q=...`. */
export async function open(fragment = "", options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  pages.push(page);
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // Styles that Chromium's own editing would write into the text field are refused, to nobody's harm.
    if (/script-src|TrustedHTML/.test(message.text()) && message.type() === "error")
      complaints.push(message.text());
  });
  await page.goto(`${hub()}/${fragment}`);
  return page;
}

export function fragment(parts: Record<string, string>): string {
  return `#${new URLSearchParams(parts)}`;
}

/** Replaces the editor's text and runs it, by keyboard. */
export async function run(page: Page, statement: string): Promise<void> {
  await write(page, statement);
  await page.keyboard.press("Control+Enter");
}

export async function write(page: Page, statement: string): Promise<void> {
  await page.getByRole("textbox", { name: "Statement" }).focus();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(statement);
}

export const rows = (page: Page): Locator =>
  page.getByRole("grid", { name: "Rows of the answer" }).locator(".row[role=row]");
/** The rows of a room's list: functions, instances, probes. */
export const listed = (page: Page, name: string): Locator =>
  page.getByRole(name === "Functions" ? "treegrid" : "grid", { name }).locator(".row[role=row]");

/** Until the statement a page opens with is answered, with rows or with none. */
export const answered = (page: Page): Promise<void> =>
  rows(page)
    .or(page.getByRole("heading", { name: /^No call/ }))
    .first()
    .waitFor();

export const tree = (page: Page): Locator => page.getByRole("treegrid", { name: "Calls of the trace" });
export const functions = (page: Page): Locator => page.getByRole("tree", { name: "Functions by service" });
export const alert = (page: Page): Locator =>
  page.getByRole("region", { name: "Statement" }).getByRole("alert");

/**
 * Runs a statement until its answer has rows. Until it is answered, the rows of the statement before it stay: that one
 * had a column `duration_ns`, and this one has none.
 */
export async function runUntilRows(page: Page, statement: string): Promise<void> {
  const before = page.getByRole("columnheader", { name: "duration_ns" });
  await write(page, statement);
  // Pressed anew, a statement that runs begins anew.
  const interval = 1_000;
  await expect
    .poll(
      async () => {
        if ((await before.count()) === 0 && (await rows(page).count()) > 0) return true;
        await page.keyboard.press("Control+Enter");
        return false;
      },
      { interval },
    )
    .toBe(true);
}

/** Waits until captured calls can be asked for. */
export async function someCalls(): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (
    JSON.stringify(await ask("SELECT call_id FROM calls LIMIT 20")).match(/"[0-9a-f]{16}"/g)?.length !== 20
  ) {
    if (Date.now() > deadline) throw new Error("No calls were captured in time.");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Ends every probe, so that tests do not see each other's calls. */
export async function untraceAll(): Promise<void> {
  await ask("UNTRACE ALL");
}

export async function ask(statement: string): Promise<unknown> {
  const response = await fetch(`${hub()}/api/v1/statements`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ statement }),
  });
  return await response.json();
}

interface AxeResults {
  violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[];
}

/** What axe says against the page as it is now. */
export async function violations(page: Page): Promise<string[]> {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  // Evaluated by the debugger, which no content security policy hinders.
  await page.evaluate(axe);
  const results = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as AxeResults;
  return results.violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join("\n  ")}`,
  );
}
