/** How a curve is drawn with uPlot: bars for counts, a line for measurements, expected, threshold, alarms. */
import type uPlot from 'uplot';
import { ruler } from './dates';
import { ink } from './theme.svelte';
import type { Numbers } from './wire';

export interface CurveData {
  times: string[];
  values: Numbers;
  expected: Numbers;
  upper: Numbers;
  alarmed: boolean[];
  ghost?: Numbers | null; // what is known now, behind what was known then
  kind: 'count' | 'measure';
  window: number; // each value is the sum of so many steps …
  step: string; // … of this length
  basis?: Basis | null; // what the picked step was compared with
  within?: [number, number] | null; // the first and the last step of a cluster's days
}

/** The baseline of one step: a mark for each of the curve's steps that is in it. */
export interface Basis {
  picked: number; // the step that is explained
  marks: Map<number, { weight: number | null; left: 'in' | 'out' | 'gap' | 'recent' }>;
}

type Row = (number | null)[];
const WHOLE = [0, 1, 2, 3, 4, 5, 6].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power)); // counts have no halves

/** uPlot's columns: x, ghost, values, values at alarms, expected, upper. */
export function columns(data: CurveData, x: number[]): uPlot.AlignedData {
  const alarmed: Row = data.values.map((value, i) => (data.alarmed[i] ? value : null));
  return [x, data.ghost ?? x.map(() => null), data.values, alarmed, data.expected, data.upper] as uPlot.AlignedData;
}

/** Small red triangles over the alarmed steps, so that colour is not the only sign. */
function marks(colour: string): (plot: uPlot) => void {
  return (plot) => {
    const { ctx } = plot;
    const row = plot.data[3] as Row;
    const ratio = devicePixelRatio;
    const size = 4.5 * ratio;
    const [from, to] = [plot.scales.x!.min!, plot.scales.x!.max!];
    ctx.save();
    ctx.fillStyle = colour;
    row.forEach((value, i) => {
      const at = plot.data[0]![i]!;
      if (value === null || value === undefined || at < from || at > to) return;
      const x = plot.valToPos(at, 'x', true);
      const y = Math.max(plot.valToPos(value, 'y', true) - 5 * ratio, plot.bbox.top + size * 2);
      ctx.beginPath();
      ctx.moveTo(x, y);
      ctx.lineTo(x - size, y - size * 1.7);
      ctx.lineTo(x + size, y - size * 1.7);
      ctx.fill();
    });
    ctx.restore();
  };
}

/** The baseline of the picked step: dots, larger and darker the more a step counts; a cross where it was left out. */
function basis(data: CurveData, colour: string, cross: string): (plot: uPlot) => void {
  return (plot) => {
    if (!data.basis) return;
    const { ctx } = plot;
    const ratio = devicePixelRatio;
    const [from, to] = [plot.scales.x!.min!, plot.scales.x!.max!];
    const place = (i: number) => [plot.valToPos(plot.data[0]![i]!, 'x', true), plot.valToPos(data.values[i] ?? 0, 'y', true)] as const;
    const inside = (i: number) => plot.data[0]![i]! >= from && plot.data[0]![i]! <= to;
    ctx.save();
    ctx.lineWidth = 1.3 * ratio;
    if (inside(data.basis.picked)) {
      const [x] = place(data.basis.picked);
      ctx.strokeStyle = colour;
      ctx.setLineDash([3 * ratio, 3 * ratio]);
      ctx.beginPath();
      ctx.moveTo(x, plot.bbox.top);
      ctx.lineTo(x, plot.bbox.top + plot.bbox.height);
      ctx.stroke();
      ctx.setLineDash([]);
    }
    const apart = Math.abs(plot.valToPos(plot.data[0]![1] ?? 1, 'x', true) - plot.valToPos(plot.data[0]![0]!, 'x', true)) / ratio;
    const dense = Math.min(1, 0.55 + apart / 14); // years of days: smaller dots
    const most = Math.max(...[...data.basis.marks.values()].map((mark) => mark.weight ?? 1), 1e-9);
    for (const [i, { weight, left }] of data.basis.marks) {
      if (!inside(i)) continue;
      const [x, y] = place(i);
      const share = Math.min((weight ?? most * 0.7) / most, 1);
      const size = (left === 'in' ? 1.8 + 2.2 * share : 3) * dense * ratio;
      ctx.globalAlpha = left === 'in' ? 0.3 + 0.7 * share : 0.85;
      ctx.strokeStyle = left === 'out' ? cross : colour;
      ctx.fillStyle = colour;
      ctx.beginPath();
      if (left === 'out') {
        ctx.moveTo(x - size, y - size);
        ctx.lineTo(x + size, y + size);
        ctx.moveTo(x + size, y - size);
        ctx.lineTo(x - size, y + size);
        ctx.stroke();
      } else {
        ctx.arc(x, y, size, 0, 2 * Math.PI);
        if (left === 'in') ctx.fill();
        else ctx.stroke();
      }
    }
    ctx.restore();
  };
}

/** The days of a cluster, as a band behind the curve. */
function band(data: CurveData, colour: string, half: number): (plot: uPlot) => void {
  return (plot) => {
    if (!data.within) return;
    const { ctx, bbox } = plot;
    const [from, to] = data.within.map((i, end) => plot.valToPos(plot.data[0]![i]! + (end ? half : -half), 'x', true)) as [number, number];
    const [left, right] = [Math.max(from, bbox.left), Math.min(to, bbox.left + bbox.width)];
    if (right <= left) return;
    ctx.save();
    ctx.globalAlpha = 0.14;
    ctx.fillStyle = colour;
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
    ctx.restore();
  };
}

