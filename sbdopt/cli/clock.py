"""When this process began, as near as Python code can tell; imported before anything that takes time."""

import time

BEGIN = time.monotonic()
