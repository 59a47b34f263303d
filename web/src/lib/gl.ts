/** MapLibre's side of the map: a style with no addresses in it, and data given as it changes. */
import { Map as Gl, setWorkerUrl, type GeoJSONSource, type StyleSpecification } from 'maplibre-gl';
import worker from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url';
import { ring } from './circle';
import type { Bounds, Place } from './places';
import type { Pin } from './sheet';
import { ink } from './theme.svelte';
import type { Cluster } from './wire';

setWorkerUrl(worker);

export type { Gl };
export interface Point {
  code: string;
  name: string;
  at: [number, number];
}

const NONE = { type: 'FeatureCollection' as const, features: [] };

/** A small pattern of stripes that says "not reported". */
function stripes(ground: string, stripe: string): ImageData {
  const size = 16;
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size;
  const ctx = canvas.getContext('2d')!;
  ctx.fillStyle = ground;
  ctx.fillRect(0, 0, size, size);
  ctx.strokeStyle = stripe;
  ctx.lineWidth = 3;
  for (const from of [-size, 0, size]) {
    ctx.beginPath();
    ctx.moveTo(from, size);
    ctx.lineTo(from + size, 0);
    ctx.stroke();
  }
  return ctx.getImageData(0, 0, size, size);
}

function style(): StyleSpecification {
  const [bg, surface, strong, text, muted, cluster] = ['raised', 'surface', 'line-strong', 'ink', 'muted', 'cluster'].map(ink) as [string, string, string, string, string, string];
  const fill = ['to-color', ['feature-state', 'fill'], 'rgba(0,0,0,0)'] as never;
  return {
    version: 8,
    sources: {
      areas: { type: 'geojson', data: NONE, promoteId: 'code' },
      points: { type: 'geojson', data: NONE, promoteId: 'code' },
      pins: { type: 'geojson', data: NONE },
      members: { type: 'geojson', data: NONE },
      circles: { type: 'geojson', data: NONE },
    },
    layers: [
      { id: 'ground', type: 'background', paint: { 'background-color': bg } },
      { id: 'absent', type: 'fill', source: 'areas', paint: { 'fill-pattern': 'stripes' } },
      { id: 'fill', type: 'fill', source: 'areas', paint: { 'fill-color': fill, 'fill-antialias': false } },
      { id: 'line', type: 'line', source: 'areas', paint: { 'line-color': strong, 'line-width': ['interpolate', ['linear'], ['zoom'], 8, 0.5, 13, 1.4] } },
      { id: 'over', type: 'line', source: 'areas', paint: { 'line-color': text, 'line-width': ['case', ['boolean', ['feature-state', 'over'], false], 2.4, 0] } },
      { id: 'members', type: 'fill', source: 'members', paint: { 'fill-color': cluster, 'fill-opacity': 0.22 } },
      { id: 'edges', type: 'line', source: 'members', paint: { 'line-color': cluster, 'line-width': 1.6 } },
      { id: 'circles', type: 'line', source: 'circles', paint: { 'line-color': cluster, 'line-width': 2.2, 'line-dasharray': [3, 2] } },
      { id: 'dots', type: 'circle', source: 'points', filter: ['get', 'alone'], paint: { 'circle-radius': ['interpolate', ['linear'], ['zoom'], 7, 4, 12, 11], 'circle-color': ['to-color', ['feature-state', 'fill'], surface], 'circle-stroke-color': ['case', ['boolean', ['feature-state', 'over'], false], text, muted], 'circle-stroke-width': 1.2 } },
      { id: 'halo', type: 'circle', source: 'pins', paint: { 'circle-radius': 11, 'circle-color': ['get', 'ink'], 'circle-opacity': 0.25 } },
      { id: 'pins', type: 'circle', source: 'pins', filter: ['!', ['get', 'alone']], paint: { 'circle-radius': 6, 'circle-color': ['get', 'ink'], 'circle-stroke-color': surface, 'circle-stroke-width': 2 } },
      { id: 'rings', type: 'circle', source: 'pins', filter: ['get', 'alone'], paint: { 'circle-radius': 12, 'circle-color': 'rgba(0,0,0,0)', 'circle-stroke-color': ['get', 'ink'], 'circle-stroke-width': 3 } },
      { id: 'names', type: 'symbol', source: 'points', layout: { 'symbol-sort-key': ['get', 'turn'], 'text-field': ['get', 'name'], 'text-font': ['sans-serif'], 'text-size': ['interpolate', ['linear'], ['zoom'], 9, 11, 13, 14], 'text-padding': 5, 'text-offset': [0, 1.15], 'text-max-width': 7 }, paint: { 'text-color': text, 'text-halo-color': surface, 'text-halo-width': 1.4 } },
    ],
  };
}

