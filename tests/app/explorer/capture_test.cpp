// Captures started in the window: command line, child process, results.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <QLabel>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSignalSpy>

#include "app/explorer/capture/capture_dialog.h"
#include "app/explorer/capture/capture_form.h"
#include "app/explorer/capture/chat_fields.h"
#include "app/explorer/explorer_settings.h"
#include "app/explorer/programme_files.h"
#include "tests/views/pages/qt_widgets.h"

namespace kvatlas::app {
namespace {

using ::testing::HasSubstr;
using End = CaptureJob::End;

class CaptureTest : public test::QtWidgetTest {
 protected:
  CaptureTest() {
    QObject::connect(&m_job, &CaptureJob::finished, [this](End end, const QString& message) {
      ++m_ends;
      m_end = end;
      m_message = message.toStdString();
    });
    QObject::connect(&m_job, &CaptureJob::logged, [this](const QString& line) { m_log << line; });
  }
  CaptureRequest request() {
    CaptureRequest request;
    request.model = resourceFile(QStringLiteral("models/tiny-llama"));
    request.text = QStringLiteral(
        "It is a truth universally acknowledged, that a single man in possession of a good "
        "fortune, must be in want of a wife.");
    request.methods = QStringList{QStringLiteral("snapkv:kernel=3")};
    request.budgets = QStringList{QStringLiteral("16")};
    request.window = 4;
    request.new_tokens = 2;
    request.output = file("out.kva.h5");
    return request;
  }
  // A script that replaces kvatlas for behaviour the real one never shows.
  QString script(const std::string& text) {
    const auto path = m_folder.write("programme", "#!/bin/sh\n" + text);
    ::chmod(path.c_str(), 0755);
    return QString::fromStdString(path.string());
  }
  void run(const QString& programme, const CaptureRequest& wanted) {
    m_job.start(programme, wanted);
    ASSERT_TRUE(waitUntil([this] { return m_ends > 0; }));
    EXPECT_EQ(m_ends, 1);
    EXPECT_FALSE(m_job.running());
  }
  static bool canCapture() {
    return QFile::exists(QCoreApplication::applicationDirPath() + QStringLiteral("/../lib/libkvatlas_capture.so"));
  }

