#include "views/models/items/token_model.h"

#include <algorithm>

#include "core/base/error.h"
#include "views/models/items/model_roles.h"
#include "views/models/map/signal_row.h"
#include "views/models/qt_text.h"

namespace kvatlas::views {
namespace {

std::vector<std::size_t> storedHeads(const RunView& run, const HeadChoice& choice) {
  std::vector<std::size_t> stored;
  for (const HeadIndex head : headsOf(choice, run.model)) {
    const std::size_t list = storedHead(run.run.header, run.model, head.value);
    if (stored.empty() || stored.back() != list) stored.push_back(list);
  }
  return stored;
}

}  // namespace

TokenModel::TokenModel(Document& document, Selection& selection, QObject* parent)
    : QAbstractTableModel(parent), m_document(document), m_selection(selection) {
  connect(&selection, &Selection::reset, this, &TokenModel::restart);
  connect(&selection, &Selection::hiddenRunsChanged, this, &TokenModel::restart);
  connect(&document, &Document::refreshed, this, &TokenModel::restart);
  connect(&document, &Document::runListChanged, this, &TokenModel::restart);
  connect(&selection, &Selection::layerChanged, this, &TokenModel::headsChanged);
  connect(&selection, &Selection::headChanged, this, &TokenModel::headsChanged);
  connect(&document, &Document::runReady, this, [this](int id) {
    m_columns.erase(id);
    const auto found = std::find(m_runs.begin(), m_runs.end(), id);
    const int at = FirstRun + static_cast<int>(found - m_runs.begin());
    if (found != m_runs.end()) columnsChanged(at, at);
  });
  restart();
}

void TokenModel::restart() {
  beginResetModel();
  m_tokens = m_document.isOpen() ? static_cast<int>(m_document.tokens()) : 0;
  m_runs = m_selection.visibleRuns();
  m_columns.clear();
  m_received.clear();
  endResetModel();
  readReceived();
  setQuery(m_query);
}

void TokenModel::headsChanged() {
  m_columns.clear();
  m_received.clear();
  readReceived();
  columnsChanged(Received, columnCount() - 1);
}

void TokenModel::columnsChanged(int first, int last) {
  if (m_tokens > 0) emit dataChanged(index(0, first), index(m_tokens - 1, last));
}

void TokenModel::readReceived() {
  m_document.thread().cancel(std::exchange(m_request, 0));
  if (!m_document.isOpen()) return;
  m_request = m_document.post(
      {Priority::Soon},
      [layer = m_selection.layer(), head = m_selection.head()](const trace::Reader& reader) {
        return signalRow(reader, layer, head, trace::Signal::Received);
      },
      this,
      [this](Answer<std::vector<float>> answer) {
        if (answer && answer.value->size() == static_cast<std::size_t>(m_tokens)) m_received = std::move(*answer.value);
        columnsChanged(Received, Received);
      });
}

const TokenModel::RunColumn* TokenModel::column(RunId id) const {
  if (const auto found = m_columns.find(id); found != m_columns.end()) return &found->second;
  const RunPointer run = m_document.run(id);
  if (!run || run->tokens != static_cast<std::size_t>(m_tokens)) return nullptr;
  const std::vector<std::size_t> lists = storedHeads(*run, m_selection.head());
  RunColumn made;
  made.heads = static_cast<std::uint16_t>(lists.size());
  if (lists.size() == 1) made.reasons = reasonsOf(*run, m_selection.layer(), lists.front());
  made.keeping.assign(run->tokens, run->everything() ? made.heads : std::uint16_t{0});
  for (const std::size_t list : lists)
    for (const TokenIndex position : run->kept(m_selection.layer(), list))
      if (position < made.keeping.size()) ++made.keeping[position];
  return &m_columns.emplace(id, std::move(made)).first->second;
}

std::optional<float> TokenModel::keptFraction(RunId run, TokenIndex position) const {
  const RunColumn* of_run = column(run);
  if (of_run == nullptr || position >= of_run->keeping.size()) return std::nullopt;
  return static_cast<float>(of_run->keeping[position]) / static_cast<float>(of_run->heads);
}

void TokenModel::setQuery(const QString& query) {
  m_query = query;
  m_matches.clear();
  if (m_document.isOpen()) m_matches = findTokens(m_document.prompt(), query.toStdString());
  emit matchesChanged();
}

std::optional<TokenMatch> TokenModel::next(TokenIndex from) {
  if (m_matches.empty()) return std::nullopt;
  auto found = std::find_if(m_matches.begin(), m_matches.end(), [&](const TokenMatch& m) { return m.begin > from; });
  if (found == m_matches.end()) found = m_matches.begin();
  select(*found);
  return *found;
}

std::optional<TokenMatch> TokenModel::previous(TokenIndex from) {
  if (m_matches.empty()) return std::nullopt;
  auto found = std::find_if(m_matches.rbegin(), m_matches.rend(), [&](const TokenMatch& m) { return m.begin < from; });
  if (found == m_matches.rend()) found = m_matches.rbegin();
  select(*found);
  return *found;
}

void TokenModel::select(const TokenMatch& match) {
  const TokenIndex last = m_tokens > 0 ? static_cast<TokenIndex>(m_tokens - 1) : 0;
  const TokenIndex query = m_selection.cursor() ? m_selection.cursor()->query : last;
  m_selection.setKeyRange(TokenRange{match.begin, match.end});
  m_selection.setCursor(Cell{query, match.begin});
}

int TokenModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : m_tokens;
}

int TokenModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : FirstRun + static_cast<int>(m_runs.size());
}

QVariant TokenModel::received(std::size_t row, int role) const {
  if (row >= m_received.size()) return {};
  const float mass = m_received[row];
  return role == Qt::DisplayRole ? QVariant(QString::number(static_cast<double>(mass), 'g', 3)) : QVariant(mass);
}

QVariant TokenModel::fate(RunId run, std::size_t row, int role) const {
  if (role == RunRole) return run;
  const RunColumn* of_run = column(run);
  if (of_run == nullptr || row >= of_run->keeping.size()) return {};
  const std::uint16_t keeping = of_run->keeping[row];
  if (role != Qt::DisplayRole) return static_cast<float>(keeping) / static_cast<float>(of_run->heads);
  if (keeping == 0) return QString();
  if (!of_run->reasons.empty()) return toQString(textOf(of_run->reasons[row]));
  return QStringLiteral("%1/%2").arg(keeping).arg(of_run->heads);
}

QVariant TokenModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || !checkIndex(index) || !m_document.isOpen()) return {};
  const bool number = role == SortRole || role == ValueRole;
  const auto position = static_cast<TokenIndex>(index.row());
  if (role == BeginRole) return position;
  if (role == EndRole) return position + 1;
  if (role != Qt::DisplayRole && !number && role != RunRole) return {};
  if (index.column() >= FirstRun)
    return fate(m_runs[static_cast<std::size_t>(index.column() - FirstRun)], position, role);
  if (role == RunRole) return {};
  switch (index.column()) {
    case Position:
      return position;
    case Text:
      return toQString(tokenText(m_document.prompt(), position));
    case Spans:
      return toQString(spansAt(m_document.prompt(), position));
    case Received:
      return received(position, role);
    default:
      fail("column {} of the tokens is unknown", index.column());
  }
}

QVariant TokenModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (role != Qt::DisplayRole || orientation != Qt::Horizontal) return {};
  constexpr const char* kTitles[] = {"position", "token", "spans", "received"};
  if (section < FirstRun) return QString::fromLatin1(kTitles[section]);
  const auto at = static_cast<std::size_t>(section - FirstRun);  // a view may ask for what a reset has just taken
  if (at >= m_runs.size() || !m_document.hasRun(m_runs[at])) return {};
  const RunId run = m_runs[at];
  const trace::RunHeader& header = m_document.runHeader(run);
  return toQString(header.is_full ? m_document.runTitle(run) : m_document.runTitle(run) + " " + header.budget);
}

}  // namespace kvatlas::views
