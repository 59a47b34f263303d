"""What is really going on: delays, nowcasts, reproduction numbers, imports, severity, scenarios. Pure."""
