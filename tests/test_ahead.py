"""A thread that works ahead, and never for longer than it is wanted."""

import threading
import time

import pytest
import torch

from deepanon.ahead import ahead, side_by_side


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


def tasks(count, act):
    return ((lambda i=i: act(i)) for i in range(count))


def test_calls_run_side_by_side_and_come_in_order():
    meet = threading.Barrier(2)  # each call waits for another one that runs

    def met(i):
        meet.wait(60)
        return i

    assert list(side_by_side(tasks(40, met), 2)) == list(range(40))
    assert list(side_by_side(tasks(0, met), 2)) == []


@pytest.mark.parametrize(("threads", "size"), [(1, 1), (1, 4), (2, 4), (3, 2)])
def test_so_many_at_once_and_so_far_ahead(threads, size):
    lock, now, most, begun = threading.Lock(), 0, 0, 0

    def act(i):
        nonlocal now, most, begun
        with lock:
            begun, now = begun + 1, now + 1
            most = max(most, now)
        time.sleep(0.001)
        with lock:
            now -= 1
        return i

    for item in side_by_side(tasks(60, act), threads, size):
        assert begun - item <= size
    assert most == min(threads, size)


def test_what_fails_comes_after_what_came_before_it():
    def fails(i):
        if i == 3:
            raise ValueError("broken")
        time.sleep(0.01 * (3 - i) if i < 3 else 0)
        return i

    def ends(count):
        yield from tasks(count, lambda i: i)
        raise ValueError("no more")

    for calls, why, before in ((tasks(9, fails), "broken", 3), (ends(3), "no more", 3), (ends(0), "no more", 0)):
        got, threads = [], threading.active_count()
        with pytest.raises(ValueError, match=why):
            got.extend(iter(side_by_side(calls, 2)))
        assert got == list(range(before))
        assert threading.active_count() == threads


def test_what_nobody_waits_for_is_not_begun():
    called, before = [], threading.active_count()
    items = side_by_side(tasks(10**9, lambda i: called.append(i) or time.sleep(0.05)), 1, 8)
    next(items)
    items.close()
    assert len(called) <= 3
    assert threading.active_count() == before


def test_calls_compute_in_one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert list(side_by_side(tasks(6, lambda i: torch.get_num_threads()), 2)) == [1] * 6
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
