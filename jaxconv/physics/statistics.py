"""Means of correlated series: how long a Markov chain remembers, and the error bar that follows."""

import numpy as np
from numpy.typing import ArrayLike

from jaxconv.naming import named

# The sum of correlations ends at the first lag above this many autocorrelation times (Sokal 1996, section 3: 4 to 10).
_WINDOW = 6


@named
def autocorrelation_time(series: ArrayLike) -> np.ndarray:
    """The integrated autocorrelation time, 1/2 + sum of rho(t) over t > 0, in steps of the series.

    A mean of n values of one chain is worth n / (2 tau) independent ones; tau = 1/2 where none remembers the one
    before. The sum ends at the first lag beyond 6 tau, or whose correlation is not positive, so tau is found with a
    relative error of about sqrt(26 tau / n) for n values in all.

    Args:
      series: `*batch chains n`, or `n` for one chain. Chains of one batch are independent and share their mean.
    Returns:
      `*batch`, float64, at least 1/2. A constant series gives 1/2.
    Raises:
      ValueError: if there is no value.
    Source: A. Sokal 1996, Monte Carlo methods in statistical mechanics, section 3.
    Example:
      >>> noise = np.random.default_rng(0).normal(size=10_000)
      >>> bool(abs(autocorrelation_time(noise) - 0.5) < 0.05)
      True
      >>> bool(abs(autocorrelation_time(np.repeat(noise, 10)) - 5) < 0.5)
      True
    """
    values = _chains("autocorrelation_time", series)
    length = values.shape[-1]
    scale = np.abs(values).max((-2, -1), keepdims=True)[..., 0]
    values = values - values.mean((-2, -1), keepdims=True)
    # Zeros behind the values, so that the end of a chain does not meet its beginning.
    power = np.abs(np.fft.rfft(values, 2 * length, axis=-1)) ** 2
    covariance = np.fft.irfft(power, axis=-1)[..., :length].mean(-2) / (length - np.arange(length))
    variance = covariance[..., :1]
    # What rounding of the mean leaves of a constant series is no variance.
    rho = np.divide(covariance, variance, out=np.zeros_like(covariance), where=variance > (4e-16 * scale) ** 2)
    tau = np.cumsum(rho, -1) - 0.5
    done = (np.arange(length) >= _WINDOW * tau) | (rho <= 0)
    last = np.where(done.any(-1), np.argmax(done, -1), length - 1)
    return np.maximum(0.5, np.take_along_axis(tau, last[..., None], -1)[..., 0])


@named
def mean_and_error(series: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """The mean of a correlated series and its standard error, sqrt(2 tau variance / n).

    Args:
      series: as in `autocorrelation_time`.
    Returns:
      Two of `*batch`, float64.
    Raises:
      ValueError: as `autocorrelation_time`.
    Example:
      >>> mean, error = mean_and_error(np.random.default_rng(0).normal(size=(4, 2_500)))
      >>> bool(abs(mean) < 4 * error), bool(abs(error - 0.01) < 1e-3)
      (True, True)
    """
    values = _chains("mean_and_error", series)
    count = values.shape[-1] * values.shape[-2]
    tau = autocorrelation_time(values)
    return values.mean((-2, -1)), np.sqrt(2 * tau * values.var((-2, -1)) / count)


def _chains(where: str, series: ArrayLike) -> np.ndarray:
    values = np.atleast_2d(np.asarray(series, np.float64))
    if not (values.shape[-1] and values.shape[-2]):
        raise ValueError(f"{where}: series of shape {np.shape(series)} has no value; it is `*batch chains n`")
    return values
