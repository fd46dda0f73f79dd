# Optimizers that keep the moments of a projected gradient: GaLore and APOLLO. Matrices that are no embeddings are
# projected; the vector and the table take the plain AdamW of the same package.
#
# GaLore's projection is a singular value decomposition, whose vectors have any sign. Within one projection the signs
# cancel; when a new one comes they do not, since the moments stay. So here the largest component of each vector that is
# kept is positive. Its projection to both sides at once has no fixture: what it projects is diagonal at first, and the
# rest is float noise that Adam makes large.
#
# APOLLO's projection is random; here it is, before the division by the root of the rank,
# patterned("projection." + seed, shape, 1), where the seed is the parameter's place (from 1, projected ones first) plus
# 1000 for every projection the parameter had before.
from unittest import mock

import apollo_torch
import galore_torch
import torch
from common import TENSORS, patterned, run, write

MATRICES = [spec["name"] for spec in TENSORS if len(spec["shape"]) == 2 and not spec["rows"]]
SVD = torch.linalg.svd
PLAIN = dict(betas=(0.9, 0.99), eps=1e-6)


def signed_svd(matrix, full_matrices=False):
    u, s, v = SVD(matrix, full_matrices=full_matrices)
    vectors = v.T if matrix.shape[0] >= matrix.shape[1] else u
    place = vectors.abs().argmax(0)
    signs = vectors[place, torch.arange(len(place))].sign()
    return u * signs, s, v * signs[:, None]


def projection(shape, seed, device=None, dtype=None):
    return patterned(f"projection.{seed}", shape, 1)


def two_groups(optimizer, made, weight_decay, projected, **settings):
    return optimizer(
        [{"params": [made[name] for name in MATRICES], **projected},
         {"params": [p for name, p in made.items() if name not in MATRICES]}],
        lr=1.0, weight_decay=weight_decay, **settings)


def galore(name):
    def one(variant, weight_decay=0.0, **projected):
        projected = dict(dict(rank=3, update_proj_gap=200, scale=0.25, proj_type="std"), **projected)
        with mock.patch.object(torch.linalg, "svd", signed_svd):
            return run(variant, dict(projected, weight_decay=weight_decay, **PLAIN), lambda made: two_groups(
                galore_torch.GaLoreAdamW, made, weight_decay, projected, **PLAIN))
    write(name, "galore-torch 1.0, GaLoreAdamW", [
        one("one projection"),
        one("one projection with decay", weight_decay=0.1, scale=2.0),
        one("a new projection every 7 steps", weight_decay=0.1, update_proj_gap=7),
        one("the other side", proj_type="reverse_std", update_proj_gap=7)], projected=MATRICES)


def apollo(name):
    def one(variant, weight_decay=0.0, scale_front=False, disable_nl=False, **projected):
        projected = dict(dict(rank=3, update_proj_gap=200, scale=4.0, proj="random", proj_type="std",
                              scale_type="channel"), **projected)
        settings = dict(PLAIN, scale_front=scale_front, disable_nl=disable_nl)
        with mock.patch("apollo_torch.random_projector.stable_randn", projection), \
                mock.patch("apollo_torch.random_projector.next_seed", lambda seed: seed + 1000), \
                mock.patch.object(torch.linalg, "svd", signed_svd):
            return run(variant, dict(projected, weight_decay=weight_decay, **settings), lambda made: two_groups(
                apollo_torch.APOLLOAdamW, made, weight_decay, projected, **settings))
    write(name, "apollo-torch 1.0.3, APOLLOAdamW", [
        one("by channel"),
        one("by channel, a new projection every 7 steps, with decay", weight_decay=0.1, update_proj_gap=7),
        one("by tensor, rank 1", rank=1, scale_type="tensor", scale=128.0),
        one("without the limit on growth", disable_nl=True),
        one("scaled before the limit", scale_front=True, proj="svd")], projected=MATRICES)


FIXTURES = {"galore": galore, "apollo": apollo}
