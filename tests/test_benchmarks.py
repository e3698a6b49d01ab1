"""The benchmarks' data and sums; what they time is not asserted here, nor is anything slow run."""

import json
import math
import os

import jax
import numpy as np
import pytest
from flax import nnx

from benchmarks import __main__, bounds, figures, operators, overhead, peers, report, scaling, training
from benchmarks.apart import Team
from benchmarks.builders import flax
from benchmarks.cases import CASES, HEAVY, TINY
from benchmarks.epochs import compare, lenet
from benchmarks.epochs import jax as epochs
from benchmarks.epochs import torch as torch_epochs
from benchmarks.epochs.paused import one_by_one
from benchmarks.networks import NETWORKS, after
from benchmarks.resnets import jax as resnets
from benchmarks.resnets import torch as torch_resnets
from benchmarks.resnets.flax import ResNet
from benchmarks.resnets.size import FULL, SMALL
from benchmarks.timing import Measurement, Sample, alternate, relative_difference
from jaxconv import inspect

EVERY = (*CASES, *TINY, *scaling.CASES)


def timed(case: str = "a", call: str = "forward", suite: str = "operators", **seconds: float) -> Measurement:
    warm = {name.replace("_", " "): Sample((value, 2 * value)) for name, value in seconds.items()}
    return Measurement(suite=suite, case=case, call=call, warm=warm)


def test_names_are_unique():
    names = [*__main__.NAMES, *(case.name for case in scaling.CASES)]
    assert len(names) == len(set(names))
    assert set(HEAVY) <= {case.name for case in CASES}


def test_lax_and_jaxconv_are_asked_for_the_same_shapes():
    for case in EVERY:
        inputs = [jax.ShapeDtypeStruct(shape, np.float32) for shape in case.shapes]
        ours, theirs = (jax.eval_shape(peer(case), *inputs) for peer in (peers.jaxconv, peers.bare_lax))
        assert ours == theirs, case.name


def test_pytorch_computes_the_same():
    pytest.importorskip("torch", reason="a peer of the benchmarks is not installed")
    case = next(case for case in TINY if case.op == "conv_transpose")
    inputs = operators.arguments(case, whole=True)
    theirs = peers.from_torch(case, peers.torch_call(case, "+ gradients", inputs)())
    ours = jax.tree.leaves(peers.with_call(peers.jaxconv(case), "+ gradients")(*inputs))
    assert relative_difference({"jaxconv": [np.asarray(array) for array in ours], "torch": theirs}) == 0
    assert relative_difference({"jaxconv": theirs[:1], "torch": [theirs[0] + 1]}) > 0


def test_networks_end_in_ten_classes():
    for network in NETWORKS:
        shape = network.shape
        for layer in network.layers:
            shape = after(layer, shape)
        assert shape == (10,), network.name


@pytest.mark.parametrize("name", ["lenet", "wave-net", "volume-net"])
def test_both_words_build_the_same_network(name):
    network = next(network for network in NETWORKS if network.name == name)

    def parameters(word):
        return nnx.state(flax.build(network.layers, network.shape, word, network.rank, nnx.Rngs(0)), nnx.Param)

    ours, theirs = (nnx.eval_shape(lambda word=word: parameters(word)) for word in (flax.our_layer, flax.their_layer))
    assert jax.tree.map(jax.numpy.shape, ours) == jax.tree.map(jax.numpy.shape, theirs)
    if name == "lenet":
        assert sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(ours)) == 61706


