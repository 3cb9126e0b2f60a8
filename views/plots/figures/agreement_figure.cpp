#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/analysis/agreement.h"
#include "core/base/error.h"
#include "core/base/mean.h"
#include "views/models/contrast.h"
#include "views/models/figures/figure_sidecar.h"
#include "views/plots/chrome.h"
#include "views/plots/figures/colour_bar.h"
#include "views/plots/figures/figure_builder.h"
#include "views/plots/figures/panel_grid.h"
#include "views/plots/offscreen.h"

namespace kvatlas::views {
namespace {

struct Matrix {
  std::optional<std::uint32_t> layer;       // empty: mean over all
  std::vector<std::vector<double>> values;  // [runs, runs], symmetric
};

struct Values {
  FigureHead head;
  TraceFacts facts;
  std::vector<std::string> budgets;
  std::vector<ChosenRun> runs;
  std::vector<std::string> labels;  // of the runs
  std::vector<Matrix> panels;
};

// All numbers of a matrix have the same format.
struct NumberLook {
  double size = kLabelPoints;
  bool leading_zero = true;
};

struct Layout {
  PanelGrid grid;
  Chrome chrome;
  NumberLook numbers;
  int cells = 0;                        // cells per side, without the diagonal (always 1)
  int cell_width = 0, cell_height = 0;  // units
  int names_height = 0, beyond = 0;     // above the cells; of the last names, right of them
  int bar_left = 0, bar_height = 0, height = 0;
};

// layers[run, run, layer]
using LayerAgreement = std::vector<std::vector<std::vector<double>>>;

LayerAgreement compare(const std::vector<ChosenRun>& runs, const trace::ModelInfo& model, std::uint64_t tokens) {
  const auto dataOf = [&](const ChosenRun& run) { return analysis::RunData{run.header, run.record, model, tokens}; };
  LayerAgreement layers(runs.size(), std::vector<std::vector<double>>(runs.size()));
  for (std::size_t a = 0; a < runs.size(); ++a)
    for (std::size_t b = a; b < runs.size(); ++b)
      layers[a][b] = layers[b][a] = analysis::agreementPerLayer(dataOf(runs[a]), dataOf(runs[b]));
  return layers;
}

Matrix matrixOf(const LayerAgreement& layers, std::optional<std::uint32_t> layer) {
  Matrix matrix{layer, {}};
  for (const auto& row : layers) {
    std::vector<double>& values = matrix.values.emplace_back();
    for (const std::vector<double>& pair : row) values.push_back(layer ? pair.at(*layer) : meanOfMeasured(pair));
  }
  return matrix;
}

nlohmann::json describe(const Values& values) {
  nlohmann::json panels = nlohmann::json::array();
  for (const Matrix& matrix : values.panels) {
    nlohmann::json rows = nlohmann::json::array();
    for (const std::vector<double>& row : matrix.values) rows.push_back(numbersOf(row));
    panels.push_back({{"layer", matrix.layer ? nlohmann::json(*matrix.layer) : nlohmann::json("mean")},
                      {"values", std::move(rows)}});
  }
  return {{"quantity", "jaccard index"}, {"runs", values.labels}, {"panels", std::move(panels)}};
}

Values gather(const trace::Reader& reader, const FigureSpec& spec) {
  const trace::ModelInfo& model = reader.header().model;
  for (const std::uint32_t layer : spec.layers)
    if (layer >= model.layers) failUsage("--layers {}: the model has layers 0 to {}", layer, model.layers - 1);
  Values values;
  values.facts = traceFacts(reader);
  values.budgets = oneBudget({&reader}, spec.runs, spec.budgets);
  std::vector<RunChoice> choices = chooseRuns(Traces{&reader}, spec.runs, values.budgets);
  values.head = startFigure(spec, Traces{&reader}, choices);
  RunChoice& choice = choices.front();
  if (choice.runs.size() < 2) fail("{}: one run matches; agreement needs two or more", reader.path().string());
  std::vector<std::string>& warnings = values.head.warnings;
  warnings.insert(warnings.end(), choice.warnings.begin(), choice.warnings.end());
  for (const ChosenRun& run : choice.runs)
    values.labels.push_back(values.budgets.size() == 1 ? run.title : run.title + " " + run.header.budget);
  const LayerAgreement layers = compare(choice.runs, model, reader.tokens());
  if (spec.layers.empty()) values.panels.push_back(matrixOf(layers, std::nullopt));
  for (const std::uint32_t layer : spec.layers) values.panels.push_back(matrixOf(layers, layer));
  values.runs = std::move(choice.runs);
  values.head.sidecar["agreement"] = describe(values);
  values.head.sidecar["scale"] = {{"kind", "linear"}, {"low", 0}, {"high", 1}, {"colour_map", spec.colour_map}};
  return values;
}

// "0.82", or ".82" for small cells.
std::string numberText(double value, const NumberLook& look) {
  std::string text = fmt::format("{:.2f}", value);
  if (look.leading_zero) return text;
  return text.starts_with("0") ? text.substr(1) : fmt::format("{:.1f}", value);
}

NumberLook numberLook(int cell_width) {
  const int room = cell_width - static_cast<int>(points(2));
  for (const NumberLook& look : {NumberLook{kLabelPoints, true}, {kTickPoints, true}, {6, false}})
    if (Canvas::textWidth(numberText(0.88, look), look.size) <= room) return look;
  failUsage("the cells are too small for their numbers; choose fewer --runs or --columns, or a larger --width");
}

// The maximum width of a name; row names are left of the cells.
std::string rowName(const std::string& label) {
  return Canvas::elided(label, kTickPoints, inches(1.1));
}

// How far the column names extend beyond the cells.
int beyondCells(const std::vector<std::string>& labels, int cells, int cell_width) {
  int beyond = 0;
  for (int column = 0; column < cells; ++column)
    beyond = std::max(beyond, Canvas::textWidth(rowName(labels[static_cast<std::size_t>(column)]), kTickPoints, true) -
                                  (cells - column) * cell_width);
  return beyond;
}

Layout planLayout(const FigureSpec& spec, const Values& values, const ColourBar& bar,
                  const std::vector<std::string>& notes) {
  Layout layout;
  const int width = inches(spec.width_inches);
  layout.chrome = planChrome(spec.title, notes, width);
  layout.cells = static_cast<int>(values.labels.size()) - 1;
  PanelGrid& grid = layout.grid;
  grid.count = values.panels.size();
  grid.columns = std::min<std::size_t>(grid.count, spec.columns > 0 ? spec.columns : spec.width_inches > 4.5 ? 3 : 2);
  const int columns = static_cast<int>(grid.columns), gap = static_cast<int>(points(8));
  int names = 0;
  for (std::size_t i = 1; i < values.labels.size(); ++i)
    names = std::max(names, Canvas::textWidth(rowName(values.labels[i]), kTickPoints, true));
  grid.left = kOuterMargin + names + static_cast<int>(points(3));
  const int room = width - grid.left - gap - colourBarWidth(bar) - kOuterMargin - (columns - 1) * gap;
  // The last column names need room right of the cells, more for narrower cells.
  for (int turn = 0; turn < 4; ++turn) {
    layout.cell_width = std::min((room - columns * layout.beyond) / columns / layout.cells, inches(0.62));
    layout.beyond = std::min(beyondCells(values.labels, layout.cells, layout.cell_width), room / columns / 8);
  }
  layout.numbers = numberLook(layout.cell_width);
  layout.cell_height = std::clamp(layout.cell_width, Canvas::textHeight(kTickPoints), inches(0.3));
  layout.names_height = Canvas::textHeight(kTickPoints) + static_cast<int>(points(2));
  const int title = grid.count > 1 ? Canvas::textHeight(kLabelPoints) + static_cast<int>(points(2)) : 0;
  grid.panel_width = layout.cells * layout.cell_width;
  grid.panel_height = layout.cells * layout.cell_height;
  grid.gap_x = gap + layout.beyond;
  grid.gap_y = gap + layout.names_height + title;
  grid.top = layout.chrome.top() + layout.names_height + title;
  layout.bar_left = grid.right() + layout.beyond + gap;
  layout.bar_height = std::clamp(grid.bottom() - grid.top, inches(0.9), inches(2.4));
  layout.height = grid.top + std::max(grid.bottom() - grid.top, layout.bar_height) + static_cast<int>(points(4)) +
                  layout.chrome.bottom();
  return layout;
}

void fillCell(Canvas& canvas, const QRect& area, Rgb colour) {
  auto* cell = new QCPItemRect(&canvas.plot());
  cell->setClipToAxisRect(false);
  cell->setAntialiased(false);
  cell->setPen(Qt::NoPen);
  cell->setBrush(toColour(colour));
  for (QCPItemPosition* corner : {cell->topLeft, cell->bottomRight}) corner->setType(QCPItemPosition::ptAbsolute);
  cell->topLeft->setCoords(area.left(), area.top());
  cell->bottomRight->setCoords(area.left() + area.width(), area.top() + area.height());
}

void drawCells(Canvas& canvas, const Layout& layout, const QRect& area, const Matrix& matrix, const ColourBar& bar) {
  const int line = static_cast<int>(points(0.5));  // gap between cells
  for (int row = 0; row < layout.cells; ++row) {
    for (int column = 0; column <= row; ++column) {
      const QRect cell(area.left() + column * layout.cell_width, area.top() + row * layout.cell_height,
                       layout.cell_width - line, layout.cell_height - line);
      const double value = matrix.values[static_cast<std::size_t>(row) + 1][static_cast<std::size_t>(column)];
      const Rgb colour = bar.tables[0].at(bar.scale.position(value));
      fillCell(canvas, cell, colour);
      canvas.addText(QPointF(cell.left() + cell.width() / 2.0, cell.top() + cell.height() / 2.0),
                     numberText(value, layout.numbers), {layout.numbers.size, Qt::AlignCenter}, inkOn(colour));
    }
  }
}

constexpr double kBold = 1.12;  // bold width / regular width, which elided() measures

// Row names are left of the first panel of a row; column names are above the column's first cell, along the diagonal.
void drawNames(Canvas& canvas, const Layout& layout, const QRect& area, const Values& values, bool rows) {
  for (int i = 0; i < layout.cells; ++i) {
    const auto run = static_cast<std::size_t>(i);
    const int length = (layout.cells - i) * layout.cell_width + layout.beyond;
    canvas.addText(
        QPointF(area.left() + i * layout.cell_width + points(1), area.top() + i * layout.cell_height - points(1.5)),
        Canvas::elided(values.labels[run], kTickPoints * kBold, length),
        {kTickPoints, Qt::AlignLeft | Qt::AlignBottom, 0, true},
        methodColour(values.runs[run].header.method, canvas.theme()));
    if (!rows) continue;
    canvas.addText(QPointF(area.left() - points(3), area.top() + (i + 0.5) * layout.cell_height),
                   rowName(values.labels[run + 1]), {kTickPoints, Qt::AlignRight | Qt::AlignVCenter, 0, true},
                   methodColour(values.runs[run + 1].header.method, canvas.theme()));
  }
}

std::vector<std::string> notesOf(const Values& values) {
  std::vector<std::string> notes = commonNotes(values.facts);
  if (values.budgets.size() == 1) notes.push_back(fmt::format("budget {}", values.budgets.front()));
  const std::optional<std::uint32_t> layer = values.panels.front().layer;
  if (!layer) notes.push_back(fmt::format("mean over {} layers and all heads", values.facts.layers));
  if (layer && values.panels.size() == 1) notes.push_back(fmt::format("layer {}", *layer));
  if (layer) notes.emplace_back("mean over the heads of a layer");
  notes.emplace_back("Jaccard index: kept by both / kept by either");
  return notes;
}

Figure draw(const Values& values, const FigureSpec& spec) {
  const ColourBar bar{{colourTable(spec.colour_map)}, {ScaleKind::Linear, 0, 1}, false, false, "Jaccard index"};
  ensureApplication();
  const Layout layout = planLayout(spec, values, bar, notesOf(values));
  Figure figure{values.head, std::make_unique<Canvas>(spec.width_inches, layout.height, spec.theme)};
  Canvas& canvas = *figure.canvas;
  // First: QCustomPlot needs a panel on the page before free items.
  drawColourBar(canvas, bar, QPoint(layout.bar_left, layout.grid.top), layout.bar_height);
  for (std::size_t i = 0; i < values.panels.size(); ++i) {
    const QRect area = layout.grid.area(i);
    drawCells(canvas, layout, area, values.panels[i], bar);
    drawNames(canvas, layout, area, values, layout.grid.firstColumn(i));
    if (values.panels.size() > 1)
      canvas.addText(QPointF(area.left(), area.top() - layout.names_height - points(2)),
                     fmt::format("layer {}", *values.panels[i].layer),
                     {kLabelPoints, Qt::AlignLeft | Qt::AlignBottom, 0, true}, canvas.colours().ink);
  }
  drawChrome(canvas, layout.chrome);
  return figure;
}

}  // namespace

// Agreement of runs: the Jaccard index of the tokens each pair keeps, run × run, at one budget unless several are
// given; the mean over layers, or one panel per layer.
FigureBuilder agreementFigure() {
  return makeBuilder(gather, draw);
}

}  // namespace kvatlas::views
