"""What work costs, however loaded the machine is."""

import time
from collections.abc import Callable


def quickest(work: Callable[[], object]) -> float:
    """The least processor time of three runs, in seconds: the first one may load a library."""
    spent = []
    for _ in range(3):
        begun = time.thread_time()
        work()
        spent.append(time.thread_time() - begun)
    return min(spent)
