"""All that one small spec becomes in the IR, field by field: targets and tables are made of nothing else."""

from __future__ import annotations

from cnnspec.ir.expr import Expr, dump
from cnnspec.ir.graph import Body, Claim, Graph, Layer, Region
from cnnspec.ir.template import IfSite, LayerSite, LetSite, RegionSite, Site, Template
from cnnspec.ops.base import written_shape
from tests.support import check_text

TEXT = """\
model Small "A network of the tests"
let k = 4
let j = k/2 + 1
block f(K, P=same, @skip) {
  let half = C//2
  if K == 4 [ conv F3 P=P K=K*2 -> crop like=@skip ] else [ relu ]
}
shared head(n) { conv F1 K=n => 8x8x8, params ~72 }
default conv nobias
input 3x8x8
stem: conv F3x1 S1 P1x0 K=k -> bn => 4x8x8, params 44
f(K=k, @stem)
body: [ add [ inner: conv F1 K8 | if i == 0 [ none ] else [ if C > 1 [ relu ] ] ] ]*(j - 1)
part: [
  p: maxpool F2
  unpool like=@p
]
q: if W > 1 [
  let z = 8
  conv F1 K=z
]
side: @q -> bn -> relu
head(8) -> relu
expect params 0.6k
"""

GRAPH = """\
Small 'A network of the tests' file=test.cnn inputs=input outputs=output knobs=k=4,j=3,z=8
block f K:letter P:letter=same skip:tensor at 3
block head n:value shared at 7
body 0: template 1 3x8x8 4x8x8 4x8x8 in 1 out 2
  0: conv (0) F3x1 P1x0 K4 nobias named K at `conv F3x1 S1 P1x0 K=k` F=`F3x1` S=`S1` P=`P1x0` K=`K=k`
  1: bn (1) at `bn`
body 1: template 2 4x8x8 4x8x8 8x8x8 8x8x8 in 2 out 3 labels skip=1
  0: conv (0) F3 Psame K8 named P K at `conv F3 P=P K=K*2` F=`F3` P=`P=P` K=`K=K*2`
  1: crop (2,1) like=@… at `crop like=@skip` like=`like=@skip`
body 2: template 3 8x8x8 8x8x8 8x8x8 in 1 out 2 labels inner=1
  1: inner (0) F1 K8 nobias label inner at `conv F1 K8` F=`F1` K=`K8`
  0: add (1) at `add [ inner: conv F1 K8 | if i == 0 [ none ] else [ if C > 1 [ relu ] ] ]`
body 3: template 3 8x8x8 8x8x8 8x8x8 8x8x8 in 1 out 3 labels inner=1
  1: inner (0) F1 K8 nobias label inner at `conv F1 K8` F=`F1` K=`K8`
  2: relu (0) at `relu`
  0: add (1,2) at `add [ inner: conv F1 K8 | if i == 0 [ none ] else [ if C > 1 [ relu ] ] ]`
body 4: template 4 8x8x8 8x4x4 8x8x8 in 1 out 2 labels p=1 p'=0
  0: p (0) F2 label p at `maxpool F2` F=`F2`
  1: unpool (1,0) like=@… at `unpool like=@p` like=`like=@p`
body 5: template 5 8x8x8 8x8x8 8x8x8 in 1 out 2
  0: bn (0) at `bn`
  1: relu (1) at `relu`
body 6: template 6 8x8x8 8x8x8 in 1 out 1
  0: - (0) F1 K8 named K at `conv F1 K=n` F=`F1` K=`K=n`
  claim => 8x8x8: steps 0-1 value 1
  claim params ~72: steps 0-1 value 1
body 7: template 0 3x8x8 4x8x8 8x8x8 8x8x8 8x8x8 8x8x8 8x8x8 8x8x8 8x8x8 in 1 out 8 labels stem=1 body=3 \
part=4 q=5 side=6
  0: line stem (0) passes 0x1 label stem at `stem: conv F3x1 S1 P1x0 K=k -> bn => 4x8x8, params 44`
  1: block f (1,1) passes 1x1 of f K=4 P=same at `f(K=k, @stem)`
  2: repeat body (2) passes 2x1 3x1 label body at `[ add [ inner: conv F1 K8 | if i == 0 [ none ] else [ if \
C > 1 [ relu ] ] ] ]*(j - 1)`
  3: group part (3) passes 4x1 label part at `[ p: maxpool F2 unpool like=@p ]`
  4: q (4) F1 K8 nobias named K label q at `conv F1 K=z` F=`F1` K=`K=z`
  5: line side (5) passes 5x1 label side at `side: @q -> bn -> relu`
  6: shared head (6) passes 6x1 of head n=8 weights of head at `head(8)`
  7: relu (7) at `relu`
  claim => 4x8x8: steps 0-1 value 1
  claim params 44: steps 0-1 value 1
template 0: network in None out 8 labels stem=1 body=3 part=4 q=5 q'=4 side=6
  0: line stem (0,) (1,) template 1
  1: block f (1, 1) (2,) template 2 K=4
  2: repeat body (2,) (3,) template 3 times 2
  3: group part (3,) (4,) template 4
  4: q conv (4,) 5 K=z
  5: line side (5,) (6,) template 5
  6: shared head (6,) (7,) template 6
  7: relu relu (7,) 8
template 1: line in None out 2 labels stem'=1
  0: conv conv (0,) 1 K=4
  1: bn bn (1,) 2
template 2: block f in None,skip out 3 labels skip=1
  let half = ['//', 'C', 2] at 0
  0: conv conv (0,) 2 P=P K=['*', 'K', 2]
  1: crop crop (2, 1) 3
template 3: repeat in None out 4 labels inner=1 inner'=0
  1: inner conv (0,) 1
  if ['==', 'i', 0] at 0
  else
    2: relu relu (0,) 2
  join 3 None 2
  0: add add (1, 3) 4
template 4: group in None out 2 labels p=1 p'=0 part'=1
  0: p maxpool (0,) 1
  1: unpool unpool (1, 0) 2
template 5: line in None out 2 labels side'=1
  0: bn bn (0,) 1
  1: relu relu (1,) 2
template 6: block head in None out 1
  0: - conv (0,) 1 K=n
claim params 0.6k: steps 0-8 value 8
"""


