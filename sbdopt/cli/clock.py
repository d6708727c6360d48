"""When this process began, as near as Python code can tell; imported before anything that takes time."""

import time

BEGIN = time.monotonic() - time.process_time()
"""What the interpreter took to start is processor time, and counts."""
