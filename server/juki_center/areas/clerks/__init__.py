"""Clerks: who they are, what each may do until when, and at which terminal they are signed in."""
