// How much work a template may make: templates come with downloaded models and are not trusted.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/text/template/value.h"

namespace kvatlas::text::jinja {

struct Limits {
  std::size_t source_bytes = std::size_t{1} << 20;
  unsigned syntax_depth = 100;                          // expressions in expressions, blocks in blocks
  unsigned evaluation_depth = 400;                      // the same with the macros that are called
  std::uint64_t steps = 2'000'000;                      // statements and expressions evaluated
  std::uint64_t work_bytes = std::uint64_t{256} << 20;  // read or made by them, besides 64 times the bytes given
};

inline constexpr std::size_t kMaxRange = 100'000;  // what the sandbox of Jinja2 allows

// Counts what rendering has done. Nothing is freed from the count: it bounds memory and time at once.
class Work {
 public:
  Work(const Limits& limits, std::uint64_t input_bytes)
      : m_steps(limits.steps), m_bytes(limits.work_bytes + 64 * input_bytes) {}

  void step() {
    if (m_steps-- == 0) throw Failure("the template runs too long");
  }
  // Before the bytes are allocated or read.
  void charge(std::uint64_t bytes) {
    if (bytes > m_bytes) throw Failure("the template makes too much text");
    m_bytes -= bytes;
  }
  void chargeItems(std::uint64_t count) { charge(count > (std::uint64_t{1} << 40) ? ~std::uint64_t{0} : count * 64); }

  // New values, charged.
  [[nodiscard]] Value text(std::string text) {
    charge(64 + text.size());
    return Value::text(std::move(text));
  }
  [[nodiscard]] Value sequence(SequenceKind kind, std::vector<Value> items) {
    chargeItems(1 + items.size());
    return makeSequence(kind, std::move(items));
  }

 private:
  std::uint64_t m_steps, m_bytes;
};

}  // namespace kvatlas::text::jinja
