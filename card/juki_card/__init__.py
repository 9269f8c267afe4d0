"""The card protocol "Juki-EAC 1" (BSI TR-03110 EACv2), both ends, pure.

Nothing here does I/O, knows the time or makes randomness: flows yield commands, the virtual card
is a function of (state, command), and keys, nonces and dates are arguments.
"""
