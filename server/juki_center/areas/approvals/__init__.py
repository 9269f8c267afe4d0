"""Approvals: what one person proposes, another approves, and an act uses up."""
