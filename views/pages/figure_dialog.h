// A figure as the command line draws it, of the open trace, of an evaluation's results or of a training's log, with a
// preview at its printed size, written as PDF, SVG or PNG. Knows document and selection.
#pragma once

#include <QDialog>
#include <QTimer>

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

class FigureDialog : public QDialog {
  Q_OBJECT

 public:
  FigureDialog(Document& document, Selection& selection, FigureKind kind, QWidget* parent = nullptr);

  [[nodiscard]] FigureSpec spec() const;
  // Results folder or training log, for kinds that are not drawn from a trace.
  void setSourcePath(const QString& path);
  // Empty where it was written; else one sentence.
  QString writeTo(const QString& path);
  [[nodiscard]] QImage preview() const { return m_image; }
  [[nodiscard]] QString problem() const;
  void draw();

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  void makeFields(QFormLayout& form);
  void makeSource(QFormLayout& form);
  void browse();
  void fillBudgets();
  void showKind();
  void save();
  void showPicture(const QImage& image, const QString& note);

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
};

}  // namespace kvatlas::views
