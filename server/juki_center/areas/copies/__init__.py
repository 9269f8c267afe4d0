"""Copies of the certificate of residence, issued at any municipality's window."""

from __future__ import annotations
