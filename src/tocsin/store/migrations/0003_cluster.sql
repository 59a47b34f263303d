-- What the scans on the beat said, and where an alarm behind an alert was raised if not in the alert's own area.

-- One row a run: of which counts (a digest of all the scan looked at), and p of its best cluster, NULL = it found none.
CREATE TABLE scan (
  scan   TEXT    NOT NULL,
  signal TEXT    NOT NULL,
  at     INTEGER NOT NULL,
  digest TEXT    NOT NULL,
  p      REAL,
  PRIMARY KEY (scan, signal, at)
) WITHOUT ROWID;

-- The clusters a run told, or told the end of; `what` is JSON: members, place, dates, figures.
CREATE TABLE cluster (
  scan   TEXT    NOT NULL,
  signal TEXT    NOT NULL,
  at     INTEGER NOT NULL,
  id     TEXT    NOT NULL,
  change TEXT    NOT NULL,
  what   TEXT    NOT NULL,
  PRIMARY KEY (scan, signal, at, id)
) WITHOUT ROWID;
CREATE INDEX cluster_id ON cluster (id, at);

CREATE TABLE evidence_then (
  alert    TEXT    NOT NULL,
  detector TEXT    NOT NULL,
  step     INTEGER NOT NULL,
  observed REAL    NOT NULL,
  at       INTEGER NOT NULL,
  expected REAL,
  upper    REAL,
  score    REAL,
  p        REAL,
  area     TEXT    NOT NULL DEFAULT '',
  PRIMARY KEY (alert, area, detector, step, observed, at)
) WITHOUT ROWID;
INSERT INTO evidence_then (alert, detector, step, observed, at, expected, upper, score, p)
  SELECT alert, detector, step, observed, at, expected, upper, score, p FROM evidence;
DROP TABLE evidence;
ALTER TABLE evidence_then RENAME TO evidence;
