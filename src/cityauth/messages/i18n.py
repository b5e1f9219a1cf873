"""How a code is marked, so that ``pybabel extract -k N_`` finds it."""


def N_(code: str) -> str:  # noqa: N802 - the name that gettext tools know
    """*code* itself: the mark alone matters, for the catalogues are read later by the code."""
    return code
