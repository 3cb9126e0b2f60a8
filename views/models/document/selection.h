// The selection that all views show and change, clamped to the document. Qt Core only.
#pragma once

#include <QObject>
#include <optional>
#include <set>

#include "views/models/document/cell.h"
#include "views/models/document/document.h"
#include "views/models/document/head_choice.h"

namespace kvatlas::views {

// Setters clamp, and signal only changes. Opening another trace resets the selection and emits reset()
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
  [[nodiscard]] std::vector<RunId> visibleRuns() const;  // in document order

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
  void stepLayer(int by);  // clamped to the model
  void stepHead(int by);   // steps query heads or KV heads, as chosen; "all heads" steps to head 0

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
