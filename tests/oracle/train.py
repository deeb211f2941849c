"""Reference training step: losses, autograd gradients, clipping, Muon + AdamW, expert-bias rules, LR schedule.

float64 throughout, including the Newton-Schulz iteration of Muon (the original runs it in bfloat16; a float32
engine should run it in float32 to meet the tolerances).  One step = one optimizer step on one batch (B, T).

Hyper-parameters are a plain dict, the content of train.json:

    optimizer              "muon+adamw" | "adamw"
    muon                   {lr, momentum, nesterov, ns_coefficients: "classic" | "dion", ns_eps, weight_decay}
    adamw                  {lr, betas, eps, weight_decay, norm_weight_decay}
    router_optimizer       "muon" | "adamw" (only read under muon+adamw)
    expert_lr_multiplier   multiplies the LR of the routed experts' matrices (not of the shared expert), and
                           therefore also their decoupled weight decay lr * wd
    grad_clip              global norm, or null
    balance                {rule: "none"} | {rule: "sign", gamma, recentre} | {rule: "smebu", lambda, beta, kappa}
    loss                   {z: weight, seq_aux: alpha, switch_aux: weight}
    schedule               {warmup_steps, decay_start, total_steps, decay: "none"|"linear"|"cosine", final_ratio}
    intra_document_mask    bool
"""
import math
from collections import OrderedDict

import torch

from moe_lm import DTYPE, bias_name, forward, param_shapes

NS_CLASSIC = [(3.4445, -4.7750, 2.0315)] * 5
NS_DION = [(4.0848, -6.8946, 2.9270), (3.9505, -6.3029, 2.6377), (3.7418, -5.5913, 2.3037),
           (2.8769, -3.1427, 1.2046), (2.8366, -3.0525, 1.2012)]


# ------------------------------------------------------------------------------------------------------ losses

def cross_entropy_and_z(logits, targets):
    """logits (B, T, V), targets (B, T) with -100 = ignored -> (mean CE, mean lse^2), both over valid positions."""
    valid = targets != -100
    z = logits[valid]
    lse = torch.logsumexp(z, -1)
    ce = lse - z.gather(-1, targets[valid][:, None])[:, 0]
    return ce.mean(), lse.pow(2).mean()


def seq_aux(routing, B, top_k):
    """Sequence-wise balance loss of one MoE layer without alpha (Trinity eq 29-32): mean over the B sequences of
    sum_i f_i P_i,  f_i = E/(K T) * #{t: i selected at t},  P_i = mean_t s_i,t / sum_j s_j,t.  1 at perfect balance.
    All T tokens of the packed sequence count, also those with ignored targets.  Gradient through P only."""
    scores, chosen = routing.scores, routing.chosen
    E = scores.shape[-1]
    scores = scores.reshape(B, -1, E)
    T = scores.shape[1]
    P = (scores / scores.sum(-1, keepdim=True)).mean(1)
    picks = torch.nn.functional.one_hot(chosen, E).sum(1).reshape(B, T, E).to(scores.dtype)
    return (picks.sum(1) * (E / (top_k * T)) * P).sum(-1).mean()


def switch_aux(routing):
    """Switch balance loss of one MoE layer without weight (arXiv:2101.03961): E * sum_e mean_t p_e * mean_t 1[argmax = e],
    over all B*T tokens, on the original choice (before recycling)."""
    N, E = routing.scores.shape
    return E * (routing.scores.mean(0) * routing.counts.to(routing.scores.dtype) / N).sum()


def losses(cfg, out, targets, weights):
    """Total loss and its parts; auxiliary losses are summed over the MoE layers."""
    B = targets.shape[0]
    ce, z = cross_entropy_and_z(out.logits, targets)
    zero = torch.zeros((), dtype=ce.dtype)
    seq = sum((seq_aux(r, B, cfg.top_k) for r in out.routing.values()), zero)
    switch = sum((switch_aux(r) for r in out.routing.values()), zero)
    parts = {"ce": ce, "z_raw": z, "seq_aux_raw": seq, "switch_aux_raw": switch}
    for key in ("z", "seq_aux", "switch_aux"):
        w = weights.get(key, 0.0)
        parts[key] = w * parts[key + "_raw"] if w else zero        # a weight of 0 is off
    parts["total"] = ce + parts["z"] + parts["seq_aux"] + parts["switch_aux"]
    return parts


# ------------------------------------------------------------------------------------------------ load balancing

