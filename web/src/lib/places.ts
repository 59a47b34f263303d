/** Which shapes stand for which areas, and where they lie on a sheet of paper. */
import type { Area, Shape, Shapes } from './wire';

export interface Place {
  code: string; // an area of the level that is looked at
  shape: Shape;
}
export type Bounds = [west: number, south: number, east: number, north: number];

/** The area's ancestor (or itself) at a level, "" where there is none. */
export function climb(code: string, level: string, byCode: Map<string, Area>): string {
  let area = byCode.get(code);
  for (let steps = 0; area && steps < 20; steps += 1) {
    if (area.level === level) return area.code;
    area = byCode.get(area.parent);
  }
  return '';
}

/** The shapes of a level; where it has none of its own, those of the areas inside, coloured as their ancestor. */
export function places(shapes: Shapes | null, level: string, byCode: Map<string, Area>): Place[] {
  if (!shapes) return [];
  const own = shapes.features.filter((shape) => byCode.get(String(shape.properties.code))?.level === level);
  const used = own.length ? own : shapes.features;
  return used.map((shape) => ({ code: climb(String(shape.properties.code), level, byCode), shape })).filter((place) => place.code);
}

function rings(shape: Shape): number[][][] {
  return shape.geometry.type === 'Polygon' ? shape.geometry.coordinates : shape.geometry.coordinates.flat();
}

export function bounds(points: Iterable<readonly number[]>): Bounds | null {
  const box: Bounds = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of points) {
    if (x === undefined || y === undefined) continue;
    box[0] = Math.min(box[0], x);
    box[1] = Math.min(box[1], y);
    box[2] = Math.max(box[2], x);
    box[3] = Math.max(box[3], y);
  }
  return Number.isFinite(box[0]) ? box : null;
}

export const holds = (box: Bounds, other: Bounds) => box[0] <= other[0] && box[1] <= other[1] && box[2] >= other[2] && box[3] >= other[3];

export const corners = (list: Place[]) => list.flatMap((place) => rings(place.shape).flat());

export type Project = (longitude: number, latitude: number) => [number, number];

const mercator = (latitude: number) => (180 / Math.PI) * Math.log(Math.tan(Math.PI / 4 + (latitude * Math.PI) / 360));

/** Fit bounds into a sheet, in Mercator's projection. */
export function fit(box: Bounds, width: number, height: number, margin: number): Project {
  const [west, east, south, north] = [box[0], box[2], mercator(box[1]), mercator(box[3])];
  const scale = Math.min((width - 2 * margin) / Math.max(east - west, 1e-6), (height - 2 * margin) / Math.max(north - south, 1e-6));
  const left = (width - (east - west) * scale) / 2;
  const up = (height - (north - south) * scale) / 2;
  return (longitude, latitude) => [left + (longitude - west) * scale, up + (north - mercator(latitude)) * scale];
}

export function outline(shape: Shape, project: Project): Path2D {
  const path = new Path2D();
  for (const ring of rings(shape)) {
    ring.forEach(([x, y], i) => (i ? path.lineTo(...project(x!, y!)) : path.moveTo(...project(x!, y!))));
    path.closePath();
  }
  return path;
}

/** The middle of a shape, for those areas that do not say where they are. */
export function middle(shape: Shape): [number, number] {
  const box = bounds(rings(shape).flat())!;
  return [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
}
