/** From what the server says of a series to what a curve shows. */
import type { Basis, CurveData } from './plot';
import type { Alert, DetectorRun, Series, Signal, Why } from './wire';

/** The detector asked for, else one of those that agree on the alert, else the first. */
export function choose(series: Series, name: string | null, agree: string[] = []): DetectorRun | null {
  return series.detectors.find((run) => run.name === name) ?? series.detectors.find((run) => agree.includes(run.name)) ?? series.detectors[0] ?? null;
}

const dash = (length: number) => Array<null>(length).fill(null);

/** What a detector compares: the values, or the sums of its window. */
const compared = (series: Series, run: DetectorRun | null | undefined) => (run && run.window > 1 ? run.observed : series.values);

/** One series with one detector's view of it. `alarmed` are this detector's alarms, or any detector's where it is null. */
export function seriesCurve(series: Series, run: DetectorRun | null, signal: Signal | undefined, ghost: Series | null): CurveData {
  const n = series.times.length;
  const alarms = new Set(series.alarms.filter((alarm) => !run || alarm.detector === run.name).map((alarm) => alarm.time));
  const known = ghost && compared(ghost, ghost.detectors.find((one) => one.name === run?.name));
  const later = ghost && new Map(ghost.times.map((time, i) => [time, known?.[i] ?? null]));
  return {
    times: series.times,
    values: compared(series, run),
    window: run?.window ?? 1,
    step: series.step,
    expected: run?.expected ?? dash(n),
    upper: run?.upper ?? dash(n),
    alarmed: series.times.map((time) => alarms.has(time)),
    ghost: later ? series.times.map((time) => later.get(time) ?? null) : null,
    kind: signal?.kind ?? 'count',
  };
}

/** The marks of one step's baseline on a curve, and how many of its steps lie before the curve begins. */
export function basisOf(why: Why | null, time: string, times: string[]): { basis: Basis | null; before: number } {
  const at = new Map(times.map((one, i) => [one, i]));
  const picked = at.get(time);
  if (!why || picked === undefined) return { basis: null, before: 0 };
  const marks: Basis['marks'] = new Map();
  for (const one of why.recent) if (at.has(one)) marks.set(at.get(one)!, { weight: null, left: 'recent' });
  for (const { time: one, value, weight, left_out } of why.baseline) {
    if (at.has(one)) marks.set(at.get(one)!, { weight, left: left_out ? 'out' : value === null || weight === 0 ? 'gap' : 'in' });
  }
  return { basis: { picked, marks }, before: why.baseline.filter((one) => one.time < times[0]!).length };
}

/** The first and the last of the steps that lie in a cluster's days. */
export function marked(times: string[], days: { start: string; end: string } | null | undefined): [number, number] | null {
  const inside = (time: string) => !!days && time.slice(0, 10) >= days.start && time.slice(0, 10) <= days.end;
  const first = times.findIndex(inside);
  return first < 0 ? null : [first, times.findLastIndex(inside)];
}

/** The last `steps` of an alert's series once it is read, its spark until then. */
export function curveOf(series: Series | null, alert: Alert, kind: Signal['kind'], steps: number): CurveData {
  if (!series) {
    const { times, values, expected, upper } = alert.spark;
    const over = values.map((value, i) => value !== null && (upper[i] ?? Infinity) < value);
    return { times, values, expected, upper, alarmed: over, kind, window: 1, step: '1d', within: marked(times, alert.spark.window) };
  }
  const whole = seriesCurve(series, choose(series, null, alert.detectors), undefined, null);
  const from = Math.max(series.times.length - steps, 0);
  const cut = <T>(row: T[]) => row.slice(from);
  return { ...whole, kind, times: cut(whole.times), within: marked(cut(whole.times), alert.spark.window), values: cut(whole.values), expected: cut(whole.expected), upper: cut(whole.upper), alarmed: cut(whole.alarmed) };
}

const MINUTES: Record<string, number> = { min: 1, h: 60, d: 1440, w: 10_080 };

/** The days that `steps` steps take; "5min", "1h", "1d", "1w", "1w-mmwr". */
export function daysOf(step: string, steps: number): number {
  const [, n, unit] = /^(\d+)(min|h|d|w)/.exec(step) ?? [];
  return Math.max(1, Math.floor((steps * Number(n ?? 1) * (MINUTES[unit ?? 'd'] ?? 1440)) / 1440));
}

/** A series as CSV: one row a step, each detector's columns beside the value. */
export function csv(series: Series): string {
  const head = ['time', 'value', ...series.detectors.flatMap((run) => [`${run.name}.observed`, `${run.name}.expected`, `${run.name}.upper`, `${run.name}.score`, `${run.name}.p`])];
  const rows = series.times.map((time, i) => [time, series.values[i], ...series.detectors.flatMap((run) => [run.observed[i], run.expected[i], run.upper[i], run.score[i], run.p[i]])]);
  return [head, ...rows].map((row) => row.map((cell) => cell ?? '').join(',')).join('\r\n') + '\r\n';
}