def max_vio(counts):
    """(max load - mean load) / mean load (Trinity eq 42)."""
    mean = counts.to(DTYPE).mean()
    return float((counts.max() - mean) / mean)


def sign_update(bias, counts, gamma, recentre=True):
    """Trinity eq 19-22 (Nano, Mini); without the re-centring it is the rule of dots.llm1."""
    counts = counts.to(bias.dtype)
    bias = bias + gamma * torch.sign(counts.mean() - counts)
    return bias - bias.mean() if recentre else bias


def smebu_update(bias, momentum, counts, lam=5e-4, beta=0.5, kappa=2.0):
    """Soft-clamped Momentum Expert Bias Update (Trinity eq 23-28) -> (bias, momentum)."""
    counts = counts.to(bias.dtype)
    mean = counts.mean()
    delta = lam * torch.tanh(kappa * (mean - counts) / mean)
    momentum = beta * momentum + (1 - beta) * (delta - delta.mean())
    return bias + momentum, momentum


# ----------------------------------------------------------------------------------------------------- optimizer

def lr_factor(step, schedule):
    """LR multiplier of the 0-based step s: (s+1)/W for s < W; 1 for s < S; then with p = (s-S)/(N-S), p <= 1,
    linear: 1 + (r-1) p, cosine: r + (1-r)(1 + cos(pi p))/2; r = final_ratio, W warm-up, S decay start, N total."""
    warm, start, total = schedule["warmup_steps"], schedule["decay_start"], schedule["total_steps"]
    if step < warm:
        return (step + 1) / warm
    if schedule["decay"] == "none" or step < start:
        return 1.0
    p, r = min((step - start) / (total - start), 1.0), schedule["final_ratio"]
    return 1 + (r - 1) * p if schedule["decay"] == "linear" else r + (1 - r) * (1 + math.cos(math.pi * p)) / 2


def newton_schulz(G, coefficients, eps=1e-7):
    """Approximate U V^T of G = U S V^T, G (rows, cols): X = G/(||G||_F + eps), transposed if rows > cols;
    per triple (a, b, c): A = X X^T, X <- a X + (b A + c A A) X."""
    X = G / (G.norm() + eps)
    if G.shape[0] > G.shape[1]:
        X = X.T
    for a, b, c in coefficients:
        A = X @ X.T
        X = a * X + (b * A + c * (A @ A)) @ X
    return X.T if G.shape[0] > G.shape[1] else X


def muon_lr_scale(rows, cols):
    """lr_adj / lr = sqrt(max(1, fan_out/fan_in)) for a weight (out, in) (Trinity eq 41)."""
    return math.sqrt(max(1.0, rows / cols))


def group_of(name, shape, hp):
    """Optimizer of a parameter: "muon", "adamw", or "adamw_norm" (1-D gains: AdamW with norm_weight_decay).
    Under muon+adamw, AdamW takes 1-D parameters, embedding, LM head and, by the switch, the router."""
    if len(shape) == 1:
        return "adamw_norm"
    if hp["optimizer"] == "adamw" or name in ("model.embed_tokens.weight", "lm_head.weight"):
        return "adamw"
    if name.endswith(("mlp.router.gate.weight", "mlp.gate.weight", "mlp.gate.wg.weight")):
        return hp.get("router_optimizer", "muon")
    return "muon"


def clip_scale(norm, limit):
    """min(1, limit / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_."""
    return 1.0 if limit is None else min(1.0, limit / (norm + 1e-6))


