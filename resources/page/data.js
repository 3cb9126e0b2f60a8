// The data of the page: JSON, and one script element per map with base64 bytes.
const data = JSON.parse(document.getElementById("data").textContent);

function bytesOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; ++i) bytes[i] = text.charCodeAt(i);
  return bytes;
}

// A byte is 0 for zero, else 1 + 254 · (log2 p + 28) / 28, rounded; 1 also stands for anything smaller.
const probability = Float64Array.from({ length: 256 }, (_, code) => (code ? 2 ** (((code - 1) / 254) * 28 - 28) : 0));

// One head: the cells on and below the diagonal, row by row, and the attention each bin of tokens receives.
const maps = new Map();
function mapOf(layer, head) {
  const name = `map-${layer}-${head}`;
  if (!maps.has(name)) {
    const element = document.getElementById(name);
    if (!element) return null;
    const bytes = bytesOf(element.textContent), cells = (data.side * (data.side + 1)) / 2;
    maps.set(name, { cells: bytes.subarray(0, cells), received: bytes.subarray(cells) });
    if (maps.size > 64) maps.delete(maps.keys().next().value);
  }
  return maps.get(name);
}
const cellAt = (map, row, column) => (column > row ? null : map.cells[(row * (row + 1)) / 2 + column]);

// Ranges [begin, end) of the prompt that a run keeps for a query head at the end of the prompt.
const keptCache = new Map();
function keptRanges(run, layer, head) {
  const list = Math.floor(head / (data.model.query_heads / data.runs[run].heads));
  const name = `${run} ${layer} ${list}`;
  if (!keptCache.has(name)) {
    const packed = data.runs[run].kept ? data.runs[run].kept[data.layers.indexOf(layer)][list] : null;
    keptCache.set(name, packed === null ? [[0, data.tokens]] : unpackRanges(bytesOf(packed)));
  }
  return keptCache.get(name);
}

// Pairs of variable-length numbers: the gap before a range, its length.
function unpackRanges(bytes) {
  const ranges = [];
  let at = 0, position = 0;
  const next = () => {
    let value = 0, scale = 1, byte;
    do { byte = bytes[at++]; value += (byte & 127) * scale; scale *= 128; } while (byte & 128);
    return value;
  };
  while (at < bytes.length) {
    position += next();
    const length = next();
    ranges.push([position, position + length]);
    position += length;
  }
  return ranges;
}

function keeps(run, layer, head, position) {
  const ranges = keptRanges(run, layer, head);
  let low = 0, high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle][1] <= position) low = middle + 1; else high = middle;
  }
  return low < ranges.length && ranges[low][0] <= position;
}

// The keys that a generated token attends to in a run, layer and head: [{position, mass}], the largest first.
const attendedBytes = new Map();
function attendedOf(run, step, layer, head) {
  const { attended, per_head } = data.runs[run];
  if (!attended) return [];
  if (!attendedBytes.has(run)) attendedBytes.set(run, new DataView(bytesOf(attended).buffer));
  const bytes = attendedBytes.get(run), keys = [];
  const first = ((step * data.layers.length + data.layers.indexOf(layer)) * data.heads.length + data.heads.indexOf(head)) * per_head;
  for (let at = first * 5; at < (first + per_head) * 5; at += 5) {
    const position = bytes.getUint32(at, true);
    if (position !== 0xffffffff) keys.push({ position, mass: probability[bytes.getUint8(at + 4)] });
  }
  return keys;
}

const tokenText = (position) => (data.texts.length ? data.texts[position] : `#${data.ids[position]}`);
