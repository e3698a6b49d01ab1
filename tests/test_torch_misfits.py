"""State dicts that do not fit: every misfit named, nothing half-loaded."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxconv import inspect, models, nn

pytest.importorskip("torch", reason="PyTorch is not installed")
from torch_pairs import Ours, R, assert_unchanged, conv, small, weights_of


def test_every_misfit_is_in_one_message():
    model = nn.Sequential(conv(), nn.BatchNorm(3, rngs=R), conv(3, 2))
    before = weights_of(model)
    state = inspect.torch_state(model)
    state["2.weigth"] = state.pop("2.weight")
    state["0.weight"] = state["0.weight"][:, :, :1]
    state["0.bias"] = state["0.bias"].astype(np.int8)
    state["1.running_mean"] = state["1.running_mean"].astype(complex)
    state["head.weight"] = np.zeros((1000, 512))
    with pytest.raises(ValueError, match=r"^load_torch: ") as error:
        inspect.load_torch(model, state)
    assert str(error.value) == (
        "load_torch: the state dict does not fit Sequential, which is unchanged; "
        "rename the entries or build the model that they belong to:\n"
        "  2.weight (2, 3, 3, 3) is missing; is it 2.weigth?\n"
        "  2.weigth (2, 3, 3, 3) has no place in the model\n"
        "  head.weight (1000, 512) has no place in the model\n"
        "  0.weight has shape (3, 2, 1, 3), but the model takes (3, 2, 3, 3)\n"
        "  0.bias holds whole numbers, but the model takes real ones (float32)\n"
        "  1.running_mean holds complex numbers, but the model takes real ones (float32)"
    )
    assert_unchanged(model, before)


def test_numbers_that_are_not_finite_are_refused_by_name():
    model = small(param_dtype=jnp.float16)
    before, state = weights_of(model), {name: v + 1 for name, v in inspect.torch_state(model).items()}
    state["0.bias"][1] = np.nan
    state["2.bias"] = np.array([1e6, 0])  # finite, but not in float16
    with pytest.raises(ValueError, match=r"^load_torch: ") as error:
        inspect.load_torch(model, state)
    assert str(error.value) == (
        "load_torch: the state dict does not fit Sequential, which is unchanged; "
        "train or download the weights again:\n"
        "  0.bias holds NaN or infinite numbers as float16: 1 of 3\n"
        "  2.bias holds NaN or infinite numbers as float16: 1 of 2"
    )
    assert_unchanged(model, before)


def test_numbers_that_the_type_does_not_hold_are_refused_by_name():
    model = Ours(lambda m, x: x, {"held": nnx.Variable(jnp.zeros(2, jnp.int32)), "norm": nn.BatchNorm(1, rngs=R)})
    call = partial(inspect.load_torch, model, x=(1,))
    state = inspect.torch_state(model, x=(1,))
    for name, value, message in (
        ("held", np.array([7, 2**40 + 7]), "held holds numbers that int32 does not: 1 of 2"),
        ("norm.running_var", np.array([-1.0]), "norm.running_var holds negative numbers, which are no variances"),
    ):
        before = weights_of(model)
        with pytest.raises(ValueError, match=message):
            call(state | {name: value})
        assert_unchanged(model, before)
    call(state | {"held": np.array([7, 2**31 - 1])})
    assert model.held[...].tolist() == [7, 2**31 - 1]


class Picky(nnx.Param):
    def set_value(self, value, **options):
        raise RuntimeError("read only")


def test_a_variable_that_refuses_leaves_the_model_as_it_was():
    model = small()
    model.layers[2].bias = Picky(jnp.zeros(2))
    before = weights_of(model)
    with pytest.raises(RuntimeError, match=r"^read only$"):
        inspect.load_torch(model, {name: array + 1 for name, array in inspect.torch_state(model).items()})
    assert_unchanged(model, before)


def test_float64_outside_of_its_mode_is_refused():
    with jax.enable_x64(True):
        model = small(param_dtype=jnp.float64)
    before, state = weights_of(model), inspect.torch_state(model)
    with pytest.raises(ValueError, match=r"0\.weight is float64 in the model, which needs jax\.enable_x64"):
        inspect.load_torch(model, state)
    assert_unchanged(model, before)


def test_hundreds_of_misfits_are_told_at_once_and_soon():
    model = nnx.eval_shape(lambda: models.create("resnet50", rngs=nnx.Rngs(0)))
    with pytest.raises(ValueError, match=r"^load_torch: ") as error:
        inspect.load_torch(model, {f"backbone.{k}": np.zeros(1) for k in range(300)})
    assert str(error.value).count("is missing") == 100
    assert str(error.value).endswith("\n  and 467 more")  # of 161 parameters, 106 statistics and 300 entries
