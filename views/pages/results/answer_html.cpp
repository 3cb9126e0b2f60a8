#include "views/pages/results/answer_html.h"

#include <QCoreApplication>
#include <algorithm>

#include "views/models/qt_text.h"
#include "views/models/results/answer_words.h"
#include "views/models/results/case_model.h"
#include "views/plots/canvas.h"

namespace kvatlas::views {
namespace {

constexpr std::size_t kMostBytes = 8000;  // of an answer
constexpr Rgb kMissing = rgb(0xD55E00), kExtra = rgb(0xE69F00), kRight = rgb(0x009E73);

QString tr(const char* text) {
  return QCoreApplication::translate("AnswersHtml", text);
}

QString shown(const std::string& answer) {
  QString text = toQString(answer.substr(0, kMostBytes)).trimmed();
  return answer.size() > kMostBytes ? text + QChar(0x2026) : text;
}

struct Marks {
  QString missing, extra;  // colours behind words
};

QString marked(const std::vector<AnswerPart>& parts, const QString& colour, const QString& style) {
  QString html;
  for (const AnswerPart& part : parts) {
    const QString text = part.text.toHtmlEscaped().replace(QLatin1Char('\n'), QStringLiteral("<br>"));
    html += part.differs ? QStringLiteral("<span style=\"background-color:%1; %2\">%3</span>").arg(colour, style, text)
                         : text;
  }
  return html;
}

// The right answer that has most words in common.
ComparedAnswers closest(const results::Record& record, const QString& given) {
  const auto different = [](const ComparedAnswers& compared) {
    qsizetype size = 0;
    for (const auto* parts : {&compared.expected, &compared.given})
      for (const AnswerPart& part : *parts) size += part.differs ? part.text.size() : 0;
    return size;
  };
  ComparedAnswers best = compareAnswers(shown(record.expected), given);
  for (const std::string& answer : record.also_right)
    if (ComparedAnswers other = compareAnswers(shown(answer), given); different(other) < different(best))
      best = std::move(other);
  return best;
}

struct AnswerRow {
  const results::Record* record;
  double score;
  QStringList branches;
};

std::vector<AnswerRow> rowsOf(const ResultsView& view, std::size_t number, Theme theme) {
  std::vector<AnswerRow> rows;
  const auto records = view.records(number);
  for (std::size_t b = 0; b < records.size(); ++b) {
    const double score = results::scoreOf(records[b], view.score);
    const QString name = QStringLiteral("<span style=\"color:%1\">■</span>&nbsp;%2")
                             .arg(toColour(methodColour(records[b].method, theme)).name(),
                                  branchText(view.plan().branches[b]).toHtmlEscaped().replace(' ', "&nbsp;"));
    const auto same = std::ranges::find_if(
        rows, [&](const AnswerRow& row) { return row.record->answer == records[b].answer && row.score == score; });
    same == rows.end() ? rows.push_back({&records[b], score, {name}}) : void(same->branches << name);
  }
  return rows;
}

}  // namespace

QString answersHtml(const ResultsView& view, std::size_t number, double right_from, Theme theme) {
  const auto shade = [&](Rgb colour) { return toColour(mix(themeColours(theme).paper, colour, 0.4)).name(); };
  const QString line = toColour(themeColours(theme).grid).name();
  QString html = QStringLiteral("<table width=\"98%\" cellpadding=\"4\" cellspacing=\"0\"><tr>");
  for (const QString& title : {tr("Method"), tr("Score"), tr("Expected"), tr("Given")})
    html += QStringLiteral("<th align=\"left\" style=\"border-bottom:1px solid %1; white-space:nowrap\">%2</th>")
                .arg(line, title);
  html += QStringLiteral("</tr>");
  for (const AnswerRow& row : rowsOf(view, number, theme)) {
    const ComparedAnswers compared = closest(*row.record, shown(row.record->answer));
    const QString given = compared.given.empty()
                              ? QStringLiteral("<i>%1</i>").arg(tr("nothing"))
                              : marked(compared.given, shade(kExtra), QStringLiteral("text-decoration:underline"));
    const bool right = row.score >= right_from;
    html += QStringLiteral(
                "<tr><td width=\"26%\" style=\"white-space:nowrap\">%1</td>"
                "<td width=\"9%\" style=\"white-space:nowrap\"><span style=\"color:%2\">%3</span>&nbsp;%4"
                "</td><td width=\"28%\">%5</td><td>%6</td></tr>")
                .arg(row.branches.join(QStringLiteral("<br>")),
                     toColour(mix(right ? kRight : kMissing, themeColours(theme).ink, 0.2)).name(),
                     QString(QChar(right ? 0x2713 : 0x2717)), percentText(row.score),
                     marked(compared.expected, shade(kMissing), QStringLiteral("text-decoration:line-through")), given);
  }
  return html + QStringLiteral("</table>");
}

}  // namespace kvatlas::views
