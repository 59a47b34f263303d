/** Civil steps and moments as text: steps carry no zone and never move, moments are shown in the city's zone. */

const CIVIL: Record<string, Intl.DateTimeFormatOptions> = {
  short: { month: 'short', day: 'numeric' },
  long: { year: 'numeric', month: 'short', day: 'numeric', weekday: 'short' },
};
const MOMENT: Record<string, Intl.DateTimeFormatOptions> = {
  short: { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  long: { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  clock: { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
};
const made = new Map<string, Intl.DateTimeFormat>();

function format(tag: string, zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${tag} ${zone} ${JSON.stringify(options)}`;
  let found = made.get(key);
  if (!found) made.set(key, (found = new Intl.DateTimeFormat(tag, { ...options, timeZone: zone })));
  return found;
}

/** Seconds since 1970 of a civil step read as if it were UTC: a ruler for axes, not a moment. */
export const ruler = (text: string) => Date.parse(text.length <= 10 ? `${text}T00:00Z` : `${text}Z`) / 1000;

export function civil(text: string, tag: string, form: 'short' | 'long'): string {
  const options = text.length > 10 ? { ...CIVIL[form], hour: '2-digit' as const, minute: '2-digit' as const, hourCycle: 'h23' as const } : CIVIL[form]!;
  return format(tag, 'UTC', options).format(new Date(ruler(text) * 1000));
}

export function moment(text: string, tag: string, zone: string, form: 'short' | 'long' | 'clock'): string {
  return format(tag, zone, MOMENT[form]!).format(new Date(text));
}

export const dayBefore = (day: string, days: number) => new Date(Date.parse(`${day}T00:00Z`) - days * 86_400_000).toISOString().slice(0, 10);
export const daysBetween = (first: string, last: string) => Math.round((ruler(last.slice(0, 10)) - ruler(first.slice(0, 10))) / 86_400);

/** The civil date of a moment in the city's zone, as YYYY-MM-DD. */
export const dateIn = (text: string, zone: string) =>
  format('sv-SE', zone, { year: 'numeric', month: '2-digit', day: '2-digit' }).format(new Date(text));
