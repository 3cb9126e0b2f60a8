// The prompt as a searchable list of tokens with each run's decision, for the selected layer and head. Qt Core only.
#pragma once

#include <QAbstractTableModel>
#include <map>
#include <optional>
#include <vector>

#include "views/models/document/selection.h"
#include "views/models/document/token_text.h"

namespace kvatlas::views {

// One row per token. Run columns: why it is kept ("sink", "window", "score"), or "3/8" if only some of several stored
// heads keep it; ValueRole: the fraction of heads that keep it.
class TokenModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  enum Column { Position, Text, Spans, Received, FirstRun };

  TokenModel(Document& document, Selection& selection, QObject* parent = nullptr);

  // The fraction of the selection's stored heads that keep a token; empty until the run is loaded.
  [[nodiscard]] std::optional<float> keptFraction(RunId run, TokenIndex position) const;

  // Text, span name or position; an empty query matches nothing.
  void setQuery(const QString& query);
  [[nodiscard]] const std::vector<TokenMatch>& matches() const { return m_matches; }
  // The next (previous) match from a position; wraps around. Also selects it as key range and
  // key.
  std::optional<TokenMatch> next(TokenIndex from);
  std::optional<TokenMatch> previous(TokenIndex from);

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
  [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 signals:
  void matchesChanged();

 private:
  struct RunColumn {
    std::vector<std::uint16_t> keeping;   // [N] stored heads that keep the token
    std::vector<policy::Reason> reasons;  // [N] if one stored head serves the selection
    std::uint16_t heads = 1;
  };

  void restart();
  void headsChanged();
  void columnsChanged(int first, int last);
  void readReceived();
  void select(const TokenMatch& match);
  [[nodiscard]] const RunColumn* column(RunId run) const;
  [[nodiscard]] QVariant received(std::size_t row, int role) const;
  [[nodiscard]] QVariant fate(RunId run, std::size_t row, int role) const;

  Document& m_document;
  Selection& m_selection;
  int m_tokens = 0;
  std::vector<RunId> m_runs;
  std::vector<float> m_received;
  RequestId m_request = 0;
  mutable std::map<RunId, RunColumn> m_columns;
  QString m_query;
  std::vector<TokenMatch> m_matches;
};

}  // namespace kvatlas::views
