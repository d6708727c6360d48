"""How cells differ from what is written into them."""

from __future__ import annotations

import numpy as np

from sbdopt.documents import BoolArray
from sbdopt.simulate.precision import Precision
from sbdopt.weights.tensors import FloatArray

_REFERENCE = 25.0
"""Largest conductance, in uS, of the devices that were measured."""
_FIRST_READ = 20.0
"""Seconds from programming to the first read, from which drift counts."""
_PULSE = 250e-9
"""Seconds that a read takes."""


def disturb(
    levels: FloatArray, programmed: BoolArray, top: float, precision: Precision, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """The levels that cells (rows, columns) have, and the variance of each from read to read.

    Only programmed cells deviate: erased ones are taken to conduct nothing. `top` is the largest level. Any
    cell may be stuck, whether programmed or not. All are drawn independently, in an order that depends on
    nothing but the shape.
    """
    target = levels / top
    sigma = _pcm_programming(target) if precision.device == "pcm" else np.ones_like(target)
    noise = precision.programming_noise * sigma * rng.standard_normal(target.shape)
    held = np.maximum(target + np.where(programmed, noise, 0), 0)
    if precision.device == "pcm":
        held, deviation = _pcm_drift(target, held, precision.drift_seconds or 0.0, rng)
    else:
        deviation = np.ones_like(held)
    variance = np.where(programmed, (precision.read_noise * deviation * top) ** 2, 0)
    if precision.stuck:
        lot = rng.random(target.shape)
        off, stuck = lot < precision.stuck_off, lot < precision.stuck_off + precision.stuck_on
        held = np.where(off, 0, np.where(stuck, 1, held))
        variance = np.where(stuck, 0, variance)
    return held * top, variance


def _pcm_programming(target: FloatArray) -> FloatArray:
    """Standard deviation of conductances after iterative programming, as a share of the largest.

    -1.1731 g**2 + 1.9650 g + 0.2635 uS, for targets g between 0 and 1 of 25 uS: Joshi et al., Accurate deep
    neural network inference using computational phase-change memory, Nature Communications 11, 2473 (2020).
    """
    polynomial: FloatArray = np.maximum(-1.1731 * target**2 + 1.9650 * target + 0.2635, 0) / _REFERENCE
    return polynomial


def _pcm_drift(
    target: FloatArray, programmed: FloatArray, seconds: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Conductances `seconds` after the first read, and the standard deviation of their read noise.

    g(t) = g (t / t0)**-nu with t0 = 20 s, where nu is normal with mean -0.0155 ln g + 0.0244 within 0.049 ..
    0.1 and deviation -0.0125 ln g - 0.0059 within 0.008 .. 0.045, g the target. Read noise is 1/f:
    g(t) Q sqrt(ln((t + tr) / (2 tr))) with tr = 250 ns and Q = min(0.0088 / g**0.65, 0.2): Joshi et al. 2020,
    and Nandakumar et al., Phase-change memory models for deep learning training and inference, ICECS 2019.
    Reads are taken to be independent of one another.
    """
    logarithm = np.log(np.maximum(target, 1e-7))
    mean = np.clip(-0.0155 * logarithm + 0.0244, 0.049, 0.1)
    spread = np.clip(-0.0125 * logarithm - 0.0059, 0.008, 0.045)
    exponent = np.abs(mean + spread * rng.standard_normal(target.shape))
    time = seconds + _FIRST_READ
    now = programmed * (time / _FIRST_READ) ** -exponent
    share = np.minimum(0.0088 / np.maximum(target, 1e-7) ** 0.65, 0.2)
    return now, now * share * np.sqrt(np.log((time + _PULSE) / (2 * _PULSE)))
