/** From a number to one of six shades, and the legend that says so. */
import type { MapArea } from './wire';

export type Shading = 'score' | 'rate' | 'complete';
export interface Scale {
  edges: number[]; // five edges between six shades
  inks: string[]; // names of colours on the sheet
}

export const SCORE: Scale = { edges: [0, 0.5, 1, 2, 4], inks: ['score-0', 'score-1', 'score-2', 'score-3', 'score-4', 'score-5'] };
export const COMPLETE: Scale = { edges: [0.5, 0.7, 0.8, 0.9, 0.99], inks: ['score-5', 'score-4', 'score-3', 'score-2', 'score-1', 'score-0'] };
const RATE_INKS = ['rate-0', 'rate-1', 'rate-2', 'rate-3', 'rate-4', 'rate-5'];

export const measure = (area: MapArea, by: Shading) =>
  by === 'complete' ? (area.complete ?? null) : by === 'score' ? area.score : (area.rate_per_100k ?? area.value);

/** A round number at or over x: 1, 2, 2.5, 5 or 10 times a power of ten. */
function round(x: number): number {
  const power = 10 ** Math.floor(Math.log10(x));
  return [1, 2, 2.5, 5, 10].map((digit) => digit * power).find((edge) => edge >= x * 0.999) ?? 10 * power;
}

/** Edges that rise by halves from a round top, so that a day with one hot place still shows the rest. */
export function rateScale(values: (number | null)[]): Scale {
  const top = Math.max(...values.map((value) => value ?? 0), 0);
  const high = top > 0 ? round(top / 2) : 1;
  return { edges: [high / 16, high / 8, high / 4, high / 2, high], inks: RATE_INKS };
}

export function shade(value: number | null | undefined, scale: Scale): string | null {
  if (value === null || value === undefined) return null;
  const over = scale.edges.findIndex((edge) => value < edge);
  return scale.inks[over < 0 ? scale.edges.length : over]!;
}
