#include "views/pages/charts/span_chart.h"

#include <QBoxLayout>
#include <QComboBox>
#include <algorithm>
#include <numeric>

#include "views/models/qt_text.h"
#include "views/pages/charts/plot_theme.h"

namespace kvatlas::views {

std::vector<double> keptOfSpan(const RunView& view, const trace::Span& span) {
  std::vector<double> shares(view.model.layers, 1.0);
  if (view.everything() || span.end <= span.begin) return shares;
  for (std::size_t layer = 0; layer < shares.size(); ++layer) {
    std::ptrdiff_t kept = 0;
    for (std::size_t head = 0; head < view.heads(); ++head) {
      const auto positions = view.kept(LayerIndex(layer), head);  // ascending
      kept += std::ranges::lower_bound(positions, span.end) - std::ranges::lower_bound(positions, span.begin);
    }
    shares[layer] =
        static_cast<double>(kept) / (static_cast<double>(span.end - span.begin) * static_cast<double>(view.heads()));
  }
  return shares;
}

SpanChart::SpanChart(Document& document, Selection& selection, QWidget* parent)
    : RunChart(document, selection, parent), m_span(new QComboBox) {
  m_span->setObjectName(QStringLiteral("spanChartSpan"));
  m_span->setAccessibleName(tr("Span of the chart"));
  m_span->setToolTip(
      tr("The chart shows the share of this span's tokens that each run keeps. To name a span, select "
         "words in the panel Text"));
  m_span->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  m_span->setMinimumContentsLength(10);
  addAbovePlot(*static_cast<QBoxLayout*>(layout()), *m_span, plot());
  for (const auto signal : {&Document::opened, &Document::closed, &Document::spansChanged})
    connect(&document, signal, this, &SpanChart::fillSpans);
  connect(m_span, &QComboBox::currentIndexChanged, this, [this] { refill(); });
  fillSpans();
}

// The chosen span stays, by name.
void SpanChart::fillSpans() {
  const QString before = m_span->currentText();
  const QSignalBlocker quiet(m_span);
  m_span->clear();
  if (document().isOpen())
    for (const trace::Span& each : document().prompt().spans) m_span->addItem(toQString(each.name));
  m_span->setCurrentIndex(std::max(m_span->findText(before), m_span->count() > 0 ? 0 : -1));
  m_span->setVisible(m_span->count() > 0);
  refill();
}

const trace::Span* SpanChart::span() const {
  const auto& spans = document().prompt().spans;
  const auto at = static_cast<std::size_t>(m_span->currentIndex());
  return m_span->currentIndex() >= 0 && at < spans.size() ? &spans[at] : nullptr;
}

void SpanChart::fillLines() {
  const trace::Span* of = span();
  plot().setTitles(tr("layer"), of == nullptr ? tr("kept") : tr("kept of %1").arg(toQString(of->name)), tr("kept"));
  plot().setYRange(QCPRange(-0.03, 1.06));
  std::vector<ChartLine> lines;
  if (of != nullptr)
    for (const RunPointer& view : runs()) {
      ChartLine line = lineOf(*view);
      line.y = keptOfSpan(*view, *of);
      line.x.resize(line.y.size());
      std::iota(line.x.begin(), line.x.end(), 0.0);
      lines.push_back(std::move(line));
    }
  if (of == nullptr)
    plot().setMessage(tr("no span is named: select words in the panel Text to name one"));
  else if (lines.empty())
    plot().setMessage(tr("no finished eviction run is visible"));
  plot().setLines(std::move(lines));
  follow();
}

void SpanChart::follow() {
  plot().setMarker(selection().layer().value);
}

void SpanChart::choose(const ChartPoint& point) {
  selection().setFocusRun(point.line);
  selection().setLayer(LayerIndex(point.index));
}

QString SpanChart::describe(const ChartPoint& point) const {
  return tr("%1, layer %2: keeps %3 % of %4")
      .arg(titleOf(point.line))
      .arg(point.x)
      .arg(100 * point.y, 0, 'f', 0)
      .arg(m_span->currentText());
}

}  // namespace kvatlas::views