/** The reader's letter size in pixels: larger on a wall. */
const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
export const axisWidth = () => Math.round(2.9 * rem());

export interface Frame {
  width: number;
  height: number;
  tag: string; // the reader's language
  zoomed: (from: number, to: number) => void;
  pointed: (i: number | null) => void;
  picked?: (i: number) => void; // a step was pressed, not dragged over
}

/** Tell presses from drags: a drag zooms. */
function presses(plot: uPlot, picked: (i: number) => void): void {
  let begun = 0;
  plot.over.addEventListener('mousedown', (event) => (begun = event.clientX));
  plot.over.addEventListener('click', (event) => {
    if (Math.abs(event.clientX - begun) < 4) picked(plot.posToIdx(event.clientX - plot.over.getBoundingClientRect().left));
  });
}

export function options(plot: typeof uPlot, data: CurveData, frame: Frame): uPlot.Options {
  const [muted, line, curve, bar, expected, upper, alarm, ghost, usual, cluster] = ['muted', 'line', 'curve', 'curve-bar', 'expected', 'upper', 'alarm', 'ghost', 'band', 'cluster'].map(ink) as [
    string, string, string, string, string, string, string, string, string, string,
  ];
  const size = rem();
  const font = `${0.75 * size}px ${ink('sans')}`;
  const gap = data.times.length > 1 ? ruler(data.times[1]!) - ruler(data.times[0]!) : 86_400;
  const asBars = data.kind === 'count';
  const bars = plot.paths.bars!({ size: [0.78, 26], align: 0 });
  const stepped = (colour: string): Partial<uPlot.Series> =>
    asBars ? { paths: bars, fill: colour, stroke: colour, width: 0, points: { show: false } } : { stroke: colour, width: 1.6, points: { show: data.times.length < 120, size: 4, fill: colour } };
  const number = new Intl.NumberFormat(frame.tag, { maximumFractionDigits: 2 });
  const axis = { stroke: muted, font, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1, size: 4 } };
  return {
    width: frame.width,
    height: frame.height,
    tzDate: (seconds) => plot.tzDate(new Date(seconds * 1000), 'UTC'),
    padding: [10, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 7, width: 2 }, drag: { x: true, y: false, setScale: true } },
    scales: {
      x: { time: true, range: (self, min, max) => stretch(self.data[0] as number[], min, max, gap) },
      y: { range: (_, min, max) => [Math.min(0, min ?? 0), max > 0 ? max * 1.12 : 1] },
    },
    axes: [
      { ...axis, grid: { show: false }, space: 4.4 * size, size: 1.9 * size, values: (_, splits, __, ___, increment) => splits.map((seconds, i) => label(seconds, increment, frame.tag, i === 0)) },
      { ...axis, size: axisWidth(), space: 2.25 * size, ...(asBars ? { incrs: WHOLE } : {}), values: (_, splits) => splits.map((value) => number.format(value)) },
    ],
    series: [
      {},
      { ...stepped(ghost), ...(asBars ? {} : { width: 1.2 }) },
      stepped(asBars ? bar : curve),
      asBars ? stepped(alarm) : { stroke: alarm, width: 0, points: { show: true, size: 6, fill: alarm } },
      { stroke: expected, width: 1.8, points: { show: false } },
      { stroke: upper, width: 1.4, dash: [5, 4], points: { show: false } },
    ],
    bands: [{ series: [5, 4], fill: usual }],
    hooks: {
      init: frame.picked ? [(self) => presses(self, frame.picked!)] : [],
      drawClear: [band(data, cluster, gap / 2)],
      draw: [basis(data, expected, alarm), marks(alarm)],
      setCursor: [(self) => frame.pointed(self.cursor.idx ?? null)],
      setScale: [(self, key) => key === 'x' && frame.zoomed(self.scales.x!.min!, self.scales.x!.max!)],
    },
  };
}

/** What is shown of the time: never less than four steps, and room for whole bars when all of it is in view. */
function stretch(x: number[], min: number, max: number, gap: number): [number, number] {
  if (max - min < gap * 4) return [(min + max) / 2 - gap * 2, (min + max) / 2 + gap * 2];
  return min === x[0] && max === x.at(-1) ? [min - gap * 0.6, max + gap * 0.6] : [min, max];
}

/** A tick's words: the year stands where the reader first needs it. */
function label(seconds: number, increment: number, tag: string, first: boolean): string {
  const date = new Date(seconds * 1000);
  const year = first || (date.getUTCMonth() === 0 && date.getUTCDate() <= Math.max(increment / 86_400, 1));
  const parts: Intl.DateTimeFormatOptions =
    increment < 86_400 ? { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', ...(date.getUTCHours() === 0 || first ? { month: 'short', day: 'numeric' } : {}) }
    : increment >= 365 * 86_400 ? { year: 'numeric' }
    : increment >= 28 * 86_400 ? { month: 'short', ...(year ? { year: 'numeric' } : {}) }
    : { month: 'short', day: 'numeric', ...(year ? { year: '2-digit' } : {}) };
  return new Intl.DateTimeFormat(tag, { ...parts, timeZone: 'UTC' }).format(date);
}
