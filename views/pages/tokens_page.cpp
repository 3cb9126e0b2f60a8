#include "views/pages/tokens_page.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QMouseEvent>
#include <QScrollBar>
#include <QTextBlock>
#include <QVBoxLayout>
#include <algorithm>

#include "views/models/document/token_text.h"
#include "views/models/map/kept_strip.h"
#include "views/models/number_text.h"
#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

constexpr std::uint64_t kLongPrompt = 32768;  // tokens
constexpr int kLaterMs = 30;
constexpr Rgb kKey = rgb(0xE69F00), kQuery = rgb(0x56B4E9), kSpan = rgb(0x999999);

// Characters before each token, for byte offsets into UTF-8: the document of the editor counts UTF-16 units.
std::vector<int> characterOffsets(const trace::Prompt& prompt) {
  std::vector<int> begins;
  begins.reserve(prompt.offsets.size());
  int characters = 0;
  std::uint64_t byte = 0;
  for (const std::uint64_t offset : prompt.offsets) {
    for (; byte < offset && byte < prompt.text.size(); ++byte) {
      const auto lead = static_cast<unsigned char>(prompt.text[byte]);
      if (lead < 0x80 || lead >= 0xC0) characters += lead >= 0xF0 ? 2 : 1;
    }
    begins.push_back(characters);
  }
  return begins;
}

}  // namespace

TokensPage::TokensPage(Document& document, Selection& selection, QWidget* parent)
    : QWidget(parent),
      m_document(document),
      m_selection(selection),
      m_text(new QPlainTextEdit),
      m_search(new QLineEdit),
      m_note(new QLabel) {
  setObjectName(QStringLiteral("tokensPage"));
  m_text->setObjectName(QStringLiteral("tokensText"));
  m_search->setObjectName(QStringLiteral("tokensSearch"));
  m_text->setReadOnly(true);
  m_text->setFrameShape(QFrame::NoFrame);
  m_text->viewport()->installEventFilter(this);
  m_note->setObjectName(QStringLiteral("tokensNote"));
  m_text->viewport()->setCursor(Qt::PointingHandCursor);
  m_search->setPlaceholderText(tr("find text, a named range or a position"));
  m_search->setClearButtonEnabled(true);
  auto* row = new QHBoxLayout;
  row->setContentsMargins(6, 3, 6, 0);
  row->addWidget(m_search, 1);
  row->addWidget(m_note, 1);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(2);
  column->addLayout(row);
  column->addWidget(m_text, 1);
  m_timer.setSingleShot(true);
  m_timer.setInterval(15);
  connect(&m_timer, &QTimer::timeout, this, &TokensPage::highlight);
  connect(m_search, &QLineEdit::returnPressed, this, &TokensPage::findNext);
  connect(&document, &Document::opened, this, &TokensPage::reload);
  connect(&document, &Document::closed, this, &TokensPage::reload);
  m_load.setSingleShot(true);
  m_load.setInterval(kLaterMs);
  connect(&m_load, &QTimer::timeout, this, [this] {
    m_document.post(
        {Priority::Background}, [](const trace::Reader&) { return true; }, this,
        [this](const Answer<bool>&) { load(); });
  });
  const auto soon = [this] {
    if (!m_timer.isActive()) m_timer.start();
  };
  connect(&document, &Document::runReady, this, soon);
  for (const auto signal : {&Selection::reset, &Selection::cursorChanged, &Selection::layerChanged,
                            &Selection::headChanged, &Selection::focusRunChanged})
    connect(&selection, signal, this, soon);
  connect(&selection, &Selection::keyRangeChanged, this, &TokensPage::follow);
  connect(&selection, &Selection::cursorChanged, this, &TokensPage::reveal);
  connect(m_text->verticalScrollBar(), &QScrollBar::valueChanged, this, soon);
}

// Laying out half a million characters takes a moment: the map, which has asked for its tiles by then, comes first.
void TokensPage::reload() {
  m_load.stop();
  m_begin.clear();
  if (!m_document.isOpen() || m_document.tokens() < kLongPrompt) return load();
  m_text->clear();
  m_load.start();
}

void TokensPage::load() {
  m_begin.clear();
  if (!m_document.isOpen()) return m_text->clear();
  const trace::Prompt& prompt = m_document.prompt();
  if (prompt.text.empty()) {
    m_text->setPlainText(tr("This prompt was given as token ids: there is no text."));
    return;
  }
  // QPlainTextEdit would take line ends of other systems for its own.
  QString text = QString::fromUtf8(prompt.text.data(), static_cast<qsizetype>(prompt.text.size()));
  m_begin = characterOffsets(prompt);
  m_text->setPlainText(text.replace(QLatin1Char('\r'), QLatin1Char(' ')));
  highlight();
  follow();
}

TokenIndex TokensPage::tokenAt(int character) const {
  const auto next = std::ranges::upper_bound(m_begin, character);
  const auto index = next == m_begin.begin() ? 0 : next - m_begin.begin() - 1;
  return static_cast<TokenIndex>(std::min<std::ptrdiff_t>(index, static_cast<std::ptrdiff_t>(m_document.tokens()) - 1));
}

void TokensPage::mark(QList<QTextEdit::ExtraSelection>& marks, TokenIndex begin, TokenIndex end,
                      const QTextCharFormat& format) const {
  if (std::size_t{end} >= m_begin.size() || m_begin[begin] == m_begin[end]) return;
  QTextCursor cursor(m_text->document());
  cursor.setPosition(m_begin[begin]);
  cursor.setPosition(m_begin[end], QTextCursor::KeepAnchor);
  marks.append({cursor, format});
}

