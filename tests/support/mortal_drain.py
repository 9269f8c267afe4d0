"""A center that dies at a chosen write of a drain: `python -m tests.support.mortal_drain`.

Its arguments are the store's folder and before which write SIGKILL comes, 0 for never. It delivers
everything that waits and prints how many writes that took.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from juki_center.cli.queue_drain import drain
from tests.support.center import NOW
from tests.support.mortal_moves import Countdown, counted_store


def main() -> None:
    """Deliver, and perhaps die."""
    countdown = Countdown(int(sys.argv[2]))
    store = counted_store(Path(sys.argv[1]), countdown)
    asyncio.run(drain(store, lambda: NOW))
    store.close()
    sys.stdout.write(str(countdown.writes))


if __name__ == "__main__":
    main()
