#include "views/models/items/first_picture.h"

#include <cmath>
#include <utility>

namespace kvatlas::views {
namespace {

constexpr std::size_t kMostHeads = 8192;  // layers × heads: above, reading them all takes seconds

}  // namespace

FirstPicture::FirstPicture(Document& document, Selection& selection, QObject* parent)
    : QObject(parent), m_document(document), m_selection(selection), m_attention(document) {
  connect(&m_attention, &SpanAttention::arrived, this, [this] {
    if (m_busy && m_attention.complete()) choose();
  });
  for (const auto signal : {&Document::opened, &Document::closed})
    connect(&document, signal, this, &FirstPicture::cancel);
}

void FirstPicture::cancel() {
  m_busy = false;
  m_attention.clear();
}

void FirstPicture::begin() {
  cancel();
  if (!m_document.isOpen()) return;
  const trace::ModelInfo& model = m_document.model();
  m_layer = m_selection.layer();
  m_head = m_selection.head();
  m_busy = true;
  m_attention.setRange(rangeOfInterest(m_document.prompt(), m_document.tokens()));
  if (std::size_t{model.layers} * model.query_heads > kMostHeads) return choose();
  m_attention.requestAll();
}

void FirstPicture::choose() {
  m_busy = false;
  float best = -1;
  std::pair<std::size_t, std::size_t> place;
  for (std::size_t layer = 0; layer < m_document.model().layers; ++layer)
    for (std::size_t head = 0; head < m_document.model().query_heads; ++head)
      if (const float mass = m_attention.value(LayerIndex(layer), HeadIndex(head)); mass > best) {  // false for NaN
        best = mass;
        place = {layer, head};
      }
  if (best >= 0 && m_layer == m_selection.layer() && m_head == m_selection.head()) {
    m_selection.setLayer(LayerIndex(place.first));
    m_selection.setHead({HeadChoice::QueryHead, static_cast<std::uint32_t>(place.second)});
  }
  emit chosen();
}

}  // namespace kvatlas::views