// Evicted words of the visible text are struck out and grey.
void TokensPage::markRun(QList<QTextEdit::ExtraSelection>& marks, TokenIndex begin, TokenIndex end) const {
  const RunId focus = m_selection.focusRun();
  const RunPointer view = m_document.hasRun(focus) ? m_document.run(focus) : nullptr;
  const auto kept = view ? keptColumnsOf(*view, m_selection.layer(), m_selection.head()) : nullptr;
  if (!kept) return;
  QTextCharFormat evicted;
  evicted.setForeground(palette().color(QPalette::Disabled, QPalette::Text));
  evicted.setFontStrikeOut(true);
  for (TokenIndex token = begin; token < end;) {
    TokenIndex last = token;
    while (last < end && kept->count(last, last + 1) == 0) ++last;
    if (last > token) mark(marks, token, last, evicted);
    token = last + 1;
  }
}

void TokensPage::highlight() {
  if (m_begin.size() < 2) return;
  const QRect seen = m_text->viewport()->rect();
  const TokenIndex first = tokenAt(m_text->cursorForPosition(seen.topLeft()).position());
  const TokenIndex last = tokenAt(m_text->cursorForPosition(seen.bottomRight()).position());
  QList<QTextEdit::ExtraSelection> marks;
  markRun(marks, first, last + 1);
  const ThemeColours& colours = themeColours(themeOf(palette()));
  const auto background = [&](Rgb colour, double strength) {
    QTextCharFormat format;
    format.setBackground(toColour(mix(colours.paper, colour, strength)));
    return format;
  };
  for (const trace::Span& span : m_document.prompt().spans)
    if (span.begin < last + 1 && span.end > first) mark(marks, span.begin, span.end, background(kSpan, 0.25));
  m_note->clear();
  if (const auto cursor = m_selection.cursor()) {
    mark(marks, cursor->query, cursor->query + 1, background(kQuery, 0.75));
    mark(marks, cursor->key, cursor->key + 1, background(kKey, 0.75));
    m_note->setText(
        tr("query %1 (blue), key %2 (orange)")
            .arg(QString::fromStdString(grouped(cursor->query)), QString::fromStdString(grouped(cursor->key))));
  }
  m_text->setExtraSelections(marks);
}

void TokensPage::follow() {
  const auto range = m_selection.keyRange();
  if (!range || m_begin.size() < 2 || m_text->hasFocus()) return;
  const auto cursor_cell = m_selection.cursor();
  if (cursor_cell && cursor_cell->key >= range->begin && cursor_cell->key < range->end) return reveal();
  const TokenIndex first = std::min<TokenIndex>(range->begin, static_cast<TokenIndex>(m_begin.size() - 2));
  QTextCursor cursor(m_text->document());
  cursor.setPosition(m_begin[first]);
  m_text->setTextCursor(cursor);
  m_timer.start();
}

// The key looked at is in sight, unless a person reads elsewhere.
void TokensPage::reveal() {
  const auto cursor = m_selection.cursor();
  if (!cursor || std::size_t{cursor->key} + 1 >= m_begin.size() || m_text->underMouse()) return;
  QTextCursor at(m_text->document());
  at.setPosition(m_begin[cursor->key]);
  const QRect place = m_text->cursorRect(at);
  if (m_text->viewport()->rect().contains(place)) return;
  m_text->setTextCursor(at);
  m_text->centerCursor();
}

void TokensPage::select(TokenIndex key) {
  const auto last = static_cast<TokenIndex>(m_document.tokens() - 1);
  const TokenIndex query = m_selection.cursor() ? m_selection.cursor()->query : last;
  m_selection.setCursor(Cell{std::max(query, key), key});
  QTextCursor cursor(m_text->document());
  cursor.setPosition(m_begin[key]);
  m_text->setTextCursor(cursor);
  m_text->centerCursor();
}

// The first match behind the cursor's key, around the end.
std::optional<TokenIndex> TokensPage::found(const QString& what) const {
  const std::vector<TokenMatch> matches =
      findTokens(m_document.prompt(), QString(what).remove(QLatin1Char('#')).toStdString());
  if (matches.empty()) return {};
  const auto behind = [this](const TokenMatch& match) {
    return m_selection.cursor() && match.begin > m_selection.cursor()->key;
  };
  const auto next = std::ranges::find_if(matches, behind);
  return next == matches.end() ? matches.front().begin : next->begin;
}

void TokensPage::startSearch() {
  m_search->setFocus();
  m_search->selectAll();
}

void TokensPage::findNext() {
  const QString what = m_search->text().trimmed();
  if (what.isEmpty() || m_begin.size() < 2) return;
  if (const auto token = found(what))
    select(*token);
  else
    m_note->setText(tr("“%1” is not in the prompt").arg(what));
}

bool TokensPage::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() == QEvent::MouseButtonRelease && m_begin.size() >= 2) {
    const auto* mouse = static_cast<QMouseEvent*>(event);
    const QTextCursor at = m_text->cursorForPosition(mouse->position().toPoint());
    if (mouse->button() == Qt::LeftButton && !m_text->textCursor().hasSelection()) {
      const TokenIndex key = tokenAt(at.position());
      const auto last = static_cast<TokenIndex>(m_document.tokens() - 1);
      const TokenIndex query = m_selection.cursor() ? m_selection.cursor()->query : last;
      m_selection.setCursor(Cell{std::max(query, key), key});
    }
  }
  return QWidget::eventFilter(watched, event);
}

void TokensPage::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) m_timer.start();
}

}  // namespace kvatlas::views
