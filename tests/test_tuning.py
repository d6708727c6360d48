"""Monarch layers in a tiny random transformer: fitted, trained, mapped."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="sbdopt.tuning needs PyTorch")

from safetensors.torch import save_file  # noqa: E402
from torch import nn  # noqa: E402

import sbdopt  # noqa: E402
from sbdopt.errors import InputError  # noqa: E402
from sbdopt.monarch import Monarch, Pattern, project  # noqa: E402
from sbdopt.problem import ArrayKind, Hardware  # noqa: E402
from sbdopt.projection import Choice, uniform_plan  # noqa: E402
from sbdopt.structure import import_model  # noqa: E402
from sbdopt.tuning import (  # noqa: E402
    MappedLinear,
    Moments,
    MonarchLinear,
    Recipe,
    Said,
    dense_weight,
    distil,
    gather_importance,
    gather_moments,
    map_model,
    monarchize,
    patterns_of,
    regress,
    save_problem,
    understand_module,
)
from sbdopt.weights.checkpoint import open_checkpoint  # noqa: E402

HARDWARE = Hardware(arrays=[ArrayKind(name="xbar", rows=32, columns=32, adcs=8)])


class Attention(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.self = nn.ModuleDict({name: nn.Linear(size, size) for name in ("query", "key", "value")})
        self.output = nn.ModuleDict({"dense": nn.Linear(size, size)})

    def forward(self, x):
        q, k, v = (self.self[name](x) for name in ("query", "key", "value"))
        return self.output["dense"](nn.functional.scaled_dot_product_attention(q, k, v))


class Layer(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.attention = Attention(size)
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(size, 2 * size)})
        self.output = nn.ModuleDict({"dense": nn.Linear(2 * size, size)})

    def forward(self, x):
        x = nn.functional.layer_norm(x + self.attention(x), x.shape[-1:])
        middle = nn.functional.gelu(self.intermediate["dense"](x))
        return nn.functional.layer_norm(x + self.output["dense"](middle), x.shape[-1:])


class Encoder(nn.Module):
    """Named as BERT's layers are."""

    def __init__(self, size: int = 16, layers: int = 2) -> None:
        super().__init__()
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(Layer(size) for _ in range(layers))})

    def forward(self, x):
        for layer in self.encoder["layer"]:
            x = layer(x)
        return x


def made(seed: int = 0) -> Encoder:
    torch.manual_seed(seed)
    return Encoder().eval()


def linear_layers(model: nn.Module) -> list[str]:
    return [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]


def sentences(seed: int = 1, batch: int = 4) -> torch.Tensor:
    return torch.randn(batch, 5, 16, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=40, deadline=None)
@given(
    inputs=st.integers(4, 20),
    outputs=st.integers(4, 20),
    blocks=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    rank=st.integers(1, 2),
    bias=st.booleans(),
)
def test_a_layer_yields_what_its_product_does(inputs, outputs, blocks, rank, bias) -> None:
    rng = np.random.default_rng(inputs * 31 + outputs)
    monarch = project(rng.standard_normal((inputs, outputs)), Pattern(*blocks, rank))
    layer = MonarchLinear(inputs, outputs, Pattern(*blocks, rank), bias=bias)
    layer.load(monarch)
    x = rng.standard_normal((3, 2, inputs)).astype(np.float32)
    y = layer(torch.from_numpy(x)).detach().numpy()
    assert y.shape == (3, 2, outputs)
    np.testing.assert_allclose(y, x @ monarch.dense(), atol=1e-4)
    np.testing.assert_allclose(dense_weight(layer), monarch.dense(), atol=1e-6)


def test_every_factor_of_a_layer_is_trained() -> None:
    layer = MonarchLinear(6, 8, Pattern(2, 4))
    layer.load(project(np.random.default_rng(0).standard_normal((6, 8)), Pattern(2, 4)))
    layer(torch.randn(3, 6)).square().sum().backward()
    assert all(bool((parameter.grad != 0).all()) for parameter in layer.parameters())


