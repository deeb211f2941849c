"""Generate golden folders:  python make_goldens.py [--cases FILE] [--out DIR] [case ...]

Case definitions: a Python file with a list CASES (default cases.py beside this file); folders are written to
DIR (default ../goldens).  Weights are drawn, rounded to float32, and the oracle then runs in float64 on those.

Routing decisions are kept away from ties.  Resampling whole seeds cannot do that for hundreds of tokens times
several layers, so tokens are resampled instead: the model is causal, so the first position whose gap between the
K-th and (K+1)-th selection score is below the case's `min_gap` gets another token until no such position is left;
this is done for the batch of every step, with the parameters and biases of that step.
"""
import argparse
import importlib.util
import json
import os
import sys
from collections import OrderedDict

import numpy as np
import torch

from compare import compare
from moe_lm import DTYPE, Config, bias_name, doc_ids_from_eod, kv_bytes_per_token, param_counts, param_shapes
from safetensors_io import load, save
from train import Trainer, group_of

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = 3                    # of a case that does not say another number
UPDATE_LIMIT = 2e-3          # float32 must reproduce how far each tensor moved to this accuracy


# --------------------------------------------------------------------------------------------------- the weights

def init_params(cfg, seed, bias_std):
    """Random weights, deliberately not a training initialisation: all norm gains differ from 1, matrices have
    std 1/sqrt(fan_in), so that every term of the model is visible in the logits.  float32 values as float64."""
    rng = np.random.default_rng(seed)
    params = OrderedDict()
    for name, shape in param_shapes(cfg).items():
        if len(shape) == 1:
            post = name.endswith("post_mlp_layernorm.weight") or (
                cfg.sandwich and name.endswith("post_attention_layernorm.weight"))
            base = cfg.layers ** -0.5 if post else 1.0                          # Trinity eq 34-35
            value = base * rng.uniform(0.6, 1.5, shape)
        else:
            if name == "model.embed_tokens.weight":
                std = 0.5 / cfg.embed_scale if not cfg.tied else cfg.d ** -0.5
            elif "router" in name or name.endswith(("mlp.gate.weight", "wg.weight")):
                std = (1.0 if cfg.score == "sigmoid" else 1.5) * cfg.d ** -0.5
            else:
                std = shape[1] ** -0.5
            value = std * np.clip(rng.standard_normal(shape), -3, 3)
        params[name] = value
    if cfg.select_bias:
        for i in cfg.moe_layers():
            b = bias_std * rng.standard_normal(cfg.experts)
            params[bias_name(cfg, i)] = b - b.mean()
    return OrderedDict((n, torch.tensor(v.astype(np.float32), dtype=DTYPE)) for n, v in params.items())


# --------------------------------------------------------------------------------------------------- the batches

def draw_stream(rng, cfg, data):
    """(B, T+1) tokens, Zipf-like; documents of random length end with EOD when the case packs documents."""
    B, T = data["B"], data["T"]
    ids = np.array([t for t in range(cfg.vocab) if t != cfg.eod])
    weight = 1.0 / (np.arange(len(ids)) + 3.0)
    stream = rng.choice(rng.permutation(ids), size=(B, T + 1), p=weight / weight.sum())
    if data.get("doc_len"):
        lo, hi = data["doc_len"]
        for b in range(B):
            end = int(rng.integers(1, hi))                  # the first document is the rest of an earlier one
            while end < T + 1:
                stream[b, end] = cfg.eod
                end += int(rng.integers(lo, hi + 1))
    return stream, ids


def make_batch(rng, trainer, cfg, data, min_gap):
    """One batch whose routing has no gap below min_gap under the trainer's current parameters."""
    stream, ids = draw_stream(rng, cfg, data)
    T, packed = data["T"], bool(data.get("doc_len"))
    for tries in range(20000):
        tokens = torch.tensor(stream[:, :T])
        docs = doc_ids_from_eod(tokens, cfg.eod) if packed else torch.zeros_like(tokens)
        with torch.no_grad():
            routing = trainer.forward(tokens, docs).routing
        gaps = [r.gap for r in routing.values()] or [torch.full((tokens.numel(),), float("inf"))]
        gap = torch.stack(gaps).min(0)[0].reshape(tokens.shape)
        bad = gap < min_gap
        if not bad.any():
            break
        for b in range(len(stream)):
            if bad[b].any():
                p = int(torch.where(bad[b])[0][0])
                while stream[b, p] == cfg.eod and p > 0:
                    p -= 1
                stream[b, p] = rng.choice(ids)
    else:
        raise RuntimeError("could not separate the routing decisions")
    targets = stream[:, 1:].copy()
    if data.get("ignore_after_eod"):
        targets[tokens.numpy() == cfg.eod] = -100           # no prediction across a document boundary
    if data.get("ignore_last"):
        targets[:, -1] = -100
    if data.get("ignore_fraction"):
        targets[rng.random(targets.shape) < data["ignore_fraction"]] = -100
    return {"tokens": tokens, "targets": torch.tensor(targets), "doc_ids": docs}, float(gap.min()), tries


