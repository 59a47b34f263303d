-- Sums beside the tables they are made of, so that what is asked on each beat is a few rows to read, however many came.

-- What each source told of a signal in an hour and in a day of reports (UTC): by area, by hour of reference, by days of
-- delay. Events up to row `folded.seq` are in it; whoever reads it adds those after.
CREATE TABLE told (
  source INTEGER NOT NULL,
  signal INTEGER NOT NULL,
  part   INTEGER NOT NULL,                -- 0 area, 1 reference, 2 delay
  hours  INTEGER NOT NULL,                -- 1 or 24
  start  INTEGER NOT NULL,                -- hours since the epoch
  what   INTEGER NOT NULL,                -- an area's number, hours since the epoch, days
  events INTEGER NOT NULL,
  total  REAL    NOT NULL,                -- of their values
  PRIMARY KEY (source, signal, part, hours, start, what)
) WITHOUT ROWID;
CREATE TABLE folded (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL);

-- The first and the last step that any increment speaks of; one row.
CREATE TABLE span (one INTEGER PRIMARY KEY CHECK (one = 1), first INTEGER NOT NULL, last INTEGER NOT NULL);
INSERT INTO span (one, first, last) SELECT 1, MIN(step), MAX(step) FROM increment HAVING COUNT(*) > 0;

-- How many events were ever heard, new or not: asked for again and again, to see whether there is more to read; one row.
CREATE TABLE tide (one INTEGER PRIMARY KEY CHECK (one = 1), heard INTEGER NOT NULL);
INSERT INTO tide (one, heard) SELECT 1, SUM(events + duplicates) FROM arrival_day HAVING COUNT(*) > 0;
