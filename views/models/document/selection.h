// What the user looks at: one selection that every view shows and changes, clamped to the document. Qt Core only.
#pragma once

#include <QObject>
#include <optional>
#include <set>

#include "views/models/document/cell.h"
#include "views/models/document/document.h"
#include "views/models/document/head_choice.h"

namespace kvatlas::views {

struct TokenRange {
  TokenIndex begin = 0, end = 0;  // [begin, end)
  friend constexpr bool operator==(TokenRange, TokenRange) = default;
};

// Setters clamp, and signal only a change. When another trace is opened, everything starts anew and reset() comes
// first.
class Selection : public QObject {
  Q_OBJECT
 public:
  explicit Selection(Document& document, QObject* parent = nullptr);

  [[nodiscard]] LayerIndex layer() const { return m_layer; }
  [[nodiscard]] HeadChoice head() const { return m_head; }
  [[nodiscard]] trace::Reduction reduction() const { return m_reduction; }
  [[nodiscard]] std::optional<Cell> cursor() const { return m_cursor; }
  [[nodiscard]] std::optional<TokenRange> keyRange() const { return m_key_range; }
  [[nodiscard]] RunId focusRun() const { return m_focus; }      // kNoRun: none
  [[nodiscard]] RunId compareRun() const { return m_compare; }  // kNoRun: no comparison
  [[nodiscard]] std::uint32_t step() const { return m_step; }   // generated token
  [[nodiscard]] bool isHidden(RunId run) const { return m_hidden.contains(run); }
  [[nodiscard]] const std::set<RunId>& hiddenRuns() const { return m_hidden; }
  [[nodiscard]] std::vector<RunId> visibleRuns() const;  // in the order of the document

 public slots:
  void setLayer(kvatlas::LayerIndex layer);
  void setHead(kvatlas::views::HeadChoice head);
  void setReduction(kvatlas::trace::Reduction reduction);
  void setCursor(std::optional<kvatlas::views::Cell> cursor);
  void setKeyRange(std::optional<kvatlas::views::TokenRange> range);
  void setFocusRun(int run);
  void setCompareRun(int run);
  void setStep(std::uint32_t step);
  void setHidden(int run, bool hidden);
  void stepLayer(int by);  // stays inside the model
  void stepHead(int by);   // along query heads or KV heads, whichever is chosen; from "all heads" to head 0

 signals:
  void reset();
  void layerChanged();
  void headChanged();
  void reductionChanged();
  void cursorChanged();
  void keyRangeChanged();
  void focusRunChanged();
  void compareRunChanged();
  void stepChanged();
  void hiddenRunsChanged();

 private:
  void start();
  void keepInside();
  [[nodiscard]] std::uint32_t lastStep() const;

  Document& m_document;
  LayerIndex m_layer;
  HeadChoice m_head;
  trace::Reduction m_reduction = trace::Reduction::Max;
  std::optional<Cell> m_cursor;
  std::optional<TokenRange> m_key_range;
  RunId m_focus = kNoRun, m_compare = kNoRun;
  std::uint32_t m_step = 0;
  std::set<RunId> m_hidden;
};

}  // namespace kvatlas::views
