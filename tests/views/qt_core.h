// A fixture with a Qt event loop and no window: waits for conditions, and fails on any Qt warning.
#pragma once

#include <gtest/gtest.h>

#include <QCoreApplication>
#include <QElapsedTimer>
#include <QStringList>
#include <QThread>
#include <filesystem>
#include <functional>

#include "tests/support/sample_trace.h"
#include "tests/support/scratch_folder.h"

namespace kvatlas::test {

class QtCoreTest : public ::testing::Test {
 protected:
  QtCoreTest() {  // before any member of a test
    static int argc = 1;
    static char name[] = "test", *argv[] = {name, nullptr};
    static QCoreApplication application(argc, argv);
    warnings().clear();
    qInstallMessageHandler([](QtMsgType type, const QMessageLogContext&, const QString& text) {
      if (type != QtDebugMsg && type != QtInfoMsg) warnings() << text;
    });
  }
  void TearDown() override {
    qInstallMessageHandler(nullptr);
    EXPECT_EQ(warnings().join("\n").toStdString(), "");
  }

  // Runs the event loop until the condition holds; false on timeout.
  static bool waitUntil(const std::function<bool()>& condition) {
    QElapsedTimer timer;
    for (timer.start(); !condition() && timer.elapsed() < 20000;) {
      QCoreApplication::processEvents();
      QThread::msleep(1);
    }
    return condition();
  }

  // A sample trace in this test's folder.
  std::filesystem::path sample(const std::string& name, const SampleTraceOptions& options = {}) {
    writeSampleTrace(m_folder / name, options);
    return m_folder / name;
  }
  ScratchFolder m_folder;

 private:
  static QStringList& warnings() {
    static QStringList texts;
    return texts;
  }
};

}  // namespace kvatlas::test
