/** The main job, as somebody does it who has never seen the page. */
import type { Page } from "playwright-core";
import { beforeEach, describe, expect, it } from "vitest";
import type { Instance, LiveEvent, Probe } from "../src/api/types";
import { ask, functions, hub, open, rows, run, runUntilRows, tree, untraceAll, withBrowser } from "./browser";

withBrowser();
beforeEach(untraceAll);

/** Opens the page anew, and has the hub say of its newest probe what it would say of another. */
async function tellOther(page: Page, change: (probe: Probe) => void): Promise<void> {
  const { probes } = (await (await fetch(`${hub()}/api/v1/probes`)).json()) as { probes: Probe[] };
  probes.slice(0, 1).forEach(change);
  const event: LiveEvent = { event: "probes", probes };
  const body = `data: ${JSON.stringify(event)}\n\n`;
  await page.route("**/api/v1/live", (route) => route.fulfill({ contentType: "text/event-stream", body }));
  await page.route("**/api/v1/probes", (route) => route.fulfill({ json: { probes } }));
  await page.reload();
}

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

    await page.getByRole("region", { name: "Answer" }).getByRole("button", { name: "Live" }).click();
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

  it("finds a text in the arguments of any function", async () => {
    const page = await open();
    await run(page, "TRACE pricing::* FOR 60s");
    const found = rows(page).filter({ hasText: "AUTUMN15" }).filter({ hasText: "::discount::apply" });
    // Few orders have a coupon.
    const ask = async () => {
      await run(page, "FIND 'AUTUMN15' SINCE 5m");
      return found.count();
    };
    await expect.poll(ask, { interval: 1_000, timeout: 30_000 }).toBeGreaterThan(0);
    // The answer that was asked for last may come just now, and move the rows.
    const opens = async () => {
      await found.first().click();
      const shown = page.getByRole("article", { name: "The call" }).getByText("AUTUMN15").first();
      if (
        await shown.waitFor({ timeout: 5_000 }).then(
          () => true,
          () => false,
        )
      )
        return true;
      await page.keyboard.press("Escape");
      return false;
    };
    await expect.poll(opens).toBe(true);
  });

  it("says of a probe and of an instance what they cost, of what they may", async () => {
    const page = await open();
    await run(page, "TRACE storefront::* FOR 60s LIMIT 50000 CALLS");
    const probe = page.getByRole("listitem", { name: /^Probe p/ }).first();
    await probe.getByText(/^(<0\.01|[\d.]+) % of 5 % CPU$/).waitFor();
    expect(await probe.innerText()).toMatch(/[\d.]+k calls left/);
    await page.getByRole("button", { name: /^Instances/ }).click();
    const instances = page.getByRole("grid", { name: "Instances" }).locator(".row[role=row]");
    await instances.filter({ hasText: "storefront" }).first().click();
    const instance = page.getByRole("region", { name: "The instance" });
    const share = () => instance.getByText(/ % of 5 % CPU$/).innerText();
    await expect.poll(share).not.toMatch(/^0 %/);
    // It changes without being asked for: no instance comes or goes.
    const before = await share();
    await expect.poll(share).not.toBe(before);
  });

  it("says that a probe is cut back, how far and why", async () => {
    await ask("TRACE storefront::* FOR 60s");
    const page = await open();
    const probe = page.getByRole("listitem", { name: /^Probe p/ }).first();
    await probe.getByText("active").waitFor();
    expect(await probe.getByText("(governor)").count()).toBe(0);
    await tellOther(page, (told) => {
      told.state = "limited";
      told.reason =
        "1 of 1 instance is limited. shop-1: capturing took 2.31 % of the CPU time this process may use.";
      told.cost = { ...told.cost, instance: "shop-1", cpu_share: 0.004, cpu_budget: 0.01, cpu_left: 0.005 };
      told.cost = { ...told.cost, governor_one_in: 4, cut_back_instances: told.instances };
    });
    const cost = probe.getByLabel("Cost");
    await cost.getByText("0.4 % of 1 % CPU").waitFor();
    await cost.getByText("1 request in 4 (governor)", { exact: true }).waitFor();
    await probe.getByText("limited", { exact: true }).waitFor();
    await probe.getByText("capturing took 2.31 % of the CPU time").waitFor();
    expect(await cost.getAttribute("title")).toContain(
      "Most on shop-1, where all probes together leave 0.5 %.",
    );
  });

  it("says which values are not whole, and only where there are such", async () => {
    await ask("TRACE storefront::* FOR 60s");
    const page = await open();
    const probe = page.getByRole("listitem", { name: /^Probe p/ }).first();
    await probe.getByText("active").waitFor();
    await tellOther(page, (told) => {
      told.values = { truncated_calls: 0, failed_values: 0, printed_values: 0 };
    });
    await probe.getByLabel("Cost").waitFor();
    expect(await probe.getByLabel("Values").count()).toBe(0);
    await page.unrouteAll();
    await tellOther(page, (told) => {
      told.values = { truncated_calls: 12, failed_values: 3, printed_values: 0 };
      told.skipped = { ...told.skipped, undecided: 7 };
    });
    const values = probe.getByLabel("Values");
    await values.getByText("12 cut", { exact: true }).waitFor();
    expect(await values.innerText()).toMatch(/^12 cut\s+3 failed\s+7 undecided$/);
    expect(await values.getByText("3 failed").getAttribute("title")).toContain(
      "failed, panicked or did not end",
    );
  });

  it("says what an instance lost by reason, and only where it lost something", async () => {
    const page = await open();
    // The hub's own events would tell of the instances as they are.
    const body = `data: ${JSON.stringify({ event: "instances_changed" } satisfies LiveEvent)}\n\n`;
    await page.route("**/api/v1/live", (route) => route.fulfill({ contentType: "text/event-stream", body }));
    await page.route("**/api/v1/instances", async (route) => {
      const answer = (await (await route.fetch()).json()) as { instances: Instance[] };
      const changed = answer.instances.map((instance) => ({
        ...instance,
        drops: { ...instance.drops, ring_full: 0, open_full: 3, unclaimed: 1, inside_values: 9 },
      }));
      await route.fulfill({ json: { instances: changed } });
    });
    await page.reload();
    await page.getByRole("button", { name: /^Instances/ }).click();
    const row = page.getByRole("grid", { name: "Instances" }).locator(".row[role=row]").first();
    await row.click();
    expect(await row.getByRole("gridcell").nth(7).innerText()).toBe("4");
    const instance = page.getByRole("region", { name: "The instance" });
    await instance.getByText("3 as more were under way than can be held").waitFor();
    await instance.getByText("1 as their probe was gone when they were read").waitFor();
    await instance.getByText("9 inside values: left out, not lost").waitFor();
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
    expect(await page.getByRole("textbox", { name: "Statement" }).innerText()).toMatch(/^FIND '.+'/);
  });
});
