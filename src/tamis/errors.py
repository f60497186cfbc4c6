"""The two ways in which Tamis says no."""


class TamisError(Exception):
    """Base of both errors; its message is one sentence that names where, what and the fix.

    Args:
        message: the sentence.
        kind: its name in the catalogue of `tamis.refusals`, such as `column-missing`.

    `under_way` says whether work had begun, so that finished parts of it may lie in the output folder.
    """

    def __init__(self, message: str = "", kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.under_way = False


class Refused(TamisError):
    """The request or its input cannot be used as it is: nothing was written, change it and ask again.

    Examples:
        >>> import tamis
        >>> tamis.select({"x": [1, 2]}, "top:x", budget=0)
        Traceback (most recent call last):
        ...
        tamis.errors.Refused: budget '0': it keeps nothing; ask for more than 0
    """


class Broken(TamisError):
    """Something failed while work was under way: finished shards are kept, the same request resumes."""

    def __init__(self, message: str = "", kind: str = "") -> None:
        super().__init__(message, kind)
        self.under_way = True
