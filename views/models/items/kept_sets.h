// The prompt tokens by who keeps them: only the focus run (A), only the compared run (B), both or neither, with the
// mass that the prompt's last queries put on each, for the layer and heads in view. Without a compared run: kept or
// evicted by A. Works only when asked to: a selection that changes makes it stale. Qt Core only.
#pragma once

#include <QAbstractTableModel>
#include <array>
#include <vector>

#include "views/models/document/selection.h"

namespace kvatlas::views {

enum class KeptSet { OnlyA, OnlyB, Both, Neither };
inline constexpr int kKeptSets = 4;

struct KeptSetSum {
  std::uint64_t tokens = 0;
  double mass = 0;  // share of a query's attention, mean over the prompt's last queries; NaN: not recorded
};

// Rows: the tokens of the chosen sets, by falling mass, ties by position. SortRole: a number or text; BeginRole: the
// position.
class KeptSetsModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  enum Column { Position, Text, Spans, Set, Mass, Columns };

  KeptSetsModel(Document& document, Selection& selection, QObject* parent = nullptr);

  void refresh();  // shows the selection; call it when stale() was emitted
  void setShown(KeptSet set, bool shown);
  [[nodiscard]] bool isShown(KeptSet set) const { return m_shown[static_cast<std::size_t>(set)]; }
  [[nodiscard]] const KeptSetSum& sum(KeptSet set) const { return m_sums[static_cast<std::size_t>(set)]; }
  [[nodiscard]] bool compared() const { return m_b != nullptr; }
  [[nodiscard]] bool known() const { return m_a != nullptr; }  // false: no run, or still loading

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
  [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 signals:
  void stale();

 private:
  void invalidate();
  void readAgain();
  void restart();
  void read();
  void arrange();
  [[nodiscard]] QString setText(TokenIndex token) const;

  Document& m_document;
  Selection& m_selection;
  RunPointer m_a, m_b;
  std::vector<float> m_masses;          // [tokens]; empty: not recorded or not read yet
  std::vector<std::uint16_t> m_keep_a;  // [tokens] heads of the choice that keep a token
  std::vector<std::uint16_t> m_keep_b;
  std::uint16_t m_heads_a = 1, m_heads_b = 1;
  std::array<bool, kKeptSets> m_shown{true, true, true, false};
  std::array<KeptSetSum, kKeptSets> m_sums;
  std::vector<TokenIndex> m_rows;
  RequestId m_request = 0;
  bool m_stale = true, m_unread = true;  // m_unread: the masses are of another layer or head
};

}  // namespace kvatlas::views
