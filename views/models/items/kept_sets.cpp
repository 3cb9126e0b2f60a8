#include "views/models/items/kept_sets.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "core/base/error.h"
#include "views/models/document/token_text.h"
#include "views/models/items/model_roles.h"
#include "views/models/map/kept_strip.h"
#include "views/models/map/signal_row.h"
#include "views/models/qt_text.h"

namespace kvatlas::views {
namespace {

// [tokens] heads of a choice that keep each token, and how many heads there are.
std::pair<std::vector<std::uint16_t>, std::uint16_t> keeping(const RunView& run, LayerIndex layer,
                                                             const HeadChoice& head) {
  const std::vector<std::size_t> lists = storedHeadsOf(run, head);
  const auto heads = static_cast<std::uint16_t>(lists.size());
  std::vector<std::uint16_t> counts(run.tokens, run.everything() ? heads : std::uint16_t{0});
  for (const std::size_t list : lists)
    for (const TokenIndex position : run.kept(layer, list))
      if (position < counts.size()) ++counts[position];
  return {std::move(counts), heads};
}

KeptSet setOf(bool a, bool b) {
  return a && b ? KeptSet::Both : a ? KeptSet::OnlyA : b ? KeptSet::OnlyB : KeptSet::Neither;
}

}  // namespace

KeptSetsModel::KeptSetsModel(Document& document, Selection& selection, QObject* parent)
    : QAbstractTableModel(parent), m_document(document), m_selection(selection) {
  for (const auto signal : {&Selection::reset, &Selection::layerChanged, &Selection::headChanged})
    connect(&selection, signal, this, &KeptSetsModel::readAgain);
  for (const auto signal : {&Selection::focusRunChanged, &Selection::compareRunChanged})
    connect(&selection, signal, this, &KeptSetsModel::invalidate);
  connect(&document, &Document::refreshed, this, &KeptSetsModel::readAgain);
  connect(&document, &Document::runReady, this, [this](int run) {
    if (run == m_selection.focusRun() || run == m_selection.compareRun()) invalidate();
  });
  refresh();
}

// A closed trace has no tokens at once.
void KeptSetsModel::invalidate() {
  m_stale = true;
  if (!m_document.isOpen()) return restart();
  emit stale();
}

void KeptSetsModel::readAgain() {
  m_unread = true;
  invalidate();
}

void KeptSetsModel::refresh() {
  if (!m_stale) return;
  restart();
  if (std::exchange(m_unread, false)) read();
}

void KeptSetsModel::read() {
  m_document.thread().cancel(std::exchange(m_request, 0));
  m_masses.clear();
  if (!m_document.isOpen()) return;
  m_request = m_document.post(
      {Priority::Soon},
      [layer = m_selection.layer(), head = m_selection.head()](const trace::Reader& reader) {
        std::vector<float> sums =
            reader.hasLayer(layer) ? signalRow(reader, layer, head, trace::Signal::WindowSum) : std::vector<float>();
        const auto window = static_cast<float>(std::max(1U, reader.header().attention.window));
        for (float& sum : sums) sum /= window;
        return sums;
      },
      this,
      [this](Answer<std::vector<float>> answer) {
        if (!answer || !m_document.isOpen() || answer.value->size() != m_document.tokens()) return;
        m_masses = std::move(*answer.value);
        restart();
      });
}

void KeptSetsModel::restart() {
  beginResetModel();
  m_stale = false;
  if (m_unread) m_masses.clear();
  const auto runOf = [this](RunId id) { return m_document.hasRun(id) ? m_document.run(id) : nullptr; };
  m_a = runOf(m_selection.focusRun());
  m_b = m_selection.compareRun() == m_selection.focusRun() ? nullptr : runOf(m_selection.compareRun());
  if (m_a && m_a->tokens == m_document.tokens()) {
    std::tie(m_keep_a, m_heads_a) = keeping(*m_a, m_selection.layer(), m_selection.head());
    if (m_b) std::tie(m_keep_b, m_heads_b) = keeping(*m_b, m_selection.layer(), m_selection.head());
  } else {
    m_a = m_b = nullptr;
  }
  arrange();
  endResetModel();
}

void KeptSetsModel::arrange() {
  m_rows.clear();
  m_sums.fill({});
  if (!m_a) return;
  for (TokenIndex token = 0; token < m_keep_a.size(); ++token) {
    const auto set = static_cast<std::size_t>(setOf(m_keep_a[token] > 0, m_b && m_keep_b[token] > 0));
    ++m_sums[set].tokens;
    m_sums[set].mass +=
        m_masses.empty() ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(m_masses[token]);
    if (m_shown[set]) m_rows.push_back(token);
  }
  if (!m_masses.empty())
    std::ranges::stable_sort(m_rows, [this](TokenIndex a, TokenIndex b) { return m_masses[a] > m_masses[b]; });
}

void KeptSetsModel::setShown(KeptSet set, bool shown) {
  if (isShown(set) == shown) return;
  beginResetModel();
  m_shown[static_cast<std::size_t>(set)] = shown;
  arrange();
  endResetModel();
}

int KeptSetsModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

int KeptSetsModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : Columns;
}

// "A", "A and B", with "in 2 of 9 heads" where only some heads keep the token.
QString KeptSetsModel::setText(TokenIndex token) const {
  const auto part = [](const QString& name, std::uint16_t keep, std::uint16_t heads) {
    return keep == heads ? name : tr("%1 (%2 of %3 heads)").arg(name).arg(keep).arg(heads);
  };
  const std::uint16_t a = m_keep_a[token], b = m_b ? m_keep_b[token] : std::uint16_t{0};
  if (!m_b) return a == 0 ? tr("evicted") : part(tr("kept"), a, m_heads_a);
  if (a > 0 && b > 0) return tr("%1, %2").arg(part(tr("A"), a, m_heads_a), part(tr("B"), b, m_heads_b));
  return a > 0 ? part(tr("A"), a, m_heads_a) : b > 0 ? part(tr("B"), b, m_heads_b) : tr("neither");
}

QVariant KeptSetsModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || !checkIndex(index) || !m_document.isOpen()) return {};
  const TokenIndex token = m_rows[static_cast<std::size_t>(index.row())];
  if (role == BeginRole) return token;
  if (role == Qt::TextAlignmentRole)
    return index.column() == Position || index.column() == Mass ? QVariant(Qt::AlignRight | Qt::AlignVCenter)
                                                                : QVariant();
  if (role != Qt::DisplayRole && role != SortRole && role != ValueRole) return {};
  switch (index.column()) {
    case Position:
      return token;
    case Text:
      return toQString(tokenText(m_document.prompt(), token));
    case Spans:
      return toQString(spansAt(m_document.prompt(), token));
    case Set:
      return setText(token);
    case Mass:
      if (m_masses.empty()) return role == Qt::DisplayRole ? QVariant(QStringLiteral("–")) : QVariant();
      return role == Qt::DisplayRole ? QVariant(QString::number(static_cast<double>(m_masses[token]), 'g', 3))
                                     : QVariant(m_masses[token]);
    default:
      fail("column {} of the kept tokens is unknown", index.column());
  }
}

QVariant KeptSetsModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= Columns) return {};
  const std::array titles{tr("Token"), tr("Text"), tr("Span"), tr("Kept by"), tr("Mass")};
  if (role == Qt::DisplayRole) return titles[static_cast<std::size_t>(section)];
  if (role == Qt::ToolTipRole && section == Mass)
    return tr("Share of the attention of the prompt's last queries on this token, in the layer and heads in view");
  return {};
}

}  // namespace kvatlas::views