def test_all_that_a_spec_becomes() -> None:
    graph = check_text(TEXT)[0].graph
    assert graph is not None
    assert text_of(graph).splitlines() == GRAPH.splitlines()


def text_of(graph: Graph) -> str:
    knobs = ",".join(f"{name}={value}" for name, value in graph.knobs.items())
    ends = f"inputs={','.join(graph.inputs)} outputs={','.join(graph.outputs)}"
    lines = [f"{graph.name} {graph.title!r} file={graph.file} {ends} knobs={knobs}"]
    for block in graph.blocks:
        parameters = [
            f" {one.name}:{one.kind}" + (f"={one.default}" if one.default else "") for one in block.parameters
        ]
        at = TEXT.count("\n", 0, block.span.start)
        lines.append(f"block {block.name}{''.join(parameters)}{' shared' * block.shared} at {at}")
    for number, body in enumerate(graph.bodies):
        lines += [f"body {number}: {head(body)}", *(f"  {line}" for line in inside(body))]
    for number, template in enumerate(graph.templates):
        lines += [
            f"template {number}: {of_template(template)}",
            *(f"  {line}" for line in sites(template.sites)),
        ]
    return "\n".join([*lines, *map(of_claim, graph.claims)])


def of_template(template: Template) -> str:
    words = [template.kind, template.block or "", "in", ",".join(map(str, template.inputs))]
    words += ["out", ",".join(map(str, template.outputs)), "labels" * bool(template.labels)]
    words += [f"{label}={value}" for label, value in template.labels.items()]
    return " ".join(word for word in words if word)


def sites(inside: tuple[Site, ...]) -> list[str]:
    lines = []
    for site in inside:
        match site:
            case LetSite():
                lines.append(f"let {site.name} = {dump(site.value)} at {site.at}")
            case LayerSite():
                what = f"{site.site}: {site.name or '-'} {site.word}"
                lines.append(f"{what} {site.inputs} {site.output}{given(site.written)}")
            case RegionSite():
                times = "" if site.times is None else f" times {dump(site.times)}"
                what = f"{site.site}: {site.kind} {site.name} {site.inputs} {site.outputs}"
                lines.append(f"{what} template {site.template}{times}{given(site.arguments)}")
            case IfSite():
                lines.append(f"if {dump(site.condition)} at {site.at}")
                lines += [f"  {line}" for line in sites(site.then)]
                lines += ["else", *(f"  {line}" for line in sites(site.otherwise))]
                lines += [f"join {value} {one.then} {one.otherwise}" for value, one in site.joins.items()]
    return lines


def given(written: dict[str, Expr]) -> str:
    return "".join(f" {name}={dump(node)}" for name, node in written.items())


def head(body: Body) -> str:
    shapes = " ".join("?" if shape is None else written_shape(shape) for shape in body.values)
    labels = " labels" * bool(body.labels) + "".join(f" {name}={at}" for name, at in body.labels.items())
    return (
        f"template {body.template} {shapes} in {body.inputs} out {','.join(map(str, body.outputs))}{labels}"
    )


def inside(body: Body) -> list[str]:
    lines = []
    for step in body.steps:
        assert isinstance(step, Layer | Region)
        words = [f"({','.join(map(str, step.inputs))})"]
        if isinstance(step, Region):
            words = [step.kind, step.name, *words, "passes"]
            words += [f"{one.body}x{one.count}" for one in step.passes]
            words += ["of", step.block] if step.block else []
            words += [f"{name}={value}" for name, value in step.arguments.items()]
            words += ["weights of", step.shared] if step.shared else []
        else:
            words = [step.name or "-", *words, step.op.written()]
            words += ["named", *step.named] if step.named else []
        words += ["label", step.label] if step.label else []
        words += ["at", f"`{' '.join(TEXT[slice(*step.span)].split())}`"]
        if isinstance(step, Layer):
            words += [f"{name}=`{TEXT[slice(*span)]}`" for name, span in step.spans.items()]
        lines.append(f"{step.site}: " + " ".join(word for word in words if word))
    return lines + [of_claim(claim) for claim in body.claims]


def of_claim(claim: Claim) -> str:
    return f"claim {claim.text}: steps {claim.first}-{claim.last} value {claim.value}"


def test_a_labelled_use_of_a_block_keeps_its_label() -> None:
    graph = check_text("block f(k) { conv F1 K=k -> relu }\ninput 3x8x8\na: f(3)\nf(4)")[0].graph
    assert graph is not None
    steps = [step for step in graph.root.steps if isinstance(step, Region)]
    assert [(step.name, step.label) for step in steps] == [("a", "a"), ("f", None)]
