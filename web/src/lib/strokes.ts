/** Numbers to strokes of a small drawing. */
import type { Numbers } from './wire';

/** The least and the greatest, with zero in view and never of no height. */
export function extent(...rows: Numbers[]): [number, number] {
  let low = 0;
  let high = 0;
  for (const row of rows) {
    for (const value of row) {
      if (value === null) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return high > low ? [low, high] : [low, low + 1];
}

/** A path through the numbers, broken where nothing was reported; a lone point is a short dash. */
export function line(row: Numbers, x: (i: number) => number, y: (value: number) => number): string {
  let path = '';
  let pen = false;
  row.forEach((value, i) => {
    if (value === null) {
      pen = false;
      return;
    }
    const at = `${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
    path += pen ? `L${at}` : `M${at}h.01`;
    if (!pen) path += `M${at}`;
    pen = true;
  });
  return path;
}
