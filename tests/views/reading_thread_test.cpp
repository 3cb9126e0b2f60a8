// The reading thread: priorities, cancellation, errors as values, deleted files.
#include "views/models/document/reading_thread.h"

#include <gmock/gmock.h>

#include <fstream>
#include <future>
#include <thread>

#include "core/base/error.h"
#include "core/trace/vetting.h"
#include "tests/views/qt_core.h"

namespace kvatlas::views {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ReadingThreadTest : public test::QtCoreTest {
 protected:
  void SetUp() override {
    m_path = sample("a.kva.h5", {.tokens = 40, .layers = 2});
    m_source = m_thread.addSource(m_path);
  }
  // Blocks the reading thread until release().
  void block() {
    auto gate = m_gate.get_future().share();
    m_thread.post(
        m_source, {}, [gate](const trace::Reader&) { return gate.get(); }, &m_context, [](auto) {});
  }
  void release() { m_gate.set_value(1); }
  // A request that logs its name here and on the reading thread.
  RequestId ask(const std::string& name, Order order) {
    return m_thread.post(
        m_source, order,
        [this, name](const trace::Reader&) {
          m_ran.push_back(name);
          return name;
        },
        &m_context, [this](Answer<std::string> answer) { m_answered.push_back(*answer.value); });
  }
  bool settle() {
    return waitUntil([this] { return m_thread.pending() == 0; });
  }

