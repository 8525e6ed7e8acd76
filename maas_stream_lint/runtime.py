"""Where this Python runs. In a browser it has no threads, and the browser makes all connections."""

from __future__ import annotations

import sys

IN_BROWSER = sys.platform in ("emscripten", "wasi")
