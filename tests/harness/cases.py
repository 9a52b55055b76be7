"""Lines of tables, and names that no other test uses."""

import itertools
import os
import time

import pytest

normative = pytest.mark.normative

_numbers = itertools.count(1)
_run = f"{os.getpid():x}{int(time.time()) % 46656:x}"


def case(ids, what, *values):
    """A line of a parametrized table: the statements it proves, what it is, its values."""
    marks = [normative(*ids.split())] if ids else []
    return pytest.param(*values, id=what, marks=marks)


def unique(prefix="c"):
    """A client identifier or topic level; at most 23 bytes with a short prefix."""
    return f"{prefix}{_run}n{next(_numbers)}"
