// An exception in an event handler does not end the Explorer.
#include "app/explorer/explorer_application.h"

#include <gtest/gtest.h>

#include <QEventLoop>
#include <QTimer>
#include <QWidget>
#include <new>
#include <stdexcept>

namespace kvatlas::app {
namespace {

template <class Exception>
class Throwing : public QWidget {
 protected:
  void paintEvent(QPaintEvent*) override { throw Exception(); }
};

struct Unexpected : std::runtime_error {
  Unexpected() : std::runtime_error("the map has no side\nframe 1") {}
};

class ApplicationTest : public testing::Test {
 protected:
  ApplicationTest() {
    QObject::connect(&m_application, &ExplorerApplication::failed, [this](const QString& text) { m_said << text; });
  }
  static void runFor(int milliseconds) {
    QEventLoop loop;
    QTimer::singleShot(milliseconds, &loop, &QEventLoop::quit);
    loop.exec();
  }

  int m_count = 1;
  char m_name[5] = "test";
  char* m_words[2] = {m_name, nullptr};
  ExplorerApplication m_application{m_count, m_words};
  QStringList m_said;
};

TEST_F(ApplicationTest, AnExceptionIsToldOnceAndTheLoopGoesOn) {
  Throwing<Unexpected> widget;
  widget.show();
  runFor(50);
  for (int i = 0; i < 5; ++i) {
    widget.repaint();
    runFor(5);
  }
  EXPECT_EQ(m_said, QStringList{QStringLiteral("the map has no side")});
  Throwing<std::bad_alloc> other;
  other.show();
  runFor(50);
  EXPECT_EQ(m_said.size(), 2);
  EXPECT_EQ(m_said.last(), QStringLiteral("out of memory"));
}

}  // namespace
}  // namespace kvatlas::app
