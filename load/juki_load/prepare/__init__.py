"""Making the folder of a run, and entering its residents, cards and agencies at a test center."""

from __future__ import annotations
