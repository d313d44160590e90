"""The pages of layers and findings."""

import pytest

from cnnspec.report.pages import page, topics


@pytest.mark.parametrize("topic", list(topics()))
def test_every_topic_has_a_page(topic: str) -> None:
    text = page(topic)
    assert text is not None
    assert text.startswith(f"# {topic}: ")


@pytest.mark.parametrize("topic", ["", "nope", "E999", "../E301", "layer"])
def test_nothing_else_has_one(topic: str) -> None:
    assert page(topic) is None
