/** Everything by keyboard, and by name. */
import { beforeAll, describe, expect, it } from "vitest";
import {
  ask,
  fragment,
  functions,
  hub,
  open,
  rows,
  run,
  someCalls,
  tree,
  untraceAll,
  violations,
  withBrowser,
} from "./browser";

withBrowser();
beforeAll(async () => {
  await untraceAll();
  await ask("TRACE storefront::*, pricing::* FOR 5m");
  await someCalls();
});

describe.each(["light", "dark"] as const)("in %s colours axe finds nothing to say about", (colorScheme) => {
  it("table, tree, chart, help and a failure", async () => {
    const page = await open("", { colorScheme });
    await run(
      page,
      "SELECT started_at, function, duration_ns, outcome, args, returned, error, service, call_id FROM calls ORDER BY started_at DESC LIMIT 200",
    );
    await rows(page).first().waitFor();
    expect(await violations(page)).toEqual([]);
    await rows(page).first().click();
    await tree(page).getByRole("row").nth(1).waitFor();
    expect(await violations(page)).toEqual([]);
    for (const form of ["Waterfall", "Flame", "Text", "Tree"]) {
      await page.getByRole("button", { name: form, exact: true }).click();
      expect(await violations(page), form).toEqual([]);
    }
    await page.getByRole("button", { name: "Critical path" }).click();
    for (const panel of ["Functions", "Compare", "Reproduce", "Call"]) {
      await page.getByRole("tab", { name: panel }).click();
      expect(await violations(page), panel).toEqual([]);
    }
    await tree(page).focus();
    await page.keyboard.press("Escape");
    await page.keyboard.press("2");
    await page.locator(".u-over").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await run(page, "SELEC");
    await page.locator(".cm-failure").waitFor();
    expect(await violations(page)).toEqual([]);
  });
});

describe.each(["light", "dark"] as const)("in %s colours axe finds nothing to say about", (colorScheme) => {
  it("columns, menus, charts of the hub, differences, profile and comparison", async () => {
    const q = "SELECT started_at, function, duration_ns, outcome, args, call_id FROM calls LIMIT 200";
    const page = await open(fragment({ q }), { colorScheme });
    await rows(page).first().getByRole("gridcell").nth(4).click({ button: "right" });
    await page.getByRole("menu").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Columns" }).click();
    await page.getByRole("dialog", { name: "Columns" }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("Escape");
    const brush = {
      view: "chart",
      chart: "heatmap",
      x: "started_at",
      y: "duration_ns",
      log: "y",
      brush: ",1..5000",
    };
    for (const [parts, there] of [
      [
        brush,
        page.getByRole("complementary", { name: "What is different here" }).getByRole("listitem").first(),
      ],
      [
        { view: "chart", x: "function", y: "count" },
        page.getByRole("list", { name: "Top values of function" }),
      ],
      [{ view: "profile" }, page.getByRole("table", { name: "Time by function" })],
      [{ view: "compare", sides: "service:storefront:pricing" }, page.getByRole("figure")],
    ] as const) {
      await page.goto("about:blank");
      await page.goto(`${hub()}/${fragment({ q, ...parts })}`);
      await there.first().waitFor();
      expect(await violations(page)).toEqual([]);
    }
  });
});

describe.each(["light", "dark"] as const)("in %s colours axe finds nothing to say about", (colorScheme) => {
  it.each(["live", "health"] as const)("the room %s", async (room) => {
    const page = await open(fragment({ room }), { colorScheme });
    const main = page.getByRole("main");
    await expect.poll(async () => (await main.innerText()).length).toBeGreaterThan(100);
    expect(await violations(page)).toEqual([]);
  });

  it("the difference of a value beside its table", async () => {
    const q = "SELECT outcome, started_at, function, duration_ns, args, call_id FROM calls LIMIT 200";
    const page = await open(fragment({ q, marked: "duration_ns >= 1000" }), { colorScheme });
    await page
      .getByRole("complementary", { name: "What is different here" })
      .getByText(/marked,/)
      .waitFor();
    expect(await violations(page)).toEqual([]);
  });
});

describe("by keyboard alone", () => {
  it("one traces a function, opens a call, walks its tree and comes back", async () => {
    const page = await open();
    await functions(page).waitFor();
    await page.locator("body").press("/");
    await page.keyboard.type("pricing");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("t");
    await expect
      .poll(() => page.getByRole("textbox", { name: "Statement" }).innerText())
      .toMatch(/^TRACE shop::pricing::/);
    await rows(page).first().waitFor();

    await page.getByRole("grid", { name: "Rows of the answer" }).focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await tree(page).waitFor();
    await expect.poll(() => tree(page).evaluate((element) => element === document.activeElement)).toBe(true);
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowRight");
    expect(await tree(page).getAttribute("aria-activedescendant")).toMatch(/^call-/);
    await page.keyboard.press("Escape");
    await rows(page).first().waitFor();
  });

  it("one completes functions, labels and times while writing TRACE", async () => {
    const page = await open();
    await functions(page).waitFor();
    await run(page, "SHOW PROBES");
    await page.keyboard.press("Control+A");
    await page.keyboard.type("TRACE pric");
    await page.getByRole("option", { name: /^pricing::\*/ }).waitFor();
    await page.keyboard.press("Enter");
    await page.keyboard.type(" ON class=");
    await page.getByRole("option", { name: "blue", exact: true }).waitFor();
    await page.keyboard.type("blue FOR ");
    await page.getByRole("option", { name: "60s", exact: true }).waitFor();
    await page.keyboard.press("Escape");
  });

  it("one opens and closes the sheet of keys", async () => {
    const page = await open();
    await page.locator("body").press("?");
    await page.getByRole("heading", { name: "Statements beyond SQL" }).waitFor();
    await page.keyboard.press("Escape");
    await expect.poll(() => page.getByRole("dialog").count()).toBe(0);
  });
});
