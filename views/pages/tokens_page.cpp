#include "views/pages/tokens_page.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QMouseEvent>
#include <QScrollBar>
#include <QSplitter>
#include <QTextBlock>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "views/models/contrast.h"
#include "views/models/map/kept_strip.h"
#include "views/models/number_text.h"
#include "views/pages/text/attention_list.h"
#include "views/pages/text/query_bar.h"
#include "views/pages/text/text_marks.h"
#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

constexpr std::uint64_t kLongPrompt = 32768;  // tokens
constexpr int kLaterMs = 30;
constexpr std::size_t kSinks = 4;  // keys that do not decide how strongly the others are shaded

// UTF-16 units before each token (the offsets count UTF-8 bytes, the editor UTF-16 units).
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
      m_note(new QLabel),
      m_attention(document, selection),
      m_query(new QueryBar(document, selection, m_attention)),
      m_shade_note(new QLabel),
      m_list(new AttentionList(document, selection, m_attention)),
      m_halves(new QSplitter(Qt::Vertical)) {
  setObjectName(QStringLiteral("tokensPage"));
  m_text->setObjectName(QStringLiteral("tokensText"));
  m_search->setObjectName(QStringLiteral("tokensSearch"));
  m_text->setReadOnly(true);
  m_text->setFrameShape(QFrame::NoFrame);
  m_text->viewport()->installEventFilter(this);
  m_note->setObjectName(QStringLiteral("tokensNote"));
  m_text->viewport()->setCursor(Qt::PointingHandCursor);
  m_search->setPlaceholderText(tr("Find text, span or token index"));
  m_search->setClearButtonEnabled(true);
  auto* row = new QHBoxLayout;
  row->setContentsMargins(6, 3, 6, 0);
  row->addWidget(m_search, 1);
  row->addWidget(m_note, 1);
  m_note->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);  // its text must not move the panels
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(2);
  column->addLayout(row);
  column->addWidget(m_query);
  m_shade_note->setObjectName(QStringLiteral("shadeNote"));
  m_shade_note->setWordWrap(true);
  m_shade_note->setContentsMargins(8, 0, 8, 0);
  m_halves->addWidget(m_text);
  m_halves->addWidget(m_list);
  m_halves->setStretchFactor(0, 2);
  m_halves->setStretchFactor(1, 1);
  m_halves->setCollapsible(0, false);
  m_list->hide();
  m_shade_note->hide();
  column->addWidget(m_shade_note);
  column->addWidget(m_halves, 1);
  m_text->setAccessibleName(tr("Prompt text"));
  m_search->setAccessibleName(tr("Find in prompt"));
  m_search->installEventFilter(this);
  m_text->setContextMenuPolicy(Qt::CustomContextMenu);
  connect(m_text, &QWidget::customContextMenuRequested, this, &TokensPage::showMenu);
  connect(m_search, &QLineEdit::textEdited, this, &TokensPage::searchAsTyped);
  connect(&m_attention, &QueryAttention::changed, this, &TokensPage::showShade);
  m_timer.setSingleShot(true);
  m_timer.setInterval(15);
  connect(&m_timer, &QTimer::timeout, this, &TokensPage::highlight);
  connect(m_search, &QLineEdit::returnPressed, this, [this] { findNext(); });
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
  connect(&document, &Document::spansChanged, this, soon);
  for (const auto signal : {&Selection::reset, &Selection::cursorChanged, &Selection::layerChanged,
                            &Selection::headChanged, &Selection::focusRunChanged})
    connect(&selection, signal, this, soon);
  connect(&selection, &Selection::keyRangeChanged, this, &TokensPage::follow);
  connect(&selection, &Selection::cursorChanged, this, &TokensPage::reveal);
  connect(m_text->verticalScrollBar(), &QScrollBar::valueChanged, this, soon);
}

// Laying out half a million characters takes a moment, so the map requests its tiles first.
void TokensPage::reload() {
  m_load.stop();
  m_begin.clear();
  m_matches.clear();
  m_current_match.reset();
  if (!m_document.isOpen() || m_document.tokens() < kLongPrompt) return load();
  m_text->clear();
  m_load.start();
}

