#include "views/plots/map_binding.h"

namespace kvatlas::views {
namespace {

struct TrackValues {
  std::vector<float> received, entropy;
};

std::vector<float> joined(const trace::Reader& reader, LayerIndex layer, const HeadChoice& head, trace::Signal signal) {
  std::vector<std::vector<float>> rows;
  for (const HeadIndex each : headsOf(head, reader.header().model)) {
    auto row = reader.signalOfHead(layer, signal, each);
    if (!row) return {};
    rows.push_back(std::move(*row));
  }
  return rows.empty() ? std::vector<float>{} : joinHeads(head, rows);
}

}  // namespace

MapBinding::MapBinding(Document& document, Selection& selection, TileSource& tiles, MapView& view)
    : QObject(&view), m_document(document), m_selection(selection), m_tiles(tiles), m_view(view) {
  m_strips.setSingleShot(true);
  connect(&m_strips, &QTimer::timeout, this, &MapBinding::showStrips);
  const auto later = [this] { m_strips.start(0); };
  connect(&selection, &Selection::reset, this, &MapBinding::showAll);
  connect(&document, &Document::refreshed, this, &MapBinding::showAll);
  connect(&document, &Document::closed, this, &MapBinding::showAll);
  for (const auto change : {&Selection::layerChanged, &Selection::headChanged}) {
    connect(&selection, change, this, &MapBinding::showPicture);
    connect(&selection, change, this, &MapBinding::showTracks);
    connect(&selection, change, this, later);
  }
  for (const auto change : {&Selection::reductionChanged, &Selection::focusRunChanged, &Selection::compareRunChanged})
    connect(&selection, change, this, &MapBinding::showPicture);
  connect(&selection, &Selection::hiddenRunsChanged, this, later);
  connect(&document, &Document::runListChanged, this, later);
  connect(&document, &Document::runReady, this, [this](int run) {
    m_strips.start(0);
    if (run == m_selection.focusRun() || run == m_selection.compareRun()) showPicture();
  });
  connect(&selection, &Selection::cursorChanged, this, [this] { m_view.setCursor(m_selection.cursor()); });
  connect(&view, &MapView::cursorMoved, &selection, &Selection::setCursor);
  connect(&view, &MapView::layerStepped, &selection, &Selection::stepLayer);
  connect(&view, &MapView::headStepped, &selection, &Selection::stepHead);
  connect(&view, &MapView::blinkWanted, this, &MapBinding::blink);
  showAll();
}

void MapBinding::setCompareMode(CompareMode mode) {
  m_mode = mode;
  showPicture();
}

void MapBinding::setOther(TileSource* tiles) {
  m_other = tiles;
  showPicture();
}

void MapBinding::setEvictionShown(bool shown) {
  m_eviction = shown;
  showPicture();
}

void MapBinding::blink() {
  setCompareMode(m_mode == CompareMode::OnlyB ? CompareMode::OnlyA : CompareMode::OnlyB);
}

std::shared_ptr<const PositionCounts> MapBinding::keptOf(RunId run) {
  if (!m_eviction || run == kNoRun || !m_document.hasRun(run)) return nullptr;
  const RunPointer view = m_document.run(run);
  return view ? keptColumnsOf(*view, m_selection.layer(), m_selection.head()) : nullptr;
}

void MapBinding::showPicture() {
  MapPicture picture;
  if (m_document.isOpen()) {
    picture.a = {&m_tiles, m_selection.layer(), m_selection.head(), m_selection.reduction(),
                 keptOf(m_selection.focusRun())};
    picture.mode = m_mode;
    if (m_other) {
      picture.b = picture.a;
      picture.b->source = m_other;
    } else if (m_selection.compareRun() != kNoRun && m_document.hasRun(m_selection.compareRun())) {
      picture.b = picture.a;
      picture.b->kept = keptOf(m_selection.compareRun());
      const auto colour = [this](RunId run) {
        return methodColour(m_document.hasRun(run) ? m_document.runHeader(run).method : "full", m_view.theme());
      };
      m_view.setShadeColours({colour(m_selection.focusRun()), colour(m_selection.compareRun())});
    }
  }
  m_view.setPicture(picture);
}

void MapBinding::showTracks() {
  if (m_group != 0) m_document.thread().cancelGroup(m_group);
  m_group = m_document.thread().newGroup();
  if (!m_document.isOpen()) {
    m_view.setReceived({});
    m_view.setEntropy({});
    return;
  }
  m_document.post(
      {Priority::Now, m_group},
      [layer = m_selection.layer(), head = m_selection.head()](const trace::Reader& reader) {
        return TrackValues{joined(reader, layer, head, trace::Signal::Received),
                           joined(reader, layer, head, trace::Signal::Entropy)};
      },
      this,
      [this](Answer<TrackValues> answer) {
        m_view.setReceived(answer ? std::move(answer.value->received) : std::vector<float>{});
        m_view.setEntropy(answer ? std::move(answer.value->entropy) : std::vector<float>{});
      });
}

void MapBinding::showStrips() {
  std::vector<KeptStrip> strips;
  if (m_document.isOpen()) {
    for (const RunId run : m_selection.visibleRuns()) {
      if (m_document.runHeader(run).is_full) continue;
      if (const RunPointer view = m_document.run(run))
        strips.push_back(keptStripOf(*view, m_selection.layer(), m_selection.head(), m_view.theme()));
    }
  }
  m_view.setStrips(strips);
}

void MapBinding::showAll() {
  m_view.setSpans(m_document.isOpen() ? m_document.prompt().spans : std::vector<trace::Span>{});
  showPicture();
  showTracks();
  showStrips();
}

}  // namespace kvatlas::views
