"""The card side as a pure table: (state, command) -> (state', response).

`process` in `card` is the door; `memory` is what lasts without power, `session` what does not. A
driver gives power, saves memory and moves octets: see `juki_cardbox`.
"""
