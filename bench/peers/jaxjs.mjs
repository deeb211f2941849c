/** @file The problem in jax-js: one jitted function is the whole step, gradients and optimizer included. */
import './webgpu.mjs';
import { constants, parameterShapes, problem, productInputs } from './problem.mjs';
import { serve } from './serve.mjs';

const {
  numpy: np,
  nn,
  init,
  defaultDevice,
  jit,
  valueAndGrad,
  tree,
  blockUntilReady,
} = await import('@jax-js/jax');
await init('webgpu');
defaultDevice('webgpu');
const { rate, beta1, beta2, adamEps, normEps } = constants;

/** Arrays are freed by their first use; `ref` is one more use. */
const referenced = (names, weights) => Object.fromEntries(names.map((n) => [n, weights[n].ref]));

const norm = (x, gain) =>
  x.div(np.sqrt(np.mean(np.square(x.ref), -1, { keepdims: true }).add(normEps))).mul(gain);

function lossOf({ V, D, L, H, S, B }, weights, inputs, targets) {
  const at = (name) => weights[name].ref;
  const heads = (x) => x.reshape([B, S, H, D / H]);
  let h = np.matmul(nn.oneHot(inputs, V), at('embed'));
  for (let l = 0; l < L; l++) {
    const x = norm(h.ref, at(`attentionNorm${l}`));
    const q = heads(np.matmul(x.ref, at(`q${l}`)));
    const k = heads(np.matmul(x.ref, at(`k${l}`)));
    const v = heads(np.matmul(x, at(`v${l}`)));
    const mixed = nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([B * S, D]);
    h = h.add(np.matmul(mixed, at(`o${l}`)));
    const u = norm(h.ref, at(`feedForwardNorm${l}`));
    const gate = nn.silu(np.matmul(u.ref, at(`gate${l}`)));
    h = h.add(np.matmul(gate.mul(np.matmul(u, at(`up${l}`))), at(`down${l}`)));
  }
  const logits = np.matmul(norm(h, at('norm')), at('head'));
  const loss = np.mean(np.sum(nn.logSoftmax(logits).mul(nn.oneHot(targets, V)), -1)).mul(-1);
  tree.dispose?.(weights);
  return loss;
}

/** The step; corrections are arrays of one element, so that one compilation serves all steps. */
function stepOf(shape, names) {
  return jit((weights, moments1, moments2, inputs, targets, correction1, correction2) => {
    const [loss, gradients] = valueAndGrad((p) => lossOf(shape, p, inputs, targets))(
      referenced(names, weights),
    );
    const next = { weights: {}, moments1: {}, moments2: {} };
    for (const name of names) {
      const g = gradients[name];
      const m = moments1[name].mul(beta1).add(g.ref.mul(1 - beta1));
      const v = moments2[name].mul(beta2).add(np.square(g).mul(1 - beta2));
      const root = np.sqrt(v.ref.div(correction2.ref)).add(adamEps);
      const move = m.ref.div(correction1.ref).div(root).mul(rate);
      next.weights[name] = weights[name].sub(move);
      next.moments1[name] = m;
      next.moments2[name] = v;
    }
    return [loss, next.weights, next.moments1, next.moments2];
  });
}

let state;

serve({
  prepare(shape) {
    const { weights, inputs, targets } = problem(shape);
    const shapes = parameterShapes(shape);
    const names = Object.keys(shapes);
    const filled = (make) => Object.fromEntries(names.map((name) => [name, make(name)]));
    state = {
      names,
      inputs,
      targets,
      step: stepOf(shape, names),
      weights: filled((name) => np.array(weights[name]).reshape(shapes[name])),
      moments1: filled((name) => np.zeros(shapes[name])),
      moments2: filled((name) => np.zeros(shapes[name])),
      count: 0,
    };
  },
  async step() {
    const { weights, moments1, moments2, inputs, targets } = state;
    state.count++;
    const [loss, ...next] = state.step(
      weights,
      moments1,
      moments2,
      np.array(inputs),
      np.array(targets),
      np.array(new Float32Array([1 - beta1 ** state.count])),
      np.array(new Float32Array([1 - beta2 ** state.count])),
    );
    [state.weights, state.moments1, state.moments2] = next;
    const value = (await loss.data())[0];
    await blockUntilReady(state.weights);
    return value;
  },
  async product(product) {
    const { a, aSides, b, bSides } = productInputs(product);
    const left = np.array(a).reshape(aSides);
    const right = np.array(b).reshape(bSides);
    let result;
    return {
      async run(repeats) {
        const results = Array.from({ length: repeats }, () => {
          const x = product.form === 'tn' ? np.transpose(left.ref) : left.ref;
          const y = product.form === 'nt' ? np.transpose(right.ref) : right.ref;
          return np.matmul(x, y);
        });
        // Nothing runs before somebody wants it; wanted together, they are not waited for one by one.
        await blockUntilReady(results);
        result?.dispose();
        result = results.pop();
        for (const other of results) other.dispose();
      },
      sample: async () => (await result.data()).slice(0, product.N),
      free() {
        left.dispose();
        right.dispose();
      },
    };
  },
});
