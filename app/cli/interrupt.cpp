#include "app/cli/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace kvatlas::app {

// Signals are blocked in every thread and taken by one that waits for them, so that no code runs inside a signal handler.
struct Interrupt::Impl {
  std::stop_source source;
  std::atomic<bool> closing{false};
  sigset_t signals{}, before{};
  std::thread waiter;
};

Interrupt::Interrupt() : m_impl(std::make_unique<Impl>()) {
  sigemptyset(&m_impl->signals);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&m_impl->signals, signal);
  pthread_sigmask(SIG_BLOCK, &m_impl->signals, &m_impl->before);
  m_impl->waiter = std::thread([impl = m_impl.get()] {
    int signal = 0;
    while (sigwait(&impl->signals, &signal) == 0 && !impl->closing) {
      if (signal == SIGUSR1) continue;
      if (impl->source.stop_requested()) _exit(130);
      impl->source.request_stop();
    }
  });
}

Interrupt::~Interrupt() {
  m_impl->closing = true;
  pthread_kill(m_impl->waiter.native_handle(), SIGUSR1);
  m_impl->waiter.join();
  pthread_sigmask(SIG_SETMASK, &m_impl->before, nullptr);
}

std::stop_token Interrupt::token() const { return m_impl->source.get_token(); }

}  // namespace kvatlas::app
