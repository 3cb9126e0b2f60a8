#include "views/pages/map/map_binding.h"

#include <QMenu>
#include <QToolTip>

#include "views/models/document/run_colour.h"
#include "views/models/document/token_text.h"
#include "views/models/items/cell_readout.h"
#include "views/pages/charts/run_chart.h"

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

DrawnValue drawnValue(const MapReading& reading) {
  const DrawnValue::State state = reading.code >= 0                   ? DrawnValue::Probability
                                  : reading.code == kMaskedPixel      ? DrawnValue::Masked
                                  : reading.code == kNotCapturedPixel ? DrawnValue::NotCaptured
                                                                      : DrawnValue::NotLoaded;
  return {state, reading.probability, reading.cell};
}

}  // namespace

MapBinding::MapBinding(Document& document, Selection& selection, TileSource& tiles, MapView& view)
    : QObject(&view), m_document(document), m_selection(selection), m_tiles(tiles), m_view(view) {
  m_strips.setSingleShot(true);
  m_strip_maker.setMaxThreadCount(1);
  view.installEventFilter(this);
  view.setReadout([this](const Cell& cell) { return readout(cell); });
  connect(&m_strips, &QTimer::timeout, this, &MapBinding::showStrips);
  const auto later = [this] { m_strips.start(0); };
  connect(&selection, &Selection::reset, this, &MapBinding::showAll);
  connect(&document, &Document::refreshed, this, &MapBinding::showAll);
  connect(&document, &Document::closed, this, &MapBinding::showAll);
  connect(&document, &Document::spansChanged, this, [this] {
    if (!deferred()) m_view.setSpans(m_document.prompt().spans);
  });
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
  connect(&view, &MapView::stripHovered, this, &MapBinding::describeStrip);
  connect(&view, &MapView::stripMenuWanted, this, &MapBinding::showStripMenu);
  connect(&view, &MapView::stripClicked, this, [this](std::size_t strip) {
    if (const RunId run = stripRun(strip); run != kNoRun) m_selection.setFocusRun(run);
  });
  showAll();
}

bool MapBinding::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() == QEvent::Show && m_stale) {
    m_stale = false;
    showAll();
  }
  return QObject::eventFilter(watched, event);
}

// Hidden views do no work; they update when shown.
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
      picture.a.kept = picture.b->kept = nullptr;  // compares maps: the other trace has its own runs
      picture.a.name = m_document.path().filename().string();
      picture.b->name = m_other_name.isEmpty() ? "the other trace" : m_other_name.toStdString();
    } else if (m_selection.compareRun() != kNoRun && m_document.hasRun(m_selection.compareRun())) {
      picture.b = picture.a;
      picture.b->kept = keptOf(m_selection.compareRun());
      picture.b->name = "B: " + nameOf(m_selection.compareRun());
      picture.a.name = "A: " + picture.a.name;
      const ComparedColours colours =
          comparedColours(m_document, m_selection.focusRun(), m_selection.compareRun(), m_view.theme());
      m_view.setShadeColours({colours.a, colours.b});
    }
  }
  m_view.setPicture(picture);
}

void MapBinding::showTracks() {
  if (deferred() || !m_tracks_wanted) return;
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

// Long prompts with many runs take longer than a frame, so another thread counts.
void MapBinding::showStrips() {
  if (deferred() || !m_tracks_wanted) return;
  const std::uint64_t request = ++m_strips_request;
  m_strip_maker.clear();
  std::vector<RunPointer> runs;
  if (m_document.isOpen())
    for (const RunId run : m_selection.visibleRuns())
      if (!m_document.runHeader(run).is_full)
        if (RunPointer view = m_document.run(run)) runs.push_back(std::move(view));
  m_strip_runs.clear();
  std::vector<Rgb> colours;
  for (const RunPointer& run : runs) {
    m_strip_runs.push_back(run->id);
    colours.push_back(runColour(m_document, run->id, m_view.theme()));
  }
  if (runs.empty()) return m_view.setStrips({});
  m_strip_maker.start([this, request, runs = std::move(runs), layer = m_selection.layer(), head = m_selection.head(),
                       theme = m_view.theme(), colours = std::move(colours)] {
    std::vector<StripPointer> strips;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      KeptStrip strip = keptStripOf(*runs[i], layer, head, theme);
      strip.colour = colours[i];
      strips.push_back(std::make_shared<const StripCounts>(strip));
    }
    QMetaObject::invokeMethod(
        this,
        [this, request, strips = std::move(strips)] {
          if (request == m_strips_request) m_view.setStrips(strips);
        },
        Qt::QueuedConnection);
  });
}

