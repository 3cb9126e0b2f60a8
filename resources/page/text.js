// The prompt's text with what the run has evicted, and the answers. Long prompts show a part around the last position.
const textBox = document.getElementById("text"), mostTokens = 6000;
let part = { begin: 0, end: 0 };

function renderText(around) {
  const begin = data.tokens <= mostTokens ? 0 : Math.min(Math.max(0, around - mostTokens / 2), data.tokens - mostTokens);
  part = { begin, end: Math.min(data.tokens, begin + mostTokens) };
  document.getElementById("text-range").textContent = data.tokens > mostTokens ? `tokens ${part.begin} to ${part.end - 1} of ${data.tokens}` : "";
  textBox.replaceChildren();
  for (let i = part.begin; i < part.end; ++i) {
    const word = document.createElement("span");
    word.textContent = data.texts.length ? data.texts[i] : `${data.ids[i]} `;
    word.dataset.i = i;
    if (data.spans.some((span) => i >= span.begin && i < span.end)) word.classList.add("span");
    textBox.append(word);
  }
  markEvicted();
}
const wordAt = (position) => (position >= part.begin && position < part.end ? textBox.children[position - part.begin] : null);

function markEvicted() {
  let before = part.begin;
  const mark = (from, to, gone) => { for (let i = Math.max(from, part.begin); i < Math.min(to, part.end); ++i) wordAt(i).classList.toggle("gone", gone); };
  for (const [begin, end] of keptRanges(state.run, state.layer, state.head)) { mark(before, begin, true); mark(begin, end, false); before = end; }
  mark(before, part.end, true);
}

function showText(position) {
  if (!wordAt(position)) renderText(position);
  textBox.scrollTop = wordAt(position).offsetTop - textBox.clientHeight / 2;
}

const readout = document.getElementById("readout");
const shown = (p) => (p === 0 ? "0" : p >= 1e-3 ? p.toPrecision(2) : p.toExponential(1).replace("-", "−"));
function readoutOf(on) {
  const { key, query } = on, parts = [];
  if (query !== null) {
    parts.push(`query ${query} “${tokenText(query).trim() || "␣"}”`);
    parts.push(`key ${key} “${tokenText(key).trim() || "␣"}”`);
    const code = cellAt(picture.map, Math.floor(query / data.cell), Math.floor(key / data.cell));
    const what = data.cell === 1 ? "attention" : `${data.reduction} attention of ${data.cell} × ${data.cell} pairs`;
    parts.push(code === null || key > query ? "above the diagonal: not visible" : code === 1 ? `${what} ≤ ${shown(probability[1])}` : `${what} ${shown(probability[code])}`);
  } else {
    parts.push(`token ${key} “${tokenText(key).trim() || "␣"}”`);
  }
  const keepers = data.runs.map((_, i) => i).slice(1).filter((run) => keeps(run, state.layer, state.head, key)).map((run) => data.runs[run].title);
  if (data.runs.length > 1) parts.push(`kept by ${keepers.length === data.runs.length - 1 ? "every run" : keepers.join(", ") || "none"}`);
  const spans = data.spans.filter((span) => key >= span.begin && key < span.end).map((span) => span.name);
  return parts.join(" · ") + (spans.length ? ` · in ${spans.join(", ")}` : "");
}

function hover(on) {
  for (const name of ["here", "asks"]) textBox.querySelectorAll(`.${name}`).forEach((word) => word.classList.remove(name));
  view.hover = on && on.key !== null ? on : null;
  if (view.hover) {
    wordAt(on.key)?.classList.add("here");
    if (on.query !== null) wordAt(on.query)?.classList.add("asks");
  }
  readout.textContent = view.hover ? readoutOf(on) : data.note;
  redraw();
}
textBox.addEventListener("pointerover", (event) => { if (event.target.dataset.i) hover({ key: Number(event.target.dataset.i), query: null, run: null }); });
textBox.addEventListener("pointerleave", () => hover(null));
textBox.addEventListener("click", (event) => { if (event.target.dataset.i) showTokens(data.tokens - 1, Number(event.target.dataset.i)); });

const number = (value, digits) => (value === null ? "–" : value.toFixed(digits));
function renderAnswers() {
  const body = document.querySelector("#answers tbody");
  body.replaceChildren();
  data.runs.forEach((run, index) => {
    const row = body.insertRow(), name = row.insertCell();
    name.className = "name";
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    swatch.style.background = css(runColour(index));
    name.append(swatch, run.title);
    for (const text of [number(run.kept_tokens, 0), number(run.retained, 3), number(run.kl, 3)]) { const cell = row.insertCell(); cell.className = "number"; cell.textContent = text; }
    const answer = row.insertCell();
    answer.className = "answer";
    answer.textContent = answer.title = run.text.trim() || "–";
    row.classList.toggle("chosen", index === state.run);
    row.tabIndex = 0;
    const pick = () => choose({ run: index });
    row.addEventListener("click", pick);
    row.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); pick(); document.querySelectorAll("#answers tbody tr")[index].focus(); } });
  });
}
