"""What becomes of a process's memory when it crashes: nothing of it is written anywhere.

A core dump of a terminal would hold a PIN, one of a center whole records.
"""

from __future__ import annotations

import ctypes
import resource
import sys
from typing import Final

_SET_DUMPABLE: Final = 4
"""PR_SET_DUMPABLE (prctl(2)); it also keeps other processes of the same user out."""


def forbid_core_dumps() -> None:
    """Keep this process's memory out of core files, also where the system pipes them on."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # Where a program takes the dumps, the limit alone does not hold.
        ctypes.CDLL(None, use_errno=True).prctl(_SET_DUMPABLE, 0, 0, 0, 0)
