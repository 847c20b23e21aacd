"""PyTorch: the book's formulas eager and compiled, and its own fused losses."""

import formulas
import torch
import torch.nn.functional as F

from engines import Engine

torch.set_num_threads(1)


def differentiated(loss):
    def step(*arrays):
        tensors = [torch.from_numpy(array).requires_grad_(True) for array in arrays]
        cost = loss(*tensors)
        gradients = torch.autograd.grad(cost, tensors)
        return cost.item(), tuple([gradient.numpy() for gradient in gradients])

    return step


def constants(case):
    """Labels, and the inputs of a network, as its own tensors."""
    x = None if case.x is None else torch.from_numpy(case.x)
    return torch.from_numpy(case.y), x


def primitives(case):
    return differentiated(formulas.loss(torch, case, *constants(case)))


def compiled(case):
    torch.compiler.reset()  # each case is compiled on its own
    return differentiated(
        torch.compile(formulas.loss(torch, case, *constants(case)), dynamic=False)
    )


def sigmoid_ce(z, y):
    return F.binary_cross_entropy_with_logits(z, y, reduction="sum")


def sigmoid_ll(z, y):
    return -torch.sum(F.logsigmoid(z) * y)


def softmax_ce(z, y):
    log = F.log_softmax(z, -1)
    return -torch.sum(log * y + torch.log1p(-log.exp()) * (1 - y))


def softmax_ll(z, y):
    rows = z if z.ndim > 1 else z[None]
    return F.cross_entropy(rows, y if y.ndim > 1 else y[None], reduction="sum")


def fused(case):
    total = globals()[f"{case.output}_{case.cost}"]
    y, x = constants(case)
    if x is None:
        return differentiated(lambda z: formulas.mean(total(z, y), z))

    def of_parameters(w1, b1, w2, b2):
        hidden = torch.sigmoid(torch.addmm(b1, x, w1))
        z = torch.addmm(b2, hidden, w2)
        return formulas.mean(total(z, y), z)

    return differentiated(of_parameters)


def fused_classes(case):
    y = torch.from_numpy(case.y)
    return differentiated(lambda z: F.cross_entropy(z, y))


ENGINES = (
    Engine("PyTorch", primitives, differentiated),
    Engine("PyTorch, fused losses", fused, classes=fused_classes),
    Engine("PyTorch, torch.compile", compiled, slow_to_build=True),
)
