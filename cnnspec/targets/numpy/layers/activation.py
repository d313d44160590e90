"""Activations: number by number, y = f(x) and dx = dy·f'(x)."""

import numpy as np

from cnnspec.targets.numpy.layers.net import constant
from cnnspec.targets.numpy.layers.windows import spatial


def relu(x, net):
    """max(x, 0)"""
    y = np.maximum(x, 0)
    net.keep(y)
    return net.out(y)


def relu_backward(dy, net):
    """f'(x) is 1 where x > 0, else 0."""
    (y,) = net.take()
    return dy * (y > 0)


def relu6(x, net):
    """min(max(x, 0), 6)"""
    y = np.minimum(np.maximum(x, 0), 6)
    net.keep(y)
    return net.out(y)


def relu6_backward(dy, net):
    """f'(x) is 1 where 0 < x < 6, else 0."""
    (y,) = net.take()
    return dy * ((y > 0) & (y < 6))


def leaky(x, net, slope=0.01):
    """x where x > 0, else slope·x"""
    net.keep(x, slope)
    return net.out(np.where(x > 0, x, slope * x))


def leaky_backward(dy, net):
    """f'(x) is 1 where x > 0, else the slope."""
    x, slope = net.take()
    return np.where(x > 0, dy, slope * dy)


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


def elu(x, net, alpha=1.0):
    """x where x > 0, else alpha·(eˣ − 1)"""
    y = np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))
    net.keep(x, y, alpha)
    return net.out(y)


def elu_backward(dy, net):
    """f'(x) is 1 where x > 0, else alpha·eˣ = y + alpha."""
    x, y, alpha = net.take()
    return np.where(x > 0, dy, dy * (y + alpha))


def selu(x, net):
    """1.0507·x where x > 0, else 1.0507·1.6733·(eˣ − 1)"""
    alpha, scale = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
    net.keep(x, alpha, scale)
    return net.out(scale * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))))


def selu_backward(dy, net):
    """f'(x) is 1.0507 where x > 0, else 1.0507·1.6733·eˣ."""
    x, alpha, scale = net.take()
    return dy * np.where(x > 0, scale, scale * alpha * np.exp(np.minimum(x, 0)))


def erf(x):
    """2/√π·∫₀ˣ e^(−t²) dt, within 1e-14: 1 − u·e^(−x²)·e^(p(u)) with u = 2/(2 + |x|)
    and a polynomial p (Chebyshev)."""
    coefficients = np.array(
        [
            -6.513268598908547e-01, 6.419697923564902e-01, 1.947647320418592e-02, -9.561514786808773e-03,
            -9.465953444817610e-04, 3.668394974524478e-04, 4.252332480738638e-05, -2.027857811312961e-05,
            -1.624290003897295e-06, 1.303655834723086e-06, 1.562644270140498e-08, -8.523809676202307e-08,
            6.529055271371101e-09, 5.059342765084926e-09, -9.913635240316360e-10, -2.273658498039409e-10,
            9.646876021437386e-11, 2.393057068930792e-12, -6.884924997268874e-12, 8.933135028800560e-13,
            3.143593475731574e-13, -1.140669684311344e-13, 3.512739616093209e-15,
        ]
    )  # fmt: skip
    u = 2 / (2 + np.abs(x))
    p = np.polynomial.chebyshev.chebval(2 * u - 1, coefficients)
    return np.copysign(1 - u * np.exp(p - x * x), x)


def gelu(x, net):
    """x·Φ(x), with Φ(x) = (1 + erf(x/√2))/2, the normal distribution's function"""
    phi = (1 + erf(x * np.sqrt(0.5).astype(x.dtype))) / 2
    net.keep(x, phi)
    return net.out(x * phi)


def gelu_backward(dy, net):
    """f'(x) = Φ(x) + x·Φ'(x), with Φ'(x) = e^(−x²/2)/√(2π)."""
    x, phi = net.take()
    return dy * (phi + x * np.exp(-x * x / 2) * (1 / float(np.sqrt(2 * np.pi))))


def logistic(x):
    """1/(1 + e⁻ˣ), written so that nothing overflows"""
    return (np.tanh(x / 2) + 1) / 2


def sigmoid(x, net):
    """1/(1 + e⁻ˣ)"""
    y = logistic(x)
    net.keep(y)
    return net.out(y)


def sigmoid_backward(dy, net):
    """f'(x) = y·(1 − y)."""
    (y,) = net.take()
    return dy * y * (1 - y)


def silu(x, net):
    """x·σ(x), with σ(x) = 1/(1 + e⁻ˣ)"""
    s = logistic(x)
    net.keep(x, s)
    return net.out(x * s)


def silu_backward(dy, net):
    """f'(x) = σ(x) + x·σ(x)·(1 − σ(x))."""
    x, s = net.take()
    return dy * s * (1 + x * (1 - s))


def mish(x, net):
    """x·tanh(ln(1 + eˣ))"""
    t = np.tanh(np.logaddexp(0, x))
    net.keep(x, t)
    return net.out(x * t)


