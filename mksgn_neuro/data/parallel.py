"""Map over many small things on all cores, in order, with a bounded number of results in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from mksgn_neuro.cores import usable_cores

A, B = TypeVar("A"), TypeVar("B")
CHUNK = 32


def in_order(
    work: Callable[[A], B], items: Sequence[A], progress: Callable[[int, int], None] | None = None
) -> Iterator[B]:
    """`work(item)` for each item. Threads, for what is slow here (inflating, the compiled scan) releases the GIL."""
    cores = usable_cores()
    chunks = (items[i : i + CHUNK] for i in range(0, len(items), CHUNK))
    done = 0
    with ThreadPoolExecutor(cores) as pool:
        submit = lambda chunk: pool.submit(lambda: [work(item) for item in chunk])
        waiting = deque(map(submit, islice(chunks, 3 * cores)))
        try:
            while waiting:
                results = waiting.popleft().result()
                waiting.extend(map(submit, islice(chunks, 1)))
                for result in results:
                    yield result
                    done += 1
                if progress:
                    progress(done, len(items))
        finally:
            for future in waiting:
                future.cancel()
