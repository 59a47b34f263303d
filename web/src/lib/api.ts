/** Asking the server: one function that asks, one error that says what went wrong. */
import type { Boards, Nowcast, Outlook, Scenario } from './outlook';
import { token } from './token.svelte';
import type { Action, AlertDetail, Alerts, Area, City, Clusters, Completeness, Explanation, Findings, Health, MapDay, Series, Shapes, Signal, Source } from './wire';

export const BASE = '/api/v1';

export class ApiError extends Error {
  constructor(
    readonly status: number, // 0: the server could not be reached
    readonly code: string,
    message: string,
    readonly allowed: Action[] = [],
  ) {
    super(message);
  }
}

type Query = Record<string, string | number | null | undefined>;

function address(path: string, query: Query = {}): string {
  const words = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') words.set(key, String(value));
  }
  const text = words.toString();
  return BASE + path + (text ? `?${text}` : '');
}

async function ask<T>(path: string, query?: Query, init: RequestInit = {}): Promise<T> {
  const headers = new Headers(init.headers);
  headers.set('Accept', 'application/json');
  if (token.value) headers.set('Authorization', `Bearer ${token.value}`);
  let answer: Response;
  try {
    answer = await fetch(address(path, query), { ...init, headers });
  } catch (reason) {
    if (reason instanceof DOMException && reason.name === 'AbortError') throw reason;
    throw new ApiError(0, 'unreachable', '');
  }
  if (answer.ok) return (await answer.json()) as T;
  const body = (await answer.json().catch(() => ({}))) as { error?: { code?: string; message?: string; allowed?: Action[] } };
  if (answer.status === 401) token.refused();
  throw new ApiError(answer.status, body.error?.code ?? String(answer.status), body.error?.message ?? answer.statusText, body.error?.allowed);
}

export const api = {
  city: () => ask<City>('/city'),
  signals: () => ask<Signal[]>('/signals'),
  areas: (level?: string) => ask<Area[]>('/areas', { level }),
  shapes: () => ask<Shapes>('/areas.geojson'),
  series: (signal: string, area: string, asOf: string | null, from: string | null, to: string | null, abort?: AbortSignal) =>
    ask<Series>('/series', { signal, area, as_of: asOf, from, to }, { signal: abort ?? null }),
  explain: (signal: string, area: string, time: string, detector: string | null, asOf: string | null, abort?: AbortSignal) =>
    ask<Explanation>('/explain', { signal, area, time, detector, as_of: asOf }, { signal: abort ?? null }),
  map: (signal: string, level: string, asOf: string | null, abort?: AbortSignal) =>
    ask<MapDay>('/map', { signal, level, as_of: asOf }, { signal: abort ?? null }),
  clusters: (signal: string, asOf: string | null, abort?: AbortSignal) =>
    ask<Clusters>('/clusters', { signal, as_of: asOf }, { signal: abort ?? null }),
  nowcast: (signal: string, area: string, asOf: string | null, abort?: AbortSignal) =>
    ask<Nowcast>('/nowcast', { signal, area, as_of: asOf }, { signal: abort ?? null }),
  outlook: (asOf: string | null, abort?: AbortSignal) => ask<Outlook>('/outlook', { as_of: asOf }, { signal: abort ?? null }),
  boards: (signal: string, level: string, asOf: string | null, abort?: AbortSignal) =>
    ask<Boards>('/boards', { signal, level, as_of: asOf }, { signal: abort ?? null }),
  scenario: (query: Query, abort?: AbortSignal) => ask<Scenario>('/scenario', query, { signal: abort ?? null }),
  alerts: (limit: number) => ask<Alerts>('/alerts', { limit }),
  alert: (id: string) => ask<AlertDetail>(`/alerts/${encodeURIComponent(id)}`),
  note: (id: string, action: Action, who: string, text: string) =>
    ask<AlertDetail>(`/alerts/${encodeURIComponent(id)}/notes`, undefined, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ action, who, text }),
    }),
  completeness: (signal?: string, level?: string, asOf?: string | null, abort?: AbortSignal) =>
    ask<Completeness>('/completeness', { signal, level, as_of: asOf }, { signal: abort ?? null }),
  sources: () => ask<Source[]>('/sources'),
  findings: (source: string | null, limit: number, kinds: boolean) => ask<Findings>('/findings', { source, limit, kinds: String(kinds) }),
  health: () => ask<Health>('/health'),
};
