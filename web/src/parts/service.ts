const COLOURS = 8;

/** The colour of the service at this place among all; unknown ones are grey. */
export function serviceColour(index: number): string {
  return `var(--service-${index < 0 ? COLOURS - 1 : index % COLOURS})`;
}
