// A QApplication without a display. Qt warnings fail the running test.
#pragma once

#include <gtest/gtest.h>

#include <QApplication>
#include <QtTest/QTest>

namespace kvatlas::test {

// Base class of widget test fixtures.
class QtTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    static int count = 1;
    static char name[] = "kvatlas-test";
    static char* arguments[] = {name, nullptr};
    if (QCoreApplication::instance() == nullptr) new QApplication(count, arguments);
  }
  void SetUp() override { qInstallMessageHandler(&QtTest::handle); }
  void TearDown() override { qInstallMessageHandler(nullptr); }

 private:
  static void handle(QtMsgType type, const QMessageLogContext&, const QString& text) {
    if (type == QtDebugMsg || type == QtInfoMsg) return;
    if (text.startsWith(QStringLiteral("This plugin does not support"))) return;  // from the offscreen platform
    ADD_FAILURE() << "Qt: " << text.toStdString();
  }
};

}  // namespace kvatlas::test
