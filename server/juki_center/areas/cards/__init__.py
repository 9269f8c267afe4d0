"""Cards and card sessions: the register of serials, their states, finished authentications."""

from __future__ import annotations
