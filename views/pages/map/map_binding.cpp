#include "views/pages/map/map_binding.h"

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
  m_strip_maker.setMaxThreadCount(1);
  view.installEventFilter(this);
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

bool MapBinding::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() == QEvent::Show && m_stale) {
    m_stale = false;
    showAll();
  }
  return QObject::eventFilter(watched, event);
}

// A view that its page has hidden costs nothing.
bool MapBinding::deferred() {
  const bool hidden = m_view.testAttribute(Qt::WA_WState_ExplicitShowHide) && m_view.isHidden();
  m_stale = m_stale || hidden;
  return hidden;
}

void MapBinding::setPictureSides(PictureSides sides) {
  if (sides == m_sides) return;
  m_sides = sides;
  showPicture();
}

void MapBinding::setOther(TileSource* tiles, const QString& name) {
  m_other = tiles;
  m_other_name = name;
  showPicture();
}

void MapBinding::setEvictionShown(bool shown) {
  m_eviction = shown;
  showPicture();
}

void MapBinding::blink() {
  setPictureSides(m_sides == PictureSides::OnlyB ? PictureSides::OnlyA : PictureSides::OnlyB);
}

std::shared_ptr<const PositionCounts> MapBinding::keptOf(RunId run) {
  if (!m_eviction || run == kNoRun || !m_document.hasRun(run)) return nullptr;
  const RunPointer view = m_document.run(run);
  return view ? keptColumnsOf(*view, m_selection.layer(), m_selection.head()) : nullptr;
}

std::string MapBinding::nameOf(RunId run) const {
  if (run == kNoRun || !m_document.hasRun(run)) return {};
  const trace::RunHeader& header = m_document.runHeader(run);
  return header.is_full ? m_document.runTitle(run) : m_document.runTitle(run) + " " + header.budget;
}

void MapBinding::showPicture() {
  if (deferred()) return;
  MapPicture picture;
  if (m_document.isOpen()) {
    picture.a = {&m_tiles,
                 m_selection.layer(),
                 m_selection.head(),
                 m_selection.reduction(),
                 keptOf(m_selection.focusRun()),
                 nameOf(m_selection.focusRun())};
    picture.mode = m_sides;
    if (m_other) {
      picture.b = picture.a;
      picture.b->source = m_other;
      picture.a.kept = picture.b->kept = nullptr;  // maps are compared, and the other trace has runs of its own
      picture.a.name = m_document.path().filename().string();
      picture.b->name = m_other_name.isEmpty() ? "the other trace" : m_other_name.toStdString();
    } else if (m_selection.compareRun() != kNoRun && m_document.hasRun(m_selection.compareRun())) {
      picture.b = picture.a;
      picture.b->kept = keptOf(m_selection.compareRun());
      picture.b->name = nameOf(m_selection.compareRun());
      const auto colour = [this](RunId run) {
        return methodColour(m_document.hasRun(run) ? m_document.runHeader(run).method : "full", m_view.theme());
      };
      m_view.setShadeColours({colour(m_selection.focusRun()), colour(m_selection.compareRun())});
    }
  }
  m_view.setPicture(picture);
}

void MapBinding::showTracks() {
  if (deferred()) return;
  if (m_group != 0) m_document.thread().cancelGroup(m_group);
  m_group = m_document.thread().newGroup();
  if (!m_document.isOpen()) {
    m_view.setReceived({});
    m_view.setEntropy({});
    return;
  }
  m_document.post(
      {Priority::Soon, m_group},
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

// A hundred thousand tokens of many runs take longer than a frame: another thread sums them.
void MapBinding::showStrips() {
  if (deferred()) return;
  const std::uint64_t asked = ++m_strips_asked;
  m_strip_maker.clear();
  std::vector<RunPointer> runs;
  if (m_document.isOpen())
    for (const RunId run : m_selection.visibleRuns())
      if (!m_document.runHeader(run).is_full)
        if (RunPointer view = m_document.run(run)) runs.push_back(std::move(view));
  if (runs.empty()) return m_view.setStrips({});
  m_strip_maker.start([this, asked, runs = std::move(runs), layer = m_selection.layer(), head = m_selection.head(),
                       theme = m_view.theme()] {
    std::vector<StripPointer> strips;
    for (const RunPointer& run : runs)
      strips.push_back(std::make_shared<const StripCounts>(keptStripOf(*run, layer, head, theme)));
    QMetaObject::invokeMethod(
        this,
        [this, asked, strips = std::move(strips)] {
          if (asked == m_strips_asked) m_view.setStrips(strips);
        },
        Qt::QueuedConnection);
  });
}

void MapBinding::showAll() {
  if (deferred()) return;
  m_view.setSpans(m_document.isOpen() ? m_document.prompt().spans : std::vector<trace::Span>{});
  showPicture();
  showTracks();
  showStrips();
}

}  // namespace kvatlas::views
