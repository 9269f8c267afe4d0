"""What is said about a log and does not hold."""

from __future__ import annotations


class LogRefused(Exception):
    """What is said about the audit log does not hold. `rule` names what fails, echoing nothing."""

    def __init__(self, rule: str, facts: str = "") -> None:
        super().__init__(f"{rule}: {facts}" if facts else rule)
        self.rule = rule


class LogMalformed(LogRefused, ValueError):
    """Octets or values that no log has."""


class ProofInvalid(LogRefused):
    """A proof does not lead to the root of the tree of `size` leaves.

    `start` is what it starts from: the index of a leaf, or the size of the older tree.
    """

    def __init__(self, rule: str, *, start: int, size: int) -> None:
        super().__init__(rule, f"from {start} in {size} leaves")
        self.start = start
        self.size = size


class HeadNotTrusted(LogRefused):
    """A signed head is not one of the log that is trusted; `size` is that of its tree."""

    def __init__(self, rule: str, *, size: int) -> None:
        super().__init__(rule, f"head of {size} leaves")
        self.size = size


class ReceiptRefused(LogRefused):
    """A receipt is of the log, and not of the act that it came with."""
