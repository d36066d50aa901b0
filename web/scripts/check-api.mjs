// Proves that src/api/schema.d.ts is what the hub's OpenAPI document says today.
import { readFile } from "node:fs/promises";
import openapiTypescript, { astToString, COMMENT_HEADER } from "openapi-typescript";

const DOCUMENT = new URL("../../crates/glasshull-hub/openapi.json", import.meta.url);
const TYPES = new URL("../src/api/schema.d.ts", import.meta.url);

const fresh = COMMENT_HEADER + astToString(await openapiTypescript(DOCUMENT));
if (fresh !== (await readFile(TYPES, "utf8"))) {
  console.error("src/api/schema.d.ts is not what crates/glasshull-hub/openapi.json says: run `npm run api`.");
  process.exit(1);
}
