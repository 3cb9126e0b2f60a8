// Colours of methods and maps: those of the Explorer.
const methodColours = { pyramidkv: "#D55E00", snapkv: "#0072B2", h2o: "#009E73", streamingllm: "#CC79A7", headkv: "#E69F00", adakv: "#56B4E9",
  l2norm: "#882255", tova: "#999933", cam: "#332288", think: "#117733", random: "#888888" };
const furtherColours = ["#44AA99", "#AA4499", "#661100", "#6699CC", "#DDCC77", "#CC6677"];
const viridis = ["#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"];

const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
const mixed = (a, b, t) => a.map((value, i) => Math.round(value + (b[i] - value) * t));
const css = (rgb) => `rgb(${rgb.join(",")})`;
const themeColour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function ramp(t) {
  const x = Math.min(Math.max(t, 0), 1) * (viridis.length - 1), i = Math.min(Math.floor(x), viridis.length - 2);
  return mixed(channels(viridis[i]), channels(viridis[i + 1]), x - i);
}

// The run's method colour; smaller budgets of a method are paler.
function runColour(index) {
  const run = data.runs[index];
  if (index === 0) return channels(themeColour("--ink"));
  const others = [...new Set(data.runs.slice(1).map((one) => one.method))].filter((method) => !methodColours[method]);
  const base = channels(methodColours[run.method] || furtherColours[others.indexOf(run.method) % furtherColours.length]);
  const budgets = data.runs.filter((one) => one.method === run.method).map((one) => one.budget_nominal).sort((a, b) => a - b);
  const rank = budgets.indexOf(run.budget_nominal), steps = Math.max(budgets.length - 1, 1);
  return mixed(base, channels(themeColour("--back")), budgets.length > 1 ? 0.4 * (1 - rank / steps) : 0);
}

// Limits of the colours, as byte codes: what is visible away from the first keys and the diagonal, without its tails.
function limitsOf(map) {
  const counts = new Uint32Array(256), sinks = Math.max(1, Math.ceil(4 / data.cell));
  let total = 0;
  for (let row = 0, at = 0; row < data.side; at += ++row)
    for (let column = sinks; column < row; ++column) { counts[map.cells[at + column]]++; total++; }
  const quantile = (share) => {
    let sum = 0;
    for (let code = 1; code < 256; ++code) if ((sum += counts[code]) >= share * (total - counts[0])) return code;
    return 255;
  };
  const low = total > counts[0] ? quantile(0.1) : 1, high = total > counts[0] ? quantile(0.999) : 255;
  return high - low < 12 ? [Math.max(1, high - 60), Math.max(high, 61)] : [low, high];
}
