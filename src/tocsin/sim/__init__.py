"""A made-up city from one seed: places, people, signals, delays, outbreaks, faults, and the score of alerts. Pure."""