def correlated(seed: int, inputs: int):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((200, inputs)) @ rng.standard_normal((inputs, inputs))
    return x, np.cov(x.T, bias=True)


def output_error(weight, monarch: Monarch, covariance) -> float:
    off = weight - monarch.dense()
    return float(np.sum(off * (covariance @ off)))


@pytest.mark.parametrize("seed", range(5))
def test_a_regression_is_better_than_whitening_block_by_block(seed: int) -> None:
    _, covariance = correlated(seed, 12)
    weight = np.random.default_rng(seed).standard_normal((12, 8))
    pattern = Pattern(3, 2)
    errors = [
        output_error(weight, regress(weight, pattern, covariance, sweeps, ridge=0.0), covariance)
        for sweeps in (0, 1, 2, 8)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] == pytest.approx(output_error(weight, project(weight, pattern, covariance), covariance))
    assert errors[-1] < 0.9 * errors[0]


def test_a_regression_keeps_a_product_that_is_one_already() -> None:
    _, covariance = correlated(0, 11)
    exact = project(np.random.default_rng(1).standard_normal((11, 7)), Pattern(3, 2, 2))
    again = regress(exact.dense(), Pattern(3, 2, 2), covariance)
    np.testing.assert_allclose(again.dense(), exact.dense(), atol=1e-6)


def test_moments_are_of_all_that_a_layer_was_given() -> None:
    model, x = made(), sentences()
    names = linear_layers(model)
    moments = gather_moments(model, names, lambda: [model(part) for part in x.split(1)])
    first = moments["encoder.layer.0.attention.self.query"]
    rows = x.reshape(-1, 16).double().numpy()
    assert first.count == len(rows)
    np.testing.assert_allclose(first.mean, rows.mean(0), atol=1e-6)
    np.testing.assert_allclose(first.covariance, np.cov(rows.T, bias=True), atol=1e-5)
    assert set(moments) == set(names)
    assert moments["encoder.layer.1.output.dense"].second.shape == (32, 32)


def test_layers_are_replaced_in_place_and_nearer_with_moments() -> None:
    model, x = made(), 3 + sentences(batch=64)
    wanted = model(x)
    off = []
    for known in (False, True):
        structured = made()
        names = linear_layers(structured)
        moments = gather_moments(structured, names, lambda it=structured: it(x)) if known else None
        monarchize(structured, dict.fromkeys(names, Pattern(4, 4)), moments)
        assert not linear_layers(structured)
        off.append((structured(x) - wanted).square().mean().item())
    assert off[1] < off[0]


def test_a_plan_must_name_linear_layers_and_patterns_that_fit() -> None:
    with pytest.raises(InputError, match=r"'encoder' is a ModuleDict"):
        monarchize(made(), {"encoder": Pattern(2, 2)})
    with pytest.raises(InputError, match="'nowhere' is no module"):
        monarchize(made(), {"nowhere": Pattern(2, 2)})
    with pytest.raises(InputError, match=r"dense': pattern 99x1: 16 inputs"):
        monarchize(made(), {"encoder.layer.0.intermediate.dense": Pattern(99, 1)})


def test_a_plan_of_the_design_says_the_patterns_of_layers() -> None:
    model = made()
    shapes = {name: weight.shape for name, weight in understand_module(model).weights.items()}
    plan = uniform_plan("tiny", shapes, (32, 32), blocks=(4, 2), rank=2)
    plan.weights["layer1.q"] = Choice(shape=[16, 16])
    patterns = patterns_of(model, plan)
    assert set(linear_layers(model)) - set(patterns) == {"encoder.layer.1.attention.self.query"}
    assert set(patterns.values()) == {Pattern(4, 2, 2)}
    plan.weights["layer1.q"] = Choice(shape=[16, 16], blocks=[4, 4], padded=16)
    with pytest.raises(InputError, match=r"'layer1.q' is padded"):
        patterns_of(model, plan)


def ask(model: nn.Module, batch: torch.Tensor) -> Said:
    y = model(batch)
    return Said(y.mean(1), (y,))


