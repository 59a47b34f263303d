/** What the server says: the shapes of /api/v1, and nothing that is not on the wire. */

export interface Title {
  zh: string;
  en: string;
}
export type Numbers = (number | null)[];
export type Severity = 'red' | 'orange' | 'yellow' | 'blue';
export type Phase = 'open' | 'growing' | 'quiet' | 'ended';
export type State = 'new' | 'acknowledged' | 'verifying' | 'confirmed' | 'excluded' | 'responding' | 'closed';
export type Action = 'acknowledge' | 'verify' | 'confirm' | 'exclude' | 'respond' | 'close' | 'reopen' | 'comment';

export interface Progress {
  part: 'records' | 'days';
  done: number;
  total: number;
  day: string | null; // the day judged last
}

export interface City {
  name: string;
  title: Title;
  zone: string;
  simulated: boolean;
  levels: string[];
  level_titles?: Record<string, Title>;
  budget: number;
  now: string;
  as_of: string | null;
  first: string | null;
  last: string | null;
  version: string;
  languages: string[];
  has_map: boolean;
  can_write: boolean;
  progress: Progress | null; // before its first beat, if there is work to do
}

export interface Signal {
  name: string;
  title: Title;
  kind: 'count' | 'measure';
  step: string;
  domain: string;
  unit: string;
  levels: string[];
  detectors: string[];
  severity: number; // how grave this signal is, 1 = usual
}

export interface Area {
  code: string;
  parent: string;
  level: string;
  title: Title;
  longitude: number | null;
  latitude: number | null;
  population: number | null;
}

export interface DetectorRun {
  name: string;
  title: Title | string;
  cite: string;
  rule: boolean; // its threshold alone opens an alert
  window: number; // how many steps' sum it compares
  observed: Numbers; // that sum
  expected: Numbers;
  upper: Numbers;
  score: Numbers;
  p: Numbers;
}

export interface Alarm {
  time: string;
  detector: string;
  observed: number | null;
  expected: number | null;
  upper: number | null;
  p: number | null;
}

export interface Series {
  signal: string;
  area: string;
  as_of: string;
  step: string;
  times: string[];
  values: Numbers;
  population: number | null;
  detectors: DetectorRun[];
  alarms: Alarm[];
  alerts: string[];
  first: string | null;
  last: string | null;
}

export interface Why {
  name: string;
  title: Title;
  fallback: boolean; // it speaks because all detectors of the signal are silent here
  alarm: boolean;
  silent: string; // why it says nothing; empty where it speaks
  observed: number | null;
  expected: number | null;
  upper: number | null;
  score: number | null;
  p: number | null;
  window: number;
  quiet: number | null;
  dispersion: number | null;
  trend: string;
  trend_p: number | null;
  trend_per_year: number | null;
  has: number;
  needs: number;
  baseline: { time: string; value: number | null; weight: number | null; left_out: boolean }[];
  recent: string[];
  text: Title[];
}

export interface Explanation {
  signal: string;
  area: string;
  as_of: string;
  time: string;
  observed: number | null;
  p: number | null;
  speaks: boolean | null;
  quiet: number | null;
  text: Title[];
  detectors: Why[];
}

export interface Spark {
  times: string[];
  values: Numbers;
  expected: Numbers;
  upper: Numbers;
  window: { start: string; end: string } | null; // the days of the cluster that speaks
}

/** Under a count that was nowcast: how much of it was reported, and its 95 % interval. */
export interface Estimated {
  reported: number | null;
  low: number | null;
  high: number | null;
}

export interface Alert {
  id: string;
  rank: number | null;
  signal: string;
  signal_title: Title;
  area: string;
  area_title: Title;
  path: Title[];
  level: string;
  opened: string;
  last: string;
  phase: Phase;
  state: State;
  severity: Severity;
  p: number | null;
  q: number | null; // p among all that a beat judged, where the city goes by a false discovery rate
  observed: number | null;
  expected: number | null;
  ratio: number | null;
  ratio_range: { low: number | null; middle: number | null; high: number | null } | null;
  imported_share: number | null;
  detectors: string[];
  reason: Title;
  spark: Spark;
  updated: string;
  estimated: Estimated | null;
  explained_by: string[]; // alerts of smaller areas within, or of a cluster around, that say the same
  members: string[]; // the areas of the cluster that speaks, its centre first; empty: no cluster does
}

