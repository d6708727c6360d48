import re

import numpy as np
import pytest

from sbdopt.blocks import Blocks
from sbdopt.errors import InputError
from sbdopt.models import FORMS, MODELS, make_model
from sbdopt.problem import ArrayKind, Hardware, Operator, Problem
from sbdopt.timing import earliest_starts, operator_cycles
from sbdopt.transformers import DigitalCycles


def xbar(rows: int = 256, columns: int = 256, columns_per_weight: int = 1) -> Hardware:
    kind = ArrayKind(name="xbar", rows=rows, columns=columns, adcs=8)
    return Hardware(arrays=[kind], columns_per_weight=columns_per_weight)


def by_name(problem: Problem) -> dict[str, Operator]:
    return {operator.name: operator for operator in problem.operators}


@pytest.mark.parametrize(
    ("name", "form", "blocks", "arrays"),
    [
        ("bert-large", "monarch", 12288, 480),
        ("bart-large", "monarch", 15360, 528),
        ("gpt2-medium", "monarch", 12288, 480),
        ("bert-large", "dense", 4608, 4608),
        ("bart-large", "dense", 5376, 5376),
        ("gpt2-medium", "dense", 4608, 4608),
    ],
)
def test_the_published_counts(name: str, form: str, blocks: int, arrays: int) -> None:
    table = Blocks.of(make_model(name, xbar(), form=form))
    assert (len(table), table.cells) == (blocks, arrays * 256 * 256)


def test_bert_large_has_as_many_blocks_of_32_as_of_64() -> None:
    blocks = Blocks.of(make_model("bert-large", xbar()))
    assert np.array_equal(blocks.height, blocks.width)
    assert dict(zip(*np.unique(blocks.height, return_counts=True), strict=True)) == {32: 6144, 64: 6144}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", MODELS)
def test_one_layer_of_every_model_in_every_form(name: str, form: str) -> None:
    if form == "square" and MODELS[name].monarch != "square":
        with pytest.raises(InputError, match="is not a square number; take the rectangular form"):
            make_model(name, xbar(), form=form, layers=1)
        return
    problem = make_model(name, xbar(), form=form, layers=1)
    reads = {}
    for operator in problem.operators:
        if operator.input is not None:
            assert reads.setdefault(operator.input, operator.shape[0]) == operator.shape[0]
            assert operator.input in operator.after or operator.input.endswith("input")


def test_every_dense_weight_is_covered_once() -> None:
    for operator in make_model("llama-3-8b", xbar(192, 1000, 3), form="dense", layers=1).operators:
        if operator.blocks is not None:
            area = int((operator.blocks.height * operator.blocks.width).sum())
            assert area == operator.shape[0] * operator.shape[1]
            assert operator.blocks.height.max() == 192
            assert operator.blocks.width.max() == 333


@pytest.mark.parametrize("name", [name for name in MODELS if MODELS[name].monarch == "rectangular"])
def test_a_rectangular_product_reaches_every_output_from_every_input(name: str) -> None:
    operators = by_name(make_model(name, xbar(), layers=1))
    for full, r in operators.items():
        if full.endswith(".R"):
            left = operators[full[:-1] + "L"].blocks
            p, q = len(r.blocks), len(left)
            assert (set(r.blocks.width), set(left.height)) == ({q}, {p})
            assert r.shape[1] == p * q == operators[full[:-1] + "L"].shape[0]


def test_rectangular_blocks_of_the_largest_model() -> None:
    operators = by_name(make_model("llama-3.1-405b", xbar(), layers=1))
    sizes = {
        name: (len(operator.blocks), int(operator.blocks.height[0]), int(operator.blocks.width[0]))
        for name, operator in operators.items()
        if operator.blocks is not None
    }
    assert sizes["layer0.q.R"] == sizes["layer0.o.L"] == (128, 128, 128)
    assert (sizes["layer0.k.R"], sizes["layer0.k.L"]) == ((64, 256, 16), (16, 64, 64))
    assert (sizes["layer0.up.R"], sizes["layer0.up.L"]) == ((64, 256, 256), (256, 64, 208))
    assert (sizes["layer0.down.R"], sizes["layer0.down.L"]) == ((256, 208, 64), (64, 256, 256))


def test_the_largest_model_can_be_made() -> None:
    blocks = Blocks.of(make_model("llama-3.1-405b", xbar()))
    assert len(blocks) == 126 * 1632
    assert blocks.height.max() == blocks.width.max() == 256


def test_blocks_larger_than_the_array_are_cut() -> None:
    blocks = by_name(make_model("bert-large", xbar(48, 40), layers=1))["layer0.ffn1.R"].blocks
    assert len(blocks) == 64 * 4
    assert blocks.input[:5].tolist() == [0, 0, 48, 48, 64]
    assert blocks.output[:5].tolist() == [0, 40, 0, 40, 64]
    assert blocks.height[:5].tolist() == [48, 48, 16, 16, 48]
    assert blocks.width[:5].tolist() == [40, 24, 40, 24, 40]


def test_rectangular_blocks_are_cut_where_none_fits() -> None:
    tiny = make_model("minilm-l6", xbar(8, 8), layers=1)
    assert Blocks.of(tiny).height.max() == Blocks.of(tiny).width.max() == 8