  CaptureJob m_job;
  int m_ends = 0;
  End m_end = End::Done;
  std::string m_message;
  QStringList m_log;
};

TEST_F(CaptureTest, TheRequestSaysWhatIsMissing) {
  EXPECT_EQ(request().problem(), "");
  const auto problem = [this](auto change) {
    CaptureRequest changed = request();
    change(changed);
    return changed.problem().toStdString();
  };
  EXPECT_THAT(problem([this](CaptureRequest& r) { r.model = file("nowhere"); }), HasSubstr("config.json"));
  m_folder.write("model.gguf", "GGUF");
  EXPECT_EQ(problem([this](CaptureRequest& r) { r.model = file("model.gguf"); }), "");
  EXPECT_THAT(problem([](CaptureRequest& r) { r.text.clear(); }), HasSubstr("prompt"));
  EXPECT_THAT(problem([](CaptureRequest& r) { r.methods.clear(); }), HasSubstr("method"));
  EXPECT_THAT(problem([](CaptureRequest& r) { r.methods[0] = QStringLiteral("snapkv:kernel=4"); }),
              HasSubstr("kernel"));
  EXPECT_THAT(problem([](CaptureRequest& r) { r.budgets[0] = QStringLiteral("120%"); }), HasSubstr("120%"));
  EXPECT_THAT(problem([](CaptureRequest& r) { r.output.clear(); }), HasSubstr("output file"));
}

TEST_F(CaptureTest, TheFormKeepsEveryField) {
  CaptureForm form;
  CaptureRequest wanted = request();
  wanted.chat = QStringLiteral("llama3");
  wanted.system = QStringLiteral("Answer in verse.");
  wanted.chat_date = QStringLiteral("2026-03-31");
  wanted.granularity = QStringLiteral("query-head");
  wanted.device = QStringLiteral("cuda:1");
  wanted.spans = QStringList{QStringLiteral("truth=universally acknowledged")};
  wanted.paper = wanted.keep_qk = true;
  wanted.map_size = 100;
  form.setRequest(wanted);
  EXPECT_EQ(form.request().arguments(file("t")), wanted.arguments(file("t")));
  CaptureForm other;
  other.setFields(form.fields());
  EXPECT_EQ(other.request().arguments(file("t")), wanted.arguments(file("t")));
}

TEST_F(CaptureTest, AModelsOwnChatTemplateIsTheDefault) {
  std::filesystem::create_directories(m_folder / "chat");
  m_folder.write("chat/config.json", "{}");
  m_folder.write("chat/tokenizer_config.json", R"({"chat_template": "{{ messages[0].content }}"})");
  std::filesystem::create_directories(m_folder / "plain");
  m_folder.write("plain/config.json", "{}");
  ChatFields fields;
  EXPECT_EQ(fields.chat(), QString());
  fields.setModel(file("chat"));
  EXPECT_EQ(fields.chat(), QStringLiteral("auto"));
  fields.set(QString(), QStringLiteral("Be brief."), QString());  // by hand
  fields.setModel(file("chat"));
  EXPECT_EQ(fields.chat(), QString());
  EXPECT_EQ(fields.system(), QString()) << "without a template there is no system message";
  fields.setModel(file("plain"));
  EXPECT_EQ(fields.chat(), QString());
  fields.setModel(file("chat"));
  EXPECT_EQ(fields.chat(), QStringLiteral("auto"));
  EXPECT_EQ(fields.system(), QStringLiteral("Be brief."));
}

TEST_F(CaptureTest, AWrongModelFolderShowsTheErrorOfTheChild) {
  CaptureRequest wanted = request();
  wanted.model = file("no-model");
  ASSERT_FALSE(kvatlasProgramme().isEmpty());
  run(kvatlasProgramme(), wanted);
  EXPECT_EQ(m_end, End::Failed);
  EXPECT_THAT(m_message, HasSubstr(canCapture() ? "no-model" : "libkvatlas_capture.so"));
  EXPECT_EQ(m_message.find("kvatlas: error"), std::string::npos) << "the prefix is only for terminals";
}

TEST_F(CaptureTest, AMissingExecutableIsAFailure) {
  run(file("no-programme"), request());
  EXPECT_EQ(m_end, End::Failed);
  EXPECT_THAT(m_message, HasSubstr("no-programme"));
}

TEST_F(CaptureTest, ACrashOfTheChildIsAFailure) {
  run(script("echo 'kvatlas: prefill 25 %' >&2; kill -SEGV $$\n"), request());
  EXPECT_EQ(m_end, End::Failed);
  EXPECT_THAT(m_message, HasSubstr("crashed"));
}

TEST_F(CaptureTest, AChildThatIgnoresStopIsKilled) {
  const QString deaf = script("trap '' INT; echo 'kvatlas: loading 25 %' >&2; while :; do sleep 0.05; done\n");
  QSignalSpy progress(&m_job, &CaptureJob::progressed);
  m_job.start(deaf, request());
  ASSERT_TRUE(waitUntil([&] { return !progress.isEmpty(); }));
  EXPECT_EQ(progress.first().at(0).toString(), "loading");
  EXPECT_EQ(progress.first().at(1).toInt(), 25);
  m_job.stop();
  ASSERT_TRUE(waitUntil([this] { return m_ends > 0; }));
  EXPECT_EQ(m_end, End::Stopped);
}

// A stop by the user is no error, neither in the log nor in the message.
TEST_F(CaptureTest, AStopIsNotLoggedAsAnError) {
  const QString programme = script(
      "trap 'echo \"kvatlas: error: stopped\" >&2; exit 130' INT\necho 'kvatlas: loading 25 %' >&2\nwhile true; do "
      "sleep "
      "0.05; done\n");
  QObject::connect(&m_job, &CaptureJob::progressed, [this] { m_job.stop(); });
  run(programme, request());
  EXPECT_EQ(m_end, End::Stopped);
  EXPECT_THAT(m_log.join(QLatin1Char('|')).toStdString(), ::testing::Not(HasSubstr("error")));
  EXPECT_THAT(m_log.join(QLatin1Char('|')).toStdString(), HasSubstr("stopped"));
}

TEST_F(CaptureTest, ARealCaptureWritesATrace) {
  if (!canCapture()) GTEST_SKIP() << "built without libtorch";
  QSignalSpy progress(&m_job, &CaptureJob::progressed);
  run(kvatlasProgramme(), request());
  EXPECT_EQ(m_end, End::Done) << m_message;
  EXPECT_TRUE(QFile::exists(m_job.output()));
  EXPECT_FALSE(QFile::exists(m_job.partFile()));
  EXPECT_FALSE(progress.isEmpty());
}

TEST_F(CaptureTest, TheDialogStartsShowsAndRemembers) {
  ExplorerSettings settings(file("settings.ini"));
  CaptureRequest wanted = request();
  {
    CaptureDialog dialog(m_job, settings,
                         script("echo 'kvatlas: warning: careful' >&2; echo 'kvatlas: error: no luck' >&2; exit 1\n"));
    dialog.show();
    auto* start = child<QPushButton>(dialog, "captureStart");
    dialog.form().setRequest({});
    EXPECT_FALSE(start->isEnabled());
    EXPECT_NE(child<QLabel>(dialog, "captureProblem")->text(), "");
    dialog.form().setRequest(wanted);
    ASSERT_TRUE(start->isEnabled());
    click(start);
    EXPECT_FALSE(dialog.form().isEnabled());
    ASSERT_TRUE(waitUntil([this] { return m_ends > 0; }));
    EXPECT_TRUE(dialog.form().isEnabled());
    EXPECT_EQ(child<QLabel>(dialog, "captureState")->text(), "no luck");
    EXPECT_TRUE(child<QPlainTextEdit>(dialog, "captureLog")->toPlainText().contains(QLatin1String("careful")));
  }
  CaptureDialog again(m_job, settings, file("x"));
  EXPECT_EQ(again.form().request().text, wanted.text);
  EXPECT_EQ(again.form().request().methods, wanted.methods);
}

}  // namespace
}  // namespace kvatlas::app
