"""What can go wrong with workers: they do not start, or nobody supervises them.

CenterError
  WorkersFailed
  RenewalFailed
  SupervisorAbsent
"""

from __future__ import annotations

from juki_center.errors import CenterError


class WorkersFailed(CenterError):
    """No worker serves, and those that were started died before they did."""

    def __init__(self, *, starts: int, code: int) -> None:
        super().__init__(
            f"no worker got ready in {starts} starts of each; the last one ended with {code}"
        )
        self.starts = starts
        self.code = code


class RenewalFailed(CenterError):
    """A new worker died before it was ready, so that the others were not replaced."""

    def __init__(self) -> None:
        super().__init__("a new worker ended before it was ready; no other is replaced")


class SupervisorAbsent(CenterError):
    """Nobody answers where a supervisor takes orders."""

    def __init__(self, place: str) -> None:
        super().__init__(f"no supervisor answers at {place}")
        self.place = place
