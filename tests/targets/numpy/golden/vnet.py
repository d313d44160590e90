"""VNet: V-Net: Fully Convolutional Neural Networks for Volumetric Medical Image Segmentation, Milletari et al., 3DV 2016

init() draws the weights, forward() runs the network, loss_and_grads() and backward()
compute the gradients, step() updates the weights. Inputs and outputs are arrays of shape
(N, C, T, H, W), as in PyTorch; inside, the channels are last, (N, T, H, W, C). The names and
layouts of the weights are those of PyTorch's state_dict. One number for S, P, F and the
like is that of every axis. Formulas are written for images, (N, H, W, C); they hold for
any number of axes.
"""

import numpy as np


class Net:
    """A place in the network, in one pass through it: net["body"]["conv1"] is the place
    body.conv1.

    A layer reads its weights here, under their names in the state_dict, and keeps what
    its backward pass needs; that adds the gradients. All places of a pass share these:

    params    every weight by its name, "body.conv1.weight"; only `init` writes to it
    trained   the weights that have a gradient
    kept      what forward kept for backward; None: there is no backward pass
    grads     the gradient of each weight; of a weight that is used twice, the sum
    stats     the new running statistics
    trace     called with the name and the output (N, C, H, W) of each layer
    """

    def __init__(self, params, training=False, keep=False, rng=None, masks=None, trace=None, draw=None):
        self.at, self.fixed = "", False
        self.params, self.training, self.trace, self.draw = params, training, trace, draw
        self.kept = {} if keep else None
        self.trained, self.grads, self.stats = {}, {}, {}
        self.rng = rng or np.random.default_rng()
        self.masks = masks or {}

    def __getitem__(self, name):
        """The place one level down."""
        return self.go(f"{self.at}{name}.")

    def go(self, at, fixed=False):
        """The place with this full name, which ends in a dot."""
        there = object.__new__(Net)
        there.__dict__.update(self.__dict__, at=at, fixed=fixed, training=self.training and not fixed)
        return there

    def frozen(self):
        """The same place, with weights and running statistics that stay as they are."""
        return self.go(self.at, fixed=True)

    def weight(self, name, shape, start):
        """The layer's weight of that name; trained unless the place is frozen."""
        value = self.param(name, shape, start)
        if not self.fixed:
            self.trained[self.at + name] = value
        return value

    def buffer(self, name, shape, start):
        """Running statistics: the newest values. They have no gradient."""
        return self.stats.get(self.at + name, self.param(name, shape, start))

    def update(self, name, value):
        """The new numbers of a buffer."""
        self.stats[self.at + name] = np.asarray(value)

    def param(self, name, shape, start):
        """The layer's entry of `params`; `init` draws it here, of type `draw`."""
        if self.draw is not None and self.at + name not in self.params:
            self.params[self.at + name] = start(self.rng, shape, self.draw)
        return self.params[self.at + name]

    def out(self, y):
        """The layer's output, given to `trace`."""
        if self.trace is not None:
            self.trace(self.at[:-1], np.moveaxis(y, -1, 1))
        return y

    def keep(self, *values):
        """Keeps what backward needs."""
        if self.kept is not None:
            self.kept.setdefault(self.at, []).append(values)

    def take(self):
        """What forward kept here; if the place is used several times, the last use comes first."""
        assert self.kept is not None, "this pass kept nothing for backward"
        return self.kept[self.at].pop()

    def gradient(self, name, value):
        """Adds to the loss's gradient with respect to a weight, one part per use."""
        key = self.at + name
        self.grads[key] = self.grads[key] + value if key in self.grads else value


def inside(x):
    """(N, C, H, W) as (N, H, W, C)."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))


def outside(x):
    """(N, H, W, C) as (N, C, H, W)."""
    return np.ascontiguousarray(np.moveaxis(x, -1, 1))


def total(x):
    """Σ over all images and positions, for each channel."""
    rows = x.reshape(x.size // x.shape[-1], x.shape[-1])
    return np.ones(len(rows), x.dtype) @ rows


def uniform(bound):
    """Starts as U(−bound, bound)."""
    return lambda rng, shape, dtype: (rng.random(shape, dtype) - dtype(0.5)) * dtype(2 * bound)


def constant(value):
    """Starts as the same number everywhere."""
    return lambda rng, shape, dtype: np.full(shape, value, dtype)


def spatial(x):
    """The axes of the positions: of (N, H, W, C) these are (1, 2)."""
    return tuple(range(1, x.ndim - 1))


def per_axis(x, *sizes):
    """Each size as one number for each axis of x's maps: for images, 3 means (3, 3)."""
    return [size if isinstance(size, tuple) else (size,) * (x.ndim - 2) for size in sizes]


