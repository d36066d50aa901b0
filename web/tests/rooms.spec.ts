/** The rooms beside the answer: going there and back, by mouse and by keys, and what one does there. */
import type { Page } from "playwright-core";
import { beforeEach, describe, expect, it } from "vitest";
import {
  answered,
  ask,
  fragment,
  listed,
  open,
  rows,
  run,
  untraceAll,
  violations,
  withBrowser,
  write,
} from "./browser";

withBrowser();
beforeEach(untraceAll);

const room = (page: Page, name: string) =>
  page.getByRole("navigation", { name: "Rooms" }).getByRole("button", { name });
const statement = (page: Page) => page.getByRole("textbox", { name: "Statement" });

/** Of the functions that are listed, the one that says what an order costs. */
const choosePrice = (page: Page) =>
  listed(page, "Functions")
    .filter({ has: page.getByText("price", { exact: true }) })
    .first()
    .click();

const found = (page: Page) => page.getByRole("listbox", { name: "What was found" }).getByRole("option");

describe("rooms", () => {
  it("are gone to and come back from, and nothing typed is lost", async () => {
    const page = await open();
    await answered(page);
    await write(page, "SELECT unfinished");
    for (const name of ["Functions", "Instances", "Probes"]) {
      await room(page, name).click();
      expect(await room(page, name).getAttribute("aria-current")).toBe("page");
    }
    await page.goBack();
    await listed(page, "Instances").first().waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("e");
    await statement(page).waitFor();
    expect(await statement(page).innerText()).toBe("SELECT unfinished");
  });

  it("are stayed in though a statement is answered meanwhile", async () => {
    const page = await open();
    await page.route("**/api/v1/statements", async (route) => {
      await page.getByRole("searchbox", { name: "Search instances" }).waitFor();
      await route.continue();
    });
    await run(page, "SELECT 1 AS late");
    await room(page, "Instances").click();
    await page.unrouteAll({ behavior: "wait" });
    await expect.poll(() => page.url()).toContain("late");
    expect(await room(page, "Instances").getAttribute("aria-current")).toBe("page");
    await room(page, "Explore").click();
    await page.getByRole("columnheader", { name: "late" }).waitFor();
  });

  it("have addresses, with what is chosen, searched and sorted there", async () => {
    const page = await open(fragment({ room: "functions" }));
    await page.getByRole("searchbox", { name: "Search functions" }).fill("pricing price");
    await listed(page, "Functions").filter({ hasText: /price/ }).last().click();
    await page.getByRole("region", { name: "The function" }).waitFor();
    await page.getByRole("columnheader", { name: "p99" }).getByRole("button").click();
    const elsewhere = await open(new URL(page.url()).hash);
    await elsewhere.getByRole("region", { name: "The function" }).waitFor();
    expect(await elsewhere.getByRole("searchbox", { name: "Search functions" }).inputValue()).toBe(
      "pricing price",
    );
    expect(await elsewhere.getByRole("columnheader", { name: "p99" }).getAttribute("aria-sort")).toBe(
      "descending",
    );
  });
});

