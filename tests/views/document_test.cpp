// Documents and the selection: opening, refreshing; partial, damaged and foreign files.
#include "views/models/document/document.h"

#include <gmock/gmock.h>

#include <fstream>

#include "core/trace/writer.h"
#include "tests/views/qt_core.h"
#include "views/models/document/selection.h"

namespace kvatlas::views {
namespace {

using test::SampleTrace;
using test::SampleTraceOptions;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class DocumentTest : public test::QtCoreTest {
 protected:
  DocumentTest() {
    const auto note = [this](const char* what) { return [this, what] { m_events.emplace_back(what); }; };
    QObject::connect(&m_document, &Document::opened, note("opened"));
    QObject::connect(&m_document, &Document::refreshed, note("refreshed"));
    QObject::connect(&m_document, &Document::closed, note("closed"));
    QObject::connect(&m_document, &Document::failed, [this](const QString& m) { m_message = m.toStdString(); });
    QObject::connect(&m_document, &Document::vanished, [this](const QString& m) { m_vanished = m.toStdString(); });
  }
  // Opens and waits for success or failure; true if open.
  bool open(const std::filesystem::path& path) {
    m_events.clear();
    m_message.clear();
    m_document.open(path);
    waitUntil([this] { return m_document.state() != Document::State::Opening; });
    return m_message.empty() && m_document.isOpen();
  }
  RunPointer runOf(RunId id) {
    (void)m_document.run(id);
    waitUntil([&] { return m_document.thread().pending() == 0; });
    return m_document.run(id);
  }

  ReadingThread m_thread;
  Document m_document{m_thread};
  std::vector<std::string> m_events;
  std::string m_message, m_vanished;
};

TEST_F(DocumentTest, OpensTheIndexAndNothingElse) {
  ASSERT_TRUE(open(sample("a.kva.h5", {.budgets = {32, 64}})));
  EXPECT_THAT(m_events, ElementsAre("opened"));
  EXPECT_EQ(m_document.tokens(), 256U);
  EXPECT_EQ(m_document.facts().file, "a.kva.h5");
  EXPECT_EQ(m_document.status(), TraceStatus::Complete);
  EXPECT_THAT(m_document.warnings(), ElementsAre());
  EXPECT_EQ(m_document.runIds().size(), 9U);
  EXPECT_EQ(m_document.runTitle(0), "Full cache");
  EXPECT_EQ(m_document.runTitle(7), "PyramidKV") << "two budgets need no label";
}

TEST_F(DocumentTest, RunsAreReadOnDemandAndEqualTheFile) {
  const SampleTraceOptions options;
  const SampleTrace made = test::makeSampleTrace(options);
  ASSERT_TRUE(open(sample("a.kva.h5", options)));
  EXPECT_EQ(m_document.run(3), nullptr) << "not read before the first request";
  const RunPointer run = runOf(3);
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(run->run.record.kept_positions, made.runs[3].kept_positions);
  const auto kept = run->kept(LayerIndex(1), 1);
  const auto offset = made.runs[3].kept_offsets[1 * 2 + 1];
  EXPECT_TRUE(std::equal(kept.begin(), kept.end(), made.runs[3].kept_positions.begin() + static_cast<long>(offset)));
  for (TokenIndex position = 0; position < 256; ++position)
    EXPECT_EQ(run->keeps(LayerIndex(1), 1, position), std::count(kept.begin(), kept.end(), position) == 1);
  EXPECT_EQ(run->reason(LayerIndex(1), 1, 255), policy::Reason::Window);
  EXPECT_EQ(run->reason(LayerIndex(1), 1, kept.front()), policy::Reason::Score);
}

TEST_F(DocumentTest, TheFullRunNeedsNoListOfPositions) {
  ASSERT_TRUE(open(sample("a.kva.h5")));
  const RunPointer full = runOf(0);
  ASSERT_NE(full, nullptr);
  EXPECT_TRUE(full->everything());
  EXPECT_TRUE(full->run.record.kept_positions.empty());
  EXPECT_EQ(full->keptTokens(), 256U * 2 * 4);
  EXPECT_TRUE(full->keeps(LayerIndex(0), 0, 17));
  EXPECT_EQ(full->reason(LayerIndex(3), 1, 17), policy::Reason::Everything);
  EXPECT_FALSE(full->run.record.decode_ids.empty());
}

TEST_F(DocumentTest, RunsBeyondTheLimitAreReadAgain) {
  ASSERT_TRUE(open(sample("a.kva.h5", {.budgets = {32, 64}})));
  m_document.setRunCacheLimit(1);
  const RunPointer first = runOf(3);
  EXPECT_EQ(m_document.run(3), first) << "the last one always stays";
  (void)runOf(4);
  EXPECT_EQ(m_document.run(3), nullptr);
  EXPECT_NE(runOf(3), nullptr);
}

TEST_F(DocumentTest, MissingFoldersForeignAndDamagedFilesGiveOneSentence) {
  EXPECT_FALSE(open(m_folder / "none.kva.h5"));
  EXPECT_THAT(m_message, HasSubstr("none.kva.h5"));
  EXPECT_FALSE(open(m_folder.path()));
  EXPECT_FALSE(m_message.empty());
  EXPECT_FALSE(open(m_folder.write("text.kva.h5", "just text")));
  EXPECT_THAT(m_message, HasSubstr("text.kva.h5"));
  const auto cut = sample("cut.kva.h5");
  std::filesystem::resize_file(cut, std::filesystem::file_size(cut) / 3);
  EXPECT_FALSE(open(cut));
  EXPECT_THAT(m_message, HasSubstr("cut.kva.h5"));
  EXPECT_EQ(m_message.find('\n'), std::string::npos);
  EXPECT_EQ(m_document.state(), Document::State::Empty);
}

TEST_F(DocumentTest, AFailedOpenLeavesTheOldTraceOpen) {
  ASSERT_TRUE(open(sample("a.kva.h5")));
  EXPECT_FALSE(open(m_folder / "none.kva.h5"));
  EXPECT_EQ(m_document.state(), Document::State::Open);
  EXPECT_EQ(m_document.facts().file, "a.kva.h5");
  EXPECT_NE(runOf(1), nullptr);
}

TEST_F(DocumentTest, SmallestTraceOpens) {
  ASSERT_TRUE(open(sample(
      "one.kva.h5",
      {.tokens = 1, .layers = 1, .query_heads = 1, .kv_heads = 1, .window = 1, .new_tokens = 0, .budgets = {1}})));
  EXPECT_EQ(m_document.tokens(), 1U);
  EXPECT_NE(runOf(1), nullptr);
}

TEST_F(DocumentTest, PartialTracesWarnAboutMissingParts) {
  SampleTrace made = test::makeSampleTrace();
  made.header.runs.resize(1);
  made.header.attention.cells.clear();
  made.header.prompt.text.clear();
  std::fill(made.header.prompt.offsets.begin(), made.header.prompt.offsets.end(), 0);
  trace::Writer writer(m_folder / "bare.kva.h5", made.header);
  for (std::size_t layer = 0; layer < 2; ++layer) {
    made.layers[layer].map_mean.clear();
    made.layers[layer].map_max.clear();
    writer.writeLayer(made.layers[layer]);
  }
  writer.writeRun(0, made.runs[0]);
  writer.finish();
  ASSERT_TRUE(open(m_folder / "bare.kva.h5"));
  EXPECT_EQ(m_document.status(), TraceStatus::Partial);
  const std::string all = ::testing::PrintToString(m_document.warnings());
  EXPECT_THAT(all, HasSubstr("2 of 4 planned layers"));
  EXPECT_THAT(all, HasSubstr("no attention maps"));
  EXPECT_THAT(all, HasSubstr("no run of an eviction method"));
  EXPECT_THAT(all, HasSubstr("token ids"));
  EXPECT_TRUE(m_document.index().hasLayer(LayerIndex(1)));
  EXPECT_FALSE(m_document.index().hasLayer(LayerIndex(2)));
  EXPECT_FALSE(m_document.index().hasMaps());
}

TEST_F(DocumentTest, FollowsAFileThatIsBeingWritten) {
  const SampleTrace made = test::makeSampleTrace();
  const auto path = m_folder / "live.kva.h5";
  trace::Writer writer(path, made.header);
  writer.writeLayer(made.layers[0]);
  ASSERT_TRUE(open(path)) << m_message;
  EXPECT_EQ(m_document.status(), TraceStatus::Unfinished);
  EXPECT_TRUE(m_document.index().hasLayer(LayerIndex(0)));
  EXPECT_FALSE(m_document.index().hasLayer(LayerIndex(1)));
  EXPECT_FALSE(m_document.runFinished(1));
  EXPECT_EQ(m_document.run(1), nullptr);
  for (std::size_t layer = 1; layer < 4; ++layer) writer.writeLayer(made.layers[layer]);
  writer.writeRun(0, made.runs[0]);
  m_document.refresh();
  ASSERT_TRUE(waitUntil([&] { return m_document.index().hasLayer(LayerIndex(3)); }));
  EXPECT_TRUE(m_document.runFinished(0));
  EXPECT_EQ(m_document.status(), TraceStatus::Unfinished);
  writer.writeNextLogits(made.next_logits);
  for (std::size_t run = 1; run < made.runs.size(); ++run) writer.writeRun(run, made.runs[run]);
  writer.finish();
  ASSERT_TRUE(waitUntil([&] { return m_document.status() == TraceStatus::Complete; })) << "nobody called refresh()";
  EXPECT_NE(runOf(4), nullptr);
  EXPECT_THAT(m_events, ::testing::Not(::testing::Contains("closed")));
  EXPECT_EQ(std::count(m_events.begin(), m_events.end(), "opened"), 1) << "it stayed the same trace";
}

TEST_F(DocumentTest, ADeletedFileIsReportedAndLoadedDataStay) {
  const auto path = sample("a.kva.h5");
  ASSERT_TRUE(open(path));
  const RunPointer run = runOf(2);
  std::filesystem::remove(path);
  ASSERT_TRUE(waitUntil([&] { return !m_vanished.empty(); })) << "nobody called refresh()";
  EXPECT_THAT(m_vanished, HasSubstr("a.kva.h5"));
  EXPECT_TRUE(m_document.isOpen());
  EXPECT_EQ(m_document.run(2), run);
}

TEST_F(DocumentTest, AnotherTraceUnderTheSameNameIsAnotherTrace) {
  const auto path = sample("a.kva.h5");
  ASSERT_TRUE(open(path));
  (void)runOf(2);
  sample("a.kva.h5", {.tokens = 300, .seed = 2});
  m_document.refresh();
  ASSERT_TRUE(waitUntil([&] { return m_document.tokens() == 300; }));
  EXPECT_THAT(m_events, ElementsAre("opened", "opened"));
  EXPECT_EQ(m_document.run(2), nullptr) << "drops the old run";
}

// Whoever waits for the other file must not take the refreshed one for it.
TEST_F(DocumentTest, ARefreshDoesNotEndTheOpeningOfAnotherFile) {
  ASSERT_TRUE(open(sample("a.kva.h5")));
  sample("a.kva.h5", {.tokens = 300, .seed = 2});
  std::vector<Document::State> states;
  QObject::connect(&m_document, &Document::opened, [&] { states.push_back(m_document.state()); });
  m_document.refresh();
  m_document.open(m_folder.write("b.kva.h5", "not a trace"));
  ASSERT_TRUE(waitUntil([&] { return m_document.state() != Document::State::Opening; }));
  EXPECT_THAT(states, ElementsAre(Document::State::Opening));
  EXPECT_THAT(m_message, HasSubstr("b.kva.h5"));
  EXPECT_EQ(m_document.tokens(), 300U);
  EXPECT_EQ(m_document.state(), Document::State::Open);
}

TEST_F(DocumentTest, CloseClearsEverything) {
  ASSERT_TRUE(open(sample("a.kva.h5")));
  m_document.close();
  EXPECT_FALSE(m_document.isOpen());
  EXPECT_TRUE(m_document.runIds().empty());
  EXPECT_EQ(m_document.run(1), nullptr);
  ASSERT_TRUE(open(m_folder / "a.kva.h5"));
}

class SelectionTest : public DocumentTest {
 protected:
  SelectionTest() {
    QObject::connect(&m_selection, &Selection::layerChanged, [this] { ++m_changes; });
    QObject::connect(&m_selection, &Selection::headChanged, [this] { ++m_changes; });
    QObject::connect(&m_selection, &Selection::cursorChanged, [this] { ++m_changes; });
    QObject::connect(&m_selection, &Selection::keyRangeChanged, [this] { ++m_changes; });
    QObject::connect(&m_selection, &Selection::hiddenRunsChanged, [this] { ++m_changes; });
  }
  Selection m_selection{m_document};
  int m_changes = 0;
};

TEST_F(SelectionTest, StartsAtTheFirstRecordedLayerAndRun) {
  ASSERT_TRUE(open(sample("a.kva.h5")));
  EXPECT_EQ(m_selection.layer(), LayerIndex(0));
  EXPECT_EQ(m_selection.focusRun(), 0) << "the full cache";
  EXPECT_EQ(m_selection.compareRun(), kNoRun);
  EXPECT_EQ(m_selection.visibleRuns().size(), 5U);
}

TEST_F(SelectionTest, ClampsAndSignalsOnlyChanges) {
  ASSERT_TRUE(open(sample("a.kva.h5")));
  m_changes = 0;
  m_selection.setLayer(LayerIndex(99));
  EXPECT_EQ(m_selection.layer(), LayerIndex(3));
  m_selection.setLayer(LayerIndex(77));
  EXPECT_EQ(m_changes, 1);
  m_selection.setHead({HeadChoice::MeanOverGroup, 9});
  EXPECT_EQ(m_selection.head(), (HeadChoice{HeadChoice::MeanOverGroup, 1}));
  m_selection.setCursor(Cell{1000, 5});
  EXPECT_EQ(m_selection.cursor(), (Cell{255, 5}));
  m_selection.setKeyRange(TokenRange{10, 999});
  EXPECT_EQ(m_selection.keyRange(), (TokenRange{10, 256}));
  m_selection.setKeyRange(TokenRange{20, 20});
  EXPECT_EQ(m_selection.keyRange(), std::nullopt);
  m_selection.setFocusRun(44);
  EXPECT_EQ(m_selection.focusRun(), kNoRun);
  m_selection.setHidden(2, true);
  m_selection.setHidden(2, true);
  m_selection.setHidden(77, true);
  EXPECT_EQ(m_changes, 6);
  EXPECT_THAT(m_selection.visibleRuns(), ElementsAre(0, 1, 3, 4));
}

TEST_F(SelectionTest, ArrowKeysStayInside) {
  ASSERT_TRUE(open(sample("a.kva.h5")));
  m_selection.stepLayer(-1);
  EXPECT_EQ(m_selection.layer(), LayerIndex(0));
  m_selection.stepLayer(2);
  m_selection.stepLayer(7);
  EXPECT_EQ(m_selection.layer(), LayerIndex(3));
  m_selection.stepHead(1);
  EXPECT_EQ(m_selection.head(), (HeadChoice{HeadChoice::QueryHead, 0}));
  m_selection.stepHead(9);
  EXPECT_EQ(m_selection.head(), (HeadChoice{HeadChoice::QueryHead, 3}));
}

TEST_F(SelectionTest, StepFollowsTheRunInFocus) {
  ASSERT_TRUE(open(sample("a.kva.h5")));
  ASSERT_NE(runOf(1), nullptr);
  m_selection.setFocusRun(1);
  m_selection.setStep(99);
  EXPECT_EQ(m_selection.step(), 5U);
}

TEST_F(SelectionTest, AnotherTraceResetsIt) {
  ASSERT_TRUE(open(sample("a.kva.h5")));
  m_selection.setLayer(LayerIndex(3));
  m_selection.setCursor(Cell{200, 100});
  m_selection.setHidden(3, true);
  ASSERT_TRUE(open(sample("b.kva.h5", {.tokens = 20, .layers = 2})));
  EXPECT_EQ(m_selection.layer(), LayerIndex(0));
  EXPECT_EQ(m_selection.cursor(), std::nullopt);
  EXPECT_TRUE(m_selection.hiddenRuns().empty());
}

TEST_F(SelectionTest, WithoutATraceNothingCanBeSelected) {
  m_selection.setLayer(LayerIndex(3));
  m_selection.setCursor(Cell{1, 1});
  m_selection.setFocusRun(0);
  m_selection.stepHead(1);
  EXPECT_EQ(m_changes, 0);
  EXPECT_EQ(m_selection.layer(), LayerIndex(0));
}

}  // namespace
}  // namespace kvatlas::views