def test_a_slow_competitor_takes_part_in_fewer_rounds(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    called = []
    quick = lambda repeats: called.append(repeats) or 1e-3
    found = alternate({"slow": lambda repeats: 3.0, "quick": quick}, 5)
    assert called == [1, 1, *[30] * 3 * 5], "a lead of 0.06 s before each sample of 0.03 s"
    assert [len(found[name].values) for name in ("slow", "quick")] == [2, 5]


def test_a_library_in_a_process_of_its_own():
    case = TINY[0]
    with Team() as team:
        built = team["lax"].ask(operators.prepare, "lax", case, "forward", 1)
        assert 0 < team["lax"].seconds(2) < 60
        assert np.array_equal(built.results[0], peers.jaxconv(case)(*operators.arguments(case, whole=True)[:-1]))
        with pytest.raises(RuntimeError, match="KeyError: 'nonsense'"):
            team["lax"].ask(operators.prepare, "nonsense", case, "forward", 1)
        with pytest.raises(RuntimeError, match="the process of lax ended with status 3"):
            team["lax"].ask(os._exit, 3)


def test_ratios_pair_the_rounds_that_both_took_part_in():
    samples = {"jaxconv": Sample((1.0, 2.0, 9.0)), "lax": Sample((2.0, 4.0))}
    assert Measurement(suite="operators", case="a", call="forward", warm=samples).ratio("lax") == 0.5


def test_misses_come_first_and_verdicts_count_them(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    monkeypatch.setattr(figures, "RESULTS", tmp_path)
    found = [timed("good", jaxconv=1, torch=2, lax=9), timed("bad", jaxconv=3, torch=2, lax=9)]
    assert [bounds.excess(m) > 1 for m in found] == [False, True]
    by_peer = {verdict["peer"]: verdict for verdict in bounds.verdicts(found)}
    assert by_peer["torch"]["geometric_mean"] == pytest.approx(math.sqrt(0.75), rel=1e-3)
    assert (by_peer["torch"]["worst_case"], by_peer["torch"]["misses"]) == ("bad forward", 1)
    assert by_peer["lax"]["misses"] == 0
    curve = [timed(f"batch-{n}", call, "scaling", jaxconv=n) for n in (1, 2) for call in operators.CALLS]
    machine = report.describe_machine()
    report.write("scaling", machine, 2, curve)
    kept = json.loads(report.write("operators", machine, 2, found).read_text())
    assert [entry["case"] for entry in kept["measurements"]] == ["bad", "good"]
    assert all(path.exists() for path in figures.draw())


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [(0.0123, "s", "12.3 ms"), (2.5e-7, "s", "0.25 µs"), (3 * 2**30, "B", "3.00 GB"), (512, "B", "0.50 kB")],
)
def test_numbers_are_written_for_people(number, unit, text):
    assert report.human(number, unit) == text


def test_an_unknown_case_is_answered_with_a_near_one():
    with pytest.raises(SystemExit, match="no case is called 'depthwise-3x4'; did you mean depthwise-3x3"):
        __main__.main(["--case", "depthwise-3x4"])
    assert "import" in overhead.NAMES


def test_epochs_of_a_call_that_trains_for_many():
    epoch = one_by_one(lambda after_epoch: [after_epoch(loss) for loss in (2.0, 1.0)])
    assert [epoch(), epoch()] == [2.0, 1.0]
    with pytest.raises(RuntimeError, match="there are no more epochs"):
        epoch()
    with pytest.raises(ZeroDivisionError):
        one_by_one(lambda after_epoch: after_epoch(1 / 0))()


def test_fit_learns_as_the_steps_by_hand_do():
    random = np.random.default_rng(0)
    y = np.arange(64, dtype=np.int32) % 10
    x = random.random((64, 28, 28, 1), np.float32) + y[:, None, None, None]
    by_hand, scanned, fit = (train(x, y, 32) for train in (epochs.by_hand, epochs.scanned, epochs.fit))
    losses = np.array([[by_hand(), scanned(), fit()] for _ in range(3)]).T
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
    np.testing.assert_allclose(losses[0], losses[2], rtol=0.2)  # another shuffle


def test_pytorch_trains_the_same_lenet():
    pytest.importorskip("torch", reason="a peer of the benchmarks is not installed")
    x = np.random.default_rng(0).random((4, 28, 28, 1), np.float32)
    assert relative_difference({"jaxconv": [epochs.logits(x)], "torch": [torch_epochs.logits(x)]}) < 1e-5
    assert sum(array.size for array in lenet.in_order(lenet.lenet())) == 44426
    for train in (torch_epochs.loader, torch_epochs.rows):
        epoch = train(x, np.arange(4), 2)
        assert epoch() > epoch()


def test_epochs_that_learn_otherwise_are_not_timed():
    def results(loss, logit=1.0):
        return [np.array([logit]), np.array([2.3, loss])]

    assert compare.check({"jaxconv": results(1.0), "torch": results(1.2)}) == 0
    with pytest.raises(RuntimeError, match="after 5 epochs the losses are"):
        compare.check({"jaxconv": results(1.0), "torch": results(1.6)})
    with pytest.raises(RuntimeError, match=r"the logits of jaxconv, torch differ by 0\.5"):
        compare.check({"jaxconv": results(1.0), "torch": results(1.0, 2.0)})


def test_what_fit_costs_once_an_epoch():
    short = timed("1 steps", suite="fit", **{"jaxconv": 3.0, "by hand": 2.5})
    assert training.once_an_epoch([short]).values == (0.5, 1.0)
    assert training.once_an_epoch([timed("64 steps", suite="fit", jaxconv=3.0)]) is None


def test_resnets_of_three_libraries_share_weights():
    theirs = nnx.eval_shape(lambda: nnx.state(ResNet(FULL, rngs=nnx.Rngs(0)), nnx.Param))
    assert sum(leaf.size for leaf in jax.tree.leaves(theirs)) == 25557032
    logits = {name: [resnets.logits(name, SMALL, 2)] for name in ("jaxconv", "flax")}
    assert relative_difference(logits) < 1e-5
    torch = pytest.importorskip("torch", reason="a peer of the benchmarks is not installed")
    model = torch_resnets.resnet(SMALL).eval()
    start = inspect.torch_state(resnets.make("jaxconv", SMALL))
    model.load_state_dict({name: torch.tensor(np.asarray(array)) for name, array in start.items()})
    with torch.inference_mode():
        images = torch.from_numpy(resnets.batch(SMALL, 2)[0]).movedim(-1, 1)
        assert relative_difference(logits | {"torch": [model(images).numpy()]}) < 1e-5
