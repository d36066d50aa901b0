/** Several statements with their answers beside each other. */
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { ask, open, rows, run, someCalls, violations, withBrowser, write } from "./browser";

withBrowser();
beforeAll(async () => {
  await ask("TRACE pricing::* FOR 60s");
  await someCalls();
});

const statement = (page: Page) => page.getByRole("textbox", { name: "Statement" });
const tabs = (page: Page) => page.getByRole("group", { name: "Tabs" }).locator(".name");
const head = (page: Page, name: string) => page.getByRole("columnheader", { name, exact: true });

describe("tabs", () => {
  it("keep each its statement, answer and undoing, over a reload and back again", async () => {
    const page = await open();
    await run(page, "SELECT 1 AS first");
    await head(page, "first").waitFor();
    await page.getByRole("button", { name: "New tab" }).click();
    await rows(page).nth(1).waitFor();
    await run(page, "SHOW PROBES");
    await head(page, "state").waitFor();
    await page.keyboard.press("Control+z");
    await expect.poll(() => statement(page).innerText()).not.toContain("first");
    await tabs(page).first().click();
    await head(page, "first").waitFor();
    expect(await statement(page).innerText()).toBe("SELECT 1 AS first");
    expect(await violations(page)).toEqual([]);
    await page.goBack();
    await head(page, "state").waitFor();
    await page.reload();
    await expect.poll(() => tabs(page).count()).toBe(2);
    await tabs(page).first().click();
    await head(page, "first").waitFor();
    await page
      .getByRole("button", { name: /^Close / })
      .first()
      .click();
    await head(page, "state").waitFor();
    await expect.poll(() => tabs(page).count()).toBe(0);
  });

  it("are gone through by keys, and one that is not seen goes on with what it does", async () => {
    const page = await open();
    await run(page, "SELECT 1 AS first");
    await head(page, "first").waitFor();
    let letThrough: () => void = () => undefined;
    const waits = new Promise<void>((resolve) => (letThrough = resolve));
    await page.route("**/api/v1/statements", async (route) => {
      if (route.request().postData()?.includes("AS slow")) await waits;
      await route.continue();
    });
    await write(page, "SELECT 2 AS slow");
    await page.keyboard.press("Control+Enter");
    await page.getByText(/^Running, /).waitFor();
    await page.locator("body").click({ position: { x: 700, y: 20 } });
    await page.keyboard.press("g");
    await page.keyboard.press("n");
    await rows(page).nth(1).waitFor();
    letThrough();
    await expect.poll(() => page.getByTitle("Running", { exact: true }).count()).toBe(0);
    expect(await head(page, "slow").count()).toBe(0);
    await page.keyboard.press("g");
    await page.keyboard.press("t");
    await head(page, "slow").waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("x");
    await expect.poll(() => tabs(page).count()).toBe(0);
  });
});
