"""What is called: one module for each kind of call. Its end is what the run counts."""

from __future__ import annotations
