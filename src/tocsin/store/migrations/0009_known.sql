-- Which events a key's digest names: what an index of keys would hold, but filled in sorted batches (`keys.py`), for keys
-- are random and such an index touches another page for each event. Events after `upto` are held in memory until then.

DROP INDEX event_key;
CREATE TABLE known (
  digest INTEGER NOT NULL,                -- of source and key; two keys may share one
  seq    INTEGER NOT NULL,
  PRIMARY KEY (digest, seq)
) WITHOUT ROWID;
CREATE TABLE known_upto (one INTEGER PRIMARY KEY, seq INTEGER NOT NULL);
INSERT INTO known_upto (one, seq) VALUES (1, 0);
