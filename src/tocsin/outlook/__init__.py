"""What is really going on: the store's increments to nowcasts, R, imports, severity and what-ifs of a city. I/O."""
