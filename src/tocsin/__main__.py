"""`python -m tocsin`. I/O."""

from tocsin.cli import main

main()
