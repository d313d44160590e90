"""Fences and regions of Markdown."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt
from mdit_py_plugins.admon import admon_plugin
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.container import container_plugin

from cnnspec.diagnostics import Source
from cnnspec.documents.fence import Document
from cnnspec.documents.read import document_of


def read(text: str) -> Document:
    return document_of(Source("a.md", text))


def texts(text: str) -> list[str]:
    return [fence.text for fence in read(text).fences]


@pytest.mark.parametrize(
    "info",
    ["cnn", " cnn", "{cnn}", "{.cnn}", "{ .cnn .numberLines }", "cnn {1,2}", "cnn title=x",
     "{cnn, echo=FALSE}", "{code-block} cnn", "{.cnn #id}", "cnn linenums=\"1\""],
)  # fmt: skip
def test_what_is_a_spec(info: str) -> None:
    assert texts(f"```{info}\ninput 8\n```\n") == ["input 8\n"]
    assert texts(f"~~~~{info}\ninput 8\n~~~~\n") == ["input 8\n"]


@pytest.mark.parametrize(
    "info", ["", "python", "cnnx", "{python}", "text cnn", "{.python .cnn}", "cnn-notes"]
)
def test_what_is_none(info: str) -> None:
    assert texts(f"```{info}\ninput 8\n```\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "    ```cnn\n    input 8\n    ```\n",
        "<!--\n```cnn\ninput 8\n```\n-->\n",
        "<pre>\n```cnn\ninput 8\n```\n</pre>\n",
        "````text\n```cnn\ninput 8\n```\n````\n",
        "```\n```cnn\n```\n",
        "`` ```cnn `` is a fence\n",
    ],
)
def test_what_is_shown_and_no_spec(text: str) -> None:
    assert texts(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "- item\n\n  ```cnn\n  input 8\n  ```\n",
        "- ```cnn\n  input 8\n  ```\n",
        "10. a\n    - b\n\n      ```cnn\n      input 8\n      ```\n",
        "> > ```cnn\n> > input 8\n> > ```\n",
        "> ```cnn\n>input 8\n> ```\n",
        '!!! note "Title"\n\n    ```cnn\n    input 8\n    ```\n',
        '!!! note\n    ```cnn\n    input 8\n    ```\n',
        '??? tip "T"\n\n\n    ```cnn\n    input 8\n    ```\n\nafter\n',
        '=== "A"\n\n    ```cnn\n    input 8\n    ```\n\n=== "B"\n\n    text\n',
        '=== "A"\n\n    === "B"\n\n        ```cnn\n        input 8\n        ```\n',
        '- item\n\n    !!! note\n\n        ```cnn\n        input 8\n        ```\n',
        "text\n!!! note\n    ```cnn\n    input 8\n    ```\n",
        "::: {.note}\n```cnn\ninput 8\n```\n:::\n",
        ":::{note}\n```cnn\ninput 8\n```\n:::\n",
        ":::{cnn}\ninput 8\n:::\n",
        "::::{code-block} cnn\ninput 8\n::::\n",
        "```{code-block} cnn\n:caption: LeNet\n:name: stem\ninput 8\n```\n",
        "```cnn\ninput 8",
        "- ```cnn\n\n  input 8\n  ```\n",
        "   ```cnn\n   input 8\n   ```\n",
        "Term\n\n:   A definition\n\n    ```cnn\n    input 8\n    ```\n",
        "[^1]: A note\n\n    ```cnn\n    input 8\n    ```\n",
        "```{note}\n:class: x\n~~~cnn\ninput 8\n~~~\n```\n",
        "````{tab-set}\n```{tab-item} A\n~~~cnn\ninput 8\n~~~\n```\n````\n",
        "/// tip | T\n    type: x\n\n```cnn\ninput 8\n```\n///\n",
        "```{code-block} cnn\n:lineno-start: 1\n:emphasize-lines: 2,3\n:class:\n\ninput 8\n```\n",
        "```{code-block} cnn\n---\ncaption: LeNet\n---\ninput 8\n```\n",
    ],
)  # fmt: skip
def test_where_a_spec_may_stand(text: str) -> None:
    assert [one.strip() for one in texts(text)] == ["input 8"]
    assert [one.strip() for one in texts(text.replace("\n", "\r\n"))] == ["input 8"]


PLUGINS = [
    "!!! note\n\n    ```cnn\n    input 8\n      conv F3\n    ```\n\n    text\n\nafter\n",
    "??? note\n    ```cnn\n    input 8\n    ```\n",
    "> !!! note\n>\n>     ```cnn\n>     input 8\n>     ```\n",
    "::: note\n```cnn\ninput 8\n```\n:::\n",
    ":::{cnn} x\ninput 8\n\nfc 1\n:::\n",
    "- a\n\n  :::{cnn}\n  input 8\n  :::\n",
]


@pytest.mark.parametrize("text", PLUGINS)
def test_the_plugins_of_markdown_it_read_the_same(text: str) -> None:
    parser = MarkdownIt("commonmark").use(admon_plugin).use(colon_fence_plugin)
    if text.startswith("::: "):
        parser = MarkdownIt("commonmark").use(container_plugin, "note")
    theirs = [one.content for one in parser.parse(text) if one.type in ("fence", "colon_fence")]
    assert texts(text) == theirs != []


def test_attributes() -> None:
    text = '```cnn name=stem input="left: 3x8x8" after=a error=E301,W104 hl_lines="2"\n```\n'
    (fence,) = read(text).fences
    assert {key: one.value for key, one in fence.attributes.items()} == {
        "name": "stem", "input": "left: 3x8x8", "after": "a", "error": "E301,W104",
    }  # fmt: skip
    assert all(text[slice(*one.span)] == one.value for one in fence.attributes.values())


@pytest.mark.parametrize(
    "text",
    ["```{cnn}\n#| name: stem\n#| echo: false\ninput 8\n```\n",
     "```{code-block} cnn\n:name: stem\n\ninput 8\n```\n",
     "```{code-block} cnn\n---\ncaption: a b\nname: stem\n---\ninput 8\n```\n",
     "```{.cnn #stem}\ninput 8\n```\n", "> ```{cnn}\n> #| name: 'stem'\n> input 8\n> ```\n"],
)  # fmt: skip
def test_attributes_of_other_tools(text: str) -> None:
    (fence,) = read(text).fences
    assert fence.name == "stem"
    assert text[slice(*fence.attributes["name"].span)] == "stem"
    assert ":name:" not in fence.text


def test_regions() -> None:
    text = (
        "<!-- cnnspec: check LeNet5 -->\nold\n<!-- /cnnspec -->\n"
        "```text\n<!-- cnnspec: check -->\n```\n"
        "> <!-- cnnspec: table A --cells stack -->\n> old\n> <!-- /cnnspec -->\n"
    )
    document = read(text)
    assert [one.command for one in document.regions] == ["check LeNet5", "table A --cells stack"]
    assert [text[slice(*one.body)] for one in document.regions] == ["old\n", "> old\n"]
    assert [(one.newline, one.prefix) for one in document.regions] == [("\n", ""), ("\n", "> ")]
    assert document.findings == ()


@pytest.mark.parametrize("text", ["<!-- cnnspec: check -->\nx\n", "<!-- /cnnspec -->\n"])
def test_a_region_is_opened_and_closed(text: str) -> None:
    (finding,) = read(text).findings
    assert finding.code == "E907"
    assert text[slice(*finding.span)].startswith("<!--")
