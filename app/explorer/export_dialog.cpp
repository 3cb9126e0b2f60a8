#include "app/explorer/export_dialog.h"

#include <QDoubleSpinBox>
#include <QFileDialog>
#include <QFormLayout>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QSpinBox>
#include <QVBoxLayout>

#include "core/base/outcome.h"
#include "views/models/figures/figure_spec.h"

namespace kvatlas::app {
namespace {

constexpr double kSharper = 2;  // the preview is drawn finer than the screen and shown at printed size

}  // namespace

ExportDialog::ExportDialog(QWidget& shown, QWidget* parent)
    : QDialog(parent),
      m_shown(&shown),
      m_width(new QDoubleSpinBox),
      m_dpi(new QSpinBox),
      m_picture(new QLabel),
      m_note(new QLabel) {
  setWindowTitle(tr("Export what is on screen"));
  setObjectName(QStringLiteral("exportDialog"));
  m_width->setObjectName(QStringLiteral("exportWidth"));
  m_width->setRange(2.5, 20);
  m_width->setSingleStep(0.1);
  m_width->setDecimals(1);
  m_width->setSuffix(tr(" in"));
  m_width->setValue(views::kDoubleColumnInches);
  m_dpi->setRange(50, 1200);
  m_dpi->setValue(300);
  m_note->setWordWrap(true);
  m_picture->setAlignment(Qt::AlignCenter);
  auto* form = new QFormLayout;
  form->addRow(tr("&Width"), m_width);
  form->addRow(tr("PNG, dots per &inch"), m_dpi);
  auto* scroll = new QScrollArea;
  scroll->setWidget(m_picture);
  scroll->setWidgetResizable(true);
  scroll->setBackgroundRole(QPalette::Mid);
  auto* save = new QPushButton(tr("&Save as…"));
  auto* close = new QPushButton(tr("&Close"));
  auto* buttons = new QHBoxLayout;
  buttons->addWidget(m_note, 1);
  buttons->addWidget(save);
  buttons->addWidget(close);
  auto* column = new QVBoxLayout(this);
  column->addLayout(form);
  column->addWidget(scroll, 1);
  column->addLayout(buttons);
  resize(860, 680);
  connect(m_width, &QDoubleSpinBox::valueChanged, this, &ExportDialog::draw);
  connect(save, &QPushButton::clicked, this, &ExportDialog::save);
  connect(close, &QPushButton::clicked, this, &QDialog::close);
}

PrintSize ExportDialog::printSize() const {
  return {m_width->value(), m_dpi->value()};
}

void ExportDialog::draw() {
  if (!m_shown) return;
  m_image = drawWidget(*m_shown, {m_width->value(), static_cast<int>(logicalDpiX() * kSharper)});
  m_image.setDevicePixelRatio(kSharper);
  m_picture->setPixmap(QPixmap::fromImage(m_image));
  m_note->setText(tr("printed size: %1 × %2 in")
                      .arg(m_width->value(), 0, 'f', 1)
                      .arg(m_width->value() * m_shown->height() / m_shown->width(), 0, 'f', 1));
}

QString ExportDialog::writeTo(const QString& path) {
  if (!m_shown) return tr("what was on screen is gone");
  const Outcome outcome = guarded([&] { exportWidget(*m_shown, path, printSize()); });
  return outcome.exit_code == 0 ? QString() : QString::fromStdString(outcome.message);
}

void ExportDialog::save() {
  const QString path = QFileDialog::getSaveFileName(this, windowTitle(), QStringLiteral("map.pdf"),
                                                    tr("PDF (*.pdf);;SVG (*.svg);;PNG (*.png)"));
  if (path.isEmpty()) return;
  const QString problem = writeTo(path);
  m_note->setText(problem.isEmpty() ? tr("Written: %1").arg(path) : problem);
}

void ExportDialog::showEvent(QShowEvent* event) {
  QDialog::showEvent(event);
  if (m_image.isNull()) draw();
}

}  // namespace kvatlas::app
