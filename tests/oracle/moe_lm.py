"""Reference forward pass ("oracle") of three sparse-MoE language models, in float64.

    afmoe    Arcee Trinity         arXiv:2602.17004; equation numbers are those of this report
    hunyuan  Tencent Hunyuan-Large  arXiv:2411.02265 and the released modeling_hunyuan.py
    dots1    rednote dots.llm1      arXiv:2506.05767

Everything is written for clarity, not for speed.  Shapes: B batch, T sequence length, d model width, h query
heads, g key/value heads, D head width, E routed experts, K experts per token, F feed-forward width, V vocabulary.
Parameters are an ordered dict {HF checkpoint name: tensor}, linear weights as (out, in), one tensor per expert.
The expert biases (non-trained buffers) live in the same dict under their HF names; see `bias_name`.
"""
from collections import OrderedDict
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F

DTYPE = torch.float64


# ----------------------------------------------------------------------------------------------- configuration

@dataclass(frozen=True)
class Config:
    """Architecture, independent of the naming habits of the three config.json dialects."""
    model_type: str            # afmoe | dots1 | hunyuan
    vocab: int
    d: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    eps: float                 # RMSNorm epsilon
    tied: bool                 # LM head = embedding
    embed_scale: float         # multiplier of the embedding output (Trinity: sqrt(d))
    window: tuple              # per layer: None = full causal, w = the w last keys including self
    rope: tuple                # per layer: True = rotary, False = no positional encoding
    rope_base: float           # after alpha-NTK scaling
    qk_norm: str               # "before" RoPE | "after" RoPE | "none"
    attn_gate: bool            # elementwise sigmoid gate before W_o
    cla: int                   # cross-layer attention share factor (1 = every layer has its own K, V)
    sandwich: bool             # 4 norms a layer instead of 2
    dense_layers: int          # leading layers with a dense FFN
    dense_ff: int
    expert_ff: int
    experts: int
    top_k: int
    shared: int                # number of shared experts, fused into one FFN of width shared*expert_ff
    score: str                 # "sigmoid" | "softmax"
    select_bias: bool          # score + bias decides the selection
    norm_gates: bool           # gates normalised over the selected experts
    route_scale: float
    eod: object = None         # end-of-document token id, or None

    @staticmethod
    def from_hf(c):
        """Build from a HF-style config.json dict."""
        kind = c["model_type"]
        if kind not in ("afmoe", "dots1", "hunyuan"):
            raise ValueError(f"unknown model_type {kind}")
        layers, d, heads = c["num_hidden_layers"], c["hidden_size"], c["num_attention_heads"]
        head_dim = c.get("head_dim") or d // heads
        base, scaling = float(c.get("rope_theta", 10000.0)), c.get("rope_scaling")
        if scaling:
            if scaling.get("type", scaling.get("rope_type")) != "dynamic" or not scaling.get("alpha"):
                raise ValueError("only alpha-NTK rope_scaling is supported")
            base *= float(scaling["alpha"]) ** (head_dim / (head_dim - 2))          # alpha-NTK, as modeling_hunyuan.py
        types = c.get("layer_types")
        if types is None and kind == "afmoe":
            every = c.get("global_attn_every_n_layers", 4)
            types = ["full_attention" if (i + 1) % every == 0 else "sliding_attention" for i in range(layers)]
        elif types is None:
            types = ["full_attention"] * layers
        if len(types) != layers:
            raise ValueError("layer_types must name every layer")
        local = [t == "sliding_attention" for t in types]
        common = dict(
            model_type=kind, vocab=c["vocab_size"], d=d, layers=layers, heads=heads,
            kv_heads=c.get("num_key_value_heads") or heads, head_dim=head_dim, eps=c["rms_norm_eps"],
            tied=bool(c.get("tie_word_embeddings", False)),
            window=tuple(c["sliding_window"] if l else None for l in local), rope_base=base,
            top_k=c.get("num_experts_per_tok", c.get("moe_topk", 1)), eod=c.get("eos_token_id"))
        if kind == "afmoe":
            return Config(
                **common, embed_scale=d ** 0.5 if c.get("mup_enabled", False) else 1.0, rope=tuple(local),
                qk_norm="before", attn_gate=True, cla=1, sandwich=True, dense_layers=c["num_dense_layers"],
                dense_ff=c["intermediate_size"], expert_ff=c["moe_intermediate_size"], experts=c["num_experts"],
                shared=c["num_shared_experts"], score=c.get("score_func", "sigmoid"), select_bias=True,
                norm_gates=c.get("route_norm", True), route_scale=c.get("route_scale", 1.0))
        if kind == "dots1":
            return Config(
                **common, embed_scale=1.0, rope=(True,) * layers, qk_norm="before", attn_gate=False, cla=1,
                sandwich=False, dense_layers=c["first_k_dense_replace"], dense_ff=c["intermediate_size"],
                expert_ff=c["moe_intermediate_size"], experts=c["n_routed_experts"],
                shared=c.get("n_shared_experts") or 0, score="sigmoid", select_bias=True,
                norm_gates=c.get("norm_topk_prob", False), route_scale=c.get("routed_scaling_factor", 1.0))
        return Config(
            **common, embed_scale=1.0, rope=(True,) * layers, qk_norm="after" if c.get("use_qk_norm") else "none",
            attn_gate=False, cla=c.get("cla_share_factor", 1) if c.get("use_cla") else 1, sandwich=False,
            dense_layers=0, dense_ff=c["intermediate_size"], expert_ff=c["intermediate_size"],
            experts=c["num_experts"], shared=c["num_shared_expert"] if c.get("use_mixed_mlp_moe") else 0,
            score="softmax", select_bias=False,
            norm_gates=c.get("moe_topk", 1) > 1, route_scale=1.0)                   # top-1: raw probability

    def is_moe(self, layer):
        return layer >= self.dense_layers

    def moe_layers(self):
        return [i for i in range(self.layers) if self.is_moe(i)]

    def owns_kv(self, layer):
        """CLA: layers whose index is a multiple of the share factor compute K, V; the others reuse them."""
        return layer % self.cla == 0


