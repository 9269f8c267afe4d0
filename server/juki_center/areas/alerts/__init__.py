"""Watching the watchers: what the log shows of those who use the system."""
