"""How hard Hypothesis tries, and where compiled programs are kept between runs.

HYPOTHESIS_PROFILE chooses: `dev` (the default) draws new examples on every run, `ci` (the default where CI is set) the
same on every run, `brief` few of them, `thorough` many.

Tests marked `once` are of what neither the version of JAX nor the backend changes, and take long.
"""

import os
from pathlib import Path

import jax
import pytest
from hypothesis import HealthCheck, settings

# No deadlines: the first example of a shape compiles it. No check of how long drawing takes, for the same reason: the
# clock measures the machine, not the strategy.
COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("dev", max_examples=25, **COMMON)
settings.register_profile("ci", max_examples=20, derandomize=True, print_blob=True, **COMMON)
settings.register_profile("brief", max_examples=10, derandomize=True, print_blob=True, **COMMON)
settings.register_profile("thorough", max_examples=500, **COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))


def pytest_configure(config: pytest.Config) -> None:
    """Keep compiled programs on disk; a file that another process is still writing is compiled again."""
    jax.config.update("jax_compilation_cache_dir", str(Path(__file__).parents[1] / ".jax_cache"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    config.addinivalue_line("markers", "once: takes long, and needs no second run with another JAX or backend")
    config.addinivalue_line("filterwarnings", "ignore:Error (reading|writing) persistent compilation cache")


@pytest.fixture
def examples():
    """Return 50 small images of three classes, for training."""
    from training import bright_pixels  # after the cache of compiled programs is set up

    return bright_pixels()
