// What is chosen, and the controls that choose it. The address keeps layer, head and run: a link opens the same view.
const state = { layer: data.layers[0], head: data.heads[0], run: 0, veil: 0.7, metric: 0, step: null };
const control = (id) => document.getElementById(id);

function choose(wanted) {
  const head_changed = wanted.layer !== undefined || wanted.head !== undefined;
  Object.assign(state, wanted);
  if (head_changed || !picture) renderPicture();
  control("layer").value = state.layer;
  control("head").value = state.head;
  control("run").value = state.run;
  renderAnswers();
  markEvicted();
  if (wanted.run !== undefined) state.step = null;
  renderAnswer();
  drawHeads();
  redraw();
  try { history.replaceState(null, "", `#layer=${state.layer}&head=${state.head}&run=${encodeURIComponent(data.runs[state.run].label)}`); } catch { /* a sandboxed frame */ }
}

function fill(select, values, names) {
  values.forEach((value, i) => select.add(new Option(names ? names[i] : value, value)));
}

function startingHead() {
  const values = data.metrics[0].values;
  let best = [Math.floor(data.layers.length / 2), 0], most = -Infinity;
  if (data.metrics[0].span_begin !== null) values.forEach((row, l) => row.forEach((value, h) => { if (value !== null && value > most) { most = value; best = [l, h]; } }));
  return { layer: data.layers[best[0]], head: data.heads[best[1]] };
}

function fromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)), wanted = {};
  if (data.layers.includes(Number(given.get("layer"))) && given.has("layer")) wanted.layer = Number(given.get("layer"));
  if (data.heads.includes(Number(given.get("head"))) && given.has("head")) wanted.head = Number(given.get("head"));
  const run = data.runs.findIndex((one) => one.label === given.get("run"));
  if (run >= 0) wanted.run = run;
  return wanted;
}

function setTheme(dark) {
  document.documentElement.classList.toggle("dark", dark);
  if (picture) { drawBar(); renderAnswers(); drawHeads(); redraw(); }
}

document.title = `${data.file} — KVAtlas`;
control("title").textContent = data.file;
control("about").textContent = data.about;
control("about").title = data.about;
fill(control("layer"), data.layers);
fill(control("head"), data.heads);
fill(control("run"), data.runs.map((_, i) => i), data.runs.map((run) => run.title));
fill(control("metric"), data.metrics.map((_, i) => i), data.metrics.map((metric) => metric.name));
control("layer").addEventListener("change", (event) => choose({ layer: Number(event.target.value) }));
control("head").addEventListener("change", (event) => choose({ head: Number(event.target.value) }));
control("run").addEventListener("change", (event) => choose({ run: Number(event.target.value) }));
control("metric").addEventListener("change", (event) => { state.metric = Number(event.target.value); drawHeads(); });
control("veil").addEventListener("input", (event) => { state.veil = event.target.value / 100; redraw(); });
control("in").addEventListener("click", () => zoomAt(0.5, 0.5, 1 / 1.5));
control("out").addEventListener("click", () => zoomAt(0.5, 0.5, 1.5));
control("fit").addEventListener("click", fit);
control("theme").addEventListener("click", () => setTheme(!document.documentElement.classList.contains("dark")));
const systemDark = matchMedia("(prefers-color-scheme: dark)");
systemDark.addEventListener("change", () => setTheme(systemDark.matches));
setTheme(systemDark.matches);
Object.assign(state, startingHead(), fromAddress());
const startingToken = data.metrics[0].span_begin ?? 0;
renderText(startingToken);
choose({ layer: state.layer });
readout.textContent = data.note;
showText(startingToken);
new ResizeObserver(() => { drawHeads(); redraw(); }).observe(canvas);