def distilled(steps: int) -> tuple[Encoder, list[float]]:
    teacher, student = made(), made()
    monarchize(student, dict.fromkeys(linear_layers(student), Pattern(4, 4)))
    losses: list[float] = []
    batches = list(sentences(batch=32).split(8))
    distil(teacher, student, batches, ask, Recipe(steps), lambda _, loss: losses.append(loss))
    return student, losses


def test_distillation_brings_the_student_near() -> None:
    losses = distilled(60)[1]
    assert np.mean(losses[-4:]) < 0.5 * np.mean(losses[:4])


def test_distillation_is_repeatable() -> None:
    (one, losses), (two, again) = distilled(8), distilled(8)
    assert losses == again
    for mine, other in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(mine, other)


def saved(model: nn.Module, path: Path):
    problem = save_problem(model, path, "tiny", HARDWARE)
    solution = sbdopt.solve(problem, method="greedy", budget=sbdopt.Budget(work=1, workers=1))
    return problem, solution


@pytest.mark.parametrize("some_dense", [False, True])
def test_a_model_speaks_through_the_arrays(tmp_path: Path, some_dense: bool) -> None:
    model = made()
    names = linear_layers(model)
    monarchize(model, dict.fromkeys(names[3:] if some_dense else names, Pattern(4, 4, 2)))
    problem, solution = saved(model, tmp_path / "tiny.json")
    assert sbdopt.check(problem, solution).agrees
    x = sentences()
    wanted = model(x)
    map_model(model, problem, solution)
    assert sum(isinstance(module, MappedLinear) for module in model.modules()) == len(names)
    torch.testing.assert_close(model(x), wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("pruned", ["tiles", "neurons", "scrambled"])
def test_a_pruned_model_speaks_through_the_arrays(tmp_path: Path, pruned: str) -> None:
    """Imported from its file, whatever its zeros are like, it says what it says in PyTorch."""
    model, rng = made(), np.random.default_rng(3)
    names = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    for name in names:
        weight = model.get_submodule(name).weight
        height, width = weight.shape
        if pruned == "tiles":
            kept = np.kron(rng.random((height // 4, width // 4)) < 0.3, np.ones((4, 4)))
        elif pruned == "neurons":
            kept = np.outer(rng.random(height) < 0.5, rng.random(width) < 0.5)
        else:
            kept = rng.permutation(height)[:, None] % 4 == rng.permutation(width) % 4
        with torch.no_grad():
            weight.mul_(torch.from_numpy(np.asarray(kept, dtype=np.float32)))
    save_file(model.state_dict(), tmp_path / "m.safetensors")
    checkpoint = open_checkpoint(tmp_path / "m.safetensors")
    import_model(checkpoint, HARDWARE, name="pruned").save(tmp_path / "p.json")
    problem = sbdopt.Problem.load(tmp_path / "p.json")
    solution = sbdopt.solve(problem, budget=sbdopt.Budget(seconds=1, workers=1))
    assert sbdopt.check(problem, solution).agrees
    x = torch.randn(3, 5, 16)
    with torch.no_grad():
        wanted = model(x)
        map_model(model, problem, solution, {name: [f"{name}.weight"] for name in names})
        assert torch.allclose(model(x), wanted, atol=1e-5)


def test_a_wrong_place_is_heard(tmp_path: Path) -> None:
    model = made()
    monarchize(model, dict.fromkeys(linear_layers(model), Pattern(4, 4, 2)))
    problem, solution = saved(model, tmp_path / "tiny.json")
    wanted = model(sentences())
    name = "layer1.ffn1.L"
    row = [*solution.operators[name].row]
    row[0] = (row[0] + 1) % 16
    moved = solution.operators[name].model_copy(update={"row": np.array(row)})
    wrong = solution.model_copy(update={"operators": {**solution.operators, name: moved}})
    map_model(model, problem, wrong)
    assert (model(sentences()) - wanted).abs().max().item() > 1e-2


def test_operators_can_be_named_and_must_fit(tmp_path: Path) -> None:
    model = made()
    monarchize(model, dict.fromkeys(linear_layers(model), Pattern(4, 4)))
    problem, solution = saved(model, tmp_path / "tiny.json")
    layer = "encoder.layer.0.intermediate.dense"
    with pytest.raises(InputError, match="has no operator 'other'"):
        map_model(model, problem, solution, {layer: ["other"]})
    with pytest.raises(InputError, match="lead from 16 inputs to 16 outputs"):
        map_model(model, problem, solution, {layer: ["layer0.q.R", "layer0.q.L"]})
    with pytest.raises(InputError, match="is no linear layer"):
        map_model(model, problem, solution, {"encoder": ["layer0.q.R"]})
    x = sentences()
    wanted = model(x)
    map_model(model, problem, solution, {layer: ["layer0.ffn1.R", "layer0.ffn1.L"]})
    torch.testing.assert_close(model(x), wanted, atol=1e-5, rtol=1e-5)


def test_a_model_of_unknown_names_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="layout"):
        save_problem(nn.Sequential(nn.Linear(4, 4)), tmp_path / "p.json", "x", HARDWARE)
    assert not list(tmp_path.iterdir())


def test_without_pytorch_one_line_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import sbdopt, sbdopt.cli\n"
        "try:\n    import sbdopt.tuning\n"
        "except sbdopt.errors.InputError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "sbdopt.tuning needs PyTorch; install it with pip install 'sbdopt[torch]'\n", (
        done.stderr
    )


def test_nothing_else_imports_pytorch() -> None:
    code = "import sys, sbdopt, sbdopt.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_importance_is_what_the_loss_rises_by_for_small_errors() -> None:
    model, x = made(), torch.randn(64, 8, 16, generator=torch.Generator().manual_seed(1))
    names = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    moments = gather_moments(model, names, lambda: model(x))
    wanted, before = model(x).detach(), {name: one.clone() for name, one in model.state_dict().items()}

    def loss(changed: nn.Module) -> float:
        return 5 + float((changed(x) - wanted).square().mean())

    found = [
        gather_importance(model, dict.fromkeys(names, Pattern(2, 2, rank)), moments, loss) for rank in (5, 7)
    ]
    assert all(0.4 < found[0][name] / found[1][name] < 2.5 for name in names)
    assert max(found[0].values()) > 5 * min(found[0].values())
    assert all(type(model.get_submodule(name)) is nn.Linear for name in names)
    assert all(torch.equal(before[name], one) for name, one in model.state_dict().items())
    first = {names[0]: Pattern(2, 2)}
    assert gather_importance(model, first, moments, lambda changed: 1.0) == {names[0]: 0.0}
    falling = iter([1.0, 0.9, 1.0])
    assert gather_importance(model, first, moments, lambda changed: next(falling)) == {names[0]: 0.0}
    with pytest.raises(StopIteration):  # of the loss, when the layer has been replaced
        gather_importance(model, first, moments, lambda changed: next(falling))
    assert type(model.get_submodule(names[0])) is nn.Linear
    with pytest.raises(InputError, match="take a smaller pattern"):
        gather_importance(model, {names[0]: Pattern(1, 1, 16)}, moments, loss)
    with pytest.raises(InputError, match="there are none of layer"):
        gather_importance(model, first, {}, loss)
    with pytest.raises(InputError, match="no module of the model"):
        gather_importance(model, {"odd": Pattern(2, 2)}, {"odd": moments[names[0]]}, loss)


def test_the_error_of_outputs_leaves_the_mean_out() -> None:
    rng = np.random.default_rng(0)
    x, weight, other = rng.standard_normal((90, 6)) + 3, rng.standard_normal((6, 4)), np.zeros((6, 4))
    moments = Moments(90, x.mean(0), x.T @ x / 90)
    assert moments.error(weight, other) == pytest.approx(1)
    other = weight + 0.1 * rng.standard_normal((6, 4))
    around = x - x.mean(0)
    wanted = np.linalg.norm(around @ (weight - other)) / np.linalg.norm(around @ weight)
    assert moments.error(weight, other) == pytest.approx(wanted)
    assert moments.error(np.zeros((6, 4)), weight) == 0
