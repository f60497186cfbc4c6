"""Threads of matrix products."""

import threading

import pytest

from tamis.ops import blas
from tamis.ops.blas import one_blas_thread


@pytest.fixture
def ask():
    found = blas._openblas()
    if found is None:
        pytest.skip("this NumPy has no OpenBLAS of its own")
    before = found[0]()
    found[1](2)
    yield found[0]
    found[1](before)


def test_one_thread_inside_and_as_before_outside(ask):
    with one_blas_thread():
        assert ask() == 1
        with one_blas_thread():
            assert ask() == 1
        assert ask() == 1
    assert ask() == 2
    with pytest.raises(ZeroDivisionError), one_blas_thread():
        raise ZeroDivisionError
    assert ask() == 2


def test_the_last_of_several_threads_puts_it_back(ask):
    entered, leave = threading.Event(), threading.Event()

    def other():
        with one_blas_thread():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with one_blas_thread():
        thread.start()
        assert entered.wait(10)
    assert ask() == 1
    leave.set()
    thread.join()
    assert ask() == 2
