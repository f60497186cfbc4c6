"""The two ways in which Tamis says no."""


class TamisError(Exception):
    """Base of both errors; its message is one sentence that names what, where and the fix."""


class Refused(TamisError):
    """The request or its input cannot be used as it is: nothing was written, change it and ask again.

    Examples:
        >>> raise Refused("budget 0 keeps nothing: give at least 1 row")
        Traceback (most recent call last):
        ...
        tamis.errors.Refused: budget 0 keeps nothing: give at least 1 row
    """


class Broken(TamisError):
    """Something failed while work was under way: finished shards are kept, the same request resumes."""