# -------------------------------------------------------------------------------------------------- parameters

def _names(cfg):
    """Name fragments that differ between the three checkpoint layouts."""
    return {
        "afmoe": dict(router="mlp.router.gate.weight", bias="mlp.expert_bias", shared="mlp.shared_experts.",
                      qn="self_attn.q_norm.weight", kn="self_attn.k_norm.weight"),
        "dots1": dict(router="mlp.gate.weight", bias="mlp.gate.e_score_correction_bias", shared="mlp.shared_experts.",
                      qn="self_attn.q_norm.weight", kn="self_attn.k_norm.weight"),
        "hunyuan": dict(router="mlp.gate.wg.weight", bias=None, shared="mlp.shared_mlp.",
                        qn="self_attn.query_layernorm.weight", kn="self_attn.key_layernorm.weight"),
    }[cfg.model_type]


def bias_name(cfg, layer):
    """HF name of the (E,) selection-bias buffer of a MoE layer."""
    return f"model.layers.{layer}.{_names(cfg)['bias']}"


def param_shapes(cfg):
    """Ordered {HF name: shape} of the trained parameters.  Allocates nothing; biases are not included."""
    names, s = _names(cfg), OrderedDict()

    def ffn(prefix, width):
        s[prefix + "gate_proj.weight"] = (width, cfg.d)
        s[prefix + "up_proj.weight"] = (width, cfg.d)
        s[prefix + "down_proj.weight"] = (cfg.d, width)

    q_width, kv_width = cfg.heads * cfg.head_dim, cfg.kv_heads * cfg.head_dim
    s["model.embed_tokens.weight"] = (cfg.vocab, cfg.d)
    for i in range(cfg.layers):
        p = f"model.layers.{i}."
        s[p + "input_layernorm.weight"] = (cfg.d,)
        s[p + "self_attn.q_proj.weight"] = (q_width, cfg.d)
        if cfg.owns_kv(i):
            s[p + "self_attn.k_proj.weight"] = (kv_width, cfg.d)
            s[p + "self_attn.v_proj.weight"] = (kv_width, cfg.d)
        if cfg.attn_gate:
            s[p + "self_attn.gate_proj.weight"] = (q_width, cfg.d)
        s[p + "self_attn.o_proj.weight"] = (cfg.d, q_width)
        if cfg.qk_norm != "none":
            s[p + names["qn"]] = (cfg.head_dim,)
            s[p + names["kn"]] = (cfg.head_dim,)
        s[p + "post_attention_layernorm.weight"] = (cfg.d,)
        if cfg.sandwich:
            s[p + "pre_mlp_layernorm.weight"] = (cfg.d,)
            s[p + "post_mlp_layernorm.weight"] = (cfg.d,)
        if not cfg.is_moe(i):
            ffn(p + "mlp.", cfg.dense_ff)
            continue
        s[p + names["router"]] = (cfg.experts, cfg.d)
        if cfg.shared:
            ffn(p + names["shared"], cfg.shared * cfg.expert_ff)
        for e in range(cfg.experts):
            ffn(f"{p}mlp.experts.{e}.", cfg.expert_ff)
    s["model.norm.weight"] = (cfg.d,)
    if not cfg.tied:
        s["lm_head.weight"] = (cfg.vocab, cfg.d)
    return s


