/** The main job, as somebody does it who has never seen the page. */
import { beforeEach, describe, expect, it } from "vitest";
import { ask, functions, open, rows, run, runUntilRows, tree, untraceAll, withBrowser } from "./browser";

withBrowser();
beforeEach(untraceAll);

describe("capturing", () => {
  it("lists the functions of every service before any of them was captured", async () => {
    const page = await open();
    const search = page.getByRole("searchbox", { name: "Search functions" });
    for (const service of ["load", "storefront", "pricing", "warehouse"]) {
      await search.fill(service);
      await functions(page)
        .getByRole("treeitem", { name: new RegExp(`^${service} \\d`) })
        .first()
        .waitFor();
    }
    await page.getByRole("searchbox", { name: "Search functions" }).fill("pricing price");
    await functions(page).getByText("price", { exact: true }).first().waitFor();
  });

  it("goes from TRACE to calls, tree, chart and UNTRACE", async () => {
    const page = await open();
    await functions(page).waitFor();
    await run(page, "TRACE pricing::* ON class=blue FOR 60s");
    await page
      .getByRole("status")
      .getByText(/captures \d+ functions/)
      .waitFor();
    await rows(page).first().waitFor();
    await page
      .getByRole("listitem", { name: /^Probe p/ })
      .getByText("active")
      .first()
      .waitFor();
    expect(
      await page
        .getByRole("listitem", { name: /^Probe p/ })
        .first()
        .innerText(),
    ).toMatch(/class=blue/);

    await page.getByRole("button", { name: "Live" }).click();
    await page.getByRole("columnheader", { name: "duration_ns" }).getByRole("button").click();
    expect(await page.getByRole("columnheader", { name: "duration_ns" }).getAttribute("aria-sort")).toBe(
      "descending",
    );

    await rows(page).first().click();
    await tree(page).getByRole("row").nth(1).waitFor();
    const call = page.getByRole("article", { name: "The call" });
    await call.getByRole("heading", { name: "Arguments" }).waitFor();
    await call
      .getByRole("heading", { name: /Returned|Error|Panic/ })
      .first()
      .waitFor();

    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Chart" }).click();
    await page.getByRole("img", { name: /scatter of duration_ns by started_at/ }).waitFor();
    await page.locator(".u-over").waitFor();

    await page
      .getByRole("button", { name: /^Stop p/ })
      .last()
      .click();
    await page.getByText(/Stopped p\d+/).waitFor();
    await page.getByRole("list", { name: "Ended probes" }).getByText("stopped").first().waitFor();
  });

  it("opens the tree across services, each hop marked", async () => {
    const page = await open();
    await run(page, "TRACE storefront::*, pricing::*, warehouse::* FOR 60s");
    await rows(page).first().waitFor();
    await runUntilRows(
      page,
      "SELECT started_at, function, call_id FROM calls WHERE trace_id IN (SELECT trace_id FROM calls WHERE service = 'warehouse') AND service = 'storefront' AND started_at > now() - INTERVAL '1 minute' ORDER BY started_at DESC LIMIT 20",
    );
    await rows(page).first().click();
    await tree(page).locator(".hop").first().waitFor();
    const article = page.getByRole("article", { name: "The call" });
    const before = await article.innerText();
    await page.keyboard.press("Home");
    await expect.poll(() => article.innerText()).not.toBe(before);
  });

  it("traces with one click on a function, for the chosen time and class", async () => {
    const page = await open();
    await page.getByLabel("Trace for").selectOption("30s");
    await page.getByLabel("on", { exact: true }).selectOption("class=green");
    const service = functions(page)
      .getByRole("treeitem", { name: /^pricing \d/ })
      .first();
    await service.hover();
    await service.getByRole("button", { name: "Trace pricing" }).click();
    await expect
      .poll(() => page.getByRole("textbox", { name: "Statement" }).innerText())
      .toBe("TRACE shop::pricing::* ON class=green FOR 30s");
    await rows(page).first().waitFor();
    await functions(page)
      .getByRole("button", { name: /^Stop p/ })
      .first()
      .waitFor();
  });

  it("says why a probe finds nothing", async () => {
    const page = await open();
    await run(page, "TRACE nowhere::at_all FOR 30s");
    const probe = page.getByRole("listitem", { name: /^Probe p/ }).first();
    await probe.getByText("no match").waitFor();
    expect(await probe.innerText()).toMatch(/\w+ .*\./);
  });

  it("finds a value in all calls", async () => {
    await ask("TRACE storefront::*, pricing::* FOR 60s");
    const page = await open();
    await runUntilRows(
      page,
      "SELECT started_at, function, args, call_id FROM calls WHERE function LIKE '%::sign_in' ORDER BY started_at DESC LIMIT 50",
    );
    await rows(page).first().click();
    const find = page.getByRole("button", { name: /^Find .* in all calls$/ }).first();
    await find.focus();
    await page.keyboard.press("Enter");
    await rows(page).first().waitFor();
    expect(await page.getByRole("textbox", { name: "Statement" }).innerText()).toContain("LIKE");
  });
});
