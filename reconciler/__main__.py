"""`sgctl`, and `python -m reconciler`, which is the same."""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Until the command runs, Ctrl-C ends the process: nothing has happened that Python's traceback could tell.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from reconciler.cli import main

if __name__ == "__main__":
    main()
