#include "views/pages/start_page.h"

#include <QCommandLinkButton>
#include <QFileInfo>
#include <QKeyEvent>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QScrollArea>
#include <QVBoxLayout>

namespace kvatlas::views {
namespace {

constexpr int kColumnWidth = 400;
constexpr int kMostRecent = 5;

QLabel* heading(const QString& text, double scale) {
  auto* label = new QLabel(text);
  QFont font = label->font();
  font.setPointSizeF(font.pointSizeF() * scale);
  font.setBold(true);
  label->setFont(font);
  return label;
}

// Shows its keyboard focus and answers Return, which the style and Qt leave to dialogs.
class StartButton : public QCommandLinkButton {
 public:
  using QCommandLinkButton::QCommandLinkButton;

 protected:
  void keyPressEvent(QKeyEvent* event) override {
    if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) return click();
    QCommandLinkButton::keyPressEvent(event);
  }
  void paintEvent(QPaintEvent* event) override {
    QCommandLinkButton::paintEvent(event);
    if (!hasFocus()) return;
    QPainter painter(this);
    painter.setPen(QPen(palette().color(QPalette::Highlight), 2));
    painter.setRenderHint(QPainter::Antialiasing);
    painter.drawRoundedRect(QRectF(rect()).adjusted(1, 1, -1, -1), 3, 3);
  }
};

QLabel* paragraph(const QString& html) {
  auto* label = new QLabel(html);
  label->setTextFormat(Qt::RichText);
  label->setWordWrap(true);
  return label;
}

}  // namespace

StartPage::StartPage(QWidget* parent) : QWidget(parent), m_recent(new QVBoxLayout), m_recent_box(new QWidget) {
  setObjectName(QStringLiteral("startPage"));
  auto* content = new QWidget;
  auto* columns = new QHBoxLayout;
  columns->setSpacing(48);
  columns->addWidget(makeChoices(), 0, Qt::AlignTop);
  columns->addWidget(makeTour(), 0, Qt::AlignTop);
  auto* page = new QVBoxLayout(content);
  page->setContentsMargins(40, 32, 40, 32);
  page->setSpacing(6);
  page->addStretch(1);
  page->addWidget(heading(tr("KVAtlas Explorer"), 1.9));
  page->addWidget(paragraph(tr("See what KV-cache eviction throws away, on real attention maps.")));
  page->addSpacing(18);
  page->addLayout(columns);
  page->addStretch(2);
  auto* centre = new QWidget;
  auto* middle = new QHBoxLayout(centre);
  middle->addStretch(1);
  middle->addWidget(content);
  middle->addStretch(1);
  auto* scroll = new QScrollArea;
  scroll->setAccessibleName(tr("Welcome page"));
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setWidgetResizable(true);
  scroll->setWidget(centre);
  auto* outer = new QVBoxLayout(this);
  outer->setContentsMargins(0, 0, 0, 0);
  outer->addWidget(scroll);
}

QWidget* StartPage::makeChoices() {
  auto* box = new QWidget;
  box->setFixedWidth(kColumnWidth);
  auto* column = new QVBoxLayout(box);
  column->setContentsMargins(0, 0, 0, 0);
  const auto add = [&](const char* name, const QString& title, const QString& text, void (StartPage::*signal)()) {
    auto* button = new StartButton(title, text);
    button->setObjectName(QString::fromLatin1(name));
    connect(button, &QCommandLinkButton::clicked, this, signal);
    column->addWidget(button);
    return button;
  };
  add("startOpen", tr("Open a trace…"),
      tr("A *.kva.h5 file, or the .part file of a running capture. You can also drop it here."),
      &StartPage::openRequested);
  m_capture = add("startCapture", tr("Capture a prompt…"), tr("Run a model on a prompt with several eviction methods."),
                  &StartPage::captureRequested);
  m_example = add("startExample", tr("Open example trace"),
                  tr("A tiny model looks for a number hidden in a text; four methods, two budgets each."),
                  &StartPage::exampleRequested);
  auto* recent = new QVBoxLayout(m_recent_box);
  recent->setContentsMargins(0, 12, 0, 0);
  recent->addWidget(heading(tr("Recent"), 1.0));
  recent->addLayout(m_recent);
  m_recent_box->hide();
  column->addWidget(m_recent_box);
  return box;
}

QWidget* StartPage::makeTour() {
  auto* box = new QWidget;
  box->setFixedWidth(kColumnWidth);
  auto* column = new QVBoxLayout(box);
  column->setContentsMargins(0, 6, 0, 0);
  column->setSpacing(10);
  column->addWidget(heading(tr("A short tour"), 1.2));
  const QString steps[] = {
      tr("<b>The map</b> shows the attention of one head: queries run down, keys to the right. Zoom with the wheel, "
         "drag to pan, change layer and head with the arrow keys."),
      tr("<b>The strips above it</b> show which keys each method keeps, and why: sink, window or score. Click one to "
         "see "
         "what its method evicts."),
      tr("<b>Layer × head</b> shows entropy, sink mass or retained mass of every head. Click a cell to open its map."),
      tr("<b>Text</b> shows the prompt: evicted words are struck out, and one query can shade the words it attends to. "
         "<b>Inspector</b> shows the pair under the cursor."),
      tr("<b>What if</b> recomputes the eviction from recorded scores while you move the budget slider."),
      tr("<b>Charts</b>: retained mass, budgets, kept positions, KL. Click a point to open its map. F9 shows the map "
         "alone."),
  };
  for (const QString& step : steps) column->addWidget(paragraph(step));
  return box;
}

void StartPage::setRecentFiles(const QStringList& files) {
  while (QLayoutItem* item = m_recent->takeAt(0)) {
    item->widget()->deleteLater();
    delete item;
  }
  for (const QString& file : files.mid(0, kMostRecent)) {
    auto* button = new QPushButton(QFileInfo(file).fileName());
    button->setFlat(true);
    button->setAutoDefault(true);
    button->setAccessibleName(tr("Open %1").arg(file));
    button->setStyleSheet(QStringLiteral("text-align: left; padding: 3px;"));
    button->setToolTip(file);
    connect(button, &QPushButton::clicked, this, [this, file] { emit fileRequested(file); });
    m_recent->addWidget(button);
  }
  m_recent_box->setVisible(!files.isEmpty());
}

void StartPage::focusFirst() {
  if (auto* first = findChild<QCommandLinkButton*>(QStringLiteral("startOpen"))) first->setFocus(Qt::OtherFocusReason);
}

void StartPage::setExampleAvailable(bool available) {
  m_example->setVisible(available);
}

void StartPage::setCaptureAvailable(bool available) {
  m_capture->setEnabled(available);
  m_capture->setToolTip(available ? QString() : tr("The kvatlas executable was not found next to kvatlas-explorer."));
}

}  // namespace kvatlas::views