def ends(x, P):
    """Padding before and after, along each axis: for images, 1 means ((1, 1), (1, 1))."""
    return tuple(one if isinstance(one, tuple) else (one, one) for one in per_axis(x, P)[0])


def padded(x, P, value=0):
    """The map with P rows and columns of `value` around it."""
    if not any(map(any, P)):
        return x
    return np.pad(x, ((0, 0), *P, (0, 0)), constant_values=value)


def within(wide, P, size):
    """The map of this size that has P rows and columns around it."""
    return wide[:, *(slice(before, before + N) for (before, _), N in zip(P, size, strict=True))]


def windows(x, F, S, D):
    """The numbers under the filter at each position: (N, H', W', F, F, C), a view."""
    reach = tuple(d * (f - 1) + 1 for f, d in zip(F, D, strict=True))
    seen = np.lib.stride_tricks.sliding_window_view(x, reach, axis=spatial(x))
    seen = seen[:, *(np.s_[::s] for s in S), :, *(np.s_[::d] for d in D)]
    return np.moveaxis(seen, x.ndim - 1, -1)


def blocks(y, numbers, most=2**20):
    """Blocks of images and rows of y for which about a million numbers are needed, which
    fit into the processor's cache; each position needs `numbers` of them."""
    row = numbers * int(np.prod(y.shape[2:-1]))
    images, step = max(1, most // (y.shape[1] * row)), max(1, most // row)
    for n in range(0, len(y), images):
        for i in range(0, y.shape[1], step):
            yield np.s_[n : n + images, i : i + step]


def taps(F, S, D, size):
    """Each tap (f, g) of the filter, and the part of the map that it reads at the `size` positions of the
    filter."""
    for tap in np.ndindex(*F):
        first = [d * f for d, f in zip(D, tap, strict=True)]
        steps = zip(first, S, size, strict=True)
        yield tap, np.s_[:, *(slice(i, i + s * (n - 1) + 1, s) for i, s, n in steps)]


def slide(x, weight, S, P, D):
    """Slides K filters over the maps:

        y[i, j, k] = Σ_(f, g, c) x[S·i + D·f − P, S·j + D·g − P, c] · w[k, c, f, g]

    The F·F·C numbers of a window are a row, those of a filter a column: the dot products
    of many windows with all K filters are one matrix product.
    """
    K, F = len(weight), weight.shape[2:]
    filters = np.moveaxis(weight, 1, -1).reshape(K, -1).T
    seen = windows(padded(x, P), F, S, D)
    y = np.empty((*seen.shape[: x.ndim - 1], K), x.dtype)
    for part in blocks(y, len(filters)):
        np.matmul(seen[part].reshape(-1, len(filters)), filters, out=y[part].reshape(-1, K))
    return y


def slide_to_weight(dy, x, weight, S, P, D):
    """A weight is used at every position of the filter; its gradient is the sum over all
    of them:

        dL/dw[k, c, f, g] = Σ_(n, i, j) dy[i, j, k] · x[S·i + D·f − P, S·j + D·g − P, c]
    """
    K, C, *F = weight.shape
    seen = windows(padded(x, P), F, S, D)
    total = np.zeros((weight[0].size, K), dy.dtype)
    for part in blocks(dy, len(total)):
        total += seen[part].reshape(-1, len(total)).T @ dy[part].reshape(-1, K)
    return np.moveaxis(total.reshape(*F, C, K), (-1, -2), (0, 1))


def slide_to_input(dy, weight, size, S, P, D):
    """x[S·i + D·f − P, S·j + D·g − P] is in y[i, j] with the weights w[:, :, f, g]; its
    gradient is the sum over all such positions:

        dL/dx[S·i + D·f − P, S·j + D·g − P, c] += Σ_k dy[i, j, k] · w[k, c, f, g]

    Tap by tap: one matrix product, shifted. At stride 1 this is itself a convolution,
    of dy with the filters turned by 180° (slower where x has few channels).
    """
    (K, C, *F), (_, *positions, _) = weight.shape, dy.shape
    around = [
        (d * (f - 1) - before, N - n + before)
        for d, f, (before, _), N, n in zip(D, F, P, size, positions, strict=True)
    ]
    if max(S) == 1 < max(F) and 2 * C >= K and min(map(min, around)) >= 0:
        turned = np.flip(weight, range(2, weight.ndim)).swapaxes(0, 1)
        return slide(dy, turned, S, around, D)
    filters = np.ascontiguousarray(np.moveaxis(weight, (0, 1), (-2, -1)))
    wide = [before + N + max(after, 0) for (before, after), N in zip(P, size, strict=True)]
    dx = np.zeros((len(dy), *wide, C), dy.dtype)
    images = max(1, 2**18 // (int(np.prod(positions)) * max(C, K)))
    for n in range(0, len(dy), images):
        part, rows = dx[n : n + images], dy[n : n + images].reshape(-1, K)
        for tap, seen in taps(F, S, D, positions):
            part[seen] += (rows @ filters[tap]).reshape(len(part), *positions, C)
    return within(dx, P, size)


def conv(x, net, K, F, S=1, P=0, D=1, bias=True, start=None, start_bias=None):
    """Convolution: x (N, H, W, C) → y (N, H', W', K)

        H' = ⌊(H + 2P − D(F − 1) − 1)/S⌋ + 1      (F·F·C)·K weights and K biases

    Slide, dot product over the whole depth, add each filter's bias.
    """
    (F, S, D), P, C = per_axis(x, F, S, D), ends(x, P), x.shape[-1]
    first = uniform(1 / np.sqrt(C * np.prod(F)))
    weight = net.weight("weight", (K, C, *F), start or first)
    y = slide(x, weight, S, P, D)
    if bias:
        y += net.weight("bias", (K,), start_bias or first)
    net.keep(x, weight, S, P, D, bias)
    return net.out(y)


def conv_backward(dy, net):
    """dL/db = Σ dy, because the bias was added at every position; see slide_to_…"""
    x, weight, S, P, D, bias = net.take()
    if bias:
        net.gradient("bias", total(dy))
    net.gradient("weight", slide_to_weight(dy, x, weight, S, P, D))
    return slide_to_input(dy, weight, x.shape[1:-1], S, P, D)


def groups(G, weight, *maps):
    """The filters of each of G groups, with its C/G of the maps."""
    return zip(np.split(weight, G), *(np.split(x, G, axis=-1) for x in maps), strict=True)


def deconv(x, net, K, F, S=1, P=0, D=1, G=1, extra=0, bias=True, start=None, start_bias=None):
    """Transposed convolution: x (N, H, W, C) → y (N, H', W', K)

        H' = (H − 1)·S − 2P + D(F − 1) + 1 + extra

    Each number is multiplied by a whole filter; the products of neighbours are S
    positions apart, and are added where they overlap; P rows and columns are cropped.
    In G groups, C/G maps give K/G. (F·F·K/G)·C weights (C, K/G, F, F) and K biases.
    """
    (F, S, D, extra), C = per_axis(x, F, S, D, extra), x.shape[-1]
    P = [(before, after - more) for (before, after), more in zip(ends(x, P), extra, strict=True)]
    sizes = zip(x.shape[1:-1], F, S, D, P, strict=True)
    size = [(N - 1) * s + d * (f - 1) + 1 - sum(cut) for N, f, s, d, cut in sizes]
    first = uniform(1 / np.sqrt(K // G * np.prod(F)))
    weight = net.weight("weight", (C, K // G, *F), start or first)
    parts = groups(G, weight, x)
    y = np.concatenate([slide_to_input(part, w, size, S, P, D) for w, part in parts], axis=-1)
    if bias:
        y += net.weight("bias", (K,), start_bias or first)
    net.keep(x, weight, G, S, P, D, bias)
    return net.out(y)


def deconv_backward(dy, net):
    """The reverse is a convolution: dL/dx slides the filters over dy, and the weights' gradient is that of a
    convolution with x and dy exchanged."""
    x, weight, G, S, P, D, bias = net.take()
    if bias:
        net.gradient("bias", total(dy))
    extra = [max(-after, 0) for _, after in P]  # rows that no x reaches
    dy = dy[:, *(slice(N - more) for N, more in zip(dy.shape[1:-1], extra, strict=True))]
    P = [(before, max(after, 0)) for before, after in P]
    dx, dweight = [], []
    for w, part, d in groups(G, weight, x, dy):
        dx.append(slide(d, w, S, P, D))
        dweight.append(slide_to_weight(part, d, w, S, P, D))
    net.gradient("weight", np.concatenate(dweight))
    return np.concatenate(dx, axis=-1)


def prelu(x, net, one=False):
    """x where x > 0, else a·x, with an a for each channel (`one`: for all of them)"""
    a = net.weight("weight", (1 if one else x.shape[-1],), constant(0.25))
    net.keep(x, a)
    return net.out(np.where(x > 0, x, a * x))


def prelu_backward(dy, net):
    """f'(x) is 1 where x > 0, else a; dL/da = Σ dy·x where x ≤ 0."""
    x, a = net.take()
    da = (dy * np.minimum(x, 0)).sum(tuple(range(x.ndim - 1)))
    net.gradient("weight", da.sum(keepdims=True) if len(a) == 1 else da)
    return np.where(x > 0, dy, a * dy)


def softmax(x, net):
    """eˣ/Σ eˣ over the channels"""
    powers = np.exp(x - x.max(-1, keepdims=True))
    y = powers / powers.sum(-1, keepdims=True)
    net.keep(y)
    return net.out(y)


def softmax_backward(dy, net):
    """dy_i/dx_j = y_i·([i = j] − y_j), so dx = y·(dy − Σ dy·y)."""
    (y,) = net.take()
    return y * (dy - (dy * y).sum(-1, keepdims=True))


def add(net, *xs):
    """The sum of the branches, number by number."""
    net.keep(len(xs))
    y = xs[0]
    for x in xs[1:]:
        y = y + x
    return net.out(y)


def add_backward(dy, net):
    """Each branch gets all of dy."""
    (count,) = net.take()
    return [dy] * count


def concat(net, *xs):
    """The maps of the branches, stacked along the channels."""
    net.keep(np.cumsum([x.shape[-1] for x in xs[:-1]]))
    return net.out(np.concatenate(xs, axis=-1))


def concat_backward(dy, net):
    """Each branch gets the part of dy that belongs to its maps."""
    (ends,) = net.take()
    return np.split(dy, ends, axis=-1)


def squared_error(y, target):
    """mean (y − target)², and its gradient 2·(y − target)/(how many numbers y has)."""
    away = y - target
    return float((away * away).mean()), away * (2 / y.size)


def residual(x, net, k, n):
    """The block residual, first used for 32x32x64x64 -> 32x32x64x64."""
    a = x
    net["group"].keep(n - 1)
    for i in range(n - 1):
        a = conv(a, net["group"][i]["conv"], K=k, F=5, P=2)
        a = prelu(a, net["group"][i]["prelu"])
    a = conv(a, net["conv"], K=k, F=5, P=2)
    x = add(net["add"], a, x)
    x = prelu(x, net["prelu"])
    return x


def residual_backward(dx, net):
    """The chain rule, from the last step to the first."""
    dx = prelu_backward(dx, net["prelu"])
    da, dx = add_backward(dx, net["add"])
    da = conv_backward(da, net["conv"])
    (count,) = net["group"].take()
    for i in reversed(range(count)):
        da = prelu_backward(da, net["group"][i]["prelu"])
        da = conv_backward(da, net["group"][i]["conv"])
    dx = dx + da
    return dx


def down(x, net, n):
    """The block down, first used for 16x64x128x128 -> 32x32x64x64."""
    x = conv(x, net["conv"], K=2 * x.shape[-1], F=2, S=2)
    x = prelu(x, net["prelu"])
    x = residual(x, net["residual"], x.shape[-1], n)
    return x


def down_backward(dx, net):
    """The chain rule, from the last step to the first."""
    dx = residual_backward(dx, net["residual"])
    dx = prelu_backward(dx, net["prelu"])
    dx = conv_backward(dx, net["conv"])
    return dx


def up(x, net, skip, k, n):
    """The block up, first used for 256x4x8x8 -> 256x8x16x16."""
    x = deconv(x, net["deconv"], K=k // 2, F=2, S=2)
    x = prelu(x, net["prelu"])
    x = concat(net["concat"], x, skip)
    x = residual(x, net["residual"], k, n)
    return x


def up_backward(dx, net):
    """The chain rule, from the last step to the first."""
    dx = residual_backward(dx, net["residual"])
    dx, dskip = concat_backward(dx, net["concat"])
    dx = prelu_backward(dx, net["prelu"])
    dx = deconv_backward(dx, net["deconv"])
    return dx, dskip


def network(x, net):
    """The network."""
    a = conv(x, net["l1"]["conv"], K=16, F=5, P=2)  # 16x64x128x128
    for i in range(4):
        x = concat(net["l1"]["group"][i], x, x)
    x = add(net["l1"]["add"], a, x)  # 16x64x128x128
    l1 = prelu(x, net["l1"]["prelu"])  # 16x64x128x128
    l2 = down(l1, net["l2"], 2)  # 32x32x64x64
    l3 = down(l2, net["l3"], 3)  # 64x16x32x32
    l4 = down(l3, net["l4"], 3)  # 128x8x16x16
    x = down(l4, net["down"], 3)  # 256x4x8x8
    x = up(x, net["up1"], l4, 256, n=3)  # 256x8x16x16
    x = up(x, net["up2"], l3, 128, n=3)  # 128x16x32x32
    x = up(x, net["up3"], l2, 64, n=2)  # 64x32x64x64
    x = up(x, net["up4"], l1, 32, n=1)  # 32x64x128x128
    x = conv(x, net["conv"], K=2, F=1)  # 2x64x128x128
    x = softmax(x, net["softmax"])  # 2x64x128x128
    return x


def network_backward(dx, net):
    """The chain rule, from the last step to the first."""
    dx = softmax_backward(dx, net["softmax"])
    dx = conv_backward(dx, net["conv"])
    dx, dl1 = up_backward(dx, net["up4"])
    dx, dl2 = up_backward(dx, net["up3"])
    dx, dl3 = up_backward(dx, net["up2"])
    dx, dl4 = up_backward(dx, net["up1"])
    dl4 = dl4 + down_backward(dx, net["down"])
    dl3 = dl3 + down_backward(dl4, net["l4"])
    dl2 = dl2 + down_backward(dl3, net["l3"])
    dl1 = dl1 + down_backward(dl2, net["l2"])
    dx = prelu_backward(dl1, net["l1"]["prelu"])
    da, dx = add_backward(dx, net["l1"]["add"])
    for i in reversed(range(4)):
        more, more2 = concat_backward(dx, net["l1"]["group"][i])
        dx = more
        dx = dx + more2
    dx = dx + conv_backward(da, net["l1"]["conv"])
    return dx


def init(seed=0, dtype=np.float32):
    """New weights. An empty batch runs through the network, and each layer draws its weights
    then, since the depth of its input is known."""
    net = Net({}, rng=np.random.default_rng(seed), draw=np.dtype(dtype).type)
    network(np.empty((0, 64, 128, 128, 1), dtype), net)
    return net.params


def forward(params, x, training=False, rng=None, masks=None, trace=None):
    """The output of the network. In training, dropout takes its mask from `masks`, by the
    layer's name (1: keep the number), or draws one from `rng`. trace(name, y) is called
    with the output of each layer."""
    net = Net(params, training, rng=rng, masks=masks, trace=trace)
    y = network(inside(x), net)
    return outside(y)


def record(params, x, training=True, rng=None, masks=None, trace=None):
    """As forward, but returns y and what backward needs. The new running statistics are in
    its `stats`, by name; `params` is not changed."""
    net = Net(params, training, keep=True, rng=rng, masks=masks, trace=trace)
    y = network(inside(x), net)
    return outside(y), net


def backward(dy, net):
    """From dL/dy: dL/dx, and the gradient of each trainable weight by its name."""
    dx = network_backward(inside(dy), net)
    grads = {key: net.grads.get(key, np.zeros_like(value)) for key, value in net.trained.items()}
    return outside(dx), grads


def loss_and_grads(params, x, target, loss=squared_error, training=True, rng=None, masks=None):
    """The loss, the gradient of each trainable weight, that of the input, and the new
    running statistics. loss(y, target) gives its value and dL/dy."""
    y, net = record(params, x, training, rng, masks)
    value, dy = loss(y, target)
    dx, grads = backward(dy, net)
    return value, grads, dx, net.stats


def step(params, grads, stats, rate):
    """The params after one step down the gradients, with the new running statistics; each
    keeps its type, whatever the type of the rate."""
    moved = {key: params[key] - rate * grad for key, grad in grads.items()}
    moved = {key: one.astype(params[key].dtype) for key, one in moved.items()}
    return {**params, **stats, **moved}
