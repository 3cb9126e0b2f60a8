// Dialog that exports a widget as PDF, SVG or PNG, with a preview at printed size.
#pragma once

#include <QDialog>
#include <QPointer>
#include <functional>
#include <string>

#include "app/explorer/export_widget.h"

class QDoubleSpinBox;
class QLabel;
class QSpinBox;

namespace kvatlas::app {

class ExportDialog : public QDialog {
  Q_OBJECT

 public:
  // `state`: the JSON written beside the picture; null: none.
  explicit ExportDialog(QWidget& shown, QWidget* parent = nullptr, std::function<std::string()> state = {});

  [[nodiscard]] PrintSize printSize() const;
  [[nodiscard]] QImage preview() const { return m_image; }
  // Writes the picture and, if there is a state, <path>.json. Returns empty on success, else one sentence.
  QString writeTo(const QString& path);
  void draw();

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  void save();

  QPointer<QWidget> m_shown;
  std::function<std::string()> m_state;
  QDoubleSpinBox* m_width;
  QSpinBox* m_dpi;
  QLabel *m_picture, *m_note;
  QImage m_image;
};

// The path with the extension of the chosen file filter (default: PDF), unless it ends in pdf, svg or png.
[[nodiscard]] QString withExtension(const QString& path, const QString& filter);

}  // namespace kvatlas::app
