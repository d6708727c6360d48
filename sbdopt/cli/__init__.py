"""The command `sbdopt`, one file a verb: read files, call one function, print or write.

Whatever takes long to import is imported inside the verbs, so that `sbdopt --help` is fast.
"""

from sbdopt.cli.clock import BEGIN
from sbdopt.cli.main import main, start

__all__ = ["BEGIN", "main", "start"]
