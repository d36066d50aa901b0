/** Calls as they come, calls that run, and the hub's own state. */
import type { Page } from "playwright-core";
import { beforeEach, describe, expect, it } from "vitest";
import type { LiveEvent, Status, TailEvent } from "../src/api/types";
import { ask, fragment, hub, open, tree, untraceAll, violations, withBrowser } from "./browser";

withBrowser();
beforeEach(untraceAll);

const coming = (page: Page) =>
  page.getByRole("grid", { name: "Calls as they come" }).locator(".row[role=row]");
const rates = (page: Page) => page.getByRole("group", { name: "Rates" });

describe("the tail", () => {
  it("shows calls as they come, is paused while one looks, and opens one", async () => {
    const page = await open(fragment({ room: "live" }));
    await page.getByRole("heading", { name: "Nothing is traced, so no call comes" }).waitFor();
    await ask("TRACE pricing::*, warehouse::* FOR 60s");
    await coming(page).first().waitFor();
    await page.getByRole("searchbox", { name: "Functions to follow" }).fill("pricing::*");
    await expect.poll(() => rates(page).innerText()).toMatch(/[1-9]\S* shown\/s/);
    await page.getByRole("button", { name: "Pause" }).click();
    await rates(page)
      .getByText(/^[1-9]\d* calls? since you paused$/)
      .waitFor();
    const first = await coming(page).first().innerText();
    await rates(page)
      .getByText(/^[1-9]\d+ calls since you paused$/)
      .waitFor();
    expect(await coming(page).first().innerText()).toBe(first);
    await coming(page).first().dblclick();
    await tree(page).waitFor();
  });

  it("tells how many calls were passed over", async () => {
    await ask("TRACE pricing::*, warehouse::*, storefront::* FOR 60s");
    const page = await open(fragment({ room: "live" }));
    await page.getByLabel("Calls a second").selectOption("10");
    await expect.poll(() => rates(page).innerText()).toMatch(/[1-9]\S* passed over\/s/);
  });

  it("takes no more memory the longer one looks", async () => {
    const page = await open(fragment({ room: "live" }));
    const call = (n: number): TailEvent => ({
      event: "call",
      call_id: n.toString(16).padStart(16, "0"),
      trace_id: "0".repeat(32),
      service: "pricing",
      instance: "pricing-1",
      class: "",
      release: "",
      function: "shop::pricing::price",
      file: "a.rs",
      line: 1,
      thread: "t",
      started_at: "2026-01-01T00:00:00Z",
      duration_ns: 1000,
      busy_ns: 1000,
      outcome: "returned",
      depth: 0,
      position: 0,
      args: { text: "x".repeat(400) },
    });
    const many = (from: number) =>
      Array.from({ length: 20_000 }, (_, n) => `data: ${JSON.stringify(call(from + n))}\n\n`).join("");
    let streams = 0;
    await page.route("**/api/v1/tail*", async (route) => {
      streams += 1;
      await route.fulfill({ contentType: "text/event-stream", body: many(streams * 20_000) });
    });
    await page.reload();
    const devtools = await page.context().newCDPSession(page);
    const heap = async () => {
      await devtools.send("HeapProfiler.collectGarbage");
      return (await devtools.send("Runtime.getHeapUsage")).usedSize;
    };
    await expect.poll(() => streams).toBeGreaterThanOrEqual(2);
    const before = await heap();
    await expect.poll(() => streams, { timeout: 60_000 }).toBeGreaterThanOrEqual(5);
    expect(await heap()).toBeLessThan(before + 12_000_000);
  });
});

describe("calls that run", () => {
  it("are listed, the longest first", async () => {
    await ask("TRACE warehouse::*, storefront::* FOR 120s");
    const page = await open(fragment({ room: "live", at: "running" }));
    const running = page.getByRole("grid", { name: "Calls that run" }).locator(".row[role=row]");
    // One of the shop's calls never ends.
    await running.first().waitFor({ timeout: 90_000 });
    expect(await running.first().innerText()).toMatch(/(s|min|h)\b/);
    await running.first().dblclick();
    await tree(page).waitFor();
  });
});

/** Of the shop's functions each with each, six times over: some seconds. */
const SLOW =
  "SELECT sum(sqrt(a.line * b.line * c.line * d.line * e.line)) FROM functions a, functions b, functions c, functions d, functions e, functions f WHERE sin(a.line) + cos(b.line) + f.line * d.line > 7";

describe("the hub's health", () => {
  it("tells that all is well, and which questions are under way", async () => {
    const page = await open(fragment({ room: "health" }));
    const health = page.getByRole("region", { name: "The hub's health" });
    await health
      .getByText("All is well")
      .or(health.getByRole("list", { name: "What is wrong" }))
      .first()
      .waitFor();
    await health.getByText("what is on the disk").waitFor();
    const leaves = new AbortController();
    const slow = fetch(`${hub()}/api/v1/statements`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ statement: SLOW }),
      signal: leaves.signal,
    }).catch(() => undefined);
    const underWay = health.getByRole("list", { name: "Questions under way" });
    await underWay.getByText("a.line * b.line").first().waitFor();
    expect(await violations(page)).toEqual([]);
    // Whoever goes away takes the question with him.
    leaves.abort();
    await slow;
    await health.getByText("None at this moment.").waitFor();
  });

  it("says what is wrong, what is unharmed, and what to do", async () => {
    const page = await open();
    const status = (await (await fetch(`${hub()}/api/v1/status`)).json()) as Status;
    const problem = {
      severity: "bad",
      what: "The journal cannot be written.",
      effect: "Nothing is acknowledged until it can.",
      todo: "Look for a full disk.",
      code: "GH4001",
    } as const;
    await page.route("**/api/v1/status", (route) =>
      route.fulfill({ json: { ...status, problems: [problem] } }),
    );
    const pulse: LiveEvent = {
      event: "pulse",
      at: new Date().toISOString(),
      calls_per_second: 1,
      calls_dropped: 0,
      instances: 5,
      problems: 1,
    };
    const body = `data: ${JSON.stringify(pulse)}\n\n`;
    await page.route("**/api/v1/live", (route) => route.fulfill({ contentType: "text/event-stream", body }));
    await page.reload();
    await page.getByRole("button", { name: "Health , problems: 1" }).click();
    const wrong = page.getByRole("list", { name: "What is wrong" }).getByRole("listitem");
    await wrong.getByText("The journal cannot be written.").waitFor();
    expect(await wrong.innerText()).toMatch(
      /Nothing is acknowledged until it can\.[\s\S]*What to do: Look for a full disk\./,
    );
    expect(await violations(page)).toEqual([]);
  });
});