def mish_backward(dy, net):
    """f'(x) = t + x·(1 − t²)·σ(x), with t = tanh(ln(1 + eˣ))."""
    x, t = net.take()
    return dy * (t + x * (1 - t * t) * logistic(x))


def hswish(x, net):
    """x·min(max(x + 3, 0), 6)/6"""
    net.keep(x)
    gate = x + 3
    np.clip(gate, 0, 6, out=gate)
    gate *= x
    gate /= 6
    return net.out(gate)


def hswish_backward(dy, net):
    """f'(x) is 0 below −3, 1 above 3, else x/3 + 1/2."""
    (x,) = net.take()
    return dy * np.where(x < -3, 0, np.where(x <= 3, x / 3 + 0.5, 1)).astype(x.dtype)


def hsigmoid(x, net):
    """min(max(x + 3, 0), 6)/6"""
    net.keep(x)
    return net.out(np.clip(x + 3, 0, 6) / 6)


def hsigmoid_backward(dy, net):
    """f'(x) is 1/6 where −3 < x < 3, else 0."""
    (x,) = net.take()
    return dy * (np.abs(x) < 3) / 6


def tanh(x, net, amp=1.0, gain=1.0):
    """amp·tanh(gain·x)"""
    t = np.tanh(gain * x)
    net.keep(t, amp, gain)
    return net.out(amp * t)


def tanh_backward(dy, net):
    """f'(x) = amp·gain·(1 − tanh²(gain·x))."""
    t, amp, gain = net.take()
    return dy * (amp * gain * (1 - t * t))


def softplus(x, net):
    """ln(1 + eˣ)"""
    net.keep(x)
    return net.out(np.logaddexp(0, x))


def softplus_backward(dy, net):
    """f'(x) = 1/(1 + e⁻ˣ)."""
    (x,) = net.take()
    return dy * logistic(x)


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


def logsoftmax(x, net):
    """x − ln Σ eˣ over the channels"""
    x = x - x.max(-1, keepdims=True)
    y = x - np.log(np.exp(x).sum(-1, keepdims=True))
    net.keep(y)
    return net.out(y)


def logsoftmax_backward(dy, net):
    """dy_i/dx_j = [i = j] − e^(y_j), so dx = dy − e^y·Σ dy."""
    (y,) = net.take()
    return dy - np.exp(y) * dy.sum(-1, keepdims=True)


def absolute(x, net):
    """|x|"""
    net.keep(x)
    return net.out(np.abs(x))


def absolute_backward(dy, net):
    """f'(x) is the sign of x."""
    (x,) = net.take()
    return dy * np.sign(x)


def exp(x, net):
    """eˣ"""
    y = np.exp(x)
    net.keep(y)
    return net.out(y)


def exp_backward(dy, net):
    """f'(x) = eˣ = y."""
    (y,) = net.take()
    return dy * y


def log(x, net):
    """ln x"""
    net.keep(x)
    return net.out(np.log(x))


def log_backward(dy, net):
    """f'(x) = 1/x."""
    (x,) = net.take()
    return dy / x


def power(x, net, p):
    """xᵖ"""
    net.keep(x, p)
    return net.out(x**p)


def power_backward(dy, net):
    """f'(x) = p·xᵖ⁻¹."""
    x, p = net.take()
    return dy * (p * x ** (p - 1))


def softmax_groups(x, net, G):
    """eˣ/Σ eˣ over the channels of each of G groups"""
    groups = x.reshape(*x.shape[:-1], G, x.shape[-1] // G)
    powers = np.exp(groups - groups.max(-1, keepdims=True))
    y = powers / powers.sum(-1, keepdims=True)
    net.keep(y)
    return net.out(y.reshape(x.shape))


def softmax_groups_backward(dy, net):
    """As softmax, group by group: dx = y·(dy − Σ dy·y)."""
    (y,) = net.take()
    d = dy.reshape(y.shape)
    return (y * (d - (d * y).sum(-1, keepdims=True))).reshape(dy.shape)


def softmax_positions(x, net):
    """eˣ/Σ eˣ over the positions of each map"""
    powers = np.exp(x - x.max(spatial(x), keepdims=True))
    y = powers / powers.sum(spatial(x), keepdims=True)
    net.keep(y)
    return net.out(y)


def softmax_positions_backward(dy, net):
    """As softmax, map by map: dx = y·(dy − Σ dy·y)."""
    (y,) = net.take()
    return y * (dy - (dy * y).sum(spatial(y), keepdims=True))


def prelu_positions(x, net):
    """x where x > 0, else a·x, with an a for each channel and position"""
    _, *size, C = x.shape
    a = np.moveaxis(net.weight("weight", (C, *size), constant(0.25)), 0, -1)
    net.keep(x, a)
    return net.out(np.where(x > 0, x, a * x))


def prelu_positions_backward(dy, net):
    """f'(x) is 1 where x > 0, else a; dL/da = Σ dy·x over the images, where x ≤ 0."""
    x, a = net.take()
    net.gradient("weight", np.moveaxis((dy * np.minimum(x, 0)).sum(0), -1, 0))
    return np.where(x > 0, dy, a * dy)
