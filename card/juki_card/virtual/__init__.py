"""The card side as a pure table: (state, command) -> (state', response).

`process` in `card` is the door; `memory` is what lasts without power, `session` what does not. A
blank chip has a table of its own, `blank`, and a memory of its own, until it becomes a card. A
driver gives power, saves memory and moves octets: see `juki_cardbox`.
"""
