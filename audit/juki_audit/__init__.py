"""The audit log as anybody can check it: its tree, its signed heads, its leaves and receipts.

Pure: no I/O, no clock, no randomness. The center writes the log by it, terminals, agencies and
auditors check it by it.
"""
