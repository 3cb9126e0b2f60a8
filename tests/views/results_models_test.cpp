// The models of a folder of results under QAbstractItemModelTester: scores, filters, grids, and a run that still
// writes.
#include <gmock/gmock.h>

#include <cmath>

#include "tests/support/sample_results.h"
#include "tests/views/opened_document.h"
#include "views/models/items/model_roles.h"
#include "views/models/results/answer_words.h"
#include "views/models/results/case_filter.h"
#include "views/models/results/score_cells.h"

namespace kvatlas::views {
namespace {

using results::Settings;
using results::test::writeCases;
using test::ModelTester;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// 24 cases: 2 lengths × 3 depths × 2 kinds × 2 trials. full: all right, snapkv: depth / 100, h2o: all wrong.
class ResultsModels : public test::QtCoreTest {
 protected:
  ResultsPointer read(const std::string& score = {}) {
    return std::make_shared<const ResultsView>(readResults(m_folder / "run", score));
  }
  void write(std::size_t most) { writeCases(m_folder / "run", Settings(results::test::sampleValues()), most); }
  QString shown(const QAbstractItemModel& model, int row, int column) {
    return model.index(row, column).data().toString();
  }
};

TEST_F(ResultsModels, OneRowPerCaseThatGrowsWithTheRun) {
  write(2);
  CaseModel cases;
  const ModelTester tester(&cases);
  CaseFilter filter(cases);
  const ModelTester filter_tester(&filter);
  cases.show(read());
  ASSERT_EQ(cases.rowCount(), 2);
  ASSERT_EQ(cases.columnCount(), CaseModel::FirstBranch + 3);
  EXPECT_EQ(shown(cases, 0, CaseModel::CaseId), "L128-D0-number-t0");
  EXPECT_EQ(shown(cases, 0, CaseModel::Tokens), "127");
  EXPECT_EQ(shown(cases, 0, CaseModel::FirstBranch), "100");
  EXPECT_EQ(shown(cases, 0, CaseModel::FirstBranch + 1), "0");
  EXPECT_EQ(cases.headerData(CaseModel::FirstBranch + 1, Qt::Horizontal, Qt::DisplayRole).toString(), "SnapKV\n32");
  int inserted = 0, resets = 0;
  QObject::connect(&cases, &QAbstractItemModel::rowsInserted, [&](const QModelIndex&, int first, int last) {
    EXPECT_EQ(first, 2);
    inserted += last - first + 1;
  });
  QObject::connect(&cases, &QAbstractItemModel::modelReset, [&] { ++resets; });
  write(3);
  cases.show(read());
  EXPECT_EQ(cases.rowCount(), 5);
  EXPECT_EQ(inserted, 3);
  EXPECT_EQ(resets, 0) << "the selection must survive";
  cases.show(read("exact"));
  EXPECT_EQ(resets, 1);
  EXPECT_EQ(shown(cases, 0, CaseModel::FirstBranch), "0") << "by another score";
  cases.show(nullptr);
  EXPECT_EQ(cases.rowCount(), 0);
}

TEST_F(ResultsModels, FiltersFindWhatOneMethodLost) {
  write(24);
  CaseModel cases;
  CaseFilter filter(cases);
  const ModelTester tester(&filter);
  cases.show(read());
  const auto count = [&](const CaseConditions& conditions) {
    filter.setConditions(conditions);
    return filter.rowCount();
  };
  EXPECT_EQ(count({}), 24);
  EXPECT_EQ(count({.wrong_with = 1, .right_with = 0}), 16) << "depths 0 and 37.5";
  EXPECT_EQ(count({.wrong_with = 1, .right_with = 0, .right_from = 0.3}), 8) << "depth 0";
  EXPECT_EQ(count({.wrong_with = 0}), 0);
  EXPECT_EQ(count({.right_with = 2}), 0);
  EXPECT_EQ(count({.text = QStringLiteral("SECRET number")}), 24);
  EXPECT_EQ(count({.text = QStringLiteral("L256-d100")}), 4);
  EXPECT_EQ(count({.set = "words"}), 12);
  results::Facets where;
  where.add("length", std::uint64_t{256});
  where.add("depth", 37.5);
  EXPECT_EQ(count({.wrong_with = 1, .where = where}), 4);
  filter.setConditions({});
  filter.sort(CaseModel::FirstBranch + 1, Qt::DescendingOrder);
  EXPECT_THAT(shown(filter, 0, CaseModel::CaseId).toStdString(), HasSubstr("D100"));
}

TEST_F(ResultsModels, TablesAndGridsAreTheMeansOfTheirCases) {
  write(24);
  const ResultsPointer view = read();
  ScoreCellModel table, grid;
  const ModelTester table_tester(&table), grid_tester(&grid);
  table.show(setTable(*view));
  ASSERT_EQ(table.rowCount(), 3) << "number, words, average";
  EXPECT_EQ(shown(table, 0, 0), "100.0");
  EXPECT_THAT(shown(table, 2, 1).toStdString(), HasSubstr("45.8")) << "(0 + 37.5 + 100) / 3";
  EXPECT_THAT(table.index(0, 1).data(Qt::ToolTipRole).toString().toStdString(), HasSubstr("-54.2"));
  EXPECT_TRUE(shown(table, 0, 2).endsWith(QChar(0x25BE))) << "h2o is worse on all 12";
  grid.show(facetGrid(*view, 1));
  EXPECT_EQ(grid.rowCount(), 3);
  EXPECT_EQ(grid.columnCount(), 2);
  EXPECT_EQ(shown(grid, 1, 1), "37.5");
  EXPECT_FLOAT_EQ(grid.index(2, 0).data(ValueRole).toFloat(), 1);
  // A cell chooses the cases it is the mean of.
  CaseModel cases;
  CaseFilter filter(cases);
  cases.show(view);
  filter.setConditions(grid.cellAt(grid.index(1, 1)).cases);
  ASSERT_EQ(filter.rowCount(), 4);
  for (int row = 0; row < 4; ++row)
    EXPECT_THAT(shown(filter, row, CaseModel::CaseId).toStdString(), HasSubstr("L256-D37.5"));
}

TEST_F(ResultsModels, ASourceFollowsARunThatWrites) {
  write(1);
  ResultsSource source;
  source.setPollInterval(10);
  std::string problem;
  QObject::connect(&source, &ResultsSource::failed, [&](const QString& text) { problem = text.toStdString(); });
  source.open(m_folder / "run");
  ASSERT_TRUE(waitUntil([&] { return source.isOpen(); }));
  EXPECT_EQ(source.view()->cases(), 1U);
  write(4);
  ASSERT_TRUE(waitUntil([&] { return source.view()->cases() == 5; }));
  write(24);
  ASSERT_TRUE(waitUntil([&] { return source.view()->cases() == 24; }));
  source.setScore("word_overlap");
  ASSERT_TRUE(waitUntil([&] { return source.view()->score == "word_overlap"; }));
  source.open(m_folder / "nowhere");
  ASSERT_TRUE(waitUntil([&] { return !problem.empty(); }));
  EXPECT_THAT(problem, HasSubstr("no such folder of results"));
  EXPECT_EQ(source.folder(), m_folder / "run") << "what is shown stays";
}

std::string marked(const std::vector<AnswerPart>& parts) {
  std::string text;
  for (const AnswerPart& part : parts)
    text += part.differs ? "[" + part.text.toStdString() + "]" : part.text.toStdString();
  return text;
}

TEST(AnswerWords, MarkWhatDiffers) {
  const auto both = [](const char* expected, const char* given) {
    const ComparedAnswers compared = compareAnswers(QString::fromUtf8(expected), QString::fromUtf8(given));
    return std::pair(marked(compared.expected), marked(compared.given));
  };
  EXPECT_EQ(both("the red house", "The  house, red."),
            std::pair(std::string("the [red ]house"), std::string("The  house, [red.]")));
  EXPECT_EQ(both("48213", " 48213."), std::pair(std::string("48213"), std::string(" 48213.")));
  EXPECT_EQ(both("上海市", "上海省"), std::pair(std::string("上海[市]"), std::string("上海[省]")));
  EXPECT_EQ(both("yes", ""), std::pair(std::string("[yes]"), std::string()));
  EXPECT_EQ(both("", ""), std::pair(std::string(), std::string()));
}

}  // namespace
}  // namespace kvatlas::views