void TokensPage::load() {
  m_begin.clear();
  if (!m_document.isOpen()) return m_text->clear();
  const trace::Prompt& prompt = m_document.prompt();
  if (prompt.text.empty()) {
    m_text->setPlainText(tr("This prompt was given as token IDs and has no text."));
    return;
  }
  // QPlainTextEdit would turn \r into line breaks and shift the offsets.
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

std::vector<TokenLook> TokensPage::looks(TokenIndex begin, TokenIndex end) const {
  std::vector<TokenLook> looks(end - begin);
  const auto each = [&](TokenIndex from, TokenIndex to, auto set) {
    for (TokenIndex token = std::max(from, begin); token < std::min(to, end); ++token) set(looks[token - begin]);
  };
  const RunId focus = m_selection.focusRun();
  const RunPointer run = m_document.hasRun(focus) ? m_document.run(focus) : nullptr;
  if (const auto kept = run ? keptColumnsOf(*run, m_selection.layer(), m_selection.head()) : nullptr)
    for (TokenIndex token = begin; token < end; ++token)
      looks[token - begin].evicted = kept->count(token, token + 1) == 0;
  for (const trace::Span& span : m_document.prompt().spans)
    each(span.begin, span.end, [](TokenLook& look) { look.span = true; });
  const std::vector<float>& masses = m_attention.masses();
  for (TokenIndex token = begin; token < end && token < masses.size() && m_strongest > 0; ++token)
    looks[token - begin].shade = static_cast<std::uint8_t>(
        std::lround(kShades * std::sqrt(std::clamp(masses[token] / m_strongest, 0.0F, 1.0F))));
  for (const TokenMatch& match : m_matches) each(match.begin, match.end, [](TokenLook& look) { look.match = true; });
  if (m_current_match && *m_current_match < m_matches.size())
    each(m_matches[*m_current_match].begin, m_matches[*m_current_match].end,
         [](TokenLook& look) { look.current_match = true; });
  if (const auto cursor = m_selection.cursor()) {
    each(cursor->query, cursor->query + 1, [](TokenLook& look) { look.query = true; });
    each(cursor->key, cursor->key + 1, [](TokenLook& look) { look.key = true; });
  }
  return looks;
}

// Only the visible text: a prompt may have half a million characters.
void TokensPage::highlight() {
  if (m_begin.size() < 2) return;
  const QRect seen = m_text->viewport()->rect();
  const TokenIndex first = tokenAt(m_text->cursorForPosition(seen.topLeft()).position());
  const TokenIndex last = tokenAt(m_text->cursorForPosition(seen.bottomRight()).position());
  m_text->setExtraSelections(marksOf(*m_text, m_begin, first, looks(first, last + 1)));
  describe();
}

void TokensPage::describe() {
  QString text;
  if (!m_search->text().trimmed().isEmpty()) {
    if (m_matches.empty())
      text = tr("“%1” is not in the prompt").arg(m_search->text().trimmed());
    else if (m_current_match)
      text = tr("%1 of %2").arg(*m_current_match + 1).arg(m_matches.size());
    else
      text = m_matches.size() == 1 ? tr("1 match") : tr("%1 matches").arg(m_matches.size());
  } else if (const auto cursor = m_selection.cursor()) {
    // In the colours that mark them in the text.
    const Theme theme = themeOf(palette());
    const auto marked = [](const QString& words, Rgb ground) {
      return QStringLiteral("<span style='background-color:%1; color:%2'>&nbsp;%3&nbsp;</span>")
          .arg(toColour(ground).name(), toColour(inkOn(ground)).name(), words);
    };
    text = marked(tr("query %1").arg(QString::fromStdString(grouped(cursor->query))), queryColour(theme)) +
           QLatin1Char(' ') + marked(tr("key %1").arg(QString::fromStdString(grouped(cursor->key))), keyColour(theme));
  }
  m_note->setText(text);
}

void TokensPage::showShade() {
  const std::vector<float>& masses = m_attention.masses();
  m_strongest = 0;
  for (std::size_t token = std::min(kSinks, masses.size()); token < masses.size(); ++token)
    m_strongest = std::max(m_strongest, masses[token]);
  const bool shading = m_attention.source() != QueryAttention::Nothing && m_document.isOpen();
  if (shading) m_list->fill();
  m_list->setVisible(shading);
  m_shade_note->setText(m_attention.why());
  m_shade_note->setVisible(shading && !m_attention.why().isEmpty());
  if (!m_timer.isActive()) m_timer.start();
}

// The list stands below a narrow text, beside a wide one.
void TokensPage::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  const bool wide = width() > 2 * height();
  m_halves->setOrientation(wide ? Qt::Horizontal : Qt::Vertical);
  m_timer.start();
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

// Scrolls to the cursor's key, unless the mouse is over the text.
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

void TokensPage::startSearch() {
  m_search->setFocus();
  m_search->selectAll();
}

// Marks every match and scrolls to the first one after the cursor; the cursor stays.
void TokensPage::searchAsTyped() {
  const QString what = m_search->text().trimmed().remove(QLatin1Char('#'));
  m_matches = what.isEmpty() || m_begin.size() < 2 ? std::vector<TokenMatch>()
                                                   : findTokens(m_document.prompt(), what.toStdString());
  m_current_match.reset();
  if (!m_matches.empty()) {
    const TokenIndex from = m_selection.cursor() ? m_selection.cursor()->key : 0;
    auto next = std::ranges::find_if(m_matches, [from](const TokenMatch& match) { return match.begin >= from; });
    if (next == m_matches.end()) next = m_matches.begin();
    QTextCursor at(m_text->document());
    at.setPosition(m_begin[next->begin]);
    m_text->setTextCursor(at);
    m_text->ensureCursorVisible();
  }
  highlight();
  describe();
}

void TokensPage::findNext(bool backwards) {
  if (m_search->text().trimmed().isEmpty() || m_begin.size() < 2) return;
  const std::optional<std::size_t> before = m_current_match;
  if (!before) searchAsTyped();
  if (m_matches.empty()) return describe();
  const std::size_t count = m_matches.size();
  if (before) {
    m_current_match = (*before + (backwards ? count - 1 : 1)) % count;
  } else {
    const auto after = [this](const TokenMatch& match) {
      return !m_selection.cursor() || match.begin > m_selection.cursor()->key;
    };
    const auto next = std::ranges::find_if(m_matches, after);
    m_current_match = next == m_matches.end() ? 0 : static_cast<std::size_t>(next - m_matches.begin());
  }
  select(m_matches[*m_current_match].begin);
  highlight();
  emit found(*m_selection.cursor());
}

// Tokens of the selected text can become a named span.
void TokensPage::showMenu(const QPoint& at) {
  QMenu* menu = m_text->createStandardContextMenu();
  menu->setObjectName(QStringLiteral("textMenu"));
  const QTextCursor chosen = m_text->textCursor();
  if (chosen.hasSelection() && m_begin.size() >= 2) {
    const TokenIndex begin = tokenAt(chosen.selectionStart()), end = tokenAt(chosen.selectionEnd() - 1) + 1;
    menu->addSeparator();
    menu->addAction(tr("&Name these tokens as a span…"), this, [this, begin, end] { emit spanWanted(begin, end); });
  }
  menu->exec(m_text->viewport()->mapToGlobal(at));
  delete menu;
}

bool TokensPage::eventFilter(QObject* watched, QEvent* event) {
  if (watched == m_search && event->type() == QEvent::KeyPress) {
    const auto* key = static_cast<QKeyEvent*>(event);
    if (key->key() == Qt::Key_Return && key->modifiers().testFlag(Qt::ShiftModifier)) {
      findNext(true);
      return true;
    }
    if (key->key() == Qt::Key_Escape && !m_search->text().isEmpty()) {
      m_search->clear();
      searchAsTyped();
      return true;
    }
    return false;
  }
  if (watched != m_search && event->type() == QEvent::MouseButtonRelease && m_begin.size() >= 2) {
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
