// One value for every layer and head; a click chooses.
const headsCanvas = document.getElementById("heads");
function headsLayout() {
  const left = 30, width = headsCanvas.clientWidth - left, w = Math.min(44, width / data.heads.length);
  return { left, top: 16, w, h: Math.max(4, Math.min(16, 200 / data.layers.length)) };
}
function drawHeads() {
  const { left, top, w, h } = headsLayout(), ratio = window.devicePixelRatio || 1, g = headsCanvas.getContext("2d");
  const metric = data.metrics[state.metric], height = top + h * data.layers.length + 2;
  headsCanvas.style.height = `${height}px`;
  headsCanvas.width = headsCanvas.clientWidth * ratio;
  headsCanvas.height = height * ratio;
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.font = "10px system-ui, 'DejaVu Sans', sans-serif";
  const highest = Math.max(...metric.values.flat().filter((value) => value !== null), 1e-12);
  data.layers.forEach((layer, row) => data.heads.forEach((head, column) => {
    const value = metric.values[row][column];
    g.fillStyle = value === null ? themeColour("--strip") : css(ramp(value / highest));
    g.fillRect(left + column * w, top + row * h, w - 1, h - (h > 5 ? 1 : 0.5));
    if (layer !== state.layer || head !== state.head) return;
    g.strokeStyle = themeColour("--mark");
    g.lineWidth = 2;
    g.strokeRect(left + column * w, top + row * h, w - 1, h - 1);
  }));
  g.fillStyle = themeColour("--faint");
  g.textAlign = "right";
  const every = Math.ceil(12 / h);
  data.layers.forEach((layer, row) => { if (row % every === 0) g.fillText(`L${layer}`, left - 4, top + row * h + Math.min(h, 12)); });
  g.textAlign = "center";
  const across = Math.ceil(24 / w);
  data.heads.forEach((head, column) => { if (column % across === 0) g.fillText(`H${head}`, left + (column + 0.5) * w, 11); });
}
function headAt(event) {
  const { left, top, w, h } = headsLayout(), box = headsCanvas.getBoundingClientRect();
  const column = Math.floor((event.clientX - box.left - left) / w), row = Math.floor((event.clientY - box.top - top) / h);
  return data.layers[row] !== undefined && data.heads[column] !== undefined ? { row, column } : null;
}
headsCanvas.addEventListener("click", (event) => { const on = headAt(event); if (on) choose({ layer: data.layers[on.row], head: data.heads[on.column] }); });
headsCanvas.addEventListener("pointermove", (event) => {
  const on = headAt(event), value = on && data.metrics[state.metric].values[on.row][on.column];
  headsCanvas.title = on ? `layer ${data.layers[on.row]}, head ${data.heads[on.column]}: ${value === null ? "not captured" : value.toPrecision(3)}` : "";
});
