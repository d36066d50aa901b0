import {
  bool,
  dictionary,
  float64,
  int64,
  tableFromColumns,
  columnFromArray,
  tableToIPC,
  timestamp,
  utf8,
} from "@uwdata/flechette";
import { expect, it } from "vitest";
import { readArrow } from "./arrow";

it("reads columns of every type, and what is not there", () => {
  const table = tableFromColumns({
    function: columnFromArray(["a", "b", null, "a"], dictionary(utf8())),
    duration_ns: columnFromArray([1n, null, 9_007_199_254_740_993n, 4n], int64(), { useBigInt: true }),
    started_at: columnFromArray([1, 2, 3, null], timestamp(3, "UTC")),
    share: columnFromArray([0.5, null, NaN, -1], float64()),
    fine: columnFromArray([true, false, null, true], bool()),
    args: columnFromArray(['{"a":1}', null, "", "𝄞"], utf8()),
  });
  const columns = readArrow(tableToIPC(table, { format: "stream" }) as Uint8Array);
  const all = (name: string) => [0, 1, 2, 3].map((row) => columns.column(name)?.at(row));
  expect(columns.length).toBe(4);
  expect(all("function")).toEqual(["a", "b", null, "a"]);
  expect(columns.column("function")?.names?.all).toEqual(["a", "b"]);
  expect(all("duration_ns")).toEqual([1, null, 9_007_199_254_740_993n, 4]);
  expect(all("share")).toEqual([0.5, null, NaN, -1]);
  expect(all("fine")).toEqual([true, false, null, true]);
  expect(all("args")).toEqual(['{"a":1}', null, "", "𝄞"]);
  expect(columns.column("share")?.number(1)).toBeNaN();
  expect(columns.column("gone")).toBeUndefined();
});

it("refuses what is no stream", () => expect(() => readArrow(Uint8Array.of(1, 2, 3))).toThrow());
