"""An agency's client: confirms identities, one by one and in batches, and watches changes."""

from __future__ import annotations