RunId MapBinding::stripRun(std::size_t strip) const {
  return strip < m_strip_runs.size() && m_document.hasRun(m_strip_runs[strip]) ? m_strip_runs[strip] : kNoRun;
}

// "SnapKV 128 · 401 “·Vale”: kept (score)"
void MapBinding::describeStrip(std::size_t strip, std::optional<TokenIndex> key, const QPoint& global) {
  const RunId id = stripRun(strip);
  const RunPointer run = id == kNoRun ? nullptr : m_document.run(id);
  if (!run) return;
  QString text = runText(m_document, id);
  if (key)
    text = placeText(m_document.prompt(), {*key, *key}).back() + QLatin1Char('\n') +
           fateText(*run, text, m_selection.layer(), m_selection.head(), *key);
  QToolTip::showText(global, text + tr("\nClick to focus this run"), &m_view);
}

void MapBinding::showStripMenu(std::size_t strip, const QPoint& global) {
  const RunId run = stripRun(strip);
  if (run == kNoRun) return;
  QMenu menu;
  menu.setObjectName(QStringLiteral("stripMenu"));
  menu.addAction(tr("&Focus %1").arg(runText(m_document, run)), this, [this, run] { m_selection.setFocusRun(run); });
  menu.addAction(tr("&Compare with the focused run"), this, [this, run] { m_selection.setCompareRun(run); });
  menu.addAction(tr("&Hide its strip"), this, [this, run] { m_selection.setHidden(run, true); });
  menu.exec(global);
}

QString MapBinding::fate(RunId id, const QString& side, TokenIndex key) {
  const RunPointer run = m_document.hasRun(id) ? m_document.run(id) : nullptr;
  return run ? fateText(*run, side + runText(m_document, id), m_selection.layer(), m_selection.head(), key) : QString();
}

// Values of the two traces if two are compared, else what the runs do with the key.
CursorReadout MapBinding::readout(const Cell& cell) {
  if (!m_document.isOpen() || cell.query >= m_document.tokens() || cell.key >= m_document.tokens()) return {};
  CursorReadout result{placeText(m_document.prompt(), cell), {}, {}};
  const auto drawn = [&](bool second) { return drawnValue(m_view.map().read(second, cell.query, cell.key)); };
  const auto value = [&](bool second) { return valueText(drawn(second), m_selection.reduction()); };
  if (m_other) {
    if (m_sides != PictureSides::OnlyB) result.value << tr("A: %1").arg(value(false));
    if (m_sides != PictureSides::OnlyA) result.value << tr("B: %1").arg(value(true));
    return result;
  }
  result.value << value(false);
  result.brief = briefText(drawn(false), m_selection.reduction());
  if (cell.key > cell.query) return result;
  const bool compared = m_selection.compareRun() != kNoRun && m_sides != PictureSides::OnlyA;
  if (m_sides != PictureSides::OnlyB)
    result.value << fate(m_selection.focusRun(), compared ? tr("A: ") : QString(), cell.key);
  if (compared) result.value << fate(m_selection.compareRun(), tr("B: "), cell.key);
  result.value.removeAll(QString());
  const QString kept = result.value.size() == 2 ? result.value.back().section(QStringLiteral(": "), -1) : QString();
  if (!kept.isEmpty()) result.brief += QLatin1Char('\n') + kept;
  return result;
}

void MapBinding::showTokenText() {
  if (!m_document.isOpen()) return m_view.setTokenText({});
  m_view.setTokenText([index = m_document.indexPointer()](TokenIndex token) {
    return QString::fromStdString(tokenText(index->header.prompt, token));
  });
}

void MapBinding::showAll() {
  if (deferred()) return;
  showTokenText();
  m_view.setSpans(m_document.isOpen() ? m_document.prompt().spans : std::vector<trace::Span>{});
  showPicture();
  m_view.setCursor(m_selection.cursor());  // a view that was hidden has dropped it with its first picture
  showTracks();
  showStrips();
}

}  // namespace kvatlas::views
