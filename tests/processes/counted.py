"""Run by test_mesh.py in a process of its own, which pretends to have eight devices: the benchmark's arithmetic."""

import jax
from flax import nnx

from benchmarks.collectives import compiled, expected, measured
from jaxconv import nn


class Net(nnx.Module):
    def __init__(self, *, norm, rngs):
        self.conv = nn.Conv(3, 16, (3, 3), padding=1, rngs=rngs)
        self.norm = nn.BatchNorm(16, rngs=rngs) if norm else None
        self.hidden = nn.Dense(1024, 64, rngs=rngs)  # 65,536 weights, of which FSDP leaves a device an eighth
        self.out = nn.Dense(64, 10, rngs=rngs)

    def __call__(self, x):
        x = self.conv(x) if self.norm is None else self.norm(self.conv(x))
        return self.out(jax.nn.relu(self.hidden(jax.nn.relu(x).reshape(len(x), -1))))


SIZE, BATCH = (8, 8, 3), 16
for norm in (False, True):
    net = nnx.eval_shape(lambda norm=norm: Net(norm=norm, rngs=nnx.Rngs(0)))
    found = measured(compiled(net, SIZE, BATCH, jax.devices()))
    wanted = expected(net, SIZE, BATCH, gradient=4)
    assert found["collectives"].keys() == {"all-reduce f32"}
    # The compiler may sum one more number a channel of BatchNorm, which it could have had from the other sums.
    assert 0 <= found["bytes summed"] - wanted["bytes summed"] <= 4 * 16 * norm
    if not norm:  # whose sums over pixels are not counted, and many beside products this small
        # The first layer has no gradient of its input; there are other sums.
        assert 0.9 < found["FLOPs"] / wanted["FLOPs"] < 1.1
    key = "bytes of weights and momentum"
    assert 0 <= found[key] - wanted[key] < 64  # the state's few counters

divided = measured(compiled(net, SIZE, BATCH, jax.devices(), fsdp=True))
saved = 2 * 4 * 65536 * 7 // 8
assert divided[key] == found[key] - saved
assert divided["collectives"].get("all-gather f32", 0) >= 4 * 65536
print("counted: ok")
