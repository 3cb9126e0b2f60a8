#include "views/pages/text/query_bar.h"

#include <QAbstractItemView>
#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>

#include "core/trace/generated_tokens.h"
#include "views/models/document/token_text.h"
#include "views/models/number_text.h"

namespace kvatlas::views {
namespace {

constexpr int kPlayMs = 700;

QToolButton* arrow(Qt::ArrowType type, const char* name, const QString& title) {
  auto* button = new QToolButton;
  button->setArrowType(type);
  button->setAutoRaise(true);
  button->setObjectName(QString::fromLatin1(name));
  button->setToolTip(title);
  button->setAccessibleName(title);
  return button;
}

}  // namespace

QueryBar::QueryBar(Document& document, Selection& selection, QueryAttention& attention, QWidget* parent)
    : QWidget(parent),
      m_document(document),
      m_selection(selection),
      m_attention(attention),
      m_source(new QComboBox),
      m_heads(new QComboBox),
      m_back(arrow(Qt::LeftArrow, "queryBack", tr("Previous query"))),
      m_next(arrow(Qt::RightArrow, "queryNext", tr("Next query"))),
      m_play(new QToolButton),
      m_answer(new QLabel) {
  makeFields();
  m_timer.setInterval(kPlayMs);
  connect(&m_timer, &QTimer::timeout, this, &QueryBar::advance);
  connect(&attention, &QueryAttention::changed, this, &QueryBar::showState);
  connect(&document, &Document::closed, this, &QueryBar::stop);
  showState();
}

void QueryBar::makeFields() {
  m_source->setObjectName(QStringLiteral("querySource"));
  m_source->setAccessibleName(tr("Query that shades the text"));
  m_source->setToolTip(
      tr("Shade the text by the attention of one query: the darker a token, the more the query attends "
         "to it"));
  m_source->addItems({tr("no shading"), tr("query: prompt token"), tr("query: generated token")});
  m_source->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);  // its text must not move the panels
  m_source->setMinimumContentsLength(8);
  m_source->view()->setMinimumWidth(190);
  m_heads->setObjectName(QStringLiteral("queryHeads"));
  m_heads->setAccessibleName(tr("Heads that shade the text"));
  m_heads->addItems({tr("head in view"), tr("layer mean")});
  m_play->setObjectName(QStringLiteral("queryPlay"));
  m_play->setText(tr("Play"));
  m_play->setAutoRaise(true);
  m_play->setPopupMode(QToolButton::MenuButtonPopup);
  m_play->setToolTip(tr("Play through the generated tokens, or through the layers"));
  auto* menu = new QMenu(m_play);
  menu->addAction(tr("Play &steps"), this, [this] { play(Play::Steps); });
  menu->addAction(tr("Play &layers"), this, [this] { play(Play::Layers); });
  m_play->setMenu(menu);
  m_answer->setObjectName(QStringLiteral("queryAnswer"));
  m_answer->setWordWrap(true);
  m_answer->setTextFormat(Qt::RichText);
  m_answer->setTextInteractionFlags(Qt::LinksAccessibleByMouse | Qt::LinksAccessibleByKeyboard);
  m_answer->setToolTip(tr("The generated text. Click a token to see what it attended to"));
  auto* row = new QHBoxLayout;
  row->setContentsMargins(6, 0, 6, 0);
  row->setSpacing(4);
  row->addWidget(m_source, 1);
  row->addWidget(m_heads);
  for (QToolButton* button : {m_back, m_next, m_play}) row->addWidget(button);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(2);
  column->addLayout(row);
  column->addWidget(m_answer);
  m_answer->setContentsMargins(8, 0, 8, 0);
  connect(m_source, &QComboBox::currentIndexChanged, this,
          [this](int index) { m_attention.setSource(static_cast<QueryAttention::Source>(index)); });
  connect(m_heads, &QComboBox::currentIndexChanged, this, [this](int index) { m_attention.setLayerMean(index == 1); });
  connect(m_back, &QToolButton::clicked, this, [this] { step(-1); });
  connect(m_next, &QToolButton::clicked, this, [this] { step(1); });
  connect(m_play, &QToolButton::clicked, this, [this] { playing() ? stop() : play(m_what); });
  connect(m_answer, &QLabel::linkActivated, this, [this](const QString& token) {
    m_source->setCurrentIndex(QueryAttention::GeneratedToken);
    m_selection.setStep(token.toUInt());
  });
}

