#include "app/explorer/capture/path_edit.h"

#include <QFileDialog>
#include <QHBoxLayout>
#include <QLineEdit>
#include <QPushButton>

namespace kvatlas::app {

PathEdit::PathEdit(Kind kind, const QString& title, const QString& filter, QWidget* parent)
    : QWidget(parent), m_kind(kind), m_title(title), m_filter(filter), m_line(new QLineEdit) {
  auto* button = new QPushButton(tr("Browse…"));
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(0, 0, 0, 0);
  row->addWidget(m_line, 1);
  row->addWidget(button);
  setFocusProxy(m_line);
  connect(button, &QPushButton::clicked, this, &PathEdit::browse);
  connect(m_line, &QLineEdit::textChanged, this, &PathEdit::changed);
}

QString PathEdit::path() const {
  return m_line->text().trimmed();
}

void PathEdit::setPath(const QString& path) {
  m_line->setText(path);
}

void PathEdit::browse() {
  QString chosen;
  switch (m_kind) {
    case Kind::Folder:
      chosen = QFileDialog::getExistingDirectory(this, m_title, path());
      break;
    case Kind::OpenFile:
      chosen = QFileDialog::getOpenFileName(this, m_title, path(), m_filter);
      break;
    case Kind::SaveFile:
      chosen = QFileDialog::getSaveFileName(this, m_title, path(), m_filter);
      break;
  }
  if (!chosen.isEmpty()) setPath(chosen);
}

}  // namespace kvatlas::app
