"""`make scale`: what a center costs with many residents, many streams and a long log.

    python -m tools.scale            # every step at its full size; see docs/scale.md
    python -m tools.scale residents --size 10000 --store sqlite

`seeding` fills the store of a test center, `log_seeding` its audit log; nothing else may fill one
so.
"""
