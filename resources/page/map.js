// The canvas: strips of the runs above, the map below, one x axis for both.
const canvas = document.getElementById("map"), barCanvas = document.getElementById("bar");
const view = { x0: 0, x1: data.tokens, y0: 0, y1: data.tokens, hover: null, scroll: 0 };
let picture = null;  // the current head's map, one pixel per cell
let frame = 0;

const stripHeight = data.runs.length > 9 ? 13 : 16, receivedHeight = 24;
function layout() {
  const width = canvas.clientWidth, height = canvas.clientHeight, left = Math.min(132, width * 0.26), top = 20;
  const fits = Math.max(1, Math.min(data.runs.length - 1 || 1, Math.floor((height * 0.3 - receivedHeight) / stripHeight)));
  const strips = { top: top + receivedHeight + 4, rows: data.runs.length > 1 ? fits : 0 };
  const mapTop = strips.top + strips.rows * stripHeight + 6;
  return { width, height, left, top, strips, box: { x: left, y: mapTop, w: width - left - 8, h: height - mapTop - 34 } };
}
const toX = (l, token) => l.box.x + ((token - view.x0) / (view.x1 - view.x0)) * l.box.w;
const toY = (l, token) => l.box.y + ((token - view.y0) / (view.y1 - view.y0)) * l.box.h;
const stripRuns = (l) => data.runs.map((_, i) => i).slice(1).slice(view.scroll, view.scroll + l.strips.rows);

function renderPicture() {
  const map = mapOf(state.layer, state.head);
  const off = new OffscreenCanvas(data.side, data.side), context = off.getContext("2d");
  const image = context.createImageData(data.side, data.side), [low, high] = limitsOf(map);
  const colours = Array.from({ length: 256 }, (_, code) => (code ? ramp((code - low) / (high - low)) : [0, 0, 0]));
  for (let row = 0, at = 0; row < data.side; ++row)
    for (let column = 0; column <= row; ++column) image.data.set([...colours[map.cells[at++]], 255], 4 * (row * data.side + column));
  context.putImageData(image, 0, 0);
  picture = { off, low, high, map };
  drawBar();
}

function draw() {
  frame = 0;
  const l = layout(), ratio = window.devicePixelRatio || 1, g = canvas.getContext("2d");
  canvas.width = Math.round(l.width * ratio);
  canvas.height = Math.round(l.height * ratio);
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, l.width, l.height);
  g.font = "12px system-ui, 'DejaVu Sans', sans-serif";
  g.textBaseline = "middle";
  drawMap(g, l);
  drawReceived(g, l);
  stripRuns(l).forEach((run, row) => drawStrip(g, l, run, row));
  drawSpans(g, l);
  drawAxes(g, l);
  if (view.hover) drawCrosshair(g, l);
}
function redraw() { if (!frame) frame = requestAnimationFrame(draw); }

function inBox(g, box, body) {
  g.save();
  g.beginPath();
  g.rect(box.x, box.y, box.w, box.h);
  g.clip();
  body();
  g.restore();
}

function drawMap(g, l) {
  const b = l.box, cell = data.cell;
  inBox(g, b, () => {
    g.imageSmoothingEnabled = false;
    g.drawImage(picture.off, toX(l, 0), toY(l, 0), toX(l, data.side * cell) - toX(l, 0), toY(l, data.side * cell) - toY(l, 0));
    g.fillStyle = themeColour("--back");
    g.globalAlpha = state.veil;
    let before = 0;
    for (const [begin, end] of [...keptRanges(state.run, state.layer, state.head), [data.tokens, data.tokens]]) {
      if (begin > before && before < view.x1 && begin > view.x0)
        g.fillRect(toX(l, before), toY(l, Math.floor(before / cell) * cell), toX(l, begin) - toX(l, before), b.h * (data.tokens / (view.y1 - view.y0)));
      before = end;
    }
  });
  g.strokeStyle = themeColour("--line");
  g.strokeRect(b.x, b.y, b.w, b.h);
}

function label(g, text, right, y, width, bold) {
  g.textAlign = "right";
  g.fillStyle = themeColour("--ink");
  g.font = `${bold ? "bold " : ""}${Math.min(12, stripHeight - 1)}px system-ui, 'DejaVu Sans', sans-serif`;
  g.fillText(text, right, y, width);
}

function drawReceived(g, l) {
  const values = picture.map.received, top = l.top, per = data.tokens / values.length;
  label(g, "received, log", l.left - 6, top + receivedHeight / 2, l.left - 8, false);
  inBox(g, { x: l.box.x, y: top, w: l.box.w, h: receivedHeight }, () => {
    g.fillStyle = themeColour("--faint");
    for (let i = 0; i < values.length; ++i) {
      const x = toX(l, i * per), height = (values[i] / 255) * receivedHeight;
      g.fillRect(x, top + receivedHeight - height, Math.max(1, toX(l, (i + 1) * per) - x), height);
    }
  });
}

