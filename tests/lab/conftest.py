"""The embedded twin is no part of the package: it is found where it lies."""

import sys
from pathlib import Path

EMBEDDED = Path(__file__).parents[2] / "lab" / "embedded"

if str(EMBEDDED) not in sys.path:
    sys.path.insert(0, str(EMBEDDED))