export function make(container: HTMLElement, tag: string): Gl {
  const map = new Gl({
    container,
    style: style(),
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    renderWorldCopies: false,
    localIdeographFontFamily: ink('sans'),
    maxZoom: 16,
    fadeDuration: 0,
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.getCanvas().setAttribute('lang', tag);
  map.on('style.load', () => map.addImage('stripes', stripes(ink('surface'), ink('hatch')), { pixelRatio: 2 }));
  return map;
}

/** Put the theme's colours on, keeping what is drawn. */
export function dress(map: Gl): void {
  map.setStyle(style(), { diff: false });
}

const source = (map: Gl, name: string) => map.getSource<GeoJSONSource>(name);

export function draw(map: Gl, list: Place[]): void {
  source(map, 'areas')?.setData({
    type: 'FeatureCollection',
    features: list.map((place) => ({ type: 'Feature', properties: { code: place.code }, geometry: place.shape.geometry })),
  });
}

/** The areas' points and names; where names have no room, those of clusters come first, their centres before all. */
export function label(map: Gl, points: Point[], alone: boolean, clusters: Cluster[]): void {
  const centres = new Set(clusters.map((cluster) => cluster.center));
  const members = new Set(clusters.flatMap((cluster) => cluster.members.map((member) => member.code)));
  source(map, 'points')?.setData({
    type: 'FeatureCollection',
    features: points.map(({ code, name, at }) => ({ type: 'Feature', properties: { code, name, alone, turn: centres.has(code) ? 0 : members.has(code) ? 1 : 2 }, geometry: { type: 'Point', coordinates: at } })),
  });
}

export function paint(map: Gl, codes: string[], fills: Map<string, string>): void {
  for (const name of ['areas', 'points']) {
    if (!source(map, name)) continue;
    for (const id of codes) map.setFeatureState({ source: name, id }, { fill: fills.get(id) ?? null });
  }
}

/** Alerts as discs; as rings where areas are dots (`alone`), whose shade must stay in sight. */
export function pin(map: Gl, pins: Pin[], alone: boolean, at: (code: string) => [number, number] | null): void {
  source(map, 'pins')?.setData({
    type: 'FeatureCollection',
    features: pins.flatMap((alert) => {
      const place = at(alert.code);
      return place ? [{ type: 'Feature' as const, properties: { alone, ink: ink(alert.severity ?? 'soft') }, geometry: { type: 'Point' as const, coordinates: place } }] : [];
    }),
  });
}

/** Clusters: their areas shaded, their circles drawn; one area alone is its own circle. */
export function gather(map: Gl, list: Place[], clusters: Cluster[]): void {
  const members = new Set(clusters.flatMap((cluster) => cluster.members.map((member) => member.code)));
  source(map, 'members')?.setData({
    type: 'FeatureCollection',
    features: list.filter((place) => members.has(place.code)).map((place) => ({ type: 'Feature', properties: {}, geometry: place.shape.geometry })),
  });
  source(map, 'circles')?.setData({
    type: 'FeatureCollection',
    features: clusters.flatMap(({ longitude, latitude, radius_km }) =>
      longitude === null || latitude === null || !radius_km
        ? []
        : [{ type: 'Feature' as const, properties: {}, geometry: { type: 'LineString' as const, coordinates: ring(longitude, latitude, radius_km) } }],
    ),
  });
}

export const frame = (map: Gl, box: Bounds) => map.fitBounds(box, { padding: { top: 40, bottom: 88, left: 28, right: 28 }, animate: false, maxZoom: 13 });
