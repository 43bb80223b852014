"""Signals wait until a step is done, and then do what they did before."""

import signal
import threading

import pytest

from bpcli.training.signals import Interrupts


@pytest.fixture
def heard():
    """The numbers of the signals that came through."""
    came = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for number in before:
        signal.signal(number, lambda number, frame: came.append(number))
    yield came
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_that_is_held_asks_for_a_pause_and_is_delivered_once(heard, number):
    with Interrupts() as interrupts:
        with interrupts.held():
            signal.raise_signal(number)
            signal.raise_signal(signal.SIGINT)
        assert heard == []
        assert interrupts.pause.at == 0.0
        interrupts.deliver()
        interrupts.deliver()
        assert heard == [number]
    signal.raise_signal(signal.SIGTERM)  # the handlers of before are back
    assert heard == [number, signal.SIGTERM]


def test_one_that_is_not_held_comes_through_at_once(heard):
    with Interrupts():
        signal.raise_signal(signal.SIGTERM)
        assert heard == [signal.SIGTERM]


def test_what_is_ignored_stays_so(heard):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as under nohup
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGINT)
        interrupts.deliver()
        assert interrupts.pause.at > 0


def test_in_another_thread_nothing_happens(heard):
    def enter():
        with Interrupts():
            before.append(signal.getsignal(signal.SIGINT))

    before = []
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert before == [signal.getsignal(signal.SIGINT)]
