-- The arrivals of each UTC day since the epoch, summed: people look at days, and minutes grow without end.

CREATE TABLE arrival_day (
  source     INTEGER NOT NULL,
  day        INTEGER NOT NULL,
  events     INTEGER NOT NULL,
  duplicates INTEGER NOT NULL,
  PRIMARY KEY (source, day)
) WITHOUT ROWID;
INSERT INTO arrival_day (source, day, events, duplicates)
  SELECT source, (minute - (minute % 1440 + 1440) % 1440) / 1440, SUM(events), SUM(duplicates) FROM arrival
  GROUP BY 1, 2;
