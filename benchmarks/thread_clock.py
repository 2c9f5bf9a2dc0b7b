"""A signal at every tick of this thread's own processor time. `signal.setitimer` counts the time of all threads, and
would see a function more often for what another thread does at the same time. Linux; Python has no call for it."""

from __future__ import annotations

import ctypes
import os
import signal

_CLOCK_THREAD_CPUTIME_ID = 3


class _Notification(ctypes.Structure):
    """`struct sigevent`; `notify` 0 is a signal."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("number", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("rest", ctypes.c_byte * 48),
    )


class _Times(ctypes.Structure):
    """`struct itimerspec`."""

    _fields_ = (
        ("every_seconds", ctypes.c_long),
        ("every_nanoseconds", ctypes.c_long),
        ("first_seconds", ctypes.c_long),
        ("first_nanoseconds", ctypes.c_long),
    )


def signal_every(number: signal.Signals, nanoseconds: int) -> None:
    """Below a second; the kernel rounds up to its own tick. Goes on for as long as the thread. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    notification, timer = _Notification(None, number, 0), ctypes.c_void_p()
    times = _Times(0, nanoseconds, 0, nanoseconds)
    _check(libc.timer_create(_CLOCK_THREAD_CPUTIME_ID, ctypes.byref(notification), ctypes.byref(timer)))
    _check(libc.timer_settime(timer, 0, ctypes.byref(times), None))


def _check(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
