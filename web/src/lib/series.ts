/** From what the server says of a series to what a curve shows. */
import type { CurveData } from './plot';
import type { Alert, DetectorRun, Series, Signal } from './wire';

/** The detector asked for, else one of those that agree on the alert, else the first. */
export function choose(series: Series, name: string | null, agree: string[] = []): DetectorRun | null {
  return series.detectors.find((run) => run.name === name) ?? series.detectors.find((run) => agree.includes(run.name)) ?? series.detectors[0] ?? null;
}

const dash = (length: number) => Array<null>(length).fill(null);

/** One series with one detector's view of it. `alarmed` are this detector's alarms, or any detector's where it is null. */
export function seriesCurve(series: Series, run: DetectorRun | null, signal: Signal | undefined, ghost: Series | null): CurveData {
  const n = series.times.length;
  const alarms = new Set(series.alarms.filter((alarm) => !run || alarm.detector === run.name).map((alarm) => alarm.time));
  const later = ghost && new Map(ghost.times.map((time, i) => [time, ghost.values[i] ?? null]));
  return {
    times: series.times,
    values: series.values,
    expected: run?.expected ?? dash(n),
    upper: run?.upper ?? dash(n),
    alarmed: series.times.map((time) => alarms.has(time)),
    ghost: later ? series.times.map((time) => later.get(time) ?? null) : null,
    kind: signal?.kind ?? 'count',
    step: series.step,
  };
}

/** The last `steps` of an alert's series once it is read, its spark until then. */
export function curveOf(series: Series | null, alert: Alert, kind: Signal['kind'], steps: number): CurveData {
  if (!series) {
    const { times, values, expected, upper } = alert.spark;
    const over = values.map((value, i) => value !== null && (upper[i] ?? Infinity) < value);
    return { times, values, expected, upper, alarmed: over, kind, step: '' };
  }
  const whole = seriesCurve(series, choose(series, null, alert.detectors), undefined, null);
  const from = Math.max(series.times.length - steps, 0);
  const cut = <T>(row: T[]) => row.slice(from);
  return { ...whole, kind, times: cut(whole.times), values: cut(whole.values), expected: cut(whole.expected), upper: cut(whole.upper), alarmed: cut(whole.alarmed) };
}

/** A series as CSV: one row a step, each detector's columns beside the value. */
export function csv(series: Series): string {
  const head = ['time', 'value', ...series.detectors.flatMap((run) => [`${run.name}.expected`, `${run.name}.upper`, `${run.name}.score`, `${run.name}.p`])];
  const rows = series.times.map((time, i) => [time, series.values[i], ...series.detectors.flatMap((run) => [run.expected[i], run.upper[i], run.score[i], run.p[i]])]);
  return [head, ...rows].map((row) => row.map((cell) => cell ?? '').join(',')).join('\r\n') + '\r\n';
}
