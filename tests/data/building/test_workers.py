"""Tasks are expressions and the work is `eval`, because that is what a fresh process can find."""

import os
import signal
import subprocess
import sys
import time

import pytest

from deepanon.data.building.workers import in_processes

KILL = "__import__('os').kill(__import__('os').getpid(), 9)"


def test_every_task_is_done_once():
    tasks = [f"{i} * {i}" for i in range(9)]
    assert dict(in_processes(eval, tasks, 2)) == {f"{i} * {i}": i * i for i in range(9)}
    assert list(in_processes(eval, [], 2)) == []


def test_a_task_that_kills_its_process_is_named_and_the_others_are_done():
    tasks = ["1", "2", KILL, "3", "4", "5"]
    results = list(in_processes(eval, tasks, 1))
    assert sorted(task for task, _ in results) == sorted(tasks)
    assert {task: result for task, result in results if task != KILL} == {str(i): i for i in range(1, 6)}
    assert dict(results)[KILL] is None


def test_an_exception_ends_everything():
    with pytest.raises(ZeroDivisionError):
        list(in_processes(eval, ["1 / 0"], 1))


def test_no_process_outlives_its_parent():
    code = """
if __name__ == "__main__":
    from deepanon.data.building.workers import in_processes
    slow = "(print(__import__('os').getpid(), flush=True), __import__('time').sleep(300))"
    list(in_processes(eval, [slow], 1))
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(child)], capture_output=True, text=True, check=False)
        if state.stdout.strip()[:1] in ("", "Z"):  # gone, or dead and nobody has asked for its exit code yet
            return
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the worker went on without its parent")
