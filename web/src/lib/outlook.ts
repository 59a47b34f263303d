/** What the server says of nowcasts, R, imports and what-ifs. */
import type { Numbers, Title } from './wire';

export interface Range {
  low: number | null;
  middle: number | null;
  high: number | null;
}

export interface Interval {
  mean_days: number;
  sd_days: number;
  cite: string;
}

export interface Nowcast {
  signal: string;
  area: string;
  as_of: string;
  seen: string;
  step: string;
  judged: 'reported' | 'nowcast';
  times: string[];
  reported: Numbers;
  open: number;
  levels: number[];
  nowcast: Numbers[];
  r: Numbers[];
  growth: Numbers[];
  above_one: Numbers;
  interval: Interval | null;
  why_no_nowcast: Title | null;
  why_no_r: Title | null;
}

export interface Severity {
  outcome: string;
  title: Title;
  cases: number | null;
  outcomes: number | null;
  crude: Range;
  adjusted: Range;
  known: number | null;
}

export interface OutlookSignal {
  signal: string;
  title: Title;
  area: string;
  levels: string[];
  judged: 'reported' | 'nowcast';
  seen: string;
  last: string;
  step: string;
  reported: number | null;
  nowcast: Range;
  before: Range;
  r: Range | null;
  above_one: number | null;
  growth: Range | null;
  doubling_days: Range | null;
  interval: Interval | null;
  why_no_r: Title | null;
  why_no_nowcast: Title | null;
  severity: Severity[];
  knows_imports: boolean;
}

export interface Outlook {
  as_of: string;
  window: number;
  signals: OutlookSignal[];
}

export interface BoardArea {
  code: string;
  title: Title;
  imported: Range;
  imported_share: Range;
  days_since_imported: Range;
  expected_arrivals: number | null; // a day, now
  expected_imports: Range; // of the window
  local: Range;
  r: Range;
  above_one: number | null;
  explained: number | null;
  chain_since: string | null;
  days_since_local: Range;
  over: number | null;
}

export interface Boards {
  signal: string;
  level: string;
  as_of: string;
  window_days: number;
  knows_imports: boolean;
  knows_travel: boolean;
  interval: Interval | null;
  why_no_r: Title | null;
  areas: BoardArea[];
}

export interface Ahead {
  cases: Numbers[];
  beds: Numbers[];
  total: Range;
  beds_peak: Range;
}

export interface Scenario {
  signal: string;
  level: string;
  as_of: string;
  seed: number;
  times: string[];
  levels: number[];
  without: Ahead;
  measured: Ahead;
  days_gained: Range;
  averted: Range;
  areas: { code: string; title: Title; without: Range; measured: Range }[];
  mixed: boolean;
  assumptions: string[];
}
