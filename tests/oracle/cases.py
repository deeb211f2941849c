"""The golden cases.  `config` is config.json, `train` is train.json (see train.py), `data` drives the
random batches.  Weight decay, LR and loss weights are larger than in real training so that leaving one out shows."""

AFMOE = {
    "architectures": ["AfmoeForCausalLM"], "model_type": "afmoe", "attention_dropout": 0.0, "dtype": "float32",
    "hidden_act": "silu", "initializer_range": 0.02, "max_position_embeddings": 4096, "n_group": 1, "topk_group": 1,
    "num_expert_groups": 1, "num_limited_groups": 1, "rms_norm_eps": 1e-05, "rope_scaling": None,
    "rope_theta": 10000.0, "route_norm": True, "score_func": "sigmoid", "use_cache": True, "use_grouped_mm": True,
    "mup_enabled": True, "tie_word_embeddings": False, "global_attn_every_n_layers": 4}

DOTS = {
    "architectures": ["Dots1ForCausalLM"], "model_type": "dots1", "attention_bias": False, "attention_dropout": 0.0,
    "dtype": "float32", "hidden_act": "silu", "initializer_range": 0.006, "max_position_embeddings": 32768,
    "n_group": 1, "topk_group": 1, "norm_topk_prob": True, "rms_norm_eps": 1e-05, "rope_scaling": None,
    "rope_theta": 10000000.0, "scoring_func": "sigmoid", "sliding_window": None, "tie_word_embeddings": False,
    "use_cache": True}

HUNYUAN = {
    "architectures": ["HunYuanForCausalLM"], "model_type": "hunyuan", "attention_bias": False,
    "attention_dropout": 0.0, "dtype": "float32", "hidden_act": "silu", "initializer_range": 0.02,
    "max_position_embeddings": 131072, "mlp_bias": False, "rms_norm_eps": 1e-05, "rope_theta": 10000.0,
    "use_qk_norm": True, "use_cla": True, "cla_share_factor": 2, "use_mixed_mlp_moe": True, "moe_topk": 1,
    "moe_drop_tokens": False, "moe_random_routing_dropped_token": False, "capacity_factor": 1.0,
    "pretraining_tp": 1, "tie_word_embeddings": True, "use_cache": True}


