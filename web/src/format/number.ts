/** Numbers as people read them. */

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** `12,345` */
export function count(value: number): string {
  return WHOLE.format(value);
}

/** At most four characters and a letter: `987`, `12.3k`, `4.5M`. */
export function brief(value: number): string {
  if (value < 1000) return String(Math.round(value));
  const [divisor, unit] = value < 999_500 ? [1e3, "k"] : value < 999.5e6 ? [1e6, "M"] : [1e9, "G"];
  const scaled = value / (divisor as number);
  return (scaled < 99.95 ? scaled.toFixed(1).replace(/\.0$/, "") : scaled.toFixed(0)) + unit;
}

/** `1 call`, `2 calls` */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** A share of all there is, to two digits behind the point: `0.4 %`; never nothing where it is something. */
export function percent(share: number): string {
  const hundredths = Math.round(share * 10_000);
  return share > 0 && hundredths < 1 ? "<0.01 %" : `${hundredths / 100} %`;
}

/** `12.3 MiB` */
export function bytes(value: number): string {
  let scaled = value;
  let unit = 0;
  while (scaled >= 1024 && unit < BYTE_UNITS.length - 1) {
    scaled /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? scaled : scaled.toFixed(1)} ${BYTE_UNITS[unit]}`;
}