def _numel(shape):
    n = 1
    for k in shape:
        n *= k
    return n


def param_counts(cfg):
    """Trained parameters: total, and active per token (K of E routed experts; embedding and head both counted)."""
    total = active = 0
    for name, shape in param_shapes(cfg).items():
        n = _numel(shape)
        total += n
        if ".mlp.experts." in name:
            if f".mlp.experts.{cfg.experts - 1}." in name:      # count one expert per layer and matrix, K times
                active += n * cfg.top_k
        else:
            active += n
    return {"total": total, "active": active}


def kv_bytes_per_token(cfg, bytes_per_value=2):
    """KV-cache bytes per token without window eviction: 2 * g * D values for each layer that owns K, V."""
    return sum(2 * cfg.kv_heads * cfg.head_dim * bytes_per_value for i in range(cfg.layers) if cfg.owns_kv(i))


# ------------------------------------------------------------------------------------------------------ pieces

def rms_norm(x, gain, eps):
    """y = x / sqrt(mean(x^2) + eps) * gain over the last axis.  (In float64 it does not matter whether the gain
    is applied before or after the cast back to the activation type - the three models differ there.)"""
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * gain


def rope_tables(positions, head_dim, base):
    """cos, sin of shape (T, D): angle[t, j] = t * base^(-2j/D) for j < D/2, repeated for the second half."""
    inv_freq = base ** (-torch.arange(0, head_dim, 2, dtype=DTYPE) / head_dim)
    angle = positions.to(DTYPE)[:, None] * inv_freq[None, :]
    angle = torch.cat([angle, angle], -1)
    return angle.cos(), angle.sin()


def rope(x, tables):
    """Rotate-half (NeoX) rotary embedding of x (B, T, heads, D): pairs are (j, j + D/2)."""
    cos, sin = (t[None, :, None, :].to(x.dtype) for t in tables)
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin


def attention_mask(T, window, doc_ids):
    """Boolean (B or 1, T, T), True = query t may look at key s: s <= t; t - s < window (self included);
    same document when doc_ids (B, T) is given.  Trinity eq 6-8."""
    t, s = torch.arange(T)[:, None], torch.arange(T)[None, :]
    mask = s <= t
    if window is not None:
        mask = mask & (t - s < window)
    mask = mask[None]
    if doc_ids is not None:
        mask = mask & (doc_ids[:, :, None] == doc_ids[:, None, :])
    return mask


def swiglu(x, params, prefix):
    """down( silu(gate x) * up x ), no biases; x (..., d) -> (..., d)."""
    gate = x @ params[prefix + "gate_proj.weight"].T
    up = x @ params[prefix + "up_proj.weight"].T
    return (F.silu(gate) * up) @ params[prefix + "down_proj.weight"].T


@dataclass
class Routing:
    """One MoE layer.  Token order is batch-major, flattened N = B*T."""
    scores: torch.Tensor       # (N, E) sigmoid scores or softmax probabilities, without bias
    selected: torch.Tensor     # (N, K) expert ids, best selection score first; after recycling where that is on
    gates: torch.Tensor        # (N, K) combine weights, including route_scale; aligned with `selected`
    counts: torch.Tensor       # (E,) tokens per expert, by the router's own choice (before recycling)
    chosen: torch.Tensor       # (N, K) the router's own choice (= selected unless recycled)
    gap: torch.Tensor          # (N,) selection score of the K-th minus that of the (K+1)-th expert
    placed: torch.Tensor       # (N, K) False where a token was dropped (recycling with too little capacity)


