"""The card desk's own client: suspends a card while its holder is on the telephone."""

from __future__ import annotations
