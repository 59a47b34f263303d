/** What every map is given, whichever way it draws. */
import type { Place } from './places';
import type { Scale, Shading } from './shade';
import type { MapArea, Severity } from './wire';

export interface Pin {
  id: string;
  code: string;
  severity: Severity;
}

export interface SheetProps {
  list: Place[]; // empty: areas are points
  rows: Map<string, MapArea>;
  scale: Scale;
  by: Shading;
  alerts: Pin[];
  level: string;
  unit: string;
  pointed: string | null;
  onpoint: (code: string | null) => void;
  onchoose: (code: string) => void;
}
