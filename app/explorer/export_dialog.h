// Dialog that exports a widget as PDF, SVG or PNG, with a preview at printed size.
#pragma once

#include <QDialog>
#include <QPointer>

#include "app/explorer/export_widget.h"

class QDoubleSpinBox;
class QLabel;
class QSpinBox;

namespace kvatlas::app {

class ExportDialog : public QDialog {
  Q_OBJECT

 public:
  explicit ExportDialog(QWidget& shown, QWidget* parent = nullptr);

  [[nodiscard]] PrintSize printSize() const;
  [[nodiscard]] QImage preview() const { return m_image; }
  // Returns empty on success, else one sentence.
  QString writeTo(const QString& path);
  void draw();

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  void save();

  QPointer<QWidget> m_shown;
  QDoubleSpinBox* m_width;
  QSpinBox* m_dpi;
  QLabel *m_picture, *m_note;
  QImage m_image;
};

}  // namespace kvatlas::app
