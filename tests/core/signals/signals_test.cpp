// The table of signals: names and shapes of the trace format, sets, the fields of a probe's output, unknown signals.
#include "core/signals/signals.h"

#include <gmock/gmock.h>

#include <cmath>
#include <set>
#include <stdexcept>

#include "core/signals/probe_output.h"
#include "core/signals/stored.h"
#include "kernels/attention_probe.h"
#include "kernels/cuda/cuda_library.h"

namespace kvatlas {
namespace {

TEST(Signals, AreTheDatasetsOfTheFormatInItsOrder) {
  std::vector<std::string> names;
  for (const SignalInfo& info : signalTable()) names.emplace_back(info.name);
  EXPECT_THAT(names, testing::ElementsAre("lse", "entropy", "received", "window_sum", "window_rows", "key_norm",
                                          "value_norm", "key_similarity", "lag_score", "expected", "noncausal",
                                          "leverage", "output_norm", "page_bound", "reconstruction"));
  EXPECT_EQ(alwaysMeasured().members().size(), 7U) << "the others only where a method asks";
  EXPECT_EQ(onDemandOf({Signal::Received, Signal::Leverage}), SignalSet{Signal::Leverage});
  for (const SignalInfo& info : signalTable()) {
    EXPECT_EQ(findSignal(info.name), info.signal);
    EXPECT_EQ(&infoOf(info.signal), &info);
    EXPECT_FALSE(info.unit.empty() || info.cost.empty() || info.meaning.empty()) << info.name;
  }
}

TEST(Signals, UnknownSignalsAreRefused) {
  EXPECT_EQ(findSignal("recieved"), std::nullopt);
  EXPECT_EQ(findSignal(""), std::nullopt);
  EXPECT_THROW((void)infoOf(static_cast<Signal>(kSignalCount)), std::logic_error);
}

TEST(Signals, HaveTheShapesOfTheFormat) {
  const SignalShape shape{.query_heads = 6, .kv_heads = 2, .tokens = 100, .window = 8};
  EXPECT_EQ(valueCount(infoOf(Signal::Received), shape), 600U);
  EXPECT_EQ(valueCount(infoOf(Signal::WindowSum), shape), 600U);
  EXPECT_EQ(valueCount(infoOf(Signal::WindowRows), shape), 4800U);
  EXPECT_EQ(valueCount(infoOf(Signal::KeyNorm), shape), 200U);
}

TEST(SignalSets, ContainTheirMembers) {
  SignalSet set{Signal::KeyNorm};
  EXPECT_FALSE(set.contains(Signal::Received));
  set |= {Signal::Received};
  EXPECT_THAT(set.members(), testing::ElementsAre(Signal::Received, Signal::KeyNorm));
  EXPECT_EQ(quoted(set), "'received' and 'key_norm'");
  EXPECT_EQ(quoted(set | SignalSet{Signal::Lse}), "'lse', 'received' and 'key_norm'");
  EXPECT_TRUE(SignalSet().empty());
  EXPECT_EQ(SignalSet::all().members().size(), kSignalCount);
}

// Each probe signal has its own field, in the host's struct and in the CUDA library's.
template <class Output>
void expectOwnFields(Output output) {
  std::set<float**> fields;
  for (const SignalInfo& info : signalTable()) {
    float** const field = probeField(output, info.signal);
    EXPECT_EQ(field == nullptr, info.source != SignalSource::Probe) << info.name;
    if (field != nullptr) {
      EXPECT_TRUE(fields.insert(field).second) << info.name;
    }
  }
  EXPECT_EQ(probeField(output, Signal::Received), &output.received);
  EXPECT_EQ(probeField(output, Signal::WindowRows), &output.window_rows);
}

TEST(ProbeFields, AreTheOutputsOfTheHostAndOfCuda) {
  expectOwnFields(kernels::ProbeOutput{});
  expectOwnFields(KvatlasCudaProbe{});
}

TEST(StoredSignals, AreRoundedOnceAndOnlyIfStoredAsCodes) {
  SignalValues values;
  for (int i = 0; i < 300'000; ++i) values[Signal::WindowRows].push_back(std::exp(-static_cast<float>(i) / 20'000));
  values[Signal::WindowSum] = values[Signal::WindowRows];
  const std::vector<float> exact = values[Signal::WindowSum];
  roundAsStored(values, 3);
  EXPECT_EQ(values[Signal::WindowSum], exact);
  EXPECT_NE(values[Signal::WindowRows], exact);
  for (std::size_t i = 0; i < exact.size(); ++i)
    ASSERT_NEAR(values[Signal::WindowRows][i], exact[i], 3e-4F * exact[i]) << i;
  SignalValues again = values;
  roundAsStored(again, 1);
  EXPECT_EQ(again[Signal::WindowRows], values[Signal::WindowRows]);
}

}  // namespace
}  // namespace kvatlas
