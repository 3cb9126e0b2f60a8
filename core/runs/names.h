// Names of run options, in files and on the command line, and the cache size of a run.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/policy/policy.h"
#include "core/trace/schema.h"

namespace kvatlas::runs {

// What is compressed where there is a question: Prompt: both, so that a method knows the question; Context: what stands
// before it.
enum class Compress { Prompt, Context };
enum class Follow { Own, Full };  // Own: each run is fed its own tokens; Full: all are fed the full cache's

template <class Value>
struct Name {
  const char* name = nullptr;
  Value value{};
  constexpr Name(const char* word, Value means) : name(word), value(means) {}
};

inline constexpr std::array kGranularities{Name{trace::schema::kKvHeadGranularity, policy::Granularity::KvHead},
                                           Name{trace::schema::kQueryHeadGranularity, policy::Granularity::QueryHead}};
inline constexpr std::array kPresets{Name{"paper", policy::Preset::Paper}, Name{"kvpress", policy::Preset::Kvpress},
                                     Name{"exact", policy::Preset::Exact}};
inline constexpr std::array kCompresses{Name{"prompt", Compress::Prompt}, Name{"context", Compress::Context}};
inline constexpr std::array kFollows{Name{"own", Follow::Own}, Name{"full", Follow::Full}};

[[nodiscard]] const char* granularityName(policy::Granularity granularity);
[[nodiscard]] const char* presetName(policy::Preset preset);
[[nodiscard]] const char* followName(Follow follow);

// Error listing the known names for any other name.
[[nodiscard]] policy::Granularity parseGranularity(std::string_view name);
[[nodiscard]] policy::Preset parsePreset(std::string_view name);
[[nodiscard]] Follow parseFollow(std::string_view name);
[[nodiscard]] Compress parseCompress(std::string_view name);

// Bytes per number of a cache computed in "f32", "bf16" or "f16"; Error for any other type.
[[nodiscard]] std::size_t elementBytes(std::string_view dtype);
// Bytes of the keys and values of `kept` tokens, summed over all layers and stored heads.
[[nodiscard]] constexpr std::uint64_t cacheBytes(std::uint64_t kept, std::uint32_t head_dim,
                                                 std::size_t element_bytes) {
  return 2 * kept * head_dim * element_bytes;
}

}  // namespace kvatlas::runs