describe("functions", () => {
  it("are traced on a class for a time, by one form, and tell how they do", async () => {
    const page = await open(fragment({ room: "functions" }));
    await page.getByRole("searchbox", { name: "Search functions" }).fill("pricing quote price");
    await choosePrice(page);
    const panel = page.getByRole("region", { name: "The function" });
    await panel.getByLabel("For", { exact: true }).selectOption("60s");
    await panel.getByLabel("On", { exact: true }).selectOption("class");
    expect(await panel.getByRole("button", { name: "Trace", exact: true }).isDisabled()).toBe(true);
    await panel.getByRole("checkbox", { name: "blue" }).check();
    await panel.getByText(/^TRACE shop::pricing::\S+ ON class=blue FOR 60s$/).waitFor();
    await panel.getByRole("button", { name: "Trace", exact: true }).click();
    const probe = panel.getByRole("list", { name: "Probes that capture it" }).getByRole("listitem");
    await probe.getByText("active").waitFor();
    await probe.getByLabel("Cost").waitFor();
    const row = listed(page, "Functions").filter({ hasText: "active" }).first();
    await expect
      .poll(async () => Number(await row.getByRole("gridcell").nth(2).innerText()))
      .toBeGreaterThan(0);
    expect(await row.getByRole("gridcell").nth(5).innerText()).toMatch(/ (ns|µs|ms|s)$/);
    await row.getByRole("img", { name: /99th percentile/ }).waitFor();
    await panel.getByRole("button", { name: "Latest calls" }).click();
    await rows(page).first().waitFor();
  });

  it("narrow the statement down, and show where their time goes", async () => {
    await ask("TRACE pricing::* FOR 60s");
    const q = "SELECT function, duration_ns, call_id FROM calls WHERE duration_ns > 1000 LIMIT 50";
    const page = await open(fragment({ q }));
    await answered(page);
    await room(page, "Functions").click();
    await page.getByRole("searchbox", { name: "Search functions" }).fill("pricing quote price");
    await choosePrice(page);
    const panel = page.getByRole("region", { name: "The function" });
    await panel.getByRole("button", { name: "Add to the statement" }).click();
    await expect
      .poll(() => statement(page).innerText())
      .toMatch(/duration_ns > 1000\s+AND service = 'pricing'\s+AND function = 'shop::\S+::price'/);
    await page.goBack();
    await panel.getByRole("button", { name: "Profile" }).click();
    await page.getByRole("table", { name: "Time by function" }).getByRole("row", { name: /price/ }).waitFor();
  });

  it("open in the reader's editor, once that is set", async () => {
    const page = await open(fragment({ room: "functions", find: "pricing quote price" }));
    await choosePrice(page);
    const panel = page.getByRole("region", { name: "The function" });
    await panel.getByRole("button", { name: "Open in your editor…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "VS Code" }).click();
    await page.getByLabel("Folder of the sources").fill("/projects/shop");
    await page.keyboard.press("Escape");
    const link = panel.getByRole("link", { name: "Open in the editor" });
    expect(await link.getAttribute("href")).toMatch(/^vscode:\/\/file\/projects\/shop\/.+\.rs:\d+$/);
  });
});

describe("instances", () => {
  it("narrow the statement down to one of them", async () => {
    const page = await open(fragment({ q: "SELECT function, call_id FROM calls LIMIT 50" }));
    await answered(page);
    await room(page, "Instances").click();
    await listed(page, "Instances").first().click();
    const panel = page.getByRole("region", { name: "The instance" });
    await panel.getByRole("button", { name: "Add to the statement" }).click();
    await expect
      .poll(() => statement(page).innerText())
      .toMatch(/WHERE service = '\S+' AND instance = '\S+'/);
  });
});

describe("probes", () => {
  it("are stopped, given again and extended", async () => {
    await ask("TRACE warehouse::* FOR 45s");
    const page = await open(fragment({ room: "probes" }));
    await listed(page, "Probes").filter({ hasText: "warehouse" }).first().click();
    const panel = page.getByRole("region", { name: "The probe" });
    await panel.getByText("Owner").waitFor();
    const before = await panel.getByRole("heading").first().innerText();
    await panel.getByRole("button", { name: "Extend" }).click();
    await panel.getByText("stopped", { exact: true }).waitFor();
    const running = listed(page, "Probes")
      .filter({ hasText: "warehouse" })
      .filter({ hasText: /active|pending/ });
    await running.first().click();
    expect(await panel.getByRole("heading").first().innerText()).not.toBe(before);
    await page.getByRole("grid", { name: "Probes" }).press("x");
    await page.getByText(/Stopped p\d+/).waitFor();
    await panel.getByText("stopped", { exact: true }).waitFor();
    await panel.getByRole("button", { name: "Again" }).click();
    await expect.poll(() => running.count()).toBe(1);
  });
});

describe("the palette", () => {
  it("finds a view, a function and a command by a few letters", async () => {
    const page = await open();
    await answered(page);
    const palette = page.getByRole("combobox", { name: "Find anything" });
    await page.keyboard.press("Control+k");
    await palette.fill("prob");
    await found(page).first().waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("searchbox", { name: "Search probes" }).waitFor();

    await page.keyboard.press("Control+k");
    await palette.fill("plan_walk");
    await page
      .getByRole("option", { name: /plan_walk/ })
      .first()
      .waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("region", { name: "The function" }).getByText("plan_walk").first().waitFor();

    await page.keyboard.press("Control+k");
    await palette.fill("light or dark");
    const before = await page.evaluate(() => document.documentElement.dataset["theme"]);
    await page.keyboard.press("Enter");
    await expect.poll(() => page.evaluate(() => document.documentElement.dataset["theme"])).not.toBe(before);
  });

  it("looks for what nobody knows in every captured value", async () => {
    const page = await open();
    await answered(page);
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Find anything" }).fill("78ce640c-1db0");
    await found(page).filter({ hasText: "in every argument" }).waitFor();
    await page.keyboard.press("Enter");
    await expect.poll(() => statement(page).innerText()).toBe("FIND '78ce640c-1db0'");
  });

  it("opens over the statement that is written, and gives the focus back", async () => {
    const page = await open();
    await write(page, "SELECT 1 AS kept");
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Find anything" }).fill("zzqqxx");
    await found(page).filter({ hasText: "zzqqxx" }).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("End");
    await page.keyboard.type(", 2");
    await expect.poll(() => statement(page).innerText()).toBe("SELECT 1 AS kept, 2");
  });
});

describe.each(["light", "dark"] as const)("in %s colours", (colorScheme) => {
  it("axe finds nothing to say about the rooms, the palette and the settings", async () => {
    await ask("TRACE pricing::* FOR 60s");
    const page = await open("", { colorScheme });
    for (const name of ["Functions", "Instances", "Probes"]) {
      await room(page, name).click();
      await listed(page, name).first().click();
      expect(await violations(page)).toEqual([]);
    }
    await page.keyboard.press("Control+k");
    await found(page).first().waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await expect.poll(() => page.getByRole("dialog").count()).toBe(0);
    await page.keyboard.press("Control+,");
    await page.getByRole("heading", { name: "Settings" }).waitFor();
    expect(await violations(page)).toEqual([]);
  });
});
