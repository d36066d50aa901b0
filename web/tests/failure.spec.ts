/** What goes wrong is said where it went wrong, and nothing typed is lost. */
import { describe, expect, it } from "vitest";
import type { Status } from "../src/api/types";
import { alert, fragment, hub, open, run, withBrowser, write } from "./browser";

withBrowser();

describe("failures", () => {
  it("are underlined at their place in the statement", async () => {
    const page = await open();
    await run(page, "TRACE pricing::* FRO 60s");
    await alert(page).waitFor();
    expect(await alert(page).innerText()).toMatch(/GH2001/);
    expect(await alert(page).innerText()).toMatch(/line 1, column 18/);
    await expect.poll(() => page.locator(".cm-failure").allInnerTexts()).toEqual(["FRO"]);
    await page.keyboard.type(" ");
    expect(await page.locator(".cm-failure").count()).toBe(0);
  });

  it("are underlined behind characters of several bytes", async () => {
    const page = await open();
    await run(page, "SELECT 'Zoë 𝄞' AS a,\n  functio FROM calls");
    await alert(page).waitFor();
    await expect.poll(() => page.locator(".cm-failure").allInnerTexts()).toEqual(["functio"]);
  });

  it("keep the rows that were there", async () => {
    const page = await open(fragment({ q: "SHOW FUNCTIONS" }));
    await page.getByRole("columnheader", { name: "file" }).waitFor();
    await run(page, "SELECT");
    await alert(page).waitFor();
    await page.getByRole("columnheader", { name: "file" }).waitFor();
  });
});

describe("a statement that takes long", () => {
  it("shows since when, and is cancelled in the hub too", async () => {
    const page = await open();
    const stats = async () => ((await (await fetch(`${hub()}/api/v1/status`)).json()) as Status).queries;
    const before = (await stats()).cancelled;
    await run(
      page,
      "SELECT sum(sqrt(a.line * b.line * c.line * d.line * e.line)) FROM functions a, functions b, functions c, functions d, functions e, functions f WHERE sin(a.line) + cos(b.line) + f.line * d.line > 7",
    );
    await page
      .getByRole("status")
      .getByText(/^Running, [1-9]/)
      .waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await expect.poll(async () => (await stats()).cancelled).toBeGreaterThan(before);
    await expect.poll(async () => (await stats()).under_way).toEqual([]);
  });
});

describe("a hub that does not answer", () => {
  it("is told, and what was typed stays", async () => {
    const page = await open();
    await page.route("**/api/v1/**", (route) => route.abort());
    await run(page, "SELECT 1 AS kept");
    await alert(page).getByText("The hub does not answer.").waitFor();
    expect(await page.getByRole("textbox", { name: "Statement" }).innerText()).toBe("SELECT 1 AS kept");
    await page.unroute("**/api/v1/**");
    await page.keyboard.press("Control+Enter");
    await page.getByRole("columnheader", { name: "kept" }).waitFor();
  });

  it("is shown as a lost connection until it is back", async () => {
    const page = await open();
    await page.getByText("calls/s").waitFor();
    await page.route("**/api/v1/live", (route) => route.abort());
    await page.reload();
    await page.getByText("The hub is not reachable").waitFor();
    await page.unroute("**/api/v1/live");
    await page.getByText("calls/s").waitFor();
  });

  it("shows progress and can be cancelled when it is slow", async () => {
    const page = await open();
    await page.route("**/api/v1/statements", async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 5_000));
      await route.abort().catch(() => undefined);
    });
    await write(page, "SELECT 1");
    await page.keyboard.press("Control+Enter");
    await page
      .getByRole("status")
      .getByText(/^Running, /)
      .waitFor();
    await page.keyboard.press("Escape");
    await expect.poll(() => page.getByText(/^Running, /).count()).toBe(0);
  });

  it("asks for its key where it has one", async () => {
    const page = await open();
    let shown = "";
    await page.route("**/api/v1/**", async (route) => {
      shown = route.request().headers()["authorization"] ?? "";
      if (shown === "Bearer right") return await route.continue();
      const error = { code: "GH1003", message: "The key is missing." };
      await route.fulfill({ status: 401, json: { error } });
    });
    await page.reload();
    await page.getByLabel("Key", { exact: true }).fill("wrong");
    await page.keyboard.press("Enter");
    await page.getByText("The hub refused that key.").waitFor();
    await page.getByLabel("Key", { exact: true }).fill("right");
    await page.keyboard.press("Enter");
    await page.getByText("calls/s").waitFor();
    expect(shown).toBe("Bearer right");
  });
});
