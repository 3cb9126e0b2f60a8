#include "views/pages/message_bar.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QStyle>
#include <QToolButton>

#include "core/base/error.h"
#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

Rgb accentOf(MessageBar::Kind kind) {
  switch (kind) {
    case MessageBar::Kind::Note:
      return rgb(0x0072B2);
    case MessageBar::Kind::Warning:
      return rgb(0xE69F00);
    case MessageBar::Kind::Failure:
      return rgb(0xC8372D);
  }
  fail("kind of message {} is unknown", static_cast<int>(kind));
}

QStyle::StandardPixmap markOf(MessageBar::Kind kind) {
  switch (kind) {
    case MessageBar::Kind::Note:
      return QStyle::SP_MessageBoxInformation;
    case MessageBar::Kind::Warning:
      return QStyle::SP_MessageBoxWarning;
    case MessageBar::Kind::Failure:
      return QStyle::SP_MessageBoxCritical;
  }
  fail("kind of message {} is unknown", static_cast<int>(kind));
}

}  // namespace

MessageBar::MessageBar(QWidget* parent) : QFrame(parent), m_mark(new QLabel(this)), m_text(new QLabel(this)) {
  setObjectName(QStringLiteral("messageBar"));
  setAutoFillBackground(true);
  m_text->setWordWrap(true);
  m_text->setTextFormat(Qt::PlainText);
  m_text->setTextInteractionFlags(Qt::TextSelectableByMouse);
  auto* close = new QToolButton(this);
  close->setObjectName(QStringLiteral("messageClose"));
  close->setIcon(style()->standardIcon(QStyle::SP_TitleBarCloseButton));
  close->setAutoRaise(true);
  close->setToolTip(tr("Hide this message"));
  close->setAccessibleName(tr("Hide this message"));
  connect(close, &QToolButton::clicked, this, &MessageBar::clear);
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(10, 5, 6, 5);
  row->addWidget(m_mark, 0, Qt::AlignTop);
  row->addWidget(m_text, 1);
  row->addWidget(close, 0, Qt::AlignTop);
  hide();
}

void MessageBar::show(Kind kind, const QString& text) {
  m_kind = kind;
  m_text->setText(text);
  applyTheme();
  setVisible(true);
}

void MessageBar::clear() {
  m_text->clear();
  hide();
}

QString MessageBar::text() const {
  return m_text->text();
}

void MessageBar::changeEvent(QEvent* event) {
  QFrame::changeEvent(event);
  // Not on PaletteChange: applyTheme() sets this widget's palette and would recurse.
  if (event->type() == QEvent::ParentChange || event->type() == QEvent::ThemeChange ||
      event->type() == QEvent::ApplicationPaletteChange)
    applyTheme();
}

void MessageBar::applyTheme() {
  const QPalette outer = parentWidget() != nullptr ? parentWidget()->palette() : QPalette();
  const ThemeColours& colours = themeColours(themeOf(outer));
  QPalette inner = outer;
  inner.setColor(QPalette::Window, toColour(mix(colours.paper, accentOf(m_kind), 0.22)));
  setPalette(inner);
  const int side = fontMetrics().height();
  m_mark->setPixmap(style()->standardIcon(markOf(m_kind)).pixmap(side, side));
}

}  // namespace kvatlas::views
