// `kvatlas-explorer` and `kvatlas explore` as processes: one-sentence errors, and a window on a real display.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <QFile>
#include <QFileInfo>
#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>

#include "tests/support/sample_trace.h"

namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const QString kFolder = QStringLiteral(KVATLAS_BINARY_DIR "/bin/");

struct Ended {
  int code = -1;
  std::string out, err;
};

Ended run(const QString& programme, const QStringList& words, const QStringList& unset, const QStringList& set = {}) {
  QProcess process;
  QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
  for (const QString& name : unset) environment.remove(name);
  for (const QString& pair : set)
    environment.insert(pair.section(QLatin1Char('='), 0, 0), pair.section(QLatin1Char('='), 1));
  process.setProcessEnvironment(environment);
  process.start(kFolder + programme, words);
  EXPECT_TRUE(process.waitForFinished(60000)) << programme.toStdString();
  if (process.exitStatus() != QProcess::NormalExit) return {-1, {}, process.readAllStandardError().toStdString()};
  return {process.exitCode(), process.readAllStandardOutput().toStdString(),
          process.readAllStandardError().toStdString()};
}

const QStringList kDisplay{QStringLiteral("DISPLAY"), QStringLiteral("WAYLAND_DISPLAY"),
                           QStringLiteral("QT_QPA_PLATFORM")};

void expectOneSentence(const Ended& ended, int code) {
  EXPECT_EQ(ended.code, code) << ended.err;
  EXPECT_THAT(ended.err, StartsWith("kvatlas-explorer: error: "));
  EXPECT_EQ(std::count(ended.err.begin(), ended.err.end(), '\n'), 1) << ended.err;
}

TEST(Programme, SaysItsVersionWithoutADisplay) {
  const Ended ended = run(QStringLiteral("kvatlas-explorer"), {QStringLiteral("--version")}, kDisplay);
  EXPECT_EQ(ended.code, 0);
  EXPECT_THAT(ended.out, StartsWith("kvatlas-explorer 0."));
}

TEST(Programme, RefusesInOneSentence) {
  const QString explorer = QStringLiteral("kvatlas-explorer");
  expectOneSentence(run(explorer, {QStringLiteral("--theme"), QStringLiteral("pink")}, kDisplay), 2);
  expectOneSentence(run(explorer, {QStringLiteral("--view"), QStringLiteral("{}")}, kDisplay), 2);
  const Ended blind = run(explorer, {}, kDisplay);
  expectOneSentence(blind, 1);
  EXPECT_THAT(blind.err, HasSubstr("display"));
  expectOneSentence(run(explorer, {}, kDisplay, {QStringLiteral("DISPLAY=:987")}), 1);
  // The tour draws the file that it is given, not the example.
  const QTemporaryDir pictures;
  const Ended tour =
      run(explorer, {QStringLiteral("none.kva.h5"), QStringLiteral("--screenshot-tour"), pictures.path()}, kDisplay);
  expectOneSentence(tour, 1);
  EXPECT_THAT(tour.err, HasSubstr("none.kva.h5"));
}

TEST(Programme, ExploreStartsTheExplorer) {
  const Ended ended = run(QStringLiteral("kvatlas"), {QStringLiteral("explore"), QStringLiteral("x.kva.h5")}, kDisplay);
  expectOneSentence(ended, 1);  // the explorer's error, not kvatlas's: exec replaced the process
}

TEST(Programme, ExplorePassesTheViewOn) {
  const Ended ended = run(QStringLiteral("kvatlas"),
                          {QStringLiteral("explore"), QStringLiteral("x.kva.h5"), QStringLiteral("--view"),
                           QStringLiteral("{\"layer\": \"three\"}")},
                          kDisplay, {QStringLiteral("QT_QPA_PLATFORM=offscreen")});
  expectOneSentence(ended, 2);
  EXPECT_THAT(ended.err, HasSubstr("'layer'"));
}

// A display without a window manager: the window opens a trace and exits after the benchmark.
TEST(Programme, OpensAWindowUnderXvfb) {
  if (QStandardPaths::findExecutable(QStringLiteral("Xvfb")).isEmpty()) GTEST_SKIP() << "Xvfb is not installed";
  QTemporaryDir folder;
  const QString trace = folder.filePath(QStringLiteral("a.kva.h5"));
  kvatlas::test::writeSampleTrace(trace.toStdString(), kvatlas::test::SampleTraceOptions{});
  QProcess server;
  server.setProcessChannelMode(QProcess::ForwardedErrorChannel);
  server.start(QStringLiteral("Xvfb"),
               {QStringLiteral("-displayfd"), QStringLiteral("1"), QStringLiteral("-screen"), QStringLiteral("0"),
                QStringLiteral("1280x900x24"), QStringLiteral("-nolisten"), QStringLiteral("tcp")});
  ASSERT_TRUE(server.waitForReadyRead(30000));
  const QString display = QStringLiteral("DISPLAY=:") + QString::fromLatin1(server.readLine().trimmed());
  const Ended ended = run(QStringLiteral("kvatlas-explorer"),
                          {trace, QStringLiteral("--settings"), folder.filePath(QStringLiteral("s.ini")),
                           QStringLiteral("--bench"), QStringLiteral("startup")},
                          kDisplay, {display});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.err, "");
  EXPECT_THAT(ended.out, HasSubstr("trace open"));
  EXPECT_TRUE(QFileInfo::exists(folder.filePath(QStringLiteral("s.ini"))));
  server.terminate();
  server.waitForFinished(10000);
}

}  // namespace
