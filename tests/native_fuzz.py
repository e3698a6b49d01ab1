"""Random convolutions against NumPy, straight into the native backend: `python tests/native_fuzz.py --count 10000`.

It imports neither JAX nor jaxconv, so that a sanitizer sees nothing but the backend (native/README.md says how).
"""

import argparse
import os
import resource
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import jaxconv_onednn
import numpy as np

SOLVES = ("out", "x", "kernel")


def draw(seed: int) -> tuple[list[int], dict[str, np.ndarray]]:
    """A problem as the backend reads it, and its three arrays of small whole numbers, `members` first."""
    random = np.random.default_rng(seed)
    rank = int(random.choice([1, 2, 2, 3]))
    groups = int(random.choice([1, 1, 2, 3, 8]))
    members, batch = int(random.choice([1, 1, 1, 2, 3])), int(random.choice([1, 1, 2, 5]))
    c_in, c_out = (groups * int(random.choice([1, 2, 3, 8, 16, 17, 32])) for _ in range(2))
    if random.random() < 0.2:  # wide enough for the weight gradient by matrix products, and for several threads
        groups, c_in, c_out = (1, 32, 40) if random.random() < 0.5 else (2, 64, 66)
        batch *= 4
    axes = []
    for _ in range(rank):
        window, stride, dilation = (int(random.integers(1, most)) for most in (6, 4, 4))
        reach = (window - 1) * dilation + 1
        lo, hi = (int(random.integers(0, 2 * reach)) for _ in range(2))
        size = int(random.integers(max(1, reach - lo - hi), reach + (12 if rank < 3 else 6)))
        axes.append((size, window, stride, dilation, lo, hi, (size + lo + hi - reach) // stride + 1))
    space, window, space_out = ([axis[k] for axis in axes] for k in (0, 1, 6))
    arrays = {
        "x": (members, batch, *space, c_in),
        "kernel": (members, *window, c_in // groups, c_out),
        "out": (members, batch, *space_out, c_out),
    }
    words = [1, int(random.integers(3)), 0, 0, members, batch, c_in, c_out, groups]
    words += [number for axis in axes for number in axis]
    return words, {name: random.integers(-3, 4, shape).astype(np.float32) for name, shape in arrays.items()}


def truth(words: list[int], arrays: dict[str, np.ndarray]) -> np.ndarray:
    """The sum over taps, each a product of slices: F of jaxconv/ops/primitive.py, solved for the array asked for."""
    solve, members, batch, groups = SOLVES[words[1]], words[4], words[5], words[8]
    axes = [words[k : k + 7] for k in range(9, len(words), 7)]
    rank = len(axes)
    pads = [(0, 0), (0, 0), *((lo, hi) for *_, lo, hi, _ in axes), (0, 0)]
    split = {name: _in_groups(array, groups, name == "kernel") for name, array in arrays.items()}
    wide = np.pad(split["x"], [*pads, (0, 0)])
    found = np.zeros_like(wide if solve == "x" else split[solve])
    for tap in np.ndindex(*(axis[1] for axis in axes)):
        seen = (slice(None), slice(None))
        seen += tuple(
            slice(t * d, t * d + (output - 1) * stride + 1, stride)
            for t, (_, _, stride, d, _, _, output) in zip(tap, axes, strict=True)
        )
        at = (slice(None), *tap)
        if solve == "out":
            found += np.einsum("mn...gi,mgio->mn...go", wide[seen], split["kernel"][at])
        elif solve == "x":
            found[seen] += np.einsum("mn...go,mgio->mn...gi", split["out"], split["kernel"][at])
        else:
            flat = [a.reshape(members, -1, *a.shape[-2:]) for a in (wide[seen], split["out"])]
            found[at] += np.einsum("mpgi,mpgo->mgio", *flat)
    if solve == "kernel":
        return np.moveaxis(found, -3, -2).reshape(arrays["kernel"].shape)
    if solve == "x":
        crop = tuple(slice(lo, lo + size) for size, _, _, _, lo, _, _ in axes)
        found = found[(slice(None), slice(None), *crop)]
    return found.reshape(members, batch, *found.shape[2 : 2 + rank], -1)


def _in_groups(array: np.ndarray, groups: int, kernel: bool) -> np.ndarray:
    """(..., g * c) -> (..., g, c), and for a kernel (..., i, g * o) -> (..., g, i, o)."""
    split = array.reshape(*array.shape[:-1], groups, array.shape[-1] // groups)
    return np.moveaxis(split, -2, -3) if kernel else split


def judge(seed: int) -> str:
    """Compare one problem to the bit; returns the name of the implementation, or that there is none."""
    words, arrays = draw(seed)
    library = jaxconv_onednn.load()
    first, second = (arrays[name] for name in (("x", "kernel"), ("out", "kernel"), ("x", "out"))[words[1]])
    try:
        found = library.run(words, first.tobytes(), second.tobytes())
    except jaxconv_onednn.RefusedError as refused:
        return f"refused: {str(refused).partition(' for the ')[0]}"
    right = truth(words, arrays)
    if not np.array_equal(np.frombuffer(found, np.float32).reshape(right.shape), right):
        raise AssertionError(f"seed {seed}: {words} differs from its definition ({library.implementation(words)})")
    return library.implementation(words)


def main() -> int:
    """Judge many problems on several threads; print what computed them and how much memory is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    began, seen, wrong = time.perf_counter(), Counter(), []
    with ThreadPoolExecutor(options.threads) as pool:
        for number, future in enumerate(
            [pool.submit(judge, seed) for seed in range(options.start, options.start + options.count)]
        ):
            try:
                seen[future.result()] += 1
            except AssertionError as error:
                wrong.append(str(error))
                print(error, flush=True)
            if (number + 1) % max(1, options.count // 10) == 0:
                print(
                    f"{number + 1} problems, {resident():.0f} MB, {jaxconv_onednn.load().cached()} cached", flush=True
                )
    for name, times in seen.most_common():
        print(f"{times:6} {name}")
    print(f"{len(wrong)} wrong of {options.count} in {time.perf_counter() - began:.0f} s")
    return bool(wrong)


def resident() -> float:
    """Megabytes of memory in use."""
    if sys.platform != "linux":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    sys.exit(main())
