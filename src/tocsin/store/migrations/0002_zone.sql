-- By which clock the steps of `increment` were made; one row.

CREATE TABLE clock (one INTEGER PRIMARY KEY CHECK (one = 1), zone TEXT NOT NULL);
