"""How many threads PyTorch computes with belongs to a thread."""

import threading

import pytest
import torch

from deepanon.threads import compute_with


@pytest.fixture
def two():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_threads_that_begin_together_have_theirs_and_all_others_the_common_count(two):
    """Over and over: each begins with what was set last anywhere."""
    for _ in range(20):
        seen, gate = {}, threading.Barrier(6)

        def run(count, seen=seen, gate=gate):
            gate.wait()
            compute_with(count)
            seen[count] = torch.get_num_threads()

        threads = [threading.Thread(target=run, args=(count,)) for count in (1, 3, 4, 5, 6, 7)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == {count: count for count in (1, 3, 4, 5, 6, 7)}
        assert torch.get_num_threads() == 2
        later = []
        thread = threading.Thread(target=lambda later=later: later.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        assert later == [2]
