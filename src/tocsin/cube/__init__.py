"""Events to increments, increments to counts as of any moment. Pure."""
