import { expect, it } from "vitest";
import { eventData, Lines } from "./events";

it("gathers events however the bytes are cut", () => {
  const text = 'event: x\ndata: {"a":1}\n\n: silence\n\ndata:two\r\ndata: lines\r\n\r\ndata: unfinished';
  for (const size of [1, 2, 7, text.length]) {
    const lines = new Lines();
    const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
      text.slice(at * size, (at + 1) * size),
    );
    expect(chunks.flatMap((chunk) => [...lines.push(chunk)])).toEqual(['{"a":1}', "two\nlines"]);
  }
});

it("reads characters that are cut in the middle", async () => {
  const bytes = new TextEncoder().encode("data: Zoë\n\n");
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const seen: string[] = [];
  for await (const data of eventData(stream)) seen.push(data);
  expect(seen).toEqual(["Zoë"]);
});
