#include "views/models/document/selection.h"

#include <algorithm>

namespace kvatlas::views {

Selection::Selection(Document& document, QObject* parent) : QObject(parent), m_document(document) {
  connect(&document, &Document::opened, this, &Selection::start);
  connect(&document, &Document::closed, this, &Selection::start);
  connect(&document, &Document::runListChanged, this, &Selection::keepInside);
  if (document.isOpen()) start();
}

// Starts at the first recorded layer and the full cache; without one, the first finished run.
void Selection::start() {
  m_layer = LayerIndex();
  m_head = {};
  m_reduction = trace::Reduction::Max;
  m_cursor.reset();
  m_key_range.reset();
  m_focus = m_compare = kNoRun;
  m_step = 0;
  m_hidden.clear();
  if (m_document.isOpen()) {
    const DocumentIndex& index = m_document.index();
    const auto layer = std::find(index.recorded.begin(), index.recorded.end(), true);
    if (layer != index.recorded.end()) m_layer = LayerIndex(static_cast<std::size_t>(layer - index.recorded.begin()));
    const auto finished = [](const RunEntry& entry) { return entry.finished; };
    const auto full = [](const RunEntry& entry) { return entry.finished && entry.header.is_full; };
    auto run = std::find_if(index.runs.begin(), index.runs.end(), full);
    if (run == index.runs.end()) run = std::find_if(index.runs.begin(), index.runs.end(), finished);
    if (run != index.runs.end()) m_focus = static_cast<RunId>(run->index);
  }
  emit reset();
  emit layerChanged();
  emit headChanged();
  emit reductionChanged();
  emit cursorChanged();
  emit keyRangeChanged();
  emit focusRunChanged();
  emit compareRunChanged();
  emit stepChanged();
  emit hiddenRunsChanged();
}

// Called after a what-if run was removed.
void Selection::keepInside() {
  if (m_focus != kNoRun && !m_document.hasRun(m_focus)) setFocusRun(kNoRun);
  if (m_compare != kNoRun && !m_document.hasRun(m_compare)) setCompareRun(kNoRun);
  const auto gone = std::erase_if(m_hidden, [this](RunId run) { return !m_document.hasRun(run); });
  if (gone > 0) emit hiddenRunsChanged();
}

std::vector<RunId> Selection::visibleRuns() const {
  std::vector<RunId> runs = m_document.runIds();
  std::erase_if(runs, [this](RunId run) { return isHidden(run); });
  return runs;
}

void Selection::setLayer(LayerIndex layer) {
  if (!m_document.isOpen()) return;
  layer.value = std::min(layer.value, m_document.model().layers - 1);
  if (layer == m_layer) return;
  m_layer = layer;
  emit layerChanged();
}

void Selection::setHead(HeadChoice head) {
  if (!m_document.isOpen()) return;
  head = clamped(head, m_document.model());
  if (head == m_head) return;
  m_head = head;
  emit headChanged();
}

void Selection::setReduction(trace::Reduction reduction) {
  if (reduction == m_reduction) return;
  m_reduction = reduction;
  emit reductionChanged();
}

void Selection::setCursor(std::optional<Cell> cursor) {
  if (!m_document.isOpen()) cursor.reset();
  if (cursor) {
    const auto last = static_cast<TokenIndex>(m_document.tokens() - 1);
    cursor = Cell{std::min(cursor->query, last), std::min(cursor->key, last)};
  }
  if (cursor == m_cursor) return;
  m_cursor = cursor;
  emit cursorChanged();
}

void Selection::setKeyRange(std::optional<TokenRange> range) {
  if (!m_document.isOpen()) range.reset();
  if (range) {
    const auto tokens = static_cast<TokenIndex>(m_document.tokens());
    range = TokenRange{std::min(range->begin, tokens), std::min(range->end, tokens)};
    if (range->begin >= range->end) range.reset();
  }
  if (range == m_key_range) return;
  m_key_range = range;
  emit keyRangeChanged();
}

void Selection::setFocusRun(int run) {
  if (!m_document.hasRun(run)) run = kNoRun;
  if (run == m_focus) return;
  m_focus = run;
  emit focusRunChanged();
  setStep(m_step);
}

void Selection::setCompareRun(int run) {
  if (!m_document.hasRun(run)) run = kNoRun;
  if (run == m_compare) return;
  m_compare = run;
  emit compareRunChanged();
}

// The last step of the focus run if it is loaded; the step slider loads it before it can move.
std::uint32_t Selection::lastStep() const {
  const RunPointer run = m_document.run(m_focus);
  const std::size_t steps = run ? run->run.record.decode_ids.size() : 0;
  return run && steps > 0 ? static_cast<std::uint32_t>(steps - 1) : 0;
}

void Selection::setStep(std::uint32_t step) {
  if (m_focus == kNoRun || m_document.run(m_focus)) step = std::min(step, lastStep());
  if (step == m_step) return;
  m_step = step;
  emit stepChanged();
}

void Selection::setHidden(int run, bool hidden) {
  if (!m_document.hasRun(run) || hidden == isHidden(run)) return;
  if (hidden) {
    m_hidden.insert(run);
  } else {
    m_hidden.erase(run);
  }
  emit hiddenRunsChanged();
}

void Selection::stepLayer(int by) {
  const std::int64_t layer = std::int64_t{m_layer.value} + by;
  setLayer(LayerIndex(static_cast<std::size_t>(std::max<std::int64_t>(layer, 0))));
}

void Selection::stepHead(int by) {
  const bool one = m_head.kind == HeadChoice::QueryHead || m_head.group();
  if (!one) return setHead({HeadChoice::QueryHead, 0});
  const std::int64_t index = std::int64_t{m_head.index} + by;
  setHead({m_head.kind, static_cast<std::uint32_t>(std::max<std::int64_t>(index, 0))});
}

}  // namespace kvatlas::views
