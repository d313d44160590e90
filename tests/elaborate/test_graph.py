"""All that one small spec becomes in the IR, field by field: targets and tables are made of nothing else."""

from __future__ import annotations

from cnnspec.ir import Body, Graph, Layer, Region
from cnnspec.ir.graph import Claim, Guard
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
body 0: 3x8x8 4x8x8 4x8x8 in 1 out 2
  conv (0) F3x1 P1x0 K4 nobias written K=k at `conv F3x1 S1 P1x0 K=k` F=`F3x1` S=`S1` P=`P1x0` K=`K=k`
  bn (1) at `bn`
body 1: 4x8x8 4x8x8 8x8x8 8x8x8 in 2 out 3 labels skip=1
  if `K == 4` True at 0
  let half = C//2 = 2 at 0 before 0
  conv (0) F3 Psame K8 under 0:True written P=P K=K*2 at `conv F3 P=P K=K*2` F=`F3` P=`P=P` K=`K=K*2`
  crop (2,1) like=@… under 0:True at `crop like=@skip` like=`like=@skip`
body 2: 8x8x8 8x8x8 8x8x8 in 1 out 2 labels inner=1
  if `i == 0` True at 0
  inner (0) F1 K8 nobias label inner at `conv F1 K8` F=`F1` K=`K8`
  add (1) branches 1 None/0:True at `add [ inner: conv F1 K8 | if i == 0 [ none ] else [ if C > 1 [ relu ] \
] ]`
body 3: 8x8x8 8x8x8 8x8x8 8x8x8 in 1 out 3 labels inner=1
  if `i == 0` False at 0
  if `C > 1` True at 0
  inner (0) F1 K8 nobias label inner at `conv F1 K8` F=`F1` K=`K8`
  relu (0) under 0:False 1:True at `relu`
  add (1,2) branches 1 2/0:False/1:True at `add [ inner: conv F1 K8 | if i == 0 [ none ] else [ if C > 1 [ \
relu ] ] ]`
body 4: 8x8x8 8x4x4 8x8x8 in 1 out 2 labels p=1 p'=0
  p (0) F2 label p at `maxpool F2` F=`F2`
  unpool (1,0) like=@… at `unpool like=@p` like=`like=@p`
body 5: 8x8x8 8x8x8 8x8x8 in 1 out 2
  bn (0) at `bn`
  relu (1) at `relu`
body 6: 8x8x8 8x8x8 in 1 out 1
  "" (0) F1 K8 written K=n at `conv F1 K=n` F=`F1` K=`K=n`
  claim => 8x8x8: steps 0-1 value 1
  claim params ~72: steps 0-1 value 1
body 7: 3x8x8 4x8x8 8x8x8 8x8x8 8x8x8 8x8x8 8x8x8 8x8x8 8x8x8 in 1 out 8 labels stem=1 body=3 part=4 q=5 \
side=6
  if `W > 1` True at 4
  let z = 8 = 8 at 4 before 4
  line stem (0) passes 0x1 label stem at `stem: conv F3x1 S1 P1x0 K=k -> bn => 4x8x8, params 44`
  block f (1,1) passes 1x1 of f K=4 P=same written K=k at `f(K=k, @stem)`
  repeat body (2) passes 2x1 3x1 written times=j-1 label body at `[ add [ inner: conv F1 K8 | if i == 0 [ \
none ] else [ if C > 1 [ relu ] ] ] ]*(j - 1)`
  group part (3) passes 4x1 label part at `[ p: maxpool F2 unpool like=@p ]`
  q (4) F1 K8 nobias under 0:True written K=z label q at `conv F1 K=z` F=`F1` K=`K=z`
  line side (5) passes 5x1 label side at `side: @q -> bn -> relu`
  shared head (6) passes 6x1 of head n=8 weights of head at `head(8)`
  relu (7) at `relu`
  claim => 4x8x8: steps 0-1 value 1
  claim params 44: steps 0-1 value 1
claim params 0.6k: steps 0-8 value 8
"""


def test_all_that_a_spec_becomes() -> None:
    graph = check_text(TEXT)[0].graph
    assert graph is not None
    assert told(graph).splitlines() == GRAPH.splitlines()


def told(graph: Graph) -> str:
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
    return "\n".join([*lines, *map(of_claim, graph.claims)])


def head(body: Body) -> str:
    shapes = " ".join("?" if shape is None else written_shape(shape) for shape in body.values)
    labels = " labels" * bool(body.labels) + "".join(f" {name}={at}" for name, at in body.labels.items())
    return f"{shapes} in {body.inputs} out {','.join(map(str, body.outputs))}{labels}"


def inside(body: Body) -> list[str]:
    lines = [f"if `{one.text}` {one.holds} at {one.at}" for one in body.conditions]
    lines += [
        f"let {one.name} = {one.text} = {one.value} at {one.at} before {one.before}" for one in body.locals
    ]
    for step in body.steps:
        words = [f"({','.join(map(str, step.inputs))})"]
        if isinstance(step, Region):
            words = [step.kind, step.name, *words, "passes"]
            words += [f"{one.body}x{one.count}" for one in step.passes]
            words += ["of", step.block] if step.block else []
            words += [f"{name}={value}" for name, value in step.arguments.items()]
            words += ["weights of", step.shared] if step.shared else []
        else:
            assert isinstance(step, Layer)
            words = [step.name or '""', *words, step.op.written()]
            words += ["branches"] * bool(step.arms)
            words += [f"{arm.value}{''.join('/' + of_guard(g) for g in arm.guards)}" for arm in step.arms]
        words += ["under", *map(of_guard, step.guards)] if step.guards else []
        words += ["written"] * bool(step.written)
        words += [f"{name}={'x'.join(texts)}" for name, texts in step.written.items()]
        words += ["label", step.label] if step.label else []
        words += ["at", f"`{' '.join(TEXT[slice(*step.span)].split())}`"]
        if isinstance(step, Layer):
            words += [f"{name}=`{TEXT[slice(*span)]}`" for name, span in step.spans.items()]
        lines.append(" ".join(word for word in words if word))
    return lines + [of_claim(claim) for claim in body.claims]


def of_guard(guard: Guard) -> str:
    return f"{guard.condition}:{guard.side}"


def of_claim(claim: Claim) -> str:
    return f"claim {claim.text}: steps {claim.first}-{claim.last} value {claim.value}"


def test_a_labelled_use_of_a_block_keeps_its_label() -> None:
    graph = check_text("block f(k) { conv F1 K=k -> relu }\ninput 3x8x8\na: f(3)\nf(4)")[0].graph
    assert graph is not None
    steps = [step for step in graph.root.steps if isinstance(step, Region)]
    assert [(step.name, step.label) for step in steps] == [("a", "a"), ("f", None)]
