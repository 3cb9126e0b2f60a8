// Bookmarks and view states: stored in the trace or beside it, edited, undone, and never lost.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <QElapsedTimer>
#include <fstream>

#include "core/base/error.h"
#include "core/base/files.h"
#include "tests/views/opened_document.h"
#include "views/models/items/bookmark_model.h"

namespace kvatlas::views {
namespace {

using test::ModelTester;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A file that another programme has open for writing.
class OpenedFile {
 public:
  explicit OpenedFile(const std::filesystem::path& path) : m_fd(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {
    struct flock range {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    EXPECT_EQ(fcntl(m_fd, F_OFD_SETLK, &range), 0);
  }
  ~OpenedFile() { ::close(m_fd); }
  OpenedFile(const OpenedFile&) = delete;
  OpenedFile& operator=(const OpenedFile&) = delete;

 private:
  int m_fd;
};

class BookmarkModelTest : public test::OpenedDocumentTest {
 protected:
  BookmarkModelTest() {
    QObject::connect(&m_model, &BookmarkModel::changed, [this](const BookmarkChange& c) { m_changes.push_back(c); });
    QObject::connect(&m_model, &BookmarkModel::failed, [this](const QString& m) { m_message = m.toStdString(); });
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (int row = 0; row < m_model.rowCount(); ++row) all.push_back(m_model.bookmark(row).name);
    return all;
  }
  BookmarkModel m_model{m_document};
  ModelTester m_tester{&m_model};
  std::vector<BookmarkChange> m_changes;
  std::string m_message;
};

TEST_F(BookmarkModelTest, EveryChangeIsSavedAndCanBeUndone) {
  ASSERT_TRUE(openSample());
  for (const char* name : {"a", "b", "c"}) m_model.add({name, "", {}});
  m_model.rename(1, "B");
  m_model.move(0, 2);
  EXPECT_THAT(names(), ElementsAre("B", "c", "a"));
  m_model.move(2, 1);
  EXPECT_THAT(names(), ElementsAre("B", "a", "c"));
  m_model.remove(0);
  m_model.setNote(0, "look here");
  EXPECT_TRUE(m_model.setData(m_model.index(1), "C", Qt::EditRole));
  EXPECT_THAT(names(), ElementsAre("a", "C"));
  ASSERT_EQ(m_changes.size(), 9U);
  for (auto change = m_changes.rbegin(); change != m_changes.rend(); ++change) change->undo();
  EXPECT_TRUE(names().empty());
  for (const BookmarkChange& change : m_changes) change.redo();
  EXPECT_THAT(names(), ElementsAre("a", "C"));
  EXPECT_EQ(m_model.bookmark(0).note, "look here");
  const auto path = m_document.path();
  m_document.close();
  EXPECT_EQ(m_model.rowCount(), 0);
  ASSERT_TRUE(open(path));
  EXPECT_THAT(names(), ElementsAre("a", "C"));
  m_changes.front().undo();
  EXPECT_THAT(names(), ElementsAre("a", "C")) << "cannot undo changes of a closed trace";
  EXPECT_EQ(m_message, "");
}

TEST_F(BookmarkModelTest, AreStoredInTheTraceWithoutANotesFile) {
  ASSERT_TRUE(openSample());
  const auto path = m_document.path();
  int refreshed = 0;
  QObject::connect(&m_document, &Document::refreshed, [&] { ++refreshed; });
  m_model.add({"inside", "", {}});
  EXPECT_FALSE(std::filesystem::exists(notesFile(path)));
  EXPECT_THAT(trace::Reader(path).notes(), HasSubstr("inside"));
  EXPECT_TRUE(trace::validate(path).empty());
  RunPointer run;  // reading still works
  EXPECT_TRUE(waitUntil([&] { return (run = m_document.run(1)) != nullptr; }));
  QElapsedTimer clock;
  clock.start();
  EXPECT_TRUE(waitUntil([&] { return clock.elapsed() > 700; }));  // longer than the refresh delay
  EXPECT_EQ(refreshed, 0) << "ignores its own change";
  m_document.close();
  ASSERT_TRUE(open(path));
  EXPECT_THAT(names(), ElementsAre("inside"));
}

TEST_F(BookmarkModelTest, AreStoredBesideAReadOnlyTraceAndBackInAWritableOne) {
  ASSERT_TRUE(openSample());
  const auto path = m_document.path();
  m_model.setKeptInTrace(false);
  m_model.add({"beside", "", {}});
  EXPECT_THAT(readFile(notesFile(path)), HasSubstr("beside"));
  EXPECT_EQ(trace::Reader(path).notes(), "");
  m_model.setKeptInTrace(true);
  {
    const OpenedFile other(path);  // another programme writes to it
    m_model.add({"again", "", {}});
    EXPECT_THAT(readFile(notesFile(path)), HasSubstr("again"));
    EXPECT_EQ(trace::Reader(path).notes(), "");
  }
  m_document.close();
  ASSERT_TRUE(open(path));
  EXPECT_THAT(names(), ElementsAre("beside", "again"));
  m_model.remove(0);
  EXPECT_FALSE(std::filesystem::exists(notesFile(path)));
  EXPECT_THAT(trace::Reader(path).notes(), HasSubstr("again"));
  EXPECT_EQ(m_message, "");
}

TEST_F(BookmarkModelTest, DamagedNotesAreReportedAndNeverLost) {
  const auto path = sample("trace.kva.h5");
  m_model.setKeptInTrace(false);
  std::ofstream(notesFile(path)) << R"({"bookmarks": [{"name": "good"}, {"name": "bad", "state": {"layer": -1}}, 7],
    "tool": {"x": 1}})";
  ASSERT_TRUE(open(path));
  EXPECT_THAT(names(), ElementsAre("good"));
  EXPECT_THAT(m_message, HasSubstr("damaged bookmarks: 2"));
  m_model.rename(0, "better");
  EXPECT_THAT(readFile(notesFile(path)), HasSubstr("\"tool\""));
  std::ofstream(notesFile(path)) << "no JSON";
  m_document.close();
  ASSERT_TRUE(open(path));
  EXPECT_THAT(m_message, HasSubstr("trace.kva.h5.notes.json"));
  EXPECT_EQ(m_model.rowCount(), 0);
  m_model.add({"new", "", {}});
  EXPECT_EQ(readFile(notesFile(path).string() + ".damaged"), "no JSON");
}

TEST_F(BookmarkModelTest, AViewStateSurvivesARoundTrip) {
  ASSERT_TRUE(openSample());
  m_selection.setLayer(LayerIndex(2));
  m_selection.setHead({HeadChoice::MaxOverGroup, 1});
  m_selection.setReduction(trace::Reduction::Mean);
  m_selection.setCursor(Cell{200, 100});
  m_selection.setKeyRange(TokenRange{90, 110});
  m_selection.setFocusRun(3);
  m_selection.setCompareRun(2);
  m_selection.setHidden(4, true);
  ViewState state = viewStateOf(m_selection);
  state.view = {{"zoom", 3}};
  const ViewState read = parseViewState(toJson(state).dump());
  m_document.close();
  ASSERT_TRUE(open(m_folder / "trace.kva.h5"));
  m_selection.setHidden(1, true);
  apply(read, m_selection);
  EXPECT_EQ(m_selection.layer(), LayerIndex(2));
  EXPECT_EQ(m_selection.head(), (HeadChoice{HeadChoice::MaxOverGroup, 1}));
  EXPECT_EQ(m_selection.reduction(), trace::Reduction::Mean);
  EXPECT_EQ(m_selection.cursor(), (Cell{200, 100}));
  EXPECT_EQ(m_selection.keyRange(), (TokenRange{90, 110}));
  EXPECT_EQ(m_selection.focusRun(), 3);
  EXPECT_EQ(m_selection.compareRun(), 2);
  EXPECT_THAT(m_selection.hiddenRuns(), ElementsAre(4));
  EXPECT_EQ(read.view["zoom"], 3);
  EXPECT_EQ(toJson(read), toJson(state));
}

TEST_F(BookmarkModelTest, WrongViewStatesNameTheMember) {
  const auto message = [](const char* text) -> std::string {
    try {
      (void)parseViewState(text);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_EQ(message("{}"), "none");
  EXPECT_THAT(message("{"), HasSubstr("JSON"));
  EXPECT_THAT(message("[]"), HasSubstr("object"));
  EXPECT_THAT(message(R"({"layer": "x"})"), HasSubstr("'layer'"));
  EXPECT_THAT(message(R"({"layer": 99999999999})"), HasSubstr("'layer'"));
  EXPECT_THAT(message(R"({"heads": "all"})"), HasSubstr("'heads'"));
  EXPECT_THAT(message(R"({"reduction": 1})"), HasSubstr("'reduction'"));
  EXPECT_THAT(message(R"({"cursor": [1]})"), HasSubstr("'cursor'"));
  EXPECT_THAT(message(R"({"keys": [1, -2]})"), HasSubstr("'keys'"));
  EXPECT_THAT(message(R"({"focus": -3})"), HasSubstr("'focus'"));
  EXPECT_THAT(message(R"({"hidden": [1000000]})"), HasSubstr("'hidden'"));
  EXPECT_THAT(message(R"({"view": 1})"), HasSubstr("'view'"));
}

}  // namespace
}  // namespace kvatlas::views
