"""Short specs, each with an idiom of other hands': what a block may do that the zoo's do not."""

from __future__ import annotations

IDIOMS = {
    "a dual path, cut at the block's parameter": """\
block pre(k, f=1) { bn -> relu -> conv F=f P=f//2 K=k }
block dual(r, bw, inc) {
  x: id
  y: @x -> pre(r) -> pre(bw + inc, f=3)
  concat [ add [ @x -> slice 0:bw | @y -> slice 0:bw ] | @x -> slice bw:C | @y -> slice bw:C ]
}
input 3x8x8
conv F3 P1 K10 -> dual(4, 8, 2) -> [dual(4, 8, 2)]*3 -> dual(6, 12, 1)
""",
    "ifs in ifs that choose blocks": """\
block two(s=1) { let c = C//2
                 concat [ slice 0:c -> dwconv F3 S=s P1 | slice c:2*c -> dwconv F5 S=s P2 ] }
block mix(n, s=1) { if n == 1 [ dwconv F3 S=s P1 ] else [ if n == 2 [ two(s=s) ] else [ conv F1 S=s K=C ] ] }
block unit(e, k, n=1, s=1, r=0) {
  let c = C
  x: id
  conv F1 K=e -> if r > 0 [ silu ] else [ relu ]
  mix(n, s=s) -> bn -> if r > 0 [ silu -> mul [ id | gap -> fc K=r -> fc K=e -> sigmoid ] ] else [ relu ]
  conv F1 K=k -> bn
  if s == 1 and c == k [ add [ id | @x ] ]
}
input 8x8x8
unit(16, 8) -> unit(16, 8, n=2) -> unit(16, 12, n=3, s=2, r=4) -> [unit(24, 12, n=2, r=6)]*2
""",
    "channels that grow with the pass": """\
let alpha = 9
let n = 4
block unit(k, s=1) {
  add [ bn -> conv F3 S=s P1 K=k -> relu | if s > 1 [ avgpool F2 ceil ] -> pad channels=k - C ]
}
input 4x9x9
[ unit(round(4 + alpha*(i + 1)/(3*n))) ]*n
unit(round(4 + alpha*(n + 1)/(3*n)), s=2)
[ let k = 4 + alpha*(n + i + 2)/(3*n)
  unit(round(k)) ]*(n - 1)
""",
    "halves that part and meet, in a repeat of blocks": """\
block cbl(k, f=1, s=1) { conv F=f S=s P=f//2 K=k nobias -> bn -> leaky 0.01 }
block bottle(k) { add [ id | cbl(k//2) -> cbl(k, f=3) ] }
block csp(k, n, s=1) {
  if s > 1 [ cbl(C, f=3, s=s) ]
  both: conv F1 K=2*k -> bn
  right: @both -> slice k:2*k -> [bottle(k)]*n -> cbl(k)
  concat [ @both -> slice 0:k | @right ]
  cbl(k)
}
input 3x16x16
cbl(8, f=7) -> csp(8, 3) -> csp(16, 0, s=2) -> csp(12, 2)
""",
    "a context block, used at four sizes": """\
block context(r) {
  let h = H
  let w = W
  let c = C
  mul [ id | conv F1 K1 -> reshape (h*w)x1x1 -> softmax -> reshape 1x(h)x(w) ]
  mul [ id | gap -> conv F1 K=c//r -> ln -> relu -> conv F1 K=c ]
}
input 8x16x16
context(2) -> conv F3 S2 P1 K16 -> context(4) -> [context(8)]*2 -> conv F3 S2 P1 K8 -> context(r=2)
""",
    "shared weights, in a loop and out of it": """\
shared s(p) { conv F1 K8 }
shared head(k) { conv F3 P1 K=k -> relu -> conv F1 K=k }
block b(p) { relu -> s(p) }
input 8x4x4
[b(i)]*2 -> [b(2 + i)]*2
h: head(8)
[ s(1) -> head(8) ]*2
add [ id | @h -> head(8) ]
""",
    "labels given away from groups under ifs": """\
block b(n, @skip) {
  g: [ if n > 1 [ a: conv F1 K4 ] else [ c: relu ]
       e: bn ]
  add [ id | if n > 1 [ @e -> conv F1 K4 ] else [ @c -> conv F1 K4 ] | @e -> relu | @skip ]
}
input 4x6x6
x: relu
b(1, @x) -> b(2, @x) -> b(3, @x)
""",
    "pools undone, in blocks": """\
block down(k) { conv F3 P1 K=k -> bn -> relu }
block up(k) { p: maxpool F2
              down(k)
              unpool like=@p
              down(k) }
input 3x8x8
down(4) -> up(4) -> up(4)
q: maxpool F2
unpool like=@q -> crop 6x6
""",
    "two inputs, three outputs, sizes of both ways": """\
block near(@other, k=4) { concat [ id | @other -> upsample like=@other ] -> conv F1x3 P0x1 K=k => 4x8x8 }
block far(F=3, P=same, @skip) { conv F=F P=P K4 -> crop like=@skip }
input left: 3x8x8
input right: 5x8x8
l: @left -> conv F3 P1 K4
r: @right -> near(@l)
s: @l -> near(@r) -> far(F=5, @r) -> far(P=2, @r) -> far(@l, F5x3 P2x1)
@s -> gap -> flatten
v: fc 10
output @r, @s, @v
""",
    "numbers that are no whole ones": """\
let w = 2/3
block b(k, p=1/8, r=0.25) {
  let m = multiple(k*w, 8)
  conv F3 P1 K=m -> leaky r -> dropout p
  if m*w > 20/3 [ conv F1 K=floor(m*w) ] else [ conv F1 K=ceil(m/w) ]
}
input 3x8x8
b(12) -> b(24, r=1/3) -> b(36, p=w/2, r=w)
""",
    "a side that no use reaches": """\
block f(k) { if k == 1 or 8/(k - 1) > 2 and unknown > 2 [ conv F1 K8 ] else [ relu ] }
input 8x4x4
f(1) -> f(9) -> f(1)
""",
    "vectors and maps through one block": """\
block plain(k) { relu -> dropout 0.1 -> if k > 1 [ abs ] }
input 6x4x4
plain(1) -> plain(2) -> flatten -> plain(1) -> plain(2) -> fc 6 -> plain(1)
""",
    "passes that hand two tensors on": """\
block cell(@prev, k) {
  x: relu -> conv F3 P1 K=k
  p: @prev -> relu -> conv F1 K=k
  out: concat [ @x | @p | @x ]
  output @out, @x
}
block stage(@prev, k, n) {
  x, y: @prev, @prev -> [cell(k)]*n
  output @y, @x
}
block swap(@b) {
  x, y: stage(@b, 4, 2)
  output @y, @x
}
input 3x16x16
a: conv F3 P1 K8
b: conv F3 P1 K16
x, y: @b, @a -> [cell(8)]*5 -> cell(4) -> [if i > 0 [ cell(3) ] else [ cell(5) ] ]*3
z, w: @x, @y -> stage(4, 3)
u, v: @z, @w -> [ stage(5, i+1) ]*2
q, r: @u, @v -> swap()
add [ @x -> conv F1 K4 | @y -> conv F1 K4 | @z -> conv F1 K4 | @w -> conv F1 K4 ]
concat [ id | @u | @v | @q | @r ]
gap -> fc 10
""",
    "an output of every pass": """\
block residual(k) {
  add [ bn -> relu -> conv F3 P1 K=k//2 -> bn -> relu -> conv F1 K=k | if C != k [ conv F1 K=k ] ]
}
block hourglass(n, k) {
  add [
      residual(k)
    | maxpool F2 -> residual(k) -> if n > 1 [ hourglass(n - 1, k) ] else [ residual(k) ] -> upsample 2
  ]
}
let stacks = 3
input 3x16x16
conv F3 P1 K8
[
  x: id
  y: hourglass(2, 8) -> residual(8) -> conv F1 K8 -> bn -> relu
  heat: conv F1 K5
  if i < stacks - 1 [ add [ @x | @y -> conv F1 K8 | @heat -> conv F1 K8 ] ]
]*stacks
output each @heat
""",
    "outputs of every pass of two repeats": """\
block cell(@prev, k) {
  x: relu -> conv F3 P1 K=k
  p: @prev -> relu -> conv F1 K=k
  out: add [ @x | @p ]
  output @out, @x
}
input 3x8x8
a: conv F3 P1 K4
b: conv F3 P1 K4
m, n: @a, @b -> [cell(5 + i)]*3 -> [
  h: id
  t: maxpool F3 S1 P1 -> gap -> fc 2 -> relu
  @h -> conv F1 K6
]*0
@m -> [ c: conv F1 K6 -> relu
 @c -> maxpool F2 ]*2 -> [ d: conv F1 K3 ]*2
output each @c, each @d
""",
    "names that groups and branches define, read behind them": """\
block g(k) {
  part: [ let m = C + k
    conv F3 P1 K=m -> relu ]
  if m > 6 [ bn ]
  [ conv F1 K=m ]*(m//5)
  add [ let q = m + 1
        conv F1 K=2*q -> [ let z = q
          relu ] | conv F1 K=2*q ]
  conv F1 K=q+z
}
input 3x8x8
g(2) -> g(3) -> g(5)
""",
}
