// The answer of the run in focus, token by token: what each attended to is shaded in the text.
const answerBox = document.getElementById("answer");

function shade(step) {
  textBox.querySelectorAll(".word-shaded").forEach((word) => { word.classList.remove("word-shaded"); word.style.background = ""; });
  if (step === null) return [];
  const keys = attendedOf(state.run, step, state.layer, state.head), ink = channels(themeColour("--focus"));
  for (const { position, mass } of keys) {
    const word = position < data.tokens ? wordAt(position) : null;
    if (!word) continue;
    word.classList.add("word-shaded");
    word.style.background = `rgba(${ink.join(",")},${Math.min(0.75, 0.12 + 0.75 * Math.sqrt(mass)).toFixed(3)})`;
  }
  return keys;
}

// Behind the prompt: a question that the context was compressed without, then the answer.
function answerToken(run, position) {
  if (position < data.tokens) return tokenText(position);
  return position < data.first_generated ? "question" : data.runs[run].tokens[position - data.first_generated] ?? "";
}

function describeStep(step) {
  const keys = shade(step), run = data.runs[state.run];
  const listed = keys.slice(0, 6).map(({ position, mass }) => `“${answerToken(state.run, position).trim() || "␣"}” ${position} ${shown(mass)}`);
  readout.textContent = `choosing “${run.tokens[step].trim() || "␣"}”, ${run.title}, layer ${state.layer}, head ${state.head} attends to ${listed.join(" · ") || "keys that this page does not have"}`;
}

function renderAnswer() {
  const run = data.runs[state.run], tokens = run.tokens.length ? run.tokens : [run.text], title = document.createElement("b");
  title.textContent = `${run.title}: `;
  answerBox.replaceChildren(title);
  tokens.forEach((text, step) => {
    const word = document.createElement("span");
    word.textContent = text;
    if (run.attended && run.tokens.length) word.dataset.step = step;
    word.classList.toggle("pinned", step === state.step);
    answerBox.append(word);
  });
  if (state.step !== null) describeStep(state.step); else shade(null);
}

answerBox.addEventListener("pointerover", (event) => { if (event.target.dataset.step) describeStep(Number(event.target.dataset.step)); });
answerBox.addEventListener("pointerleave", () => { if (state.step !== null) describeStep(state.step); else { shade(null); readout.textContent = data.note; } });
answerBox.addEventListener("click", (event) => {
  if (!event.target.dataset.step) return;
  const step = Number(event.target.dataset.step);
  state.step = state.step === step ? null : step;
  renderAnswer();
  if (state.step === null) return;
  const best = attendedOf(state.run, step, state.layer, state.head).find(({ position }) => position < data.tokens);
  if (best) showText(best.position);
  describeStep(step);
});
