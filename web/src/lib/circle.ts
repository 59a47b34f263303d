/** The outline of a cluster's window: a circle on the earth. */
import type { Cluster } from './wire';

const EARTH = 6367; // km, as the scan takes it
const CORNERS = 72;

/** Longitude, latitude of a closed ring so many km around a place. */
export function ring(longitude: number, latitude: number, km: number): [number, number][] {
  const [lat, lon, arc] = [(latitude * Math.PI) / 180, (longitude * Math.PI) / 180, km / EARTH];
  return Array.from({ length: CORNERS + 1 }, (_, i) => {
    const turn = ((i % CORNERS) * 2 * Math.PI) / CORNERS;
    const north = Math.asin(Math.sin(lat) * Math.cos(arc) + Math.cos(lat) * Math.sin(arc) * Math.cos(turn));
    const east = Math.atan2(Math.sin(turn) * Math.sin(arc) * Math.cos(lat), Math.cos(arc) - Math.sin(lat) * Math.sin(north));
    return [((lon + east) * 180) / Math.PI, (north * 180) / Math.PI];
  });
}

/** Every corner of the clusters' circles. */
export const circles = (clusters: Cluster[]): [number, number][] =>
  clusters.flatMap(({ longitude, latitude, radius_km }) => (longitude === null || latitude === null || !radius_km ? [] : ring(longitude, latitude, radius_km)));
