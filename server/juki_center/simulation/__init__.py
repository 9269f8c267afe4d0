"""A simulated year: invented residents, the real acts, a clock that runs as fast as they allow.

`plan` decides who does what and when, from a seed; `town` does it with the acts of the areas;
`audit` reads the store afterwards and recomputes what must hold, without the acts' own rules.
"""
