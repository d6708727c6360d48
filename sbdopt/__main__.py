"""`python -m sbdopt` is the command `sbdopt`."""

import sys

from sbdopt.cli import start

sys.exit(start())
