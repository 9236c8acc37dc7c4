"""Floating-point modes that other libraries leave behind, set through glibc on x86-64."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

ROUNDINGS = {"nearest": 0, "down": 1, "up": 2, "zero": 3}
FLUSH_TO_ZERO_AND_DENORMALS_ARE_ZERO = 0x8040
X87_ROUNDING, SSE_ROUNDING = 10, 13  # where the two bits are in the control words

_X87_WORD, _MXCSR = slice(0, 2), slice(28, 32)  # of glibc's fenv_t


@contextmanager
def strange_mode(rounding: str = "nearest", flush: bool = False) -> Iterator[None]:
    """While it lasts, this thread computes so. Afterwards the mode must still be there, and is taken back."""
    before = _environment()
    wanted = bytearray(before)
    _set_bits(wanted, _X87_WORD, ROUNDINGS[rounding] << X87_ROUNDING)
    bits = ROUNDINGS[rounding] << SSE_ROUNDING | (FLUSH_TO_ZERO_AND_DENORMALS_ARE_ZERO if flush else 0)
    _set_bits(wanted, _MXCSR, bits)
    _libm().fesetenv(bytes(wanted))
    try:
        yield
        kept = int.from_bytes(_environment()[_MXCSR], "little") & (
            3 << SSE_ROUNDING | FLUSH_TO_ZERO_AND_DENORMALS_ARE_ZERO
        )
        assert kept == bits, f"the mode was {bits:#x} and is {kept:#x}"
    finally:
        _libm().fesetenv(bytes(before))


def _environment() -> bytearray:
    words = (ctypes.c_uint8 * 32)()
    _libm().fegetenv(words)
    return bytearray(words)


def _set_bits(environment: bytearray, where: slice, bits: int) -> None:
    word = int.from_bytes(environment[where], "little") | bits
    environment[where] = word.to_bytes(where.stop - where.start, "little")


def _libm() -> ctypes.CDLL:
    return ctypes.CDLL("libm.so.6")
