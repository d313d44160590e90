"""`cnnspec zoo` and `cnnspec schema`."""

import json

import pytest
from jsonschema import Draft202012Validator

from cnnspec import resources
from tests.cli.conftest import Command


def test_the_zoo_lists_every_spec_by_family(cnnspec: Command) -> None:
    ran = cnnspec("zoo")
    assert (ran.status, ran.err) == (0, "")
    listed = [line.split() for line in ran.out.splitlines()]
    names = {line[0] for line in listed if line}
    assert set(resources.zoo()) <= names
    families = [line[0] for line in listed if line and line[0].endswith("/")]
    assert families == sorted({f"{resources.family(path)}/" for path in resources.zoo().values()})
    (vgg,) = (line for line in listed if line[:1] == ["vgg"])
    assert {"VGG11", "2015", "132,863,336", "7.61G", "150"} <= set(vgg)
    fields = {"m5": "172", "eegnet": "64x155", "vnet": "548", "c3d": "76x150x150"}
    assert all(fields[line[0]] in line for line in listed if line and line[0] in fields)


def test_the_list_fits_a_terminal_of_80_columns(cnnspec: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, cnnspec("zoo").out.splitlines())) <= 80


def test_the_zoo_as_json(cnnspec: Command) -> None:
    models = json.loads(cnnspec("zoo", "--all", "--format", "json").out)["models"]
    by_variant = {model["variant"]: model for model in models if model["name"] == "resnet"}
    assert by_variant["ResNet50"]["params"] == 25_557_032
    assert by_variant["ResNet50"]["year"] == 2016
    assert all(model["params"] for model in models)


def test_one_spec_is_printed_as_it_stands(cnnspec: Command) -> None:
    with open(resources.zoo()["resnet"], encoding="utf-8") as file:
        assert cnnspec("zoo", "resnet").out == file.read()
    ran = cnnspec("zoo", "resnett")
    assert ran.status == 2
    assert "did you mean resnet?" in ran.err


def test_the_schemas_are_schemas(cnnspec: Command) -> None:
    for name in ("check", "ir"):
        ran = cnnspec("schema", name)
        assert ran.status == 0
        Draft202012Validator.check_schema(json.loads(ran.out))
    assert cnnspec("schema").out == cnnspec("schema", "check").out


def test_the_ir_is_what_its_schema_says(cnnspec: Command) -> None:
    import cnnspec as api

    graph = api.load("zoo:lenet5")
    schema = json.loads(cnnspec("schema", "ir").out)
    Draft202012Validator(schema).validate(json.loads(graph.model_dump_json()))


def test_the_document_of_the_whole_zoo_is_what_its_schema_says(cnnspec: Command) -> None:
    schema = json.loads(cnnspec("schema").out)
    validator = Draft202012Validator(schema)
    for name in ("lenet5", "googlenet", "unet"):
        validator.validate(json.loads(cnnspec("check", f"zoo:{name}", "--format", "json").out))


def test_a_schema_is_json_whatever_is_asked(cnnspec: Command) -> None:
    ran = cnnspec("schema", "--format", "json")
    assert (ran.status, ran.out) == (0, cnnspec("schema").out)


@pytest.mark.parametrize(
    ("spec", "variant", "meant"),
    [
        ("resnet", "resnet_50", "did you mean `ResNet50`?"),
        ("resnet", "r18", "did you mean `ResNet18`?"),
        ("resnet", "50", "did you mean `ResNet50` or `ResNet50v1`?"),
        ("efficientnet", "b0", "did you mean `EfficientNetB0`?"),
        ("mobilenet_v3", "large", "did you mean `MobileNetV3Large`?"),
        ("mobilenet_v3", "tiny", "its variants: MobileNetV3Large, MobileNetV3Small"),
    ],
)
def test_a_variant_under_another_name(cnnspec: Command, spec: str, variant: str, meant: str) -> None:
    ran = cnnspec("check", f"zoo:{spec}", "--variant", variant)
    assert (ran.status, ran.out.strip()) == (2, "1 error")  # without the table of another variant
    assert f"help: {meant}\n" in ran.err
