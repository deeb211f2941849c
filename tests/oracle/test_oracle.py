"""Self-checks of the oracle:  python test_oracle.py [name ...]   (float64, about half a minute)."""
import dataclasses
import json
import math
import os
import random
import sys
import tempfile
from collections import OrderedDict

import numpy as np
import torch

import moe_lm
from cases import CASES, DOTS, HUNYUAN, adamw, afmoe, muon
from compare import compare
from data_ref import RSDB, batch_het
from make_goldens import init_params, run
from moe_lm import DTYPE, Config, doc_ids_from_eod, forward, kv_bytes_per_token, param_counts, param_shapes, recycle
from safetensors_io import load, save
from train import (NS_CLASSIC, NS_DION, Trainer, clip_scale, group_of, losses, lr_factor, max_vio, newton_schulz,
                   seq_aux, sign_update, smebu_update, switch_aux)

HERE = os.path.dirname(os.path.abspath(__file__))


def close(a, b, tol, what=""):
    a, b = torch.as_tensor(a, dtype=DTYPE), torch.as_tensor(b, dtype=DTYPE)
    err = float((a - b).abs().max())
    assert err <= tol, f"{what}: error {err:.3e} > {tol}"
    return err


def tiny(kind, **over):
    """Small config.json of each kind for the checks."""
    if kind == "afmoe":
        return afmoe(**{**dict(vocab_size=23, hidden_size=12, intermediate_size=10, moe_intermediate_size=5,
                               num_hidden_layers=4, num_dense_layers=1, num_attention_heads=4, head_dim=6,
                               num_key_value_heads=2, sliding_window=4, num_experts=5, num_experts_per_tok=2,
                               num_shared_experts=1, route_scale=2.5, eos_token_id=0), **over})
    if kind == "dots1":
        return {**DOTS, **dict(vocab_size=23, hidden_size=12, intermediate_size=10, moe_intermediate_size=5,
                               num_hidden_layers=3, first_k_dense_replace=1, num_attention_heads=3, head_dim=4,
                               num_key_value_heads=3, n_routed_experts=5, num_experts_per_tok=3, n_shared_experts=2,
                               routed_scaling_factor=2.5, eos_token_id=0), **over}
    return {**HUNYUAN, **dict(vocab_size=23, hidden_size=12, intermediate_size=7, num_hidden_layers=4,
                              num_attention_heads=3, num_key_value_heads=1, num_experts=4, num_shared_expert=1,
                              rope_scaling={"type": "dynamic", "factor": 1.0, "alpha": 1000.0}, eos_token_id=0),
            **over}


def setup(kind, seed=0, B=2, T=9, **over):
    cfg = Config.from_hf(tiny(kind, **over))
    rng = np.random.default_rng(seed)
    return cfg, init_params(cfg, seed + 50, 0.05), torch.tensor(rng.integers(0, cfg.vocab, (B, T)))


# ------------------------------------------------------------------------------------------------------ balancing

def test_bias_rules():
    """Bias updates worked out by hand."""
    z = torch.zeros(4, dtype=DTYPE)
    n = torch.tensor([10, 20, 30, 40])
    b1, m1 = smebu_update(z, z, n)
    b2, m2 = smebu_update(b1, m1, n)
    e = [close(b1, [2.084137e-4, 9.498724e-5, -9.498724e-5, -2.084137e-4], 1e-10),
         close(m2[:2], [3.126205e-4, 1.424809e-4], 1e-10),
         close(b2, [5.210341e-4, 2.374681e-4, -2.374681e-4, -5.210341e-4], 1e-10)]
    n = torch.tensor([0, 0, 0, 100])
    b1, m1 = smebu_update(z, z, n)
    b2, _ = smebu_update(b1, m1, n)
    e += [close(b1, [1.227510e-4] * 3 + [-3.682529e-4], 1e-10), close(b2, [3.068774e-4] * 3 + [-9.206322e-4], 1e-10),
          close(sign_update(z, n, 1e-3), [5e-4] * 3 + [-1.5e-3], 1e-12),
          close(sign_update(z, n, 1e-3, False), [1e-3] * 3 + [-1e-3], 1e-12)]
    close(b2.mean(), 0, 1e-18, "bias stays centred")
    assert max_vio(torch.tensor([5, 5, 5])) == 0 and max_vio(torch.tensor([8, 0, 0, 0, 0, 0, 0, 8])) == 3
    return f"max error {max(e):.1e} against the printed digits; E/K - 1 worst case MaxVio"


