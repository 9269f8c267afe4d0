"""The checks that `make check` runs, as far as they are our own.

Each module finds one kind of mistake: `findings` is a plain function that a test can feed with a
wrong input, and the module runs as a program whose exit status says whether there were any.
"""