def recycle(probs, capacity, permutation):
    """Recycle routing, top-1 (arXiv:2411.02265, section 2.2.3).  probs (N, E) softmax probabilities, capacity C per expert,
    permutation: indices into the list of free slots (expert 0 repeated r_0 times, expert 1 r_1 times, ...).
    Each expert keeps its first C tokens in token order; the j-th dropped token takes slot permutation[j].
    Returns expert (N,), position in the expert's buffer (N,) (-1 = stays dropped), weight (N,) = probability of
    the final expert (0 where dropped), and the list of free slots."""
    N, E = probs.shape
    expert = probs.argmax(-1).tolist()
    used, dropped = [0] * E, []
    for t in range(N):
        if used[expert[t]] < capacity:
            used[expert[t]] += 1
        else:
            dropped.append(t)
    free = [e for e in range(E) for _ in range(capacity - used[e])]
    placed = [True] * N
    for j, t in enumerate(dropped):
        if j < len(free):
            expert[t] = free[int(permutation[j])]
        else:
            placed[t] = False
    position, fill = [-1] * N, [0] * E
    for t in range(N):
        if placed[t]:
            position[t] = fill[expert[t]]
            fill[expert[t]] += 1
    expert, placed = torch.tensor(expert), torch.tensor(placed)
    weight = probs[torch.arange(N), expert] * placed
    return expert, torch.tensor(position), weight, free


def route(cfg, u, weight, bias=None, recycling=None):
    """Router.  u (N, d) -> Routing.
    Trinity eq 15-18, dots: s = sigmoid(u W^T); select top-K of s + b; g = s / (sum of selected s + 1e-20) * scale.
    Hunyuan: p = softmax(u W^T); top-1; g = p of the (final) expert.
    recycling: None or (capacity, permutation)."""
    logits = u @ weight.T
    scores = torch.sigmoid(logits) if cfg.score == "sigmoid" else torch.softmax(logits, -1)
    choice = scores.detach() + (bias if cfg.select_bias and bias is not None else 0.0)
    order = torch.sort(choice, dim=-1, descending=True, stable=True)[1]        # ties: lower index first
    chosen = selected = order[:, :cfg.top_k]
    ranked = choice.gather(1, order)
    gap = (ranked[:, cfg.top_k - 1] - ranked[:, cfg.top_k] if cfg.top_k < cfg.experts
           else torch.full((len(u),), float("inf"), dtype=choice.dtype))
    counts = torch.bincount(chosen.flatten(), minlength=cfg.experts)
    placed = torch.ones_like(chosen, dtype=torch.bool)
    if recycling is not None:
        expert, position, _, _ = recycle(scores.detach(), *recycling)
        selected, placed = expert[:, None], (position >= 0)[:, None]
    gates = scores.gather(1, selected) * placed
    if cfg.norm_gates:
        gates = gates / (gates.sum(-1, keepdim=True) + 1e-20)
    return Routing(scores, selected, gates * cfg.route_scale, counts, chosen, gap, placed)


def moe(cfg, x, params, layer, recycling=None):
    """Mixture of experts, x (B, T, d) -> (B, T, d), Routing.
    y = FFN_shared(u) + sum over selected of g_i FFN_i(u); the gate multiplies the expert OUTPUT; no inner residual."""
    names, p = _names(cfg), f"model.layers.{layer}."
    u = x.reshape(-1, cfg.d)
    bias = params.get(bias_name(cfg, layer)) if cfg.select_bias else None
    r = route(cfg, u, params[p + names["router"]], bias, recycling)
    y = swiglu(u, params, p + names["shared"]) if cfg.shared else torch.zeros_like(u)
    for e in range(cfg.experts):
        token, slot = torch.where((r.selected == e) & r.placed)
        if len(token):
            out = swiglu(u[token], params, f"{p}mlp.experts.{e}.") * r.gates[token, slot, None]
            y = y.index_add(0, token, out)
    return y.reshape(x.shape), r


def kv_head_of(cfg):
    """GQA: KV head of each query head, (h,): i -> floor(i * g / h)."""
    return torch.arange(cfg.heads) * cfg.kv_heads // cfg.heads