def test_aux_losses():
    """Against explicit loops over the definitions; value 1 at perfect balance."""
    cfg, params, tokens = setup("afmoe")
    out = forward(cfg, params, tokens)
    worst = 0.0
    for r in out.routing.values():
        total, (B, T), E, K = 0.0, tokens.shape, cfg.experts, cfg.top_k
        for b in range(B):
            rows = range(b * T, (b + 1) * T)
            for i in range(E):
                f = E / (K * T) * sum(1 for t in rows if i in r.selected[t].tolist())
                P = sum(float(r.scores[t, i] / r.scores[t].sum()) for t in rows) / T
                total += f * P / B
        worst = max(worst, close(seq_aux(r, B, K), total, 1e-12))
    cfg, params, tokens = setup("hunyuan")
    for r in forward(cfg, params, tokens).routing.values():
        N, E = r.scores.shape
        total = E * sum(float(r.scores[:, e].mean()) * int((r.scores.argmax(-1) == e).sum()) / N for e in range(E))
        worst = max(worst, close(switch_aux(r), total, 1e-12))
        flat = dataclasses.replace(r, scores=torch.full((8, E), 1 / E, dtype=DTYPE), counts=torch.full((E,), 8 // E))
        close(switch_aux(flat), 1.0, 1e-12)
    return f"max error {worst:.1e}"


# ------------------------------------------------------------------------------------------------------ gradients

def test_gradients():
    """Autograd against central finite differences of the whole loss: random entries of every tensor and one random
    direction over all parameters."""
    notes = []
    for kind, weights in (("afmoe", {"z": 1e-2, "seq_aux": 0.1}), ("dots1", {"z": 1e-2, "seq_aux": 0.1}),
                          ("hunyuan", {"z": 1e-2, "switch_aux": 0.1})):
        for seed in range(200):                       # a batch whose routing cannot flip within the step h
            cfg, params, tokens = setup(kind, seed, T=7)
            if min(float(r.gap.min()) for r in forward(cfg, params, tokens).routing.values()) > 5e-3:
                break
        else:
            raise AssertionError("no separated batch")
        targets = torch.roll(tokens, -1, 1)
        targets[:, -1] = -100
        hp = {"loss": weights, "intra_document_mask": True}
        docs = doc_ids_from_eod(tokens, cfg.eod)
        trainer = Trainer(cfg, params, hp)
        _, _, grads = trainer.gradients(tokens, targets, docs)

        def loss():
            return float(losses(cfg, trainer.forward(tokens, docs), targets, weights)["total"])

        def central(name, direction, h):
            keep, values = trainer.params[name], []
            for sign in (1, -1):
                trainer.params[name] = keep + sign * h * direction
                values.append(loss())
            trainer.params[name] = keep
            return (values[0] - values[1]) / (2 * h)

        rng, worst, scale, checked = np.random.default_rng(7), 0.0, max(float(g.abs().max()) for g in grads.values()), 0
        for n, g in grads.items():
            for _ in range(3):
                d = torch.zeros(g.numel(), dtype=DTYPE)
                d[int(rng.integers(g.numel()))] = 1.0
                d = d.reshape(g.shape)
                worst = max(worst, abs(central(n, d, 1e-5) - float((g * d).sum())) / scale)
                checked += 1
            d = torch.tensor(rng.standard_normal(g.shape)) / math.sqrt(g.numel())
            want = float((g * d).sum())
            worst = max(worst, abs(central(n, d, 1e-5) - want) / scale)
            checked += 1
        assert worst < 1e-7, (kind, worst)
        notes.append(f"{kind} {checked} derivatives, max error / max |g| = {worst:.1e}")
    return "; ".join(notes)


# ------------------------------------------------------------------------------------------------------ attention

def test_window_covers_all():
    """A window of T or more is full causal attention; a window of T-1 is not."""
    cfg, params, tokens = setup("afmoe", layer_types=["sliding_attention"] * 4, sliding_window=9)
    full = dataclasses.replace(cfg, window=(None,) * 4)
    a, b = forward(cfg, params, tokens).logits, forward(full, params, tokens).logits
    assert torch.equal(a, b)
    smaller = forward(dataclasses.replace(cfg, window=(8,) * 4), params, tokens).logits
    assert torch.equal(smaller[:, :8], b[:, :8]) and float((smaller[:, 8] - b[:, 8]).abs().max()) > 1e-6
    return "w >= T bit-equal to full; w = T-1 differs at the last position only"


def test_causality():
    """Changing token t changes no logits before t."""
    for kind in ("afmoe", "dots1", "hunyuan"):
        cfg, params, tokens = setup(kind)
        a = forward(cfg, params, tokens).logits
        tokens[:, 5] = (tokens[:, 5] + 1) % cfg.vocab
        b = forward(cfg, params, tokens).logits
        close(a[:, :5], b[:, :5], 1e-12)
        assert float((a[:, 5:] - b[:, 5:]).abs().min(-1)[0].max()) > 0
    return "three kinds"


def test_intra_document_mask():
    """The packed sequence under the mask equals its documents run one by one.  Positions restart in the separate
    runs where scores are relative (afmoe, dots1).  hunyuan applies the QK-norm GAIN after RoPE, which makes scores
    depend on absolute position, so there the separate runs keep the packed positions."""
    worst = 0.0
    for kind in ("afmoe", "dots1", "hunyuan"):
        cfg, params, _ = setup(kind)
        stream = torch.tensor([[5, 7, 3, 0, 9, 9, 2, 4, 6, 11, 0, 8, 1, 2]])
        docs = doc_ids_from_eod(stream, 0)
        assert docs.tolist() == [[0] * 4 + [1] * 7 + [2] * 3]
        packed = forward(cfg, params, stream, docs, True).logits
        parts = [forward(cfg, params, stream[:, lo:hi],
                         positions=torch.arange(lo, hi) if kind == "hunyuan" else None).logits
                 for lo, hi in ((0, 4), (4, 11), (11, 14))]
        worst = max(worst, close(packed, torch.cat(parts, 1), 1e-12, kind))
        assert float((packed - forward(cfg, params, stream, docs, False).logits).abs().max()) > 1e-3
        assert torch.equal(packed, forward(cfg, params, stream, None, True).logits)       # derived from EOD
    return f"three kinds, max error {worst:.1e}"


def test_gqa_is_mha():
    """kv_heads = heads equals textbook multi-head attention; grouped KV equals MHA with repeated K, V weights."""
    cfg, params, tokens = setup("dots1")
    x = torch.tensor(np.random.default_rng(3).standard_normal((2, 9, 12)))
    tables = moe_lm.rope_tables(torch.arange(9), 4, cfg.rope_base)
    got, _ = moe_lm.attention(cfg, x, params, 0, tables, None, None)
    p = "model.layers.0.self_attn."
    want = torch.zeros_like(x)
    for h in range(3):                                                   # one head at a time, one query at a time
        rows = slice(4 * h, 4 * h + 4)
        q, k, v = (x @ params[p + n + "_proj.weight"][rows].T for n in "qkv")
        q = moe_lm.rms_norm(q, params[p + "q_norm.weight"], cfg.eps)
        k = moe_lm.rms_norm(k, params[p + "k_norm.weight"], cfg.eps)
        for b in range(2):
            for t in range(9):
                logit = []
                for s in range(t + 1):
                    dot = 0.0
                    for j in range(2):                                   # rotate pair (j, j+2) as complex numbers
                        a = complex(q[b, t, j], q[b, t, j + 2]) * complex(math.cos(t * 1e7 ** (-j / 2)), math.sin(t * 1e7 ** (-j / 2)))
                        c = complex(k[b, s, j], k[b, s, j + 2]) * complex(math.cos(s * 1e7 ** (-j / 2)), math.sin(s * 1e7 ** (-j / 2)))
                        dot += (a * c.conjugate()).real
                    logit.append(dot / 2.0)
                w = torch.softmax(torch.tensor(logit, dtype=DTYPE), 0)
                want[b, t] += params[p + "o_proj.weight"][:, rows] @ (w[:, None] * v[b, :t + 1]).sum(0)
    e1 = close(got, want, 1e-12)
    worst = 0.0
    for kind in ("afmoe", "hunyuan"):
        cfg, params, tokens = setup(kind)
        rep = cfg.heads // cfg.kv_heads
        mha, wide = dataclasses.replace(cfg, kv_heads=cfg.heads), OrderedDict(params)
        for n in params:
            if n.endswith(("k_proj.weight", "v_proj.weight")):
                w = params[n].reshape(cfg.kv_heads, cfg.head_dim, cfg.d)
                wide[n] = w.repeat_interleave(rep, 0).reshape(-1, cfg.d)
        worst = max(worst, close(forward(cfg, params, tokens).logits, forward(mha, wide, tokens).logits, 1e-12))
    return f"MHA by loops and complex rotation {e1:.1e}; grouped vs repeated {worst:.1e}"


def test_cla():
    """Cross layers have no k_proj, v_proj; their output follows from the owning layer's un-normed K and its V."""
    cfg, params, tokens = setup("hunyuan")
    out = forward(cfg, params, tokens)
    assert sorted(out.kv) == [0, 2]
    assert not any("layers.1.self_attn.k_proj" in n or "layers.3.self_attn.v_proj" in n for n in param_shapes(cfg))
    x = torch.tensor(np.random.default_rng(3).standard_normal((2, 9, 12)))
    tables = moe_lm.rope_tables(torch.arange(9), cfg.head_dim, cfg.rope_base)
    a, kv = moe_lm.attention(cfg, x, params, 1, tables, None, out.kv[0])
    assert kv is out.kv[0]
    k = moe_lm.rms_norm(out.kv[0][0], params["model.layers.1.self_attn.key_layernorm.weight"], cfg.eps)
    q = (x @ params["model.layers.1.self_attn.q_proj.weight"].T).reshape(2, 9, 3, 4)
    q = moe_lm.rms_norm(moe_lm.rope(q, tables), params["model.layers.1.self_attn.query_layernorm.weight"], cfg.eps)
    w = torch.softmax(torch.einsum("bhd,bsd->bhs", q[:, -1], k[:, :, 0]) / 2.0, -1)           # one KV head
    last = torch.einsum("bhs,bsd->bhd", w, out.kv[0][1][:, :, 0]).reshape(2, -1)
    error = close(a[:, -1], last @ params["model.layers.1.self_attn.o_proj.weight"].T, 1e-12)
    return f"last query recomputed from the shared cache, error {error:.1e}"


def test_kv_bytes():
    """Bytes per token in bf16 of Hunyuan-Large and its variants; and the tensors actually kept."""
    base = {**FULL["hunyuan"]}
    got = {}
    for name, over in (("MHA", dict(num_key_value_heads=80, use_cla=False)), ("GQA", dict(use_cla=False)),
                       ("MQA", dict(num_key_value_heads=1, use_cla=False)), ("CLA", dict(num_key_value_heads=80)),
                       ("GQA+CLA", {})):
        got[name] = kv_bytes_per_token(Config.from_hf({**base, **over}))
    assert got == {"MHA": 1638400, "GQA": 163840, "MQA": 20480, "CLA": 819200, "GQA+CLA": 81920}, got
    large = Config.from_hf(FULL["large"])
    assert kv_bytes_per_token(large) == 240 * 1024
    cfg, params, tokens = setup("hunyuan")
    kept = sum(t.numel() for pair in forward(cfg, params, tokens).kv.values() for t in pair)
    assert kept * 2 == tokens.numel() * kv_bytes_per_token(cfg)
    return str(got)


# -------------------------------------------------------------------------------------------------- published sizes

FULL = {
    "nano": afmoe(vocab_size=200192, hidden_size=1024, intermediate_size=3072, moe_intermediate_size=256,
                  num_hidden_layers=56, num_dense_layers=2, num_attention_heads=8, num_key_value_heads=2, head_dim=128,
                  sliding_window=2048, num_experts=128, num_experts_per_tok=8, num_shared_experts=1, route_scale=2.826),
    "mini": afmoe(vocab_size=200192, hidden_size=2048, intermediate_size=6144, moe_intermediate_size=1024,
                  num_hidden_layers=32, num_dense_layers=2, num_attention_heads=32, num_key_value_heads=4, head_dim=128,
                  sliding_window=2048, num_experts=128, num_experts_per_tok=8, num_shared_experts=1, route_scale=2.826),
    "large": afmoe(vocab_size=200192, hidden_size=3072, intermediate_size=12288, moe_intermediate_size=3072,
                   num_hidden_layers=60, num_dense_layers=6, num_attention_heads=48, num_key_value_heads=8,
                   head_dim=128, sliding_window=4096, num_experts=256, num_experts_per_tok=4, num_shared_experts=1,
                   route_scale=2.448),
    "hunyuan": {**HUNYUAN, **dict(vocab_size=128512, hidden_size=6400, intermediate_size=18304, num_hidden_layers=64,
                                  num_attention_heads=80, num_key_value_heads=8, num_experts=16, num_shared_expert=1,
                                  rope_scaling={"type": "dynamic", "factor": 1.0, "alpha": 1000.0})},
    "dots": {**DOTS, **dict(vocab_size=152064, hidden_size=4096, intermediate_size=10944, moe_intermediate_size=1408,
                            num_hidden_layers=62, first_k_dense_replace=1, num_attention_heads=32,
                            num_key_value_heads=32, head_dim=128, n_routed_experts=128, num_experts_per_tok=6,
                            n_shared_experts=2, routed_scaling_factor=2.5)},
}


def test_param_counts():
    """Shapes only, nothing allocated.  Published: billions, total / active.  Where 3.48 active is printed for
    Mini, the exact figure is 3,474,728,960."""
    published = {"nano": (6.12, 1.02), "mini": (26.12, 3.47), "large": (398.6, 13.37), "hunyuan": (388.70, 51.32),
                 "dots": (142.77, 14.02)}
    notes = []
    for name, (total, active) in published.items():
        c = param_counts(Config.from_hf(FULL[name]))
        digits = 1 if name == "large" else 2
        assert round(c["total"] / 1e9, digits) == total and round(c["active"] / 1e9, 2) == active, (name, c)
        notes.append(f"{name} {c['total']} / {c['active']}")
    three = param_counts(Config.from_hf({**FULL["large"], "num_dense_layers": 3}))["total"]
    assert round(three / 1e9, 1) == 420.1
    untied = param_counts(Config.from_hf({**FULL["hunyuan"], "tie_word_embeddings": False}))["total"]
    assert round(untied / 1e9, 1) == 389.5
    cfg = Config.from_hf(FULL["large"])
    assert sum(w is not None for w in cfg.window) == 45 and sum(w is not None for w in Config.from_hf(FULL["nano"]).window) == 42
    base = Config.from_hf(FULL["hunyuan"]).rope_base
    assert abs(base / 1.194e7 - 1) < 1e-3, base
    return "; ".join(notes)


# --------------------------------------------------------------------------------------------------------- recycling

def test_recycle():
    """Random cases: capacity respected, everyone placed when E*C >= N, weight = the final expert's probability,
    kept tokens are the first C of their expert, buffer positions unique."""
    rng = random.Random(1)
    moved = dropped = 0
    for trial in range(300):
        N, E = rng.randint(1, 40), rng.randint(2, 6)
        C = max(1, math.ceil(N / E * rng.choice([0.5, 1.0, 1.25, 3.0])))
        g = torch.Generator().manual_seed(trial)
        p = torch.softmax(2 * torch.randn(N, E, generator=g, dtype=DTYPE) + torch.arange(E), -1)
        used = [0] * E
        for e in p.argmax(-1).tolist():
            used[e] += 1
        slots = sum(max(0, C - u) for u in used)
        perm = list(range(slots))
        rng.shuffle(perm)
        expert, position, weight, free = recycle(p, C, perm)
        assert len(free) == slots
        placed = position >= 0
        load_ = torch.bincount(expert[placed], minlength=E)
        assert int(load_.max()) <= C
        assert bool(placed.all()) == (E * C >= N) and int(placed.sum()) == min(N, E * C)
        assert torch.equal(weight[placed], p[torch.arange(N), expert][placed]) and not weight[~placed].any()
        assert len({(int(e), int(q)) for e, q in zip(expert[placed], position[placed])}) == int(placed.sum())
        seen, j = [0] * E, 0
        for t, e in enumerate(p.argmax(-1).tolist()):
            seen[e] += 1
            if seen[e] <= C:
                assert int(expert[t]) == e
            else:
                if j < slots:
                    assert int(expert[t]) == free[perm[j]]
                j += 1
        moved += min(j, slots)
        dropped += max(0, j - slots)
    # inside the model: no overflow = plain top-1; with overflow the combine weight is that of the new expert
    cfg, params, tokens = setup("hunyuan")
    plain = forward(cfg, params, tokens)
    same = forward(cfg, params, tokens, recycling={i: (tokens.numel(), []) for i in range(4)})
    assert torch.equal(plain.logits, same.logits)
    tight = forward(cfg, params, tokens, recycling={i: (5, list(range(20))) for i in range(4)})
    for r in tight.routing.values():
        assert int(torch.bincount(r.selected[:, 0]).max()) <= 5 and bool(r.placed.all())
        close(r.gates[:, 0], r.scores.gather(1, r.selected)[:, 0], 0)
    assert float((tight.logits - plain.logits).abs().max()) > 1e-6
    return f"300 cases, {moved} tokens recycled, {dropped} left over for want of capacity"


# ------------------------------------------------------------------------------------------------------- optimizers

def test_newton_schulz():
    """NS acts on singular values as s -> a s + b s^3 + c s^5; compared with that scalar iteration through an SVD."""
    worst, spread = 0.0, []
    for seed, shape in enumerate([(7, 7), (5, 12), (12, 5), (64, 4), (1, 9)]):
        G = torch.tensor(np.random.default_rng(seed).standard_normal(shape))
        U, S, Vh = torch.linalg.svd(G, full_matrices=False)
        for coeff in (NS_CLASSIC, NS_DION):
            s = S / (G.norm() + 1e-7)
            for a, b, c in coeff:
                s = a * s + b * s ** 3 + c * s ** 5
            worst = max(worst, close(newton_schulz(G, coeff), U @ torch.diag(s) @ Vh, 1e-10))
            spread += [float(s.min()), float(s.max())]
    assert not newton_schulz(torch.zeros(3, 4, dtype=DTYPE), NS_CLASSIC).any()
    return f"max error {worst:.1e}; singular values after 5 steps in [{min(spread):.2f}, {max(spread):.2f}]"


def test_adamw_and_clip():
    """Against torch.optim.AdamW and torch's clip_grad_norm_, three steps of the dots case with two LR classes."""
    cfg, params, tokens = setup("hunyuan", T=11)
    hp = adamw(lr=3e-3, expert_lr_multiplier=0.31, loss={"switch_aux": 1e-2}, grad_clip=0.7,
               schedule={"warmup_steps": 2, "decay_start": 2, "total_steps": 4, "decay": "linear", "final_ratio": 0.0})
    trainer = Trainer(cfg, params, hp)
    twin = {n: p.clone().requires_grad_(True) for n, p in trainer.params.items()}
    for p in twin.values():
        p.grad = torch.zeros_like(p)           # an expert without tokens has gradient 0, not "no gradient"

    def group(n):
        expert, gain = ".mlp.experts." in n, len(twin[n].shape) == 1
        return {"params": [twin[n]], "base": 3e-3 * (0.31 if expert else 1.0), "lr": 0.0,
                "weight_decay": 0.0 if gain else 0.5}

    opt = torch.optim.AdamW([group(n) for n in twin], betas=(0.9, 0.95), eps=1e-8)
    docs = torch.zeros_like(tokens)
    for s in range(3):
        targets = torch.roll(tokens, -1, 1)
        res = trainer.step(tokens, targets, docs)
        opt.zero_grad()
        losses(cfg, forward(cfg, twin, tokens), targets, hp["loss"])["total"].backward()
        norm = torch.nn.utils.clip_grad_norm_(list(twin.values()), 0.7)
        close(norm, res["grad_norm"], 1e-10)
        for g in opt.param_groups:
            g["lr"] = g["base"] * lr_factor(s, hp["schedule"])
        opt.step()
    worst = max(close(twin[n].detach(), trainer.params[n], 1e-11, n) for n in twin)
    assert clip_scale(0.5, 1.0) == 1.0 and clip_scale(5.0, None) == 1.0
    return f"max parameter error after 3 steps {worst:.1e}"


def test_muon():
    """One matrix, written out: momentum, Nesterov, LR rule sqrt(max(1, out/in)), decay with the base LR; and the
    split of parameters between the optimizers."""
    for kind in ("afmoe", "dots1", "hunyuan"):
        cfg = Config.from_hf(tiny(kind))
        groups = {n: group_of(n, s, muon()) for n, s in param_shapes(cfg).items()}
        for n, g in groups.items():
            want = ("adamw_norm" if "norm" in n else "adamw" if n in ("model.embed_tokens.weight", "lm_head.weight")
                    else "muon")
            assert g == want, (n, g)
        other = {n: group_of(n, s, muon(router_optimizer="adamw")) for n, s in param_shapes(cfg).items()}
        changed = [n for n in groups if groups[n] != other[n]]
        assert len(changed) == len(cfg.moe_layers()) and all(param_shapes(cfg)[n] == (cfg.experts, cfg.d) for n in changed)
    cfg, params, tokens = setup("afmoe")
    for nesterov in (False, True):
        hp = muon(grad_clip=None)
        hp["muon"] = {**hp["muon"], "nesterov": nesterov, "ns_coefficients": "dion"}
        trainer, name = Trainer(cfg, params, hp), "model.layers.1.self_attn.q_proj.weight"      # 24 x 12
        W, M, docs = params[name].clone(), 0.0, torch.zeros_like(tokens)
        for s in range(3):
            res = trainer.step(tokens, torch.roll(tokens, -1, 1), docs)
            G = res["grads"][name]
            M = 0.95 * M + G
            O = newton_schulz(G + 0.95 * M if nesterov else M, NS_DION)
            lr = 2e-2 * [0.5, 1.0, 1.0][s]
            W = W - lr * 0.2 * W - lr * 2 ** 0.5 * O
        close(W, trainer.params[name], 1e-12)
    return "split, momentum, Nesterov, LR rule"


def test_schedule():
    s = {"warmup_steps": 4, "decay_start": 6, "total_steps": 10, "decay": "linear", "final_ratio": 0.1}
    close([lr_factor(i, s) for i in range(12)],
          [.25, .5, .75, 1, 1, 1, 1, .775, .55, .325, .1, .1], 1e-12)
    s["decay"] = "cosine"
    close([lr_factor(i, s) for i in (6, 7, 8, 10)],
          [1, .1 + .9 * (1 + math.cos(math.pi / 4)) / 2, .55, .1], 1e-12)
    s["decay"] = "none"
    assert lr_factor(9, s) == 1
    return "warm-up, constant, linear, cosine"


def test_tied_gradient():
    """Tied embedding: its gradient is the sum of the untied embedding's and head's."""
    cfg, params, tokens = setup("hunyuan")
    untied = dataclasses.replace(cfg, tied=False)
    both = OrderedDict(params)
    both["lm_head.weight"] = params["model.embed_tokens.weight"].clone()
    hp, targets, docs = {"loss": {}}, torch.roll(tokens, -1, 1), None
    a = Trainer(cfg, params, hp).gradients(tokens, targets, docs)[2]["model.embed_tokens.weight"]
    g = Trainer(untied, both, hp).gradients(tokens, targets, docs)[2]
    return f"max error {close(a, g['model.embed_tokens.weight'] + g['lm_head.weight'], 1e-12):.1e}"


# -------------------------------------------------------------------------------------------------------------- data

def test_rsdb():
    """Every token of every document comes out once and in order; refill happens exactly at U live documents;
    segments never pass a document's end; a batch of sequences is reproducible from the pick sequence."""
    rng = random.Random(5)
    docs = [[d * 1000 + i for i in range(rng.randint(1, 30))] for d in range(60)]
    buf = RSDB(docs, 4, random.Random(9).randrange)
    assert len(buf.entries) == 8
    stream, lives = [], []
    while True:
        seq, segments = buf.next_sequence(16)
        lives.append(len(buf._live()))
        assert len(seq) == sum(n for _, _, n in segments)
        if not seq:
            break
        stream += seq
    per_doc = {}
    for t in stream:
        per_doc.setdefault(t // 1000, []).append(t)
    assert sorted(per_doc) == list(range(60)) and all(per_doc[d] == docs[d] for d in per_doc)
    picks = iter([1, 0, 0])
    buf = RSDB([[1, 2, 3], [11, 12], [21, 22, 23, 24], [31]], 1, lambda n: next(picks))
    # C = 2: docs 0 and 1; pick doc 1 -> one live left = U -> refill with doc 2; pick doc 0, then doc 2
    seq, _ = buf.next_sequence(7)
    assert seq == [11, 12, 1, 2, 3, 21, 22], seq
    assert batch_het([1.0, 2.0, 6.0]) == 3.0 and batch_het([2.0]) == 0.0
    return f"{len(stream)} tokens of 60 documents, {buf.refills} refills in the scripted case; BatchHet"


# --------------------------------------------------------------------------------------------------------------- files

def test_safetensors():
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "x.safetensors")
        tensors = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b/c": np.array([1, -2], np.int32), "s": np.float32(3)}
        save(path, tensors, {"format": "pt"})
        raw = open(path, "rb").read()
        n = int.from_bytes(raw[:8], "little")
        header = json.loads(raw[8:8 + n])
        assert n % 8 == 0 and header["a"] == {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
        assert len(raw) == 8 + n + 36
        back = load(path)
        assert all(np.array_equal(back[k], tensors[k]) and back[k].dtype == np.asarray(tensors[k]).dtype for k in tensors)
    return "round trip"


def test_compare():
    """compare.py accepts the golden itself and small errors, rejects larger ones, wrong ids, shapes and NaN."""
    folder = os.path.join(HERE, "..", "goldens", "trinity-nano-like")
    golden = load(os.path.join(folder, "expected.safetensors"))

    def failed(change, **kw):
        candidate = {k: v.copy() for k, v in golden.items()}
        candidate = change(candidate) or candidate
        return [r[0] for r in compare(folder, candidate, **kw) if not r[1]]

    name = "grad/model.layers.1.self_attn.q_proj.weight"
    assert not failed(lambda c: None) and not failed(lambda c: None, update_tol=1e-6)
    assert not failed(lambda c: c.update({name: c[name] * 1.0009}))
    assert failed(lambda c: c.update({name: c[name] * 1.0011})) == [name]
    assert not failed(lambda c: c.update({name: c[name] * 1.0011}), tolerances={"grad/model.layers.1.": 2e-3})
    assert failed(lambda c: c.update({name: c[name] * np.nan})) == [name]
    assert failed(lambda c: c.update({name: c[name][:-1]})) == [name]
    assert failed(lambda c: {"no/such/tensor": np.zeros(1, np.float32)}) == ["no/such/tensor"]
    assert not failed(lambda c: {k: v for k, v in c.items() if k.startswith("logits")})

    def swap(c):
        for k in ("selected_experts/2", "gates/2"):
            c[k] = c[k][..., ::-1].copy()

    assert failed(swap) == ["selected_experts/2", "gates/2"] and not failed(swap, any_order=True)
    name = "param/after3/model.norm.weight"
    start = load(os.path.join(folder, "model.safetensors"))["model.norm.weight"]
    stale = {name: golden[name] - np.float32(0.05) * (golden[name] - start)}
    assert not failed(lambda c: dict(stale)) and failed(lambda c: dict(stale), update_tol=2e-2) == [name]
    return "accepts and rejects as documented"


def test_goldens():
    """Each golden folder that is present: rerun from its own files and compare (regression)."""
    notes = []
    for root in [os.path.join(HERE, "..", "goldens"), *os.environ.get("GOLDENS", "").split(os.pathsep)]:
        for name in sorted(os.listdir(root)) if os.path.isdir(root) else []:
            folder = os.path.join(root, name)
            if not os.path.exists(os.path.join(folder, "expected.safetensors")):
                continue
            cfg = Config.from_hf(json.load(open(os.path.join(folder, "config.json"))))
            hp = json.load(open(os.path.join(folder, "train.json")))
            batches = [{k: torch.tensor(v) for k, v in b.items()}
                       for b in json.load(open(os.path.join(folder, "batch.json")))["steps"]]
            params = OrderedDict((n, torch.tensor(v.astype(np.float64)))
                                 for n, v in load(os.path.join(folder, "model.safetensors")).items())
            got, info = run(cfg, params, hp, batches)
            expected = json.load(open(os.path.join(folder, "expected.json")))
            assert len(info) == len(expected["steps"])
            for a, b in zip(info, expected["steps"]):
                assert abs(a["loss"]["total"] - b["loss"]["total"]) < 1e-9 and a["expert_counts"] == b["expert_counts"]
            assert all(gap is None or gap > 1e-3 for gap in expected["min_selection_gap"])
            rows = compare(folder, got, {p: 1e-6 for p in ("logits", "router_scores/", "gates/", "grad/", "expert_bias/",
                                                           "bias_momentum/", "param/")})
            bad = [r for r in rows if not r[1]]
            assert not bad, (name, bad[:3])
            assert set(got) == set(load(os.path.join(folder, "expected.safetensors")))
            notes.append(f"{name} {len(rows)}")
    return "tensors reproduced: " + ", ".join(notes)


if __name__ == "__main__":
    torch.set_num_threads(2)
    failed = 0
    for name, fn in [(n, f) for n, f in list(globals().items()) if n.startswith("test_")]:
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        try:
            print(f"ok    {name}: {fn()}")
        except Exception as e:                                                        # report and go on
            failed += 1
            print(f"FAIL  {name}: {type(e).__name__} {e}")
    print("all passed" if not failed else f"{failed} failed")
    sys.exit(1 if failed else 0)
