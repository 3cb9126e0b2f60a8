// What a prefill records per token: the table of signals, sets of them, and arrays keyed by them. No kernel, file or
// method.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kvatlas {

enum class Signal : std::uint8_t {
#define KVATLAS_SIGNAL(enumerator, ...) enumerator,
#include "core/signals/table.def"
#undef KVATLAS_SIGNAL
};

enum class SignalSource : std::uint8_t {
  Probe,
  Norms,  // of the layer's keys and values
  Layer,  // computed from queries, keys and values only where a method asks for it
  Pass    // measured in a pass of its own behind the prefill, where a method asks for it
};
enum class SignalHeads : std::uint8_t { Query, Kv };
enum class SignalExtent : std::uint8_t {
  Token,          // [heads, N]
  WindowQueries,  // [heads, N], from the last W queries: absent for W = 0
  WindowByToken   // [heads, W, N]: absent for W = 0
};
enum class SignalStored : std::uint8_t { F32, Log2Code };  // in a trace; methods read f32

struct SignalInfo {
  Signal signal;
  std::string_view name;  // of the dataset
  SignalSource source;
  SignalHeads heads;
  SignalExtent extent;
  SignalStored stored;
  double lowest;  // lower bound of values; −∞: any finite value
  std::string_view unit, cost, meaning;
  [[nodiscard]] bool needsWindow() const { return extent != SignalExtent::Token; }
  [[nodiscard]] bool onDemand() const { return source == SignalSource::Layer || source == SignalSource::Pass; }
};

// All rows, in the order of Signal. std::logic_error for a value outside the enumeration.
[[nodiscard]] std::span<const SignalInfo> signalTable();
[[nodiscard]] const SignalInfo& infoOf(Signal signal);
[[nodiscard]] std::string nameOf(Signal signal);
[[nodiscard]] std::optional<Signal> findSignal(std::string_view name);

namespace detail {
#define KVATLAS_SIGNAL(...) +1
inline constexpr std::size_t kSignalCount = 0
#include "core/signals/table.def"
    ;
#undef KVATLAS_SIGNAL
}  // namespace detail
inline constexpr std::size_t kSignalCount = detail::kSignalCount;

// A set of signals; a value.
class SignalSet {
 public:
  constexpr SignalSet() = default;
  constexpr SignalSet(std::initializer_list<Signal> members) {
    for (const Signal one : members) m_bits |= bitOf(one);
  }
  [[nodiscard]] static constexpr SignalSet all() {
    SignalSet set;
    set.m_bits = (1U << kSignalCount) - 1;
    return set;
  }
  [[nodiscard]] constexpr bool empty() const { return m_bits == 0; }
  [[nodiscard]] constexpr bool contains(Signal one) const { return (m_bits & bitOf(one)) != 0; }
  constexpr SignalSet& operator|=(SignalSet other) {
    m_bits |= other.m_bits;
    return *this;
  }
  friend constexpr SignalSet operator|(SignalSet a, SignalSet b) { return a |= b; }
  friend constexpr bool operator==(SignalSet, SignalSet) = default;
  // Ascending.
  [[nodiscard]] std::vector<Signal> members() const;

 private:
  static_assert(kSignalCount < 32);
  static constexpr std::uint32_t bitOf(Signal one) { return 1U << static_cast<unsigned>(one); }
  std::uint32_t m_bits = 0;
};

// Those that every capture measures.
[[nodiscard]] SignalSet alwaysMeasured();
// Those of `set` that only a method's request measures.
[[nodiscard]] SignalSet onDemandOf(SignalSet set);

// "'received'", "'key_norm' and 'value_norm'".
[[nodiscard]] std::string quoted(SignalSet set);

struct SignalShape {
  std::size_t query_heads = 0, kv_heads = 0, tokens = 0 /* N */, window = 0 /* W */;
};
// Values of one layer: heads · N, or heads · W · N.
[[nodiscard]] std::size_t valueCount(const SignalInfo& info, const SignalShape& shape);

// One T per signal.
template <class T>
class PerSignal {
 public:
  [[nodiscard]] T& operator[](Signal signal) { return m_of.at(static_cast<std::size_t>(signal)); }
  [[nodiscard]] const T& operator[](Signal signal) const { return m_of.at(static_cast<std::size_t>(signal)); }

 private:
  std::array<T, kSignalCount> m_of{};
};

// One layer's signals in the shapes of the table, row-major; empty where a signal is absent.
using SignalValues = PerSignal<std::vector<float>>;
using SignalCodes = PerSignal<std::vector<std::uint16_t>>;  // log₂ codes of kernels/log2_codec.h
using LayerSignals = PerSignal<std::span<const float>>;

[[nodiscard]] LayerSignals viewOf(const SignalValues& values);

}  // namespace kvatlas
