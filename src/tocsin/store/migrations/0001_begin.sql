-- The store, version 1. Moments are microseconds UTC; steps are civil minutes; a NULL value is NaN.

CREATE TABLE source (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE area   (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE);
CREATE TABLE signal (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, step TEXT NOT NULL);

-- One file, or one request, taken in. `items` is how far it got: after a crash the same bytes go on from there.
CREATE TABLE delivery (
  id       INTEGER PRIMARY KEY,
  source   INTEGER NOT NULL REFERENCES source,
  file     TEXT    NOT NULL,
  sha256   TEXT    NOT NULL,
  mapping  TEXT    NOT NULL,              -- digest of the mapping it was read with
  received INTEGER NOT NULL,
  items    INTEGER NOT NULL DEFAULT 0,
  events   INTEGER NOT NULL DEFAULT 0,
  duplicates INTEGER NOT NULL DEFAULT 0,
  findings INTEGER NOT NULL DEFAULT 0,
  done     INTEGER NOT NULL DEFAULT 0,
  UNIQUE (source, sha256, mapping)
);

-- Facts, never changed and never deleted. The newest row of a (source, key) is what the source says now.
CREATE TABLE event (
  seq            INTEGER PRIMARY KEY,
  source         INTEGER NOT NULL REFERENCES source,
  key            TEXT    NOT NULL,
  signal         INTEGER NOT NULL REFERENCES signal,
  area           INTEGER NOT NULL REFERENCES area,
  reference_time INTEGER NOT NULL,
  report_time    INTEGER NOT NULL,
  value          REAL,
  imported       TEXT    NOT NULL,
  delivery       INTEGER NOT NULL REFERENCES delivery
);
CREATE INDEX event_key ON event (source, key, seq);

-- What the events say of the cells: derived, rebuilt from `event` at any time, and never changed either.
CREATE TABLE increment (
  seq         INTEGER PRIMARY KEY,
  signal      INTEGER NOT NULL,
  area        INTEGER NOT NULL,
  step        INTEGER NOT NULL,
  report_time INTEGER NOT NULL,
  value       REAL    NOT NULL,
  n           INTEGER NOT NULL,
  imported    TEXT    NOT NULL
);
CREATE INDEX increment_signal ON increment (signal, seq);

-- When each source was heard, by report minute; a repeated delivery counts as heard but adds no event.
CREATE TABLE arrival (
  source INTEGER NOT NULL,
  minute INTEGER NOT NULL,                -- minutes since the epoch, UTC
  events INTEGER NOT NULL,
  PRIMARY KEY (source, minute)
) WITHOUT ROWID;

CREATE TABLE finding (
  id       INTEGER PRIMARY KEY,
  delivery INTEGER NOT NULL REFERENCES delivery,
  source   INTEGER NOT NULL REFERENCES source,
  file     TEXT    NOT NULL,
  line     INTEGER NOT NULL,
  field    TEXT    NOT NULL,
  value    TEXT    NOT NULL,
  code     TEXT    NOT NULL,
  message  TEXT    NOT NULL,
  raw      BLOB    NOT NULL,
  kept     INTEGER NOT NULL,
  key      TEXT    NOT NULL,
  at       INTEGER NOT NULL,
  closed   INTEGER                        -- when the mended record arrived, NULL = open
);
CREATE INDEX finding_open ON finding (source, file) WHERE closed IS NULL;
CREATE INDEX finding_key ON finding (source, key) WHERE closed IS NULL AND key <> '';

-- What was said of alerts, by the system and by people: alerts are folded from these.
CREATE TABLE note (
  seq    INTEGER PRIMARY KEY,
  alert  TEXT    NOT NULL,
  at     INTEGER NOT NULL,
  who    TEXT    NOT NULL,
  action TEXT    NOT NULL,
  what   TEXT    NOT NULL,
  UNIQUE (alert, at, who, action, what)
);
CREATE INDEX note_at ON note (at);

-- The alarms behind an alert, as they were when first raised with that count.
CREATE TABLE evidence (
  alert    TEXT    NOT NULL,
  detector TEXT    NOT NULL,
  step     INTEGER NOT NULL,
  observed REAL    NOT NULL,
  at       INTEGER NOT NULL,
  expected REAL,
  upper    REAL,
  score    REAL,
  p        REAL,
  PRIMARY KEY (alert, detector, step, observed, at)
) WITHOUT ROWID;

CREATE TABLE tick (at INTEGER PRIMARY KEY);

CREATE TABLE fault (at INTEGER NOT NULL, part TEXT NOT NULL, message TEXT NOT NULL, UNIQUE (at, part, message));
