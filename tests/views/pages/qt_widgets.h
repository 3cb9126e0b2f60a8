// Fixture that drives real widgets off screen with real events, waits on conditions and fails on any Qt warning.
#pragma once

#include <gtest/gtest.h>

#include <QApplication>
#include <QComboBox>
#include <QElapsedTimer>
#include <QEventLoop>
#include <QStringList>
#include <QTest>
#include <filesystem>
#include <functional>

#include "tests/support/sample_trace.h"
#include "tests/support/scratch_folder.h"

namespace kvatlas::test {

class QtWidgetTest : public ::testing::Test {
 protected:
  QtWidgetTest() {
    static int argc = 1;
    static char name[] = "test", *argv[] = {name, nullptr};
    // Never destroyed: Qt's globals may be destroyed first at exit.
    static auto* application = new QApplication(argc, argv);
    (void)application;
    warnings().clear();
    s_ignored.clear();
    qInstallMessageHandler([](QtMsgType type, const QMessageLogContext&, const QString& text) {
      // Warnings about the test's account and platform, not about the window.
      const bool session = text.startsWith(QLatin1String("QStandardPaths:")) ||
                           text.contains(QLatin1String("This plugin does not support"));
      const bool ignored = !s_ignored.isEmpty() && text.contains(s_ignored);
      if (type != QtDebugMsg && type != QtInfoMsg && !session && !ignored) warnings() << text;
    });
  }
  ~QtWidgetTest() override {
    QApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
    qInstallMessageHandler(nullptr);
    EXPECT_EQ(warnings().join(QLatin1Char('\n')).toStdString(), "");
  }

  // Warnings with this text are no fault in this test.
  static void ignoreWarnings(const char* text) { s_ignored = QString::fromLatin1(text); }

  // Runs the event loop until the condition holds; false on timeout.
  static bool waitUntil(const std::function<bool()>& condition) {
    QElapsedTimer timer;
    for (timer.start(); !condition() && timer.elapsed() < 30000;)
      QCoreApplication::processEvents(QEventLoop::AllEvents | QEventLoop::WaitForMoreEvents, 20);
    return condition();
  }

  // The child with this name; fails the test if there is none.
  template <class Widget>
  static Widget* child(QObject& parent, const char* name) {
    auto* found = parent.findChild<Widget*>(QString::fromLatin1(name));
    EXPECT_NE(found, nullptr) << name;
    return found;
  }
  static void click(QWidget* widget) { QTest::mouseClick(widget, Qt::LeftButton); }

  // A sample trace in this test's folder.
  std::filesystem::path sample(const std::string& name, const SampleTraceOptions& options = {}) {
    writeSampleTrace(m_folder / name, options);
    return m_folder / name;
  }
  [[nodiscard]] QString file(const std::string& name) const {
    return QString::fromStdString((m_folder / name).string());
  }
  ScratchFolder m_folder;

 private:
  static inline QString s_ignored;
  static QStringList& warnings() {
    static QStringList texts;
    return texts;
  }
};

}  // namespace kvatlas::test
