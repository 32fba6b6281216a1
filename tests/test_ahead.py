"""A thread that works ahead, and never for longer than it is wanted."""

import threading
import time

import pytest
import torch

from deepanon.ahead import ahead


def test_order_is_kept():
    assert list(ahead(iter(range(500)), 3)) == list(range(500))


def test_it_is_so_far_ahead_and_no_farther():
    made = []
    for item in ahead((made.append(i) or i for i in range(50)), 3):
        time.sleep(0.002)
        assert len(made) - item <= 6


def test_an_error_comes_after_what_came_before_it():
    def source():
        yield 1
        yield 2
        raise ValueError("broken")

    got = []
    with pytest.raises(ValueError, match="broken"):
        got.extend(iter(ahead(source())))  # extend keeps what came
    items = ahead(source())
    assert (next(items), next(items)) == (1, 2)


def test_it_ends_when_nobody_listens():
    before = threading.active_count()
    items = ahead(iter(range(10**9)))
    assert next(items) == 0
    items.close()
    assert threading.active_count() == before


def test_pytorch_computes_alone_in_the_thread_and_with_all_threads_elsewhere():
    before, seen = torch.get_num_threads(), []

    def source():
        for _ in range(3):
            yield torch.get_num_threads()

    torch.set_num_threads(2)
    try:
        assert list(ahead(source(), single=True)) == [1, 1, 1]
        assert list(ahead(source())) == [2, 2, 2]
        assert torch.get_num_threads() == 2
        later = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
        later.start()
        later.join()
        assert seen == [2]
    finally:
        torch.set_num_threads(before)
