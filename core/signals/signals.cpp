#include "core/signals/signals.h"

#include <algorithm>
#include <stdexcept>

namespace kvatlas {
namespace {

constexpr double kUnbounded = std::numeric_limits<double>::infinity();

constexpr std::array kTable = {
#define KVATLAS_SIGNAL(enumerator, name, source, heads, extent, stored, lowest, ...)                       \
  SignalInfo{Signal::enumerator,   #name,  SignalSource::source, SignalHeads::heads, SignalExtent::extent, \
             SignalStored::stored, lowest, __VA_ARGS__},
#include "core/signals/table.def"
#undef KVATLAS_SIGNAL
};
static_assert(kTable.size() == kSignalCount);

}  // namespace

std::span<const SignalInfo> signalTable() {
  return kTable;
}

const SignalInfo& infoOf(Signal signal) {
  const auto index = static_cast<std::size_t>(signal);
  if (index >= kTable.size()) throw std::logic_error("unknown signal");
  return kTable[index];
}

std::string nameOf(Signal signal) {
  return std::string(infoOf(signal).name);
}

std::optional<Signal> findSignal(std::string_view name) {
  const auto* const found = std::ranges::find(kTable, name, &SignalInfo::name);
  return found == kTable.end() ? std::nullopt : std::optional(found->signal);
}

std::vector<Signal> SignalSet::members() const {
  std::vector<Signal> all;
  for (const SignalInfo& info : kTable)
    if (contains(info.signal)) all.push_back(info.signal);
  return all;
}

SignalSet alwaysMeasured() {
  SignalSet set;
  for (const SignalInfo& info : kTable)
    if (!info.onDemand()) set |= SignalSet{info.signal};
  return set;
}

SignalSet onDemandOf(SignalSet set) {
  SignalSet some;
  for (const Signal signal : set.members())
    if (infoOf(signal).onDemand()) some |= SignalSet{signal};
  return some;
}

std::string quoted(SignalSet set) {
  const std::vector<Signal> all = set.members();
  std::string text;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i > 0) text += i + 1 == all.size() ? " and " : ", ";
    text.append("'").append(infoOf(all[i]).name).append("'");
  }
  return text;
}

std::size_t valueCount(const SignalInfo& info, const SignalShape& shape) {
  const std::size_t heads = info.heads == SignalHeads::Query ? shape.query_heads : shape.kv_heads;
  const std::size_t rows = info.extent == SignalExtent::WindowByToken ? shape.window : 1;
  return heads * rows * shape.tokens;
}

LayerSignals viewOf(const SignalValues& values) {
  LayerSignals view;
  for (const SignalInfo& info : kTable) view[info.signal] = values[info.signal];
  return view;
}

}  // namespace kvatlas
