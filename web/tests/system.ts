/**
 * The system the page is tested against: the hub at GLASSHULL_URL (with the shop under load), or else a hub and a shop
 * of our own, started from GLASSHULL_PROGRAM and the `shop` beside it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the hub is. */
    hub: string;
    /** The shop's program. */
    shop: string;
  }
}

const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 10_000;

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const running = process.env["GLASSHULL_URL"];
  const system = running ? null : await start();
  const hub = running?.replace(/\/$/, "") ?? system?.hub ?? "";
  project.provide("hub", hub);
  project.provide("shop", process.env["GLASSHULL_SHOP"] ?? shopProgram());
  await until("the shop's functions are known to the hub", async () => {
    const answer = await fetch(`${hub}/api/v1/functions`).catch(() => null);
    return answer?.ok === true && (await answer.text()).includes("pricing::");
  });
  return async () => await system?.stop();
}

/** Beside the hub's. */
function shopProgram(): string {
  return join(dirname(process.env["GLASSHULL_PROGRAM"] ?? ""), "shop");
}

async function start(): Promise<{ hub: string; stop: () => Promise<void> }> {
  const program = process.env["GLASSHULL_PROGRAM"];
  if (!program) {
    throw new Error(
      "Set GLASSHULL_URL to a running hub's address, or run `cargo xtask test`, which starts one.",
    );
  }
  const data = await mkdtemp(join(tmpdir(), "glasshull-page-"));
  const address = `127.0.0.1:${await freePort()}`;
  const hub = run(program, ["up", "--data", data, "--listen", address]);
  await until(
    "the hub is ready",
    async () => (await fetch(`http://${address}/readyz`).catch(() => null))?.ok === true,
  );
  const shop = run(shopProgram(), ["--stop-with-stdin", "all", "--first-port", "0"], {
    GLASSHULL_HUB: `http://${address}`,
  });
  return {
    hub: `http://${address}`,
    stop: async () => {
      await end(shop);
      await end(hub);
      await rm(data, { recursive: true, force: true });
    },
  };
}

function run(program: string, parameters: string[], environment: Record<string, string> = {}): ChildProcess {
  const child = spawn(program, parameters, {
    env: { ...process.env, ...environment },
    stdio: ["pipe", "ignore", "inherit"],
  });
  child.on("error", (error) => console.error(`${program} cannot be started: ${error.message}`));
  return child;
}

/** Asks politely, then does not. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.stdin?.end();
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_WITHIN_MS);
  await ended;
  clearTimeout(timer);
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`Not within ${READY_WITHIN_MS / 1000} s: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
