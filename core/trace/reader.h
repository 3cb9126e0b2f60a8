// Opens trace files: the index at once, data on demand. Use from one thread at a time. No torch or Qt.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include "core/base/progress.h"
#include "core/trace/records.h"

namespace kvatlas::trace {

enum class RunParts { Everything, WithoutPositions };  // kept/positions can be most of a file

// All methods throw Error naming the file and the member. Data that was not recorded (a head, a layer, parts an
// unfinished file never flushed) gives an empty optional. All sizes are checked against the header before
// memory is allocated.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& path);
  ~Reader();
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;

  [[nodiscard]] const std::filesystem::path& path() const;
  [[nodiscard]] bool complete() const;
  [[nodiscard]] const TraceHeader& header() const;  // prompt included
  [[nodiscard]] std::uint64_t tokens() const;       // N

  [[nodiscard]] bool hasLayer(LayerIndex layer) const;  // recorded and flushed
  [[nodiscard]] bool hasHead(HeadIndex head) const;     // among the recorded query heads
  // Whether the file has a layer's dataset, by its name: "query", "map/max/0".
  [[nodiscard]] bool holds(LayerIndex layer, const std::string& member) const;
  // All heads, in the table's shape, log₂ codes decoded; NaN for heads that were not recorded.
  [[nodiscard]] std::optional<std::vector<float>> signal(LayerIndex layer, Signal which) const;
  [[nodiscard]] std::optional<std::vector<float>> signalOfHead(LayerIndex layer, Signal which,
                                                               HeadIndex head) const;  // [N] or [W, N]
  // Entries [first, first + count) of the axis after the heads: tokens, or queries of the window.
  [[nodiscard]] std::optional<std::vector<float>> signalOfHead(LayerIndex layer, Signal which, HeadIndex head,
                                                               std::uint64_t first, std::uint64_t count) const;
  [[nodiscard]] std::optional<std::vector<float>> windowRows(LayerIndex layer,
                                                             HeadIndex head) const;  // [W, N], decoded
  // A single row of the last W queries, [N]; row 0 is the first of them.
  [[nodiscard]] std::optional<std::vector<float>> windowRow(LayerIndex layer, HeadIndex head, std::uint64_t row) const;

  // One head's map at a level as probabilities [n, n], or a rectangle of it.
  [[nodiscard]] std::optional<std::vector<float>> map(LayerIndex layer, HeadIndex head, Reduction reduction,
                                                      std::size_t level) const;
  [[nodiscard]] std::optional<std::vector<std::uint16_t>> mapTile(LayerIndex layer, HeadIndex head, Reduction reduction,
                                                                  std::size_t level, std::size_t row,
                                                                  std::size_t column, std::size_t rows,
                                                                  std::size_t columns) const;
  [[nodiscard]] std::optional<std::vector<std::uint16_t>> queryBits(LayerIndex layer,
                                                                    HeadIndex head) const;  // bf16 [N, d]
  [[nodiscard]] std::optional<std::vector<std::uint16_t>> keyBits(LayerIndex layer, KvHeadIndex head) const;
  // Tokens [first, first + count); reads only their chunks.
  [[nodiscard]] std::optional<std::vector<std::uint16_t>> queryBits(LayerIndex layer, HeadIndex head,
                                                                    std::uint64_t first, std::uint64_t count) const;
  [[nodiscard]] std::optional<std::vector<std::uint16_t>> keyBits(LayerIndex layer, KvHeadIndex head,
                                                                  std::uint64_t first, std::uint64_t count) const;

  [[nodiscard]] std::optional<std::vector<float>> nextLogits() const;
  // Empty for a model without experts.
  [[nodiscard]] std::optional<ExpertUse> experts() const;
  [[nodiscard]] bool hasRun(std::size_t run) const;  // finished and flushed
  // Empty if the run was not finished.
  [[nodiscard]] std::optional<RunRecord> run(std::size_t run, RunParts parts = RunParts::Everything) const;
  // All generated tokens, or [first, first + count). Empty if the run was not finished or the file holds none.
  [[nodiscard]] std::optional<AttendedLayer> attended(std::size_t run, LayerIndex layer, std::uint64_t first = 0,
                                                      std::uint64_t count = UINT64_MAX) const;
  // The same of the question's tokens; empty without a question.
  [[nodiscard]] std::optional<AttendedLayer> questionAttended(std::size_t run, LayerIndex layer) const;
  [[nodiscard]] std::string notes() const;  // JSON, "" when empty

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

// A problem found by validate(): the member and its defect.
struct Finding {
  std::string member, problem;
};

// Reads everything and checks shapes, ranges, names, texts, order of positions, sums of masses, entropy, map pyramids,
// retained and oracle mass, first tokens, where KL is defined, sizes, attended keys. Empty: valid. Reads one head and
// one run at a time. Throws the errors of opening, and Cancelled.
[[nodiscard]] std::vector<Finding> validate(const std::filesystem::path& path, const WorkContext& work = {});

}  // namespace kvatlas::trace
