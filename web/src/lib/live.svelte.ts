/**
 * The live stream, read with fetch rather than EventSource: it carries the token, and it hears the heartbeat
 * (a comment, which EventSource hides), so a dead line is noticed and said.
 */
import { BASE } from './api';
import { token } from './token.svelte';
import type { Alert, Progress, Source } from './wire';

export interface Tick {
  as_of: string;
  alerts: { opened: number; changed: number; closed: number };
}
export interface Counts {
  as_of: string;
  cells: { signal: string; area: string; time: string; value: number | null }[];
  more: boolean;
}
export type Heard = { kind: 'tick'; tick: Tick } | { kind: 'counts'; counts: Counts } | { kind: 'alert'; alert: Alert } | { kind: 'source'; source: Source } | { kind: 'progress'; progress: Progress } | { kind: 'again' };

const SILENCE = 40_000; // the heartbeat comes every 15 s
const STALE = 60_000;

/** Cut a stream of text into (event, data, id); returns what is left over. Lines may end in \n, \r\n or \r. */
export function parse(buffer: string, emit: (event: string, data: string, id: string | null) => void): string {
  const blocks = buffer.replace(/\r\n?/g, '\n').split('\n\n');
  const rest = blocks.pop() ?? '';
  for (const block of blocks) {
    let event = 'message';
    let id: string | null = null;
    const data: string[] = [];
    for (const line of block.split('\n')) {
      const colon = line.indexOf(':');
      if (colon === 0) continue;
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (field === 'event') event = value;
      else if (field === 'data') data.push(value);
      else if (field === 'id') id = value;
    }
    if (data.length || id !== null) emit(event, data.join('\n'), id);
  }
  return rest;
}

class Live {
  state = $state<'connecting' | 'live' | 'reconnecting' | 'stale'>('connecting');
  heard = $state(0); // ms since the epoch of the last byte
  private last = '';
  private listeners = new Set<(heard: Heard) => void>();
  private running = false;
  private wake: (() => void) | null = null;

  listen(listener: (heard: Heard) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  start(): void {
    if (this.running) return;
    this.running = true;
    this.heard = Date.now();
    void this.run();
    addEventListener('online', () => this.wake?.());
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && this.wake?.());
    setInterval(() => {
      if (this.state !== 'live' && Date.now() - this.heard > STALE) this.state = 'stale';
    }, 2_000);
  }

  private tell(heard: Heard): void {
    for (const listener of this.listeners) listener(heard);
  }

  private async run(): Promise<void> {
    let wait = 1_000;
    let before = false;
    while (true) {
      const began = Date.now();
      try {
        await this.read(() => {
          this.state = 'live';
          if (before) this.tell({ kind: 'again' });
          before = true;
        });
      } catch {
        // the line broke; what follows says so
      }
      if (this.state === 'live') this.state = 'reconnecting';
      wait = Date.now() - began > 30_000 ? 1_000 : Math.min(wait * 1.7, 20_000);
      await new Promise<void>((done) => {
        const timer = setTimeout(done, wait);
        this.wake = () => {
          clearTimeout(timer);
          done();
        };
      });
      this.wake = null;
    }
  }

  private async read(opened: () => void): Promise<void> {
    const abort = new AbortController();
    const headers: Record<string, string> = { Accept: 'text/event-stream' };
    if (this.last) headers['Last-Event-ID'] = this.last;
    if (token.value) headers.Authorization = `Bearer ${token.value}`;
    const answer = await fetch(`${BASE}/live`, { headers, signal: abort.signal, cache: 'no-store' });
    if (answer.status !== 200 || !answer.body) throw new Error(String(answer.status)); // 204 is no line either
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    opened();
    let rest = '';
    let watch: ReturnType<typeof setTimeout> | undefined;
    const patience = () => {
      clearTimeout(watch);
      watch = setTimeout(() => abort.abort(), SILENCE);
      this.heard = Date.now();
    };
    patience();
    try {
      while (true) {
        const { done, value } = await reader.read();
        if (done) return;
        patience();
        rest = parse(rest + value, (event, data, id) => this.take(event, data, id));
      }
    } finally {
      clearTimeout(watch);
    }
  }

  private take(event: string, data: string, id: string | null): void {
    if (id !== null) this.last = id;
    if (!data) return;
    const body = JSON.parse(data) as never;
    if (event === 'tick') this.tell({ kind: 'tick', tick: body });
    else if (event === 'alert') this.tell({ kind: 'alert', alert: body });
    else if (event === 'counts') this.tell({ kind: 'counts', counts: body });
    else if (event === 'source') this.tell({ kind: 'source', source: body });
    else if (event === 'progress') this.tell({ kind: 'progress', progress: body });
    else if (event === 'reset') this.tell({ kind: 'again' }); // too much was missed to be told one by one
  }
}

export const live = new Live();