def afmoe(every=4, **over):
    c = {**AFMOE, "global_attn_every_n_layers": every, **over}
    c.setdefault("head_dim", c["hidden_size"] // c["num_attention_heads"])
    c.setdefault("layer_types", ["full_attention" if (i + 1) % every == 0 else "sliding_attention"
                                 for i in range(c["num_hidden_layers"])])
    return c


def muon(lr=2e-2, adamw_lr=5e-3, **over):
    hp = {
        "optimizer": "muon+adamw",
        "muon": {"lr": lr, "momentum": 0.95, "nesterov": False, "ns_coefficients": "classic", "ns_eps": 1e-7,
                 "weight_decay": 0.2},
        "adamw": {"lr": adamw_lr, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0.5, "norm_weight_decay": 0.0},
        "router_optimizer": "muon", "expert_lr_multiplier": 1.0, "grad_clip": 1.0,
        "balance": {"rule": "none"}, "loss": {"z": 0.0, "seq_aux": 0.0, "switch_aux": 0.0},
        "schedule": {"warmup_steps": 2, "decay_start": 2, "total_steps": 6, "decay": "linear", "final_ratio": 0.0},
        "intra_document_mask": False}
    hp.update(over)
    return hp


def adamw(lr=4e-3, **over):
    hp = muon()
    del hp["muon"], hp["router_optimizer"]
    hp.update({"optimizer": "adamw",
               "adamw": {"lr": lr, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0.5, "norm_weight_decay": 0.0},
               **over})
    return hp


def layers(letters):
    """layer_types of a pattern: L for a local layer, G for a global one."""
    return ["full_attention" if letter == "G" else "sliding_attention" for letter in letters]


DION = {"lr": 2e-2, "momentum": 0.9, "nesterov": True, "ns_coefficients": "dion", "ns_eps": 1e-3, "weight_decay": 0.2}

CASES = [
    {
        "name": "trinity-nano-like", "seed": 101, "bias_std": 0.03,
        "config": afmoe(
            vocab_size=48, hidden_size=64, intermediate_size=32, moe_intermediate_size=4, num_hidden_layers=4,
            num_dense_layers=1, num_attention_heads=4, num_key_value_heads=2, head_dim=16, sliding_window=8,
            num_experts=8, num_experts_per_tok=2, num_shared_experts=1, route_scale=2.826, load_balance_coeff=0.001,
            eos_token_id=0),
        "train": muon(balance={"rule": "sign", "gamma": 1e-3, "recentre": True}),
        "data": {"B": 2, "T": 32, "doc_len": [6, 20]},
        "note": "afmoe with h*head_dim = d: sandwich norm, QK-norm before RoPE, three local layers (RoPE, window 8 "
                "including self) and one global NoPE layer, GQA 4:2, elementwise attention gate, one dense layer, 8 "
                "experts top-2 plus 1 shared, route scale 2.826, embedding times sqrt(d), non-zero selection bias. "
                "Packed documents WITHOUT intra-document mask (attention crosses EOD, token 0). Muon (classic "
                "coefficients, router included) + AdamW, sign bias update with re-centring, 2 warm-up steps.",
    },
    {
        "name": "trinity-large-like", "seed": 202, "bias_std": 0.03,
        "config": afmoe(
            vocab_size=48, hidden_size=32, intermediate_size=24, moe_intermediate_size=8, num_hidden_layers=5,
            num_dense_layers=2, num_attention_heads=8, num_key_value_heads=2, head_dim=8, sliding_window=16,
            num_experts=16, num_experts_per_tok=4, num_shared_experts=1, route_scale=2.448,
            load_balance_coeff=0.0005, eos_token_id=0),
        "train": muon(
            balance={"rule": "smebu", "lambda": 5e-4, "beta": 0.5, "kappa": 2.0},
            loss={"z": 1e-3, "seq_aux": 1e-2, "switch_aux": 0.0},
            schedule={"warmup_steps": 1, "decay_start": 1, "total_steps": 4, "decay": "cosine", "final_ratio": 0.1},
            intra_document_mask=True),
        "data": {"B": 2, "T": 64, "doc_len": [8, 40], "ignore_after_eod": True},
        "note": "afmoe with h*head_dim = 64 != d = 32, GQA 4:1, 2 dense layers, window 16, 16 experts top-4, route "
                "scale 2.448. Packed documents WITH intra-document mask (doc_ids), no target across a document "
                "boundary (-100). SMEBU bias update with momentum, sequence-wise auxiliary loss 1e-2 and z-loss 1e-3 "
                "(over valid targets), Muon + AdamW, cosine schedule.",
    },
    {
        "name": "dots-like", "seed": 303, "bias_std": 0.03,
        "config": {
            **DOTS, "vocab_size": 80, "hidden_size": 32, "intermediate_size": 48, "moe_intermediate_size": 12,
            "num_hidden_layers": 4, "first_k_dense_replace": 1, "num_attention_heads": 4, "num_key_value_heads": 4,
            "n_routed_experts": 8, "num_experts_per_tok": 3, "n_shared_experts": 2,
            "routed_scaling_factor": 2.5, "eos_token_id": 1},
        "train": adamw(
            balance={"rule": "sign", "gamma": 1e-3, "recentre": False},
            loss={"z": 0.0, "seq_aux": 1e-2, "switch_aux": 0.0},
            schedule={"warmup_steps": 1, "decay_start": 1, "total_steps": 5, "decay": "linear", "final_ratio": 0.1}),
        "data": {"B": 2, "T": 48, "ignore_last": True},
        "note": "dots1 (no head_dim key: d/h): pre-norm, MHA, QK-norm before RoPE (theta 1e7) in every layer, dense first layer, 8 experts "
                "top-3 plus 2 shared fused into one FFN, sigmoid scores with selection bias, normalised gates times "
                "2.5. AdamW on everything (no decay on norms), sign bias update WITHOUT re-centring, sequence-wise "
                "auxiliary loss 1e-2, last target ignored.",
    },
    {
        "name": "hunyuan-like", "seed": 404,
        "config": {
            **HUNYUAN, "vocab_size": 80, "hidden_size": 32, "intermediate_size": 24, "num_hidden_layers": 4,
            "num_attention_heads": 4, "num_key_value_heads": 2, "num_experts": 4, "num_shared_expert": 1,
            "rope_scaling": {"type": "dynamic", "factor": 1.0, "alpha": 1000.0}, "eos_token_id": 1},
        "train": adamw(
            expert_lr_multiplier=0.31, loss={"z": 0.0, "seq_aux": 0.0, "switch_aux": 1e-2},
            schedule={"warmup_steps": 2, "decay_start": 2, "total_steps": 8, "decay": "cosine", "final_ratio": 0.1}),
        "data": {"B": 2, "T": 40},
        "note": "hunyuan: pre-norm, GQA 4:2 with cross-layer attention (layers 1 and 3 reuse the un-normed K and the V "
                "of layers 0 and 2 and apply their own key norm), alpha-NTK RoPE (base 1e4 * 1000^(8/6)), QK-norm "
                "AFTER RoPE, softmax top-1 of 4 experts gated by the raw probability, one shared expert, no token "
                "overflow, tied embeddings. Switch auxiliary loss 1e-2, AdamW, routed experts at 0.31 x LR.",
    },
    {
        "name": "afmoe-odd", "seed": 11,
        "config": afmoe(
            vocab_size=31, hidden_size=20, intermediate_size=9, moe_intermediate_size=5, num_hidden_layers=3,
            num_dense_layers=0, num_attention_heads=3, num_key_value_heads=3, head_dim=6, sliding_window=100,
            num_experts=3, num_experts_per_tok=3, num_shared_experts=2, route_scale=1.3, layer_types=layers("LLL"),
            eos_token_id=0),
        "train": muon(
            muon=DION, grad_clip=None, router_optimizer="adamw", expert_lr_multiplier=0.5,
            balance={"rule": "sign", "gamma": 1e-2, "recentre": False},
            loss={"z": 1e-2, "seq_aux": 1e-1, "switch_aux": 0.0}, intra_document_mask=True),
        "data": {"B": 3, "T": 37, "doc_len": [3, 12], "ignore_fraction": 0.2},
        "note": "afmoe in sizes that are multiples of nothing: no dense layer, every layer local with a window longer "
                "than the text, every expert chosen (top-3 of 3), two shared ones, a fifth of the targets ignored. "
                "Muon with Nesterov, the coefficients of Dion and an epsilon that shows, the router on AdamW, routed "
                "experts at half the rate, no clipping, sign bias update WITHOUT re-centring, z-loss and "
                "sequence-wise auxiliary loss.",
    },
    {
        "name": "afmoe-dense", "seed": 11, "steps": 2,
        "config": afmoe(
            vocab_size=40, hidden_size=18, intermediate_size=25, moe_intermediate_size=6, num_hidden_layers=2,
            num_dense_layers=2, num_attention_heads=3, num_key_value_heads=1, head_dim=10, sliding_window=3,
            num_experts=4, num_experts_per_tok=2, num_shared_experts=1, route_scale=1.7, layer_types=layers("LG"),
            eos_token_id=0),
        "train": muon(balance={"rule": "sign", "gamma": 1e-2, "recentre": True}),
        "data": {"B": 2, "T": 13, "doc_len": [3, 12]},
        "note": "afmoe without a mixture layer: nothing to route, to count or to balance. Two steps.",
    },
    {
        "name": "dots-odd", "seed": 11, "steps": 1,
        "config": {
            **DOTS, "vocab_size": 33, "hidden_size": 20, "intermediate_size": 15, "moe_intermediate_size": 5,
            "num_hidden_layers": 4, "first_k_dense_replace": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
            "head_dim": 6, "n_routed_experts": 6, "num_experts_per_tok": 1, "n_shared_experts": None,
            "routed_scaling_factor": 1.5, "eos_token_id": 1, "tie_word_embeddings": True, "sliding_window": 7,
            "layer_types": layers("LGLG"), "n_group": None, "topk_group": None},
        "train": adamw(
            balance={"rule": "smebu", "lambda": 1e-2, "beta": 0.3, "kappa": 3.0},
            loss={"z": 0.0, "seq_aux": 0.0, "switch_aux": 1e-1}, intra_document_mask=True),
        "data": {"B": 3, "T": 23, "doc_len": [3, 12]},
        "note": "dots1 with local layers, grouped heads, tied embeddings, one expert a token and none shared; Switch "
                "auxiliary loss, SMEBU. One step.",
    },
    {
        "name": "hunyuan-odd", "seed": 11,
        "config": {
            **HUNYUAN, "vocab_size": 29, "hidden_size": 16, "intermediate_size": 5, "num_hidden_layers": 5,
            "num_attention_heads": 2, "num_key_value_heads": 1, "num_experts": 5, "num_shared_expert": 2,
            "cla_share_factor": 3, "moe_topk": 2, "num_experts_per_tok": 2,
            "rope_scaling": {"type": "dynamic", "factor": 1.0, "alpha": 20.0}, "eos_token_id": 1,
            "tie_word_embeddings": False},
        "train": muon(
            muon=DION, expert_lr_multiplier=0.31, loss={"z": 1e-2, "seq_aux": 1e-1, "switch_aux": 1e-1},
            adamw={"lr": 5e-3, "betas": [0.8, 0.99], "eps": 1e-3, "weight_decay": 0.5, "norm_weight_decay": 0.3},
            grad_clip=0.1, balance={"rule": "sign", "gamma": 1e-2, "recentre": True},
            schedule={"warmup_steps": 1, "decay_start": 1, "total_steps": 3, "decay": "linear", "final_ratio": 0.3}),
        "data": {"B": 2, "T": 17, "doc_len": [3, 9]},
        "note": "hunyuan with keys shared by three layers, the last group cut short, two experts a token that share "
                "their weight, two shared experts, an untied head. Muon and AdamW with other constants than elsewhere, "
                "decay of the gains, a clip that bites, a bias rule that finds no biases, a decay of the rate, routed "
                "experts at 0.31 x LR, all three auxiliary losses.",
    },
]
