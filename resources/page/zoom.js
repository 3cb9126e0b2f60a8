// Zoom, pan and hover of the canvas.
function clampView() {
  const least = Math.min(data.tokens, 8 * data.cell);
  for (const [a, b] of [["x0", "x1"], ["y0", "y1"]]) {
    const size = Math.min(Math.max(view[b] - view[a], least), data.tokens);
    const start = Math.min(Math.max(view[a], 0), data.tokens - size);
    view[a] = start;
    view[b] = start + size;
  }
}
function zoomAt(fx, fy, factor) {
  const size = Math.min(Math.max((view.x1 - view.x0) * factor, Math.min(data.tokens, 8 * data.cell)), data.tokens);
  const scale = size / (view.x1 - view.x0);
  for (const [a, b, f] of [["x0", "x1", fx], ["y0", "y1", fy]]) {
    const centre = view[a] + f * (view[b] - view[a]);
    [view[a], view[b]] = [centre - (centre - view[a]) * scale, centre + (view[b] - centre) * scale];
  }
  clampView();
  redraw();
}
function fit() { Object.assign(view, { x0: 0, x1: data.tokens, y0: 0, y1: data.tokens }); redraw(); }
function showTokens(query, key) {
  const half = Math.min(data.tokens, 64 * data.cell) / 2;
  Object.assign(view, { x0: key - half, x1: key + half, y0: query - half, y1: query + half });
  clampView();
  redraw();
}

// What the pointer is on: {key, query} in the map, {key, query: null, run} in a strip; null elsewhere.
function hit(event) {
  const l = layout(), box = canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
  const row = Math.floor((y - l.strips.top) / stripHeight), onStrip = y >= l.strips.top && row < l.strips.rows;
  if (onStrip && x < l.box.x) return { key: null, query: null, run: stripRuns(l)[row], l, x, y };
  if (x < l.box.x || x > l.box.x + l.box.w || y < l.top || y > l.box.y + l.box.h) return null;
  const key = Math.min(data.tokens - 1, Math.floor(view.x0 + ((x - l.box.x) / l.box.w) * (view.x1 - view.x0)));
  if (onStrip) return { key, query: null, run: stripRuns(l)[row], l, x, y };
  if (y < l.box.y) return { key, query: null, run: null, l, x, y };
  return { key, query: Math.min(data.tokens - 1, Math.floor(view.y0 + ((y - l.box.y) / l.box.h) * (view.y1 - view.y0))), run: null, l, x, y };
}

let drag = null;
canvas.addEventListener("pointerdown", (event) => {
  const on = hit(event);
  if (!on) return;
  canvas.focus({ preventScroll: true });
  canvas.setPointerCapture(event.pointerId);
  drag = { x: event.clientX, y: event.clientY, view: { ...view }, on, moved: false };
});
canvas.addEventListener("pointermove", (event) => {
  if (!drag) return hover(hit(event));
  const b = drag.on.l.box, dx = event.clientX - drag.x, dy = event.clientY - drag.y;
  drag.moved ||= Math.hypot(dx, dy) > 3;
  if (!drag.moved) return;
  const kx = ((drag.view.x1 - drag.view.x0) / b.w) * dx, ky = ((drag.view.y1 - drag.view.y0) / b.h) * dy;
  Object.assign(view, { x0: drag.view.x0 - kx, x1: drag.view.x1 - kx });
  if (drag.on.query !== null) Object.assign(view, { y0: drag.view.y0 - ky, y1: drag.view.y1 - ky });
  clampView();
  redraw();
});
canvas.addEventListener("pointerup", () => {
  if (drag && !drag.moved) {
    if (drag.on.run) choose({ run: drag.on.run });
    else if (drag.on.key !== null) showText(drag.on.key);
  }
  drag = null;
});
canvas.addEventListener("pointercancel", () => { drag = null; });
canvas.addEventListener("pointerleave", () => { if (!drag) hover(null); });
canvas.addEventListener("dblclick", fit);
canvas.addEventListener("wheel", (event) => {
  const on = hit(event);
  if (!on) return;
  event.preventDefault();
  if (on.key === null) {
    view.scroll = Math.min(Math.max(view.scroll + Math.sign(event.deltaY), 0), Math.max(0, data.runs.length - 1 - on.l.strips.rows));
    return redraw();
  }
  const b = on.l.box;
  zoomAt((on.x - b.x) / b.w, on.query === null ? 0.5 : (on.y - b.y) / b.h, 1.2 ** (Math.sign(event.deltaY) * Math.min(3, Math.abs(event.deltaY) / 60 + 0.5)));
}, { passive: false });
canvas.addEventListener("keydown", (event) => {
  const step = (list, now, by) => list[Math.min(Math.max(list.indexOf(now) + by, 0), list.length - 1)];
  const actions = {
    ArrowUp: () => choose({ layer: step(data.layers, state.layer, -1) }), ArrowDown: () => choose({ layer: step(data.layers, state.layer, 1) }),
    ArrowLeft: () => choose({ head: step(data.heads, state.head, -1) }), ArrowRight: () => choose({ head: step(data.heads, state.head, 1) }),
    "+": () => zoomAt(0.5, 0.5, 1 / 1.5), "=": () => zoomAt(0.5, 0.5, 1 / 1.5), "-": () => zoomAt(0.5, 0.5, 1.5), 0: fit,
  };
  if (!actions[event.key] || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  actions[event.key]();
});