# ------------------------------------------------------------------------------------------------------- running

def run(cfg, params, hp, batches, dtype=DTYPE):
    """Run the steps -> (expected tensors, list of per-step info).  batches: list or a function(step, trainer)."""
    trainer = Trainer(cfg, {n: p.to(dtype) for n, p in params.items()}, hp)
    steps = hp["steps"]
    out, info = OrderedDict(), []
    for s in range(steps):
        batch = batches(s, trainer) if callable(batches) else batches[s]
        B, T = batch["tokens"].shape
        res = trainer.step(batch["tokens"], batch["targets"], batch["doc_ids"])
        if s == 0:
            out["logits"] = res["out"].logits
            for i, r in res["out"].routing.items():
                out[f"router_scores/{i}"] = r.scores.reshape(B, T, -1)
                out[f"selected_experts/{i}"] = r.selected.reshape(B, T, -1)
                out[f"gates/{i}"] = r.gates.reshape(B, T, -1)
        for i, r in res["out"].routing.items():
            out[f"expert_counts/step{s}/{i}"] = r.counts
        if s == 0:
            for n, g in res["grads"].items():
                out[f"grad/{n}"] = g
        for i in trainer.bias:
            out[f"expert_bias/after{s + 1}/{i}"] = trainer.bias[i]
            if hp["balance"]["rule"] == "smebu":
                out[f"bias_momentum/after{s + 1}/{i}"] = trainer.bias_momentum[i]
        if s in (0, steps - 1):
            for n, p in trainer.params.items():
                out[f"param/after{s + 1}/{n}"] = p
        info.append({
            "loss": res["loss"], "grad_norm": res["grad_norm"], "clip_scale": res["clip_scale"], "lr": res["lr"],
            "max_vio": {str(i): v for i, v in res["max_vio"].items()},
            "expert_counts": {str(i): r.counts.tolist() for i, r in res["out"].routing.items()}})
    return OrderedDict((n, t.detach().numpy()) for n, t in out.items()), info


def dump(path, obj):
    """JSON, indented two levels only so that token rows stay on one line."""
    def enc(o, depth):
        if isinstance(o, dict) and depth < 3:
            pad = "  " * (depth + 1)
            return "{\n" + ",\n".join(f"{pad}{json.dumps(str(k))}: {enc(v, depth + 1)}" for k, v in o.items()) \
                + "\n" + "  " * depth + "}"
        if isinstance(o, list) and o and isinstance(o[0], (dict, list)) and depth < 4:
            pad = "  " * (depth + 1)
            return "[\n" + ",\n".join(pad + enc(v, depth + 1) for v in o) + "\n" + "  " * depth + "]"
        return json.dumps(o)
    with open(path, "w") as f:
        f.write(enc(obj, 0) + "\n")


def float32_errors(folder, f32):
    """Worst relative error per kind of tensor of a float32 run, and whether everything passes."""
    rows = compare(folder, f32, update_tol=UPDATE_LIMIT)
    worst = OrderedDict()
    for name, _, _, rel, upd, _, _ in rows:
        kind = "/".join(name.split("/")[:2]) if name.startswith("param/") else name.split("/")[0]
        worst[kind] = max(worst.get(kind, 0.0), rel)
        if upd is not None:
            worst[kind + " (of update)"] = max(worst.get(kind + " (of update)", 0.0), upd)
    return worst, [r for r in rows if not r[1]]


def well_conditioned(cfg, hp, expected):
    """AdamW's first update is g/(|g| + eps): an element that is small only by cancellation would make short gain
    vectors depend on rounding.  True when no 1-D gradient has such an element."""
    for n, shape in param_shapes(cfg).items():
        g = np.abs(expected["grad/" + n])
        if len(shape) == 1 and g.max() > 0 and g.min() < 1e-4 * g.max():
            return False
    return True