function drawStrip(g, l, run, row) {
  const y = l.strips.top + row * stripHeight, height = stripHeight - 2;
  label(g, data.runs[run].title, l.left - 6, y + height / 2, l.left - 8, run === state.run);
  inBox(g, { x: l.box.x, y, w: l.box.w, h: height }, () => {
    g.fillStyle = themeColour("--strip");
    g.fillRect(l.box.x, y, l.box.w, height);
    g.fillStyle = css(runColour(run));
    for (const [begin, end] of keptRanges(run, state.layer, state.head)) {
      if (end <= view.x0 || begin >= view.x1) continue;
      g.fillRect(toX(l, begin), y, Math.max(1, toX(l, end) - toX(l, begin)), height);
    }
  });
  if (run === state.run) { g.strokeStyle = themeColour("--focus"); g.strokeRect(l.box.x, y, l.box.w, height); }
}

function drawSpans(g, l) {
  g.textAlign = "center";
  g.font = "12px system-ui, 'DejaVu Sans', sans-serif";
  let last = -Infinity;
  for (const span of data.spans) {
    const a = toX(l, span.begin), b = toX(l, span.end);
    if (b < l.box.x || a > l.box.x + l.box.w) continue;
    g.fillStyle = themeColour("--mark");
    g.fillRect(Math.max(a, l.box.x), l.top - 3, Math.max(2, Math.min(b, l.box.x + l.box.w) - Math.max(a, l.box.x)), 2);
    const half = g.measureText(span.name).width / 2, x = Math.min(Math.max((a + b) / 2, l.box.x + half), l.width - half);
    if (x - half > last + 6) { g.fillText(span.name, x, 9); last = x + half; }
    inBox(g, l.box, () => {
      for (const [colour, width] of [["--back", 3], ["--mark", 1.2]]) {
        g.strokeStyle = themeColour(colour);
        g.lineWidth = width;
        g.strokeRect(a, toY(l, span.begin), b - a, toY(l, data.tokens) - toY(l, span.begin) + 4);
      }
    });
    g.lineWidth = 1;
  }
}

function ticks(from, to, pixels) {
  const step = [1, 2, 5, 10].map((f) => f * 10 ** Math.floor(Math.log10(Math.max(((to - from) / pixels) * 70, 1)))).find((s) => (s / (to - from)) * pixels >= 60) || to - from;
  const list = [];
  for (let t = Math.ceil(from / step) * step; t < to; t += Math.max(1, Math.round(step))) list.push(t);
  return list;
}

function drawAxes(g, l) {
  const b = l.box;
  g.fillStyle = g.strokeStyle = themeColour("--faint");
  g.font = "11px system-ui, 'DejaVu Sans', sans-serif";
  g.textAlign = "center";
  for (const t of ticks(view.x0, view.x1, b.w)) { const x = toX(l, t + 0.5); g.fillRect(x, b.y + b.h, 1, 4); g.fillText(t, x, b.y + b.h + 11); }
  g.fillText("key →", b.x + b.w / 2, b.y + b.h + 25);
  g.textAlign = "right";
  for (const t of ticks(view.y0, view.y1, b.h)) { const y = toY(l, t + 0.5); g.fillRect(b.x - 4, y, 4, 1); g.fillText(t, b.x - 7, y); }
  g.save();
  g.translate(Math.max(12, b.x - 58), b.y + b.h / 2);
  g.rotate(-Math.PI / 2);
  g.textAlign = "center";
  g.fillText("← query", 0, 0);
  g.restore();
}

function drawCrosshair(g, l) {
  g.strokeStyle = themeColour("--focus");
  const x = toX(l, view.hover.key + 0.5), y = view.hover.query === null ? null : toY(l, view.hover.query + 0.5);
  g.beginPath();
  if (x >= l.box.x && x <= l.box.x + l.box.w) { g.moveTo(x, l.top); g.lineTo(x, l.box.y + l.box.h); }
  if (y !== null && y >= l.box.y && y <= l.box.y + l.box.h) { g.moveTo(l.box.x, y); g.lineTo(l.box.x + l.box.w, y); }
  g.stroke();
}

function drawBar() {
  const ratio = window.devicePixelRatio || 1, g = barCanvas.getContext("2d"), width = 190;
  barCanvas.width = width * ratio;
  barCanvas.height = 30 * ratio;
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  for (let x = 0; x < width - 20; ++x) { g.fillStyle = css(ramp(x / (width - 21))); g.fillRect(10 + x, 2, 1, 10); }
  g.fillStyle = themeColour("--ink");
  g.font = "11px system-ui, 'DejaVu Sans', sans-serif";
  g.textAlign = "left";
  g.fillText(`≤ ${shown(probability[picture.low])}`, 4, 25);
  g.textAlign = "right";
  g.fillText(`≥ ${shown(probability[picture.high])}`, width - 4, 25);
  g.textAlign = "center";
  g.fillText("log", width / 2, 25);
}
