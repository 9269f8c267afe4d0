"""A program that imports a file until it is killed, and says after each commit how far it is.

Started with a folder, a file and a mode; prints the last line that counts. Its transactions are
small, so that many of them fall into a short file. Whoever starts it kills it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from juki_center.areas.residents.imports import Import, ImportMode
from juki_center.storage import import_run
from juki_center.storage.import_run import Around
from tests.support.center import NOW
from tests.support.register_files import import_into

LINES = 20


def say(importing: Import) -> None:
    """Print how far the import is; it is durable by then, unless it is one as a whole."""
    print(importing.line, flush=True)


if __name__ == "__main__":
    import_run.LINES_IN_A_TRANSACTION = LINES  # type: ignore[misc]  # this process is a test's
    folder, file, mode = sys.argv[1:]
    import_into(Path(folder), Path(file), ImportMode(mode), around=Around(lambda: NOW, say))
    print("done", flush=True)
