"""From alarms to what a person works on: fusion, episodes, triage, severity, ranking, reasons. Pure."""
