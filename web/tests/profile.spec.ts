/** Where time goes, and what changed between two sides. */
import { beforeAll, describe, expect, it } from "vitest";
import { ask, fragment, open, rows, someCalls, untraceAll, withBrowser } from "./browser";

withBrowser();
beforeAll(async () => {
  await untraceAll();
  await ask("TRACE storefront::*, pricing::*, warehouse::* FOR 5m LIMIT 200000 CALLS");
  await someCalls();
});

const CALLS = "SELECT started_at, function, duration_ns, outcome, args, call_id FROM calls LIMIT 100";

describe("the profile", () => {
  it("tells of each function where its time goes, and leads to its calls", async () => {
    const page = await open(fragment({ q: CALLS }));
    await rows(page).first().waitFor();
    await page.getByRole("button", { name: "Profile" }).click();
    const table = page.getByRole("table", { name: "Time by function" });
    await table.getByRole("row", { name: /plan_walk/ }).waitFor();
    for (const word of ["calls", "total", "self", "failed", "arguments", "repeated"]) {
      await table.getByRole("columnheader", { name: word, exact: true }).waitFor();
    }
    await table.getByRole("button", { name: "calls", exact: true }).click();
    expect(
      await table.getByRole("columnheader", { name: "calls", exact: true }).getAttribute("aria-sort"),
    ).toBe("descending");
    await table
      .getByRole("row", { name: /plan_walk/ })
      .getByRole("button")
      .click();
    await rows(page).first().waitFor();
    expect(await page.getByRole("textbox", { name: "Statement" }).innerText()).toMatch(
      /function = 'shop::.*plan_walk'/,
    );
    await page.goBack();
    await page.getByRole("button", { name: "As a statement" }).click();
    await expect
      .poll(() => page.getByRole("textbox", { name: "Statement" }).innerText())
      .toMatch(/repeated_ns/);
  });

  it("says that rows which are no calls have none", async () => {
    const page = await open(fragment({ q: "SHOW FUNCTIONS", view: "profile" }));
    await page.getByRole("heading", { name: "A profile needs calls" }).waitFor();
  });
});

describe("the comparison", () => {
  it("shows two classes side by side, and each function's change", async () => {
    const q = `${CALLS.replace(" LIMIT 100", "")} WHERE function LIKE '%pricing%' LIMIT 100`;
    const page = await open(fragment({ q }));
    await rows(page).first().waitFor();
    await page.getByRole("button", { name: "Compare" }).click();
    await page
      .getByRole("figure", { name: /^Durations of class (blue|green) and class (blue|green)/ })
      .waitFor();
    const table = page.getByRole("table", { name: "Change by function, from A to B" });
    await table.getByRole("row", { name: /price/ }).first().waitFor();
    const elsewhere = await open(new URL(page.url()).hash);
    await elsewhere.getByRole("figure", { name: /^Durations of class/ }).waitFor();
  });

  it("finds that walks for one article are longer, by two conditions", async () => {
    const q = `${CALLS.replace(" LIMIT 100", "")} WHERE function LIKE '%::plan_walk' LIMIT 100`;
    const sides = [":", "args->>'sku' <> 'BEAD-11'", "args->>'sku' = 'BEAD-11'"];
    const page = await open(
      fragment({ q, view: "compare", sides: ["", ...sides.slice(1)].map(encodeURIComponent).join(":") }),
    );
    const line = page.getByRole("row", { name: /plan_walk/ });
    await expect
      .poll(
        async () => {
          if ((await line.count()) > 0 && (await line.innerText()).includes("▲ ×")) return true;
          // More calls have come meanwhile.
          await page.getByRole("button", { name: "Swap" }).click();
          await page.getByRole("button", { name: "Swap" }).click();
          return false;
        },
        { interval: 2_000 },
      )
      .toBe(true);
  });

  it("says why there is nothing to compare", async () => {
    const page = await open(fragment({ q: CALLS, view: "compare", sides: "outcome:nothing:nowhere" }));
    await page.getByRole("combobox", { name: "outcome A" }).waitFor();
    await page.getByLabel("Compare by").selectOption("conditions");
    await page.getByRole("heading", { name: "Two conditions, please" }).waitFor();
  });
});
