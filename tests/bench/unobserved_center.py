"""A center that neither counts its calls nor writes them down, to see what these cost; G8 alone.

There is no such switch: a center without its access log is no center. Tracing is as shipped, which
is off. The line of the log is still made as a record, and is then thrown away.
"""

from __future__ import annotations

from juki_center.cli import main as center
from juki_center.rpc.access_log import AccessLog
from juki_center.rpc.metrics import Metrics


def main() -> None:
    """Run `juki-center` with both left out."""
    AccessLog.record = _nothing  # type: ignore[method-assign]  # this is what is measured
    Metrics.count = _nothing  # type: ignore[method-assign]  # as above
    center()


def _nothing(*_: object, **__: object) -> None:
    """Do nothing."""


if __name__ == "__main__":
    main()
