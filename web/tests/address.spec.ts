/** The address is the view. */
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ask, fragment, open, rows, run, someCalls, tree, untraceAll, withBrowser, write } from "./browser";

const CALLS =
  "SELECT started_at, function, duration_ns, outcome, args, returned, call_id FROM calls ORDER BY started_at DESC LIMIT 100";

withBrowser();
beforeAll(async () => {
  await ask("TRACE pricing::* FOR 60s");
  await someCalls();
});
beforeEach(untraceAll);

describe("the address", () => {
  it("brings statement, sort and chart back after a reload", async () => {
    const page = await open(fragment({ q: CALLS, view: "chart", x: "duration_ns", y: "count", log: "x" }));
    await page.getByRole("img", { name: /histogram of count by duration_ns/ }).waitFor();
    expect(await page.getByRole("button", { name: "log x" }).getAttribute("aria-pressed")).toBe("true");
    await page.getByRole("button", { name: "Table" }).click();
    await page.getByRole("columnheader", { name: "duration_ns" }).getByRole("button").click();
    await page.reload();
    await rows(page).first().waitFor();
    expect(await page.getByRole("columnheader", { name: "duration_ns" }).getAttribute("aria-sort")).toBe(
      "descending",
    );
    expect(await page.getByRole("textbox", { name: "Statement" }).innerText()).toBe(CALLS);
  });

  it("opens a call's tree elsewhere, and goes back and forward", async () => {
    const page = await open(fragment({ q: CALLS }));
    await rows(page).nth(2).click();
    await tree(page).waitFor();
    const elsewhere = await open(new URL(page.url()).hash);
    await tree(elsewhere).waitFor();
    const told = (where: typeof page) =>
      where.getByRole("article", { name: "The call" }).getByRole("heading").first().innerText();
    expect(await told(elsewhere)).toBe(await told(page));
    await page.goBack();
    await rows(page).first().waitFor();
    await page.goForward();
    await tree(page).waitFor();
  });

  it("never runs a statement that changes what is captured", async () => {
    const page = await open(fragment({ q: "TRACE warehouse::* FOR 30s" }));
    await page.getByText("so it waits for you").waitFor();
    expect(
      JSON.stringify(
        await ask(
          "SELECT state FROM probes WHERE ended_at IS NULL AND statement LIKE '%warehouse::* FOR 30s%'",
        ),
      ),
    ).toContain('"rows":[]');
    await page.getByRole("button", { name: "Run it" }).click();
    await page
      .getByRole("listitem", { name: /^Probe p/ })
      .first()
      .getByText("warehouse::*")
      .waitFor();
  });

  it("loses nothing that was typed or run", async () => {
    const page = await open(fragment({ q: CALLS }));
    await rows(page).first().waitFor();
    await run(page, "SHOW PROBES");
    await page.getByRole("columnheader", { name: "state", exact: true }).waitFor();
    await write(page, "SELECT unfinished");
    await page.goto("about:blank");
    await page.goBack();
    const editor = page.getByRole("textbox", { name: "Statement" });
    await page.getByRole("button", { name: "Earlier statements" }).click();
    await page.getByRole("button", { name: "SHOW PROBES" }).click();
    expect(await editor.innerText()).toBe("SHOW PROBES");
  });
});
