"""`python -m reconciler`: the same as `sgctl`."""

from reconciler.cli import main

main()
