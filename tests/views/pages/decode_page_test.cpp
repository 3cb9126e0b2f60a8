// The decode page: the attended keys in its list and dots against the numbers of the trace, and the effect of
// clicks.
#include <gmock/gmock.h>

#include <QHeaderView>
#include <QSlider>
#include <QTreeWidget>
#include <algorithm>

#include "tests/views/pages/opened_pages.h"
#include "views/models/document/token_text.h"
#include "views/pages/charts/cell_plot.h"
#include "views/pages/decode/decode_keys.h"
#include "views/pages/decode/decode_marks.h"
#include "views/pages/decode/decode_page.h"
#include "views/pages/decode/decode_timeline.h"

namespace kvatlas::views {
namespace {

using ::testing::HasSubstr;

std::string bracketed(const std::string& text) {
  return std::string("[").append(text).append("]");
}

class DecodePageTest : public test::OpenedPagesTest {
 protected:
  void openPage(const test::SampleTraceOptions& options = {.budgets = {32, 64}}) {
    open(options);
    m_selection.setLayer(LayerIndex(1));
    m_selection.setHead({HeadChoice::QueryHead, 2});
    m_selection.setFocusRun(2);
    m_page = std::make_unique<DecodePage>(m_document, m_selection);
    show(*m_page, {1300, 260});
    ASSERT_TRUE(atRest());
  }
  bool atRest() {
    const bool quiet = settled();
    m_page->updateNow();
    return settled() && quiet;
  }
  QTreeWidget& list() { return m_page->keys().list(); }
  [[nodiscard]] std::string cell(int row, int column) { return list().topLevelItem(row)->text(column).toStdString(); }
  // Index of a step, layer and head in the sample's attended keys.
  [[nodiscard]] std::size_t at(std::size_t step, std::size_t layer, std::size_t head) const {
    const auto& model = m_sample.header.model;
    return ((step * model.layers + layer) * model.query_heads + head) * 8;
  }
  void clickRow(int row) {
    QTest::mouseClick(list().viewport(), Qt::LeftButton, {}, list().visualItemRect(list().topLevelItem(row)).center());
  }
  std::unique_ptr<DecodePage> m_page;
};

TEST_F(DecodePageTest, ListsTheKeysTheSelectedTokenAttendedTo) {
  openPage();
  m_selection.setStep(3);
  ASSERT_TRUE(atRest());
  const trace::RunRecord& record = m_sample.runs[2];
  ASSERT_EQ(list().topLevelItemCount(), 8);
  for (int row = 0; row < 8; ++row) {
    const std::size_t k = at(3, 1, 2) + static_cast<std::size_t>(row);
    EXPECT_EQ(cell(row, DecodeKeys::Rank), std::to_string(row + 1));
    EXPECT_EQ(cell(row, DecodeKeys::Position), std::to_string(record.attended[k]));
    EXPECT_EQ(cell(row, DecodeKeys::Mass),
              record.attended_mass[k] < 0.0005F
                  ? "<0.001"
                  : QString::number(static_cast<double>(record.attended_mass[k]), 'f', 3).toStdString());
    if (record.attended[k] < 256) {
      EXPECT_THAT(cell(row, DecodeKeys::Token),
                  HasSubstr(bracketed(tokenText(m_sample.header.prompt, record.attended[k]))));
    }
  }
  EXPECT_THAT(m_page->keys().title().toStdString(), ::testing::EndsWith("at token 3"));
  EXPECT_TRUE(m_page->keys().note().isEmpty());
  // Another layer has to be read from the file; another head is already loaded.
  m_selection.setLayer(LayerIndex(3));
  ASSERT_TRUE(atRest());
  EXPECT_EQ(cell(0, DecodeKeys::Position), std::to_string(record.attended[at(3, 3, 2)]));
  m_selection.setHead({HeadChoice::QueryHead, 0});
  ASSERT_TRUE(atRest());
  EXPECT_EQ(cell(0, DecodeKeys::Position), std::to_string(record.attended[at(3, 3, 0)]));
}

TEST_F(DecodePageTest, AClickSelectsTheKeyAndTheListFollowsTheCursor) {
  openPage();
  const std::uint32_t first = m_sample.runs[2].attended[at(0, 1, 2)],
                      third = m_sample.runs[2].attended[at(0, 1, 2) + 2];
  clickRow(2);
  ASSERT_TRUE(m_selection.cursor().has_value());
  EXPECT_EQ(*m_selection.cursor(), (Cell{255, third}));
  QTest::keyClick(&list(), Qt::Key_Up);
  EXPECT_EQ(m_selection.cursor()->key, m_sample.runs[2].attended[at(0, 1, 2) + 1]);
  // A cursor set elsewhere: the list follows without changing it.
  m_selection.setCursor(Cell{100, first});
  EXPECT_EQ(list().indexOfTopLevelItem(list().currentItem()), 0);
  EXPECT_EQ(m_selection.cursor()->query, 100U);
  m_selection.setCursor(Cell{255, 254});
  if (std::ranges::find(m_sample.runs[2].attended.begin() + static_cast<std::ptrdiff_t>(at(0, 1, 2)),
                        m_sample.runs[2].attended.begin() + static_cast<std::ptrdiff_t>(at(0, 1, 2)) + 8,
                        254U) == m_sample.runs[2].attended.begin() + static_cast<std::ptrdiff_t>(at(0, 1, 2)) + 8) {
    EXPECT_EQ(list().currentItem(), nullptr);
  }
}

TEST_F(DecodePageTest, GeneratedTokensHaveTheirTextAndSelectNothing) {
  openPage();
  int found = 0;
  for (std::uint32_t step = 1; step < 6; ++step) {
    m_selection.setStep(step);
    ASSERT_TRUE(atRest());
    for (int row = 0; row < list().topLevelItemCount(); ++row) {
      const auto position = static_cast<std::size_t>(std::stoul(cell(row, DecodeKeys::Position)));
      if (position < 256) continue;
      ++found;
      const auto& record = m_sample.runs[2];
      const std::size_t begin = record.decode_offsets[position - 256], end = record.decode_offsets[position - 255];
      EXPECT_THAT(cell(row, DecodeKeys::Token),
                  HasSubstr(bracketed(visibleText(record.decode_text.substr(begin, end - begin)))));
      EXPECT_EQ(cell(row, DecodeKeys::Where), "generated");
      m_selection.setCursor(std::nullopt);
      clickRow(row);
      EXPECT_FALSE(m_selection.cursor().has_value());
    }
  }
  EXPECT_GT(found, 0);
}

TEST_F(DecodePageTest, TheTableBracketsTheSelectedToken) {
  openPage();
  const auto generated = [this] { return m_page->table().topLevelItem(0)->text(1).toStdString(); };
  m_selection.setStep(0);
  m_page->updateNow();
  const auto& record = m_sample.runs[0];
  const std::string first = record.decode_text.substr(0, record.decode_offsets[1]);
  EXPECT_TRUE(generated().starts_with(bracketed(first))) << generated();
  m_selection.setStep(4);
  m_page->updateNow();
  const std::string fifth =
      record.decode_text.substr(record.decode_offsets[4], record.decode_offsets[5] - record.decode_offsets[4]);
  EXPECT_THAT(generated(), HasSubstr(bracketed(fifth)));
  EXPECT_TRUE(generated().starts_with("…")) << "distant context is cut: " << generated();
}

TEST_F(DecodePageTest, DotsMarkTheAttendedKeys) {
  openPage();
  const std::vector<DecodeMark>& marks = m_page->timeline().marks().marks();
  ASSERT_EQ(marks.size(), 6U * 8);
  const trace::RunRecord& record = m_sample.runs[2];
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const std::size_t k = at(i / 8, 1, 2) + i % 8;
    EXPECT_EQ(marks[i].step, static_cast<double>(i / 8));
    EXPECT_EQ(marks[i].position, static_cast<double>(record.attended[k]));
    EXPECT_EQ(marks[i].mass, static_cast<double>(record.attended_mass[k]));
  }
  EXPECT_THAT(m_page->timeline().title().toStdString(), HasSubstr("dots: attention"));
  // The strongest dot has the method's colour at its position.
  const auto strongest = std::ranges::max_element(marks, {}, &DecodeMark::mass);
  QCustomPlot& plot = m_page->timeline().plot();
  plot.replot();
  const QImage image = plot.grab().toImage();
  const QPoint centre(qRound(plot.xAxis->coordToPixel(strongest->position + 0.5)),
                      qRound(plot.yAxis->coordToPixel(strongest->step)));
  const Rgb colour = methodColour(m_sample.header.runs[2].method, Theme::Light);
  const QColor seen = image.pixelColor(centre * image.devicePixelRatio());
  EXPECT_NEAR(seen.red(), colour.r, 3);
  EXPECT_NEAR(seen.green(), colour.g, 3);
  EXPECT_NEAR(seen.blue(), colour.b, 3);
}

TEST_F(DecodePageTest, HeadsAreCombinedAndTheTitleSaysSo) {
  openPage();
  m_selection.setHead({HeadChoice::MeanOverHeads, 0});
  ASSERT_TRUE(atRest());
  std::map<TokenIndex, double> sums;
  for (std::size_t head = 0; head < 4; ++head)
    for (std::size_t k = 0; k < 8; ++k)
      sums[m_sample.runs[2].attended[at(0, 1, head) + k]] +=
          static_cast<double>(m_sample.runs[2].attended_mass[at(0, 1, head) + k]) / 4;
  const auto best = std::ranges::max_element(sums, {}, [](const auto& entry) { return entry.second; });
  EXPECT_EQ(cell(0, DecodeKeys::Position), std::to_string(best->first));
  EXPECT_EQ(cell(0, DecodeKeys::Mass), QString::number(best->second, 'f', 3).toStdString());
  EXPECT_THAT(m_page->keys().title().toStdString(), HasSubstr("4 heads combined"));
}

TEST_F(DecodePageTest, AnEmptyListGivesTheReason) {
  openPage({.attended = 0});
  EXPECT_EQ(list().topLevelItemCount(), 0);
  EXPECT_EQ(m_page->keys().note().toStdString(),
            "This trace does not record what generated tokens attended to; capture it again.");
  EXPECT_TRUE(m_page->timeline().marks().marks().empty());
  EXPECT_EQ(m_page->timeline().grid().held.rows, 6U) << "cached tokens are still shown";
  m_selection.setFocusRun(kNoRun);
  ASSERT_TRUE(atRest());
  EXPECT_EQ(m_page->keys().note().toStdString(), "Choose a run in the list of runs.");
}

TEST_F(DecodePageTest, TheCsvHoldsTheKeysOfTheFocusedRun) {
  openPage();
  const QStringList lines = m_page->csv().split(QLatin1Char('\n'));
  EXPECT_TRUE(
      lines[0].startsWith(QLatin1String("run,step,kl,retained,oracle,layer,heads,attended_1,attended_mass_1,")));
  const trace::RunRecord& record = m_sample.runs[2];
  const auto columns = lines[0].count(QLatin1Char(','));
  int with_keys = 0;
  for (const QString& line : lines.mid(1)) {
    if (line.isEmpty()) continue;
    EXPECT_EQ(line.count(QLatin1Char(',')), columns) << line.toStdString();
    const QStringList cells = line.split(QLatin1Char(','));
    if (cells[5].isEmpty()) continue;
    const std::size_t step = static_cast<std::size_t>(with_keys++);
    EXPECT_EQ(cells[5].toStdString(), "1");
    EXPECT_EQ(cells[6].toStdString(), "H2");
    EXPECT_EQ(cells[7].toUInt(), record.attended[at(step, 1, 2)]);
    EXPECT_NEAR(cells[8].toDouble(), record.attended_mass[at(step, 1, 2)], 1e-8);
  }
  EXPECT_EQ(with_keys, 6);
}

}  // namespace
}  // namespace kvatlas::views