export interface Evidence {
  at: string;
  detector: string;
  time: string;
  observed: number | null;
  expected: number | null;
  upper: number | null;
  score: number | null;
  p: number | null;
  area: string; // where, if it is not the alert's own area
  estimated: Estimated | null;
}

export interface Cluster {
  id: string;
  scan: string;
  signal: string;
  at: string;
  change: 'new' | 'ongoing' | 'grown' | 'shrunk' | 'ended';
  alerting: boolean; // at or over the scan's recurrence interval
  center: string;
  latitude: number | null;
  longitude: number | null;
  radius_km: number | null;
  members: { code: string; observed: number | null; expected: number | null }[];
  start: string;
  end: string;
  observed: number | null;
  expected: number | null;
  relative_risk: number | null;
  llr: number | null;
  p: number | null;
  recurrence_days: number | null;
  reported: number | null; // share of its cases that was reported when it was told; observed and expected are of reports
  alert: string | null;
}

export interface Scan {
  scan: string;
  signal: string;
  signal_title: Title;
  model: 'permutation' | 'poisson' | 'ebp' | 'ebnb';
  level: string;
  recurrence_days: number;
  ran: string | null;
  p: number | null;
  q: number | null;
  clusters: Cluster[];
}

export interface Clusters {
  as_of: string;
  scans: Scan[];
}

export interface Note {
  seq: number;
  at: string;
  who: string;
  action: string;
  text: string;
}

export interface AlertDetail extends Alert {
  evidence: Evidence[];
  notes: Note[];
  actions: Action[];
  cluster: Cluster | null;
  kin: Cluster[]; // what other scans say of the same cluster
}

export interface Alerts {
  as_of: string | null;
  budget: number;
  total: number;
  alerts: Alert[];
}

export interface MapArea {
  code: string;
  value: number | null;
  expected: number | null;
  upper: number | null;
  score: number | null;
  p: number | null;
  rate_per_100k: number | null;
  window_sum: number | null;
  complete?: number | null; // put in by the map from /completeness
}

export interface MapPin {
  id: string;
  area: string;
  phase: Phase;
  state: State;
}

export interface MapDay {
  signal: string;
  level: string;
  as_of: string;
  time: string | null;
  areas: MapArea[];
  alerts: MapPin[];
}

export type SourceState = 'ok' | 'late' | 'silent' | 'never';

export interface Feed {
  kind: 'mllp' | 'mqtt' | 'kafka' | 'poll' | 'sftp';
  state: 'starting' | 'up' | 'paused' | 'down' | 'standby';
  since: string | null;
  last_message: string | null;
  messages: number;
  errors: number;
  problem: string;
}

export type FeedState = 'ok' | 'late' | 'silent' | 'half' | 'filled' | '';

export interface Completeness {
  as_of: string;
  limit: number;
  days: string[];
  sources: { name: string; title: Title | string; states: FeedState[]; events: number[]; alert: string | null }[];
  signals: { name: string; title: Title | string; complete: (number | null)[] }[];
  areas: { code: string; complete: number | null }[];
}

export interface Source {
  name: string;
  title: Title | string;
  owner: string;
  every: string;
  last_seen: string | null;
  lag_minutes: number | null;
  state: SourceState;
  events: number;
  findings_open: number;
  duplicates: number;
  feed: Feed | null;
  median_delay_days: number | null;
  recent: { date: string; events: number }[];
}

export interface Finding {
  id: number | string;
  source: string;
  file: string;
  line: number;
  field: string;
  value: string;
  code: string;
  message: string;
  kept: boolean;
  at: string;
  alike?: number;
}

export interface Findings {
  total: number;
  findings: Finding[];
}

export interface Health {
  status: 'ok' | 'degraded';
  version: string;
  events: number;
  as_of: string | null;
  last_tick: string | null;
  behind_seconds: number | null;
  faults: { at: string; part: string; message: string }[];
}

export interface Shape {
  type: 'Feature';
  properties: { code: string } & Record<string, unknown>;
  geometry: { type: 'Polygon'; coordinates: number[][][] } | { type: 'MultiPolygon'; coordinates: number[][][][] };
}

export interface Shapes {
  type: 'FeatureCollection';
  features: Shape[];
}
