// Draws the next token of a text from one row of logits, by inversion: the first token at which the cumulative
// softmax of logits / temperature passes live.random. Inside the prompt nothing is drawn.
//
//   logits_V    [V]  in
//   text        [P]  in/out  tokens so far; place live.position + 1 is written unless the prompt holds it
//   token       [1]  out     the token at live.position + 1: input of the next step
//
// live.inverseTemperature 0 takes the likeliest token, the lowest id among equals.
// One workgroup; each thread takes a block of neighbours. Dispatch: 1 workgroup.

struct Params {
  V: u32,
  P: u32,
}

struct Live {
  position: u32,
  promptLength: u32,
  random: f32,
  inverseTemperature: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> live: Live;
@group(0) @binding(2) var<storage, read> logits_V: array<f32>;
@group(0) @binding(3) var<storage, read_write> text: array<u32>;
@group(0) @binding(4) var<storage, read_write> token: array<u32>;

const THREADS = 64u;
const LOWEST = -3.0e38;
var<workgroup> highest: array<f32, THREADS>;
var<workgroup> best: array<u32, THREADS>;
var<workgroup> mass: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) lane: u32) {
  let size = (params.V + THREADS - 1u) / THREADS;
  let start = min(params.V, lane * size);
  let end = min(params.V, start + size);
  var top = LOWEST;
  var at = 0u;
  for (var v = start; v < end; v++) {
    if (logits_V[v] > top) {
      top = logits_V[v];
      at = v;
    }
  }
  highest[lane] = top;
  best[lane] = at;
  workgroupBarrier();
  // Every thread finds the same maximum, in lane order, so ties go to the lowest id.
  var likeliest = 0u;
  top = LOWEST;
  for (var i = 0u; i < THREADS; i++) {
    if (highest[i] > top) {
      top = highest[i];
      likeliest = best[i];
    }
  }
  var sum = 0.0;
  for (var v = start; v < end; v++) { sum += exp((logits_V[v] - top) * live.inverseTemperature); }
  mass[lane] = sum;
  workgroupBarrier();
  if (lane > 0u) { return; }

  let next = live.position + 1u;
  if (next >= params.P) { return; }
  if (next >= live.promptLength) {
    var chosen = likeliest;
    if (live.inverseTemperature > 0.0) {
      var total = 0.0;
      for (var i = 0u; i < THREADS; i++) { total += mass[i]; }
      var left = live.random * total;
      var block = 0u;
      while (block < THREADS - 1u && left >= mass[block]) {
        left -= mass[block];
        block++;
      }
      for (var v = min(params.V - 1u, block * size); v < min(params.V, (block + 1u) * size); v++) {
        let share = exp((logits_V[v] - top) * live.inverseTemperature);
        if (share > 0.0) { chosen = v; } // rounding may leave a rest after the last one: it takes it
        if (left < share) { break; }
        left -= share;
      }
    }
    text[next] = chosen;
  }
  token[0] = text[next];
}
