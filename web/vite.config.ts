import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

/** Where the hub listens; `npm run dev` passes the API on to it. */
const HUB = process.env["GLASSHULL_URL"] ?? "http://127.0.0.1:7171";

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: "es2022",
    // No inline data: URLs and no inline script: the page runs under `default-src 'none'`.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { "/api": { target: HUB, changeOrigin: true } } },
  test: {
    projects: [
      { extends: true, test: { name: "unit", include: ["src/**/*.test.ts"], environment: "node" } },
      {
        test: {
          name: "page",
          include: ["tests/**/*.spec.ts"],
          environment: "node",
          globalSetup: ["tests/system.ts"],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // As for what playwright waits for; the default of a second is little on a loaded machine.
          expect: { poll: { timeout: 30_000 } },
        },
      },
    ],
  },
});
