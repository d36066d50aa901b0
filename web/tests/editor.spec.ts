/** Writing statements: what is offered, told, mended, kept. */
import type { Page } from "playwright-core";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  alert,
  ask,
  open,
  rows,
  run,
  someCalls,
  untraceAll,
  violations,
  withBrowser,
  write,
} from "./browser";

withBrowser();
beforeAll(async () => {
  await ask("TRACE pricing::* FOR 60s");
  await someCalls();
});
beforeEach(untraceAll);

const statement = (page: Page) => page.getByRole("textbox", { name: "Statement" });

describe("a misspelt word", () => {
  it("is mended with one key, in SQL and in statements of our own", async () => {
    const page = await open();
    await run(page, "SELECT 'Zoë', functio, count(*) FROM calls GROUP BY function");
    await alert(page).getByText("Did you mean function?").waitFor();
    await page.keyboard.press("Control+.");
    expect(await statement(page).innerText()).toBe(
      "SELECT 'Zoë', function, count(*) FROM calls GROUP BY function",
    );
    await page.keyboard.press("Control+Enter");
    await page.getByRole("columnheader", { name: "count" }).waitFor();
    await run(page, "TRACE nothing::there FRO 10s");
    await alert(page).getByRole("button", { name: "Change to FOR" }).click();
    expect(await statement(page).innerText()).toBe("TRACE nothing::there FOR 10s");
    expect(await alert(page).count()).toBe(0);
  });
});

describe("what is selected", () => {
  it("runs alone, and its faults are marked where they stand", async () => {
    const page = await open();
    await write(page, "SELECT 1 AS first;\nSELECT functio FROM calls");
    await page.keyboard.press("Home");
    await page.keyboard.press("Shift+End");
    await page.keyboard.press("Control+Enter");
    await expect.poll(() => page.locator(".cm-failure").allInnerTexts()).toEqual(["functio"]);
    await page.keyboard.press("Control+Home");
    await page.keyboard.press("Shift+End");
    await page.keyboard.press("Control+Enter");
    await page.getByRole("columnheader", { name: "first" }).waitFor();
    expect(await statement(page).innerText()).toContain("functio");
  });
});

describe("while one writes", () => {
  it("members of captured values are offered", async () => {
    const page = await open();
    await statement(page).focus();
    await page.keyboard.press("Control+A");
    await page.keyboard.type("SELECT args->'order'->>'cou");
    await page
      .getByRole("option", { name: /^coupon/ })
      .first()
      .waitFor();
    await page.keyboard.press("Enter");
    await page.keyboard.press("End");
    await page.keyboard.type(" AS coupon FROM calls WHERE args->'order' IS NOT NULL LIMIT 5");
    await page.keyboard.press("Control+Enter");
    await page.getByRole("columnheader", { name: "coupon" }).waitFor();
  });

  it("words are explained under the pointer", async () => {
    const page = await open();
    await write(page, "SELECT duration_ns FROM calls");
    const line = page.locator(".cm-line").first();
    await line.hover({ position: { x: 90, y: 10 } });
    await page.getByText("How long it took, in nanoseconds; while it runs, so far.").waitFor();
    await write(page, "TRACE pricing::* FOR 10s");
    await line.hover({ position: { x: 160, y: 10 } });
    await page.getByText(/^How long, such as 60s, 5m, 24h\./).waitFor();
  });

  it("the statement is laid out by a key, and that can be undone", async () => {
    const page = await open();
    await write(page, "select function from calls where outcome = 'error' limit 5");
    await page.keyboard.press("Shift+Alt+f");
    const lines = "SELECT function\nFROM calls\nWHERE outcome = 'error'\nLIMIT 5";
    await expect.poll(() => statement(page).innerText()).toBe(lines);
    await page.keyboard.press("Control+z");
    await expect.poll(() => statement(page).innerText()).toContain("select function from");
  });
});

describe("a statement with a name", () => {
  it("is kept, found by its name after a reload, and opened with its view", async () => {
    const page = await open();
    await run(page, "SELECT duration_ns, function FROM calls LIMIT 50");
    await rows(page).first().waitFor();
    await page.getByRole("button", { name: "Chart" }).click();
    await page.locator(".u-over").waitFor();
    await statement(page).focus();
    await page.keyboard.press("Control+s");
    await page.getByLabel("Name for this statement").fill("how long they take");
    await page.keyboard.press("Enter");
    await page.goto("about:blank");
    await page.goBack();
    await run(page, "SHOW PROBES");
    await page.getByRole("columnheader", { name: "state", exact: true }).waitFor();
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Find anything" }).fill("how long they");
    await page.getByRole("listbox", { name: "What was found" }).getByText("how long they take").waitFor();
    await page.keyboard.press("Enter");
    await page.locator(".u-over").waitFor();
    expect(await statement(page).innerText()).toMatch(/^SELECT duration_ns, function/);
    await page.getByRole("button", { name: "Saved statements" }).click();
    expect(await violations(page)).toEqual([]);
    await page.getByRole("button", { name: "Forget how long they take" }).click();
    await page.getByText("None yet.").waitFor();
  });
});

describe("Vim's keys", () => {
  it("are loaded when they are chosen, and stay chosen", async () => {
    const page = await open();
    const loaded: string[] = [];
    page.on("request", (request) => loaded.push(request.url()));
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Find anything" }).fill("settings");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Vim" }).click();
    await page.keyboard.press("Escape");
    await expect.poll(() => loaded.filter((url) => url.endsWith(".js")).length).toBeGreaterThan(0);
    await page.reload();
    await write(page, "SELECT 1 AS one");
    // The keys are there when what is typed is no text.
    await page.locator(".cm-vim-panel").waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.type("0cw");
    await page.keyboard.type("VALUES (2) --");
    await page.keyboard.press("Escape");
    await expect.poll(() => statement(page).innerText()).toMatch(/^VALUES \(2\) --/);
    await page.keyboard.type(":w");
    await page.keyboard.press("Enter");
    await page.getByRole("columnheader", { name: "column1" }).waitFor();
  });
});