def test_the_order_of_an_encoder_layer() -> None:
    operators = by_name(make_model("bert-large", xbar(), layers=2))
    assert operators["layer0.q.R"].after == []
    for name in "qkv":
        assert operators[f"layer0.{name}.R"].input == "input"
        assert operators[f"layer1.{name}.R"].input == "layer0.ffn_norm"
        assert operators[f"layer1.{name}.R"].after == ["layer0.ffn_norm"]
        assert operators[f"layer0.{name}.L"].after == [f"layer0.{name}.R"]
    chain = {
        "layer0.attention": {"layer0.q.L", "layer0.k.L", "layer0.v.L"},
        "layer0.o.R": {"layer0.attention"},
        "layer0.o.L": {"layer0.o.R"},
        "layer0.attention_add": {"layer0.o.L"},
        "layer0.attention_norm": {"layer0.attention_add"},
        "layer0.ffn1.R": {"layer0.attention_norm"},
        "layer0.ffn1.L": {"layer0.ffn1.R"},
        "layer0.gelu": {"layer0.ffn1.L"},
        "layer0.ffn2.R": {"layer0.gelu"},
        "layer0.ffn2.L": {"layer0.ffn2.R"},
        "layer0.ffn_add": {"layer0.attention_norm", "layer0.ffn2.L"},
        "layer0.ffn_norm": {"layer0.ffn_add"},
    }
    assert {name: set(operators[name].after) for name in chain} == chain
    assert len(operators) == 2 * (len(chain) + 6)


def test_a_decoder_reads_the_encoder_but_does_not_wait_for_it() -> None:
    problem = make_model("bart-large", xbar(), layers=2)
    operators = by_name(problem)
    assert operators["dec0.q.R"].after == []
    assert operators["dec0.q.R"].input != operators["enc0.q.R"].input
    cross = [operators[f"dec{layer}.cross_{name}.R"] for layer in (0, 1) for name in "kv"]
    assert {operator.input for operator in cross} == {"enc1.ffn_norm"}
    assert all(operator.after == ["enc1.ffn_norm"] for operator in cross)
    assert operators["dec1.cross_q.R"].input == "dec1.attention_norm"
    blocks = Blocks.of(problem)
    starts = earliest_starts(blocks, operator_cycles(blocks))
    start = dict(zip(operators, starts.tolist(), strict=True))
    assert start["dec0.attention_norm"] < start["enc1.ffn_norm"] <= start["dec0.cross_k.R"]
    assert start["dec0.cross_attention"] < start["dec0.cross_attention_norm"] < start["dec0.ffn1.R"]


def test_a_llama_layer_normalises_first_and_has_a_gate() -> None:
    operators = by_name(make_model("llama-3-8b", xbar(), layers=2))
    assert operators["layer0.attention_norm"].after == []
    for name in ("layer0.gate.R", "layer0.up.R"):
        assert operators[name].input == "layer0.ffn_norm"
    assert operators["layer0.silu_mul"].after == ["layer0.gate.L", "layer0.up.L"]
    assert operators["layer0.silu_mul"].cycles == 20
    assert operators["layer0.down.R"].after == ["layer0.silu_mul"]
    assert operators["layer1.attention_norm"].after == ["layer0.ffn_add"]
    assert operators["layer.norm"].after == ["layer1.ffn_add"]


def test_digital_cycles_can_be_chosen() -> None:
    usual = by_name(make_model("bert-large", xbar(), layers=1))
    assert [usual[f"layer0.{name}"].cycles for name in ("attention", "ffn_norm", "ffn_add", "gelu")] == [
        100, 50, 10, 10,
    ]  # fmt: skip
    chosen = by_name(make_model("bert-large", xbar(), layers=1, cycles=DigitalCycles(attention=7, norm=0)))
    assert (chosen["layer0.attention"].cycles, chosen["layer0.ffn_norm"].cycles) == (7, 0)
    with pytest.raises(InputError, match="norm takes -1 cycles; it must be at least 0"):
        DigitalCycles(norm=-1)


def test_names_of_problems_differ() -> None:
    names = [make_model("gpt2-medium", xbar(), form=form, layers=1).name for form in FORMS]
    assert names == [
        "gpt2-medium-1-layer",
        "gpt2-medium-square-1-layer",
        "gpt2-medium-rectangular-1-layer",
        "gpt2-medium-dense-1-layer",
    ]
    assert make_model("minilm-l6", xbar(), layers=6).name == "minilm-l6-6-layers"


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("'bert' is not a known model; the known ones are bert-large, ", {"name": "bert"}),
        ("'Monarch' is not a known form; the known ones are monarch, ", {"form": "Monarch"}),
        ("'bert-large' has 24 layers; 0 of them cannot be taken", {"layers": 0}),
        ("'bert-large' has 24 layers; 25 of them cannot be taken", {"layers": 25}),
        ("a weight takes 300 columns, but 'xbar' has only 256", {"hardware": xbar(256, 256, 300)}),
    ],
)
def test_what_is_refused(said: str, arguments: dict) -> None:
    make_model("bert-large", xbar(), form="monarch", layers=24)
    with pytest.raises(InputError, match=re.escape(said)):
        make_model(**({"name": "bert-large", "hardware": xbar()} | arguments))


def test_a_model_survives_its_file(tmp_path) -> None:
    problem = make_model("minilm-l6", xbar(), layers=1)
    problem.save(tmp_path / "minilm.json")
    assert Problem.load(tmp_path / "minilm.json").to_bytes() == problem.to_bytes()