def generate(case, root):
    folder = os.path.join(root, case["name"])
    os.makedirs(folder, exist_ok=True)
    cfg, data = Config.from_hf(case["config"]), case["data"]
    hp = {**case["train"], "steps": case.get("steps", STEPS)}
    for seed in range(case["seed"], case["seed"] + 100000, 1000):
        rng = np.random.default_rng(seed)
        params = init_params(cfg, seed + 1, case.get("bias_std", 0.03))
        batches, gaps, tries = [], [], []

        def next_batch(step, trainer):
            batch, gap, n = make_batch(rng, trainer, cfg, data, case.get("min_gap", 2e-3))
            batches.append(batch)
            gaps.append(gap)
            tries.append(n)
            return batch

        expected, info = run(cfg, params, hp, next_batch)
        if not well_conditioned(cfg, hp, expected):
            continue
        save(os.path.join(folder, "model.safetensors"), {n: p.numpy() for n, p in params.items()}, {"format": "pt"})
        save(os.path.join(folder, "expected.safetensors"), expected)
        # an independent run in float32 from the stored file: same routing, and how close float32 gets
        stored = load(os.path.join(folder, "model.safetensors"))
        f32, _ = run(cfg, OrderedDict((n, torch.tensor(v)) for n, v in stored.items()), hp, batches, torch.float32)
        worst, bad = float32_errors(folder, f32)
        if not bad:
            break
    else:
        raise RuntimeError("no seed gives a well-conditioned case")
    by_group = {}
    for n, shape in param_shapes(cfg).items():
        g = group_of(n, shape, hp)
        by_group[g] = by_group.get(g, 0) + int(np.prod(shape))
    for step in info:                                   # report the auxiliary losses that the case uses
        step["loss"] = {k: v for k, v in step["loss"].items() if k in ("total", "ce", "z_raw")
                        or hp["loss"].get(k.replace("_raw", ""))}
    dump(os.path.join(folder, "config.json"), case["config"])
    dump(os.path.join(folder, "train.json"), hp)
    dump(os.path.join(folder, "batch.json"), {"steps": [{k: v.tolist() for k, v in b.items()} for b in batches]})
    dump(os.path.join(folder, "expected.json"), {
        "steps": info, "min_selection_gap": [g if np.isfinite(g) else None for g in gaps],
        "param_counts": {**param_counts(cfg), "by_optimizer": by_group},
        "kv_values_per_token": kv_bytes_per_token(cfg, 1)})
    with open(os.path.join(folder, "README.md"), "w") as f:
        f.write(f"# {case['name']}\n\n{case['note']} Weights and batches are random; the numbers come from the "
                "float64 oracle (Newton-Schulz in float64 too). Tolerances to expect in float32 (relative error norm "
                f"per tensor): logits 1e-4, grads 1e-3, parameters after {hp['steps']} steps 2e-3; expert ids and counts exact "
                f"(smallest selection gap {min(gaps):.1e}). The oracle's own float32 run, worst tensor per kind: "
                + ", ".join(f"{k} {v:.0e}" for k, v in worst.items() if v > 0) + ".\n")
    size = sum(os.path.getsize(os.path.join(folder, n)) for n in os.listdir(folder))
    print(f"{case['name']}: seed {seed}, {param_counts(cfg)['total']} params, {len(expected)} tensors, "
          f"{size / 1e6:.2f} MB, gaps {[f'{g:.1e}' for g in gaps]}, tokens resampled {tries}")
    print("    float32:", {k: f"{v:.0e}" for k, v in worst.items() if v})
    for s in info:
        print("   ", {k: round(v, 5) for k, v in s["loss"].items()}, "norm", round(s["grad_norm"], 3), "clip",
              round(s["clip_scale"], 3), s["lr"])


def load_cases(path):
    """CASES of a Python file."""
    spec = importlib.util.spec_from_file_location("cases", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CASES


if __name__ == "__main__":
    torch.set_num_threads(2)
    ap = argparse.ArgumentParser(description="write golden folders")
    ap.add_argument("names", nargs="*", metavar="case")
    ap.add_argument("--cases", default=os.path.join(HERE, "cases.py"))
    ap.add_argument("--out", default=os.path.join(HERE, "..", "goldens"))
    args = ap.parse_args()
    for case in load_cases(args.cases):
        if not args.names or case["name"] in args.names:
            generate(case, args.out)
