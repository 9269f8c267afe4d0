"""The gRPC edge: translation, identity, authorisation."""

from __future__ import annotations
