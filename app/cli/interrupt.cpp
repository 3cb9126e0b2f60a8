#include "app/cli/interrupt.h"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "core/base/console.h"
#include "core/base/output_file.h"
#include "core/base/thread.h"

namespace kvatlas::app {
namespace {

constexpr int kStopped = 130;

bool isIgnored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

std::string stoppedBeforeTheEnd(std::string_view complete) {
  return complete.empty() ? "stopped; nothing was written" : fmt::format("stopped when {} was complete", complete);
}

// Every thread blocks the signals and one thread waits for them, so that no code runs inside a signal handler.
struct Interrupt::Impl {
  LastWords last_words;
  timespec patience{};
  std::stop_source source;
  std::atomic<bool> closing{false};
  sigset_t signals{}, before{};
  std::thread waiter;

  void watch() {
    int signal = 0;
    while (sigwait(&signals, &signal) == 0 && !closing) {
      if (signal == SIGUSR1) continue;
      source.request_stop();
      return waitForTheEnd();
    }
  }

  void waitForTheEnd() const {
    int next = -1;
    do next = sigtimedwait(&signals, nullptr, &patience);
    while (next < 0 && errno == EINTR);
    if (closing) return;
    const std::string_view complete = abandonOutputs();
    if (next < 0)
      say(fmt::format("{}kvatlas: error: {}\n", isatty(STDERR_FILENO) == 1 ? "\r\033[K" : "",
                      printable(last_words(complete))));
    _exit(kStopped);
  }
};

Interrupt::Interrupt(LastWords last_words, std::chrono::milliseconds patience) : m_impl(std::make_unique<Impl>()) {
  m_impl->last_words = std::move(last_words);
  m_impl->patience = {.tv_sec = patience.count() / 1000, .tv_nsec = patience.count() % 1000 * 1'000'000};
  sigemptyset(&m_impl->signals);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&m_impl->signals, signal);
  if (!isIgnored(SIGHUP)) sigaddset(&m_impl->signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &m_impl->signals, &m_impl->before);
  m_impl->waiter = startThread([impl = m_impl.get()] { impl->watch(); });
}

Interrupt::~Interrupt() {
  m_impl->closing = true;
  pthread_kill(m_impl->waiter.native_handle(), SIGUSR1);
  m_impl->waiter.join();
  pthread_sigmask(SIG_SETMASK, &m_impl->before, nullptr);
}

std::stop_token Interrupt::token() const {
  return m_impl->source.get_token();
}

}  // namespace kvatlas::app
