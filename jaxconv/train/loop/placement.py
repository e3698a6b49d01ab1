"""Where the arrays of a run live: on one device, which is a mesh of one, or on many."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

# An array of fewer elements stays whole on every device: to gather it would cost a message's latency and save nothing.
_WORTH_DIVIDING = 4096


@dataclass(frozen=True)
class Placement:
    """A mesh with an axis `data`, and what is divided along it.

    Attributes:
      mesh: its axes are `data` and, optionally, `model`.
      fsdp: whether weights and the optimiser's state are divided along `data` too.
    """

    mesh: Mesh
    fsdp: bool = False

    @classmethod
    def of(cls, where: str, mesh: Mesh | None, *, fsdp: bool = False) -> "Placement":
        """Return the placement on `mesh`, or on JAX's default device."""
        if mesh is None:
            if fsdp:
                raise ValueError(
                    f"{where}: fsdp=True divides the weights among the devices of a mesh but mesh=None; "
                    f"pass mesh=jax.make_mesh((jax.device_count(),), ('data',))"
                )
            # Of a mesh that is set for the whole process, the first; the set belongs to JAX, so nothing is popped.
            return cls(Mesh(np.array([min(jnp.zeros(()).devices(), key=lambda device: device.id)]), ("data",)))
        if not isinstance(mesh, Mesh) or "data" not in mesh.axis_names or set(mesh.axis_names) > {"data", "model"}:
            names = getattr(mesh, "axis_names", type(mesh).__name__)
            raise ValueError(
                f"{where}: mesh has the axes {names} but must be a jax.sharding.Mesh with 'data' and, if channels "
                f"are to be divided, 'model'; try jax.make_mesh((jax.device_count(),), ('data',))"
            )
        # XLA arranges the communication, whatever kind of axes the mesh was made with.
        return cls(Mesh(mesh.devices, mesh.axis_names, axis_types=(AxisType.Auto,) * len(mesh.axis_names)), fsdp)

    @property
    def whole(self) -> NamedSharding:
        """Every device holds all of it."""
        return NamedSharding(self.mesh, PartitionSpec())

    @property
    def batch(self) -> NamedSharding:
        """Each device along `data` holds its part of the first axis."""
        return NamedSharding(self.mesh, PartitionSpec("data"))

    def weights(self, tree: Any) -> Any:
        """Return the sharding of each weight."""
        return jax.tree.map(lambda leaf: NamedSharding(self.mesh, self._divide(leaf)), tree)

    def beside(self, weights: Any, tree: Any) -> Any:
        """Return a sharding for each leaf of an optimiser's state: that of the weight it belongs to."""
        homes = {
            jax.tree_util.keystr(path): (leaf.shape, home)
            for (path, leaf), home in zip(
                jax.tree.leaves_with_path(weights), jax.tree.leaves(self.weights(weights)), strict=True
            )
        }

        def home(path: Any, leaf: Any) -> NamedSharding:
            # A state holds trees like that of the weights, so that the end of a leaf's path is the path of a weight.
            for start in range(len(path)):
                shape, sharding = homes.get(jax.tree_util.keystr(path[start:]), (None, None))
                if sharding is not None and shape == leaf.shape:
                    return sharding
            return self.whole

        return jax.tree.map_with_path(home, tree)

    def put(self, tree: Any, shardings: Any) -> Any:
        """Return the arrays where `shardings` says; every process gives all of them."""
        return jax.tree.map(_put, tree, shardings)

    def put_batch(self, tree: Any) -> Any:
        """Return a batch divided along `data`; every process gives its own part of the batch."""
        return jax.tree.map(lambda part: jax.make_array_from_process_local_data(self.batch, np.asarray(part)), tree)

    def home(self, tree: Any) -> Any:
        """Return copies that each process can use for itself, on its first device."""
        wholes = jax.tree.map(lambda leaf: leaf if leaf.is_fully_replicated else _gather(leaf, self.whole), tree)
        parts = jax.tree.map(lambda leaf: leaf.addressable_data(0), wholes)
        return jax.device_put(parts, self.mesh.local_devices[0], may_alias=False)

    def _divide(self, leaf: Any) -> PartitionSpec:
        axes: list[str | None] = [None] * leaf.ndim
        model = self.mesh.shape.get("model", 1)
        if model > 1 and leaf.ndim and leaf.shape[-1] % model == 0:
            axes[-1] = "model"  # the output channels of a kernel, and what belongs to them
        if self.fsdp and leaf.size >= _WORTH_DIVIDING:
            free = [axis for axis in range(leaf.ndim) if axes[axis] is None]
            fits = [axis for axis in free if leaf.shape[axis] % self.mesh.shape["data"] == 0]
            if fits:
                axes[max(fits, key=lambda axis: leaf.shape[axis])] = "data"
        return PartitionSpec(*axes)


@partial(jax.jit, static_argnums=1)
def _gather(tree: Any, sharding: NamedSharding) -> Any:
    return jax.lax.with_sharding_constraint(tree, sharding)


def _put(leaf: Any, sharding: NamedSharding) -> jax.Array:
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return jax.random.wrap_key_data(_put(jax.random.key_data(leaf), sharding), impl=jax.random.key_impl(leaf))
    if sharding.is_fully_addressable:
        return jax.device_put(leaf, sharding, may_alias=False)  # steps consume what they are given
    values = np.asarray(leaf)
    return jax.make_array_from_callback(values.shape, sharding, lambda index: values[index])
