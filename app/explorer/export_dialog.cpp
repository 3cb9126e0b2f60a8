#include "app/explorer/export_dialog.h"

#include <QDoubleSpinBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QFormLayout>
#include <QLabel>
#include <QPushButton>
#include <QScreen>
#include <QScrollArea>
#include <QSpinBox>
#include <QVBoxLayout>

#include "core/base/files.h"
#include "core/base/outcome.h"
#include "views/models/figures/figure_spec.h"

namespace kvatlas::app {
namespace {

constexpr double kSharper = 2;  // preview pixels per screen pixel; it is shown at printed size

}  // namespace

QString withExtension(const QString& path, const QString& filter) {
  const QString suffix = QFileInfo(path).suffix().toLower();
  for (const char* known : {"pdf", "svg", "png"})
    if (suffix == QLatin1String(known)) return path;
  for (const char* known : {"svg", "png"})
    if (filter.contains(QLatin1String(known))) return path + QLatin1Char('.') + QLatin1String(known);
  return path + QStringLiteral(".pdf");
}

ExportDialog::ExportDialog(QWidget& shown, QWidget* parent, std::function<std::string()> state)
    : QDialog(parent),
      m_shown(&shown),
      m_state(std::move(state)),
      m_width(new QDoubleSpinBox),
      m_dpi(new QSpinBox),
      m_picture(new QLabel),
      m_note(new QLabel) {
  setWindowTitle(tr("Export view"));
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
  form->addRow(tr("PNG resolution, dp&i"), m_dpi);
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
  m_width->setAccessibleName(tr("Width"));
  m_dpi->setAccessibleName(tr("PNG resolution"));
  const QSize room = screen() == nullptr ? QSize(860, 680) : screen()->availableSize() - QSize(16, 48);
  resize(QSize(860, 680).boundedTo(room));
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
  if (!m_shown) return tr("the view is closed");
  const Outcome outcome = guarded([&] {
    exportWidget(*m_shown, path, printSize());
    if (m_state) writeFileAtomically(path.toStdString() + ".json", m_state() + "\n");  // as beside a figure
  });
  return outcome.exit_code == 0 ? QString() : QString::fromStdString(outcome.message);
}

void ExportDialog::save() {
  QString kind;
  const QString chosen = QFileDialog::getSaveFileName(this, windowTitle(), QStringLiteral("map.pdf"),
                                                      tr("PDF (*.pdf);;SVG (*.svg);;PNG (*.png)"), &kind);
  if (chosen.isEmpty()) return;
  const QString path = withExtension(chosen, kind);
  const QString problem = writeTo(path);
  m_note->setText(problem.isEmpty() ? tr("Saved %1, with its settings in %1.json").arg(path) : problem);
}

void ExportDialog::showEvent(QShowEvent* event) {
  QDialog::showEvent(event);
  if (m_image.isNull()) draw();
}

}  // namespace kvatlas::app
