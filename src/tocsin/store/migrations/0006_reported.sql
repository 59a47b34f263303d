-- What each source told on one day: read once a day and source, to see whether what it sends has changed.

CREATE INDEX event_reported ON event (source, report_time);