def attention(cfg, x, params, layer, tables, doc_ids, shared_kv):
    """Attention sublayer, x (B, T, d) -> output (B, T, d) and the layer's (K, V), each (B, T, g, D).
    Trinity eq 1-14.  shared_kv: (K, V) of the owning layer for CLA cross layers.
    K is what a cache would hold: normed and (where used) roped for afmoe/dots1, roped but NOT normed for hunyuan,
    because every CLA layer applies its own key norm to the shared K."""
    names, p = _names(cfg), f"model.layers.{layer}.self_attn."
    B, T, _ = x.shape

    def heads(w, n):
        return (x @ params[p + w].T).reshape(B, T, n, cfg.head_dim)

    def norm(z, which):
        return rms_norm(z, params[f"model.layers.{layer}." + names[which]], cfg.eps)

    q = heads("q_proj.weight", cfg.heads)
    if cfg.qk_norm == "before":
        q = norm(q, "qn")
    if cfg.rope[layer]:
        q = rope(q, tables)
    if cfg.qk_norm == "after":
        q = norm(q, "qn")
    if cfg.owns_kv(layer):
        k, v = heads("k_proj.weight", cfg.kv_heads), heads("v_proj.weight", cfg.kv_heads)
        if cfg.qk_norm == "before":
            k = norm(k, "kn")
        if cfg.rope[layer]:
            k = rope(k, tables)
        kv = (k, v)
    else:
        kv = shared_kv
    k, v = kv
    if cfg.qk_norm == "after":
        k = norm(k, "kn")
    of = kv_head_of(cfg)
    k, v = k[:, :, of], v[:, :, of]
    logits = torch.einsum("bthd,bshd->bhts", q, k) * cfg.head_dim ** -0.5
    mask = attention_mask(T, cfg.window[layer], doc_ids)
    prob = torch.softmax(logits.masked_fill(~mask[:, None], float("-inf")), -1)
    out = torch.einsum("bhts,bshd->bthd", prob, v).reshape(B, T, -1)
    if cfg.attn_gate:                                                   # eq 11-14, from the same normed input
        out = out * torch.sigmoid(x @ params[p + "gate_proj.weight"].T)
    return out @ params[p + "o_proj.weight"].T, kv


@dataclass
class Output:
    logits: torch.Tensor                                # (B, T, V)
    hidden: torch.Tensor                                # (B, T, d) after the final norm
    routing: dict = field(default_factory=dict)         # {MoE layer: Routing}
    kv: dict = field(default_factory=dict)              # {layer that owns K, V: (K, V)}


def doc_ids_from_eod(tokens, eod):
    """(B, T) document index per position; the end-of-document token belongs to the document that it closes."""
    ended = (tokens == eod).long()
    return ended.cumsum(-1) - ended


def forward(cfg, params, tokens, doc_ids=None, intra_doc_mask=False, positions=None, recycling=None):
    """Full forward pass.  tokens (B, T) int64 -> Output.
    doc_ids (B, T) only matter when intra_doc_mask is on (derived from cfg.eod if absent).
    positions (T,) default 0..T-1 over the packed sequence, not restarted per document.  That is equivalent where
    RoPE follows the QK-norm or is absent (afmoe, dots1: scores are relative), but not for hunyuan, whose QK-norm
    gain comes after RoPE and makes scores depend on absolute position.
    recycling: None or {layer: (capacity, permutation)}.
    Trinity eq 33: y = x + Norm2(M(Norm1(x))) (sandwich); others: y = x + M(Norm(x)).  eq 36, 39 for head and input."""
    T = tokens.shape[1]
    if intra_doc_mask and doc_ids is None:
        doc_ids = doc_ids_from_eod(tokens, cfg.eod)
    docs = doc_ids if intra_doc_mask else None
    tables = rope_tables(torch.arange(T) if positions is None else positions, cfg.head_dim, cfg.rope_base)
    out = Output(None, None)
    x = params["model.embed_tokens.weight"][tokens] * cfg.embed_scale
    shared_kv = None
    for i in range(cfg.layers):
        p = f"model.layers.{i}."

        def norm(z, name):
            return rms_norm(z, params[p + name + ".weight"], cfg.eps)

        a, kv = attention(cfg, norm(x, "input_layernorm"), params, i, tables, docs, shared_kv)
        if cfg.owns_kv(i):
            out.kv[i] = shared_kv = kv
        x = x + (norm(a, "post_attention_layernorm") if cfg.sandwich else a)
        u = norm(x, "pre_mlp_layernorm" if cfg.sandwich else "post_attention_layernorm")
        if cfg.is_moe(i):
            m, out.routing[i] = moe(cfg, u, params, i, recycling.get(i) if recycling else None)
        else:
            m = swiglu(u, params, p + "mlp.")
        x = x + (norm(m, "post_mlp_layernorm") if cfg.sandwich else m)
    out.hidden = rms_norm(x, params["model.norm.weight"], cfg.eps)
    head = params["model.embed_tokens.weight" if cfg.tied else "lm_head.weight"]
    out.logits = out.hidden @ head.T
    return out
