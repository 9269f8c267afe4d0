"""`make scale`: what a center costs with many residents, many streams and a long log.

    python -m tools.scale            # every step at its full size; see docs/scale.md
    python -m tools.scale residents --count 10000

`seeding` fills the store of a test center, `log_seeding` its audit log; nothing else may fill one
so.
"""
