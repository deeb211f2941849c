/** @file The problem in TensorFlow.js with its WebGPU backend. */

import { createRequire } from 'node:module';
import { constants, parameterShapes, problem, productInputs } from './problem.mjs';
import { serve } from './serve.mjs';
import { gpu } from './webgpu.mjs';

// Its packages for Node are CommonJS; both must be the same instance.
const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs');
require('@tensorflow/tfjs-backend-webgpu');
await tf.setBackend('webgpu');
await tf.ready();
if (!gpu || tf.getBackend() !== 'webgpu') throw new Error('TensorFlow.js has no WebGPU here');
const { rate, beta1, beta2, adamEps, normEps } = constants;
/** Added to the scores of keys that a query must not see. */
const HIDDEN = -1e9;

const norm = (x, gain) =>
  tf.mul(tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), normEps))), gain);

function lossOf({ V, D, L, H, S, B }, weights, mask, inputs, targets) {
  const C = D / H;
  const split = (x) =>
    tf.reshape(tf.transpose(tf.reshape(x, [B, S, H, C]), [0, 2, 1, 3]), [B * H, S, C]);
  const joined = (x) =>
    tf.reshape(tf.transpose(tf.reshape(x, [B, H, S, C]), [0, 2, 1, 3]), [B * S, D]);
  let h = tf.gather(weights.embed, inputs);
  for (let l = 0; l < L; l++) {
    const x = norm(h, weights[`attentionNorm${l}`]);
    const [q, k, v] = ['q', 'k', 'v'].map((name) => split(tf.matMul(x, weights[`${name}${l}`])));
    const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(C)), mask);
    const mixed = joined(tf.matMul(tf.softmax(scores), v));
    h = tf.add(h, tf.matMul(mixed, weights[`o${l}`]));
    const u = norm(h, weights[`feedForwardNorm${l}`]);
    const gate = tf.matMul(u, weights[`gate${l}`]);
    const hidden = tf.mul(tf.mul(gate, tf.sigmoid(gate)), tf.matMul(u, weights[`up${l}`]));
    h = tf.add(h, tf.matMul(hidden, weights[`down${l}`]));
  }
  const logits = tf.matMul(norm(h, weights.norm), weights.head);
  return tf.mean(tf.neg(tf.sum(tf.mul(tf.oneHot(targets, V), tf.logSoftmax(logits)), -1)));
}

let state;

serve({
  prepare(shape) {
    tf.disposeVariables();
    const { S, V } = shape;
    const { weights, inputs, targets } = problem(shape);
    const variables = Object.fromEntries(
      Object.entries(parameterShapes(shape)).map(([name, dims]) => [
        name,
        tf.variable(tf.tensor(weights[name], dims), true),
      ]),
    );
    const hidden = Float32Array.from({ length: S * S }, (_, i) =>
      i % S > Math.floor(i / S) ? HIDDEN : 0,
    );
    const mask = tf.tensor(hidden, [1, S, S]);
    const x = tf.tensor1d(inputs, 'int32');
    const y = tf.tensor1d(targets, 'int32');
    state = {
      optimizer: tf.train.adam(rate, beta1, beta2, adamEps),
      loss: () => lossOf({ ...shape, V }, variables, mask, x, y),
    };
  },
  async step() {
    const loss = state.optimizer.minimize(state.loss, true);
    const value = (await loss.data())[0];
    loss.dispose();
    return value;
  },
  async product(product) {
    const { a, aSides, b, bSides } = productInputs(product);
    const left = tf.tensor2d(a, aSides);
    const right = tf.tensor2d(b, bSides);
    let result;
    return {
      async run(repeats) {
        for (let i = 0; i < repeats; i++) {
          result?.dispose();
          result = tf.matMul(left, right, product.form === 'tn', product.form === 'nt');
        }
        // One element back: its arrival is the only public word that all of it is done.
        const corner = tf.slice(result, [0, 0], [1, 1]);
        await corner.data();
        corner.dispose();
      },
      sample: async () => (await result.data()).slice(0, product.N),
      free() {
        for (const tensor of [left, right, result]) tensor.dispose();
      },
    };
  },
});
