"""Cases that make every refusal of the catalogue happen: `cases_AREA.py` hold them, `running` makes one happen.

A case is made by `select(kind, words, …)`, which adds words to a usual `tamis select`, by `command(kind, words, …)`, or
by `call(kind, function, …)` for what only Python can ask. The first case of a kind is its example in the documentation.
"""
