#include "views/models/items/query_attention.h"

#include <algorithm>
#include <numeric>

namespace kvatlas::views {

QueryAttention::QueryAttention(Document& document, Selection& selection, QObject* parent)
    : QObject(parent), m_document(document), m_selection(selection), m_attended(document, selection) {
  for (const auto signal :
       {&Selection::reset, &Selection::layerChanged, &Selection::headChanged, &Selection::focusRunChanged})
    connect(&selection, signal, this, &QueryAttention::update);
  connect(&selection, &Selection::cursorChanged, this, [this] {
    if (m_source == PromptQuery) update();
  });
  connect(&selection, &Selection::stepChanged, this, [this] {
    if (m_source == GeneratedToken) update();
  });
  connect(&document, &Document::refreshed, this, &QueryAttention::update);
  connect(&document, &Document::closed, this, &QueryAttention::update);
  connect(&document, &Document::runReady, this, [this](int run) {
    if (run == m_selection.focusRun() && m_source == GeneratedToken) update();
  });
  connect(&m_attended, &DecodeAttended::changed, this, &QueryAttention::update);
}

void QueryAttention::setSource(Source source) {
  if (source == m_source) return;
  m_source = source;
  update();
}

void QueryAttention::setLayerMean(bool mean) {
  if (mean == m_layer_mean) return;
  m_layer_mean = mean;
  update();
}

HeadChoice QueryAttention::heads() const {
  return m_layer_mean ? HeadChoice{} : m_selection.head();
}

TokenIndex QueryAttention::query() const {
  if (!m_document.isOpen()) return 0;
  return m_selection.cursor() ? m_selection.cursor()->query : static_cast<TokenIndex>(m_document.tokens() - 1);
}

void QueryAttention::update() {
  m_document.thread().cancel(std::exchange(m_request, 0));
  m_masses.clear();
  m_keys.clear();
  m_why.clear();
  if (m_document.isOpen() && m_source == PromptQuery) return readPrompt();
  if (m_document.isOpen() && m_source == GeneratedToken) readGenerated();
  emit changed();
}

void QueryAttention::readPrompt() {
  m_request = m_document.post(
      {Priority::Soon},
      [layer = m_selection.layer(), choice = heads(), query = query()](const trace::Reader& reader) {
        return readQueryRow(reader, layer, choice, query);
      },
      this,
      [this](Answer<QueryRow> answer) {
        m_request = 0;
        if (!answer) {
          m_why = QString::fromStdString(answer.error);
        } else if (answer.value->probabilities.empty()) {
          m_why = tr("This layer's attention was not captured.");
        } else {
          m_masses = std::move(answer.value->probabilities);
          if (answer.value->source == CellValues::MapCell && answer.value->cell_tokens > 1)
            m_why =
                tr("Means of cells of %1 × %1 tokens: the row itself was not stored.").arg(answer.value->cell_tokens);
        }
        emit changed();
      });
}

void QueryAttention::readGenerated() {
  const trace::AttendedLayer* layer = m_attended.layer();
  m_why = m_attended.why();
  if (layer == nullptr) return;
  m_keys = attendedKeys(*layer, m_selection.step(), heads(), m_document.model());
  m_masses.assign(m_document.tokens(), 0.0F);
  for (const AttendedKey& key : m_keys)
    if (key.position < m_masses.size()) m_masses[key.position] = static_cast<float>(key.mass);
  m_why = tr("The %1 most attended tokens of each head.").arg(layer->per_head);
}

std::vector<AttendedKey> QueryAttention::largest(std::size_t most) const {
  std::vector<AttendedKey> keys = m_keys;
  if (m_source == PromptQuery) {
    std::vector<std::size_t> order(m_masses.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const std::size_t count = std::min(most, order.size());
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                      [this](std::size_t a, std::size_t b) {
                        return m_masses[a] != m_masses[b] ? m_masses[a] > m_masses[b] : a < b;
                      });
    for (std::size_t i = 0; i < count; ++i) keys.push_back({order[i], static_cast<double>(m_masses[order[i]])});
  }
  if (keys.size() > most) keys.resize(most);
  return keys;
}

}  // namespace kvatlas::views
