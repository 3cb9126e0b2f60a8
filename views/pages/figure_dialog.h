// A figure as the command line draws it, of the open trace, of an evaluation's results or of a training's log, with a
// preview at its printed size, written as PDF, SVG or PNG. Values are gathered on other threads, the picture is drawn
// here. Knows document and selection.
#pragma once

#include <QDialog>
#include <QTimer>
#include <cstdint>
#include <memory>
#include <string>

#include "views/models/document/document.h"
#include "views/models/document/selection.h"
#include "views/models/figures/figure_spec.h"

class QCheckBox;
class QComboBox;
class QDoubleSpinBox;
class QFormLayout;
class QLabel;
class QLineEdit;
class QPushButton;
class QScrollArea;

namespace kvatlas::views {

struct Figure;
struct GatheredFigure;

class FigureDialog : public QDialog {
  Q_OBJECT

 public:
  FigureDialog(Document& document, Selection& selection, const std::string& kind, QWidget* parent = nullptr);

  [[nodiscard]] FigureSpec spec() const;
  // Results folder or training log, for kinds that are not drawn from a trace.
  void setSourcePath(const QString& path);
  // Writes what the preview shows. Empty where it was written; else one sentence.
  QString writeTo(const QString& path);
  [[nodiscard]] QImage preview() const { return m_image; }
  [[nodiscard]] QString problem() const;
  // Asks for the figure of the fields as they are now and returns; drawn() follows unless another draw() comes first.
  void draw();
  [[nodiscard]] bool busy() const { return m_waiting || m_timer.isActive(); }  // the preview is not what fields say

 signals:
  void drawn();  // a picture, or a problem()

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  // Everything that values depend on.
  struct Request {
    FigureSpec spec;
    std::string path;  // of what is not the open trace
    friend bool operator==(const Request&, const Request&) = default;
  };

  [[nodiscard]] Request request() const;
  void gather();
  void take(std::uint64_t turn, std::shared_ptr<const GatheredFigure> gathered, const std::string& error);
  void change();
  void changeTrace();
  void makeFields(QFormLayout& form);
  void makeSource(QFormLayout& form);
  void browse();
  void fillBudgets();
  // Whether the list of colour maps holds the default of the kind.
  [[nodiscard]] bool offersColours(const FigureKind& kind) const;
  void addSelection(FigureSpec& spec, const FigureKind& kind) const;
  void showKind();
  void save();
  void showFigure(Figure& figure);
  void showProblem(const QString& problem);

  Document& m_document;
  Selection& m_selection;
  QComboBox *m_kind, *m_width, *m_theme, *m_budget, *m_runs, *m_scale, *m_reduction, *m_colours, *m_by;
  QLineEdit *m_title, *m_source;
  QPushButton* m_browse;
  QDoubleSpinBox* m_dpi;
  QCheckBox *m_spans, *m_entropy;
  QLabel *m_picture, *m_note, *m_problem;
  QPushButton* m_save;
  QTimer m_timer;
  QImage m_image;
  Request m_asked;
  std::shared_ptr<const GatheredFigure> m_gathered;  // of m_asked; null: not yet, or not at all
  std::uint64_t m_turn = 0;                          // answers to older requests are dropped
  GroupId m_group;
  bool m_waiting = false;
};

}  // namespace kvatlas::views