std::uint32_t QueryBar::steps() const {
  const RunPointer run = m_document.hasRun(m_selection.focusRun()) ? m_document.run(m_selection.focusRun()) : nullptr;
  return run ? static_cast<std::uint32_t>(run->run.record.decode_ids.size()) : 0;
}

void QueryBar::showState() {
  const QueryAttention::Source source = m_attention.source();
  const bool shading = source != QueryAttention::Nothing && m_document.isOpen();
  for (QWidget* each : std::initializer_list<QWidget*>{m_heads, m_back, m_next}) each->setEnabled(shading);
  m_play->setEnabled(m_document.isOpen());
  const RunPointer run = m_document.hasRun(m_selection.focusRun()) ? m_document.run(m_selection.focusRun()) : nullptr;
  QString answer;
  if (run)
    for (std::uint32_t step = 0; step < steps(); ++step) {
      const QString token = QString::fromStdString(visibleText(trace::generatedText(run->run.record, step)))
                                .replace(QChar(0xB7), QLatin1Char(' '))
                                .toHtmlEscaped();
      const bool here = step == m_selection.step() && source == QueryAttention::GeneratedToken;
      answer += QStringLiteral("<a href='%1' style='text-decoration:none; color:%2%3'>%4</a>")
                    .arg(step)
                    .arg(palette().color(here ? QPalette::HighlightedText : QPalette::Text).name(),
                         here ? QStringLiteral("; background-color:%1").arg(palette().color(QPalette::Highlight).name())
                              : QString(),
                         token);
    }
  m_answer->setText(answer.isEmpty() ? QString() : tr("<b>Answer:</b> %1").arg(answer));
  m_answer->setVisible(!answer.isEmpty());
  emit shadeChanged();
}

void QueryBar::step(int by) {
  if (m_attention.source() == QueryAttention::GeneratedToken) {
    const std::int64_t next = std::int64_t{m_selection.step()} + by;
    return m_selection.setStep(static_cast<std::uint32_t>(std::max<std::int64_t>(next, 0)));
  }
  const std::int64_t last = static_cast<std::int64_t>(m_document.tokens()) - 1;
  const auto query = static_cast<TokenIndex>(std::clamp(std::int64_t{m_attention.query()} + by, std::int64_t{0}, last));
  const TokenIndex key = m_selection.cursor() ? m_selection.cursor()->key : 0;
  m_selection.setCursor(Cell{query, std::min(key, query)});
}

void QueryBar::play(Play what) {
  if (!m_document.isOpen()) return;
  m_what = what;
  if (what == Play::Steps) {
    m_source->setCurrentIndex(QueryAttention::GeneratedToken);
    if (m_selection.step() + 1 >= steps()) m_selection.setStep(0);
  } else if (m_selection.layer().value + 1 >= m_document.model().layers) {
    m_selection.setLayer(LayerIndex());
  }
  m_play->setText(tr("Stop"));
  m_timer.start();
}

void QueryBar::stop() {
  m_timer.stop();
  m_play->setText(tr("Play"));
}

void QueryBar::advance() {
  if (!m_document.isOpen()) return stop();
  if (m_what == Play::Steps) {
    m_selection.setStep(m_selection.step() + 1);
    if (m_selection.step() + 1 >= steps()) stop();
  } else {
    m_selection.stepLayer(1);
    if (m_selection.layer().value + 1 >= m_document.model().layers) stop();
  }
}

}  // namespace kvatlas::views
