/** The reader's language, remembered, and everything that depends on it: words, titles, numbers, dates. */
import { civil, moment } from './dates';
import { recall, remember } from './remember';
import type { Title } from './wire';
import { WORDS, type Word } from './words';

export type Language = 'zh' | 'en';

function first(): Language {
  const kept = recall('language');
  if (kept === 'zh' || kept === 'en') return kept;
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

class Speech {
  language = $state<Language>(first());
  zone = $state('UTC'); // the city's, once known
  tag = $derived(this.language === 'zh' ? 'zh-CN' : 'en');

  set(language: Language): void {
    this.language = language;
    remember('language', language);
  }

  toggle(): void {
    this.set(this.language === 'zh' ? 'en' : 'zh');
  }
}

export const speech = new Speech();

export function t(word: Word, fill: Record<string, string | number> = {}): string {
  let text: string = WORDS[word][speech.language === 'zh' ? 0 : 1];
  for (const [key, value] of Object.entries(fill)) text = text.replace(`{${key}}`, String(value));
  return text;
}

/** A title in the reader's language, or in the other one where that is all there is. */
export function title(given: Title | string | null | undefined, otherwise = ''): string {
  if (!given) return otherwise;
  if (typeof given === 'string') return given || otherwise;
  const [mine, other] = speech.language === 'zh' ? [given.zh, given.en] : [given.en, given.zh];
  return mine || other || otherwise;
}

/** A detector's name; a scan's word among the evidence stands under "scan:" and the scan's name. */
const FEEDS = ['late', 'silent', 'half', 'shifted:area', 'shifted:delay', 'shifted:value', 'shifted:hour'] as const;

export function method(name: string, titles: Record<string, Title | string>): string {
  const feed = FEEDS.find((word) => word === name);
  if (feed) return t(`feed.${feed}`);
  return name.startsWith('scan:') ? t('scan.method', { name: name.slice(5) }) : title(titles[name], name.replaceAll('_', ' '));
}

/** A count as it is, a mean with as many digits as it deserves; what was not reported is a dash. */
export function number(value: number | null | undefined, digits?: number): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  const places = digits ?? (Number.isInteger(value) || size >= 100 ? 0 : size >= 1 ? 1 : 2);
  return new Intl.NumberFormat(speech.tag, { maximumFractionDigits: places, minimumFractionDigits: Number.isInteger(value) ? 0 : Math.min(places, 1) }).format(value);
}

export function chance(p: number | null | undefined): string {
  if (p === null || p === undefined) return '–';
  if (p < 1e-12) return '< 10⁻¹²';
  if (p >= 0.001) return number(p, 3);
  const power = Math.floor(Math.log10(p));
  const digits = [...String(-power)].map((digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)]).join('');
  return `${Math.round(p / 10 ** power)} × 10⁻${digits}`;
}

export function percent(share: number): string {
  return new Intl.NumberFormat(speech.tag, { style: 'percent', maximumFractionDigits: 0 }).format(share);
}

/** A civil step, "2026-03-02" or "2026-03-02T08:05", as people write it. */
export const step = (text: string | null | undefined, form: 'short' | 'long' = 'short') => (text ? civil(text, speech.tag, form) : '–');

/** A moment, in the city's zone. */
export const when = (text: string | null | undefined, form: 'short' | 'long' | 'clock' = 'short') =>
  text ? moment(text, speech.tag, speech.zone, form) : '–';

/** Minutes as a person says them. */
export function lasting(minutes: number | null | undefined): string {
  if (minutes === null || minutes === undefined) return '–';
  if (minutes < 1) return t('unit.now');
  if (minutes < 90) return t('unit.minutes', { n: Math.round(minutes) });
  if (minutes < 48 * 60) return t('unit.hours', { n: Math.round(minutes / 60) });
  return t('unit.days', { n: Math.round(minutes / 1440) });
}

/** So many steps of a series as people say them: "7 days", "4 weeks"; shorter steps by the time they take. */
export function span(n: number, step: string): string {
  const [, size, letter] = /^(\d+)(min|h|d|w)/.exec(step) ?? [];
  const unit = ({ min: 'minute', h: 'hour', d: 'day', w: 'week' } as const)[letter ?? 'd'] ?? 'day';
  const all = n * Number(size ?? 1);
  if (unit === 'minute' && all % 60 === 0) return span(all / 60, '1h');
  return t(all === 1 ? `span.${unit}.one` : `span.${unit}`, { n: number(all) });
}

/** "per day", "per week". */
export function per(step: string): string {
  const [, size, letter] = /^(\d+)(min|h|d|w)/.exec(step) ?? [];
  const unit = ({ min: 'minute', h: 'hour', d: 'day', w: 'week' } as const)[letter ?? 'd'] ?? 'day';
  return t(`per.${unit}`, { n: Number(size ?? 1) });
}

/** A median with its 95 % interval; the number alone where the interval has no width. */
export function between(r: { low: number | null; middle: number | null; high: number | null } | null | undefined, show: (v: number) => string = (v) => number(v, 0)): string {
  if (!r || r.middle === null) return '–';
  if (r.low === r.high) return show(r.middle);
  const word = (r.low ?? 0) < 0 || (r.high ?? 0) < 0 ? 'nowcast.between.signed' : 'nowcast.between'; // −3–5 reads badly
  return t(word, { middle: show(r.middle), low: r.low === null ? '–' : show(r.low), high: r.high === null ? '–' : show(r.high) });
}

/** Two digits always, so that a column of R lines up. */
export const two = (v: number) => new Intl.NumberFormat(speech.tag, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(v);

/** A change as a share: "+2.1%", "−9.0%". */
export const rate = (v: number) => new Intl.NumberFormat(speech.tag, { style: 'percent', signDisplay: 'exceptZero', minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(v);
