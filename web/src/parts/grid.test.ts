import { describe, expect, it } from "vitest";
import { type GridColumn, nextOrder, sorted } from "./grid";

interface Row {
  name: string;
  calls: number | null;
}
const columns: GridColumn<Row>[] = [
  { id: "name", word: "Name", width: "1fr", by: (row) => row.name },
  { id: "calls", word: "Calls", width: "1fr", by: (row) => row.calls, descending: true },
  { id: "state", word: "State", width: "1fr" },
];
const rows: Row[] = [
  { name: "shop-10", calls: 2 },
  { name: "shop-9", calls: null },
  { name: "shop-1", calls: 30 },
];
const names = (column: string, descending: boolean) =>
  sorted(rows, columns, { column, descending }).map((row) => row.name);

describe("a list", () => {
  it("is sorted by numbers in names, and what is absent stands last either way", () => {
    expect(names("name", false)).toEqual(["shop-1", "shop-9", "shop-10"]);
    expect(names("calls", true)).toEqual(["shop-1", "shop-10", "shop-9"]);
    expect(names("calls", false)).toEqual(["shop-10", "shop-1", "shop-9"]);
  });

  it("stays as it came where nothing sortable is asked for", () => {
    expect(sorted(rows, columns, null)).toBe(rows);
    expect(names("state", true)).toEqual(["shop-10", "shop-9", "shop-1"]);
    expect(names("nothing", true)).toEqual(["shop-10", "shop-9", "shop-1"]);
  });

  it("is sorted one way, the other, and as it came by clicks", () => {
    const calls = columns[1] as GridColumn<Row>;
    const first = nextOrder(null, calls);
    const second = nextOrder(first, calls);
    expect([first, second, nextOrder(second, calls)]).toEqual([
      { column: "calls", descending: true },
      { column: "calls", descending: false },
      null,
    ]);
  });
});
