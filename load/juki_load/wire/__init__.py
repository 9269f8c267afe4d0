"""gRPC as frames: HTTP/2 written directly, so that a request costs the generator little."""

from __future__ import annotations
