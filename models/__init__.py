"""Model packs: manifests, sources, installation, conversion and the engines they run on. No Django.

ONNX Runtime reports usage to its maker unless it is told not to before its first import
(decision D6). Every module that imports it lives below this package, so the variable is
set here, once, before any of them can run.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
