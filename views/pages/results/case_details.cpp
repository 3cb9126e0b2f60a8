#include "views/pages/results/case_details.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSplitter>
#include <QTextBrowser>
#include <QVBoxLayout>

#include "views/models/qt_text.h"
#include "views/models/results/case_model.h"
#include "views/pages/results/answer_html.h"
#include "views/pages/window_palette.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

constexpr int kSettleMs = 150;
constexpr std::size_t kMostPrompts = 16;

Rgb colourOf(const QString& span) {
  if (span == QLatin1String("answer")) return rgb(0xE69F00);
  if (span == QLatin1String("question")) return rgb(0x56B4E9);
  return rgb(0x009E73);  // the needle, a document
}

QLabel* wrappedLabel(const char* name) {
  auto* label = new QLabel;
  label->setObjectName(QString::fromLatin1(name));
  label->setWordWrap(true);
  label->setTextFormat(Qt::PlainText);
  label->setTextInteractionFlags(Qt::TextSelectableByMouse);
  return label;
}

QWidget* column(std::initializer_list<QWidget*> widgets) {
  auto* box = new QWidget;
  auto* layout = new QVBoxLayout(box);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(4);
  for (QWidget* widget : widgets) layout->addWidget(widget);
  return box;
}

}  // namespace

CaseDetails::CaseDetails(QWidget* parent)
    : QWidget(parent),
      m_title(wrappedLabel("caseTitle")),
      m_question(wrappedLabel("caseQuestion")),
      m_prompt_title(wrappedLabel("promptTitle")),
      m_attention(new QPushButton(tr("Show attention"))),
      m_answers(new QTextBrowser),
      m_prompt(new QPlainTextEdit) {
  setObjectName(QStringLiteral("caseDetails"));
  QFont bold = font();
  bold.setBold(true);
  m_title->setFont(bold);
  m_attention->setObjectName(QStringLiteral("showAttention"));
  m_attention->setToolTip(tr("Captures this case as a trace beside the results, or opens the one that is there"));
  m_answers->setObjectName(QStringLiteral("answers"));
  m_answers->setOpenLinks(false);
  m_answers->setFrameShape(QFrame::NoFrame);
  m_answers->setAccessibleName(tr("Expected and given answers"));
  m_prompt->setObjectName(QStringLiteral("casePrompt"));
  m_prompt->setReadOnly(true);
  m_prompt->setFrameShape(QFrame::NoFrame);
  m_prompt->setAccessibleName(tr("Prompt"));
  auto* head = new QHBoxLayout;
  head->addWidget(m_title, 1);
  head->addWidget(m_attention);
  auto* parts = new QSplitter(Qt::Vertical);
  parts->addWidget(m_answers);
  parts->addWidget(column({m_prompt_title, m_prompt}));
  parts->setChildrenCollapsible(false);
  auto* whole = new QVBoxLayout(this);
  whole->setContentsMargins(8, 0, 0, 0);
  whole->addLayout(head);
  whole->addWidget(m_question);
  whole->addWidget(parts, 1);
  m_settle.setSingleShot(true);
  m_settle.setInterval(kSettleMs);
  connect(&m_settle, &QTimer::timeout, this, &CaseDetails::askForPrompt);
  connect(m_attention, &QPushButton::clicked, this, [this] { emit attentionWanted(m_case); });
  fill();
}

void CaseDetails::show(const ResultsPointer& view, std::size_t number, double right_from) {
  const bool same = view && m_view && number == m_number && right_from == m_right_from &&
                    view->score == m_view->score && number < view->cases() &&
                    toQString(view->records(number).front().case_id) == m_case;
  m_view = view;
  m_number = number;
  m_right_from = right_from;
  if (!same) fill();
}

void CaseDetails::fill() {
  const bool any = m_view && m_number < m_view->cases();
  m_attention->setEnabled(any);
  if (!any) {
    m_case.clear();
    m_title->setText(tr("Choose a case in the list."));
    m_question->clear();
    m_answers->clear();
    return fillPrompt();
  }
  const results::Record& record = m_view->records(m_number).front();
  m_case = toQString(record.case_id);
  m_title->setText(tr("%1 · %2 tokens").arg(m_case).arg(record.tokens));
  m_question->setText(oneLine(record.question, 600));
  m_question->setVisible(!record.question.empty());
  m_answers->setHtml(answersHtml(*m_view, m_number, m_right_from, themeOf(palette())));
  fillPrompt();
  if (!m_prompts.contains(m_case) && !m_problems.contains(m_case)) m_settle.start();
}

void CaseDetails::askForPrompt() {
  if (!m_case.isEmpty() && !m_prompts.contains(m_case) && !m_problems.contains(m_case)) emit promptWanted(m_case);
}

void CaseDetails::setPrompt(const QString& case_id, const CasePrompt& prompt) {
  if (m_prompts.size() >= kMostPrompts) m_prompts.clear();
  m_prompts[case_id] = prompt;
  if (case_id == m_case) fillPrompt();
}

void CaseDetails::setPromptProblem(const QString& case_id, const QString& problem) {
  m_problems[case_id] = problem;
  if (case_id == m_case) fillPrompt();
}

void CaseDetails::forgetPrompts() {
  m_prompts.clear();
  m_problems.clear();
}

void CaseDetails::fillPrompt() {
  const auto prompt = m_prompts.find(m_case);
  if (prompt == m_prompts.end()) {
    const auto problem = m_problems.find(m_case);
    m_prompt->clear();
    m_prompt->setExtraSelections({});
    m_prompt_title->setText(m_case.isEmpty()              ? QString()
                            : problem == m_problems.end() ? tr("Reading the prompt…")
                                                          : tr("No prompt: %1").arg(problem->second));
    return;
  }
  m_prompt->setPlainText(prompt->second.text);
  QStringList names;
  QList<QTextEdit::ExtraSelection> marks;
  int first = -1;
  for (const CaseSpan& span : prompt->second.spans) {
    QTextEdit::ExtraSelection mark;
    mark.cursor = QTextCursor(m_prompt->document());
    mark.cursor.setPosition(span.begin);
    mark.cursor.setPosition(span.end, QTextCursor::KeepAnchor);
    mark.format.setBackground(toColour(mix(themeColours(themeOf(palette())).paper, colourOf(span.name), 0.45)));
    marks << mark;
    if (!names.contains(span.name)) names << span.name;
    if (first < 0 && span.name != QLatin1String("question")) first = span.begin;
  }
  m_prompt->setExtraSelections(marks);
  m_prompt_title->setText(names.isEmpty() ? tr("Prompt") : tr("Prompt · marked: %1").arg(names.join(tr(", "))));
  QTextCursor place(m_prompt->document());
  place.setPosition(std::max(first, 0));
  m_prompt->setTextCursor(place);
  m_prompt->centerCursor();
}

void CaseDetails::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) fill();
}

}  // namespace kvatlas::views
