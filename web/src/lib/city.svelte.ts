/** What the page knows of the city: its signals and areas, read once; its alerts and sources, kept fresh by the stream. */
import { api, ApiError } from './api';
import { speech } from './language.svelte';
import { live, type Counts, type Tick } from './live.svelte';
import type { Alert, Alerts, Area, City, DetectorRun, Health, Shapes, Signal, Source, Title } from './wire';

const MOST = 200; // alerts asked for at once
const PATIENCE = 20_000; // ms; what is on the screen is read anew at most this often

class Known {
  city = $state.raw<City | null>(null);
  signals = $state.raw<Signal[]>([]);
  areas = $state.raw<Area[]>([]);
  alerts = $state.raw<Alerts | null>(null);
  sources = $state.raw<Source[] | null>(null);
  health = $state.raw<Health | null>(null);
  error = $state.raw<ApiError | null>(null);
  judged = $state<string | null>(null); // the last tick's moment
  version = $state(0); // grows when what is on the screen should be read again
  counted = $state.raw<Record<string, { time: string; value: number | null }>>({}); // newest counts, by signal and area
  arrived = $state.raw<Alert | null>(null); // the newest alert, to be said aloud
  byCode = $derived(new Map(this.areas.map((area) => [area.code, area])));
  bySignal = $derived(new Map(this.signals.map((signal) => [signal.name, signal])));
  methods = $state.raw<Record<string, Title | string>>({}); // names of detectors, as the curves say them
  private drawn: Promise<Shapes | null> | null = null;
  private due: ReturnType<typeof setTimeout> | undefined;
  private turned = 0;

  async start(): Promise<void> {
    live.listen((heard) => {
      if (heard.kind === 'counts') this.count(heard.counts);
      else if (heard.kind === 'source') this.source(heard.source);
      else if (heard.kind === 'alert') this.alert(heard.alert);
      else if (heard.kind === 'progress' && this.city) this.city = { ...this.city, progress: heard.progress };
      else if (heard.kind === 'tick') this.tick(heard.tick);
      if (heard.kind === 'alert' || heard.kind === 'again') this.soon();
    });
    live.start();
    await this.read();
  }

  async read(): Promise<void> {
    try {
      const [city, signals, areas] = await Promise.all([api.city(), api.signals(), api.areas()]);
      speech.zone = city.zone;
      this.city = city;
      this.signals = signals;
      this.areas = areas;
      this.judged = city.as_of;
      this.error = null;
      await this.refresh();
    } catch (reason) {
      if (!(reason instanceof ApiError)) throw reason;
      this.error = reason;
      if (reason.status !== 401) setTimeout(() => void this.read(), 5_000);
    }
  }

  /** Each part on its own: one that fails does not keep the others from the screen. */
  async refresh(): Promise<void> {
    await Promise.all([
      api.alerts(MOST).then((read) => (this.alerts = read)),
      api.sources().then((read) => (this.sources = read)),
      api.health().then((read) => (this.health = read)),
      api.city().then((read) => {
        this.city = read;
        this.judged = read.as_of;
      }),
    ]);
  }

  /** The city's shapes, fetched when first wanted; null where it has none. */
  shapes(): Promise<Shapes | null> {
    this.drawn ??= this.city?.has_map ? api.shapes().catch(() => ((this.drawn = null), null)) : Promise.resolve(null);
    return this.drawn;
  }

  private count(counts: Counts): void {
    const news = counts.cells.map((cell) => [`${cell.signal}\n${cell.area}`, { time: cell.time, value: cell.value }]);
    this.counted = { ...this.counted, ...Object.fromEntries(news) };
    if (counts.more) this.soon();
  }

  learn(runs: DetectorRun[]): void {
    const news = runs.filter((run) => !(run.name in this.methods));
    if (news.length) this.methods = { ...this.methods, ...Object.fromEntries(news.map((run) => [run.name, run.title])) };
  }

  levelTitle(level: string): Record<'zh' | 'en', string> {
    return this.city?.level_titles?.[level] ?? LEVELS[level] ?? { zh: level, en: level };
  }

  /** Many changes come at once: ask for the ranked list once, a moment after the last of them. */
  private soon(): void {
    clearTimeout(this.due);
    this.due = setTimeout(() => void this.refresh().catch(() => undefined), 400);
  }

  private tick({ as_of, alerts }: Tick): void {
    this.judged = as_of;
    if (Date.now() - this.turned > PATIENCE) {
      this.turned = Date.now();
      this.version += 1;
    }
    if (alerts.opened + alerts.changed + alerts.closed) this.soon();
  }

  private source(row: Source): void {
    const rows = this.sources ?? [];
    this.sources = rows.some((old) => old.name === row.name) ? rows.map((old) => (old.name === row.name ? row : old)) : [...rows, row];
  }

  private alert(given: Alert): void {
    if (!this.alerts) return;
    const known = this.alerts.alerts.some((old) => old.id === given.id);
    if (known) this.alerts = { ...this.alerts, alerts: this.alerts.alerts.map((old) => (old.id === given.id ? { ...old, ...given } : old)) };
    else this.arrived = given;
  }
}

const LEVELS: Record<string, { zh: string; en: string }> = {
  city: { zh: '全市', en: 'City' },
  county: { zh: '县市', en: 'County' },
  district: { zh: '区', en: 'District' },
  town: { zh: '街镇', en: 'Town' },
  street: { zh: '街道', en: 'Street' },
  village: { zh: '村里', en: 'Village' },
  community: { zh: '社区', en: 'Community' },
};

export const known = new Known();
