#include "views/models/items/inspector.h"

#include <algorithm>

#include "views/models/document/token_text.h"
#include "views/models/map/signal_row.h"

namespace kvatlas::views {

namespace {

// Which tokens of the prompt went into a key of one list, and where an evicted key went.
void addMerged(const RunView& run, std::size_t list, TokenIndex key, KeyFate& fate) {
  const std::vector<TokenIndex>& into = run.run.record.merged_into;
  if (into.empty()) return;
  const std::span<const TokenIndex> kept = run.run.record.kept(list);
  const std::size_t first = list * run.tokens - run.run.record.kept_offsets[list], count = run.tokens - kept.size();
  const std::span<const TokenIndex> of_list = std::span(into).subspan(first, count);
  fate.sources += static_cast<std::size_t>(std::ranges::count(of_list, key));
  const auto held = std::ranges::lower_bound(kept, key);
  if (fate.into || (held != kept.end() && *held == key)) return;
  const TokenIndex target = of_list[key - static_cast<std::size_t>(held - kept.begin())];
  if (target != trace::kNoToken) fate.into = target;
}

// The same of what the list gave up while decoding, and when it gave up the key.
void addLaterMerged(const RunView& run, LayerIndex layer, std::size_t head, TokenIndex key, KeyFate& fate) {
  const trace::RunRecord& record = run.run.record;
  for (std::size_t i = 0; i < record.evicted.size(); ++i) {
    const trace::Eviction& one = record.evicted[i];
    if (one.layer != layer.value || one.head != head) continue;
    const TokenIndex into = i < record.evicted_into.size() ? record.evicted_into[i] : trace::kNoToken;
    if (into == key) ++fate.sources;
    if (one.position != key) continue;
    ++fate.gone;
    fate.gone_after = std::min(fate.gone_after.value_or(one.step), one.step);
    if (into != trace::kNoToken && !fate.into) fate.into = into;
  }
}

}  // namespace

std::size_t Inspection::keepers() const {
  return static_cast<std::size_t>(std::count_if(fates.begin(), fates.end(), [](const KeyFate& fate) {
    return fate.keeping > 0 && fate.reason != policy::Reason::Everything;
  }));
}

TokenFacts tokenFacts(const trace::Prompt& prompt, TokenIndex position) {
  return {position, prompt.ids.at(position), tokenText(prompt, position), spansAt(prompt, position)};
}

KeyFate keyFate(const RunView& run, LayerIndex layer, const HeadChoice& choice, TokenIndex key) {
  KeyFate fate{run.id, run.run.title, run.run.header.method, run.run.header.budget};
  std::vector<std::size_t> stored;
  for (const HeadIndex head : headsOf(choice, run.model)) {
    const std::size_t list = storedHead(run.run.header, run.model, head.value);
    if (stored.empty() || stored.back() != list) stored.push_back(list);
  }
  fate.heads = stored.size();
  for (const std::size_t list : stored) {
    addMerged(run, layer.value * run.heads() + list, key, fate);
    addLaterMerged(run, layer, list, key, fate);
    const policy::Reason reason = run.reason(layer, list, key);
    if (reason == policy::Reason::Evicted) continue;
    ++fate.keeping;
    fate.reason = reason;
  }
  return fate;
}

Inspector::Inspector(Document& document, Selection& selection, QObject* parent)
    : QObject(parent), m_document(document), m_selection(selection) {
  for (const auto signal : {&Selection::reset, &Selection::layerChanged, &Selection::headChanged})
    connect(&selection, signal, this, &Inspector::restart);
  for (const auto signal : {&Selection::cursorChanged, &Selection::reductionChanged, &Selection::hiddenRunsChanged})
    connect(&selection, signal, this, &Inspector::inspect);
  connect(&document, &Document::refreshed, this, &Inspector::restart);
  const auto again = [this] {
    if (!m_current) return;
    addFates();
    emit changed();
  };
  connect(&document, &Document::runReady, this, again);
  connect(&document, &Document::runListChanged, this, again);
  restart();
}

void Inspector::restart() {
  m_received.clear();
  m_document.thread().cancel(std::exchange(m_received_request, 0));
  inspect();
}

void Inspector::inspect() {
  m_document.thread().cancel(std::exchange(m_cell_request, 0));
  if (!m_document.isOpen() || !m_selection.cursor()) {
    if (!std::exchange(m_current, std::nullopt)) return;
    emit changed();
    return;
  }
  const Cell cell = *m_selection.cursor();
  m_current = Inspection{cell, tokenFacts(m_document.prompt(), cell.query), tokenFacts(m_document.prompt(), cell.key)};
  addReceived();
  addFates();
  if (m_received.empty() && m_received_request == 0) readReceived();
  m_cell_request = m_document.post(
      {Priority::Soon},  // it reads whole rows of all heads: the map goes first
      [layer = m_selection.layer(), head = m_selection.head(), reduction = m_selection.reduction(),
       cell](const trace::Reader& reader) { return readCell(reader, layer, head, reduction, cell.query, cell.key); },
      this,
      [this](Answer<CellValues> answer) {
        m_cell_request = 0;
        m_current->values = answer.value;
        m_current->error = answer.error;
        emit changed();
      });
  emit changed();
}

void Inspector::readReceived() {
  m_received_request = m_document.post(
      {Priority::Soon},
      [layer = m_selection.layer(), head = m_selection.head()](const trace::Reader& reader) {
        return signalRow(reader, layer, head, trace::Signal::Received);
      },
      this,
      [this](Answer<std::vector<float>> answer) {
        // Keep the id: not captured or an error, so a retry would not help.
        if (answer) m_received = std::move(*answer.value);
        if (!m_current) return;
        addReceived();
        emit changed();
      });
}

void Inspector::addReceived() {
  const TokenIndex key = m_current->cell.key;
  if (key >= m_received.size()) return;
  m_current->received = m_received[key];
  m_current->received_rank = rankOf(m_received, key);
}

void Inspector::addFates() {
  m_current->fates.clear();
  for (const RunId id : m_selection.visibleRuns())
    if (const RunPointer run = m_document.run(id))
      m_current->fates.push_back(keyFate(*run, m_selection.layer(), m_selection.head(), m_current->cell.key));
}

}  // namespace kvatlas::views
