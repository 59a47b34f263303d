"""Where bytes come from, one way a file. I/O."""
