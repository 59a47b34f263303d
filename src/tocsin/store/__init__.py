"""The only SQL and the only files: events, increments, findings, notes and evidence in one SQLite file. I/O."""
