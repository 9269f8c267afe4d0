"""Makes, renews and explains every key and certificate of the network."""

from __future__ import annotations
