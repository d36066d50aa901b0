/** Each room by keyboard alone, enlarged, on a tablet, and without motion. */
import type { Page } from "playwright-core";
import { beforeEach, describe, expect, it } from "vitest";
import { answered, ask, fragment, listed, open, rows, untraceAll, withBrowser } from "./browser";

withBrowser();
beforeEach(untraceAll);

async function go(page: Page, key: string): Promise<void> {
  await page.keyboard.press("g");
  await page.keyboard.press(key);
}

describe("by keyboard alone", () => {
  it("one finds a function, traces it, follows its calls, and stops the probe", async () => {
    const page = await open();
    await answered(page);
    await go(page, "f");
    await listed(page, "Functions").first().waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("pricing quote price");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("End");
    await page.getByRole("region", { name: "The function" }).getByText("fn price(order)").waitFor();
    await page.keyboard.press("t");
    await rows(page).first().waitFor();

    await go(page, "l");
    await page.getByRole("grid", { name: "Calls as they come" }).locator(".row[role=row]").first().waitFor();
    await page.keyboard.press("Space");
    await page.getByRole("button", { name: "Go on" }).waitFor();

    await go(page, "p");
    await listed(page, "Probes").first().waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("price");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("x");
    await page.getByText(/^Stopped p\d+/).waitFor();
  });

  it("one looks at an instance and at the hub, and reads what every key does", async () => {
    const page = await open();
    await answered(page);
    await go(page, "i");
    await listed(page, "Instances").first().waitFor();
    await page.keyboard.press("/");
    await page.keyboard.press("ArrowDown");
    await page.getByRole("region", { name: "The instance" }).getByText("Process").waitFor();
    await go(page, "h");
    await page.getByRole("heading", { name: "Journal" }).waitFor();
    await page.keyboard.press("?");
    const sheet = page.getByRole("dialog", { name: "Keys and statements" });
    for (const does of ["find anything, do anything", "format", "a new tab"]) {
      await sheet.getByText(does, { exact: true }).waitFor();
    }
  });
});

describe.each([
  ["enlarged twice", { width: 640, height: 360 }],
  ["on a tablet", { width: 820, height: 1180 }],
  ["on a large screen", { width: 1920, height: 1080 }],
] as const)("%s", (_, viewport) => {
  it("every room fits, and all of it can be reached", async () => {
    await ask("TRACE pricing::* FOR 60s");
    const page = await open(fragment({ room: "explore" }), { viewport });
    const rooms = page.getByRole("navigation", { name: "Rooms" }).getByRole("button");
    for (const room of ["Explore", "Functions", "Live", "Instances", "Probes", "Health"]) {
      const button = rooms.filter({ hasText: room });
      await button.click();
      expect(await button.getAttribute("aria-current")).toBe("page");
      const { wide, high } = await page.evaluate(() => ({
        wide: document.documentElement.scrollWidth - innerWidth,
        high: document.documentElement.scrollHeight - innerHeight,
      }));
      expect([room, wide, high]).toEqual([room, 0, 0]);
      const box = await rooms.last().boundingBox();
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(viewport.width);
    }
  });
});

it("without motion nothing moves by itself", async () => {
  const page = await open(fragment({ room: "probes" }), { reducedMotion: "reduce" });
  await ask("TRACE pricing::* FOR 60s");
  await listed(page, "Probes").first().waitFor();
  const moving = () =>
    page.evaluate(() => document.getAnimations().filter(({ playState }) => playState === "running").length);
  // What has just appeared may take its colours.
  await expect.poll(moving).toBe(0);
});

it("a network that goes is told at once, and what was typed stays", async () => {
  const page = await open();
  await page.getByText("calls/s").waitFor();
  await page.getByRole("textbox", { name: "Statement" }).focus();
  await page.keyboard.type(" -- unfinished");
  await page.context().setOffline(true);
  await page.getByText("The hub is not reachable").waitFor({ timeout: 3_000 });
  await page.context().setOffline(false);
  await page.getByText("calls/s").waitFor();
  expect(await page.getByRole("textbox", { name: "Statement" }).innerText()).toContain("-- unfinished");
});
