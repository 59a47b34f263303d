-- Evidence on a nowcast: what had been reported of `observed`, and the 95 % interval; NULL = judged on what was reported.

ALTER TABLE evidence ADD COLUMN reported REAL;
ALTER TABLE evidence ADD COLUMN low REAL;
ALTER TABLE evidence ADD COLUMN high REAL;
