#include "core/base/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "core/base/console.h"
#include "core/base/error.h"

namespace kvatlas {
namespace {

class SilentProgress final : public Progress {
 public:
  void begin(std::string_view, std::uint64_t) override {}
  void advance(std::uint64_t) override {}
  void end() override {}
  void warn(std::string_view) override {}
};

class StderrProgress final : public Progress {
 public:
  explicit StderrProgress(bool quiet) : m_quiet(quiet), m_terminal(isatty(STDERR_FILENO) == 1) {}

  void begin(std::string_view task, std::uint64_t total) override {
    m_task = task;
    m_total = std::max<std::uint64_t>(total, 1);
    m_start = Clock::now();
    m_drawn = {};
    m_quarter = 0;
    m_open = true;
    advance(0);
  }

  void advance(std::uint64_t done) override {
    if (m_quiet || !m_open) return;
    done = std::min(done, m_total);
    if (m_terminal) {
      drawBar(done);
    } else if (const auto quarter = 4 * done / m_total; quarter > m_quarter) {
      m_quarter = quarter;
      say(fmt::format("kvatlas: {} {} %\n", m_task, 25 * quarter));
    }
  }

  void end() override {
    if (m_quiet || !m_open) return;
    if (m_terminal) say("\r\033[K");
    m_open = false;
  }

  void note(std::string_view message) override {
    if (m_quiet) return;
    if (m_open && m_terminal) say("\r\033[K");
    say(fmt::format("kvatlas: {}\n", printable(message)));
  }

  void warn(std::string_view message) override {
    if (m_open && m_terminal && !m_quiet) say("\r\033[K");
    say(fmt::format("kvatlas: warning: {}\n", printable(message)));
  }

 private:
  using Clock = std::chrono::steady_clock;

  void drawBar(std::uint64_t done) {
    const auto now = Clock::now();
    if (done < m_total && now - m_drawn < std::chrono::milliseconds(80)) return;
    m_drawn = now;
    const double seconds = std::chrono::duration<double>(now - m_start).count();
    const auto filled = static_cast<int>(30 * done / m_total);
    std::string left;
    if (done > 0 && done < m_total && seconds > 1)
      left = fmt::format(", {:.0f} s left", seconds * static_cast<double>(m_total - done) / static_cast<double>(done));
    say(fmt::format("\r\033[K{:<10} [{:█<{}}{:·<{}}] {}/{}{}", m_task, "", filled, "", 30 - filled, done, m_total,
                    left));
  }

  bool m_quiet;
  bool m_terminal;
  bool m_open = false;
  std::string m_task;
  std::uint64_t m_total = 1;
  std::uint64_t m_quarter = 0;
  Clock::time_point m_start, m_drawn;
};

}  // namespace

void Progress::note(std::string_view) {}

Progress& silentProgress() {
  static SilentProgress silent;
  return silent;
}

void WorkContext::checkStop() const {
  if (stop.stop_requested()) throw Cancelled();
}

std::unique_ptr<Progress> makeStderrProgress(bool quiet) {
  return std::make_unique<StderrProgress>(quiet);
}

}  // namespace kvatlas
