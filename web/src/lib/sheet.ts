/** What every map is given, whichever way it draws. */
import type { Place } from './places';
import type { Scale, Shading } from './shade';
import type { Cluster, MapArea, Severity, State } from './wire';

export interface Pin {
  id: string;
  code: string;
  area: string; // where the alert is, at or below `code`
  state: State;
  severity: Severity | null; // null: it is not on today's list
}

export interface SheetProps {
  list: Place[]; // empty: areas are points
  rows: Map<string, MapArea>;
  scale: Scale;
  by: Shading;
  alerts: Pin[];
  clusters: Cluster[]; // those that stand: their areas and circles are drawn
  level: string;
  unit: string;
  rated: boolean; // counts have rates, measurements have not
  pointed: string | null;
  onpoint: (code: string | null) => void;
  onchoose: (code: string) => void;
}
