-- Bytes of what came as messages, compressed, until the retention time has passed; files are kept beside the store.

CREATE TABLE message (
  sha256   TEXT    NOT NULL PRIMARY KEY,
  received INTEGER NOT NULL,
  data     BLOB    NOT NULL
);
CREATE INDEX message_received ON message (received);

ALTER TABLE arrival ADD COLUMN duplicates INTEGER NOT NULL DEFAULT 0;