class Trainer:
    """Parameters, optimizer state and bias state; `step` runs one training step and returns what it saw."""

    def __init__(self, cfg, params, hp):
        """params: {HF name: tensor}, trained parameters and, where the model has them, the expert biases."""
        self.cfg, self.hp, self.t = cfg, hp, 0
        self.shapes = param_shapes(cfg)
        dtype = params["model.norm.weight"].dtype
        self.params = OrderedDict((n, params[n].clone()) for n in self.shapes)
        for n, shape in self.shapes.items():
            assert tuple(params[n].shape) == tuple(shape), n
        self.m = {n: torch.zeros(s, dtype=dtype) for n, s in self.shapes.items()}      # momentum / first moment
        self.v = {n: torch.zeros(s, dtype=dtype) for n, s in self.shapes.items()}      # second moment (AdamW)
        self.bias, self.bias_momentum = OrderedDict(), OrderedDict()
        if cfg.select_bias:
            for i in cfg.moe_layers():
                zero = torch.zeros(cfg.experts, dtype=dtype)
                self.bias[i] = params.get(bias_name(cfg, i), zero).clone()
                self.bias_momentum[i] = zero.clone()

    def all_params(self):
        """Parameters plus bias buffers, under their HF names."""
        out = OrderedDict(self.params)
        for i, b in self.bias.items():
            out[bias_name(self.cfg, i)] = b
        return out

    def forward(self, tokens, doc_ids, params=None, recycling=None):
        return forward(self.cfg, params or self.all_params(), tokens, doc_ids,
                       self.hp.get("intra_document_mask", False), recycling=recycling)

    def gradients(self, tokens, targets, doc_ids, recycling=None):
        """-> (Output, loss parts as floats, unclipped gradients {name: tensor})."""
        params = self.all_params()
        for n in self.shapes:
            params[n] = params[n].detach().requires_grad_(True)
        out = self.forward(tokens, doc_ids, params, recycling)
        parts = losses(self.cfg, out, targets, self.hp["loss"])
        leaves = [params[n] for n in self.shapes]
        grads = torch.autograd.grad(parts["total"], leaves, allow_unused=True)
        grads = OrderedDict((n, torch.zeros_like(p) if g is None else g)
                            for n, p, g in zip(self.shapes, leaves, grads))
        return out, {k: float(v) for k, v in parts.items()}, grads

    def update(self, grads):
        """Apply (clipped) gradients: W <- W (1 - lr wd) - step.  An expert that got no token has gradient 0 and is
        updated like any other (moments decay, weight decay applies)."""
        hp, factor = self.hp, lr_factor(self.t, self.hp["schedule"])
        for n, g in grads.items():
            W, group = self.params[n], group_of(n, self.shapes[n], hp)
            lr = hp["muon" if group == "muon" else "adamw"]["lr"] * factor
            if ".mlp.experts." in n:
                lr *= hp.get("expert_lr_multiplier", 1.0)
            if group == "muon":
                o = hp["muon"]
                M = self.m[n] = o["momentum"] * self.m[n] + g
                U = o["momentum"] * M + g if o["nesterov"] else M
                O = newton_schulz(U, {"classic": NS_CLASSIC, "dion": NS_DION}[o["ns_coefficients"]], o["ns_eps"])
                W = W * (1 - lr * o["weight_decay"]) - lr * muon_lr_scale(*W.shape) * O
            else:
                o = hp["adamw"]
                b1, b2 = o["betas"]
                m = self.m[n] = b1 * self.m[n] + (1 - b1) * g
                v = self.v[n] = b2 * self.v[n] + (1 - b2) * g * g
                m_hat, v_hat = m / (1 - b1 ** (self.t + 1)), v / (1 - b2 ** (self.t + 1))
                wd = o["norm_weight_decay" if group == "adamw_norm" else "weight_decay"]
                W = W * (1 - lr * wd) - lr * m_hat / (v_hat.sqrt() + o["eps"])
            self.params[n] = W

    def update_bias(self, routing):
        """Expert-bias rule on this step's token counts (all tokens of the batch, before any recycling)."""
        rule = self.hp["balance"]
        for i in self.bias:
            counts = routing[i].counts
            if rule["rule"] == "sign":
                self.bias[i] = sign_update(self.bias[i], counts, rule["gamma"], rule["recentre"])
            elif rule["rule"] == "smebu":
                self.bias[i], self.bias_momentum[i] = smebu_update(
                    self.bias[i], self.bias_momentum[i], counts, rule["lambda"], rule["beta"], rule["kappa"])

    def step(self, tokens, targets, doc_ids, recycling=None):
        """One training step -> dict(out, loss parts, grads (unclipped), grad_norm, lr's, max_vio per layer)."""
        out, parts, grads = self.gradients(tokens, targets, doc_ids, recycling)
        norm = math.sqrt(sum(float(g.pow(2).sum()) for g in grads.values()))
        scale = clip_scale(norm, self.hp.get("grad_clip"))
        factor = lr_factor(self.t, self.hp["schedule"])
        self.update(OrderedDict((n, g * scale) for n, g in grads.items()))
        self.update_bias(out.routing)
        self.t += 1
        return {"out": out, "loss": parts, "grads": grads, "grad_norm": norm, "clip_scale": scale,
                "lr": {k: self.hp[k]["lr"] * factor for k in ("muon", "adamw") if k in self.hp},
                "max_vio": {i: max_vio(r.counts) for i, r in out.routing.items()}}
