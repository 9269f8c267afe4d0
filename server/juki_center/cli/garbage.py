"""How often a server looks for garbage: seldom, since calls leave hardly any that must be found.

What a call makes goes with its last reference. Looking for cycles walks over what lives at that
moment, so it is paid by every call; what was made before the first one lives as long as the server
does and is not walked over any more.
"""

from __future__ import annotations

import gc
from typing import Final

_NEW_OBJECTS: Final = 20_000
_YOUNG_ROUNDS: Final = 20


def settle() -> None:
    """Set it, once all parts of a server are there."""
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, _YOUNG_ROUNDS, _YOUNG_ROUNDS)
