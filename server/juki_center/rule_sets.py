"""The law in force, as the configuration names it."""

from __future__ import annotations

from enum import StrEnum


class RuleSet(StrEnum):
    """The law in force, by the day from which it applies; never derived from the clock."""

    R2003_08 = "2003-08"
    R2004_03_08 = "2004-03-08"
    R2010_11_26 = "2010-11-26"
    R2012_07_09 = "2012-07-09"
    R2023_02_06 = "2023-02-06"
