// Whatever a user presses and clicks, the Explorer neither crashes nor hangs nor warns, and then opens a trace as ever.
// KVATLAS_MONKEY=STEPS[:SEED] sets how much; KVATLAS_MONKEY_TELLS prints each step.
#include <QDir>
#include <cstdlib>
#include <fstream>

#include "app/explorer/explorer_settings.h"
#include "app/explorer/measure/settle.h"
#include "app/explorer/window/main_window.h"
#include "tests/app/explorer/monkey.h"
#include "tests/support/sample_results.h"
#include "tests/views/pages/qt_widgets.h"

namespace kvatlas::app {
namespace {

constexpr int kUsualSteps = 600;
constexpr qint64 kMostMs = 5000;  // for one event, on a machine that is busy with other tests

class MonkeyTest : public test::QtWidgetTest {
 protected:
  MonkeyTest() : m_settings(file("settings.ini")) {
    // For the names that it types, and those that dialogs offer.
    QDir::setCurrent(QString::fromStdString(m_folder.path().string()));
    qputenv("HOME", QByteArray::fromStdString(m_folder.path().string()));
    m_window = std::make_unique<MainWindow>(m_settings);
    m_window->actions().quit->setEnabled(false);
    child<QWidget>(*m_window, "startExample")->setEnabled(false);  // its notes would go beside it
    ignoreWarnings("not accepted by receiving widget");            // in the mode of "What's this?", say
    m_window->resize(1440, 900);
    m_window->show();
  }
  ~MonkeyTest() override {
    QDir::setCurrent(QStringLiteral("/"));
    qputenv("HOME", m_home);
  }

  [[nodiscard]] std::vector<QString> files() {
    const auto name = [](const std::filesystem::path& path) { return QString::fromStdString(path.string()); };
    std::ofstream(m_folder / "no-trace.kva.h5") << "no trace";
    return {name(sample("a.kva.h5", {.budgets = {32, 64}})),
            name(sample("b.kva.h5", {.budgets = {16}, .seed = 2})),
            name(sample("small.kva.h5", {.tokens = 9, .layers = 1, .query_heads = 1, .kv_heads = 1, .window = 2})),
            name(sample("experts.kva.h5", {.keep_qk = false, .attended = 0, .experts = 4})),
            name(sample("unfinished.kva.h5", {.finish = false})) + QStringLiteral(".part"),
            file("no-trace.kva.h5"),
            file("absent.kva.h5"),
            name(results())};
  }
  [[nodiscard]] std::filesystem::path results() {
    const auto folder = m_folder / "results";
    results::test::writeCases(folder, results::Settings(results::test::sampleValues()));
    return folder;
  }

  QByteArray m_home = qgetenv("HOME");
  ExplorerSettings m_settings;
  std::unique_ptr<MainWindow> m_window;
};

TEST_F(MonkeyTest, AnythingAnywhere) {
  test::Monkey::Options options{.seed = 1, .steps = kUsualSteps};
  if (const char* const wanted = std::getenv("KVATLAS_MONKEY")) {
    const QStringList parts = QString::fromLocal8Bit(wanted).split(QLatin1Char(':'));
    options.steps = parts[0].toInt();
    if (parts.size() > 1) options.seed = parts[1].toUInt();
  }
  options.tells = std::getenv("KVATLAS_MONKEY_TELLS") != nullptr;
  const std::vector<QString> paths = files();
  for (const QString& path : paths) {
    options.errands.emplace_back([this, path] { m_window->openFile(path); });
    options.errands.emplace_back([this, path] { m_window->addFile(path); });
  }
  m_window->openFile(paths.front());
  test::Monkey monkey(*m_window, options);
  QElapsedTimer timer;
  for (timer.start(); !monkey.done() && timer.elapsed() < 30'000 + 200LL * options.steps;)
    QCoreApplication::processEvents(QEventLoop::AllEvents | QEventLoop::WaitForMoreEvents, 20);
  ASSERT_TRUE(monkey.done());
  EXPECT_LT(monkey.longestStepMs(), kMostMs);
  std::cout << options.steps << " steps of seed " << options.seed << ", the longest " << monkey.longestStepMs()
            << " ms\n";
  m_window->openFile(paths.front());
  EXPECT_TRUE(waitUntil(
      [&] { return m_window->document().isOpen() && m_window->document().path() == paths.front().toStdString(); }));
  EXPECT_TRUE(settle(*m_window));
}

}  // namespace
}  // namespace kvatlas::app