  std::filesystem::path m_path;
  std::promise<int> m_gate;
  std::vector<std::string> m_ran, m_answered;
  QObject m_context;
  ReadingThread m_thread;
  SourceId m_source = 0;
};

TEST_F(ReadingThreadTest, AnswersWithTheValueAndItsIdOnTheCallersThread) {
  const auto here = std::this_thread::get_id();
  std::thread::id read_on, answered_on;
  RequestId answered = 0;
  std::uint64_t tokens = 0;
  const RequestId asked = m_thread.post(
      m_source, {},
      [&](const trace::Reader& reader) {
        read_on = std::this_thread::get_id();
        return reader.tokens();
      },
      &m_context,
      [&](Answer<std::uint64_t> answer) {
        answered_on = std::this_thread::get_id();
        answered = answer.id;
        tokens = answer.value.value_or(0);
      });
  EXPECT_EQ(answered, 0U) << "never before the event loop runs";
  ASSERT_TRUE(settle());
  EXPECT_EQ(tokens, 40U);
  EXPECT_EQ(answered, asked);
  EXPECT_EQ(answered_on, here);
  EXPECT_NE(read_on, here);
}

TEST_F(ReadingThreadTest, UrgentFirstTilesNewestFirstTheRestInOrder) {
  block();
  ask("back 1", {Priority::Background});
  ask("soon 1", {Priority::Soon});
  ask("tile 1", {Priority::Tile});
  ask("tile 2", {Priority::Tile});
  ask("now 1", {});
  ask("back 2", {Priority::Background});
  ask("now 2", {});
  ask("tile 3", {Priority::Tile});
  ask("soon 2", {Priority::Soon});
  release();
  ASSERT_TRUE(settle());
  EXPECT_THAT(m_answered,
              ElementsAre("now 1", "now 2", "tile 3", "tile 2", "tile 1", "soon 1", "soon 2", "back 1", "back 2"));
}

TEST_F(ReadingThreadTest, CancelledAndStaleRequestsNeverRun) {
  block();
  const GroupId old_view = m_thread.newGroup(), new_view = m_thread.newGroup();
  ask("old 1", {Priority::Tile, old_view});
  ask("new", {Priority::Tile, new_view});
  ask("old 2", {Priority::Tile, old_view});
  const RequestId single = ask("single", {});
  m_thread.cancelGroup(old_view);
  m_thread.cancel(single);
  release();
  ASSERT_TRUE(settle());
  EXPECT_THAT(m_ran, ElementsAre("new"));
  EXPECT_THAT(m_answered, ElementsAre("new"));
}

TEST_F(ReadingThreadTest, CancelsAnAnswerInFlight) {
  const RequestId id = ask("late", {});
  while (m_thread.runHere(m_source, [this](const trace::Reader&) { return m_ran.empty(); }).value.value_or(true)) {
  }
  m_thread.cancel(id);
  QCoreApplication::processEvents();
  EXPECT_TRUE(m_answered.empty());
}

TEST_F(ReadingThreadTest, ADestroyedContextIsNotCalled) {
  auto context = std::make_unique<QObject>();
  bool called = false;
  m_thread.post(
      m_source, {}, [](const trace::Reader&) { return 1; }, context.get(), [&](auto) { called = true; });
  context.reset();
  ASSERT_TRUE(settle());
  EXPECT_FALSE(called);
}

TEST_F(ReadingThreadTest, ErrorsAreMessages) {
  std::vector<std::string> errors;
  const auto note = [&](const Answer<int>& answer) {
    EXPECT_FALSE(answer);
    errors.push_back(answer.error);
  };
  const SourceId missing = m_thread.addSource(m_folder / "missing.kva.h5");
  const SourceId foreign = m_thread.addSource(m_folder.write("foreign.kva.h5", "no HDF5 at all"));
  m_thread.post(
      missing, {}, [](const trace::Reader&) { return 1; }, &m_context, note);
  m_thread.post(
      foreign, {}, [](const trace::Reader&) { return 1; }, &m_context, note);
  m_thread.post(
      m_source, {}, [](const trace::Reader&) -> int { fail("layer 3 is broken\nstack"); }, &m_context, note);
  m_thread.post(
      m_source, {}, [](const trace::Reader&) -> int { throw std::bad_alloc(); }, &m_context, note);
  m_thread.post(
      99, {}, [](const trace::Reader&) { return 1; }, &m_context, note);
  ASSERT_TRUE(settle());
  std::sort(errors.begin(), errors.end());
  ASSERT_EQ(errors.size(), 5U);
  EXPECT_THAT(errors, ::testing::Contains("layer 3 is broken"));
  EXPECT_THAT(errors, ::testing::Contains("out of memory"));
  EXPECT_THAT(errors, ::testing::Contains("the file is closed"));
  EXPECT_THAT(errors, ::testing::Contains(HasSubstr("missing.kva.h5")));
  EXPECT_THAT(errors, ::testing::Contains(HasSubstr("foreign.kva.h5")));
}

TEST_F(ReadingThreadTest, AFileTruncatedWhileOpenGivesMessages) {
  std::string error;
  bool first = false;
  const auto whole = [](const trace::Reader& reader) {
    return reader.map(LayerIndex(1), HeadIndex(3), trace::Reduction::Max, 0).has_value();
  };
  m_thread.post(
      m_source, {}, [](const trace::Reader& reader) { return reader.tokens(); }, &m_context,
      [&](auto answer) { first = static_cast<bool>(answer); });
  ASSERT_TRUE(settle());
  ASSERT_TRUE(first);
  std::filesystem::resize_file(m_path, 4096);
  m_thread.post(m_source, {}, whole, &m_context, [&](Answer<bool> answer) { error = answer.error; });
  ASSERT_TRUE(settle());
  EXPECT_THAT(error, HasSubstr("a.kva.h5"));
}

TEST_F(ReadingThreadTest, ADeletedFileStaysReadableUntilReopened) {
  const auto tokens = [](const trace::Reader& reader) { return reader.tokens(); };
  EXPECT_EQ(m_thread.runHere(m_source, tokens).value, 40U);
  std::filesystem::remove(m_path);
  EXPECT_EQ(m_thread.runHere(m_source, tokens).value, 40U);
  m_thread.reopen(m_source, m_path);
  EXPECT_THAT(m_thread.runHere(m_source, tokens).error, HasSubstr("a.kva.h5"));
  sample("a.kva.h5", {.tokens = 50, .layers = 2});
  EXPECT_EQ(m_thread.runHere(m_source, tokens).value, 50U) << "finds a restored file";
}

TEST_F(ReadingThreadTest, RunHereExcludesTheThread) {
  std::atomic<int> inside = 0, together = 0;
  const auto job = [&](const trace::Reader&) {
    if (++inside > 1) ++together;
    std::this_thread::yield();
    --inside;
    return 0;
  };
  for (int i = 0; i < 200; ++i) m_thread.post(m_source, {}, job, &m_context, [](auto) {});
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(m_thread.runHere(m_source, job));
  ASSERT_TRUE(settle());
  EXPECT_EQ(together, 0);
}

// Vets with a script that takes a minute for "slow" files and refuses "harmful" ones.
class VettedReadingTest : public ReadingThreadTest {
 protected:
  void SetUp() override {
    ReadingThreadTest::SetUp();
    const auto programme = m_folder.write("vet.sh",
                                          "#!/bin/sh\ncase \"$2\" in\n*slow*) sleep 60;;\n"
                                          "*harmful*) echo \"$2: is harmful\"; exit 1;;\nesac\n");
    std::filesystem::permissions(programme, std::filesystem::perms::owner_all);
    trace::vetWith(programme);
  }
  void TearDown() override {
    trace::vetWith("");
    ReadingThreadTest::TearDown();
  }
  void askTokens(SourceId source) {
    m_thread.post(
        source, {}, [](const trace::Reader& reader) { return reader.tokens(); }, &m_context,
        [this](const Answer<std::uint64_t>& answer) {
          m_answered.push_back(answer ? std::to_string(*answer.value) : answer.error);
        });
  }
};

TEST_F(VettedReadingTest, AFileThatTakesLongToVetDelaysNoOther) {
  QElapsedTimer timer;
  timer.start();
  const SourceId slow = m_thread.addSource(sample("slow.kva.h5", {.tokens = 30, .layers = 2}));
  askTokens(slow);
  askTokens(m_source);
  ASSERT_TRUE(waitUntil([this] { return !m_answered.empty(); }));
  EXPECT_THAT(m_answered, ElementsAre("40"));
  EXPECT_EQ(m_thread.pending(), 1U);
  m_thread.dropSource(slow);  // stops its vetting
  EXPECT_EQ(m_thread.pending(), 0U);
  auto brief = std::make_unique<ReadingThread>();
  brief->post(
      brief->addSource(m_folder / "slow.kva.h5"), {}, [](const trace::Reader& r) { return r.tokens(); }, &m_context,
      [](auto) {});
  QThread::msleep(100);
  brief.reset();
  EXPECT_LT(timer.elapsed(), 20000);
}

TEST_F(VettedReadingTest, ARefusedFileFailsEveryRequestAndCanBeRetried) {
  const std::filesystem::path path = sample("harmful.kva.h5", {.tokens = 30, .layers = 2});
  const SourceId source = m_thread.addSource(path);
  for (int i = 0; i < 3; ++i) askTokens(source);
  ASSERT_TRUE(settle());
  EXPECT_THAT(m_answered, ::testing::AllOf(::testing::SizeIs(3), ::testing::Each(HasSubstr("is harmful"))));
  m_answered.clear();
  std::filesystem::rename(path, m_folder / "good.kva.h5");
  m_thread.reopen(source, m_folder / "good.kva.h5");
  askTokens(source);
  ASSERT_TRUE(settle());
  EXPECT_THAT(m_answered, ElementsAre("30"));
}

TEST_F(ReadingThreadTest, DroppedSourcesAndEarlyDestructionLeakNothing) {
  const SourceId other = m_thread.addSource(sample("b.kva.h5", {.tokens = 30, .layers = 2}));
  bool called = false;
  for (int i = 0; i < 100; ++i)
    m_thread.post(
        other, {}, [](const trace::Reader& r) { return r.tokens(); }, &m_context, [&](auto) { called = true; });
  m_thread.dropSource(other);
  EXPECT_EQ(m_thread.pending(), 0U);
  QCoreApplication::processEvents();
  EXPECT_FALSE(called);
  auto brief = std::make_unique<ReadingThread>();
  const SourceId source = brief->addSource(m_path);
  for (int i = 0; i < 100; ++i)
    brief->post(
        source, {}, [](const trace::Reader& r) { return r.tokens(); }, &m_context, [&](auto) { called = true; });
  brief.reset();
  QCoreApplication::processEvents();
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace kvatlas::views
