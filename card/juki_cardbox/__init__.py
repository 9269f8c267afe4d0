"""Virtual cards as things to hold: files, a slot with power, a place in a PC/SC reader.

What a card answers is not here: that is the pure table in `juki_card.virtual`.
"""
