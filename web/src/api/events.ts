/** Server-sent events from a stream of bytes. `EventSource` cannot show a key, so the page reads them itself. */

/** The data of each event, in order; other fields are of no use here. */
export async function* eventData(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = stream
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader();
  const lines = new Lines();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* lines.push(value);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Gathers lines into events: an empty line ends one. */
export class Lines {
  #rest = "";
  #data: string[] = [];

  *push(text: string): Generator<string> {
    const lines = (this.#rest + text).split(/\r\n|\n/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("data:")) this.#data.push(line.slice(line[5] === " " ? 6 : 5));
      else if (line === "" && this.#data.length > 0) yield this.#data.splice(0).join("\n");
    }
  }
}
